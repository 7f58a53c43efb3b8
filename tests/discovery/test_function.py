"""Symmetries of functions that can be called: counts and names that theory knows."""

import tracemalloc
import warnings

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symdyn as sd
from symdyn import candidates
from symdyn.discovery import sampled_function as sampling
from symdyn.discovery.function import discover_function
from symdyn.discovery.genericity import polynomial_relation, samples_needed
from symdyn.evidence.evidence import exact_forms
from symdyn.functions.features import Polynomial
from symdyn.lie.output_actions import value_action

RNG = np.random.default_rng(0)
MINKOWSKI = np.diag([-1.0, 1.0, 1.0, 1.0])


def inner(p, q):
    return np.einsum("si,ij,sj->s", p, MINKOWSKI, q)


def inertia(x):
    """Moment of inertia of a unit mass at x."""
    return np.sum(x**2, axis=1)[:, None, None] * np.eye(3) - x[:, :, None] * x[:, None, :]


def duffing(x):
    return np.column_stack([x[:, 1], x[:, 0] - x[:, 0] ** 3])


def points(n, count=300):
    return RNG.standard_normal((count, n))


def test_a_sphere_function_has_the_rotations():
    found = discover_function(lambda x: np.sum(x**2, axis=1), points(3), candidates.affine(3))
    assert found.algebra_.name == "so(3)" and found.algebra_.exact.all()
    assert list(found.verdicts_.verdict.values) == ["symmetric"] * 3 + ["broken"] * 9


def test_the_moment_of_inertia_has_five_generators_when_rows_and_columns_may_move_as_they_like():
    found = discover_function(inertia, points(3), candidates.gl(3), output=("linear", "linear"))
    assert found.algebra_.name == "so(3) + R^2" and found.algebra_.exact.all()


def test_the_moment_of_inertia_as_a_tensor_has_the_rotations_and_a_scaling():
    # x -> s x gives s^2 I, and a tensor of two vectors scales by s^2 as well
    found = discover_function(inertia, points(3), candidates.gl(3), output=("vector", "vector"))
    assert found.algebra_.name == "so(3) + R"


def test_the_minkowski_norm_has_the_lorentz_group():
    found = discover_function(lambda p: inner(p, p), points(4), candidates.gl(4))
    assert found.algebra_.name == "so(1,3)" and found.algebra_.exact.all()
    for matrix in found.algebra_.matrices:
        np.testing.assert_allclose(matrix.T @ MINKOWSKI + MINKOWSKI @ matrix, 0, atol=1e-12)


def test_a_ratio_of_minkowski_products_gains_the_scaling():
    def ratio(p):
        first, second = p[:, :4], p[:, 4:]
        return inner(first, second) / (inner(first, first) ** 2 + inner(second, second) ** 2) ** 0.5

    found = discover_function(ratio, points(8), candidates.gl(4, copies=2))
    assert found.algebra_.dim == 7 and found.algebra_.name == "so(1,3) + R"


def test_a_field_commutes_with_itself_and_that_is_trivial():
    found = discover_function(duffing, points(2), candidates.polynomial(2, 3), output="vector_field")
    assert found.algebra_.dim == 0 and found.trivial_.dim == 1
    np.testing.assert_allclose(found.trivial_.generators[0](points(2)[:5]).shape, (5, 2))
    ratio = found.trivial_.basis.values(points(2))[:, :, 0]
    assert "trivial (no more than the flow)" in found.summary() and np.isfinite(ratio).all()


def test_isometries_of_the_hyperbolic_plane():
    metric = lambda x: np.eye(2) / x[:, 1, None, None] ** 2  # noqa: E731
    half_plane = RNG.uniform(0.5, 2, (300, 2))
    found = discover_function(metric, half_plane, candidates.polynomial(2, 2), output="metric")
    assert found.algebra_.name == "sl(2)" and found.algebra_.exact.all()


def test_a_density_is_kept_by_what_keeps_the_mass_in_place():
    gauss = lambda x: np.exp(-np.sum(x**2, axis=1) / 2)  # noqa: E731
    found = discover_function(gauss, points(2), candidates.affine(2), output="density")
    assert found.algebra_.name == "so(2)"
    uniform = lambda x: np.ones(len(x))  # noqa: E731
    assert discover_function(uniform, points(2), candidates.gl(2), output="density").algebra_.name == "sl(2)"


def test_a_given_representation_of_the_output_is_used():
    rotations = candidates.so(3)
    matrices = rotations.coefficients[:, :, 1:]
    cross = lambda x: np.cross(x[:, :3], x[:, 3:])  # noqa: E731
    found = discover_function(cross, points(6), candidates.so(3, copies=2), output=matrices)
    assert found.algebra_.name == "so(3)"
    same = discover_function(cross, points(6), candidates.so(3, copies=2), output=list(matrices))
    assert same.algebra_.name == "so(3)"
    assert discover_function(cross, points(6), candidates.so(3, copies=2), output=0 * matrices).algebra_.dim == 0


def test_an_exact_jacobian_is_taken_and_a_wrong_one_noticed():
    square = lambda x: np.sum(x**2, axis=1)  # noqa: E731
    right = discover_function(square, points(2), candidates.gl(2), jacobian=lambda x: 2 * x)
    assert right.algebra_.name == "so(2)"
    with pytest.raises(ValueError, match="jacobian disagrees with central differences"):
        discover_function(square, points(2), candidates.gl(2), jacobian=lambda x: 2.1 * x)
    with pytest.raises(ValueError, match="jacobian must return shape"):
        discover_function(square, points(2), candidates.gl(2), jacobian=lambda x: 2 * x[:, :1])


def test_differences_next_to_a_pole_take_smaller_steps():
    x = np.vstack([points(2), [[1e-3, 2e-3], [-5e-4, 0.0], [1e-2, 0.0]]])
    found = discover_function(lambda x: 1 / np.sum(x**2, axis=1), x, candidates.gl(2))
    assert found.algebra_.name == "so(2)" and found.evidence_.span_bounds[0] < 1e-7


def test_no_symmetry_is_an_answer():
    found = discover_function(lambda x: np.sum(np.sin(3 * x) + x**3, axis=1), points(2), candidates.affine(2))
    assert found.algebra_.dim == 0 and set(found.verdicts_.verdict.values) == {"broken"}


def test_too_few_points_are_warned_of():
    with pytest.warns(UserWarning, match="3 values cannot decide about 9 candidates"):
        discover_function(lambda x: np.sum(x**2, axis=1), points(3, 3), candidates.gl(3))


def test_bad_input_is_named():
    square = lambda x: np.sum(x**2, axis=1)  # noqa: E731
    with pytest.raises(ValueError, match=r"points must have shape \(sample, 3\)"):
        discover_function(square, points(2), candidates.gl(3))
    with pytest.raises(ValueError, match="one value a point"):
        discover_function(lambda x: 1.0, points(2), candidates.gl(2))
    with pytest.raises(ValueError, match="f is not finite at 300 points"), np.errstate(all="ignore"):
        discover_function(lambda x: np.log(-np.abs(x[:, 0])), points(2), candidates.gl(2))
    with pytest.raises(ValueError, match="jacobian is not finite at 1 points of a batch of"):
        pole = points(2, 5000)
        slopes = lambda x: np.where(np.all(x == pole[4321], axis=1)[:, None], np.nan, 2 * x)  # noqa: E731
        discover_function(square, pole, candidates.gl(2), jacobian=slopes)
    with pytest.raises(ValueError, match="points are not finite at 1 of 301 places"):
        discover_function(square, np.vstack([points(2), [[np.nan, np.inf]]]), candidates.gl(2))
    with pytest.raises(ValueError, match=r"points must have shape \(sample, 2\), got \(0, 2\)"):
        discover_function(square, np.zeros((0, 2)), candidates.gl(2))
    with pytest.raises(ValueError, match="output must be one of"):
        discover_function(square, points(2), candidates.gl(2), output="spinor")
    with pytest.raises(ValueError, match="with 1 indices, they have 0"):
        discover_function(square, points(2), candidates.gl(2), output="vector")
    with pytest.raises(ValueError, match="has size 3, the state 2"):
        discover_function(lambda x: np.ones((len(x), 3)), points(2), candidates.gl(2), output="vector")
    with pytest.raises(ValueError, match="output matrices must have shape"):
        discover_function(duffing, points(2), candidates.gl(2), output=np.ones((4, 3, 3)))
    with pytest.raises(ValueError, match="needs affine candidates"):
        discover_function(duffing, points(2), candidates.polynomial(2, 2), output=("linear",))


def test_the_public_name_is_this_function():
    assert sd.discover_function is discover_function


def test_violations_of_true_symmetries_are_rounding_not_its_square_root():
    found = discover_function(lambda p: inner(p, p), points(4), candidates.gl(4), jacobian=lambda p: 2 * p @ MINKOWSKI)
    assert found.evidence_.span_bounds[5] < 1e-13 < 1e-2 < found.evidence_.span_bounds[6]
    assert np.all(found.verdicts_.violation.values[:6] < 1e-13)


@pytest.mark.parametrize("size, verdict", [(1e-8, "symmetric"), (1e-4, "broken")])
def test_a_small_violation_is_measured(size, verdict):
    nearly = lambda x: np.sum(x**2, axis=1) + size * x[:, 0] ** 2  # noqa: E731
    found = discover_function(nearly, points(2), candidates.so(2))
    assert found.evidence_.span_bounds[0] == pytest.approx(size / 2, rel=0.5)
    assert found.verdicts_.verdict.values[0] == verdict


@pytest.mark.parametrize("output", ["invariant", "vector", ("linear", "linear"), ("vector", "covector"), "metric"])
def test_forms_from_batches_are_those_of_all_rows_at_once(output, monkeypatch):
    x = points(3)
    f = inertia if output not in ("invariant", "vector") else (lambda x: x * np.sum(x**2, axis=1, keepdims=True))
    monkeypatch.setattr(sampling, "_ENTRIES", 500)
    monkeypatch.setattr(sampling, "_KEPT", 0)
    forms = discover_function(f, x, candidates.gl(3), output=output).evidence_.forms
    steps = 1e-3 * np.eye(3)
    slopes = np.stack([(8 * (f(x + s) - f(x - s)) - (f(x + 2 * s) - f(x - 2 * s))) / 12e-3 for s in steps], axis=-1)
    values, fields = f(x), candidates.gl(3).values(x)
    transported = np.einsum("s...i,sik->s...k", slopes, fields)
    action = value_action(output)
    carried = action.moved(values, candidates.gl(3), x)
    every, transported, carried = action.joined(candidates.gl(3), values, transported, carried)
    displacement = np.zeros((len(x), 3, len(every)))
    displacement[:, :, :9] = fields / x.std(axis=0)[:, None]
    units = sampling.units_of_values(values, output, x.std(axis=0))
    size = np.sqrt(np.mean(((values - units.offset) / units.scale) ** 2)) * units.scale[..., None]
    expected = exact_forms(transported / size, [part / size for part in carried], displacement)
    np.testing.assert_allclose(forms.size, expected.size, atol=1e-9 * np.abs(expected.size).max())
    np.testing.assert_allclose(forms.violation, expected.violation, atol=1e-9 * np.abs(expected.size).max())


def test_a_dask_array_gives_what_an_array_gives():
    x = points(3, 5000)
    f = lambda x: np.sum(x**2, axis=1)  # noqa: E731
    whole = discover_function(f, x, candidates.affine(3))
    chunked = discover_function(f, da.from_array(x, chunks=(700, 2)), candidates.affine(3))
    assert chunked.algebra_.name == "so(3)"
    np.testing.assert_allclose(chunked.evidence_.forms.size, whole.evidence_.forms.size, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(chunked.evidence_.span_bounds, whole.evidence_.span_bounds, atol=1e-9)
    unknown = da.from_array(x, chunks=(700, 3))
    with pytest.raises(ValueError, match="unknown length: call compute_chunk_sizes"):
        discover_function(f, unknown[unknown[:, 0] > 0], candidates.affine(3))


def test_memory_does_not_grow_with_points(monkeypatch):
    monkeypatch.setattr(sampling, "_KEPT", 0)
    x = np.random.default_rng(1).standard_normal((150_000, 4))
    field = lambda x: x * np.sum(x**2, axis=1, keepdims=True)  # noqa: E731
    slopes = lambda x: np.sum(x**2, 1)[:, None, None] * np.eye(4) + 2 * x[:, :, None] * x[:, None]  # noqa: E731
    tracemalloc.start()
    found = discover_function(field, x, candidates.affine(4), jacobian=slopes, output="vector_field")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.algebra_.name == "so(4)"
    assert peak < 10e6  # the rows would take 96 MB, derivatives 19 MB


@pytest.mark.parametrize(
    "degree, fields, needed",
    [
        (2, candidates.gl(3), 10),  # C(5, 2), more than the 9 candidates
        (2, candidates.affine(3), 12),
        (3, candidates.translations(3), 10),  # a derivative has degree 2
        (2, candidates.polynomial(2, 3), 20),  # C(6, 2) = 15 is less than the 20 candidates
        (4, candidates.polynomial(2, 3), 28),
        (3, candidates.polynomial(2, 3).combine(np.eye(20)[[0, 10]]), 6),  # of degree 0 in fact
        (0, candidates.so(3), 3),
    ],
)
def test_points_needed_are_the_dimension_of_polynomials(degree, fields, needed):
    assert samples_needed(len(fields.states), degree, fields) == needed


def test_the_advisor_names_bad_input():
    with pytest.raises(ValueError, match="candidates act on 3 states, n_states is 2"):
        samples_needed(2, 2, candidates.so(3))
    with pytest.raises(ValueError, match="degree must be at least 0"):
        samples_needed(3, -1, candidates.so(3))
    radial = sd.features.CentralForce((0,))
    odd = type(candidates.so(3))(radial, np.ones((1, 3, radial.size(3))), np.zeros(1), ("x", "y", "z"))
    with pytest.raises(ValueError, match="candidates must be polynomial fields"):
        samples_needed(3, 2, odd)


def random_polynomial(n, degree, symmetric, rng):
    """A polynomial without symmetry, or one with so(n)."""
    if symmetric:
        weights = rng.standard_normal(degree // 2 + 1)
        return lambda x: np.polyval(weights, np.sum(x**2, axis=1))
    features = Polynomial(degree)
    weights = rng.standard_normal(features.size(n))
    return lambda x: features(x) @ weights


@given(
    n=st.integers(2, 3),
    degree=st.integers(2, 4),
    symmetric=st.booleans(),
    uniform=st.booleans(),
    seed=st.integers(0, 10_000),
)
@settings(max_examples=40, deadline=None)
def test_twice_the_points_needed_raise_no_alarm_and_give_the_answer(n, degree, symmetric, uniform, seed):
    rng = np.random.default_rng(seed)
    count = 2 * samples_needed(n, degree, candidates.affine(n))
    x = rng.uniform(0.5, 2.0, (count, n)) if uniform else rng.standard_normal((count, n))
    found = discover_function(random_polynomial(n, degree, symmetric, rng), x, candidates.affine(n))
    if symmetric:
        assert found.algebra_.name == ("so(2)" if n == 2 else "so(3)")
    elif degree > 2:  # every quadratic form has a symmetry of its own
        assert found.algebra_.dim == 0


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [2, 4, 6, 8, 9, 13, 20, 40])
def test_a_wrong_count_never_passes_without_warning(count, seed):
    rng = np.random.default_rng(seed)
    cubic = Polynomial(3)
    weights = rng.standard_normal(20)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = discover_function(lambda x: cubic(x) @ weights, rng.standard_normal((count, 3)), candidates.affine(3))
    assert found.algebra_.dim == 0 or caught
    assert count < 40 or not caught


def test_points_that_leave_more_on_their_half_are_warned_of():
    quartic = lambda x: np.sum(x**4, axis=1) + x[:, 0] * x[:, 1]  # noqa: E731
    with pytest.warns(UserWarning, match=r"14 points may be too few: half of them leave \d+ more generators"):
        discover_function(quartic, points(3, 14), candidates.affine(3))


def on_a_circle(count=200):
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, count)
    return np.column_stack([np.cos(angle), np.sin(angle)])


def test_points_on_a_circle_are_warned_of_with_its_equation():
    # on the circle every function of the radius is constant
    f = lambda x: np.sum(x**2, axis=1) ** 2 + x[:, 0]  # noqa: E731
    with pytest.warns(UserWarning, match=r"curve or surface of degree 2 \(x0\^2 \+ x1\^2 = 1, within"):
        discover_function(f, on_a_circle(), candidates.gl(2))
    with pytest.warns(UserWarning, match=r"\(0.25 x0\^2 \+ x1\^2 = 1, within"):
        discover_function(f, on_a_circle() * [2, 1], candidates.gl(2))


def test_a_state_that_never_moves_is_warned_of():
    flat = np.column_stack([points(2), np.full(300, 0.5)])
    with pytest.warns(UserWarning, match=r"degree 1 \(x2 = 0.5, within"):
        discover_function(lambda x: np.sum(x**2, axis=1), flat, candidates.gl(3))
    with pytest.warns(UserWarning, match=r"degree 1 \(x2 = 0, within"):
        discover_function(lambda x: np.sum(x**2, axis=1), flat * [1, 1, 0], candidates.gl(3))


def test_points_on_a_curve_that_is_not_algebraic_are_noticed_beside_it():
    x = np.random.default_rng(0).uniform(-1, 1, 300)
    curve = np.column_stack([x, np.sin(5 * x)])
    valley = lambda p: (p[:, 1] - np.sin(5 * p[:, 0])) ** 2  # noqa: E731
    with pytest.warns(UserWarning, match="generators hold at the points, but not beside them"):
        discover_function(valley, curve, candidates.affine(2))


@given(n=st.integers(1, 5), seed=st.integers(0, 10_000), kind=st.sampled_from(["normal", "uniform", "heavy", "far"]))
@settings(max_examples=60, deadline=None)
def test_scattered_points_show_no_relation(n, seed, kind):
    rng = np.random.default_rng(seed)
    draw = {"normal": rng.standard_normal, "uniform": rng.random, "heavy": rng.standard_cauchy}
    x = draw[kind]((400, n)) if kind in draw else 1e4 + rng.standard_normal((400, n))
    assert polynomial_relation(x, tuple("abcde"[:n]), 1e-5) is None


@given(n=st.integers(2, 4), degree=st.integers(1, 3), seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_points_on_a_graph_show_its_degree(n, degree, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (400, n))
    below = Polynomial(degree)
    # Coefficients away from zero: with a small leading one a relation of lower degree holds within the tolerance.
    coefficients = rng.uniform(0.5, 1.5, below.size(n - 1)) * rng.choice([-1, 1], below.size(n - 1))
    x[:, -1] = below(x[:, :-1]) @ coefficients
    relation = polynomial_relation(x, tuple("abcd"[:n]), 1e-5)
    assert relation is not None and (relation.degree, relation.count) == (degree, 1)
    assert relation.within < 1e-10


def test_a_vector_field_may_be_symmetric_with_time_rescaled():
    """x' = |x|^2 (x + J x) keeps x -> s x, t -> s^-2 t; without the rate of time no scaling is left."""
    points = np.random.default_rng(0).normal(size=(200, 2))

    def field(x):
        return np.sum(x**2, axis=1, keepdims=True) * (x + x @ np.array([[0.0, 1.0], [-1.0, 0.0]]))

    timed = discover_function(field, points, candidates.gl(2, time_scaling=True), output="vector_field")
    assert timed.algebra_.dim == 2
    rates = [g for g in zip(timed.algebra_.matrices, timed.algebra_.time_scaling, strict=True) if g[1]]
    ((matrix, rate),) = rates
    np.testing.assert_allclose(matrix / rate, -np.eye(2) / 2, atol=1e-9)
    assert discover_function(field, points, candidates.gl(2), output="vector_field").algebra_.name == "so(2)"
