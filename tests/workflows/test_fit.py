"""Fits from the command line: a symmetry from a file, or discovered first."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import symdyn as sd
from symdyn.regression import FittedLaw
from symdyn.testing import assert_symmetric

pytestmark = pytest.mark.xdist_group("fit")  # one process makes what they share

ROOT = Path(__file__).parents[2]
ROTATION = sd.LieAlgebra(sd.candidates.so(2))


def fit(*options):
    command = [sys.executable, "workflows/fit.py", *map(str, options)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def hopf(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    x, step = sd.systems.hopf(noise=0.05, rng=0, n_trajectories=30)
    data = sd.open_trajectories(x, t=step, states=["x", "y"])
    for name in ("x", "y"):
        data[name].attrs["units"] = "m"
    data.to_netcdf(folder / "hopf.nc", engine="h5netcdf")
    ROTATION.save(folder / "so2.nc")
    return folder


def test_discovery_fit_and_report_in_one_command(hopf, tmp_path):
    done = fit(hopf / "hopf.nc", "--discover", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    law = FittedLaw.load(tmp_path / "law.nc")
    algebra = sd.LieAlgebra.load(tmp_path / "results.nc")
    assert algebra.name == "so(2)" and algebra.exact.all()
    assert_symmetric(law, algebra)
    np.testing.assert_array_equal(law.matters(), sd.systems.exact_law("hopf").coefficients != 0)
    with xr.open_datatree(tmp_path / "results.nc", engine="h5netcdf") as tree:
        names, models = set(tree.children), tree["models"].to_dataset().load()
    tables = {"validation", "comparison", "models", "samples", "law", "terms of the law", "symmetry"}
    assert names == tables | {"provenance"}
    assert set(models.symmetry.values) == {"none", "y ∂x − x ∂y"}
    np.testing.assert_array_equal(FittedLaw.load(tmp_path / "results.nc").coefficients, law.coefficients)
    page = (tmp_path / "report.html").read_text()
    assert "20 free numbers, 4 with the symmetry" in page and page.count("<figure>") == 4


def test_a_saved_symmetry_and_a_chosen_model(hopf, tmp_path):
    done = fit(hopf / "hopf.nc", "--symmetry", hopf / "so2.nc", "--model", 0, "--out", tmp_path, "--quiet")
    assert done.returncode == 0 and not done.stderr, done.stderr
    with xr.open_datatree(tmp_path / "results.nc", engine="h5netcdf") as tree:
        terms = int(tree["models"].to_dataset().n_terms[0])
    law = FittedLaw.load(tmp_path / "law.nc")
    assert law.n_terms == terms < 8 and law.states == ("x", "y")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("nothing.nc", "--discover"), "error: no such file: nothing.nc"),
        (("datasets/planets.nc", "--discover", "--law", "splines"), "error: 'splines' in 'splines' is none of"),
    ],
)
def test_what_cannot_be_done_ends_in_one_line(options, message, tmp_path):
    done = fit(*options, "--out", tmp_path)
    assert done.returncode == 1
    assert message in done.stderr and "Traceback" not in done.stderr


def test_a_source_of_the_symmetry_is_asked_for(tmp_path):
    done = fit("datasets/planets.nc", "--out", tmp_path)
    assert done.returncode == 2 and "--symmetry --discover is required" in done.stderr
