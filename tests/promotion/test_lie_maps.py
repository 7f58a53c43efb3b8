"""Exact sparse Lie maps, and inner products of polynomials."""

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symdyn import candidates, features
from symdyn.functions.features import monomials, polynomial_exponents
from symdyn.lie.actions import act
from symdyn.lie.derivative import LieDerivative
from symdyn.promotion.solver.lie_maps import box_gram, exponents_of, lie_maps, sample_gram, sampled_maps

OUTPUTS = {"invariant": "invariant", "vector_field": "flow"}


def values(maps, coefficients, points):
    """L(v_k, W theta) `(sample, output, generator)` by the maps."""
    rows = (maps.stacked @ coefficients.ravel()).reshape(len(maps), maps.n_outputs, -1)
    return np.einsum("sr,kor->sok", monomials(points, maps.exponents), rows)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(0, 3), st.sampled_from(list(OUTPUTS)))
def test_maps_are_the_lie_derivative_for_polynomial_generators(seed, n, degree, output):
    rng = np.random.default_rng(seed)
    fields = candidates.polynomial(n, int(rng.integers(0, 3)), time_scaling=output == "vector_field")
    fields = fields.combine(rng.standard_normal((3, len(fields))))
    library = features.Polynomial(degree)
    maps, points = lie_maps(library, fields, output), rng.standard_normal((20, n))
    coefficients = rng.standard_normal((maps.n_outputs, library.size(n)))
    sampled = LieDerivative.build(library, act(fields, points, OUTPUTS[output]), points)
    np.testing.assert_allclose(values(maps, coefficients, points), sampled.of(coefficients), atol=1e-9)


@pytest.mark.parametrize(("n", "degree"), [(3, 2), (5, 3)])
def test_translations_lower_the_degree_and_rotations_keep_it(n, degree):
    library = features.Polynomial(degree)
    assert len(lie_maps(library, candidates.translations(n)).exponents) == comb(n + degree - 1, degree - 1)
    turned = lie_maps(library, candidates.se(n))
    assert len(turned) == n * (n + 1) // 2
    np.testing.assert_array_equal(turned.exponents, polynomial_exponents(n, degree))
    entries = np.diff(turned[-1].T.tocsr().indptr)
    assert entries.max() <= 2  # x_i d/dx_j − x_j d/dx_i makes two monomials of one


def test_columns_that_are_not_read_are_constants():
    library = features.Polynomial(2, columns=(1,))
    np.testing.assert_array_equal(exponents_of(library, 3), [[0, 0, 0], [0, 1, 0], [0, 2, 0]])
    maps = lie_maps(library, candidates.translations(3))
    assert maps[0].nnz == 0 and maps[1].nnz == 2


def test_a_single_map_is_a_slice_of_all():
    maps = lie_maps(features.Polynomial(2), candidates.se(2))
    stacked = np.concatenate([maps[k].toarray() for k in range(len(maps))])
    np.testing.assert_array_equal(stacked, maps.stacked.toarray())
    assert maps[-1].shape == maps.shape
    with pytest.raises(IndexError):
        maps[3]


def test_products_over_a_box_are_integrals():
    exponents, bounds = polynomial_exponents(2, 3), np.array([[-1.0, 2.0], [0.5, 0.8]])
    nodes, weights = np.polynomial.legendre.leggauss(4)
    grid = [low + (high - low) * (nodes + 1) / 2 for low, high in bounds]
    points = np.array([(a, b) for a in grid[0] for b in grid[1]])
    both = np.array([u * v / 4 for u in weights for v in weights])
    rows = monomials(points, exponents)
    np.testing.assert_allclose(box_gram(exponents, bounds), rows.T @ (both[:, None] * rows), rtol=1e-12)


def test_many_samples_come_close_to_the_box():
    exponents = polynomial_exponents(2, 2)
    points = np.random.default_rng(0).uniform(-1, 1, (200_000, 2))
    np.testing.assert_allclose(sample_gram(exponents, points) / len(points), box_gram(exponents), atol=5e-3)


@pytest.mark.parametrize("output", ["invariant", "vector_field"])
def test_sampled_maps_have_the_singular_values_of_all_rows(output):
    rng = np.random.default_rng(0)
    library, fields, points = features.Fourier(1), candidates.affine(2), rng.standard_normal((80, 2))
    maps = sampled_maps(library, fields, points, output)
    sampled = LieDerivative.build(library, act(fields, points, OUTPUTS[output]), points)
    assert maps[0].shape[0] < 80 * (1 if output == "invariant" else 2)
    coefficients = rng.standard_normal(maps[0].shape[1])
    rows = sampled.of(coefficients.reshape(-1, library.size(2))).reshape(-1, len(fields)) / np.sqrt(80)
    found = np.linalg.svd(np.stack([m @ coefficients for m in maps]), compute_uv=False)
    np.testing.assert_allclose(found, np.linalg.svd(rows, compute_uv=False), atol=1e-10)


def test_bad_input_is_named():
    with pytest.raises(TypeError, match="use sampled_maps"):
        lie_maps(features.Fourier(1), candidates.so(2))
    with pytest.raises(ValueError, match="output must be"):
        lie_maps(features.Polynomial(2), candidates.so(2), "tensor")
    with pytest.raises(ValueError, match="bounds must be pairs"):
        box_gram(polynomial_exponents(2, 1), (1.0, 1.0))
