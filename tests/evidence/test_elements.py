import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

import symdyn as sd
from symdyn.discovery.exact_elements import judge_elements_of_function
from symdyn.evidence.elements.element_evidence import LawSample, judge_elements
from symdyn.evidence.elements.element_table import accepted_elements, elements_text, share_outside
from symdyn.evidence.evidence import Evidence, exact_forms
from symdyn.functions.features import Polynomial
from symdyn.laws.law_fit import LawFit
from symdyn.lie import candidates, groups
from symdyn.lie.actions import act, action_of
from symdyn.lie.derivative import LieDerivative

FLIPS = groups.sign_flips(2, states="xy")
SWAP = groups.permutation([1, 0], states="xy")


def points(n, count=400, seed=0):
    return np.random.default_rng(seed).standard_normal((count, n))


def law_of(function, features, n):
    """Coefficients of a law that the features hold."""
    x = points(n, seed=1)
    return np.linalg.lstsq(features(x), function(x), rcond=None)[0].T


def fit_of(coefficients, errors=None, jackknife=None):
    nothing = np.zeros((1, *coefficients.shape))
    errors = nothing if errors is None else errors
    jackknife = nothing if jackknife is None else jackknife
    return LawFit(coefficients, (), [], errors, np.ones(len(errors)), jackknife)


def sample(features, x, n_outputs=None, kind="flow"):
    spreads = np.broadcast_to(x.std(axis=0), x.shape)
    n_outputs = n_outputs or x.shape[1]
    return LawSample(features, x, 1 / spreads[:, -n_outputs:], spreads, action_of(kind))


def judged(function, elements, x=None, degree=3, **options):
    """The table of an exact law at given points."""
    n = len(elements.states)
    x = points(n) if x is None else x
    features = Polynomial(degree)
    return judge_elements(elements, fit_of(law_of(function, features, n)), sample(features, x), **options)


def lorenz(x):
    return np.column_stack(
        [10 * (x[:, 1] - x[:, 0]), x[:, 0] * (28 - x[:, 2]) - x[:, 1], x[:, 0] * x[:, 1] - 8 / 3 * x[:, 2]]
    )


def duffing(x):
    return np.column_stack([x[:, 1], x[:, 0] - x[:, 0] ** 3 - 0.2 * x[:, 1]])


def squashed(x):
    return np.column_stack([-2 * x[:, 0] - x[:, 1], x[:, 0] - x[:, 1]])


def by_name(table, variable="verdict"):
    return dict(zip(table.element.values, table[variable].values.tolist(), strict=True))


def test_the_half_turn_is_the_only_symmetry_of_lorenz():
    elements = (groups.sign_flips(3, states="xyz") + groups.permutations(3, states="xyz")).searched()
    x = points(3) * [8.0, 9.0, 8.6] + [0, 0, 23.5]  # as on the attractor
    table = judged(lorenz, elements, x)
    verdicts = by_name(table)
    assert verdicts.pop("x -> -x, y -> -y") == "symmetric" and set(verdicts.values()) == {"broken"}
    assert accepted_elements(elements, table).texts() == ["x -> -x, y -> -y"]
    from_function = judge_elements_of_function(lorenz, x, elements, "vector_field")
    assert by_name(from_function) == by_name(table)
    np.testing.assert_allclose(from_function.violation, table.violation, rtol=1e-6, atol=1e-7)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_units_do_not_change_the_table(seed):
    rng = np.random.default_rng(seed)
    units, x = 10.0 ** rng.uniform(-3, 3, 2), points(2)
    elements = (FLIPS + SWAP).searched()
    conjugate = groups.elements([np.diag(units) @ e.matrices[0] @ np.diag(1 / units) for e in elements])
    first = judged(squashed, elements, x, degree=1)
    second = judged(lambda y: squashed(y / units) * units, conjugate, x * units, degree=1)
    np.testing.assert_allclose(first.violation, second.violation, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(first.image_outside, second.image_outside)
    exact = judge_elements_of_function(lambda y: squashed(y / units) * units, x * units, conjugate, "vector_field")
    np.testing.assert_allclose(exact.violation, first.violation, rtol=1e-6, atol=1e-7)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_an_element_near_the_identity_is_judged_as_its_generator(seed):
    rng = np.random.default_rng(seed)
    matrix, shift = rng.standard_normal((2, 2)), rng.standard_normal(2)
    features, x = Polynomial(3), points(2)
    coefficients = rng.standard_normal((2, 10))
    generator = candidates.from_matrices(matrix[None], shift[None])
    derivative = LieDerivative.build(features, act(generator, x), x)
    spread = x.std(axis=0)
    rates = np.sqrt(np.mean((features(x) @ coefficients.T / spread) ** 2, axis=0))
    parts = [derivative.transported(coefficients), derivative.carried(coefficients)]
    transported, carried = (part / spread[:, None] for part in parts)
    moved = generator.values(x) / spread[:, None] * rates[:, None]
    of_generator = Evidence(exact_forms(transported, [carried], moved), 0.1).violation(np.ones(1))
    flow = expm(1e-5 * np.block([[matrix, shift[:, None]], [np.zeros((1, 3))]]))
    element = groups.element(flow[:2, :2], flow[:2, 2])
    of_element = judge_elements(element, fit_of(coefficients), sample(features, x)).violation.item()
    assert of_element == pytest.approx(of_generator, rel=1e-3)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_violations_lie_between_zero_and_the_root_of_two(seed):
    rng = np.random.default_rng(seed)
    element = groups.element(rng.standard_normal((2, 2)), rng.standard_normal(2), reverses_time=bool(seed % 2))
    fit = fit_of(rng.standard_normal((2, 6)), rng.standard_normal((20, 2, 6)), rng.standard_normal((3, 2, 6)))
    table = judge_elements(element, fit, sample(Polynomial(2), points(2)))
    assert 0 <= table.violation.item() <= table.upper_bound.item() <= np.sqrt(2)


def test_a_direction_that_the_law_does_not_feel_is_not_zero_over_zero():
    """x' = 1 with y idle but moving: y' = 1 as well; a shift of y is a symmetry with its own scale."""
    table = judged(lambda x: np.ones_like(x), groups.element(np.eye(2), [0.0, 3.0], states="xy"), degree=1)
    assert table.violation.item() < 1e-12 and table.verdict.item() == "symmetric"


def test_a_far_shift_of_a_bounded_law_stays_broken():
    """Without a bound on the displacement term, a shift by a thousand spreads would look symmetric."""
    wave = lambda x: np.cos(x)  # noqa: E731
    for shift in (1.0, 1001 * np.pi):
        table = judge_elements_of_function(wave, points(1), groups.element([[1.0]], [shift]), "vector_field")
        assert table.violation.item() > 0.3 and table.verdict.item() == "broken"
    whole = judge_elements_of_function(wave, points(1), groups.element([[1.0]], [2 * np.pi]), "vector_field")
    assert whole.verdict.item() == "symmetric" and whole.image_outside.item() > 0.9


def test_a_slow_state_is_judged_by_its_own_rate():
    """z' = 0.001 (1 − z): its change of sign is broken however fast the other state turns."""
    law = lambda x: np.column_stack([-10 * x[:, 0], 0.001 * (1 - x[:, 1])])  # noqa: E731
    table = judged(law, groups.sign_flip([1, -1]), degree=1)
    assert table.violation.item() > 0.4


def test_elements_that_change_nothing_on_the_data_are_undetermined():
    flat = points(2) * [1.0, 0.0]
    spreads = np.broadcast_to([1.0, np.inf], flat.shape)
    laws = fit_of(np.array([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0]]))
    table = judge_elements(FLIPS, laws, LawSample(Polynomial(1), flat, 1 / spreads, spreads))
    assert by_name(table) == {"x -> -x": "symmetric", "y -> -y": "undetermined"}
    assert np.isnan(table.violation.values[1]) and not table.exact_rejected.values[1]


def test_the_identity_is_a_symmetry_of_everything():
    assert judged(squashed, groups.element(np.eye(2)), degree=1).verdict.item() == "symmetric"


def test_time_reversal_is_told_from_symmetry():
    spring = lambda x: np.column_stack([x[:, 1], -(x[:, 0] ** 3)])  # noqa: E731
    flip, both = groups.sign_flip([1, -1], reverses_time=True), groups.sign_flip([-1, -1])
    table = judged(spring, groups.elements([flip, both, groups.sign_flip([1, -1])]))
    assert table.verdict.values.tolist() == ["symmetric", "symmetric", "broken"]
    damped = judged(lambda x: spring(x) - x * [0.0, 1.0], flip)
    assert damped.verdict.item() == "broken"
    callable_ = judge_elements_of_function(spring, points(2), flip, "vector_field")
    assert callable_.verdict.item() == "symmetric"


def test_two_approximate_symmetries_wait_for_their_product():
    """On points near the diagonal both flips are broken alike, by .09, and their product by more than delta."""
    along = np.random.default_rng(0).standard_normal((500, 1))
    x = np.hstack([along, along, np.random.default_rng(1).standard_normal((500, 1))])
    x[:, 1] += 0.01 * x[:, 2]
    law = lambda x: np.column_stack([-x[:, 0], -x[:, 1], 0.12 * (x[:, 0] + x[:, 1]) - x[:, 2]])  # noqa: E731
    one, two = groups.sign_flip([-1, 1, 1]), groups.sign_flip([1, -1, 1])
    table = judged(law, groups.elements([one, two, one @ two]), x, degree=1)
    assert np.all(table.upper_bound.values < [0.1, 0.1, 1]) and table.upper_bound.values[2] > 0.1
    assert sorted(table.verdict.values[:2]) == ["symmetric", "undetermined"] and table.verdict.values[2] != "symmetric"
    not_asked = judged(law, groups.elements([one, two]), x, degree=1)
    assert sorted(not_asked.verdict.values) == ["symmetric", "undetermined"]
    assert judged(law, two, x, degree=1).verdict.item() == "symmetric"


def noisy_fit(coefficients, size, rng, n_replicates=200):
    """A law estimated with independent errors, and as many replicates as a bootstrap gives."""
    draw = lambda count: size * rng.standard_normal((count, *coefficients.shape))  # noqa: E731
    return fit_of(coefficients + draw(1)[0], draw(n_replicates), draw(10))


def test_a_true_symmetry_is_rarely_called_broken_and_is_accepted_when_errors_are_small():
    features, rng = Polynomial(2), np.random.default_rng(0)
    law, flip = law_of(lorenz, features, 3), groups.sign_flip([-1, -1, 1])
    at = sample(features, points(3, 100))
    rejected = [judge_elements(flip, noisy_fit(law, 0.02, rng), at).exact_rejected.item() for _ in range(60)]
    assert np.mean(rejected) <= 7 / 60  # as many as chance allows 60 trials at 5 %, by the 98 % quantile
    small = [judge_elements(flip, noisy_fit(law, 0.02, rng), at).verdict.item() for _ in range(10)]
    large = [judge_elements(flip, noisy_fit(law, 10.0, rng), at).verdict.item() for _ in range(10)]
    assert small.count("symmetric") == 10 and large.count("symmetric") == 0


def test_a_violation_just_above_delta_is_rarely_accepted():
    features, rng = Polynomial(1), np.random.default_rng(1)
    law, flip = law_of(squashed, features, 2), SWAP
    at = sample(features, points(2, 200))
    true = judge_elements(flip, fit_of(law), at).violation.item()
    verdicts = [judge_elements(flip, noisy_fit(law, 0.1, rng), at, delta=0.95 * true) for _ in range(40)]
    assert sum(v.verdict.item() == "symmetric" for v in verdicts) <= 5


def test_holm_pays_for_the_number_of_elements():
    features, rng = Polynomial(2), np.random.default_rng(2)
    fit, at = noisy_fit(law_of(lorenz, features, 3), 3.0, rng), sample(features, points(3))
    elements = groups.sign_flips(3).searched()
    together = judge_elements(elements, fit, at).p_value.values
    alone = np.array([judge_elements(e, fit, at).p_value.item() for e in elements])
    assert np.all(together >= alone) and together.min() == pytest.approx(min(len(elements) * alone.min(), 1))


def simulated(field, starts, noise, seed, length=8.0, n_times=200):
    rng = np.random.default_rng(seed)
    times = np.linspace(0, length, n_times)
    law = sd.VectorField(Polynomial(3), law_of(field, Polynomial(3), 2), ("x", "v"))
    clean = [law.flow(start, times, rtol=1e-8, atol=1e-10) for start in starts(rng)]
    spread = np.concatenate(clean).std(axis=0)
    return [run + noise * spread * rng.standard_normal(run.shape) for run in clean], times[1]


def judged_data(data, elements):
    search = sd.SymmetryDiscovery(candidates.gl(2), Polynomial(3), n_bootstrap=40).fit(data)
    x = np.concatenate(data[0])[::3]
    return judge_elements(elements, search.law_fit_, sample(Polynomial(3), x))


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_the_inversion_of_duffing_is_found_in_trajectories(noise):
    data = simulated(duffing, lambda rng: rng.uniform(-1.6, 1.6, (8, 2)), noise, seed=0)
    table = judged_data(data, FLIPS.searched())
    assert table.verdict.values.tolist() == ["broken", "broken", "symmetric"]
    assert np.all(table.image_outside.values < 0.1)


def test_images_outside_the_data_are_told_and_noise_leaves_them_undetermined():
    """Trajectories in the right-hand well say little about the left one."""
    right = lambda rng: np.array([1.0, 0.0]) + rng.uniform(-0.3, 0.3, (8, 2))  # noqa: E731
    table = judged_data(simulated(duffing, right, 0.05, seed=1), groups.sign_flip([-1, -1], states="xv"))
    assert table.image_outside.item() == 1 and table.verdict.item() == "undetermined"
    assert "100 % of the images outside the data" in elements_text(table)


def test_positions_and_velocities_move_alike_in_second_order_systems():
    """q1'' = −q1 − (q1 − q2)/2 and the same for q2, then with a heavier second mass."""
    features, x = Polynomial(1), points(4)
    alike = np.array([[0, -1.5, 0.5, 0, 0], [0, 0.5, -1.5, 0, 0]])
    heavier = alike * [[1.0], [0.5]]
    still = groups.element(np.eye(2), reverses_time=True)
    elements = groups.elements([SWAP, groups.sign_flip([-1, -1]), still, groups.sign_flip([-1, 1])])
    at = sample(features, x, 2, "second_order")
    assert judge_elements(elements, fit_of(alike), at).verdict.values.tolist() == [*["symmetric"] * 3, "broken"]
    assert judge_elements(elements, fit_of(heavier), at).verdict.values[0] == "broken"


def test_maps_are_judged_by_their_increments():
    """x -> x + 0.3 − sin-like cubic: an odd increment commutes with the change of sign, a constant one with shifts."""
    at = sample(Polynomial(3), points(1), kind="map")
    odd, constant = fit_of(np.array([[0, -0.5, 0, 0.1]])), fit_of(np.array([[0.3, 0, 0, 0]]))
    both = groups.elements([groups.sign_flip([-1]), groups.element([[1.0]], [0.7])])
    assert judge_elements(both, odd, at).verdict.values.tolist() == ["symmetric", "broken"]
    assert judge_elements(both, constant, at).verdict.values.tolist() == ["broken", "symmetric"]


def test_inputs_move_with_the_states():
    """x' = −x^3 + u: odd in state and input together, not in the state alone."""
    features, x = Polynomial(3), points(2)
    coefficients = law_of(lambda z: (-(z[:, 0] ** 3) + z[:, 1])[:, None], features, 2)
    spreads = np.broadcast_to(x.std(axis=0), x.shape)
    at = LawSample(features, x, 1 / spreads[:, :1], spreads)
    table = judge_elements(groups.sign_flips(2, states="xu").searched(), fit_of(coefficients), at)
    assert by_name(table) == {"x -> -x": "broken", "u -> -u": "broken", "x -> -x, u -> -u": "symmetric"}


def test_invariants_of_a_fitted_function_do_not_see_its_constant():
    features = Polynomial(2)
    energy = law_of(lambda x: (1000 + x[:, 0] ** 2 + x[:, 0])[:, None], features, 2)
    table = judge_elements(FLIPS, fit_of(energy), sample(features, points(2), 1, "invariant"))
    assert by_name(table) == {"x -> -x": "broken", "y -> -y": "symmetric"}


@pytest.mark.parametrize(
    ("function", "output", "expected"),
    [
        (lambda x: x[:, 0] ** 2 + x[:, 1] ** 4, "invariant", ["symmetric", "symmetric", "broken"]),
        (lambda x: x[:, 0] * x[:, 1], "invariant", ["broken", "broken", "symmetric"]),
        (lambda x: x**3, "vector", ["symmetric"] * 3),
        (lambda x: x**2, "vector", ["broken", "broken", "symmetric"]),
        (lambda x: np.einsum("si,sj->sij", x**3, x), ("vector", "covector"), ["symmetric"] * 3),
        (lambda x: np.einsum("si,sj->sij", x**3, x), ("vector", "invariant"), ["broken"] * 3),
        (lambda x: np.exp(-np.sum(x**2, axis=1)), "density", ["symmetric"] * 3),
        (lambda x: np.eye(2)[None] * (1 + x[:, :1] ** 2 + x[:, 1:] ** 2)[..., None], "metric", ["symmetric"] * 3),
        (lambda x: np.eye(2)[None] * (1 + x[:, :1])[..., None], "metric", ["broken", "symmetric", "broken"]),
    ],
)
def test_values_move_as_their_kind_says(function, output, expected):
    elements = FLIPS + SWAP
    table = judge_elements_of_function(function, points(2), elements, output)
    assert table.verdict.values.tolist() == expected


def test_densities_and_metrics_count_how_an_element_stretches():
    double = groups.element(2 * np.eye(2))
    radius = lambda x: np.sum(x**2, axis=1)  # noqa: E731
    assert (
        judge_elements_of_function(lambda x: 1 / radius(x), points(2), double, "density").verdict.item() == "symmetric"
    )
    conformal = lambda x: np.eye(2)[None] / radius(x)[:, None, None]  # noqa: E731
    assert judge_elements_of_function(conformal, points(2), double, "metric").verdict.item() == "symmetric"
    assert judge_elements_of_function(radius, points(2), double, "density").verdict.item() == "broken"


def test_a_given_representation_moves_the_values():
    """z -> z^2 turns by twice the angle; the conjugate of z by minus it."""
    quarter = np.array([[0.0, -1.0], [1.0, 0.0]])
    squared = lambda z: np.column_stack([z[:, 0] ** 2 - z[:, 1] ** 2, 2 * z[:, 0] * z[:, 1]])  # noqa: E731
    elements = groups.elements([quarter, np.eye(2)[[1, 0]]])
    right = np.stack([quarter @ quarter, np.diag([-1.0, 1.0])])
    found = judge_elements_of_function(squared, points(2), elements, right)
    assert found.verdict.values.tolist() == ["symmetric", "symmetric"]
    wrong = judge_elements_of_function(squared, points(2), elements, np.stack([quarter, np.eye(2)]))
    assert wrong.verdict.values.tolist() == ["broken", "broken"]


def test_images_outside_the_domain_are_undetermined():
    x = np.abs(points(2)) + 0.1
    table = judge_elements_of_function(lambda x: np.log(x[:, 0]) + x[:, 1] ** 2, x, FLIPS, "invariant")
    assert table.verdict.values.tolist() == ["undetermined", "symmetric"]


def test_the_share_of_images_outside_is_counted():
    x = np.random.default_rng(0).uniform(-1, 1, (2000, 2))
    spreads = np.broadcast_to(x.std(axis=0), x.shape)
    shifts = groups.elements([groups.element(np.eye(2), [d, 0.0]) for d in (0.0, 1.0, 2.0, 9.0)])
    shares = share_outside(shifts.images(x), x, spreads)
    reach = 0.5 * np.sqrt(2 / 3)
    np.testing.assert_allclose(shares, [0, (1 - reach) / 2, (2 - reach) / 2, 1], atol=0.03)
    still = np.broadcast_to([1.0, np.inf], x.shape)
    flat = x * [1.0, 0.0] + [0.0, 5.0]
    np.testing.assert_array_equal(share_outside(FLIPS.images(flat), flat, still), [0, 1])


def test_the_table_is_printed_most_symmetric_first():
    text = elements_text(judged(squashed, (FLIPS + SWAP).searched(), degree=1)).splitlines()
    assert len(text) == 5 and text[0].startswith("verdict") and text[1].endswith("x -> -x, y -> -y")


def test_bad_input_is_named():
    square = lambda x: np.sum(x**2, axis=1)  # noqa: E731
    with pytest.raises(ValueError, match=r"points must have shape \(sample, 2\)"):
        judge_elements_of_function(square, points(3), FLIPS)
    with pytest.raises(ValueError, match="one value a point"):
        judge_elements_of_function(lambda x: 1.0, points(2), FLIPS)
    with pytest.raises(ValueError, match="not finite"), np.errstate(all="ignore"):
        judge_elements_of_function(lambda x: np.log(-(x[:, 0] ** 2)), points(2), FLIPS)
    with pytest.raises(ValueError, match="has size 3, the state 2"):
        judge_elements_of_function(lambda x: np.ones((len(x), 3)), points(2), FLIPS, "vector")
    with pytest.raises(ValueError, match="give output as matrices"):
        judge_elements_of_function(duffing, points(2), FLIPS, ("linear",))
    with pytest.raises(ValueError, match="output must be one of"):
        judge_elements_of_function(square, points(2), FLIPS, "spinor")
    with pytest.raises(ValueError, match="output matrices must have shape"):
        judge_elements_of_function(duffing, points(2), FLIPS, np.ones((3, 2, 2)))
    with pytest.raises(ValueError, match="needs output='vector_field'"):
        judge_elements_of_function(square, points(2), groups.element(np.eye(2), reverses_time=True))
