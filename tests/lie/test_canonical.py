import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symdyn.lie import candidates
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.structure.sparse_basis import varimax

KEPLER = candidates.so(3) + candidates.from_matrices(np.eye(3)[None], time_scaling=[1.5])
ALGEBRAS = {
    "so(3) + R": KEPLER,
    "so(3)": candidates.so(3),
    "sl(2) + R": candidates.gl(2),
    "so(1,3)": candidates.lorentz(1, 3),
    "R^2": candidates.translations(2),
}


def estimated(generators, error, seed):
    """The algebra in a random basis, each coefficient with an independent error."""
    rng = np.random.default_rng(seed)
    mixture = np.linalg.qr(rng.standard_normal((len(generators),) * 2))[0]
    vectors = mixture @ generators.vectors()
    noisy = vectors + error * rng.standard_normal(vectors.shape)
    return LieAlgebra(generators.with_vectors(noisy), error**2 * np.eye(vectors.size))


def distance_of_spans(first, second):
    bases = [np.linalg.qr(rows.T)[0] for rows in (first, second)]
    return np.linalg.norm(bases[0] - bases[1] @ (bases[1].T @ bases[0]), 2)


@pytest.mark.parametrize("name", ALGEBRAS)
def test_rounded_generators_span_the_true_algebra(name):
    canonical = estimated(ALGEBRAS[name], 1e-3, seed=4).canonical()
    assert canonical.name == name
    assert canonical.exact.all()
    assert distance_of_spans(canonical.basis.vectors(), ALGEBRAS[name].vectors()) < 1e-12
    assert canonical.closure_error() < 1e-12


def test_centre_is_set_apart_from_the_semisimple_part():
    """The sparsest basis of gl(2), its four matrix units, would hide that it is sl(2) + R."""
    *traceless, centre = estimated(candidates.gl(2), 1e-3, seed=0).canonical().matrices
    np.testing.assert_array_equal(centre, np.eye(2))
    np.testing.assert_array_equal([np.trace(matrix) for matrix in traceless], 0)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_canonical_form_is_rounded_to_the_truth_or_has_free_numbers_or_is_left_alone(seed):
    canonical = estimated(KEPLER, 1e-2, seed).canonical()
    distance = distance_of_spans(canonical.basis.vectors(), KEPLER.vectors())
    free = np.any(canonical.errors)
    assert distance < (0.2 if free else 1e-12)
    assert canonical.exact.all() or not canonical.exact.any()
    assert not canonical.exact.any() or canonical.closure_error() < 1e-12


def test_unrounded_generators_keep_the_estimated_span_and_get_error_bars():
    """An error bar too small for any fraction: the basis is made readable, its span stays as it is."""
    rng = np.random.default_rng(2)
    vectors = KEPLER.vectors() + 1e-2 * rng.standard_normal((4, 13))
    canonical = LieAlgebra(KEPLER.with_vectors(vectors), 1e-10 * np.eye(vectors.size)).canonical()
    assert not canonical.exact.any()
    assert distance_of_spans(canonical.basis.vectors(), vectors) < 1e-12
    errors = canonical.errors[canonical.errors > 0]
    assert 1e-6 < np.median(errors) < 1e-4


def test_canonical_form_is_its_own_canonical_form():
    canonical = estimated(KEPLER, 1e-2, seed=0).canonical()
    assert canonical.canonical() is canonical


def test_canonical_form_does_not_depend_on_the_basis_it_is_found_in():
    """Signs and order aside, which no rotation fixes."""
    found = [estimated(candidates.so(3), 1e-3, seed).canonical().basis.vectors() for seed in (0, 1, 2)]
    sorted_rows = [rows[np.lexsort(np.abs(rows).T)] for rows in found]
    for rows in sorted_rows[1:]:
        np.testing.assert_allclose(np.abs(rows), np.abs(sorted_rows[0]), atol=1e-12)


def test_empty_algebra_is_its_own_canonical_form():
    empty = LieAlgebra(candidates.so(3)).subset([])
    assert empty.canonical() is empty


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_varimax_rotates_and_finds_sparse_rows(seed):
    rng = np.random.default_rng(seed)
    mixed = np.linalg.qr(rng.standard_normal((3, 7)).T)[0].T
    rotated = varimax(mixed)
    np.testing.assert_allclose(rotated @ rotated.T, np.eye(3), atol=1e-10)
    assert distance_of_spans(rotated, mixed) < 1e-10
    assert np.sum(rotated**4) >= np.sum(mixed**4) - 1e-12
