"""Real processes that die, real disks that fill, real chunks that rot: nothing finished is lost."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import symdyn as sd
from symdyn.data.tasks import one_blas_thread
from symdyn.functions.features import Polynomial
from symdyn.sums import checkpoint
from symdyn.sums.checkpoint import accumulate_resumable
from symdyn.sums.moments import accumulate
from symdyn.sums.store import load_moments

pytestmark = pytest.mark.xdist_group("faults")  # one process makes what they share

SCRIPT = Path(__file__).with_name("slow_job.py")
LAW = Polynomial(1)
N_CHUNKS = 6


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "orbits.zarr"
    sd.systems.kepler(N_CHUNKS, n_times=80).chunk({"trajectory": 1}).to_zarr(path, consolidated=False)
    return path


@pytest.fixture(scope="module")
def expected(store):
    return accumulate(sd.open_trajectories(store, chunks=1), LAW, "second_order")


def start(store, out, *options):
    command = [sys.executable, str(SCRIPT), str(store), "--out", str(out), "--scheduler", "synchronous", *options]
    # Tests that run in the background of a shell would hand their deafness to Ctrl-C on.
    listening = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, **listening)


def finish(process):
    _, said = process.communicate(timeout=60)
    return process.returncode, said


def parts(out):
    return {path.name: path.stat().st_mtime_ns for path in (out / "partial").glob("[!.]*.nc")}


def summed(store, out):
    """What the job sums, in this process."""
    data = sd.open_trajectories(store, chunks=1)
    return accumulate_resumable(data, LAW, "second_order", out, {"job": "slow"})


def wait_for_parts(process, out, n, seconds=40.0):
    """Until a running job has finished `n` chunks; a job that ends before is no use, and says why it did."""
    end = time.monotonic() + seconds
    while len(parts(out)) < n:
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            _, said = finish(process)
            pytest.fail(f"the job ended with {process.returncode} after {len(parts(out))} chunks and said: {said}")
        time.sleep(0.02)


def same_bits(a, b):
    assert a.labels == b.labels
    assert all(np.asarray(value).tobytes() == np.asarray(getattr(b, name)).tobytes() for name, value in vars(a).items())


@pytest.fixture(scope="module")
def killed(store, tmp_path_factory):
    """A job killed in the middle, while a second one tried to start in its directory."""
    out = tmp_path_factory.mktemp("killed")
    process = start(store, out)
    wait_for_parts(process, out, 2)
    process.send_signal(signal.SIGSTOP)  # alive, but in no hurry
    second = finish(start(store, out, "--fast"))
    process.kill()
    finish(process)
    return out, process.pid, second


def test_a_second_job_in_the_directory_is_refused_with_the_first_ones_process(killed):
    out, pid, (code, said) = killed
    assert code == 1 and "Traceback" not in said
    assert said.strip().splitlines()[-1].startswith(f"error: another job works in {out} (process {pid} on ")


def test_a_killed_job_goes_on_where_it_was_and_gives_the_same_bits(killed, store, expected):
    out, pid, _ = killed
    before = parts(out)
    assert 2 <= len(before) < N_CHUNKS and not (out / "moments.nc").exists()
    code, said = finish(start(store, out, "--fast", "--resume"))
    assert code == 0, said
    same_bits(load_moments(out / "moments.nc"), expected)
    after = parts(out)
    assert len(after) == N_CHUNKS and before.items() <= after.items()  # not written again
    log = (out / "run.log").read_text()
    assert f"taken over from process {pid}" in log
    assert f"resume: {len(before)} of {N_CHUNKS} chunks were finished before, skipped" in log
    assert {line.split()[-1] for line in log.splitlines() if " skipped trajectory" in line} == set(before)


def test_folds_over_many_chunks_along_axes_have_the_same_bits_after_a_kill(tmp_path, monkeypatch):
    """Ten chunks; three folds that end inside the groups that the tree joins; features far from the origin."""
    data = sd.systems.kepler(10, n_times=60)
    data = data.assign({name: data[name] + 1000 for name in ("x", "y", "z")})
    data.chunk({"trajectory": 1}).to_zarr(tmp_path / "far.zarr", consolidated=False)
    law = ("--kind", "flow", "--degree", "2", "--folds", "3")
    process = start(tmp_path / "far.zarr", tmp_path / "run", *law)
    wait_for_parts(process, tmp_path / "run", 2)
    process.kill()
    finish(process)
    before = parts(tmp_path / "run")
    assert 2 <= len(before) < 10
    code, said = finish(start(tmp_path / "far.zarr", tmp_path / "run", *law, "--fast", "--resume"))
    assert code == 0, said
    assert before.items() <= parts(tmp_path / "run").items()
    monkeypatch.setattr("symdyn.sums.moments.most_groups", lambda n_terms: 3)
    with one_blas_thread():
        whole = accumulate(sd.open_trajectories(tmp_path / "far.zarr", chunks=1), Polynomial(2), "flow")
    assert whole.labels == ("fold 0", "fold 1", "fold 2") and whole.axes.size
    same_bits(load_moments(tmp_path / "run" / "moments.nc"), whole)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_job_says_how_to_go_on(store, expected, tmp_path, sent, code):
    process = start(store, tmp_path)
    wait_for_parts(process, tmp_path, 1)
    process.send_signal(sent)
    returned, said = finish(process)
    assert returned == code and "Traceback" not in said
    assert f"what is finished is kept in {tmp_path}: go on with the same command and --resume" in said
    assert not (tmp_path / "run.lock").exists()
    before = parts(tmp_path)
    same_bits(summed(store, tmp_path), expected)
    assert before.items() <= parts(tmp_path).items()


def test_a_worker_killed_in_the_middle_changes_nothing(store, expected, tmp_path, monkeypatch):
    from dask.distributed import Client, LocalCluster

    monkeypatch.setattr(checkpoint, "_sums", _slow_sums)
    killed = []

    def kill_one(done, total):
        if done == 2 and not killed:
            killed.append(next(iter(client.run(os.getpid).values())))
            os.kill(killed[0], signal.SIGKILL)

    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": 50}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        data = sd.open_trajectories(store, chunks=1)
        found = accumulate_resumable(data, LAW, "second_order", tmp_path, 0, progress=kill_one)
    assert len(killed) == 1
    same_bits(found, expected)


def _slow_sums(*what):
    time.sleep(0.2)
    from symdyn.sums.moments import accumulate_block

    return accumulate_block(*what)


def test_a_rotten_chunk_is_named_others_are_kept_and_only_it_is_done_again(store, expected, tmp_path):
    damaged = tmp_path / "orbits.zarr"
    shutil.copytree(store, damaged)
    chunk = damaged / "vy" / "c" / "3" / "0"
    whole = chunk.read_bytes()
    chunk.write_bytes(whole[: len(whole) // 3])
    code, said = finish(start(damaged, tmp_path / "run", "--fast"))
    assert code == 1 and "Traceback" not in said
    last = said.strip().splitlines()[-1]
    assert last.startswith(f"error: trajectory '3' of {damaged}: ") and f"5 of {N_CHUNKS} chunks are finished" in last
    before = parts(tmp_path / "run")
    chunk.write_bytes(whole)
    same_bits(summed(damaged, tmp_path / "run"), expected)
    assert len(before) == 5 and before.items() <= parts(tmp_path / "run").items()


def test_a_chunk_with_nan_names_its_trajectory(tmp_path):
    data = sd.systems.kepler(4, n_times=80)
    data["z"][2, 40] = np.nan
    data.chunk({"trajectory": 1}).to_zarr(tmp_path / "gap.zarr", consolidated=False)
    with pytest.raises(ValueError, match=r"variable 'z' of trajectory '2' is not finite at sample 40 .* 3 of 4 chunks"):
        summed(tmp_path / "gap.zarr", tmp_path / "run")
    assert len(parts(tmp_path / "run")) == 3


def test_a_full_disk_says_so_and_keeps_what_is_finished(store, tmp_path):
    """A file system of its own, as small as some parts, where the system lets a user mount one."""
    summed(store, tmp_path / "one")
    size = 4 * max(path.stat().st_size for path in (tmp_path / "one" / "partial").iterdir()) // 1024 + 16
    out = tmp_path / "small"
    out.mkdir()
    mount = f"mount -t tmpfs -o size={size}k none {out} && mkdir {out}/partial"
    command = f'{mount} && "$@"; code=$?; ls {out}/partial; exit $code'
    job = [sys.executable, str(SCRIPT), str(store), "--out", str(out), "--scheduler", "synchronous", "--fast"]
    trial = ["unshare", "-Urm", "sh", "-c", f"mount -t tmpfs none {out}"]
    if shutil.which("unshare") is None or subprocess.run(trial, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    inside = ["unshare", "-Urm", "sh", "-c", command, "sh", *job]
    done = subprocess.run(inside, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    kept = done.stdout.split()
    assert 1 <= len(kept) < N_CHUNKS and all(name.endswith(".nc") for name in kept)
    last = done.stderr.strip().splitlines()[-1]
    assert f"No space left on device; {len(kept)} of {N_CHUNKS} chunks are finished and kept" in last
