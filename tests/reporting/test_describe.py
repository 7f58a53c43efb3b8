"""What reports say of each kind of result: the same functions in every module, tables that can be checked by hand."""

import importlib
import pkgutil

import numpy as np
import pytest
import xarray as xr

import symdyn as sd
import symdyn.reporting.describe
from symdyn.reporting.describe import planets, recovery, search, sweep

KINDS = [module.name for module in pkgutil.iter_modules(symdyn.reporting.describe.__path__)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_result_has_sentences_and_figures(kind):
    if kind == "training":
        pytest.importorskip("torch")
    module = importlib.import_module(f"symdyn.reporting.describe.{kind}")
    assert callable(module.draw)
    assert callable(getattr(module, "findings", None) or module.finding)


@pytest.fixture
def results():
    grid = ("noise", "seed"), np.arange(4.0).reshape(2, 2)
    return xr.Dataset({"dim": grid}, coords={"noise": [0.0, 0.1], "seed": [0, 1]})


def test_a_sweep_is_a_row_a_point(results):
    table = sweep.table(results)
    assert list(table.data_vars) == ["noise", "seed", "dim"]
    assert [table[name].values[2] for name in table.data_vars] == [0.1, 0, 2.0]
    assert sweep.findings(results, 1) == ["4 points, all combinations of noise (2), seed (2). 1 failed, see run.log."]


def test_a_sweep_is_drawn_against_what_there_is(results, tmp_path):
    ((path, caption),) = sweep.draw(tmp_path, results)
    assert path.name == "1-sweep.svg" and path.with_suffix(".png").exists() and caption.startswith("dim against noise")
    with pytest.raises(ValueError, match=r"x of \[plot\] must be one of noise, seed, got 'delta'"):
        sweep.draw(tmp_path, results, x="delta")


def test_rows_of_recovery_become_medians():
    grid = (1, 1, 3)
    values = {"n_recover": [7, 9, 14], "n_lib": [20, 20, 20], "dt": [0.1, 0.2, 0.3], "gap": [0.0, 1e-6, 1e-7]}
    found = {name: (("m", "r", "seed"), np.reshape(value, grid)) for name, value in values.items()}
    table = recovery.rows(xr.Dataset(found, coords={"m": [5], "r": [1], "seed": [0, 1, 2]}), 2)
    assert list(table.data_vars) == ["m", "r", "d", "seed", "n_recover", "n_lib", "dt", "gap"]
    medians = recovery.medians(table)
    assert medians.problem.item() == "degree 2, r = 1, m = 5"
    assert (medians.samples.item(), medians.least.item(), medians.most.item()) == (9, 7, 14)
    assert "0.45 samples per feature" in recovery.finding("ortho_se", table)


def test_the_headline_says_whether_bodies_are_simulated():
    assert planets.title(None, 0.0).startswith("Planets round the Sun")
    assert planets.title(30, 0.01) == "30 simulated bodies round one sun, noise 0.01"


def test_a_sweep_of_trainings_says_how_much_data_is_saved():
    pytest.importorskip("torch")
    from symdyn.reporting.describe import training

    errors = [[[0.4], [0.2]], [[0.2], [0.1]]]
    coords = {"model": np.array(["plain", "equivariant"], dtype=object), "n_train": [8, 16], "seed": [0]}
    found = xr.Dataset({"test": (("model", "n_train", "seed"), errors)}, coords=coords)
    (line,) = training.sweep_findings(found)
    assert line == "equivariant reaches the plain operator's error at 16 trajectories with 8 (one seed)."


def test_models_that_are_worse_than_a_baseline_are_named():
    pytest.importorskip("torch")
    from symdyn.reporting.describe import training

    untrained = {"persistence": {"test": 0.1, "rollout": 1.5}, "mean": {"test": 0.9, "rollout": 0.8}}
    trained = {"plain": {"test": 0.2, "rollout": 1.2}, "penalty": {"test": 0.05, "rollout": float("nan")}}
    assert training._against_baselines(trained, untrained) == [
        "Baselines, after one step and at the end of a rollout: persistence 0.1 and 1.5, mean 0.9 and 0.8.",
        "After one step plain is worse than persistence.",
        "At the end of a rollout plain is worse than predicting the mean and predicting 0.",
        "At the end of a rollout penalty is worse than persistence and predicting the mean and predicting 0.",
    ]


def test_the_joint_flip_is_told_as_one_element():
    found = sd.SymmetryDiscovery(sd.groups.sign_flips(2), sd.features.Polynomial(3)).fit(sd.systems.duffing(rng=0))
    (line,) = [line for line in search.findings(found, None) if "finite element" in line]
    assert line.startswith("Of 3 finite elements 1 is a symmetry: (x") and line.count("→") == 1
