"""A real queue: workers in it, arrays of shares, jobs that are killed. By `make test-slurm`."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import one_machine
import pytest

import symdyn as sd
from symdyn.sums.store import load_moments

pytestmark = pytest.mark.slurm
ROOT = Path(__file__).parents[2]
OPTIONS = ["--kind", "second_order", "--law", "polynomial:4", "--chunks", "2"]
N_CHUNKS = 60
PATIENCE = 60.0


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "orbits.zarr"
    sd.systems.kepler(2 * N_CHUNKS, n_times=2400).chunk({"trajectory": 2}).to_zarr(path, consolidated=False)
    return path


@pytest.fixture(scope="module")
def alone(store, tmp_path_factory):
    """The sums of one process."""
    out = tmp_path_factory.mktemp("alone")
    subprocess.run(command(store, out), cwd=ROOT, check=True, capture_output=True)
    return load_moments(out / "moments.nc")


def command(store, out, *more):
    return [sys.executable, "workflows/accumulate.py", str(store), "--out", str(out), *OPTIONS, *more]


@pytest.fixture
def environment(queue):
    settings = {"DASK_SYMDYN__SLURM__CHECK_EVERY": "1", "DASK_SYMDYN__SLURM__MAXIMUM_JOBS": "1"}
    yield {**os.environ, **queue, **settings, "PYTHONPATH": str(ROOT)}
    one_machine.end_jobs({**os.environ, **queue})  # those of a test that has failed


@contextmanager
def started(store, out, environment):
    process = subprocess.Popen(
        command(store, out, "--scheduler", "slurm"),
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def said(*words, environment):
    return subprocess.run(words, env=environment, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def wait_until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def parts(out):
    return list((out / "partial").glob("*.nc"))


def jobs(environment):
    return said("squeue", "-h", "-t", "PD,R", "-o", "%A", environment=environment).split()


def same(path, moments):
    found = load_moments(path)
    for name, value in vars(moments).items():
        np.testing.assert_array_equal(getattr(found, name), value, err_msg=name)


def test_a_job_killed_in_the_middle_is_replaced_and_the_sums_have_the_bits_of_one_process(
    store, alone, environment, tmp_path
):
    with started(store, tmp_path / "run", environment) as process:
        wait_until(lambda: len(parts(tmp_path / "run")) >= 5)
        (killed,) = jobs(environment)
        said("scancel", killed, environment=environment)
        told, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, told
    assert f"job {killed} ended; another takes its place" in told and "Traceback" not in told
    same(tmp_path / "run" / "moments.nc", alone)
    assert jobs(environment) == [] and list((tmp_path / "run" / "workers").glob("*.err"))


def test_a_pass_that_is_told_to_stop_ends_its_jobs_and_goes_on_later(store, alone, environment, tmp_path):
    with started(store, tmp_path / "run", environment) as process:
        wait_until(lambda: len(parts(tmp_path / "run")) >= 5)
        process.send_signal(signal.SIGTERM)
        told, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 143 and "interrupted; what is finished is kept" in told and "Traceback" not in told
    assert jobs(environment) == []
    kept = len(parts(tmp_path / "run"))
    assert kept < N_CHUNKS
    done = subprocess.run(command(store, tmp_path / "run"), cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"resume: {kept} of {N_CHUNKS} chunks were finished before" in done.stderr
    same(tmp_path / "run" / "moments.nc", alone)


def test_workers_have_one_blas_thread_and_the_allocator_of_a_local_cluster(environment, tmp_path):
    script = (
        "import os\nfrom dask.distributed import get_client\nfrom symdyn.runs import scheduler\n"
        "with scheduler('slurm', folder='logs of workers'):\n"
        "    names = 'MALLOC_TRIM_THRESHOLD_', 'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS'\n"
        "    print(get_client().run(lambda: [os.environ.get(name) for name in names]).values())\n"
    )
    mine = ("MALLOC_TRIM_THRESHOLD_", "OMP_NUM_THREADS")
    clean = {key: value for key, value in environment.items() if key not in mine}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "[None, '1', '1']" in done.stdout and "65536" not in done.stdout
    assert list((tmp_path / "logs of workers").glob("*.err"))


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("QUEUE", "nowhere", "a job was refused: .*nvalid partition"),
        ("JOB_SCRIPT_PROLOGUE", '["echo no such module >&2; exit 3"]', "before its workers came: no such module"),
    ],
)
def test_jobs_that_cannot_work_end_the_pass_with_one_line(store, environment, tmp_path, name, value, why):
    wrong = {**environment, f"DASK_JOBQUEUE__SLURM__{name}": value}
    with started(store, tmp_path / "run", wrong) as process:
        told, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1 and "Traceback" not in told
    (line,) = [line for line in told.splitlines() if line.startswith("error: ")]
    assert re.search(why, line), line


def test_an_array_of_shares_with_a_killed_task_and_a_merge_have_the_bits_of_one_process(
    store, alone, environment, tmp_path
):
    out = tmp_path / "run"
    job = {**environment, "DATA": str(store), "OUT": str(out), "OPTIONS": " ".join(OPTIONS), "PYTHON": sys.executable}
    small = ["--export=ALL", "--mem=2G", "--cpus-per-task=1", f"--output={tmp_path}/%x-%A-%a.log"]
    array = said("sbatch", "--parsable", *small, "--array=1-2", "workflows/cluster/share.sbatch", environment=job)
    merge = said(
        "sbatch", "--parsable", *small, f"--dependency=afterany:{array}", "workflows/cluster/merge.sbatch",
        environment=job,
    )  # fmt: skip
    wait_until(lambda: len(parts(out)) >= 4)
    said("scancel", f"{array}_1", environment=environment)
    wait_until(lambda: not jobs(environment))
    assert "interrupted; what is finished is kept" in logs(out / "shares" / "1-of-2")
    facts = said("scontrol", "show", "job", merge, environment=environment)
    assert "JobState=COMPLETED" in facts and "ExitCode=0:0" in facts
    same(out / "moments.nc", alone)
    assert "chunks were finished before, skipped" in (out / "run.log").read_text()


def logs(folder):
    return "\n".join(path.read_text() for path in sorted(folder.rglob("run.log")))
