"""`PromotedRegressor`: what it keeps, what it finds, when it warns."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from symdyn import LieAlgebra, candidates, features, groups
from symdyn.lie.constraints.equivariance import equivariant_subspace
from symdyn.promotion.promoted_nullspace import NullSpace
from symdyn.regression import PromotedRegressor


def hopf(x):
    return x * (1 - (x**2).sum(1, keepdims=True)) + np.stack([-x[:, 1], x[:, 0]], axis=1)


def hopf_data(seed, count=25):
    rng = np.random.default_rng(seed)
    points = rng.uniform(-1.5, 1.5, (count, 2))
    return points, hopf(points) + 0.1 * rng.standard_normal((count, 2))


def rms(values):
    return float(np.sqrt(np.mean(values**2)))


def enforced(points, rates):
    basis = equivariant_subspace(features.Polynomial(3), candidates.so(2), output="vector_field").basis
    rows = np.einsum("sf,ofd->osd", features.Polynomial(3)(points), basis.reshape(2, 10, -1))
    free = np.linalg.lstsq(rows.reshape(2 * len(points), -1), rates.T.ravel(), rcond=None)[0]
    return (basis @ free).reshape(2, 10)


@pytest.mark.parametrize("seed", range(8))
def test_a_kept_symmetry_is_enforced(seed):
    points, rates = hopf_data(seed)
    model = PromotedRegressor(candidates.so(2), features.Polynomial(3), output="vector_field").fit(points, rates)
    assert model.broken_ == 0 and model.symmetry_.name == "so(2)" and model.gap_ < 1e-6
    np.testing.assert_allclose(model.coef_, enforced(points, rates), atol=1e-8)
    fresh = np.random.default_rng(100).uniform(-1.5, 1.5, (1000, 2))
    assert rms(model.predict(fresh) - hopf(fresh)) < 2 * 0.1 * np.sqrt(4 / 50)  # four terms from 50 noisy numbers


def test_a_group_that_is_mostly_broken_is_warned_of():
    points, rates = hopf_data(0)
    model = PromotedRegressor(candidates.affine(2), features.Polynomial(3), output="vector_field")
    with pytest.warns(UserWarning, match=r"of 6 candidate symmetries are broken"):
        model.fit(points, rates)
    assert model.broken_ >= 4


def ridge_function(seed, count=100):
    """phi(u . x) in six dimensions, which breaks 6 of the 21 generators of se(6)."""
    rng = np.random.default_rng(seed)
    u, c = rng.standard_normal(6), rng.standard_normal(4)
    u = u / np.linalg.norm(u)
    points, fresh = rng.uniform(-1, 1, (count, 6)), rng.uniform(-1, 1, (2000, 6))
    values, truth = (np.polynomial.polynomial.polyval(x @ u, c) for x in (points, fresh))
    return points, values + 0.05 * values.std() * rng.standard_normal(count), fresh, truth


def test_a_function_of_one_direction_is_found_among_84_terms():
    points, values, fresh, truth = ridge_function(0)
    model = PromotedRegressor(candidates.se(6), features.Polynomial(3)).fit(points, values)
    library = features.Polynomial(3)
    plain = library(fresh) @ np.linalg.lstsq(library(points), values, rcond=None)[0]
    assert model.broken_ == 6 and model.symmetry_.dim == 15 and model.subspace_.dim == 4
    assert model.coef_.shape == (84,) and not model.symmetry_.exact.any()
    promoted = library(fresh) @ model.promoted_coef_
    assert rms(plain - truth) > 0.1 * truth.std()
    assert rms(promoted - truth) < 0.05 * truth.std()
    assert rms(model.predict(fresh) - truth) < 0.02 * truth.std()


def test_units_of_the_states_change_nothing():
    points, values, _, _ = ridge_function(1, 60)
    points, fields = points[:, :2], candidates.affine(2)
    scale = np.array([1e3, 1e-2])
    values = points[:, 0] ** 2 + 0.01 * values
    one = PromotedRegressor(fields, features.Polynomial(2), gamma=0.3, debias=False)
    other = clone(one)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first = one.fit(points, values).predict(points)
        np.testing.assert_allclose(other.fit(points * scale, values).predict(points * scale), first, atol=1e-3)
        np.testing.assert_allclose(clone(one).fit(points, 50 * values).predict(points), 50 * first, atol=0.05)


@pytest.mark.parametrize(("unit", "shift"), [(100.0, 0.0), (1e-8, 0.0), (10.0, 10.0)])
def test_units_and_origin_of_the_states_change_no_symmetry(unit, shift):
    # Euclidean motions are the same candidates in any unit and from any origin.
    points, values, fresh, truth = ridge_function(0)
    model = PromotedRegressor(candidates.se(6), features.Polynomial(3)).fit(unit * points + shift, values)
    assert model.broken_ == 6 and model.symmetry_.dim == 15 and model.subspace_.dim == 4
    assert rms(model.predict(unit * fresh + shift) - truth) < 0.03 * truth.std()


@pytest.mark.parametrize("output", ["vector_field", "map"])
@pytest.mark.parametrize("unit", [1.0, 1e-6, 100.0])
def test_units_of_a_field_about_a_centre_of_its_own(output, unit):
    rng, centre = np.random.default_rng(0), np.array([0.4, -0.3])
    points = rng.uniform(-1.3, 1.3, (80, 2)) + centre
    rates = hopf(points - centre)
    truth = points + 0.1 * rates if output == "map" else rates
    noise = 0.02 * (truth - points * (output == "map")).std()
    model = PromotedRegressor(candidates.se(2), features.Polynomial(3), output=output)
    with pytest.warns(UserWarning, match="2 of 3 candidate symmetries are broken"):
        model.fit(unit * points, unit * (truth + noise * rng.standard_normal((80, 2))))
    # Kept is the rotation about the centre, which no candidate is; it leaves r, r^3 and their turned twins.
    assert model.symmetry_.name == "so(2)" and model.symmetry_.errors.max() > 0 and model.subspace_.dim == 4
    assert rms(model.predict(unit * points) - unit * truth) < unit * noise


def test_a_rotation_seen_from_afar_is_told_from_a_translation():
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (60, 3)) + 5
    values = ((points - 5) ** 2).sum(axis=1) + 0.05 * rng.standard_normal(60)
    model = PromotedRegressor(candidates.so(3), features.Polynomial(2))
    with pytest.warns(UserWarning, match="2 of 3 candidate symmetries are broken"):
        model.fit(points, values)
    # About the origin only the axis through the centre of the function is left.
    assert model.broken_ == 2 and model.symmetry_.dim == 1
    axis = model.symmetry_.matrices[0]
    np.testing.assert_allclose(np.abs(axis[[0, 0, 1], [1, 2, 2]]), np.abs(axis[0, 1]), rtol=0.05)


def far_warnings(fields, library, shift):
    points, rates = hopf_data(0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        PromotedRegressor(fields, library, gamma=1.0, debias=False).fit(points + shift, rates[:, 0])
    return [
        str(one.message) for one in caught if "their spread" in str(one.message) or "its spread" in str(one.message)
    ]


@pytest.mark.parametrize("fields", [candidates.translations(2), candidates.se(2), candidates.affine(2)])
def test_candidates_that_are_the_same_about_any_origin_are_not_warned_of(fields):
    assert not far_warnings(fields, features.Polynomial(2), 1e4)


def test_candidates_and_functions_that_mean_an_origin_far_from_the_data_are_warned_of():
    (told,) = far_warnings(candidates.so(2), features.Polynomial(2), 50)
    assert "means an origin from which the data lie" in told
    (told,) = far_warnings(candidates.translations(2), features.Polynomial(2, constant=False), 50)
    assert "the features mean functions about 0" in told
    assert not far_warnings(candidates.so(2), features.Polynomial(2, constant=False), 0)


@pytest.mark.parametrize("seed", [0, 3, 5])
def test_kept_rotations_that_miss_a_common_centre_do_not_leave_constants_alone(seed):
    # Candidates that the kept generators are all but equal to are no licence to round only some of them.
    rng = np.random.default_rng(seed)
    points = rng.uniform(-1, 1, (100, 3))
    values = (points**2).sum(axis=1)
    model = PromotedRegressor(candidates.se(3), features.Polynomial(2))
    model.fit(points, values + 0.05 * rng.standard_normal(100))
    assert model.score(points, values) > 0.99 and model.subspace_.dim == 2 and model.symmetry_.dim == 3


def test_a_symmetry_that_samples_left_out_object_to_is_not_enforced(monkeypatch):
    wrong = property(lambda space: LieAlgebra(candidates.translations(2)))
    monkeypatch.setattr("symdyn.promotion.promoted_nullspace.NullSpace.rounded", wrong)
    monkeypatch.setattr("symdyn.promotion.promoted_nullspace.NullSpace.estimated", wrong)
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (60, 2))
    model = PromotedRegressor(candidates.so(2), features.Polynomial(2))
    with pytest.warns(UserWarning, match="times as large: coef_ is not debiased"):
        model.fit(points, (points**2).sum(axis=1) + 0.02 * rng.standard_normal(60))
    assert model.subspace_ is None
    np.testing.assert_array_equal(model.coef_, model.promoted_coef_)


def invariant(name, seed, count):
    """Samples of a function that keeps some of the candidates, and the function without noise at new points."""
    rng = np.random.default_rng(seed)
    points, fresh = rng.uniform(-1, 1, (count, 3)), rng.uniform(-1, 1, (1000, 3))
    frame = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    matrix = frame @ np.diag([1.0, 0.5, 0.0]) @ frame.T if name == "gl(3)" else np.eye(3)
    centre = rng.uniform(-0.3, 0.3, 3) if name == "se(3)" else np.zeros(3)
    values, truth = (np.einsum("si,ij,sj->s", x - centre, matrix, x - centre) for x in (points, fresh))
    return points, values, fresh, truth


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize("name", ["se(3)", "so(3)", "gl(3)"])
@pytest.mark.filterwarnings("ignore:.*candidate symmetries are broken", "ignore:enforcing the symmetries")
def test_no_prediction_is_much_worse_than_least_squares_and_without_debiasing(name, noise):
    fields = {"se(3)": candidates.se(3), "so(3)": candidates.so(3), "gl(3)": candidates.gl(3)}[name]
    library = features.Polynomial(2)
    for seed in (3, 5):
        points, values, fresh, truth = invariant(name, seed, 60)
        noisy = values + noise * values.std() * np.random.default_rng(seed).standard_normal(60)
        model = PromotedRegressor(fields, library).fit(points, noisy)
        least = np.linalg.lstsq(library(points), noisy, rcond=None)[0]
        errors = [rms(library(fresh) @ one - truth) for one in (model.promoted_coef_, least)]
        assert rms(model.predict(fresh) - truth) < 1.34 * min(errors) + 1e-10
        parts = [len(model.enforced_), len(model.promoted_), len(model.dropped_)]
        assert (model.subspace_ is None) == (parts[0] == 0) and not (parts[0] and parts[1])


def test_what_is_kept_but_wrong_is_dropped_generator_by_generator(monkeypatch):
    """A shift that the function does not keep beside the rotation that it keeps: the rotation stays."""
    wrong = LieAlgebra(candidates.so(2) + candidates.translations(2))
    right = LieAlgebra(candidates.so(2))
    shown = property(lambda space: wrong if space.null.shape[1] > 1 else right)
    monkeypatch.setattr(NullSpace, "rounded", shown)
    monkeypatch.setattr(NullSpace, "estimated", shown)
    monkeypatch.setattr("symdyn.promotion.reading._KEPT", 2.0)  # takes all for kept
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (80, 2))
    values = (points**2).sum(axis=1) + 0.02 * rng.standard_normal(80)
    model = PromotedRegressor(candidates.se(2), features.Polynomial(2))
    with pytest.warns(UserWarning, match="that it keeps least are dropped"):
        model.fit(points, values)
    assert [one.name for one in model.enforced_] == ["so(2)"] and model.subspace_.dim == 2
    assert sum(one.dim for one in model.dropped_) >= 1 and not model.promoted_


@pytest.mark.filterwarnings("ignore:.*candidate symmetries are broken")
def test_least_squares_is_kept_where_promotion_shrinks_what_is_there():
    rng = np.random.default_rng(1)
    points = rng.uniform(-1, 1, (200, 2))
    values = points[:, 0] ** 3 - points[:, 0] * points[:, 1] + 0.01 * rng.standard_normal(200)
    model = PromotedRegressor(candidates.affine(2), features.Polynomial(3), gamma=5.0).fit(points, values)
    library = features.Polynomial(3)
    least = np.linalg.lstsq(library(points), values, rcond=None)[0]
    np.testing.assert_allclose(model.coef_, least, atol=1e-9)
    assert model.subspace_ is None and not model.enforced_ and not model.promoted_
    undebiased = clone(model).set_params(debias=False).fit(points, values)
    np.testing.assert_array_equal(undebiased.coef_, undebiased.promoted_coef_)


@pytest.mark.parametrize("noise", [0.0, 1e-8, 1e-4])
@pytest.mark.parametrize("seed", range(3))
def test_data_that_are_all_but_exact(noise, seed):
    rng = np.random.default_rng(seed)
    points = rng.uniform(-1, 1, (60, 3))
    values = (points**2).sum(axis=1)
    model = PromotedRegressor(candidates.so(3), features.Polynomial(2))
    model.fit(points, values + noise * rng.standard_normal(60))
    assert model.broken_ == 0 and model.symmetry_.name == "so(3)" and model.subspace_.dim == 2
    np.testing.assert_allclose(model.predict(points), values, atol=1e-10 + noise)
    for constant in (0.0, 3.0, 0.1):
        flat = clone(model).fit(points, np.full(60, constant))
        assert flat.broken_ == 0
        np.testing.assert_allclose(flat.predict(points), constant, atol=1e-10)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_fewer_samples_than_terms(count):
    rng = np.random.default_rng(count)
    points = rng.uniform(-1, 1, (count, 3))
    values = (points**2).sum(axis=1) + 0.05 * rng.standard_normal(count)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = PromotedRegressor(candidates.so(3), features.Polynomial(2)).fit(points, values)
    assert np.all(np.isfinite(model.predict(points)))


def test_error_bars_of_found_generators_are_their_scatter():
    # Kept is ∂0 − 2 ∂1, of which no candidate is a multiple.
    found, bars = [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        points = rng.uniform(-1, 1, (100, 2))
        inner = points @ [1.0, 0.5]
        values = inner + inner**2 + 0.1 * rng.standard_normal(100)
        algebra = PromotedRegressor(candidates.translations(2), features.Polynomial(2)).fit(points, values).symmetry_
        first, second = algebra.translations[0]
        found.append(first / second)
        bars.append(algebra.errors.max() / abs(second))
    assert abs(np.mean(found) + 0.5) < 0.02
    assert 0.5 < np.std(found) / np.mean(bars) < 2


def test_dependent_candidates_count_once():
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (60, 3))
    values = (points**2).sum(axis=1) + 0.02 * rng.standard_normal(60)
    rotations = candidates.so(3)
    model = PromotedRegressor([rotations, rotations], features.Polynomial(2)).fit(points, values)
    assert model.symmetry_.name == "so(3)" and len(model.singular_values_) == 3


def test_a_noise_that_the_library_cannot_reach_is_warned_of():
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (60, 2))
    model = PromotedRegressor(candidates.so(2), features.Polynomial(2), gamma="noise", noise=1e-3)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(points, np.abs(points[:, 0]))
    assert any("no weight has residuals as small as the noise" in str(one.message) for one in caught)


def test_columns_keep_their_names():
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame(rng.uniform(-1, 1, (60, 2)), columns=["a", "b"])
    model = PromotedRegressor(candidates.translations(2), features.Polynomial(2)).fit(frame, frame.a**2)
    np.testing.assert_allclose(model.predict(frame), frame.a**2, atol=1e-8)
    with pytest.raises(ValueError, match="same order"):
        model.predict(frame[["b", "a"]])


def test_libraries_of_pysindy_are_features():
    pysindy = pytest.importorskip("pysindy")
    points, rates = hopf_data(0)
    ours = PromotedRegressor(candidates.so(2), features.Polynomial(3), output="vector_field").fit(points, rates)
    theirs = clone(ours).set_params(features=pysindy.PolynomialLibrary(3)).fit(points, rates)
    np.testing.assert_allclose(theirs.predict(points), ours.predict(points), atol=1e-8)


def test_finite_candidates_are_a_group_lasso():
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (60, 2))
    values = points[:, 0] ** 2 + points[:, 1] + 0.02 * rng.standard_normal(60)  # even in x only
    model = PromotedRegressor(groups.sign_flips(2), features.Polynomial(3)).fit(points, values)
    assert model.broken_ == 1 and model.symmetry_.texts() == ["x0 -> -x0"]
    mirrored = points * [-1, 1]
    np.testing.assert_allclose(model.predict(mirrored), model.predict(points), atol=1e-10)


def test_generators_and_elements_together():
    rng = np.random.default_rng(1)
    points = rng.uniform(-1, 1, (80, 2))
    values = (points**2).sum(axis=1) + 0.01 * rng.standard_normal(80)
    model = PromotedRegressor([candidates.so(2), groups.sign_flip((-1, 1))], features.Polynomial(2)).fit(points, values)
    algebra, flip = model.symmetry_
    assert algebra.name == "so(2)" and len(flip) == 1 and model.subspace_.dim == 2


def test_the_weight_by_noise_level():
    points, rates = hopf_data(2, 60)
    model = PromotedRegressor(
        candidates.so(2), features.Polynomial(3), output="vector_field", gamma="noise", noise=0.1
    ).fit(points, rates)
    assert model.broken_ == 0
    with pytest.raises(ValueError, match="needs noise"):
        PromotedRegressor(candidates.so(2), features.Polynomial(3), gamma="noise").fit(points, rates[:, 0])


def test_other_features_are_sampled():
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 2 * np.pi, (80, 2))
    values = np.cos(points[:, 0]) + 0.02 * rng.standard_normal(80)
    model = PromotedRegressor(candidates.translations(2), features.Fourier(2)).fit(points, values)
    assert model.broken_ == 1 and model.symmetry_.dim == 1
    assert rms(model.predict(points) - np.cos(points[:, 0])) < 0.02


def test_maps_are_fitted_by_their_increments():
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (60, 2))
    turn = np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    nexts = points @ turn.T * (1 - 0.1 * (points**2).sum(1, keepdims=True))
    noisy = nexts + 0.01 * rng.standard_normal(nexts.shape)
    model = PromotedRegressor(candidates.so(2), features.Polynomial(3), output="map").fit(points, noisy)
    assert model.broken_ == 0 and model.subspace_.dim == 4
    assert rms(model.predict(points) - nexts) < 0.01


def test_several_invariants_share_their_symmetry():
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (60, 2))
    radius = (points**2).sum(axis=1)
    values = np.column_stack([radius, 100 * (1 - radius) ** 2]) * (1 + 0.02 * rng.standard_normal((60, 2)))
    model = PromotedRegressor(candidates.so(2), features.Polynomial(4)).fit(points, values)
    assert model.broken_ == 0 and model.coef_.shape == (2, 15) and model.subspace_.dim == 6


def test_bad_input_is_named():
    points, rates = hopf_data(0)
    model = PromotedRegressor(candidates.so(2), features.Polynomial(3), output="vector_field")
    with pytest.raises(NotFittedError):
        model.predict(points)
    for X, y, message in [
        (points[:5], rates, "X must have shape"),
        (points * np.nan, rates, "X holds values"),
        (points, rates * np.inf, "y holds values"),
    ]:
        with pytest.raises(ValueError, match=message):
            clone(model).fit(X, y)
    for gamma in ("best", 0, -1.0, None, np.nan):
        with pytest.raises(ValueError, match="gamma must be a number above 0, 'cv' or 'noise'"):
            clone(model).set_params(gamma=gamma).fit(points, rates)
    for noise in (-0.1, np.nan, [0.1] * 7):
        with pytest.raises(ValueError, match="noise must be above 0, one number or one for each output"):
            clone(model).set_params(gamma="noise", noise=noise).fit(points, rates)
    for candidate, message in [
        (candidates.so(3), "candidates on 3 states need X of 3 columns, got 2"),
        (np.zeros((1, 2, 2)), "candidates move nothing"),
        (np.full((1, 2, 2), np.nan), "candidates hold values that are not finite"),
    ]:
        with pytest.raises(ValueError, match=message):
            clone(model).set_params(candidates=candidate).fit(points, rates)
    with pytest.raises(ValueError, match="needs y of 2 columns, one for each state, got 1"):
        clone(model).fit(points, rates[:, 0])
    with pytest.raises(ValueError, match="X holds masked values"):
        clone(model).fit(np.ma.masked_greater(points, 1.0), rates)
    with pytest.raises(ValueError, match="y is complex"):
        clone(model).fit(points, rates * 1j)
    with pytest.raises(ValueError, match="output must be"):
        clone(model).set_params(output="tensor").fit(points, rates)
    with pytest.raises(ValueError, match="X must have shape"):
        model.fit(points, rates).predict(points[:, :1])
