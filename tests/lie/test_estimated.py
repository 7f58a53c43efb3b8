import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symdyn.functions.features import CentralForce
from symdyn.lie import candidates
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.structure.estimated_names import natural_scales
from symdyn.lie.vectorfields import Generators

ALGEBRAS = {
    "so(3)": candidates.so(3),
    "se(2)": candidates.se(2),
    "R^3": candidates.translations(3),
    "R^2": candidates.scalings(2),
    "aff(1) + aff(1)": candidates.scalings(2) + candidates.translations(2),
    "sl(2)": candidates.polynomial(1, 2),
    "so(1,3)": candidates.lorentz(1, 3),
    "se(3)": candidates.se(3),
}


def _estimated(generators, log_units=None, error=0.005, seed=0):
    """The algebra in a mixed basis, with errors, and with states measured in other units; rows of length 1."""
    rng = np.random.default_rng(seed)
    mixture = np.linalg.qr(rng.standard_normal((len(generators),) * 2))[0]
    vectors = mixture @ generators.vectors()
    vectors = vectors + error * rng.standard_normal(vectors.shape)
    scales = np.ones(vectors.shape[1])
    if log_units is not None:
        n = len(generators.states)
        units = 10.0 ** np.array(log_units[:n])
        values = generators.features(units[None])[0]  # d^a
        scales[:-1] = (units[:, None] / values).ravel()
    vectors, bars = vectors * scales, np.tile(error * scales, (len(vectors), 1))
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return LieAlgebra(generators.with_vectors(vectors / lengths), np.diag((bars / lengths).ravel() ** 2))


@pytest.mark.parametrize("name", ALGEBRAS)
def test_estimated_algebras_are_named_as_what_they_are_within_their_errors(name):
    algebra = _estimated(ALGEBRAS[name])
    assert not algebra.exact.any() and algebra.name == name


@settings(max_examples=12, deadline=None)
@given(
    log_units=st.lists(st.floats(-3, 3), min_size=3, max_size=3),
    name=st.sampled_from(["so(3)", "se(2)", "R^2", "sl(2)"]),
)
def test_units_do_not_change_the_name_of_an_estimated_algebra(log_units, name):
    assert _estimated(ALGEBRAS[name], log_units).name == name


@pytest.mark.parametrize("known", [True, False])
def test_natural_scales_undo_a_change_of_units(known):
    reference, changed = _estimated(ALGEBRAS["se(2)"]), _estimated(ALGEBRAS["se(2)"], [2.0, -1.0])
    rescaled = []
    for algebra in (reference, changed):
        errors = algebra.errors if known else np.zeros_like(algebra.errors)
        vectors = algebra.basis.vectors() * natural_scales(algebra.basis, errors)
        rescaled.append(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    np.testing.assert_allclose(rescaled[1], rescaled[0], atol=1e-9)


def test_fields_that_are_no_polynomials_keep_their_units():
    fields = Generators(CentralForce((3,), (0, 1)), np.ones((1, 2, 2)), np.zeros(1), ("x", "y"))
    np.testing.assert_array_equal(natural_scales(fields, np.ones((1, 5))), np.ones(5))


def test_errors_that_hide_the_brackets_hide_the_name():
    # ∂x and ∂y + x ∂x / 10: next to R^2, and with wide error bars it may be R^2.
    matrices = [np.zeros((2, 2)), np.diag([0.1, 0.0])]
    fields = candidates.from_matrices(matrices, np.eye(2))
    assert LieAlgebra(fields).name == "aff(1)"
    assert LieAlgebra(fields, 0.1**2 * np.eye(14)).name == "unnamed, dimension 2"
