import errno
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import dask
import numpy as np
import pytest

import symdyn as sd
from symdyn.data.tasks import as_finished, one_blas_thread
from symdyn.functions.features import Polynomial, from_library
from symdyn.rows.dynamics import Layout
from symdyn.sums import checkpoint, folds, store
from symdyn.sums.checkpoint import accumulate_resumable, accumulate_share
from symdyn.sums.moments import accumulate
from symdyn.sums.store import load_moments, save_moments

LAW = Polynomial(1)


@pytest.fixture(scope="module")
def store_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "orbits.zarr"
    sd.systems.kepler(12, n_times=80).chunk({"trajectory": 2}).to_zarr(path, consolidated=False)
    return path


@pytest.fixture
def data(store_path):
    return sd.open_trajectories(store_path, chunks=2)


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.DEBUG, logger="sums")
    return logging.getLogger("sums")


def equal(a, b):
    assert a.labels == b.labels
    for name, value in vars(a).items():
        np.testing.assert_array_equal(value, getattr(b, name), err_msg=name, strict=True)


def summed(data, folder, key=0, law=LAW, **options):
    return accumulate_resumable(data, law, "second_order", folder, key, **options)


def test_many_chunks_are_joined_by_the_tree_of_accumulate(tmp_path, monkeypatch):
    """Where trajectories are added up across chunks, the order of the sums shows in the last bit."""
    monkeypatch.setattr(folds, "_MOST", 4)
    monkeypatch.setattr(folds, "_FEWEST", 4)
    law, layout = Polynomial(1, columns=(0,)), Layout("flow", ("x",))
    data = sd.open_trajectories(sd.systems.kepler(36, n_times=30)).chunk({"trajectory": 2})
    one = accumulate(data, law, layout)
    assert one.fold.max() == 3
    equal(accumulate_resumable(data, law, layout, tmp_path, 0), one)
    for part in sorted((tmp_path / "partial").iterdir())[::3]:
        part.unlink()
    equal(accumulate_resumable(data, law, layout, tmp_path, 0), one)


def steps():
    calls = []
    return calls, lambda done, total: calls.append((done, total))


@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_the_sums_are_those_of_accumulate_bit_for_bit(data, tmp_path, scheduler):
    with dask.config.set(scheduler=scheduler):
        equal(summed(data, tmp_path), accumulate(data, LAW, "second_order"))


def test_a_second_call_computes_nothing_and_says_what_it_skipped(data, tmp_path, log, caplog):
    calls, progress = steps()
    first = summed(data, tmp_path, progress=progress)
    assert calls == [(k, 6) for k in range(7)]
    calls, progress = steps()
    equal(summed(data, tmp_path, log=log, progress=progress), first)
    assert calls == [(6, 6)]
    assert caplog.messages[0] == "resume: 6 of 6 chunks were finished before, skipped"
    assert sum(message.startswith("skipped trajectories '2' to '3', found ") for message in caplog.messages) == 1


def test_only_what_is_missing_is_computed(data, tmp_path):
    whole = summed(data, tmp_path)
    sorted((tmp_path / "partial").iterdir())[3].unlink()
    calls, progress = steps()
    equal(summed(data, tmp_path, progress=progress), whole)
    assert calls == [(5, 6), (6, 6)]


@pytest.mark.parametrize(
    "changed",
    [{"key": {"law": 2}}, {"law": Polynomial(2)}, {"n_points": 500}, {"reuse": False}],
    ids=["configuration", "features", "points", "anew"],
)
def test_a_changed_configuration_never_takes_old_parts(data, tmp_path, changed):
    summed(data, tmp_path)
    calls, progress = steps()
    summed(data, tmp_path, progress=progress, **changed)
    assert calls[0] == (0, 6)


def test_changed_code_never_takes_old_parts(data, tmp_path, monkeypatch):
    summed(data, tmp_path)
    monkeypatch.setattr("symdyn.sums.fingerprint.code_version", lambda packages: "another")
    calls, progress = steps()
    summed(data, tmp_path, progress=progress)
    assert calls[0] == (0, 6)


def test_a_changed_value_in_memory_changes_its_chunk_only(tmp_path):
    data = sd.open_trajectories(sd.systems.kepler(6, n_times=80))
    summed(data.chunk({"trajectory": 2}), tmp_path)
    data["x"][3, 5] += 1e-9
    calls, progress = steps()
    found = data.isel(trajectory=slice(2, 4))
    values = summed(data.chunk({"trajectory": 2}), tmp_path, progress=progress)
    # Chunks of an array in memory are slices of it: its name, a hash of all values, is part of theirs.
    assert calls[0][0] in (0, 2) and calls[-1] == (3, 3)
    np.testing.assert_array_equal(values.spread[2:4], accumulate(found, LAW, "second_order").spread)


def test_a_changed_file_of_a_zarr_store_changes_its_chunk_only(data, store_path, tmp_path):
    summed(data, tmp_path)
    chunk = store_path / "vy" / "c" / "2" / "0"
    os.utime(chunk, ns=(1, 1))
    calls, progress = steps()
    summed(data, tmp_path, progress=progress)
    assert calls == [(5, 6), (6, 6)]


def test_a_changed_netcdf_file_changes_all_chunks(tmp_path):
    path = tmp_path / "orbits.nc"
    sd.systems.kepler(4, n_times=80).to_netcdf(path, engine="h5netcdf")
    summed(sd.open_trajectories(path, chunks=2), tmp_path)
    for touched, expected in ((False, (2, 2)), (True, (0, 2))):
        if touched:
            os.utime(path, ns=(1, 1))
        calls, progress = steps()
        summed(sd.open_trajectories(path, chunks=2), tmp_path, progress=progress)
        assert calls[0] == expected


def test_transformed_data_are_other_data(data, tmp_path):
    summed(data, tmp_path)
    calls, progress = steps()
    summed(data.assign(x=data.x * 2, vx=data.vx * 2), tmp_path, progress=progress)
    assert calls[0] == (0, 6)
    renamed = data.assign_coords(trajectory=[f"run {k}" for k in range(12)])
    calls, progress = steps()
    assert summed(renamed, tmp_path, progress=progress).labels[0] == "run 0"
    assert calls[0] == (0, 6)


def test_a_part_of_the_data_finds_files_by_name_not_by_place(data, store_path, tmp_path):
    last = data.isel(trajectory=slice(8, 12))
    summed(last, tmp_path)
    os.utime(store_path / "z" / "c" / "5" / "0", ns=(2, 2))
    calls, progress = steps()
    summed(sd.open_trajectories(store_path, chunks=2).isel(trajectory=slice(8, 12)), tmp_path, progress=progress)
    assert calls[0] == (1, 2)


@pytest.mark.parametrize("damage", ["half", "empty", "bit"])
def test_a_damaged_part_is_named_dropped_and_computed_again(data, tmp_path, log, caplog, damage):
    whole = summed(data, tmp_path)
    part = sorted((tmp_path / "partial").iterdir())[0]
    content = bytearray(part.read_bytes())
    if damage == "bit":
        place = content.find(np.ascontiguousarray(load_moments(part).cross).tobytes()[:64])
        assert place > 0
        content[place + 3] ^= 1
    part.write_bytes({"half": content[: len(content) // 2], "empty": b"", "bit": content}[damage])
    equal(summed(data, tmp_path, log=log), whole)
    assert "dropped, to be computed again (traject" in caplog.messages[0] and part.name in caplog.messages[0]
    load_moments(part)


def test_a_full_disk_is_one_clear_error_and_keeps_what_is_finished(data, tmp_path, monkeypatch):
    written = []

    def quota(moments, path):
        if len(written) == 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        save_moments(moments, path)

    monkeypatch.setattr(checkpoint, "save_moments", quota)
    with pytest.raises(
        OSError, match=r"No space left on device; 4 of 6 chunks are finished and kept.*--resume"
    ) as full:
        summed(data, tmp_path)
    assert full.value.errno == errno.ENOSPC
    monkeypatch.undo()
    calls, progress = steps()
    equal(summed(data, tmp_path, progress=progress), accumulate(data, LAW, "second_order"))
    assert calls[0] == (4, 6)


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"before")

    def interrupted(path):
        raise OSError(errno.EIO, "pulled out")

    monkeypatch.setattr(store, "_sync", interrupted)
    with pytest.raises(OSError, match="pulled out"):
        store.write_whole(b"after", tmp_path / "a")
    assert [path.name for path in tmp_path.iterdir()] == ["a"] and (tmp_path / "a").read_bytes() == b"before"


@pytest.mark.parametrize("n", [1, 4, 9])
def test_shares_are_found_by_the_job_that_merges(data, tmp_path, n):
    taken = [accumulate_share(data, LAW, "second_order", tmp_path, 0, (k, n)) for k in range(1, n + 1)]
    assert sum(computed for computed, _ in taken) == 6 and all(computed == size for computed, size in taken)
    assert accumulate_share(data, LAW, "second_order", tmp_path, 0, (1, n))[0] == 0
    calls, progress = steps()
    equal(summed(data, tmp_path, progress=progress), accumulate(data, LAW, "second_order"))
    assert calls == [(6, 6)]


@pytest.mark.parametrize("share", [(0, 3), (4, 3)])
def test_a_share_that_does_not_exist_is_refused(data, tmp_path, share):
    with pytest.raises(ValueError, match=rf"1 <= k <= n, got {share[0]}/{share[1]}"):
        accumulate_share(data, LAW, "second_order", tmp_path, 0, share)


def test_trajectories_that_cannot_be_summed_are_named_and_the_others_kept(tmp_path, log, caplog):
    data = sd.systems.kepler(6, n_times=80)
    data["vy"][3, 7] = np.nan
    data = sd.open_trajectories(data).chunk({"trajectory": 1})
    with pytest.raises(ValueError, match=r"trajectory '3': variable 'vy' of trajectory '3' .* 5 of 6 chunks are"):
        summed(data, tmp_path, log=log)
    assert len(list((tmp_path / "partial").iterdir())) == 5
    assert caplog.messages[0].startswith("trajectory '3': variable 'vy'")


def test_after_many_failures_the_rest_is_not_tried(tmp_path):
    data = sd.open_trajectories(sd.systems.kepler(30, n_times=10)).chunk({"trajectory": 1})
    with dask.config.set(scheduler="synchronous"), pytest.raises(ValueError, match=r"10 chunks in all.* 0 of 30"):
        accumulate_resumable(data, LAW, "flow", tmp_path, 0)


def test_a_chunk_larger_than_memory_is_refused_by_name(data, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "_available_memory", lambda: 1000)
    with pytest.raises(ValueError, match=r"trajectories '0' to '1' make a chunk of .* fewer trajectories in a chunk"):
        summed(data, tmp_path)


def test_little_memory_means_few_threads(data, tmp_path, monkeypatch):
    seen = []

    def watched(work, n_threads):
        seen.append(n_threads)
        return as_finished(work, n_threads)

    monkeypatch.setattr(checkpoint, "as_finished", watched)
    nbytes = data.isel(trajectory=slice(0, 2)).nbytes
    for room, expected in ((2 * nbytes, 1), (13 * nbytes, 3), (10**6 * nbytes, None)):
        monkeypatch.setattr(checkpoint, "_available_memory", lambda room=room: room)
        summed(data, tmp_path, reuse=False)
        assert seen[-1] == expected


def test_a_key_without_a_lasting_identity_is_refused(data, tmp_path):
    with pytest.raises(ValueError, match="the same in every process"):
        summed(data, tmp_path, key=threading.Lock())


def test_libraries_of_pysindy_have_an_identity(data, tmp_path):
    import pysindy as ps

    library = from_library(ps.FourierLibrary(n_frequencies=1, include_cos=False).fit(np.zeros((2, 6))))
    summed(data, tmp_path, law=library)
    calls, progress = steps()
    summed(data, tmp_path, law=library, progress=progress)
    assert calls == [(6, 6)]


def test_another_process_finds_the_same_parts(store_path, tmp_path):
    code = (
        "import sys, symdyn as sd; from symdyn.sums.checkpoint import accumulate_resumable\n"
        "from symdyn.functions.features import Polynomial\n"
        "calls, (store, out) = [], sys.argv[1:]\n"
        "data = sd.open_trajectories(store, chunks=2)\n"
        "tell = lambda *step: calls.append(step)\n"
        "accumulate_resumable(data, Polynomial(1), 'second_order', out, 0, progress=tell); print(calls)"
    )
    summed(sd.open_trajectories(Path(store_path), chunks=2), tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", code, str(store_path), str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[(6, 6)]", done.stderr


def test_a_layout_is_taken_as_it_is(data, tmp_path):
    layout = Layout("flow", ("x", "vx"))
    equal(accumulate_resumable(data, LAW, layout, tmp_path, 0), accumulate(data, LAW, layout))


def test_blas_has_one_thread_until_the_last_task_ends():
    from threadpoolctl import threadpool_info, threadpool_limits

    def threads():
        return max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")

    with threadpool_limits(2, user_api="blas"):
        before = threads()
        first, second = one_blas_thread(), one_blas_thread()
        first.__enter__()
        second.__enter__()
        first.__exit__()
        assert threads() == 1
        second.__exit__()
        assert threads() == before
