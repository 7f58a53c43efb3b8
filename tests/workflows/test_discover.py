"""Discovery from the command line, as the README shows it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import solve_ivp

import symdyn as sd

pytestmark = pytest.mark.xdist_group("discover")  # one process makes what they share

ROOT = Path(__file__).parents[2]


def discover(*options):
    command = [sys.executable, "workflows/discover.py", *map(str, options)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def duffing(tmp_path_factory):
    """x' = v, v' = x − x^3 with 1 % noise, in a CSV file."""
    rng, times = np.random.default_rng(0), np.linspace(0, 8, 300)
    path = tmp_path_factory.mktemp("data") / "duffing.csv"
    rows = []
    for k in range(12):
        clean = solve_ivp(
            lambda _, y: [y[1], y[0] - y[0] ** 3], (0, 8), rng.uniform(-1.5, 1.5, 2), t_eval=times, rtol=1e-9
        ).y.T
        noisy = clean + 0.01 * rng.standard_normal(clean.shape)
        rows += [f"{k},{t:.6f},{x:.6f},{v:.6f}" for t, (x, v) in zip(times, noisy, strict=True)]
    path.write_text("\n".join(["trajectory,t,x,v", *rows]))
    return path


def test_the_motion_the_inversion_and_the_energy_of_duffing(duffing, tmp_path):
    options = ("--candidates", "polynomial:3", "--conserved", "polynomial:4", "--out", tmp_path / "run")
    done = discover(duffing, *options)
    assert done.returncode == 0, done.stderr
    assert {p.name for p in (tmp_path / "run").iterdir()} >= {"report.html", "results.nc", "config.toml", "run.log"}
    assert "No continuous symmetry was found among the candidates" in done.stderr
    with xr.open_datatree(tmp_path / "run" / "results.nc", engine="h5netcdf") as tree:
        results = {name: node.to_dataset().load() for name, node in tree.children.items()}
    assert results["symmetry"].trivial.values.sum() == 1
    elements = results["finite symmetries"]
    assert list(elements.element.values[elements.verdict.values == "symmetric"]) == ["x -> -x, v -> -v"]
    energy = results["conserved quantities"]
    assert (energy.verdict == "conserved").sum() == 1
    page = (tmp_path / "run" / "report.html").read_text()
    assert "Conserved quantities" in page and "Finite symmetries" in page
    again = discover(duffing, *options, "--resume")
    assert "already finished with these options" in again.stderr


def test_a_saved_algebra_opens_from_the_results(tmp_path):
    x, step = sd.systems.hopf(noise=0.02)
    sd.open_trajectories(x, t=step, states=["x", "y"]).to_netcdf(tmp_path / "hopf.nc", engine="h5netcdf")
    options = ("--candidates", "gl", "--elements", "none", "--conserved", "none", "--out", tmp_path / "run")
    done = discover(tmp_path / "hopf.nc", *options, "--quiet")
    assert done.returncode == 0, done.stderr
    assert sd.LieAlgebra.load(tmp_path / "run" / "results.nc").name == "so(2)"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("nothing.nc",), "error: no such file: nothing.nc"),
        (("datasets/planets.nc", "--candidates", "everything"), "error: 'everything' in 'everything' is none of"),
        (("datasets/planets.nc", "--inputs", "force"), "error: input 'force' is not in the data"),
    ],
)
def test_what_cannot_be_done_ends_in_one_line(options, message, tmp_path):
    done = discover(*options, "--out", tmp_path)
    assert done.returncode == 1
    assert message in done.stderr and "Traceback" not in done.stderr
