"""Blocks of files: bounded in bytes, along the file's own chunks, and of no effect on results."""

import shutil
import warnings

import numpy as np
import pytest
import xarray as xr

import symdyn as sd
from symdyn.data.formats import blocks
from symdyn.functions.features import Polynomial
from symdyn.sums.checkpoint import accumulate_resumable, accumulate_share
from symdyn.sums.moments import accumulate

N, N_TIMES, CHUNK = 20, 50, 2
ROW = 8 * N_TIMES * 7  # bytes of a trajectory: six states and the times


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("blocks") / "orbits.zarr"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Zarr, which has no word yet on consolidated metadata
        sd.systems.kepler(N, n_times=N_TIMES).chunk({"trajectory": CHUNK}).to_zarr(path, consolidated=True)
    return path


def cuts(data):
    """Edges of blocks inside the data."""
    return set(np.cumsum(data.chunksizes["trajectory"])[:-1].tolist())


@pytest.mark.parametrize("rows", [2, 3, 5, 7, 100])
def test_blocks_end_where_chunks_of_the_store_end_and_hold_no_more_than_the_bound(path, monkeypatch, rows):
    monkeypatch.setattr(blocks, "_MANY", 1)
    data = sd.open_trajectories(path, chunks=f"{rows * ROW}B")
    assert cuts(data) <= set(range(0, N, CHUNK))
    assert max(data.chunksizes["trajectory"]) == min(rows // CHUNK * CHUNK, N)
    assert data.chunksizes["time"] == (N_TIMES,)


def test_the_default_bound_counts_all_variables(path, monkeypatch):
    monkeypatch.setattr(blocks, "_MANY", 1)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 6 * ROW)
    assert set(sd.open_trajectories(path).chunksizes["trajectory"]) == {6, 2}


def test_a_small_store_keeps_its_chunks_apart_and_tiny_chunks_are_joined(path, monkeypatch):
    assert len(sd.open_trajectories(path).chunksizes["trajectory"]) == N // CHUNK
    monkeypatch.setattr(blocks, "_MANY", 5)
    assert sd.open_trajectories(path).chunksizes["trajectory"] == (4,) * 5


def test_chunks_larger_than_the_bound_are_cut_and_the_cost_is_said(tmp_path):
    data = sd.systems.kepler(11, n_times=N_TIMES)
    data.chunk({"trajectory": 5}).to_zarr(tmp_path / "a.zarr", consolidated=False)
    with pytest.warns(UserWarning, match=r"5 rows of 2.* is read 3 times, .* at most 2: .*chunks=5"):
        opened = sd.open_trajectories(tmp_path / "a.zarr", chunks=f"{2 * ROW}B")
    assert {5, 10} <= cuts(opened) and max(opened.chunksizes["trajectory"]) == 2
    np.testing.assert_array_equal(opened["vx"].values, data["vx"].values)


def test_a_run_that_exceeds_the_bound_by_far_is_named(path):
    with pytest.warns(UserWarning) as said:
        sd.open_trajectories(path, chunks="500B")
    assert any("one trajectory holds 2.73 kiB" in str(one.message) for one in said)


def test_a_file_without_chunks_is_cut_at_the_bound_and_numbers_of_four_bytes_count_as_eight(tmp_path):
    data = sd.systems.kepler(10, n_times=N_TIMES).astype("f4")
    data.to_netcdf(tmp_path / "a.nc", engine="scipy")
    data.to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    for name in ("a.nc", "b.nc"):
        assert sd.open_trajectories(tmp_path / name, chunks=f"{4 * ROW}B").chunksizes["trajectory"] == (4, 4, 2)
        assert sd.open_trajectories(tmp_path / name).chunksizes["trajectory"] == (10,)


def test_fields_are_cut_at_the_same_bound(tmp_path, monkeypatch):
    values = np.random.default_rng(0).normal(size=(6, 20, 16))
    grids = {"time": 0.1 * np.arange(20), "x": 0.1 * np.arange(16)}
    data = xr.Dataset({"u": (("trajectory", "time", "x"), values)}, grids)
    data.chunk({"trajectory": 1}).to_zarr(tmp_path / "u.zarr", consolidated=False)
    monkeypatch.setattr(blocks, "_MANY", 1)
    bound = 2 * 8 * values[0].size
    assert sd.open_trajectories(tmp_path / "u.zarr", chunks=f"{bound}B").chunksizes["trajectory"] == (2,) * 3


def test_sums_do_not_depend_on_the_size_of_blocks(path, monkeypatch):
    monkeypatch.setattr(blocks, "_MANY", 1)
    whole = accumulate(sd.open_trajectories(path), Polynomial(2))
    for bound in (CHUNK * ROW, 7 * ROW):
        part = accumulate(sd.open_trajectories(path, chunks=f"{bound}B"), Polynomial(2))
        for name, value in vars(whole).items():
            if name != "labels":
                np.testing.assert_allclose(getattr(part, name), value, rtol=1e-12, atol=1e-14, err_msg=name)


def test_as_many_jobs_have_work_as_the_store_has_chunks(path, tmp_path):
    data, n = sd.open_trajectories(path), N // CHUNK
    taken = [accumulate_share(data, Polynomial(1), "flow", tmp_path, 0, (k, n)) for k in range(1, n + 1)]
    assert all(computed == 1 for computed, _ in taken)
    merged = accumulate_resumable(data, Polynomial(1), "flow", tmp_path, 0)
    np.testing.assert_array_equal(merged.products, accumulate(data, Polynomial(1)).products)


def test_a_store_opens_by_url_and_from_a_zip_file_as_from_its_folder(path, tmp_path):
    fsspec = pytest.importorskip("fsspec")
    shutil.make_archive(str(tmp_path / "orbits.zarr"), "zip", path)
    fsspec.filesystem("memory").put(str(path), "/symdyn-test/orbits.zarr", recursive=True)
    folder = sd.open_trajectories(path)
    for source in (f"file://{path}", "memory://symdyn-test/orbits.zarr", tmp_path / "orbits.zarr.zip"):
        opened = sd.open_trajectories(source)
        assert opened.chunksizes == folder.chunksizes and opened.attrs == folder.attrs
        np.testing.assert_array_equal(opened["x"].values, folder["x"].values)


@pytest.mark.parametrize(
    ("url", "kind", "words"),
    [
        ("nowhere://bucket/a.zarr", ValueError, "Protocol not known: nowhere"),
        ("memory://symdyn-none/a.zarr", FileNotFoundError, "no such store: memory://symdyn-none/a.zarr"),
        ("file:///symdyn-none/a.zarr", FileNotFoundError, "no such file: /symdyn-none/a.zarr"),
        ("memory://symdyn-none/a.nc", ValueError, r"only Zarr stores \(.zarr\) open by URL"),
    ],
)
def test_a_url_that_does_not_open_is_refused_in_one_line(url, kind, words):
    pytest.importorskip("fsspec")
    with pytest.raises(kind, match=words) as error:
        sd.open_trajectories(url)
    assert "\n" not in str(error.value)


def test_a_protocol_without_its_package_says_which(monkeypatch):
    def missing(*_, **__):
        raise ImportError("Install s3fs to access S3\nand more")

    monkeypatch.setattr("zarr.open_group", missing)
    with pytest.raises(ImportError, match=r"^s3://bucket/a.zarr needs a package for s3://: Install s3fs to access S3$"):
        sd.open_trajectories("s3://bucket/a.zarr")


@pytest.mark.parametrize("chunks", [0, "0B", "plenty"])
def test_what_is_no_size_is_refused(path, chunks):
    with pytest.raises(ValueError, match=r"chunks must be a positive number, a size such as '16MB', or 'auto'"):
        sd.open_trajectories(path, chunks=chunks)
