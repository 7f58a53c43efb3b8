"""Operators from the command line: trained, tested, reported, resumed, swept."""

import importlib
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

import symdyn as sd  # noqa: E402
from symdyn.jets.pointfields import parse_generators  # noqa: E402
from symdyn.neural import load_module  # noqa: E402
from symdyn.runs import checksum  # noqa: E402

pytestmark = pytest.mark.xdist_group("train_operator")  # one process makes what they share

ROOT = Path(__file__).parents[2]
QUICK = ["--modes", "3", "--width", "8", "--layers", "2", "--epochs", "3", "--batch", "32", "--lead", "2", "--quiet"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fields")
    options = {"n_trajectories": 8, "n_points": (16, 16), "n_times": 17, "largest_step": 0.1, "rng": 1}
    data = sd.systems.lambda_omega(isotropic=True, **options)
    data.chunk(trajectory=3).to_zarr(folder / "fields.zarr", consolidated=False)
    texts = sd.systems.known_symmetries("lambda_omega")
    sd.LieAlgebra(parse_generators(texts, ("t", "x", "y", "u", "v"))).save(folder / "symmetry.nc")
    return folder


def run_workflow(monkeypatch, files, out, *more):
    monkeypatch.syspath_prepend(str(ROOT / "workflows"))
    train_operator = importlib.import_module("train_operator")
    data, symmetry = str(files / "fields.zarr"), str(files / "symmetry.nc")
    command = ["train_operator.py", data, "--symmetry", symmetry, "--out", str(out), *QUICK, *more]
    monkeypatch.setattr(sys, "argv", command)
    train_operator.main()


@pytest.fixture
def workflow(monkeypatch):
    return partial(run_workflow, monkeypatch)


def table_of(out, group="models"):
    with xr.open_datatree(out / "results.nc", engine="h5netcdf") as tree:
        return tree[group].to_dataset().load()


@pytest.fixture(scope="module")
def finished(files, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "whole"
    with pytest.MonkeyPatch.context() as patch:
        run_workflow(patch, files, out)
    return out


def test_a_run_leaves_report_numbers_and_operators(finished, files):
    found = table_of(finished)
    assert list(found.model.values) == ["persistence", "mean", "plain", "equivariant"]
    untrained = found.sel(model=["persistence", "mean"])
    assert np.all(untrained.test > 0) and np.all(np.isfinite(untrained.rollout)) and np.all(np.isnan(untrained.epochs))
    plain, constrained = found.sel(model="plain"), found.sel(model="equivariant")
    assert constrained.broken_quarter_turn < 1e-5 and constrained.broken_values < 1e-5
    assert plain.broken_quarter_turn > 1e-2 and plain.broken_values > 1e-2
    assert np.isclose(constrained.test_quarter_turn, constrained.test, rtol=1e-4)
    history = table_of(finished, "history_plain")
    assert history.sizes["epoch"] == 3 and np.isclose(history.validation.min(), plain.validation)
    module = load_module(finished / "models" / "equivariant" / "operator.safetensors")
    u = torch.randn(2, 2, 16, 16)
    with torch.no_grad():
        assert torch.allclose(torch.rot90(module(u), 1, (2, 3)), module(torch.rot90(u, 1, (2, 3))), atol=1e-4)
    page = (finished / "report.html").read_text()
    assert "held by weights, exactly for quarter turns" in page and "quarter turns" in page
    assert len(list((finished / "figures").glob("*.png"))) == 4
    assert sd.LieAlgebra.load(finished / "results.nc").dim == 5
    log = (finished / "run.log").read_text()
    assert "v ∂u − u ∂v: held by weights" in log
    data = sd.open_trajectories(files / "fields.zarr")
    assert table_of(finished, "provenance").attrs["data_sha256"] == checksum(data)


def test_an_interrupted_run_goes_on_to_the_same_weights(workflow, finished, files, tmp_path, monkeypatch):
    from symdyn.runs.directory import RunDirectory

    def interrupted(self, name):
        def progress(done, total):
            if "equivariant" in name and done == 2:
                raise KeyboardInterrupt

        return progress

    with monkeypatch.context() as patch:
        patch.setattr(RunDirectory, "progress", interrupted)
        with pytest.raises(SystemExit) as caught:
            workflow(files, tmp_path / "run")
    assert caught.value.code == 130 and not (tmp_path / "run" / "results.nc").exists()
    workflow(files, tmp_path / "run", "--resume")
    for kind in ("plain", "equivariant"):
        paths = [folder / "models" / kind / "operator.safetensors" for folder in (finished, tmp_path / "run")]
        assert paths[0].read_bytes() == paths[1].read_bytes()
    same = ["test", "test_quarter_turn", "rollout", "validation"]
    assert table_of(finished)[same].identical(table_of(tmp_path / "run")[same])


def test_a_sweep_keeps_its_points(workflow, files, tmp_path):
    sizes = ["--sweep", "2,3", "--seeds", "2", "--model", "plain", "augmented", "--epochs", "1"]
    sizes += ["--space", "reflections"]
    workflow(files, tmp_path / "run", *sizes)
    found = table_of(tmp_path / "run", "sweep")
    assert found.test.dims == ("model", "n_train", "seed") and found.test.shape == (2, 2, 2)
    assert np.isfinite(found.test).all() and len(np.unique(found.test)) == 8
    assert len(list((tmp_path / "run" / "points").glob("*.json"))) == 8
    assert "Operators against the size of the data" in (tmp_path / "run" / "report.html").read_text()
    assert "not in the symmetry given: reflections" in (tmp_path / "run" / "run.log").read_text()


def test_steps_in_low_precision_keep_the_symmetry_and_are_another_run(workflow, files, tmp_path):
    out = tmp_path / "run"
    workflow(files, out, "--precision", "bf16", "--model", "equivariant", "--epochs", "1")
    found = table_of(out).sel(model="equivariant")
    assert found.broken_quarter_turn < 1e-5 and found.broken_values < 1e-5 and np.isfinite(found.test)
    with pytest.raises(SystemExit, match=r'"precision": "bf16"}, not {"precision": null}'):
        workflow(files, out, "--model", "equivariant", "--epochs", "1", "--resume")


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (["--device", "cuda:99"], "cuda:99 is not available here: "),
        (["--train", "100"], "n_train must be 1 to"),
        (["--sweep", "2,100"], "100 trajectories"),
        (["--sweep", "two"], "whole numbers"),
        (["--space", "spirals"], "space must be"),
        (["--model", "penalty", "--space", "none"], "rotations go to the weights"),
        (["--lead", "40"], "lead must be 1 to"),
    ],
)
def test_what_cannot_be_done_is_one_line(workflow, files, tmp_path, more, text):
    if "penalty" in more:
        rotation = sd.LieAlgebra(parse_generators(["∂t", "∂x", "∂y", "x ∂y − y ∂x"], ("t", "x", "y", "u", "v")))
        rotation.save(tmp_path / "rotation.nc")
        more = [*more, "--symmetry", str(tmp_path / "rotation.nc")]
    with pytest.raises(SystemExit, match=text):
        workflow(files, tmp_path / "run", *more)
