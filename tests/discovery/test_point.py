import numpy as np
import pytest
from scipy.linalg import subspace_angles
from sklearn.base import clone

from symdyn.data.grids import field_block, field_grid, validate_fields
from symdyn.discovery.point.direct_evidence import elements_of
from symdyn.discovery.point.jet_samples import sample_jets
from symdyn.discovery.point.point_constraint import symmetric_terms
from symdyn.discovery.point.point_symmetry import PointSymmetryDiscovery
from symdyn.discovery.point.point_table import space_and_values
from symdyn.jets.evolution import conditions
from symdyn.jets.field_terms import weak_term
from symdyn.jets.pointfields import parse_generators
from symdyn.laws.fields.identify import identify_law
from symdyn.regression.pde import PDERegression
from symdyn.rows.field_conditions import condition_sums
from symdyn.rows.field_windows import place_windows
from symdyn.sums.field_tasks import some_runs
from symdyn.systems import fields
from symdyn.systems.fieldlaws import FIELD_SYSTEMS, field_equations, field_law, known_symmetries

pytestmark = pytest.mark.xdist_group("point")  # one process makes what they share

FIVE = known_symmetries("burgers")
WORDS = [*FIVE, "u ∂t", "x ∂x", "t ∂t", "x u ∂x", "u^2 ∂u"]


@pytest.fixture(scope="module")
def noisy():
    return fields.burgers(noise=0.05, n_trajectories=8, n_times=80, n_points=96, rng=2)


@pytest.fixture(scope="module")
def search(noisy):
    return PointSymmetryDiscovery(WORDS, n_bootstrap=40).fit(noisy)


def test_five_generators_of_burgers_from_noisy_fields(search):
    truth = parse_generators(FIVE, ("t", "x", "u"), 2).vectors()
    assert search.algebra_.dim == 5
    assert np.degrees(subspace_angles(search.algebra_.basis.vectors().T, truth.T).max()) < 0.5
    assert list(search.verdicts_.verdict.values[:5]) == ["symmetric"] * 5
    assert "symmetric" not in search.verdicts_.verdict.values[5:]


def test_the_law_is_found_with_its_error(search):
    law = search.law_
    assert {u: set(t) for u, t in law.equations().items()} == {"u": {"u u_x", "u_xx"}}
    error = np.abs(law.coefficients[law.support] - [0.2, -1.0])
    assert np.all(error < 5 * law.standard_errors[law.support])
    assert search.equation_.sel(field="u", term="u u_x") == pytest.approx(-1, abs=0.02)


def test_a_finite_flow_maps_the_solution_to_a_solution(search):
    accepted = search.verdicts_.isel(generator=slice(0, 5))
    assert float(accepted.residual_before.max()) < 1e-5
    assert float(accepted.residual_after.max()) < 0.02


def test_a_flow_along_a_translation_moves_the_solution_by_a_fifth_of_the_places(search):
    moved = search.flows_["u"]
    assert list(moved.moved.values) == ["the solution", *search.algebra_.texts()]
    shift = round(0.2 * 7 / 8 * 2 * moved.sizes["x"])  # 8 places of the period are looked at; half of it is shown
    before, after = moved.sel(moved="the solution").values, moved.sel(moved="∂x").values
    assert np.abs(after[:, shift:] - before[:, :-shift]).max() < 1e-6 * np.abs(before).max()


def test_the_direct_route_does_not_contradict_what_a_difference_scheme_made():
    data = fields.kdv(differences=True, n_points=100, n_times=1000, length=2.0, largest_step=0.002, rng=105)
    found = PointSymmetryDiscovery([*known_symmetries("kdv"), "u ∂u", "t ∂t"], finite_flow=False).fit(data)
    assert "difference" in found.derivatives_ and found.flows_ is None
    assert found.algebra_.dim == 4
    assert any("difference equation" in note for note in found.notes_)


def test_results_are_labelled_and_split_into_space_and_values(search):
    assert search.coefficients_.dims == ("generator", "component", "monomial")
    space, values = space_and_values(search.algebra_, 1)
    assert list(space.component.values) == ["t", "x"] and list(values.component.values) == ["u"]
    assert "∂x" in search.summary() and "unexplained" in search.summary()


def test_damping_breaks_boost_and_scaling():
    data = fields.burgers(noise=0.02, n_trajectories=8, n_times=100, n_points=128, rng=2, damping=1.0)
    found = PointSymmetryDiscovery(WORDS, n_bootstrap=40, finite_flow=False).fit(data)
    assert sorted(found.algebra_.texts()) == ["∂t", "∂x"]


def test_a_drift_that_depends_on_the_place_is_not_explained_and_nothing_is_accepted():
    data = fields.burgers(n_trajectories=8, n_times=100, n_points=128, rng=2, drift=0.5)
    found = PointSymmetryDiscovery(WORDS, n_bootstrap=20, finite_flow=False).fit(data)
    assert found.algebra_.dim == 0 and "symmetric" not in found.verdicts_.verdict.values
    assert "the library cannot represent it" in found.notes_[0]


def test_a_given_equation_is_taken_as_exact(noisy):
    found = PointSymmetryDiscovery(FIVE, field_equations("burgers"), finite_flow=False).fit(noisy)
    assert found.algebra_.dim == 5 and found.algebra_.exact.all()
    assert np.all(found.law_.errors == 0)


def test_averages_of_polynomials_are_those_of_their_values(noisy):
    dataset = validate_fields(noisy)
    law = field_law("burgers")
    rng = np.random.default_rng(0)
    found = identify_law(dataset, n_bootstrap=20, rng=rng)
    values, noise = some_runs(dataset, 8)
    sample = sample_jets(values, noise, found.grid, found.law, found.halves[1:], n_rows=20, rng=rng)
    sides = conditions(law, parse_generators(WORDS, ("t", "x", "u"), 2))
    for _ in range(2):  # what is known is not looked up anew
        for side in sides:
            at_points = sample.at_points(law.space, side).reshape(-1, len(sample.weights), 1, len(WORDS))
            expected = np.einsum("rpfg,p->rfg", at_points, sample.weights)
            assert np.abs(sample.averages(law.space, side) - expected).max() < 1e-12 * np.abs(at_points).max()


def test_waves_that_all_travel_alike_make_a_trivial_generator():
    """u = f(x − t): ∂t + ∂x moves nothing, whatever the law is."""
    x, t = np.arange(128) * 16 / 128 - 8, np.linspace(0, 2, 60)
    rng = np.random.default_rng(0)
    waves = np.stack(
        [
            sum(
                a * np.cos(2 * np.pi * k * (x - t[:, None]) / 16 + b)
                for k, (a, b) in enumerate(rng.normal(size=(4, 2)), 1)
            )
            for _ in range(8)
        ]
    )
    data = fields.heat(n_trajectories=8, n_times=60, n_points=128, length=2.0)
    data = data.assign(u=(data.u.dims, waves))
    found = PointSymmetryDiscovery(["∂t + ∂x"], {"u": {"u_x": -1.0}}, finite_flow=False).fit(data)
    assert found.trivial_.texts() == ["∂t + ∂x"] and found.algebra_.dim == 0


def test_the_weak_condition_vanishes_for_exact_symmetries_of_clean_fields():
    for name, make in [("burgers", fields.burgers), ("kdv", fields.kdv), ("schroedinger", fields.schroedinger)]:
        data = validate_fields(make(n_trajectories=2, n_times=120, n_points=96, rng=1))
        grid, values = field_grid(data), field_block(data, slice(None))
        truth = parse_generators(known_symmetries(name), (*grid.coordinates, *grid.fields), 2)
        elements, weights, usable = elements_of(truth, 2)
        law = [
            [(weak_term(n, grid.fields, grid.axes), c) for n, c in terms.items()]
            for terms in field_equations(name).values()
        ]
        lengths = [g[-1] - g[0] for g in grid.grids]
        windows = place_windows(grid.grids, [0.35 * lengths[0], 0.15 * lengths[1]], [6, 7])
        sums = condition_sums(values, np.zeros((len(values), 2)), elements, law, windows)
        violation = np.diag(weights @ sums.violation.mean(0) @ weights.T)
        size = np.diag(weights @ (sums.size + sums.parts).mean(0) @ weights.T)
        assert usable.all() and np.all(np.abs(violation) < 1e-6 * size), name


@pytest.mark.parametrize("name", FIELD_SYSTEMS)
def test_a_law_lies_in_what_its_symmetries_leave(name):
    law, equations = field_law(name), field_equations(name)
    terms = list(dict.fromkeys(t for side in equations.values() for t in side)) + ["u_x", "u^2"]
    generators = parse_generators(known_symmetries(name), law.space.names)
    space = symmetric_terms(terms, law.space.fields, law.space.coordinates, generators, law.time_order)
    vector = np.array([side.get(t, 0.0) for side in equations.values() for t in terms])
    rest = vector - space.offset
    left = rest - space.basis @ np.linalg.lstsq(space.basis, rest, rcond=None)[0]
    assert np.abs(left).max() < 1e-10
    assert space.dim < len(vector) - 1


def test_symmetries_that_no_law_of_the_library_has_are_refused():
    with pytest.raises(ValueError, match="no law on these terms"):
        symmetric_terms(["u_xx"], ("u",), ("t", "x"), parse_generators(["t ∂x + ∂u"], ("t", "x", "u")))


def test_regression_inside_a_symmetry_keeps_it_exactly(noisy):
    model = PDERegression(symmetry=["∂t", "∂x", "t ∂x + ∂u", "2 t ∂t + x ∂x − u ∂u"], n_bootstrap=20).fit(noisy)
    assert model.n_free_ == 1 and float(model.equation_.sel(field="u", term="u u_x")) == -1.0
    assert model.equations()[0].startswith("u_t = ")
    assert float(model.equation_.sel(field="u", term="u_xx")) == pytest.approx(0.2, abs=0.01)


def test_what_a_symmetry_leaves_is_named():
    data = fields.lambda_omega(n_points=(24, 24), n_times=24, n_trajectories=4)
    model = PDERegression(symmetry=["v ∂u - u ∂v", "-y ∂x + x ∂y"], n_bootstrap=20).fit(data)
    assert model.n_free_ == len(model.features_) == 6
    assert "u_xx + u_yy, v_xx + v_yy" in model.features_


def test_pysindy_optimizers_fit_what_the_symmetry_leaves(noisy):
    import pysindy as ps

    model = PDERegression(optimizer=ps.STLSQ(threshold=0.05), symmetry=["t ∂x + ∂u"], n_bootstrap=20).fit(noisy)
    assert float(model.equation_.sel(field="u", term="u u_x")) == pytest.approx(-1.0, abs=1e-9)
    assert float(model.equation_.sel(field="u", term="u_xx")) == pytest.approx(0.2, abs=0.02)


def test_derivatives_are_those_that_the_data_were_made_with():
    data = fields.burgers(
        potential=True, differences=True, n_points=64, n_times=120, length=1.2, largest_step=0.01, n_trajectories=8
    )
    found = identify_law(validate_fields(data), n_bootstrap=20, rng=np.random.default_rng(0))
    assert found.derivatives.startswith("second-order differences in space")
    assert found.law.equations()["u"] == pytest.approx({"u_xx": 0.2, "u_x^2": -0.5}, rel=1e-4)


def test_estimators_can_be_cloned_and_bad_options_are_named(noisy):
    assert clone(PointSymmetryDiscovery(1, delta=0.05)).get_params()["delta"] == 0.05
    for options, match in [
        ({"delta": 2.0}, "delta"),
        ({"alpha": 0.0}, "alpha"),
        ({"n_bootstrap": 3}, "n_bootstrap"),
        ({"time_order": 3}, "time_order"),
        ({"derivatives": "none"}, "derivatives"),
        ({"terms": ["u_x^2", "u_xx"], "derivatives": "weak"}, "no derivatives of products"),
        ({"equation": {"w": {"w_x": 1.0}}}, "equation has sides"),
    ]:
        with pytest.raises(ValueError, match=match):
            PointSymmetryDiscovery(1, **options).fit(noisy)
    with pytest.raises(TypeError, match="must be a Dataset"):
        PointSymmetryDiscovery(1).fit(np.zeros((3, 3)))
