import numpy as np
import pysindy as ps
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import subspace_angles

import symdyn as sd
from symdyn.discovery.conservation.independence import gradient_rank
from symdyn.discovery.conservation.variation import noise_free
from symdyn.discovery.noether import noether_pairing
from symdyn.functions.features import CentralForce, Monomials, Polynomial, Radial, polynomial_exponents

FEW = 50  # replicates: enough for a 95 % bound


def law_of(features, states, terms):
    """A law from {(output, feature name): coefficient}."""
    law = sd.VectorField(features, np.zeros((len(states), features.size(len(states)))), tuple(states))
    names = features.names(states)
    for (output, name), value in terms.items():
        law.coefficients[states.index(output), names.index(name)] = value
    return law


def moving(field, starts, length, noise=0.0, n_times=300, rng=0):
    rng = np.random.default_rng(rng)
    times = np.linspace(0, length, n_times)
    runs = [
        solve_ivp(lambda _, x: field(x), (0, length), start, t_eval=times, rtol=1e-9, atol=1e-11, method="DOP853").y.T
        for start in starts
    ]
    spread = np.concatenate(runs).std(axis=0)
    return [x + noise * spread * rng.standard_normal(x.shape) for x in runs], float(times[1])


def starts(n, dim=2, size=1.0, seed=1):
    return np.random.default_rng(seed).uniform(-size, size, (n, dim))


def duffing(x):
    return [x[1], x[0] - x[0] ** 3]


def oscillator(damping=0.0):
    return lambda x: [x[1], -x[0] - damping * x[1]]


def conserved(result):
    return result.isel(quantity=np.flatnonzero(result.verdict.values == "conserved"))


def row(features, states, terms):
    names = features.names(states)
    values = np.zeros(len(names))
    for name, value in terms.items():
        values[names.index(name)] = value
    return values


def degrees_between(first, second):
    return np.degrees(subspace_angles(np.atleast_2d(first).T, np.atleast_2d(second).T).max())


ENERGY = {"y^2": 1.0, "x^2": -1.0, "x^4": 0.5}
DUFFING = law_of(Polynomial(3), ["x", "y"], {("x", "y"): 1, ("y", "x"): 1, ("y", "x^3"): -1})


def test_the_energy_of_a_law_is_the_only_thing_conserved_and_its_square_is_removed():
    for degree, n_products in ((4, 0), (8, 1)):
        features = Polynomial(degree)
        result = sd.conserved_quantities(DUFFING, features)
        found = conserved(result)
        assert found.sizes["quantity"] == 1 and result.attrs["n_products"] == n_products
        assert degrees_between(found.coefficients.values, row(features, "xy", ENERGY)) < 1e-4
        assert set(result.verdict.values) == {"conserved", "broken"}


@given(st.lists(st.floats(-2, 2), min_size=9, max_size=9))
@settings(max_examples=20, deadline=None)
def test_every_hamiltonian_is_conserved_by_its_own_flow(weights):
    features = Polynomial(3)
    hamiltonian = np.array([0.0, *weights]) + row(features, "qp", {"q^2": 3.0, "p^2": 3.0})
    law = _flow_of(hamiltonian, features)
    result = sd.conserved_quantities(law, features)
    found = conserved(result).coefficients.values
    assert len(found) >= 1
    inside = np.linalg.lstsq(found.T, hamiltonian, rcond=None)[0] @ found
    assert np.allclose(inside, hamiltonian, atol=1e-5)


def _flow_of(hamiltonian, features):
    as_table = xr.Dataset(
        {"coefficients": (("quantity", "feature"), hamiltonian[None]), "verdict": ("quantity", ["conserved"])},
        attrs={"states": "q p"},
    )
    return noether_pairing(as_table, features).generators[0]


@pytest.mark.parametrize(("noise", "degrees"), [(0.0, 1e-3), (0.01, 0.6), (0.05, 3.0)])
def test_the_energy_shows_in_data_without_a_law(noise, degrees):
    features = Polynomial(4)
    data = moving(duffing, starts(20, size=1.5), 20, noise)
    result = sd.conserved_quantities(data, features, n_bootstrap=FEW)
    assert list(result.verdict.values).count("conserved") == 1 and result.attrs["gradient_rank"] == 1
    best = result.isel(quantity=0)
    assert degrees_between(best.coefficients.values, row(features, "xy", ENERGY)) < degrees
    assert best.violation <= best.upper_bound < 0.1 and not best.exact_rejected
    truth, leading = row(features, "xy", ENERGY), np.flatnonzero(best.coefficients.values == 1)[0]
    truth = truth / truth[leading]  # the term that varies most has the coefficient 1
    assert np.all(np.abs(best.coefficients.values - truth) <= 5 * best.errors.values + 1e-6)
    assert set(result.verdict.values[1:]) == {"broken"}


def test_the_square_of_the_energy_is_removed_from_what_noisy_data_show():
    for noise in (0.0, 0.05):
        data = moving(oscillator(), starts(40), 12, noise)
        result = sd.conserved_quantities(data, Polynomial(4), n_bootstrap=FEW)
        found = conserved(result)
        assert found.sizes["quantity"] == 1 and result.attrs["n_products"] == 1
        assert degrees_between(found.coefficients.values, row(Polynomial(4), "xy", {"x^2": 1.0, "y^2": 1.0})) < 3


def test_products_of_two_quantities_are_removed():
    free = law_of(Polynomial(1), ["x", "y", "u", "v"], {("x", "u"): 1, ("y", "v"): 1})
    result = sd.conserved_quantities(free, Polynomial(2))
    assert result.attrs["n_products"] == 3 and result.attrs["gradient_rank"] == 3
    truth = [row(Polynomial(2), "xyuv", t) for t in ({"u": 1.0}, {"v": 1.0}, {"x v": 1.0, "y u": -1.0})]
    assert degrees_between(conserved(result).coefficients.values, np.array(truth)) < 1e-4


def planar_kepler_features():
    quadratic = Monomials(tuple(map(tuple, polynomial_exponents(4, 2, False).tolist())))
    cubic = [row for row in polynomial_exponents(4, 3, False).tolist() if sum(row) == 3 and sum(row[:2]) == 1]
    radial = Radial([1], columns=(0, 1)) + CentralForce([1], columns=(0, 1))
    return quadratic + radial + Monomials(tuple(map(tuple, cubic)))


def test_planar_kepler_has_four_quantities_of_which_three_are_independent():
    forces = CentralForce([3], columns=(0, 1)) + Polynomial(1, constant=False, columns=(2, 3))
    states = ["x", "y", "u", "v"]
    terms = {("x", "u"): 1, ("y", "v"): 1, ("u", "x |q|^-3"): -1, ("v", "y |q|^-3"): -1}
    features = planar_kepler_features()
    result = sd.conserved_quantities(law_of(forces, states, terms), features)
    truth = [
        {"u^2": 0.5, "v^2": 0.5, "|q|^-1": -1.0},
        {"x v": 1.0, "y u": -1.0},
        {"x v^2": 1.0, "y u v": -1.0, "x |q|^-1": -1.0},
        {"y u^2": 1.0, "x u v": -1.0, "y |q|^-1": -1.0},
    ]
    found = conserved(result).coefficients.values
    assert len(found) == 4 and result.attrs["gradient_rank"] == 3
    assert degrees_between(found, np.array([row(features, states, t) for t in truth])) < 1e-3
    # Each comes out by itself, simple ones first: angular momentum before energy before the vector.
    assert [int(np.sum(np.abs(c) > 1e-4)) for c in found] == [2, 3, 3, 3]


def test_no_function_is_conserved_when_all_trajectories_lie_on_one_level():
    rng, energy = np.random.default_rng(0), 0.2
    x = rng.uniform(-1.2, 1.2, 15)
    y = np.sqrt(2 * energy + x**2 - x**4 / 2) * rng.choice([-1, 1], 15)
    for noise in (0.0, 0.01, 0.05):
        result = sd.conserved_quantities(
            moving(duffing, np.column_stack([x, y]), 20, noise), Polynomial(4), n_bootstrap=FEW
        )
        assert "conserved" not in result.verdict.values
        assert noise > 0 or result.attrs["n_unseen"] == np.isnan(result.violation.values).sum() == 1
    result = sd.conserved_quantities(DUFFING, Polynomial(6), points=np.column_stack([x, y]).repeat(3, 0)[:40])
    assert "conserved" not in result.verdict.values


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_a_single_trajectory_shows_nothing_conserved(noise):
    result = sd.conserved_quantities(moving(duffing, [[1.2, 0.5]], 40, noise), Polynomial(4), n_bootstrap=FEW)
    assert "conserved" not in result.verdict.values


def test_a_state_that_never_moves_is_told_from_what_is_conserved():
    x, t = moving(oscillator(), starts(20), 12, 0.01)
    resting = [np.column_stack([run, np.full(len(run), 0.3)]) for run in x]
    result = sd.conserved_quantities((resting, t), Polynomial(2), n_bootstrap=FEW)
    found = conserved(result)
    assert found.sizes["quantity"] == 1 and result.attrs["n_unseen"] == 4  # z, z^2, (z − 0.3) x, (z − 0.3) y
    point = np.array([[0.4, 0.7, 0.3]])
    assert np.allclose(Polynomial(2).jacobian(point)[0, :, :2].T @ found.coefficients.values[0], [0.8, 1.4], rtol=0.03)


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.05])
def test_weak_damping_breaks_the_energy(noise):
    data = moving(oscillator(0.02), starts(20), 12, noise)
    result = sd.conserved_quantities(data, Polynomial(4), n_bootstrap=FEW)
    assert "conserved" not in result.verdict.values
    nearest = result.isel(quantity=0)
    assert nearest.verdict == "broken" and nearest.violation > 0.1


def test_a_damped_law_has_no_polynomial_conserved():
    law = law_of(Polynomial(1), ["x", "y"], {("x", "y"): 1, ("y", "x"): -1, ("y", "y"): -0.02})
    assert set(sd.conserved_quantities(law, Polynomial(4)).verdict.values) == {"broken"}


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.05])
def test_slow_motion_makes_nothing_conserved(noise):
    data = moving(oscillator(), starts(40), 0.3, noise, n_times=100)
    result = sd.conserved_quantities(data, Polynomial(1), n_bootstrap=FEW)
    assert "conserved" not in result.verdict.values


def test_a_state_that_is_only_slow_is_not_conserved_but_one_at_rest_is():
    def field(rate):
        return lambda x: [x[1], -x[0], rate]

    for rate, verdict in ((0.001, "broken"), (0.0, "conserved")):
        result = sd.conserved_quantities(moving(field(rate), starts(20, 3), 12, 0.005), Polynomial(1), n_bootstrap=FEW)
        weight = np.abs(result.coefficients.sel(feature="x2").values)
        assert result.verdict.values[np.argmax(weight)] == verdict


@pytest.mark.parametrize("factor", [1e3, 1e-3])
def test_the_unit_of_a_state_changes_nothing(factor):
    x, t = moving(duffing, starts(15, size=1.5), 15, 0.02)
    plain = sd.conserved_quantities((x, t), Polynomial(4), n_bootstrap=FEW)
    scaled = sd.conserved_quantities(([run * [factor, 1.0] for run in x], t), Polynomial(4), n_bootstrap=FEW)
    assert np.array_equal(plain.verdict.values, scaled.verdict.values)
    assert np.allclose(plain.violation.values, scaled.violation.values, rtol=1e-5, atol=1e-7)
    assert np.allclose(plain.upper_bound.values, scaled.upper_bound.values, rtol=1e-5, atol=1e-7)


def test_the_unit_of_time_changes_nothing():
    x, t = moving(duffing, starts(15, size=1.5), 15, 0.02)
    plain, slow = (sd.conserved_quantities((x, step), Polynomial(4), n_bootstrap=FEW) for step in (t, 1e4 * t))
    assert np.allclose(plain.upper_bound.values, slow.upper_bound.values, rtol=1e-8)


def test_the_answer_does_not_depend_on_chunks():
    data = sd.open_trajectories(moving(duffing, starts(12, size=1.5), 15, 0.02)[0], t=0.05)
    whole = sd.conserved_quantities(data, Polynomial(4), n_bootstrap=FEW)
    pieces = sd.conserved_quantities(data.chunk(trajectory=5), Polynomial(4), n_bootstrap=FEW)
    assert np.allclose(whole.upper_bound.values, pieces.upper_bound.values, rtol=1e-6, atol=1e-9)
    assert np.allclose(whole.coefficients.values[0], pieces.coefficients.values[0], atol=1e-8)


def test_ragged_runs_at_irregular_times_do():
    rng = np.random.default_rng(3)
    runs, clocks = [], []
    for start in starts(15, size=1.5):
        clocks.append(np.sort(rng.uniform(0, rng.uniform(10, 20), rng.integers(150, 300))))
        span = (clocks[-1][0], clocks[-1][-1])
        solution = solve_ivp(lambda _, x: duffing(x), span, start, t_eval=clocks[-1], rtol=1e-9, atol=1e-11)
        runs.append(solution.y.T + 0.01 * rng.standard_normal(solution.y.T.shape))
    result = sd.conserved_quantities((runs, clocks), Polynomial(4), n_bootstrap=FEW)
    assert list(result.verdict.values).count("conserved") == 1
    assert degrees_between(result.coefficients.values[0], row(Polynomial(4), "xy", ENERGY)) < 2


def test_a_pysindy_library_will_do_and_the_constant_is_never_reported():
    result = sd.conserved_quantities(DUFFING, ps.PolynomialLibrary(4))
    assert list(result.verdict.values).count("conserved") == 1
    assert np.all(result.coefficients.sel(feature="1") == 0)
    assert result.sizes["quantity"] == result.sizes["feature"] - 1


def test_noise_leaves_no_bias_in_functions_that_are_no_polynomials():
    features = Radial([1], columns=(0, 1)) + Polynomial(4)
    point, noise = np.array([[0.6, 0.2]]), np.array([0.03, 0.08])
    noisy = point + noise * np.random.default_rng(0).standard_normal((200000, 2))
    error = np.abs(noise_free(features, noisy, noise).mean(axis=0) - features(point)[0])
    assert np.all(error < 5 * features(noisy).std(axis=0) / np.sqrt(len(noisy)) + 2e-4)
    assert np.abs(features(noisy).mean(axis=0) - features(point)[0])[0] > 1e-3  # what is taken out


def test_gradient_rank_counts_functionally_independent_ones():
    x = np.random.default_rng(0).standard_normal((200, 3))
    one, two = 2 * x * [1, 1, 0], 2 * x * [0, 1, 1]
    dependent = np.stack([one, two, one * np.sum(x[:, :2] ** 2, axis=1)[:, None] + two], axis=1)
    assert gradient_rank(dependent, 1e-6) == 2
    assert gradient_rank(dependent[:, :0], 1e-6) == 0


BAD = {
    "delta must lie between": {"delta": 0.0},
    "alpha must lie between": {"alpha": 1.0},
    "tolerance must lie between": {"tolerance": -1.0},
    "n_bootstrap must be at least 20": {"n_bootstrap": 3},
    "points are for a law": {"points": np.zeros((3, 2))},
}


@pytest.mark.parametrize("message", BAD)
def test_bad_options_are_named(message):
    with pytest.raises(ValueError, match=message):
        sd.conserved_quantities(moving(duffing, starts(2), 5), Polynomial(2), **BAD[message])


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_bad_sources_and_features_are_named():
    data = moving(duffing, starts(3), 5)
    with pytest.raises(ValueError, match="16 are needed"):
        sd.conserved_quantities((data[0][0][:12], 0.1), Polynomial(2))
    with pytest.raises(ValueError, match="cannot decide about 44 features"):
        sd.conserved_quantities((data[0][0][:40], 0.1), Polynomial(8))
    with pytest.raises(ValueError, match="no state moves"):
        sd.conserved_quantities((np.ones((50, 2)), 0.1), Polynomial(2))
    with pytest.raises(ValueError, match="all features are constant"):
        sd.conserved_quantities(data, Polynomial(0))
    with pytest.raises(TypeError, match="features must be Features"):
        sd.conserved_quantities(data, 2)
    with pytest.raises(ValueError, match=r"points must have shape \(sample, 2\)"):
        sd.conserved_quantities(DUFFING, Polynomial(2), points=np.zeros((5, 3)))
    with pytest.raises(ValueError, match="3 points cannot decide about 5 features"):
        sd.conserved_quantities(DUFFING, Polynomial(2), points=np.eye(3)[:, :2])
    with pytest.raises(ValueError, match="at rest at all points"):
        sd.conserved_quantities(law_of(Polynomial(1), ["x"], {}), Polynomial(1))
    with pytest.raises(ValueError, match="first_order"):
        sd.conserved_quantities(sd.VectorField(Polynomial(1), np.ones((1, 3)), ("x", "y")), Polynomial(1))
    library = ps.CustomLibrary([lambda x: 1 / x], [lambda x: f"1/{x}"])
    zero = [np.where(np.arange(300)[:, None] == 7, 0.0, run) for run in data[0]]
    with pytest.raises(ValueError, match="feature '1/x0' is not finite"):
        sd.conserved_quantities((zero, data[1]), library)


QUARTIC = law_of(
    Polynomial(3),
    ["x", "y", "u", "v"],
    {
        ("x", "u"): 1,
        ("y", "v"): 1,
        ("u", "x^3"): -1,
        ("u", "x y^2"): -1,
        ("v", "y^3"): -1,
        ("v", "x^2 y"): -1,
    },
)


QUARTIC_FEATURES = Monomials(
    tuple(
        r for r in map(tuple, polynomial_exponents(4, 4).tolist()) if sum(r) == 2 or (sum(r) == 4 and r[2:] == (0, 0))
    )
)


def _bracket(field, other, points):
    return np.einsum("soi,si->so", field.jacobian(points), other(points)) - np.einsum(
        "soi,si->so", other.jacobian(points), field(points)
    )


def test_angular_momentum_pairs_with_rotation_and_scaling_with_nothing():
    features = QUARTIC_FEATURES
    found = conserved(sd.conserved_quantities(QUARTIC, features))
    rotation = np.kron(np.eye(2), [[0, -1], [1, 0]])
    scaling = np.diag([1.0, 1.0, 2.0, 2.0])  # with time slowed down a symmetry of the field
    algebra = sd.LieAlgebra.from_matrices([rotation, scaling])
    pairing = noether_pairing(found, features, algebra, law=QUARTIC)
    assert found.sizes["quantity"] == 2 and np.isnan(pairing.partners[1]).all()
    quantity = pairing.partners[0] @ found.coefficients.values
    assert degrees_between(quantity, row(features, "xyuv", {"x v": 1.0, "y u": -1.0})) < 1e-4


def test_the_flow_of_a_function_is_a_symmetry_exactly_when_it_is_conserved():
    features = QUARTIC_FEATURES
    result = sd.conserved_quantities(QUARTIC, features)
    points = np.random.default_rng(0).standard_normal((30, 4))
    sizes = {"conserved": [], "broken": []}
    for verdict, values in zip(result.verdict.values, result.coefficients.values, strict=True):
        one = result.isel(quantity=[0]).assign(coefficients=(("quantity", "feature"), values[None]))
        field = noether_pairing(one, features).generators[0]
        gradient = sd.VectorField(features, values[None], ("x", "y", "u", "v")).jacobian(points)[:, 0]
        poisson = np.einsum("si,si->s", gradient, QUARTIC(points))
        scale = np.abs(gradient).max() * np.abs(QUARTIC(points)).max()
        sizes[verdict].append([np.abs(_bracket(QUARTIC, field, points)).max() / scale, np.abs(poisson).max() / scale])
    assert np.max(sizes["conserved"]) < 1e-6 and np.min(sizes["broken"]) > 1e-4


def test_momentum_pairs_with_translation():
    law = law_of(Polynomial(3), ["x", "y", "u", "v"], {("x", "u"): 1, ("y", "v"): 1, ("u", "x^3"): -1})
    features = Polynomial(2)
    found = conserved(sd.conserved_quantities(law, features))
    translations = sd.LieAlgebra(sd.candidates.translations(4))
    partners = noether_pairing(found, features, translations, law=law).partners
    assert list(np.isnan(partners).any(axis=1)) == [True, False, True, True]
    assert degrees_between(partners[1] @ found.coefficients.values, row(features, "xyuv", {"v": 1.0})) < 1e-6


def test_bad_pairings_are_named():
    found = sd.conserved_quantities(DUFFING, Polynomial(4))
    damped = law_of(Polynomial(1), ["x", "y"], {("x", "y"): 1, ("y", "x"): -1, ("y", "y"): -0.02})
    with pytest.raises(ValueError, match="not Hamiltonian"):
        noether_pairing(found, Polynomial(4), law=damped)
    with pytest.raises(ValueError, match="the algebra acts on 3 states"):
        noether_pairing(found, Polynomial(4), sd.LieAlgebra(sd.candidates.so(3)))
    with pytest.raises(ValueError, match="positions and as many momenta"):
        noether_pairing(found.assign_attrs(states="x y z"), Polynomial(4))
    with pytest.raises(ValueError, match="the law must be a flow of the 2 states"):
        noether_pairing(found, Polynomial(4), law=QUARTIC)
    radial = Radial([1], columns=(0, 1))
    table = found.isel(quantity=[0], feature=[0]).assign(coefficients=(("quantity", "feature"), np.ones((1, 1))))
    with pytest.raises(ValueError, match="Radial features are no polynomials"):
        noether_pairing(table, radial)


def test_what_one_trajectory_alone_tells_apart_is_not_called_conserved():
    """z is 0 on eleven trajectories and 1 on one: that it does not change was seen where it could be seen, once."""
    rng, times = np.random.default_rng(0), np.linspace(0, 20, 400)
    runs = []
    for k in range(12):
        size, phase = rng.uniform(0.5, 2), rng.uniform(0, 6)
        x, y = size * np.cos(times + phase), size * np.sin(times + phase)
        runs.append(np.column_stack([x, y, 0 * times + (k == 3)]))
    lone = sd.conserved_quantities((runs, times), Polynomial(2))
    kept = lone.quantity.values[(lone.verdict == "conserved").values]
    assert len(kept) == 1 and "z" not in kept[0] and "x2" not in kept[0]
    for k, run in enumerate(runs):
        run[:, 2] = rng.uniform(-1, 1) if k else 1.0
    many = sd.conserved_quantities((runs, times), Polynomial(2))
    assert {"x2", "x0^2 + x1^2"} <= set(many.quantity.values[(many.verdict == "conserved").values])


def test_terms_that_hardly_vary_do_not_fill_the_text():
    """The planets' velocities are small numbers: products of two of them must not outweigh the angular momentum."""
    planets = sd.open_trajectories("datasets/planets.nc")
    found = sd.conserved_quantities(planets, Polynomial(2) + Radial((1,)))
    texts = found.quantity.values[(found.verdict == "conserved").values]
    assert any("|q|^-1" in text and "vz^2" in text for text in texts)
    assert any("x vz" in text and "z vx" in text and "vz^2" not in text for text in texts)
