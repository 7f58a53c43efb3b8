"""Promotion: certificates, exactness, limits, bad input."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from symdyn import candidates, features
from symdyn.lie.constraints.equivariance import equivariant_subspace
from symdyn.promotion.promote import promote, promotion_path
from symdyn.promotion.solver.anderson import Anderson
from symdyn.promotion.solver.lie_maps import box_gram, lie_maps
from symdyn.promotion.solver.nuclear_penalty import as_penalty
from symdyn.promotion.solver.promotion_fit import LeastSquares
from symdyn.promotion.solver.shrinkage import nuclear_norm


def problem(seed=0, n=3, degree=3, count=12, algebra=candidates.se):
    """Maps, inner product, design and target of a random ridge function phi(u . x)."""
    rng = np.random.default_rng(seed)
    library = features.Polynomial(degree)
    maps = lie_maps(library, algebra(n))
    points, u = rng.uniform(-1, 1, (count, n)), rng.standard_normal(n)
    values = np.polynomial.polynomial.polyval(points @ u, rng.standard_normal(degree + 1))
    return maps, box_gram(maps.exponents), library(points), values


def norm(maps, gram, w):
    return nuclear_norm((maps.stacked @ w).reshape(len(maps), -1) @ np.linalg.cholesky(gram))


def objective(maps, gram, design, target, w, gamma, l1=0.0):
    return 0.5 * np.sum((design @ w - target) ** 2) + gamma * norm(maps, gram, w) + l1 * np.abs(w).sum()


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6), st.integers(4, 18))
def test_no_interpolant_is_below_the_certified_bound(seed, count):
    maps, gram, design, target = problem(seed, count=count)
    found = promote(maps, design, target, gram=gram)
    assert found.converged and found.gap < 1e-6
    np.testing.assert_allclose(design @ found.coefficients, target, atol=1e-10 * max(np.abs(target).max(), 1))
    assert found.objective == pytest.approx(norm(maps, gram, found.coefficients), rel=1e-9)
    null = np.linalg.svd(design)[2][count:].T
    rng = np.random.default_rng(seed)
    for size in (1e-3, 1e-2, 1e-1, 1.0):
        other = found.coefficients + null @ (size * rng.standard_normal(null.shape[1]))
        assert norm(maps, gram, other) >= found.lower_bound - 1e-9 * found.objective


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.floats(-3, 1), st.sampled_from([0.0, 0.05]))
def test_no_coefficients_are_below_the_bound_of_the_noisy_form(seed, exponent, l1):
    maps, gram, design, target = problem(seed, count=25)
    gamma = 10.0**exponent
    found = promote(maps, design, target, gram=gram, gamma=gamma, l1=l1)
    assert found.converged and found.gap < 1e-6
    assert found.objective == pytest.approx(
        objective(maps, gram, design, target, found.coefficients, gamma, l1), rel=1e-9
    )
    rng = np.random.default_rng(seed)
    for size in (1e-3, 1e-2, 1e-1):
        other = found.coefficients + size * rng.standard_normal(20)
        assert objective(maps, gram, design, target, other, gamma, l1) >= found.lower_bound - 1e-9


def test_a_smooth_minimiser_agrees():
    """With all singular values positive the objective is smooth, and any descent method finds the same minimum."""
    maps, gram, design, target = problem(3, n=2, degree=3, count=30)
    target = target + np.random.default_rng(0).standard_normal(30)
    found = promote(maps, design, target, gram=gram, gamma=1e-3, tol=1e-10)
    start = np.linalg.lstsq(design, target, rcond=None)[0]
    other = optimize.minimize(lambda w: objective(maps, gram, design, target, w, 1e-3), start, tol=1e-12)
    assert found.objective <= other.fun + 1e-9
    np.testing.assert_allclose(found.coefficients, other.x, atol=1e-4)


def test_enough_samples_give_the_polynomial_back():
    maps, gram, design, target = problem(1, n=6, degree=2, count=60)
    truth = np.linalg.lstsq(design, target, rcond=None)[0]
    found = promote(maps, design[:24], target[:24], gram=gram)
    assert len(truth) == 28 and np.abs(found.coefficients - truth).max() < 1e-4 * np.abs(truth).max()
    few = promote(maps, design[:8], target[:8], gram=gram)
    assert np.abs(few.coefficients - truth).max() > 1e-2 * np.abs(truth).max()


def test_a_large_weight_is_hard_enforcement():
    rng = np.random.default_rng(0)
    library, fields = features.Polynomial(3), candidates.so(2)
    points = rng.uniform(-1.5, 1.5, (40, 2))
    target = points * (1 - (points**2).sum(1, keepdims=True)) + 0.1 * rng.standard_normal((40, 2))
    maps = lie_maps(library, fields, "vector_field")
    found = promote(maps, library(points), target, gram=box_gram(maps.exponents), gamma=100.0, tol=1e-10)
    basis = equivariant_subspace(library, fields, output="vector_field").basis.reshape(2, 10, -1)
    rows = np.einsum("sf,ofd->osd", library(points), basis).reshape(80, -1)
    free = np.linalg.lstsq(rows, target.T.ravel(), rcond=None)[0]
    np.testing.assert_allclose(found.coefficients, basis @ free, atol=1e-6)


def test_a_symmetric_function_has_norm_zero():
    maps, gram, design, _ = problem(count=6)
    found = promote(maps, design, np.full(6, 2.5), gram=gram)
    assert found.converged and found.objective < 1e-9
    np.testing.assert_allclose(found.coefficients, np.eye(20)[0] * 2.5, atol=1e-9)


def test_turning_the_candidates_changes_nothing():
    maps, gram, design, target = problem(2)
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((len(maps), len(maps))))[0]
    turned = [sum(turn[i, j] * maps[j] for j in range(len(maps))) for i in range(len(maps))]
    one, other = (promote(m, design, target, gram=gram, tol=1e-9) for m in (maps, turned))
    assert other.objective == pytest.approx(one.objective, rel=1e-8)
    np.testing.assert_allclose(other.coefficients, one.coefficients, atol=1e-4)


def test_dense_maps_with_the_root_of_the_gram_are_the_same_problem():
    maps, gram, design, target = problem(2)
    root = np.linalg.cholesky(gram)
    dense = [root.T @ maps[k].toarray() for k in range(len(maps))]
    assert promote(dense, design, target).objective == pytest.approx(
        promote(maps, design, target, gram=gram).objective, rel=2e-6
    )


def test_a_list_of_lists_adds_norms():
    """One map alone is a group lasso: the length of its row."""
    maps, gram, design, target = problem(4, count=25)
    root = np.linalg.cholesky(gram).T
    groups = [[root @ maps[k].toarray() for k in range(3)], [root @ maps[3].toarray()], [root @ maps[4].toarray()]]
    found = promote(groups, design, target, gamma=0.1)
    w = found.coefficients
    value = nuclear_norm(np.stack([m @ w for m in groups[0]])) + sum(np.linalg.norm(g[0] @ w) for g in groups[1:])
    assert found.converged
    assert found.objective == pytest.approx(0.5 * np.sum((design @ w - target) ** 2) + 0.1 * value, rel=1e-9)


def test_outputs_without_common_maps_are_separate_problems():
    maps, gram, design, target = problem(5, count=25)
    wide = [np.kron(np.eye(2)[o][None].T @ np.eye(2)[o][None], maps[k].toarray()) for o in (0, 1) for k in range(6)]
    both = np.column_stack([target, 2 * target[::-1]])
    joint = promote([wide[:6], wide[6:]], design, both, gram=gram, gamma=0.2, tol=1e-8)
    assert joint.coefficients.shape == (2, 20)
    for o in (0, 1):
        alone = promote(maps, design, both[:, o], gram=gram, gamma=0.2, tol=1e-8)
        np.testing.assert_allclose(joint.coefficients[o], alone.coefficients, atol=1e-3)


def test_sparsity_sets_coefficients_to_zero():
    maps, gram, design, target = problem(6, count=40)
    plain = promote(maps, design, target, gram=gram, gamma=0.01)
    sparse = promote(maps, design, target, gram=gram, gamma=0.01, l1=0.5)
    assert np.sum(np.abs(sparse.coefficients) < 1e-5) > np.sum(np.abs(plain.coefficients) < 1e-5) + 3
    exact = promote(maps, design[:10], target[:10], gram=gram, l1=0.1)
    np.testing.assert_allclose(design[:10] @ exact.coefficients, target[:10], atol=1e-10)
    assert exact.converged


def test_a_path_has_the_solutions_of_single_weights_in_fewer_iterations():
    maps, gram, design, target = problem(7, count=30)
    target = target + 0.1 * np.random.default_rng(0).standard_normal(30)
    gammas = np.logspace(0, -2, 9)
    path = promotion_path(maps, design, target, gammas, gram=gram)
    single = [promote(maps, design, target, gram=gram, gamma=g) for g in gammas]
    for one, other in zip(path, single, strict=True):
        assert one.converged and one.objective == pytest.approx(other.objective, rel=2e-6)
    assert sum(one.n_iter for one in path) < sum(one.n_iter for one in single)


def test_samples_given_twice_change_nothing():
    maps, gram, design, target = problem(8, count=9)
    once = promote(maps, design, target, gram=gram)
    twice = promote(maps, np.tile(design, (2, 1)), np.tile(target, 2), gram=gram)
    more = promote(maps, np.tile(design, (3, 1)), np.tile(target, 3), gram=gram)  # more rows than unknowns
    assert once.objective == pytest.approx(twice.objective, rel=2e-6)
    assert once.objective == pytest.approx(more.objective, rel=2e-6)


def test_contradicting_equations_are_refused():
    maps, gram, design, target = problem()
    doubled, moved = np.vstack([design, design[:1]]), np.append(target, target[0] + 1)
    with pytest.raises(ValueError, match="contradict each other"):
        promote(maps, doubled, moved, gram=gram)
    many = problem(count=40)
    with pytest.raises(ValueError, match="contradict each other"):
        promote(maps, many[2], many[3] + np.arange(40.0), gram=gram)


def test_what_nothing_fixes_is_reported_and_left_out():
    library, rng = features.Polynomial(2), np.random.default_rng(0)
    maps = lie_maps(library, candidates.so(2))  # the kernel: 1 and |x|^2
    points = np.array([[1.0, 0.0], [0.0, 1.0], [np.sqrt(0.5), np.sqrt(0.5)]])  # |x| = 1: 1 and |x|^2 are the same
    with pytest.warns(UserWarning, match="1 directions of coefficients"):
        found = promote(maps, library(points), rng.standard_normal(3), gram=box_gram(maps.exponents))
    expected = np.array([-1.0, 0, 0, 1, 0, 1]) / np.sqrt(3)
    np.testing.assert_allclose(np.abs(found.undetermined[:, 0] @ expected), 1, atol=1e-9)
    with pytest.warns(UserWarning, match="1 directions"):
        noisy = promote(maps, library(points), np.ones(3), gram=box_gram(maps.exponents), gamma=0.1)
    assert noisy.converged and noisy.undetermined.shape == (6, 1)


def test_too_few_iterations_are_told():
    maps, gram, design, target = problem()
    with pytest.warns(UserWarning, match=r"stopped after 3 iterations with a gap of .*max_iter"):
        found = promote(maps, design, target, gram=gram, max_iter=3)
    assert not found.converged and found.gap > 1e-6 and found.lower_bound < found.objective
    assert promote(maps, design, target, gram=gram).objective >= found.lower_bound


def test_bad_input_is_named():
    maps, gram, design, target = problem()
    cases = [
        (dict(design=design * np.nan), "design holds values that are not finite"),
        (dict(target=target * np.inf), "target holds values that are not finite"),
        (dict(gram=gram * np.nan), "gram holds values that are not finite"),
        (dict(gram=gram[:7, :7]), "gram must have shape"),
        (dict(gram=np.triu(gram)), "gram must be symmetric"),
        (dict(design=design[:0], target=target[:0]), "at least one sample"),
        (dict(target=target[:5]), "design must have shape"),
        (dict(target=np.column_stack([target, target])), "columns are numbered"),
        (dict(lie_maps=[]), "lie_maps is empty"),
        (dict(lie_maps=[np.eye(20), np.eye(19)]), "of one shape"),
        (dict(lie_maps=[np.full((20, 20), np.nan)]), "lie_maps hold values"),
        (dict(gamma=0.0), "gamma must be a number above 0"),
        (dict(gamma=-1.0), "gamma must be a number above 0"),
        (dict(l1=-1.0), "l1 must be"),
        (dict(tol=0.0), "tol must be above 0"),
        (dict(max_iter=0), "max_iter at least 1"),
    ]
    for change, message in cases:
        options = {"lie_maps": maps, "design": design, "target": target, "gram": gram} | change
        with pytest.raises(ValueError, match=message):
            promote(options.pop("lie_maps"), options.pop("design"), options.pop("target"), **options)


def test_the_metric_is_the_squared_length_of_the_derivatives():
    maps, gram, _, _ = problem(n=4)
    penalty, w = as_penalty(maps, gram), np.random.default_rng(0).standard_normal(35)
    rows = penalty.apply(w)
    plain = np.stack([matrix @ w for matrix in maps])
    np.testing.assert_allclose(rows @ rows.T, plain @ gram @ plain.T, rtol=1e-10, atol=1e-12)
    assert w @ penalty.metric @ w == pytest.approx(np.vdot(rows, rows), rel=1e-12)
    assert penalty.adjoint(rows) @ w == pytest.approx(np.vdot(rows, rows), rel=1e-12)


def test_inner_products_of_lower_rank_and_plain_ones():
    rng = np.random.default_rng(0)
    maps, half = rng.standard_normal((3, 5, 4)), rng.standard_normal((5, 2))
    for gram in (half @ half.T, None):
        penalty, (v, w) = as_penalty(list(maps), gram), rng.standard_normal((2, 4))
        inner = np.eye(5) if gram is None else gram
        expected = np.einsum("kij,j,il,klm,m->", maps, v, inner, maps, w)
        assert np.vdot(penalty.apply(v), penalty.apply(w)) == pytest.approx(expected, rel=1e-10)
        assert penalty.adjoint(penalty.apply(v)) @ w == pytest.approx(expected, rel=1e-10)


def test_acceleration_solves_a_linear_iteration():
    rng = np.random.default_rng(0)
    matrix = 0.99 * np.linalg.qr(rng.standard_normal((6, 6)))[0]
    shift, memory, x = rng.standard_normal(6), Anderson(8, 6), np.zeros(6)
    for _ in range(12):
        value = x @ matrix.T + shift
        x = memory.step(value - x, value)
    np.testing.assert_allclose(x, np.linalg.solve(np.eye(6) - matrix, shift), rtol=1e-6)


def test_the_dual_value_of_least_squares_is_a_bound():
    rng = np.random.default_rng(0)
    design, target = rng.standard_normal((9, 4)), rng.standard_normal(9)
    fit = LeastSquares(design.T @ design, design.T @ target, float(target @ target), np.eye(4), 1.0)
    best = np.linalg.lstsq(design, target, rcond=None)[0]
    assert fit.bound(best, 0.0, 1.0) == pytest.approx(fit.loss(best))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fit.bound(best, 0.0, np.inf) == pytest.approx(fit.loss(best))
