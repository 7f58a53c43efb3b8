"""The planets' job as the README shows it, once from end to end."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import symdyn as sd

pytestmark = pytest.mark.xdist_group("planets")  # one process makes what they share

ROOT = Path(__file__).parents[2]
GM_SUN = 2.9591220828e-4


def planets(*options):
    command = [sys.executable, "workflows/planets.py", *map(str, options)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("planets")
    done = planets("--out", out)
    assert done.returncode == 0, done.stderr
    assert f"report: {out / 'report.html'}" in done.stderr
    warned = [line for line in done.stderr.splitlines() if "warning" in line.lower()]
    assert len(warned) <= 2 and "UserWarning" not in done.stderr and done.stdout == ""
    assert (out / "run.log").read_text().count("warning") >= len(warned)
    return out


@pytest.fixture(scope="module")
def results(run):
    with xr.open_datatree(run / "results.nc", engine="h5netcdf") as tree:
        return {name: node.to_dataset().load() for name, node in tree.children.items()}


def test_run_directory_is_complete(run):
    assert {p.name for p in run.iterdir()} >= {"report.html", "results.nc", "config.toml", "run.log", "figures"}
    assert len(list((run / "figures").glob("*.png"))) == 4


def test_rotations_and_the_third_law_are_found(results):
    symmetry = results["symmetry"]
    assert symmetry.attrs["algebra"] == "so(3) + R"
    assert abs(symmetry.tau_over_scale - 1.5) <= 0.002
    assert symmetry.sizes["generator"] == 10
    assert set(symmetry.verdict.values) <= {"symmetric", "broken", "undetermined"}
    assert np.all(symmetry.upper_bound >= symmetry.violation)


def test_rotations_out_of_the_plane_are_bounded_less_well(results):
    clean = results["noise"].isel(trajectory=0)
    inside, *outside = [float(clean[name]) for name in list(clean.data_vars)[:3]]
    assert min(outside) > 3 * inside


def test_the_law_is_newtons_with_the_known_strength(results):
    law = results["law"]
    assert abs(float(law.GM) / GM_SUN - 1) < 1e-3
    assert int(law.free_coefficients) == 2 < int(law.free_coefficients_without)


def test_jupiter_shows_its_mass(results):
    bodies = results["bodies"]
    jupiter = bodies.isel(trajectory=list(bodies.trajectory.values).index("jupiter"))
    assert abs(float(jupiter.excess) / float(jupiter.mass) - 1) < 0.05


def test_left_out_bodies_are_predicted_at_least_as_well_with_the_symmetry(results):
    validation = results["validation"]
    # Without Pluto the bodies move in one plane, nothing is enforced, and both laws are the same, to rounding.
    assert np.all(validation.constrained <= validation.free_threshold_1 * (1 + 1e-6))


def test_provenance_traces_the_run(results):
    provenance = results["provenance"]
    assert {"config", "data_sha256", "numpy", "peak_memory_MB"} <= set(provenance.attrs)
    assert provenance.attrs["peak_memory_MB"] < 500
    assert "leave one body out" in provenance.stage.values


def test_the_algebra_opens_from_the_results(run):
    algebra = sd.LieAlgebra.load(run / "results.nc")
    assert algebra.name == "so(3) + R" and algebra.exact.all()


def test_resume_does_nothing_when_finished_and_starts_anew_otherwise(run):
    before = (run / "results.nc").stat().st_mtime_ns
    done = planets("--out", run, "--resume")
    assert done.returncode == 0 and "already finished" in done.stderr
    assert (run / "results.nc").stat().st_mtime_ns == before


def test_a_file_that_is_not_there_is_one_clear_error(tmp_path):
    done = planets("--out", tmp_path, "--data", tmp_path / "none.nc")
    assert done.returncode == 1
    assert "no such file" in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_velocities_in_other_units_change_no_number(tmp_path):
    data = xr.open_dataset(ROOT / "datasets" / "planets.nc").load()
    for name in ("vx", "vy", "vz"):
        data[name] = (data[name] * 149597870.7 / 86400).assign_attrs({**data[name].attrs, "units": "km/s"})
    data.to_netcdf(tmp_path / "km.nc", engine="h5netcdf")
    done = planets("--out", tmp_path / "run", "--data", tmp_path / "km.nc")
    assert done.returncode == 0, done.stderr
    assert "The fitted GM deviates from its known value by 0.066 %." in done.stderr
    assert "The median error is 0.81 % with the symmetry" in done.stderr
