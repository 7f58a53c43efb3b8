from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
import xarray as xr

import symdyn as sd
from symdyn.data.formats.netcdf import dataset_of, netcdf_of
from symdyn.functions.features import CentralForce, Features, Polynomial
from symdyn.lie import candidates
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.vectorfields import VectorField
from symdyn.sums import store
from symdyn.sums.moments import accumulate
from symdyn.sums.store import (
    FORMAT_VERSION,
    algebra_to_dataset,
    dataset_to_algebra,
    dataset_to_law,
    dataset_to_moments,
    law_to_dataset,
    load_moments,
    moments_to_dataset,
    save_moments,
    save_results,
)

STATES = tuple("x y z vx vy vz".split())


def test_a_law_is_the_same_function_in_a_file(tmp_path):
    features = CentralForce((3,)) + Polynomial(1, columns=(3, 4, 5))
    coefficients = np.random.default_rng(0).standard_normal((3, features.size(6)))
    law_to_dataset(VectorField(features, coefficients, STATES), ["ax", "ay", "az"]).to_netcdf(
        tmp_path / "law.nc", engine="h5netcdf"
    )
    with xr.open_dataset(tmp_path / "law.nc", engine="h5netcdf") as dataset:
        law = dataset_to_law(dataset.load())
        assert list(dataset.output.values) == ["ax", "ay", "az"]
    points = np.random.default_rng(1).standard_normal((5, 6))
    np.testing.assert_array_equal(law(points), VectorField(features, coefficients, STATES)(points))
    assert law.states == STATES and law.features == features


def test_an_algebra_with_nothing_in_it_is_stored(tmp_path):
    empty = LieAlgebra(candidates.so(3, states="xyz")).subset([])
    empty.save(tmp_path / "empty.nc")
    loaded = LieAlgebra.load(tmp_path / "empty.nc")
    assert (loaded.dim, loaded.states, loaded.name) == (0, ("x", "y", "z"), "0")


def test_an_algebra_is_read_from_the_results_of_a_run(tmp_path):
    algebra = LieAlgebra(candidates.so(3, states="xyz"))
    groups = {"law": xr.Dataset({"GM": 1.0}), "symmetry": algebra_to_dataset(algebra)}
    save_results(groups, tmp_path / "results.nc")
    loaded = LieAlgebra.load(tmp_path / "results.nc")
    np.testing.assert_array_equal(loaded.basis.vectors(), algebra.basis.vectors())
    with xr.open_dataset(tmp_path / "results.nc", group="law", engine="h5netcdf") as law:
        assert float(law.GM) == 1.0


def test_results_say_their_format_and_what_they_hold():
    dataset = algebra_to_dataset(LieAlgebra(candidates.so(2, states="xy")))
    assert dataset.attrs["format_version"] == FORMAT_VERSION and dataset.attrs["name"] == "so(2)"
    assert list(dataset.element.values) == ["y ∂x − x ∂y"]


def test_files_of_older_formats_open_and_newer_ones_are_refused():
    dataset = algebra_to_dataset(LieAlgebra(candidates.so(2)))
    for old in (
        dataset.assign_attrs(format_version=0),
        dataset.drop_attrs(deep=False).assign_attrs(features=dataset.features),
    ):
        assert dataset_to_algebra(old).dim == 1
    law = law_to_dataset(VectorField(Polynomial(1), np.ones((1, 2)), ("x",)), ["x"])
    for newer, read in ((dataset, dataset_to_algebra), (law, dataset_to_law)):
        with pytest.raises(ValueError, match=r"format \d+, this symdyn reads up to \d+; update symdyn"):
            read(newer.assign_attrs(format_version=FORMAT_VERSION + 1))


def test_features_without_a_form_on_disk_are_refused_by_name():
    class Odd(Polynomial):
        pass

    assert issubclass(Odd, Features)
    with pytest.raises(ValueError, match="features of type Odd have no form on disk; use Polynomial"):
        law_to_dataset(VectorField(Odd(1), np.ones((1, 2)), ("x",)), ["x"])


def test_a_damaged_file_is_named(tmp_path):
    LieAlgebra(candidates.so(2)).save(tmp_path / "a.nc")
    whole = (tmp_path / "a.nc").read_bytes()
    (tmp_path / "half.nc").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"half\.nc holds no algebra: "):
        LieAlgebra.load(tmp_path / "half.nc")


@pytest.fixture(scope="module")
def moments():
    found = accumulate(sd.systems.kepler(3, n_times=60), Polynomial(1), "second_order")
    odd = found.spread.copy()
    odd[0, :4] = [np.nan, -0.0, np.inf, 5e-324]
    odd[0, 4:5].view(np.int64)[:] = 0x7FF8000000000123  # a NaN that carries a message
    return replace(found, spread=odd, labels=("a b", "ß", ""))


def test_stored_sums_are_the_same_bits(moments, tmp_path):
    save_moments(moments, tmp_path / "m.nc")
    loaded = load_moments(tmp_path / "m.nc")
    assert loaded.labels == moments.labels and [path.name for path in tmp_path.iterdir()] == ["m.nc"]
    for name, value in vars(moments).items():
        stored = np.asarray(getattr(loaded, name))
        assert (stored.dtype.kind, stored.shape) == (np.asarray(value).dtype.kind, np.shape(value)), name
        assert stored.tobytes() == np.asarray(value).tobytes() or name == "labels", name


def test_sums_are_read_by_any_netcdf_reader(moments, tmp_path):
    save_moments(moments, tmp_path / "m.nc")
    with xr.open_dataset(tmp_path / "m.nc", engine="h5netcdf") as dataset:
        assert dataset.attrs["format_version"] == FORMAT_VERSION
        np.testing.assert_array_equal(dataset["points"], moments.points)


def test_sums_of_format_1_open(moments, tmp_path):
    """They had no axes, no chart, no lengths of runs, and `cross` for `products`."""
    new = ["axes", "centre", "scale", "clock", "location", "samples", "targets"]
    values = {("cross" if name == "products" else name): v for name, v in vars(moments).items() if name not in new}
    dataset = moments_to_dataset(moments).drop_vars(new).rename(products="cross")
    dataset.attrs |= {"format_version": 1, "sha256": store._digest(values)}
    dataset.to_netcdf(tmp_path / "m.nc", engine="h5netcdf")
    loaded = load_moments(tmp_path / "m.nc")
    assert loaded.axes.shape == (0, 0)
    assert loaded.location.shape == moments.location.shape and loaded.samples.shape == moments.samples.shape
    for name in set(vars(moments)) - {"axes", "location", "samples"}:
        np.testing.assert_array_equal(getattr(loaded, name), getattr(moments, name), err_msg=name)


def test_small_files_are_read_alike_by_xarray(moments):
    dataset = moments_to_dataset(moments)
    content = netcdf_of(dataset)
    with xr.open_dataset(BytesIO(content), engine="h5netcdf", mask_and_scale=False) as found:
        xr.testing.assert_identical(found.load(), dataset)
    xr.testing.assert_identical(dataset_of(content), dataset)
    with pytest.raises(OSError, match="file"):
        dataset_of(content[:50])


def test_stored_sums_that_changed_or_lack_something_are_refused(moments, tmp_path):
    dataset = moments_to_dataset(moments)
    changed = dataset.copy(deep=True)
    changed["points"][0, 0] += 1e-16 + abs(float(changed["points"][0, 0])) * 1e-15
    for wrong, message in (
        (changed, "damaged: their checksum does not match"),
        (dataset.drop_vars("count"), "no sums over trajectories: count missing"),
        (dataset.assign_attrs(format_version=FORMAT_VERSION + 1), "update symdyn"),
    ):
        with pytest.raises(ValueError, match=message):
            dataset_to_moments(wrong)
    (tmp_path / "half.nc").write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=r"half\.nc holds no sums that can be read"):
        load_moments(tmp_path / "half.nc")
    with pytest.raises(FileNotFoundError, match=r"none\.nc"):
        load_moments(tmp_path / "none.nc")
