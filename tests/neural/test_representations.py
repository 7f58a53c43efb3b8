import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

import symdyn as sd

pytest.importorskip("torch")

from symdyn.neural import (
    Representation,
    as_representation,
    equivariant_matrices,
    invariant_vectors,
    stencil,
    trivial,
)
from symdyn.neural.representations import matched

SO3 = as_representation(sd.LieAlgebra(sd.candidates.so(3)))


def random_representation(rng, n, n_generators=2, n_elements=1):
    return Representation(rng.standard_normal((n_generators, n, n)), rng.standard_normal((n_elements, n, n)))


@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_the_exponential_of_a_product_is_the_product_of_exponentials(n, m, seed):
    rng = np.random.default_rng(seed)
    a, b = random_representation(rng, n), random_representation(rng, m)
    for k in range(2):
        product = expm((a * b).generators[k])
        np.testing.assert_allclose(product, np.kron(expm(a.generators[k]), expm(b.generators[k])), rtol=1e-8, atol=1e-9)
        total = expm((a + b).generators[k])
        np.testing.assert_allclose(total[:n, :n], expm(a.generators[k]), rtol=1e-9, atol=1e-12)
        assert np.abs(total[:n, n:]).max() == 0
        dual = expm(a.dual.generators[k])
        np.testing.assert_allclose(dual.T @ expm(a.generators[k]), np.eye(n), atol=1e-8 * np.abs(dual).max() ** 2)
    np.testing.assert_allclose((a * b).elements[0], np.kron(a.elements[0], b.elements[0]))
    assert (a + b).blocks == (n, m) and (a * b).dim == n * m and a.copies(3).blocks == (n, n, n)


@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_maps_between_sums_are_maps_between_their_parts(k, m, seed):
    parts = [SO3, trivial(1), SO3 * SO3]
    rng = np.random.default_rng(seed)
    first, second = (sum((parts[i] for i in rng.integers(3, size=n)), trivial(0)) for n in (k, m))
    total = sum(equivariant_matrices(a, b).dim for a in first.parts() for b in second.parts())
    assert equivariant_matrices(first, second).dim == total


def test_dimensions_of_maps_are_those_of_the_books():
    assert equivariant_matrices(SO3, SO3).dim == 1
    assert equivariant_matrices(SO3 * SO3, SO3).dim == 1  # the vector product
    assert equivariant_matrices(SO3 * SO3, SO3 * SO3).dim == 3  # trace, antisymmetric, traceless
    assert equivariant_matrices(SO3, trivial(4)).dim == 0
    np.testing.assert_allclose(invariant_vectors(SO3 * SO3).reshape(3, 3), np.eye(3), atol=1e-12)
    lorentz = as_representation(sd.candidates.lorentz(1, 3))
    form = invariant_vectors((lorentz * lorentz).dual).reshape(4, 4)
    np.testing.assert_allclose(form / form[1, 1], np.diag([-1.0, 1, 1, 1]), atol=1e-12)


def test_the_cube_leaves_19_and_3_of_the_19_velocities():
    turns = np.array([[[0, -1, 0], [1, 0, 0], [0, 0, 1]], [[0, 0, 1], [1, 0, 0], [0, 1, 0]], -np.eye(3)])
    offsets = [o for o in np.ndindex(3, 3, 3) if np.abs(np.array(o) - 1).sum() < 3]
    populations = stencil(turns, np.array(offsets) - 1)
    assert populations.dim == 19
    assert equivariant_matrices(populations, populations).dim == 19 and invariant_vectors(populations).shape == (19, 3)


def test_algebras_elements_and_lists_are_converted():
    both = as_representation([sd.LieAlgebra(sd.candidates.so(2)), sd.groups.sign_flip([1, -1])])
    assert both.generators.shape == (1, 2, 2) and both.elements.shape == (1, 2, 2)
    assert equivariant_matrices(both, both).dim == 1
    assert equivariant_matrices(sd.candidates.so(2), sd.candidates.so(2)).dim == 2
    assert as_representation([[[0, -1], [1, 0]]]).generators.shape == (1, 2, 2)
    assert as_representation([np.eye(2), np.eye(2)]).generators.shape == (2, 2, 2)
    assert as_representation(None, 3).dim == 3 and as_representation(both, 2) is both
    assert as_representation(sd.groups.cyclic(3)).elements.shape == (1, 3, 3)


def test_errors_are_carried_through_every_construction():
    noisy = as_representation(sd.LieAlgebra.from_matrices([[[0.0, -1.01], [1.0, 0.0]]], errors=0.02))
    assert noisy.errors.shape == (20, 1, 2, 2) and noisy.errors.std() == pytest.approx(0.02, rel=0.3)
    product = noisy * noisy
    shaken = [Representation(noisy.generators + e, noisy.elements) for e in noisy.errors]
    for error, other in zip(product.errors, shaken, strict=True):
        np.testing.assert_allclose(product.generators + error, (other * other).generators, atol=1e-14)
    np.testing.assert_allclose(noisy.dual.errors, -np.swapaxes(noisy.errors, 2, 3))
    assert (noisy + trivial(2)).errors.shape == (20, 1, 4, 4) and noisy.copies(2).errors.shape == (20, 1, 4, 4)
    joined = as_representation([noisy, sd.candidates.so(2), sd.groups.sign_flip([1, -1])])
    assert joined.errors.shape == (20, 2, 2, 2) and np.all(joined.errors[:, 1] == 0)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: as_representation(sd.candidates.se(2)), ValueError, "translates.*LieDerivativePenalty"),
        (lambda: as_representation(sd.candidates.polynomial(2, 2)), ValueError, "not linear.*LieDerivativePenalty"),
        (lambda: as_representation(sd.candidates.gl(2, time_scaling=True)), ValueError, "rescales time.*Penalty"),
        (lambda: as_representation(sd.groups.element(np.eye(2), [1.0, 0.0])), ValueError, "LieDerivativePenalty"),
        (lambda: as_representation(sd.groups.sign_flip([1, -1], reverses_time=True)), ValueError, "time reversal"),
        (lambda: as_representation(None), ValueError, "number n"),
        (lambda: as_representation(SO3, 4, "rep_in"), ValueError, "rep_in moves 3 features, 4 are expected"),
        (lambda: as_representation("so3"), TypeError, "got str"),
        (lambda: as_representation([]), TypeError, "got list"),
        (lambda: as_representation(np.eye(3)), ValueError, r"got shape \(3, 3\)"),
        (lambda: as_representation([SO3, sd.candidates.so(2)]), ValueError, r"move \[3, 2\]"),
        (lambda: as_representation(np.full((1, 2, 2), np.nan)), ValueError, "NaN"),
        (lambda: Representation(np.zeros((0, 2, 2)), np.zeros((1, 2, 2))), ValueError, "inverse"),
        (lambda: Representation(np.zeros((1, 2, 2)), np.zeros((1, 3, 3))), ValueError, "elements must have shape"),
        (lambda: Representation(np.zeros((1, 2, 2)), np.zeros((0, 2, 2)), None, (1,)), ValueError, "add up"),
        (lambda: SO3.copies(-1), ValueError, "copies"),
        (lambda: matched(SO3, as_representation(sd.candidates.so(2))), ValueError, "3 generators .* 1 generators"),
    ],
)
def test_what_is_no_representation_is_named(make, error, text):
    with pytest.raises(error, match=text):
        make()
