"""Shrinkage of singular values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symdyn.promotion.solver.shrinkage import (
    SubspaceTracker,
    nuclear_norm,
    shrink,
    shrinkage,
    singular_values,
    spectral_norm,
)


def matrix(seed, rows=5, columns=9):
    return np.random.default_rng(seed).standard_normal((rows, columns))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 4))
def test_shrink_is_the_proximal_map(seed, threshold):
    """Optimality: (A − Z) / t is a subgradient of |.|_* at Z: norm at most 1, and <., Z> = |Z|_*."""
    a = matrix(seed)
    z = shrink(a, threshold)
    dual = (a - z) / threshold
    assert np.linalg.norm(dual, 2) <= 1 + 1e-10
    assert np.vdot(dual, z) == pytest.approx(nuclear_norm(z), abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 4))
def test_the_gram_matrix_is_enough_to_shrink(seed, threshold):
    a = matrix(seed)
    vectors, weights = shrinkage(a @ a.T, threshold)
    np.testing.assert_allclose((vectors * weights) @ vectors.T @ a, shrink(a, threshold), atol=1e-9)


def test_singular_values_of_a_gram_matrix():
    a = matrix(3)
    np.testing.assert_allclose(singular_values(a @ a.T)[::-1], np.linalg.svd(a)[1], rtol=1e-10)
    assert spectral_norm(a @ a.T) == pytest.approx(np.linalg.norm(a, 2))
    assert singular_values(a @ a.T).sum() == pytest.approx(nuclear_norm(a))


def test_nothing_is_left_of_a_matrix_below_the_threshold():
    a = matrix(1)
    assert np.all(shrink(a, 100.0) == 0)
    assert shrinkage(a @ a.T, 100.0)[0].shape == (5, 0)
    with pytest.raises(ValueError, match="threshold must be at least 0"):
        shrink(a, -1.0)


def test_a_tracked_subspace_shrinks_as_the_whole_matrix_does():
    rng = np.random.default_rng(0)
    large = rng.standard_normal((120, 10)) @ rng.standard_normal((10, 150))
    small, tracker, tracked = 0.3 * rng.standard_normal((120, 150)), SubspaceTracker(), 0
    for step in range(30):
        a = large + small + 0.5**step * rng.standard_normal((120, 150))
        before = tracker.basis
        vectors, weights = tracker.shrinkage(a @ a.T, 30.0, 1e-6)
        tracked += before is not None and tracker.basis is not None
        np.testing.assert_allclose((vectors * weights) @ vectors.T @ a, shrink(a, 30.0), atol=1e-6)
    assert tracked > 20


def test_a_tracked_subspace_notices_that_the_rank_grows():
    rng = np.random.default_rng(1)
    directions = np.linalg.qr(rng.standard_normal((150, 100)))[0]
    tracker = SubspaceTracker()
    for rank in (5, 5, 12, 20, 40, 3):
        a = rng.standard_normal((120, rank)) @ directions[:, :rank].T + 0.01 * rng.standard_normal((120, 150))
        vectors, weights = tracker.shrinkage(a @ a.T, 1.0, 1e-7)
        assert len(weights) == rank
        np.testing.assert_allclose((vectors * weights) @ vectors.T @ a, shrink(a, 1.0), atol=1e-6)
