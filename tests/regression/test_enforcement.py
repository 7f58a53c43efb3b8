"""What was found is enforced only where data left out do not object; what is given as exact always, with a word."""

import warnings
from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import pysindy as ps
import pytest
from scipy.integrate import solve_ivp

import symdyn as sd
from symdyn.jets.pointfields import parse_generators
from symdyn.regression import PDERegression, SymmetricSINDy, discover_then_fit, fit_moments
from symdyn.regression.discovered import fit_then_judge
from symdyn.regression.enforcing.enforcement import units_of
from symdyn.regression.enforcing.left_out import excess_of, parts_of_rows, parts_of_sums
from symdyn.regression.enforcing.validation import rate_losses
from symdyn.regression.moments_fit import sums_of
from symdyn.sums.moments import accumulate, joined
from symdyn.systems import fields
from symdyn.testing import assert_symmetric

QUADRATIC, CUBIC = sd.features.Polynomial(2), sd.features.Polynomial(3)
CYCLE, ROTATION = sd.groups.cyclic(3), sd.LieAlgebra(sd.candidates.so(2))


def found(*parts):
    """What a search that has accepted these symmetries hands on."""
    elements = [part for part in parts if isinstance(part, sd.groups.Elements)]
    algebras = [part for part in parts if isinstance(part, sd.LieAlgebra)]
    n = len(parts[0].states)
    nothing = sd.LieAlgebra(sd.candidates.translations(n)).subset([])
    return SimpleNamespace(algebra_=(algebras or [nothing])[0], elements_=elements[0].searched() if elements else None)


def solved(rates, starts, times, noise, seed=0):
    shape = np.shape(starts)
    flat = solve_ivp(
        lambda _, x: rates(x.reshape(shape)).ravel(), times[[0, -1]], np.ravel(starts), t_eval=times, rtol=1e-8
    )
    runs = np.moveaxis(flat.y.reshape(*shape, -1), 2, 1)
    spread = runs.std(axis=(0, 1))
    noisy = runs + noise * spread * np.random.default_rng(seed).standard_normal(runs.shape)
    return list(noisy), times[1] - times[0]


@lru_cache
def halvorsen(breaking, noise=0.03, seed=0, n=7):
    a = 1.4 * np.array([1, 1 + breaking, 1 - breaking])
    starts = np.random.default_rng(100 + seed).uniform(-3, 1, (n, 3))
    return solved(
        lambda x: -a * x - 4 * (np.roll(x, -1, 1) + np.roll(x, -2, 1)) - np.roll(x, -1, 1) ** 2,
        starts,
        np.linspace(0, 4, 200),
        noise,
        seed,
    )


def trapped(stiffness, noise=0.01, n=12):
    """x' = (1 − |x|^2) x − stiffness x: isotropic where all three are the same."""
    starts = np.random.default_rng(5).uniform(-1.5, 1.5, (n, 3))
    spring = np.array(stiffness)
    return solved(
        lambda x: (1 - np.sum(x**2, axis=1, keepdims=True)) * x - spring * x, starts, np.linspace(0, 1.5, 120), noise
    )


def hopf(noise=0.03, seed=0, **options):
    return sd.systems.hopf(noise=noise, rng=seed, n_trajectories=8, n_times=200, **options)


def plain(symmetry=None, degree=2):
    return SymmetricSINDy(ps.STLSQ(threshold=0.05), ps.PolynomialLibrary(degree), symmetry=symmetry)


@pytest.mark.parametrize(
    ("data", "features", "symmetry"),
    [
        (halvorsen(0.0, noise=0.0), QUADRATIC, CYCLE),
        (hopf(noise=0.0), CUBIC, ROTATION),
        (sd.systems.lorenz(n_trajectories=6, n_times=300, length=4.0), QUADRATIC, sd.groups.sign_flip([-1, -1, 1])),
    ],
    ids=["cycle", "rotation", "flip"],
)
def test_an_exact_symmetry_is_never_dropped_without_noise(data, features, symmetry):
    law = fit_moments(data, features, symmetry=found(symmetry))
    assert law.enforced_ and not law.dropped_ and not law.promoted_
    model = plain(found(symmetry), 3 if features is CUBIC else 2).fit(*data)
    assert model.enforced_ and not model.dropped_ and not model.promoted_
    assert model.subspace_.dim < law.coefficients.size


@pytest.mark.parametrize("broken", [0.0, 0.02, 0.1, 0.3])
@pytest.mark.filterwarnings("ignore:.*(is not enforced|holds only about)")
def test_a_constraint_never_predicts_worse_than_the_free_law_by_more_than_its_error(broken):
    """On fresh data; the cycle of Halvorsen's system, whose exact constraint costs up to 28 times the accuracy."""
    for seed in (1, 2) if broken else (1,):
        data = halvorsen(broken, seed=seed)
        law, free = (fit_moments(data, QUADRATIC, symmetry=s) for s in (found(CYCLE), None))
        fresh, _ = sums_of(halvorsen(broken, seed=50 + seed), QUADRATIC)
        chart = fresh.chart
        laws = [chart.law_in(one.coefficients, QUADRATIC, np.array(chart.scale) / chart.time) for one in (law, free)]
        excess, error = rate_losses(np.stack(laws), fresh).excess(1)
        assert excess[0] <= 2 * error[0]
        assert law.n_terms > 0
        if broken != 0.02:  # which noise hides where runs are short
            assert bool(law.enforced_) == (broken == 0)


def test_what_the_data_object_to_is_dropped_with_one_warning_that_has_the_numbers():
    data = halvorsen(0.3)
    with pytest.warns(UserWarning) as caught:
        law = fit_moments(data, QUADRATIC, symmetry=found(CYCLE))
    (said,) = [str(one.message) for one in caught]
    assert "cycle x0 -> x1 -> x2 is not enforced: the law is free" in said and "p = " in said and "±" in said
    assert law.dropped_[0].dim == 1 and not law.enforced_ and law.enforcement.joint.p < 1e-3
    np.testing.assert_array_equal(law.coefficients, fit_moments(data, QUADRATIC).coefficients)
    with pytest.warns(UserWarning, match="is not enforced"):
        model = plain(found(CYCLE)).fit(*data)
    np.testing.assert_allclose(model.coefficients(), plain().fit(*data).coefficients(), atol=1e-10)
    assert model.dropped_ and model.optimizer_.symmetry is None


def test_a_symmetry_that_is_given_is_kept_and_the_data_say_what_that_costs():
    data = halvorsen(0.3)
    with pytest.warns(UserWarning, match=r"contradict the given symmetry.* misses 0\.0\d+ of the rates more.*p = "):
        law = fit_moments(data, QUADRATIC, symmetry=CYCLE)
    assert_symmetric(law, CYCLE)
    with pytest.warns(UserWarning, match="contradict the given symmetry"):
        model = plain(CYCLE).fit(*data)
    assert model.enforced_ and not model.dropped_
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit_moments(halvorsen(0.0), QUADRATIC, symmetry=CYCLE)


def test_of_an_algebra_the_generators_stay_that_the_data_keep():
    """Stiffness along z breaks the rotations about x and about y."""
    rotations = sd.LieAlgebra(sd.candidates.so(3))
    with pytest.warns(UserWarning, match="x1 ∂x0 − x0 ∂x1 is kept"):
        law = fit_moments(trapped([0.2, 0.2, 0.8]), CUBIC, symmetry=found(rotations))
    assert law.enforced_[0].texts() == ["x1 ∂x0 − x0 ∂x1"]
    assert_symmetric(law, law.enforced_[0])
    assert sum(part.dim for part in law.dropped_) == 2
    whole = fit_moments(trapped([0.2, 0.2, 0.2]), CUBIC, symmetry=found(rotations))
    assert whole.enforced_[0].dim == 3


def test_of_a_group_the_elements_stay_that_the_data_keep():
    """Of all permutations of three states the swap of two, and no product of it."""
    with pytest.warns(UserWarning, match="swap x0, x1 is kept"):
        law = fit_moments(trapped([0.2, 0.2, 0.8]), CUBIC, symmetry=found(sd.groups.permutations(3)))
    assert law.enforced_[0].texts() == ["swap x0, x1"]
    assert sum(part.dim for part in law.dropped_) == 3  # two swaps, and the cycle with its inverse
    assert_symmetric(law, law.enforced_[0])


def test_elements_that_generate_one_group_stand_or_fall_together():
    quarter = sd.groups.element(np.array([[0.0, -1], [1, 0]]))
    turns = quarter.generate()  # identity, quarter, half, three quarters
    units = units_of([turns.subset([1, 2, 3])], [True])
    assert sorted(unit.members for unit in units) == [(0, 2), (1,)]


def test_what_nearly_holds_pulls_the_law_towards_it():
    """A rotation broken by little: better than with the constraint and than without, and inside what is enforced."""
    x, step = sd.systems.hopf(breaking=0.05, noise=0.05, rng=3, n_trajectories=10)
    truth = sd.systems.exact_law("hopf", breaking=0.05)
    with pytest.warns(UserWarning, match="pulled towards it by"):
        law = fit_moments((x, step), CUBIC, symmetry=found(ROTATION))
    assert law.promoted_ and not law.enforced_ and 0 < law.enforcement.weight < 0.9
    free = fit_moments((x, step), CUBIC)
    errors = [np.linalg.norm(one.coefficients - truth.coefficients) for one in (law, free)]
    assert errors[0] < errors[1]


def pendulum(noise):
    times, rng = np.linspace(0, 9, 600), np.random.default_rng(0)
    runs = [
        solve_ivp(lambda _, y: [y[1], -64 * np.sin(y[0]) - 0.1 * y[1]], (0, 9), [a, 0], t_eval=times, rtol=1e-9).y.T
        for a in (1.6, 1.2, 0.9, 0.7, 1.4, 0.8)
    ]
    return [run + noise * rng.standard_normal(run.shape) for run in runs], times


def test_no_law_is_destroyed_by_what_was_found_to_within_a_tolerance():
    """Near its rest a pendulum is nearly linear, so that the scaling is symmetric to within 0.05."""
    with pytest.warns(UserWarning, match="is not enforced"):
        fit = discover_then_fit(pendulum(1e-3), sd.candidates.gl(2), CUBIC, n_bootstrap=50)
    assert fit.law.n_terms >= 4 and "No symmetry is enforced" in fit.summary() and "± inf" not in fit.summary()
    rates = fit.law(np.array([[0.5, 1.0]]))[0]
    np.testing.assert_allclose(rates, [1.0, -64 * np.sin(0.5) - 0.1], rtol=0.01)
    candidates = sd.candidates.affine(2) + sd.groups.sign_flips(2)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*is not enforced")  # the scaling, again
        flipped = discover_then_fit(pendulum(1e-2), candidates, CUBIC, n_bootstrap=50)
    assert flipped.law.n_terms >= 4
    assert any(isinstance(part, sd.groups.Elements) for part in flipped.enforced_)


def test_an_algebra_with_a_name_is_used_as_the_exact_one():
    """The rotation lies three and a half error bars from what was found: used as it is, it ties terms of no meaning."""
    data = hopf(noise=0.02)
    near = sd.LieAlgebra.from_matrices([[[0.0015, 0.999], [-1.0, 0.0035]]], errors=0.001)
    assert near.name == "so(2)" and not near.canonical().exact.all()
    law = fit_moments(data, CUBIC, symmetry=near)
    assert law.enforced_[0].exact.all() and np.count_nonzero(law.coefficients) == law.n_terms == 8
    model = plain(near, 3).fit(*data)
    assert model.enforced_[0].exact.all() and model.subspace_.dim == 4


@pytest.mark.filterwarnings("ignore:.*(is not enforced|holds only about|contradict the given)")
def test_the_law_is_that_of_all_runs():
    x, step = sd.systems.hopf(breaking=1.0, noise=0.01, rng=0, n_trajectories=10)
    dataset = sd.open_trajectories(x, t=step)
    fit = discover_then_fit(dataset, sd.candidates.gl(2), CUBIC, n_bootstrap=50)
    assert fit.symmetry is None
    first = accumulate(dataset.isel(trajectory=fit.indices[0]), CUBIC, fit.layout, method=fit.train.axes)
    whole = fit_moments(joined([first, fit.train, fit.held_out]), CUBIC, layout=fit.layout)
    np.testing.assert_allclose(fit.law.coefficients, whole.coefficients, atol=1e-12)
    inside = fit_then_judge(dataset, ROTATION, CUBIC)
    together = joined([inside.train, inside.held_out])
    given = fit_moments(together, CUBIC, symmetry=ROTATION, layout=inside.layout)
    np.testing.assert_allclose(inside.law.coefficients, given.coefficients, atol=1e-12)


def test_parts_are_runs_or_blocks_of_time_and_add_up():
    sums, _ = sums_of(hopf(), CUBIC)
    parts = parts_of_sums(sums)
    assert parts.n == 8 and parts.names == "runs"
    np.testing.assert_allclose(parts.sums.sum(axis=0), sums.products.sum(axis=0), rtol=1e-12)
    few, _ = sums_of(sd.systems.hopf(noise=0.03, n_trajectories=2, length=60.0, n_times=2000), CUBIC)
    blocks = parts_of_sums(few)
    assert 8 <= blocks.n <= 10 and blocks.names == "blocks of time"
    np.testing.assert_allclose(blocks.sums.sum(axis=0), few.products.sum(axis=0), rtol=1e-12)
    rows, names = parts_of_rows([40, 60], [1.0, 1.0])
    assert names == "blocks of time" and sorted(np.concatenate(rows)) == list(range(100)) and len(rows) == 10


def test_many_runs_are_shared_out_alike_in_any_order():
    x, step = sd.systems.hopf(noise=0.03, n_trajectories=45, n_times=60)
    order = np.random.default_rng(0).permutation(45)
    one, other = (parts_of_sums(sums_of(([x[k] for k in which], step), CUBIC)[0]) for which in (np.arange(45), order))
    assert one.n == other.n == 12
    np.testing.assert_allclose(np.trace(one.sums, axis1=1, axis2=2), np.trace(other.sums, axis1=1, axis2=2), rtol=0.2)


def test_one_part_alone_decides_nothing():
    losses = np.zeros(10)
    losses[0] = 5.0
    assert not excess_of(losses, np.zeros(10)).objects(0.5)
    assert excess_of(np.full(10, 0.1) + 0.01 * np.arange(10), np.zeros(10)).objects(0.01)
    assert not excess_of(np.full(10, 1e-12), np.zeros(10)).objects(0.5)


def test_units_of_the_states_change_no_decision():
    x, step = halvorsen(0.02)
    metres = [run * [1e3, 1e3, 1e3] for run in x]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one, other = (fit_moments((runs, step), QUADRATIC, symmetry=found(CYCLE)) for runs in (x, metres))
    assert one.enforcement.joint.mean == pytest.approx(other.enforcement.joint.mean, rel=1e-6)
    assert one.enforcement.weight == pytest.approx(other.enforcement.weight, rel=1e-6)


@pytest.mark.filterwarnings("ignore::pysindy.utils._axes.AxesWarning")
def test_rows_of_a_weak_library_and_weighted_ones_are_judged_too():
    x, step = sd.systems.hopf(noise=0.01, rng=0, n_trajectories=8, n_times=200)
    times = np.arange(200) * step
    np.random.seed(0)  # noqa: NPY002 (pysindy draws windows from the global state)
    inner = ps.PolynomialLibrary(3, include_bias=False)
    library = ps.WeakPDELibrary(function_library=inner, spatiotemporal_grid=times, K=60)
    optimizer = ps.STLSQ(threshold=0.1, alpha=1e-9)
    weak = SymmetricSINDy(optimizer, library, symmetry=found(ROTATION)).fit(x, step)
    assert weak.enforced_ and weak.subspace_.dim == 4
    weights = [np.ones(len(run)) for run in x]
    assert plain(found(ROTATION), 3).fit(x, step, sample_weight=weights).enforced_


def test_fields_keep_the_point_symmetries_that_the_data_keep():
    """Burgers' equation moves with space and not with u: u u_x objects to a shift of u."""
    data = fields.burgers(n_points=64, n_times=60, n_trajectories=8, noise=0.01, rng=0)
    generators = parse_generators(["∂x", "∂u"], ("t", "x", "u"))
    inexact = sd.LieAlgebra(generators, exact=np.array([False, False]))
    with pytest.warns(UserWarning, match="∂u is not enforced, ∂x is kept"):
        model = PDERegression(symmetry=inexact, n_bootstrap=20).fit(data)
    assert [part.texts() for part in model.enforced_] == [["∂x"]] and model.dropped_[0].texts() == ["∂u"]
    assert float(model.equation_.sel(field="u", term="u u_x")) == pytest.approx(-1, abs=0.1)
    with pytest.warns(UserWarning, match="contradict the given symmetry"):
        given = PDERegression(symmetry=["∂u"], n_bootstrap=20).fit(data)
    assert float(given.equation_.sel(field="u", term="u u_x")) == 0
