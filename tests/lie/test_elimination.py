"""Exact null spaces of integer matrices."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from symdyn.lie.constraints.elimination import PRIME, exact_null_space, reduced_rows_mod, unknown_groups
from symdyn.lie.constraints.invariants import shared_null_space

small = st.integers(-2, 2)  # minors of five rows stay below the fractions that can be read back


@st.composite
def integer_systems(draw):
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 7))
    entries = draw(st.lists(small, min_size=rows * columns, max_size=rows * columns))
    return np.array(entries, dtype=np.int64).reshape(rows, columns)


def rational_rank(matrix):
    rows, rank = [[Fraction(int(x)) for x in row] for row in matrix], 0
    for column in range(matrix.shape[1]):
        pivot = next((k for k in range(rank, len(rows)) if rows[k][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        for k in range(rank + 1, len(rows)):
            factor = rows[k][column] / rows[rank][column]
            rows[k] = [a - factor * b for a, b in zip(rows[k], rows[rank], strict=True)]
        rank += 1
    return rank


@settings(max_examples=60, deadline=None)
@given(matrix=integer_systems())
def test_the_null_space_is_complete_and_reduced(matrix):
    found = exact_null_space([sparse.csr_array(matrix)])
    assert found is not None
    basis, pivots = found
    assert basis.shape == (matrix.shape[1], matrix.shape[1] - rational_rank(matrix))
    np.testing.assert_allclose(matrix @ basis, 0, atol=1e-9)
    np.testing.assert_array_equal(basis[pivots], np.eye(len(pivots)))
    for column, pivot in zip(basis.T, pivots, strict=True):
        assert not np.any(column[:pivot])  # the free number is the coefficient of the first term


@settings(max_examples=30, deadline=None)
@given(matrix=integer_systems(), cut=st.integers(0, 6))
def test_equations_one_after_the_other_leave_what_all_of_them_leave(matrix, cut):
    together = exact_null_space([sparse.csr_array(matrix)])
    parts = [sparse.csr_array(part) for part in (matrix[:cut], matrix[cut:]) if len(part)]
    apart = exact_null_space(parts)
    assert together is not None and apart is not None
    np.testing.assert_array_equal(apart[0], together[0])
    np.testing.assert_array_equal(apart[1], together[1])


def test_reduced_rows_are_reduced_and_span_the_same_rows():
    rng = np.random.default_rng(0)
    matrix = rng.integers(0, PRIME, (4, 3)) @ np.array([[1, 0, 2, 0, 1], [0, 0, 1, 1, 1], [1, 0, 3, 1, 2]]) % PRIME
    rows, pivots = reduced_rows_mod(matrix.copy())
    np.testing.assert_array_equal(pivots, [0, 2])
    np.testing.assert_array_equal(rows[:, pivots], np.eye(2))
    for row in matrix:
        np.testing.assert_array_equal((row[pivots] @ rows - row) % PRIME, 0)


def test_groups_share_no_entry_and_cover_all_unknowns():
    system = sparse.csr_array(np.array([[1, 0, 2, 0, 0], [0, 3, 0, 0, 0], [0, 0, 1, 0, 5]]))
    groups = sorted((unknowns.tolist(), block.tolist()) for block, unknowns in unknown_groups(system))
    assert groups == [([0, 2, 4], [[1, 2, 0], [0, 1, 5]]), ([1], [[3]]), ([3], [])]
    with pytest.raises(OverflowError, match="2 x 3 entries"):
        list(unknown_groups(system, largest=5))


@pytest.mark.parametrize("number", [PRIME, 10_007])
def test_what_cannot_be_read_back_is_not_guessed(number):
    """x0 = number x1: multiples of the prime vanish modulo it, and large numbers are no small fractions."""
    system = sparse.csr_array(np.array([[1, -number, 0], [0, 0, 1]]))
    assert exact_null_space([system]) is None
    basis, pivots = shared_null_space([system])
    np.testing.assert_allclose(basis[:, 0] / basis[0, 0], [1, 1 / number, 0], rtol=1e-12)
    assert len(pivots) == 1


def test_floating_point_gives_the_same_space_by_groups():
    rng = np.random.default_rng(0)
    block = rng.integers(-2, 3, (3, 5))
    system = sparse.csr_array(np.kron(np.eye(2, dtype=np.int64), block))
    exact, _ = shared_null_space([system])
    floating, pivots = shared_null_space([system.astype(float)])
    assert exact.shape == floating.shape
    np.testing.assert_allclose(exact @ np.linalg.lstsq(exact, floating, rcond=None)[0], floating, atol=1e-12)
    np.testing.assert_array_equal(floating[pivots], np.eye(len(pivots)))
