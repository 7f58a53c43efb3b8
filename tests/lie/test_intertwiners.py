"""Linear maps between representations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symdyn as sd
from symdyn.lie.constraints.intertwiners import intertwiners

SO3 = sd.LieAlgebra(sd.candidates.so(3))


def tensors(matrices, order):
    """The generators on tensors of the given order."""
    n, found = matrices.shape[1], np.zeros((len(matrices), matrices.shape[1] ** order, matrices.shape[1] ** order))
    for k, matrix in enumerate(matrices):
        for index in range(order):
            found[k] += np.kron(np.kron(np.eye(n**index), matrix), np.eye(n ** (order - index - 1)))
    return found


@pytest.mark.parametrize(("low", "high", "dim"), [(1, 1, 1), (1, 2, 1), (2, 2, 3), (0, 2, 1), (2, 3, 6), (3, 3, 15)])
def test_maps_between_tensors_are_as_many_as_invariants_of_both(low, high, dim):
    """Numbers of isotropic tensors of so(3) of order 2 ... 6: 1, 1, 3, 6, 15."""
    subspace = intertwiners(tensors(SO3.matrices, low), tensors(SO3.matrices, high))
    assert subspace.dim == dim and subspace.shape == (3**high, 3**low)
    weights = subspace.expand(np.arange(1.0, 1 + dim))
    for a, b in zip(tensors(SO3.matrices, low), tensors(SO3.matrices, high), strict=True):
        np.testing.assert_allclose(weights @ a, b @ weights, atol=1e-12)
    np.testing.assert_array_equal(weights.ravel()[subspace.pivots], np.arange(1.0, 1 + dim))


def test_a_lorentz_map_of_two_tensors_keeps_metric_and_volume():
    """The metric in three ways, and the alternating tensor."""
    boosts = tensors(sd.LieAlgebra(sd.candidates.lorentz(1, 3)).matrices, 2)
    assert intertwiners(boosts, boosts).dim == 4


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(2, 4))
def test_a_change_of_basis_changes_the_maps_with_it(seed, n):
    rng = np.random.default_rng(seed)
    matrices, change = rng.integers(-2, 3, (2, n, n)).astype(float), np.eye(n) + 0.2 * rng.standard_normal((n, n))
    changed = change @ matrices @ np.linalg.inv(change)
    plain, moved = intertwiners(matrices, matrices), intertwiners(matrices, changed)
    assert moved.dim == plain.dim >= 1  # the identity
    weights = np.linalg.inv(change) @ moved.expand(rng.standard_normal(moved.dim))
    np.testing.assert_allclose(plain.expand(plain.coordinates(weights)), weights, atol=1e-8)


def test_elements_and_lists_are_representations_too():
    swap, quarter = sd.groups.permutation([1, 0]), sd.groups.element([[0, -1], [1, 0]])
    assert intertwiners(swap, swap).dim == 2
    assert intertwiners([swap, quarter], [swap, quarter]).dim == 1
    assert intertwiners(sd.candidates.so(2), sd.candidates.so(2)).dim == 2
    assert intertwiners([sd.candidates.so(2), swap], [sd.candidates.so(2), swap]).dim == 1
    assert intertwiners([np.eye(2)], [np.eye(3)]).dim == 6
    assert intertwiners(np.zeros((0, 2, 2)), np.zeros((0, 3, 3))).dim == 6


def test_error_bars_set_the_rank_cut():
    inexact = np.array([[[0.01, 1.008], [-0.992, -0.006]]])
    turn = sd.LieAlgebra(sd.candidates.so(2))
    assert intertwiners(inexact, turn.matrices).dim == 0
    assert intertwiners(sd.LieAlgebra.from_matrices(inexact, errors=0.02), turn).dim == 2


def test_uncertain_translations_and_rates_of_time_leave_the_maps():
    turn = sd.LieAlgebra(sd.candidates.so(2))
    inexact = sd.LieAlgebra.from_matrices([[[0.01, 1.008], [-0.992, -0.006]]], errors=0.02)
    size = inexact.basis.vectors().size
    uncertain = sd.LieAlgebra(inexact.basis, inexact.covariance + 1e-4 * np.eye(size))
    assert any(
        np.any(draw.translations) and np.any(draw.time_scaling) for draw in uncertain.draw(2, np.random.default_rng(0))
    )
    assert intertwiners(uncertain, turn).dim == 2
    assert intertwiners(uncertain, uncertain).dim == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: intertwiners(SO3, sd.candidates.so(2)), "rep_in holds 3 generators, rep_out 1"),
        (lambda: intertwiners(np.ones((3, 2, 4)), SO3), r"array \(generator, n, n\)"),
        (lambda: intertwiners(np.full((3, 2, 2), np.nan), SO3), "finite"),
        (lambda: intertwiners(sd.candidates.se(2), sd.candidates.se(2)), "no linear representation"),
        (lambda: intertwiners(sd.candidates.gl(1, time_scaling=True), np.ones((2, 1, 1))), "rescales time"),
        (lambda: intertwiners([SO3, np.eye(2)], SO3), "different sizes"),
        (lambda: intertwiners(sd.groups.element([[1.0]], [2.0]), np.ones((1, 1, 1))), "no linear representation"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_rounding_in_a_representation_takes_no_map_away():
    """A half turn from its sine and cosine leaves the maps that the exact one does."""
    half = np.array([[np.cos(np.pi), -np.sin(np.pi), 0.0], [np.sin(np.pi), np.cos(np.pi), 0.0], [0.0, 0.0, 1.0]])
    assert intertwiners([half], [half]).dim == intertwiners([half.round()], [half.round()]).dim == 5
