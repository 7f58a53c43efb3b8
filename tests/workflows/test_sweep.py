"""A sweep from its file to its Dataset, in one process and from the command line."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from symdyn.runs.experiments import check_parameters, discovery, find_job
from symdyn.runs.sweep import grid, sweep

ROOT = Path(__file__).parents[2]


def product(a, b, name="c"):
    """A job of its own: fails for b = 0."""
    if b == 0:
        raise ValueError("b must not be 0")
    return {"product": a * b, "text": f"{name}{a}"}


def steps():
    calls = []
    return calls, lambda done, total: calls.append((done, total))


def test_dims_are_the_swept_parameters_in_their_order(tmp_path):
    results = sweep(product, {"name": "n"}, {"b": [1, 2, 3], "a": [0.1, 0.3]}, tmp_path)
    assert results["product"].dims == ("b", "a") and results["product"].shape == (3, 2)
    np.testing.assert_array_equal(results["product"], np.outer([1, 2, 3], [0.1, 0.3]))
    assert results.text.sel(a=0.3, b=2).item() == "n0.3"
    results.to_netcdf(tmp_path / "r.nc", engine="h5netcdf")


def test_finished_points_are_kept_and_new_ones_added(tmp_path):
    first = sweep(product, {}, {"a": [0.1, 0.7], "b": [1, 3]}, tmp_path)
    calls, progress = steps()
    second = sweep(product, {}, {"a": [0.1, 0.7, 0.9], "b": [1, 3]}, tmp_path, progress=progress)
    assert calls == [(4, 6), (5, 6), (6, 6)]
    xr.testing.assert_identical(second.isel(a=slice(2)), first)  # bit for bit, through the files
    calls, progress = steps()
    sweep(product, {"name": "other"}, {"a": [0.1, 0.7], "b": [1, 3]}, tmp_path, progress=progress)
    assert calls[0] == (0, 4)
    calls, progress = steps()
    sweep(product, {}, {"a": [0.1, 0.7], "b": [1, 3]}, tmp_path, progress=progress, reuse=False)
    assert calls[0] == (0, 4)


def test_a_point_is_known_by_its_own_parameters(tmp_path):
    """Whatever else is swept, whichever are fixed, and wherever its files lie."""
    sweep(product, {"name": "here"}, {"a": [0.1, 0.7], "b": [1, 3]}, tmp_path, incidental=["name"])
    for fixed, swept, found in (
        ({"name": "there", "b": 1}, {"a": [0.7, 0.1]}, 2),
        ({"name": "there", "a": 0.7}, {"b": [3, 4, 5]}, 1),
        ({"name": "here"}, {"b": [1, 4], "a": [0.1, 0.2]}, 1),
    ):
        calls, progress = steps()
        sweep(product, fixed, swept, tmp_path, progress=progress, incidental=["name"])
        assert calls[0][0] == found


def test_a_job_of_ones_own_that_has_changed_is_run_again(tmp_path, monkeypatch):
    sweep(product, {}, {"a": [1], "b": [2]}, tmp_path)
    monkeypatch.setattr("symdyn.runs.sweep.inspect.getsource", lambda job: "def product(a, b): ...")
    calls, progress = steps()
    sweep(product, {}, {"a": [1], "b": [2]}, tmp_path, progress=progress)
    assert calls[0] == (0, 1)


def test_a_point_that_fails_is_nan_says_why_and_is_tried_again(tmp_path):
    results = sweep(product, {}, {"a": [1, 2], "b": [0, 5]}, tmp_path)
    assert np.isnan(results["product"].sel(b=0)).all() and (results.text.sel(b=0) == "").all()
    assert results.error.sel(a=1, b=0).item() == "ValueError: b must not be 0"
    assert results.error.sel(a=1, b=5).item() == ""
    calls, progress = steps()
    sweep(product, {}, {"a": [1, 2], "b": [0, 5]}, tmp_path, progress=progress)
    assert calls[0] == (2, 4)


@pytest.mark.parametrize(
    ("swept", "message"), [({"a": 3}, "a must be a list"), ({"a": []}, "must be a list"), ({"a": [1, 1]}, "twice")]
)
def test_what_is_no_grid_is_refused(swept, message):
    with pytest.raises(ValueError, match=message):
        grid(swept)


def test_points_run_as_futures_on_a_cluster(tmp_path):
    from dask.distributed import Client, LocalCluster

    with LocalCluster(n_workers=1, processes=False, dashboard_address=":0") as cluster, Client(cluster):
        results = sweep(product, {}, {"a": [1, 2], "b": [0, 5]}, tmp_path)
    assert float(results["product"].sel(a=2, b=5)) == 10 and results.error.sel(a=1, b=0).item()


def test_discovery_counts_what_it_finds():
    found = discovery(system="hopf", candidates="gl", n_trajectories=5, n_times=150, noise=0.01, n_bootstrap=50)
    assert (found["dim"], found["algebra"]) == (1.0, "so(2)")
    assert found["symmetric"] + found["broken"] + found["undetermined"] == 4
    assert 0 < found["upper_bound"] < 0.1
    orbits = discovery(system="kepler", candidates="so", law="central:2-4", n_bodies=8, n_times=150, n_bootstrap=50)
    assert orbits["dim"] == 3


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("symdyn.regression.experiment:learning_risk", "symdyn.invariant.learning_experiment:learning_risk"),
        ("symdyn.regression.promotion.recovery:recovery_row", "symdyn.promotion.recovery:recovery_row"),
        ("symdyn.runs.experiments:discovery", "discovery"),
    ],
)
def test_jobs_are_found_by_the_names_of_older_versions(old, new):
    assert find_job(old) is find_job(new)


def test_the_shipped_file_is_one_that_runs():
    plan = tomllib.loads((ROOT / "workflows" / "sweep.toml").read_text())
    for point in grid(plan["sweep"]):
        check_parameters(find_job(plan["job"]), {**plan["fixed"], **point})


def run_sweep(path, *options):
    command = [sys.executable, "workflows/sweep.py", str(path), *map(str, options)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


PLAN = """
[fixed]
system = "hopf"
candidates = "gl"
n_times = 100
n_bootstrap = 20
[sweep]
noise = [0.0, 0.05]
n_trajectories = [5]
seed = [0, 1]
"""


def test_the_command_leaves_a_run_directory_and_resumes(tmp_path):
    (tmp_path / "plan.toml").write_text(PLAN)
    done = run_sweep(tmp_path / "plan.toml", "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert {p.name for p in (tmp_path / "run").iterdir()} >= {"report.html", "results.nc", "config.toml", "run.log"}
    with xr.open_dataset(tmp_path / "run" / "results.nc", group="sweep", engine="h5netcdf") as results:
        assert dict(results.sizes) == {"noise": 2, "n_trajectories": 1, "seed": 2}
        assert np.all(np.isfinite(results["dim"]))
    assert (tmp_path / "run" / "figures" / "1-sweep.png").stat().st_size > 5000
    (tmp_path / "run" / "report.html").unlink()
    again = run_sweep(tmp_path / "plan.toml", "--out", tmp_path / "run", "--resume")
    assert "resume: 4 of 4 points were finished before, skipped" in again.stderr


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"hopf"', '"hop"', "system must be one of"),
        ("noise", "noize", "parameter 'noize' is unknown; there are system,"),
        ("[fixed]", 'job = "nothing:at_all"\n[fixed]', "job 'nothing:at_all' is neither"),
        ("[sweep]", "[swept]", "'swept' is unknown"),
        ("[0.0, 0.05]", "[0.0, 0.05", "error: "),
    ],
)
def test_a_wrong_file_ends_in_one_line(tmp_path, old, new, message):
    (tmp_path / "plan.toml").write_text(PLAN.replace(old, new))
    done = run_sweep(tmp_path / "plan.toml", "--out", tmp_path / "run")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert message in done.stderr.strip().splitlines()[-1]
    assert not (tmp_path / "run" / "results.nc").exists()
