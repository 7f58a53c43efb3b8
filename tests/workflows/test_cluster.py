"""Templates for a queue, as far as they go without one."""

import os
import subprocess
import sys
from pathlib import Path

import dask
import numpy as np
import pytest
import yaml

import symdyn as sd
from symdyn.functions.features import Polynomial
from symdyn.regression.moments_fit import sums_of
from symdyn.sums.store import load_moments

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "workflows" / "cluster"


def test_the_template_gives_a_job_script_without_a_queue():
    pytest.importorskip("dask_jobqueue")  # sets its defaults
    from symdyn.runs import slurm_cluster

    template = yaml.safe_load((CLUSTER / "slurm.yaml").read_text())
    mine = {"account": "physics", "queue": "long", "job-script-prologue": ["module load python"]}
    template["jobqueue"]["slurm"].update(mine)
    merged = dask.config.merge(dask.config.config, template)  # as Dask reads files
    with dask.config.set(merged), slurm_cluster(scheduler_options={"dashboard_address": ":0"}) as cluster:
        script = cluster.job_script()
    lines = script.splitlines()
    for line in ("-J symdyn", "-A physics", "-p long", "--cpus-per-task=8", "-t 01:00:00"):
        assert f"#SBATCH {line}" in lines
    assert {"module load python", "export OMP_NUM_THREADS=1", "export OPENBLAS_NUM_THREADS=1"} <= set(lines)
    assert "--nthreads 1" in script and "--nworkers 8" in script and "--lifetime 55m" in script


def sbatch(script, **variables):
    """What the queue does with a script, but for the queue."""
    environment = {**os.environ, "PYTHON": sys.executable, **variables}
    command = ["bash", CLUSTER / script]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_an_array_of_shares_and_a_merge_give_the_sums_of_one_process(tmp_path):
    store, out = tmp_path / "orbits.zarr", tmp_path / "run"
    sd.systems.kepler(6, n_times=80).chunk({"trajectory": 2}).to_zarr(store, consolidated=False)
    job = {"DATA": str(store), "OUT": str(out), "OPTIONS": "--kind second_order --law polynomial:1 --chunks 2"}
    for task in ("1", "2"):
        done = sbatch("share.sbatch", SLURM_ARRAY_TASK_ID=task, SLURM_ARRAY_TASK_COUNT="2", **job)
        assert done.returncode == 0, done.stderr
    assert (out / "shares" / "2-of-2" / "run.log").exists()
    done = sbatch("merge.sbatch", **job)
    assert done.returncode == 0, done.stderr
    assert "resume: 3 of 3 chunks were finished before, skipped" in done.stderr
    merged = load_moments(out / "moments.nc")
    whole = sums_of(sd.open_trajectories(store, chunks=2), Polynomial(1), "second_order")[0]
    for name, value in vars(whole).items():
        np.testing.assert_array_equal(getattr(merged, name), value, err_msg=name)


def test_scripts_of_the_queue_are_bash_and_say_what_they_need():
    for script in sorted(CLUSTER.glob("*.sbatch")):
        assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
        done = sbatch(script.name, DATA="", OUT="")
        assert done.returncode != 0 and "sbatch --export=ALL,DATA=...,OUT=..." in done.stderr


@pytest.mark.parametrize("share", ["0/3", "4/3", "a/b", "3"])
def test_a_share_that_does_not_exist_is_refused(share, tmp_path):
    command = [sys.executable, "workflows/accumulate.py", "x.nc", "--share", share, "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "is no share K/N" in done.stderr
