import numpy as np
import pytest
from catalogue import DEFORMABLE, NAMED, RIGID, in_another_basis, with_noise
from hypothesis import given, settings
from hypothesis import strategies as st

from symdyn.lie.structure.brackets import jacobi_residual, jacobi_tensor
from symdyn.lie.structure.jacobi import nearest_algebra, simplest_algebra


def _size(c):
    return np.linalg.norm(c)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**31), name=st.sampled_from(["so(3)", "so(1,3)", "sl(2) + R", "aff(2)", "se(2)", "heis(5)"])
)
def test_nearest_algebra_is_an_algebra_no_farther_than_the_true_one(seed, name):
    rng = np.random.default_rng(seed)
    true = in_another_basis(NAMED[name], rng)
    noisy = with_noise(true, 0.02, rng)
    found = nearest_algebra(noisy)
    assert jacobi_residual(found) < 1e-10
    np.testing.assert_array_equal(found, -np.swapaxes(found, 0, 1))
    assert _size(found - noisy) < 1.1 * _size(true - noisy)


def test_an_algebra_is_its_own_nearest():
    np.testing.assert_array_equal(nearest_algebra(RIGID["so(4)"]), RIGID["so(4)"])


def test_constants_far_from_every_algebra_are_refused():
    with pytest.raises(ValueError, match="not close"):
        nearest_algebra(np.random.default_rng(0).standard_normal((7, 7, 7)), n_steps=3)


def test_jacobi_residual_is_the_relative_error_to_first_order():
    rng = np.random.default_rng(0)
    change = with_noise(np.zeros((6, 6, 6)) + RIGID["so(4)"], 1.0, rng) - RIGID["so(4)"]
    sizes = [jacobi_residual(RIGID["so(4)"] + step * change) for step in (1e-4, 1e-3)]
    assert jacobi_residual(RIGID["so(4)"]) < 1e-15 and sizes[1] / sizes[0] == pytest.approx(10, rel=0.02)
    assert jacobi_residual(5 * RIGID["so(4)"] + 5e-3 * change) == pytest.approx(sizes[1])  # no matter the scale
    assert jacobi_residual(np.zeros((3, 3, 3))) == 0


def test_jacobi_tensor_is_the_cyclic_sum_of_nested_brackets():
    c = with_noise(np.zeros((3, 3, 3)) + RIGID["so(3)"], 0.5, np.random.default_rng(0))
    x, y, z = np.random.default_rng(1).standard_normal((3, 3))

    def bracket(a, b):
        return np.einsum("i,j,ijk->k", a, b, c)

    cyclic = bracket(bracket(x, y), z) + bracket(bracket(y, z), x) + bracket(bracket(z, x), y)
    np.testing.assert_allclose(np.einsum("i,j,k,ijkm->m", x, y, z, jacobi_tensor(c)), cyclic)


@pytest.mark.parametrize("name", ["se(2)", "heis(3)", "se(3)", "so(3) + R^3"])
def test_the_simplest_algebra_forgets_what_is_below_the_tolerance(name):
    rng = np.random.default_rng(0)
    noisy = with_noise(in_another_basis(DEFORMABLE[name], rng), 0.01, rng)
    found = simplest_algebra(noisy, 0.05)
    assert jacobi_residual(found) < 1e-10
    # Its radical is as large as the true one, so its Killing form has as many zeros.
    values = [np.linalg.eigvalsh(np.einsum("ilm,jml->ij", c, c)) for c in (found, DEFORMABLE[name])]
    assert (np.abs(values[0]) < 1e-6).sum() == (np.abs(values[1]) < 1e-12).sum()


def test_there_is_no_simple_algebra_within_a_small_tolerance():
    noisy = with_noise(RIGID["so(4)"], 0.05, np.random.default_rng(0))
    with pytest.raises(ValueError, match="within the tolerance"):
        simplest_algebra(noisy, 1e-3)
