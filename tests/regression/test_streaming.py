"""The road of `SymmetricSINDy.fit` block by block gives what all rows of pysindy's give, from runs in any form."""

import pickle
import tracemalloc

import numpy as np
import pysindy as ps
import pytest
from sklearn.linear_model import Lasso, LinearRegression, Ridge

import symdyn as sd
from symdyn.regression import SymmetricSINDy, sindy
from symdyn.regression.streaming import reduced as blocks
from symdyn.regression.streaming.differences import differences_like, weights_at
from symdyn.regression.streaming.record import Irregular, chart_of_runs
from symdyn.regression.streaming.triangle import Triangle
from symdyn.sums.data_charts import chart_of_points

RUNS, STEP = sd.systems.hopf(noise=0.01, rng=0, n_trajectories=6, n_times=60)
TIMES = [STEP * np.arange(len(run)) for run in RUNS]
LAW = sd.systems.exact_law("hopf")
UNEVEN = [np.linspace(0, 6, 60) + np.random.default_rng(k).uniform(0, 0.08, 60) for k in range(6)]
SHIFT = sd.candidates.from_matrices(np.zeros((1, 2, 2)), [[1.0, 0.0]])
CURVES = [(1 + k / 5) * np.stack([np.cos(t), np.sin(t)], axis=1) for k, t in enumerate(UNEVEN)]

LIBRARIES = {
    "polynomial": ps.PolynomialLibrary(3),
    "no constant": ps.PolynomialLibrary(2, include_bias=False),
    "identity": ps.IdentityLibrary(),
    "Fourier": ps.FourierLibrary(2),
    "sines": ps.FourierLibrary(1, include_cos=False),
    "sum": ps.PolynomialLibrary(2) + ps.FourierLibrary(1),
    "product": ps.PolynomialLibrary(1) * ps.FourierLibrary(1),
    "generalized": ps.GeneralizedLibrary([ps.PolynomialLibrary(2), ps.FourierLibrary(1)]),
    "features": sd.features.Polynomial(3),
    "words": "polynomial:2",
    "own": ps.CustomLibrary([lambda x: x, lambda x: x**3], [lambda x: x, lambda x: x + "^3"]),  # falls back
}
OPTIMIZERS = {
    "default": None,
    "STLSQ": ps.STLSQ(threshold=0.1),
    "STLSQ, columns scaled": ps.STLSQ(threshold=0.1, normalize_columns=True),
    "SR3": ps.SR3(reg_weight_lam=0.01, max_iter=1000),
    "SSR": ps.SSR(max_iter=2),
    "FROLS": ps.FROLS(max_iter=3),
    "least squares": LinearRegression(fit_intercept=False),
    "Ridge": Ridge(alpha=0.1, fit_intercept=False),
    "Lasso": Lasso(alpha=1e-4, fit_intercept=False, max_iter=100_000),  # counts rows: falls back
}
METHODS = {
    "default": None,
    "central": ps.FiniteDifference(),
    "order 1": ps.FiniteDifference(order=1),
    "order 4": ps.FiniteDifference(order=4, axis=-2),
    "without ends": ps.FiniteDifference(order=3, drop_endpoints=True),
    "even": ps.FiniteDifference(is_uniform=True),
    "periodic": ps.FiniteDifference(periodic=True),
    "smoothed": ps.SmoothedFiniteDifference(),
    "smoothed, mirrored": ps.SmoothedFiniteDifference(smoother_kws={"window_length": 7, "mode": "mirror"}),
    "smoothed, wrapped": ps.SmoothedFiniteDifference(smoother_kws={"mode": "wrap"}),
    "smoothed rates alone": ps.SmoothedFiniteDifference(save_smooth=False, order=4),
    "Savitzky-Golay": ps.SINDyDerivative(kind="savitzky_golay", left=0.5, right=0.5, order=3),
}
FORMS = {
    "one run": (RUNS[0], {"t": STEP}),
    "one run, times": (RUNS[0], {"t": TIMES[0]}),
    "runs": (RUNS, {"t": STEP}),
    "runs, steps": (RUNS, {"t": [STEP * (1 + k) for k in range(6)]}),
    "runs, times": (RUNS, {"t": TIMES}),
    "one time for all": (RUNS, {"t": TIMES[0]}),
    "uneven times": (CURVES, {"t": UNEVEN}),
    "ragged": ([run[k:] for k, run in enumerate(RUNS)], {"t": [time[k:] for k, time in enumerate(TIMES)]}),
    "three runs": (RUNS[:3], {"t": STEP}),
    "float32": ([run.astype(np.float32) for run in RUNS], {"t": STEP}),
    "array of runs": (np.stack(RUNS), {"t": STEP}),
    "rates": (RUNS, {"t": STEP, "x_dot": [LAW(run) for run in RUNS]}),
    "one run, rates": (RUNS[0], {"t": STEP, "x_dot": LAW(RUNS[0])}),
    "weights": (RUNS, {"t": STEP, "sample_weight": [np.linspace(0, 1 + k, 60) for k in range(6)]}),
    "inputs": (RUNS, {"t": STEP, "u": [np.cos(3 * run[:, :1]) for run in RUNS]}),
    "input of one number": (RUNS[0], {"t": STEP, "u": np.cos(TIMES[0])}),
}  # fmt: skip


class Roads:
    """Fits the same model to rows made block by block, and to all rows of pysindy's."""

    def __init__(self, monkeypatch):
        self.patch, self.streamed = monkeypatch, False

    def both(self, x, given, **options):
        def seen(*args, **kwargs):
            found = blocks.reduced(*args, **kwargs)
            self.streamed = True
            return found

        def refused(*args, **kwargs):
            raise Irregular

        with self.patch.context() as patch:
            patch.setattr(sindy, "reduced", seen)
            streamed = SymmetricSINDy(**options).fit(x, **given)
        with self.patch.context() as patch:
            patch.setattr(sindy, "recorded", refused)
            return streamed, SymmetricSINDy(**options).fit(x, **given)

    def agree(self, x, given, tolerance=1e-9, **options):
        streamed, by_rows = self.both(x, given, **options)
        expected = by_rows.coefficients()
        assert np.any(expected)
        np.testing.assert_allclose(streamed.coefficients(), expected, rtol=0, atol=tolerance * np.abs(expected).max())
        assert streamed.get_feature_names() == by_rows.get_feature_names()
        assert streamed.feature_names == by_rows.feature_names
        assert streamed.n_control_features_ == by_rows.n_control_features_
        assert [part.texts() for part in streamed.enforced_] == [part.texts() for part in by_rows.enforced_]
        return streamed


@pytest.fixture
def roads(monkeypatch):
    # Pieces and blocks of few samples, so that runs are cut, joined, and left over.
    monkeypatch.setattr(blocks, "_SAMPLES", 47)
    monkeypatch.setattr("symdyn.regression.streaming.triangle._FEWEST", 32)
    return Roads(monkeypatch)


@pytest.mark.parametrize("name", LIBRARIES)
def test_every_library_gives_the_coefficients_of_all_rows(roads, name):
    roads.agree(RUNS, {"t": STEP}, optimizer=ps.STLSQ(threshold=0.01), feature_library=LIBRARIES[name])
    assert roads.streamed == (name != "own")


@pytest.mark.parametrize("symmetry", [None, "so(2)"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_gives_the_coefficients_of_all_rows(roads, name, symmetry):
    roads.agree(RUNS, {"t": STEP}, optimizer=OPTIMIZERS[name], feature_library="polynomial:3", symmetry=symmetry)
    assert roads.streamed == (name != "Lasso")


@pytest.mark.parametrize("form", ["one run", "runs, times", "ragged", "uneven times"])
@pytest.mark.parametrize("name", METHODS)
def test_every_differentiation_gives_the_coefficients_of_all_rows(roads, name, form):
    x, given = FORMS[form]
    roads.agree(x, given, optimizer=ps.STLSQ(threshold=0.01), differentiation_method=METHODS[name])
    assert roads.streamed


@pytest.mark.parametrize("optimizer", ["default", "STLSQ"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_data_gives_the_coefficients_of_all_rows(roads, form, optimizer):
    x, given = FORMS[form]
    symmetry, inputs = (None, None) if "u" in given else ("so(2)", None)
    options = {"feature_library": ps.PolynomialLibrary(3), "symmetry": symmetry, "inputs": inputs}
    roads.agree(x, given, optimizer=OPTIMIZERS[optimizer], **options)
    assert roads.streamed


def test_inputs_are_moved_by_a_symmetry_in_the_same_way(roads):
    x, given = FORMS["inputs"]
    pushed = [np.hstack([one, one]) for one in given["u"]]
    options = {"symmetry": "so(2)", "inputs": [[[0.0, -1.0], [1.0, 0.0]]]}
    assert roads.agree(x, given | {"u": pushed}, **options).coefficients().shape == (2, 15)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("symmetry", [None, "so(2)", SHIFT])
def test_maps_give_the_coefficients_of_all_rows(roads, symmetry, weighted):
    rng = np.random.default_rng(1)
    runs = [np.cumsum(rng.standard_normal((50, 2)), axis=0) for _ in range(6)]
    given = {"t": 1.0} | ({"sample_weight": [rng.uniform(0, 2, 50) for _ in runs]} if weighted else {})
    roads.agree(runs, given, kind="map", symmetry=symmetry)
    moved = {"x_next": [run + 0.1 * np.cos(run[:, ::-1]) for run in runs]}
    roads.agree(runs, given | moved, kind="map", symmetry=symmetry)
    assert roads.streamed


@pytest.mark.parametrize("runs", [RUNS * 3, RUNS[:2]], ids=["many runs", "blocks of time"])
def test_what_held_out_data_say_does_not_depend_on_the_road(roads, runs):
    found = sd.SymmetryDiscovery(sd.candidates.gl(2), sd.features.Polynomial(3)).fit((RUNS, STEP))
    squeezed = [run * [1.0, 1.2] for run in runs]
    rates = [LAW(run / [1.0, 1.2]) * [1.0, 1.2] for run in squeezed]
    with pytest.warns(UserWarning, match="not enforced|holds only about"):
        streamed, by_rows = roads.both(
            squeezed, {"t": STEP, "x_dot": rates}, symmetry=found.algebra_, feature_library="polynomial:3"
        )
    assert roads.streamed
    one, other = streamed.enforcement_, by_rows.enforcement_
    assert one.names == other.names and one.sentences() == other.sentences()
    assert one.joint is not None and one.joint.mean == pytest.approx(other.joint.mean, rel=1e-6)
    np.testing.assert_allclose(streamed.coefficients(), by_rows.coefficients(), atol=1e-8)


def test_ill_conditioned_rows_keep_their_digits(roads):
    rng = np.random.default_rng(0)
    x = 1.0 + 1e-3 * rng.standard_normal((3000, 2))  # monomials of degree 3 depend on each other to within 1e-9
    truth = rng.standard_normal((2, 10))
    rates = ps.PolynomialLibrary(3).fit_transform(x) @ truth.T
    model = SymmetricSINDy(LinearRegression(fit_intercept=False), "polynomial:3").fit(x, 1.0, x_dot=np.asarray(rates))
    missed = np.asarray(ps.PolynomialLibrary(3).fit_transform(x) @ (model.coefficients() - truth).T)
    assert np.abs(missed).max() < 1e-13 * np.abs(rates).max()


def test_neither_order_of_runs_nor_size_of_blocks_changes_the_law(monkeypatch):
    def fitted(runs):
        return SymmetricSINDy(feature_library="polynomial:3", symmetry="so(2)").fit(runs, STEP).coefficients()

    expected = fitted(RUNS)
    np.testing.assert_allclose(fitted(RUNS[::-1]), expected, atol=1e-12)
    monkeypatch.setattr(blocks, "_SAMPLES", 7)
    np.testing.assert_allclose(fitted(RUNS), expected, atol=1e-12)


@pytest.mark.parametrize("name", ["x_dot", "u", "t", "sample_weight"])
def test_lists_of_unlike_length_are_refused_with_both_numbers(name):
    lists = {"t": [TIMES[0]] * 2, "x_dot": RUNS[:2], "u": RUNS[:2], "sample_weight": TIMES[:2]}
    given = {"t": STEP, name: lists[name]}
    with pytest.raises(ValueError, match=rf"{name} lists 2 entries, x 4 trajectories"):
        SymmetricSINDy().fit([RUNS[0]] * 4, **given)
    model = SymmetricSINDy().fit(RUNS, STEP)
    if name != "sample_weight":
        with pytest.raises(ValueError, match=rf"{name} lists 2 entries, x 4 trajectories"):
            model.score([RUNS[0]] * 4, **given)


def test_steps_and_next_states_of_unlike_number_are_refused():
    with pytest.raises(ValueError, match="t lists 2 entries, x 4 trajectories"):
        SymmetricSINDy().fit([RUNS[0]] * 4, [STEP, STEP])
    with pytest.raises(ValueError, match="x_next lists 1 entries, x 2 trajectories"):
        SymmetricSINDy(kind="map").fit(RUNS[:2], 1.0, x_next=RUNS[:1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"t": -1.0}, "t must be positive"),
        ({"t": TIMES[0][::-1]}, "strictly increasing"),
        ({"t": TIMES[0][:-1]}, "Length of t"),
        ({"x": np.where(RUNS[0] > 0.3, np.nan, RUNS[0])}, "NaN"),
        ({"x_dot": np.where(RUNS[0] > 0.3, np.nan, RUNS[0])}, "NaN"),
        ({"x": RUNS[0][:2], "differentiation_method": METHODS["smoothed"]}, "window_length"),
        ({"sample_weight": -np.ones(60)}, "not negative"),
        ({"sample_weight": np.ones(3)}, "one number a row"),
    ],
)
def test_what_pysindy_refuses_stays_refused(change, message):
    given = {"x": RUNS[0], "t": STEP} | change
    model = SymmetricSINDy(differentiation_method=given.pop("differentiation_method", None))
    with pytest.raises(ValueError, match=message):
        model.fit(**given)


def test_a_gap_in_the_data_is_named_where_units_come_from_them():
    gap = np.where(RUNS[0] > 0.3, np.nan, RUNS[0])
    with pytest.raises(ValueError, match="samples hold NaN"):
        SymmetricSINDy(symmetry="so(2)").fit([gap, *RUNS], STEP)


def test_fields_on_a_grid_are_not_taken_for_runs():
    grid, t = np.linspace(0, 2 * np.pi, 40, endpoint=False), np.linspace(0, 1, 50)
    heat = np.sin(grid)[:, None] * np.exp(-t) + np.cos(2 * grid)[:, None] * np.exp(-4 * t)
    library = ps.PDELibrary(ps.PolynomialLibrary(1, include_bias=False), derivative_order=2, spatial_grid=grid)
    model = SymmetricSINDy(ps.STLSQ(threshold=0.1), library).fit(heat[..., None], t)
    plain = ps.SINDy(ps.STLSQ(threshold=0.1), library).fit(heat[..., None], t)
    np.testing.assert_allclose(model.coefficients(), plain.coefficients(), atol=1e-9)
    assert model.score(heat[..., None], t) == pytest.approx(plain.score(heat[..., None], t))


@pytest.mark.parametrize("name", ["default", "smoothed", "Savitzky-Golay"])
def test_the_pickle_does_not_grow_with_the_data(name):
    def size(n):
        runs, step = sd.systems.hopf(n_trajectories=n, n_times=50 * n)
        model = SymmetricSINDy(ps.STLSQ(), "polynomial:3", METHODS[name], symmetry="so(2)").fit(runs, step)
        model.score(runs, step)
        return len(pickle.dumps(model))

    assert abs(size(2) - size(10)) < 100  # numbers of other lengths in the text of an option


def test_data_are_copied_a_piece_at_a_time(tmp_path):
    n = 300_000
    np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((n, 3)).astype(np.float32))
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    model = SymmetricSINDy(LinearRegression(fit_intercept=False), "polynomial:2", ps.SmoothedFiniteDifference())
    model.fit(x[:50], 0.1)  # what is loaded on first use is not counted
    tracemalloc.start()
    model.fit(x, 0.1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < n * 3 * 8 / 2  # half of one copy in double precision


def test_a_triangle_has_the_sums_of_products_of_its_rows():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((500, 5)) * 10.0 ** np.arange(-6, 9, 3)
    triangle = Triangle(5)
    for part in np.array_split(rows, 7):
        triangle.block(len(part))[:] = part.T
        triangle.add(len(part))
    np.testing.assert_allclose(triangle.factor.T @ triangle.factor, rows.T @ rows, rtol=1e-12)
    assert not np.any(np.tril(triangle.factor, -1))


def test_weights_differentiate_polynomials_exactly():
    nodes = np.array([-0.3, 0.1, 0.4, 1.0])
    for d, expected in ((1, 0.0), (2, 2.0)):
        assert weights_at(nodes, d) @ nodes**2 == pytest.approx(expected, abs=1e-12)


def test_methods_that_are_changed_by_their_user_are_left_to_pysindy():
    class Own(ps.FiniteDifference):
        pass

    assert differences_like(Own()) is None
    assert differences_like(ps.SmoothedFiniteDifference(smoother=lambda x: x)) is None
    assert differences_like(ps.FiniteDifference(axis=1)) is None


def test_the_chart_of_runs_is_that_of_their_samples():
    runs = [run + 1e3 for run in RUNS]
    runs = [np.hstack([run, np.full((len(run), 1), 7.0)]) for run in runs]
    found, expected = (
        chart_of_runs([run[:, :1] for run in runs], [run[:, 1:] for run in runs]),
        chart_of_points(np.concatenate(runs)),
    )
    np.testing.assert_allclose(found.centre, expected.centre, rtol=1e-14)
    np.testing.assert_allclose(found.scale, expected.scale, rtol=1e-10)
