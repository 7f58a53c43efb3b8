import numpy as np
import pytest

torch = pytest.importorskip("torch")

import symdyn as sd  # noqa: E402
from symdyn.functions.features import Polynomial  # noqa: E402
from symdyn.neural.fourier.kernels import DifferenceKernels, IntegralOperator, equivariant_kernel_basis  # noqa: E402

TURN = np.array([[[0.0, 1.0], [-1.0, 0.0]]])
DILATION = sd.candidates.from_matrices(np.eye(2)[None])


def pairs(d, count=40, seed=3):
    return np.random.default_rng(seed).standard_normal((2, count, d))


@pytest.mark.parametrize(("d", "radial", "angular"), [(1, (-1.0,), 1), (2, (0.0, -1.5), 3), (3, (1.0,), 2)])
def test_derivatives_of_kernels_agree_with_differences(d, radial, angular):
    features, points = DifferenceKernels(radial, angular, d), np.hstack(pairs(d))
    slopes, step = features.jacobian(points), 1e-6
    for i, shift in enumerate(step * np.eye(2 * d)):
        expected = (features(points + shift) - features(points - shift)) / (2 * step)
        assert np.allclose(slopes[:, :, i], expected, rtol=1e-5, atol=1e-5 * np.abs(slopes).max())


@pytest.mark.parametrize(
    ("n", "rep_in", "rep_out", "angular", "dim"),
    [(2, None, None, 2, 1), (2, "vector", "vector", 2, 4), (3, None, "vector", 2, 1), (3, "vector", "vector", 2, 3)],
)
def test_rotations_leave_the_known_numbers_of_kernels(n, rep_in, rep_out, angular, dim):
    rotations = sd.candidates.so(n)
    reps = {None: None, "vector": rotations}
    basis = equivariant_kernel_basis(rotations, [0], angular, rep_in=reps[rep_in], rep_out=reps[rep_out])
    assert basis.dim == dim
    assert basis.violation < 1e-12


def test_kernels_turn_with_their_pair():
    basis = equivariant_kernel_basis(sd.candidates.so(2), [0, -1], 2, rep_in=TURN, rep_out=TURN)
    c, s = np.cos(0.7), np.sin(0.7)
    rotation, (x, y) = np.array([[c, s], [-s, c]]), pairs(2)
    expected = rotation @ basis(x, y) @ rotation.T
    assert np.allclose(basis(x @ rotation.T, y @ rotation.T), expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_dilation_keeps_the_power_that_the_volume_asks_for():
    basis = equivariant_kernel_basis(DILATION, [0, -1, -2, -3])
    x, y = pairs(2)
    assert basis.dim == 1
    assert np.allclose(basis(x, y).ravel(), np.linalg.norm(x - y, axis=1) ** -2)


def test_weight_of_values_shifts_the_power_of_a_dilation():
    basis = equivariant_kernel_basis(DILATION, [0, -1, -2, -3], rep_in=np.ones((1, 1, 1)))  # k -> e^(2e) k e^(1e)
    x, y = pairs(2)
    assert basis.dim == 1
    assert np.allclose(basis(x, y).ravel(), np.linalg.norm(x - y, axis=1) ** -3)


def test_boost_of_time_and_space_leaves_kernels_of_the_time_between():
    boost = sd.candidates.from_matrices(np.array([[[0.0, 0.0], [1.0, 0.0]]]))  # (t, x): x -> x + e t
    basis = equivariant_kernel_basis(boost, Polynomial(2))
    # Of (t, x, t', x') up to degree 2 the boost keeps 1, t, t', t^2, t t', t'^2 and t x' − x t'.
    assert basis.dim == 7
    t = np.array([[1.0, 2.0]])
    assert np.allclose(basis(t, t + [[0.0, 3.0]]), basis(t + [[0.0, 5.0]], t + [[0.0, 8.0]]))


def test_translations_leave_functions_of_the_difference():
    basis = equivariant_kernel_basis(sd.candidates.translations(2), Polynomial(1))
    x, y = pairs(2)
    assert basis.dim == 3  # 1, x0 − y0, x1 − y1
    assert np.allclose(basis(x, y), basis(x + 1.5, y + 1.5))


def test_error_bars_of_a_discovered_rotation_set_the_cut():
    inexact = TURN + 1e-3 * np.array([[[1.0, 0.4], [0.2, -0.5]]])
    algebra = sd.LieAlgebra.from_matrices(inexact, errors=np.full((1, 2, 2), 2e-3))
    known = {"rep_in": None, "rep_out": None}
    assert equivariant_kernel_basis(algebra, [0, -1], 2, **known).dim == 2
    assert equivariant_kernel_basis(sd.LieAlgebra.from_matrices(inexact), [0, -1], 2, **known).dim == 0


def test_integral_operator_turns_vectors_with_their_points():
    basis = equivariant_kernel_basis(sd.candidates.so(2), [0, -1], 2, rep_in=TURN, rep_out=TURN)
    rng = np.random.default_rng(0)
    ring = rng.standard_normal((6, 1, 2))
    quarter = np.array([[0.0, 1.0], [-1.0, 0.0]])
    powers = np.array([np.linalg.matrix_power(quarter, k) for k in range(4)])
    points = np.einsum("kij,rej->rki", powers, ring).reshape(-1, 2)
    torch.manual_seed(0)
    module = IntegralOperator(basis, points, points, np.ones(24), copies=(2, 3)).double()
    u = torch.randn(2, 4, 24, dtype=torch.float64)
    turn = torch.as_tensor(quarter)

    def moved(field):  # the value at a point goes to the turned point, turned itself
        by_point = field.unflatten(1, (-1, 2)).unflatten(3, (6, 4)).roll(1, 4).flatten(3)
        return torch.einsum("ij,ncjx->ncix", turn, by_point).flatten(1, 2)

    expected = moved(module(u))
    assert module(u).shape == (2, 6, 24)
    assert (module(moved(u)) - expected).abs().max() < 1e-12 * expected.abs().max()


def test_integral_operator_refuses_values_that_do_not_fit():
    basis = equivariant_kernel_basis(sd.candidates.so(2), [0])
    points = pairs(2, 5)[0]
    with pytest.raises(ValueError, match=r"weights must hold one number a source, \(5,\)"):
        IntegralOperator(basis, points, points, np.ones(4))
    with pytest.raises(ValueError, match=r"values must have shape \(batch, 1, 5\)"):
        IntegralOperator(basis, points, points, np.ones(5))(torch.zeros(1, 2, 5))


def test_bad_input_is_named():
    rotation = sd.candidates.so(2)
    with pytest.raises(TypeError, match="candidates must be a LieAlgebra or Generators"):
        equivariant_kernel_basis(np.eye(2), [0])
    with pytest.raises(ValueError, match="rescales time"):
        equivariant_kernel_basis(sd.candidates.so(2, time_scaling=True), [0])
    with pytest.raises(ValueError, match="radial must name at least one"):
        equivariant_kernel_basis(rotation, [])
    with pytest.raises(ValueError, match="angular must be a whole number"):
        equivariant_kernel_basis(rotation, [0], -1)
    with pytest.raises(ValueError, match="rep_in holds 3 generators, candidates 1"):
        equivariant_kernel_basis(rotation, [0], rep_in=sd.candidates.so(3))
    with pytest.raises(ValueError, match="rep_out holds finite elements"):
        equivariant_kernel_basis(rotation, [0], rep_out=sd.groups.permutations(2))
    with pytest.raises(ValueError, match="x = y"):
        equivariant_kernel_basis(rotation, [0], 1)(np.ones((1, 2)), np.ones((1, 2)))
