import numpy as np
import pytest
from dask import config
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import symdyn as sd
from symdyn.functions.features import Fourier, Polynomial
from symdyn.laws.equations import Equations
from symdyn.rows.dynamics import Layout
from symdyn.sums.axes import axes_of, condition, residual_of, returned
from symdyn.sums.checkpoint import accumulate_resumable
from symdyn.sums.moments import accumulate, joined

PAIRS = Layout("pairs", ("x0", "x1"), (), ("y0",))


def far_from_zero(centre, n=2000, seed=0):
    """Pairs with temperatures around `centre`, the best prediction by cubic polynomials, and the data."""
    rng = np.random.default_rng(seed)
    x = centre + 10 * rng.standard_normal((n, 2))
    # The reference never sees the large numbers: monomials of (x − centre) / 10 in extended precision.
    near = ((x.astype(np.longdouble) - centre) / 10).astype(float)
    design = Polynomial(3)(near)
    y = design @ rng.standard_normal((10, 1)) + 0.1 * rng.standard_normal((n, 1))
    best = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    parts = [np.hstack(part) for part in zip(np.split(x, 8), np.split(y, 8), strict=True)]
    return x, best, sd.open_trajectories(parts, t=1.0, states=["x0", "x1", "y0"])


def law_of(moments, families):
    total = moments.products.sum(0)
    equations = Equations(total, np.array(families), moments.axes)
    return equations.model(equations.labels).solve(total)


def miss(method, centre):
    x, best, data = far_from_zero(centre)
    law = law_of(accumulate(data, Polynomial(3), PAIRS, method=method), Polynomial(3).families(["x0", "x1"]))
    return np.abs(Polynomial(3)(x) @ law.T - best).max() / np.abs(best).max()


@pytest.mark.parametrize("centre", [300, 1000])
def test_along_axes_the_law_is_as_exact_as_least_squares_on_rows(centre):
    x, best, data = far_from_zero(centre)
    values, y = Polynomial(3)(x), data["y0"].values.reshape(-1)
    sizes = np.abs(values).max(0)
    on_rows = values @ (np.linalg.lstsq(values / sizes, y, rcond=None)[0] / sizes)
    by_rows = np.abs(on_rows - best[:, 0]).max() / np.abs(best).max()
    assert miss("qr", centre) < 1e-9 and miss("qr", centre) < 20 * by_rows
    assert miss("gram", centre) > 1e6 * miss("qr", centre)


@pytest.mark.parametrize("kept", [("degree 0", "degree 3"), ("degree 1",), ("degree 2", "degree 3")])
def test_a_law_on_some_families_is_that_of_least_squares_on_their_columns(kept):
    x, _, data = far_from_zero(300)
    moments = accumulate(data, Polynomial(3), PAIRS, method="qr")
    families = np.array(Polynomial(3).families(["x0", "x1"]))
    total = moments.products.sum(0)
    model = Equations(total, families, moments.axes).model(kept)
    law = model.solve(total)
    columns = np.isin(families, kept)
    assert not law[:, ~columns].any()
    values, y = Polynomial(3)(x)[:, columns], data["y0"].values.reshape(-1)
    sizes = np.abs(values).max(0)
    expected = np.linalg.lstsq(values / sizes, y, rcond=None)[0] / sizes
    np.testing.assert_allclose(values @ law[0, columns], values @ expected, rtol=1e-9, atol=1e-9 * np.abs(y).max())
    left = residual_of(law, moments.axes)
    power = np.sum((y - values @ expected) ** 2)
    np.testing.assert_allclose(left @ total @ left.T, [[power]], rtol=1e-9)
    # At the minimum the residual is orthogonal to what it was fitted with.
    pull = model.left(law) @ model.rows(total) @ model.inverse(total)
    assert np.abs(pull).max() < 1e-6 * np.abs(law[:, columns] * sizes).max()


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 8), st.integers(0, 10**6), st.floats(-6, 6))
def test_turning_to_axes_and_back_is_nothing(n_features, seed, decades):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((20, n_features)) * 10 ** rng.uniform(-abs(decades), abs(decades), n_features)
    axes = axes_of(values)
    assert np.all(np.abs((values @ axes) @ returned(axes).T - values) <= 1e-13 * np.abs(values).max(0))
    assert condition(values @ axes) < 1 + 1e-9


@pytest.mark.parametrize("values", [np.zeros((0, 3)), np.zeros((5, 3)), np.ones((2, 3))])
def test_axes_are_there_for_any_values(values):
    axes = axes_of(values)
    np.testing.assert_allclose(axes.T @ returned(axes), np.eye(3), atol=1e-14)
    assert condition(values) == 1


@pytest.mark.parametrize("kind", ["flow", "map", "coarse map", "pairs"])
@pytest.mark.parametrize("features", [Polynomial(2), Fourier(1) + Polynomial(1)])
def test_sums_along_axes_are_the_sums_turned(kind, features):
    times = np.linspace(0, 12, 90)
    runs = [np.column_stack([np.cos(times * w), np.exp(np.sin(times * w))]) for w in (1.0, 1.3, 2.0)]
    data = sd.open_trajectories(runs, t=times)
    targets = ("x0", "x1") if kind == "pairs" else ()
    layout = Layout(kind.split()[-1], ("x0", "x1"), (), targets, fine=kind == "map")
    plain, turned = (accumulate(data, features, layout, method=method) for method in ("gram", "qr"))
    np.testing.assert_allclose(turned.cross, plain.cross, rtol=1e-11, atol=1e-11 * np.abs(plain.cross).max())
    for name in set(vars(plain)) - {"products", "axes", "labels"}:
        np.testing.assert_array_equal(getattr(turned, name), getattr(plain, name), err_msg=name)


def warm(n=23, n_times=60, centre=300.0):
    """Spirals around a point far from the origin."""
    rng, times = np.random.default_rng(3), np.linspace(0, 12, n_times)
    phases = rng.uniform(0.5, 2, n)[:, None] * times
    paths = np.exp(-0.1 * phases)[:, :, None] * np.stack([np.cos(phases), np.sin(phases)], axis=2)
    return sd.open_trajectories(list(centre + 10 * paths), t=times)


@pytest.mark.parametrize("most", [2000, 5])  # sums are kept: a stretch of time each, or five folds of trajectories
def test_axes_do_not_depend_on_chunks_and_sums_but_for_rounding(monkeypatch, most):
    monkeypatch.setattr("symdyn.sums.moments.most_groups", lambda n_terms: most)
    data = warm()
    whole = accumulate(data, Polynomial(3))
    assert whole.axes.shape == (10, 10)
    size = np.sqrt(np.abs(np.einsum("gtt->gt", whole.products)))
    # Rows along axes are differences of features of size 1: each is known to some last digits of 1.
    rounding = 1e-14 * (size[:, :, None] + size[:, None]) + 1e-12 * size[:, :, None] * size[:, None]
    for chunks in ({"trajectory": 1}, {"trajectory": 3, "time": 30}, {"trajectory": 10}):
        chunked = accumulate(data.chunk(chunks), Polynomial(3))
        np.testing.assert_array_equal(chunked.axes, whole.axes)
        assert np.all(np.abs(chunked.products - whole.products) <= rounding)
        with config.set(scheduler="sync"):
            again = accumulate(data.chunk(chunks), Polynomial(3))
        np.testing.assert_array_equal(again.products, chunked.products)


def test_sums_add_along_the_same_axes_only():
    data = warm(6)
    parts = [data.isel(trajectory=slice(0, 2)), data.isel(trajectory=slice(2, 6))]
    first = accumulate(parts[0], Polynomial(3))
    second = accumulate(parts[1], Polynomial(3), method=first.axes)
    whole = accumulate(data, Polynomial(3), method=first.axes)
    np.testing.assert_array_equal((first + second).products, whole.products)
    with pytest.raises(ValueError, match="along different axes and do not add"):
        _ = first + accumulate(parts[1], Polynomial(3))
    assert joined([first]).axes is first.axes


def test_axes_that_were_kept_are_used_again_to_the_last_bit(tmp_path):
    data = warm(6).chunk({"trajectory": 2})
    calls = []
    first = accumulate_resumable(data, Polynomial(3), "flow", tmp_path, 0)
    again = accumulate_resumable(data, Polynomial(3), "flow", tmp_path, 0, progress=lambda *step: calls.append(step))
    assert calls == [(3, 3)] and len(list(tmp_path.glob("axes-*.nc"))) == 1
    for moments in (again, accumulate(data, Polynomial(3))):
        assert moments.products.tobytes() == first.products.tobytes() and moments.axes.tobytes() == first.axes.tobytes()


def test_a_bad_trajectory_that_is_mended_costs_no_finished_sums(tmp_path):
    """It is among those that axes are chosen by: with it, others would have been."""
    data = warm(6)
    gap = data.copy(deep=True)
    gap["x0"][0, 30] = np.nan
    with pytest.raises(ValueError, match=r"trajectory '0' is not finite .* 5 of 6 chunks"):
        accumulate_resumable(store_of(gap, tmp_path), Polynomial(3), "flow", tmp_path, 0)
    (axes,) = tmp_path.glob("axes-*.nc")
    kept, calls = axes.read_bytes(), []
    mended = store_of(data.isel(trajectory=[0]), tmp_path, region={"trajectory": slice(0, 1)})
    accumulate_resumable(mended, Polynomial(3), "flow", tmp_path, 0, progress=lambda *step: calls.append(step))
    assert calls == [(5, 6), (6, 6)] and axes.read_bytes() == kept


def store_of(data, folder, **options):
    path = folder / "warm.zarr"
    if options:
        data = data.drop_vars([name for name in data.variables if "trajectory" not in data[name].dims])
    data.chunk({"trajectory": 1}).to_zarr(path, consolidated=False, **options)
    return sd.open_trajectories(path, chunks=1)


def test_damaged_axes_are_chosen_anew(tmp_path):
    data = warm(4).chunk({"trajectory": 2})
    first = accumulate_resumable(data, Polynomial(3), "flow", tmp_path, 0)
    (axes,) = tmp_path.glob("axes-*.nc")
    axes.write_bytes(axes.read_bytes()[:100])
    again = accumulate_resumable(data, Polynomial(3), "flow", tmp_path, 0)
    np.testing.assert_array_equal(again.products, first.products)


def test_axes_are_taken_where_features_need_them():
    assert accumulate(warm(centre=0.0), Polynomial(3)).axes.size == 0
    assert accumulate(warm(), Polynomial(1)).axes.size == 0
    assert accumulate(warm(), Polynomial(3)).axes.size > 0
    assert accumulate(warm(), Polynomial(3), method="gram").axes.size == 0
    assert accumulate(warm(centre=0.0), Polynomial(1), method="qr").axes.size > 0


def test_directions_without_motion_ask_for_no_axes():
    data = warm(centre=0.0)
    still = data.assign(x2=data.x0 * 0 + 5.0).assign_attrs(states="x0 x1 x2")
    assert accumulate(still, Polynomial(2)).axes.size == 0
    found = accumulate(still, Polynomial(2), method="qr")
    model = Equations(found.products.sum(0), np.array(["all"] * 10), found.axes).model(("all",))
    assert model.frame.shape[1] == 6  # 1, x, y, x^2, xy, y^2: all others are multiples of these where z stays at 5


@pytest.mark.parametrize(
    ("method", "message"),
    [("QR", "method must be one of"), (np.eye(3), r"axes of shape \(3, 3\) for 10 features")],
)
def test_a_wrong_method_is_named(method, message):
    with pytest.raises(ValueError, match=message):
        accumulate(warm(3), Polynomial(3), method=method)


def hopf(t, y):
    return (1 - y @ y) * y + np.array([-y[1], y[0]])


@pytest.mark.parametrize("centre", [300, 1000])
def test_verdicts_and_law_do_not_depend_on_where_the_origin_lies(centre):
    times, rng = np.linspace(0, 12, 300), np.random.default_rng(0)
    options = {"t_eval": times, "rtol": 1e-9, "atol": 1e-11}
    runs = [solve_ivp(hopf, (0, 12), rng.uniform(-1.3, 1.3, 2), **options).y.T for _ in range(8)]
    near, far = (
        sd.SymmetryDiscovery(sd.candidates.affine(2), law=Polynomial(3), n_bootstrap=50).fit(
            ([origin + 10 * run for run in runs], times)
        )
        for origin in (0.0, centre)
    )
    assert list(far.verdicts_.verdict.values) == list(near.verdicts_.verdict.values)
    np.testing.assert_allclose(far.verdicts_.upper_bound, near.verdicts_.upper_bound, atol=2e-3)
    points = rng.uniform(-1, 1, (5, 2))
    expected = 10 * np.array([hopf(0, point) for point in points])
    np.testing.assert_allclose(far.law_(centre + 10 * points), expected, atol=1e-3)
