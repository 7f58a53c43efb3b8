"""Fields from the command line: law, point symmetries, report."""

import os
import subprocess
import sys
from pathlib import Path

import xarray as xr

import symdyn as sd

ROOT = Path(__file__).parents[2]


def test_a_file_of_fields_gives_law_symmetries_and_report(tmp_path):
    fields = sd.systems.kdv(noise=0.02, n_trajectories=6, rng=100)
    fields.to_netcdf(tmp_path / "kdv.nc", engine="h5netcdf")
    command = [sys.executable, "workflows/fields.py", str(tmp_path / "kdv.nc"), "--out", str(tmp_path / "run")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "report.html").exists() and (tmp_path / "run" / "figures" / "1-fields.png").exists()
    assert sd.LieAlgebra.load(tmp_path / "run" / "results.nc").dim == 4
    with xr.open_datatree(tmp_path / "run" / "results.nc", engine="h5netcdf") as tree:
        law = tree["law"].to_dataset()["rate of u"].load()
    assert {name for name, value in zip(law.term.values, law.values, strict=True) if value} == {"u_xxx", "u u_x"}


def test_the_sea_along_the_equator_shows_no_law_and_no_symmetry():
    search = sd.PointSymmetryDiscovery(2).fit(sd.open_trajectories(ROOT / "datasets" / "sea_surface.nc"))
    assert search.algebra_.dim == 0 and search.trivial_.dim == 0
    assert search.law_.unexplained[0] > 0.3
    assert "nothing is accepted" in search.summary()
