import numpy as np
import pytest
from scipy.linalg import expm

from symdyn.functions.features import CentralForce, Polynomial
from symdyn.lie import candidates
from symdyn.lie.prolongation import first_order, prolong
from symdyn.lie.vectorfields import Generators, VectorField


def linear(matrix):
    matrix = np.asarray(matrix, dtype=float)
    return VectorField(Polynomial(1), np.hstack([np.zeros((2, 1)), matrix]), ("x", "y"))


def test_flow_of_a_linear_field_is_the_exponential():
    matrix = np.array([[-0.1, -1.0], [1.0, -0.1]])
    times = np.linspace(0, 5, 7)
    expected = np.stack([expm(t * matrix) @ [1.0, 0.5] for t in times])
    np.testing.assert_allclose(linear(matrix).flow(np.array([1.0, 0.5]), times), expected, atol=1e-8)


def test_flow_that_runs_away_is_an_error():
    runaway = VectorField(Polynomial(2), np.array([[0.0, 0.0, 1.0]]), ("x",))
    with pytest.raises(RuntimeError, match="the flow stops at"):
        runaway.flow(np.array([1.0]), np.linspace(0, 2, 5))


def test_second_order_law_as_a_flow_moves_positions_by_velocities():
    law = VectorField(CentralForce((3,)), -np.eye(3), tuple("x y z vx vy vz".split()))
    points = np.random.default_rng(0).standard_normal((4, 6))
    np.testing.assert_allclose(first_order(law)(points), np.hstack([points[:, 3:], law(points)]))
    with pytest.raises(ValueError, match="first_order"):
        law.flow(points[0], np.linspace(0, 1, 3))
    with pytest.raises(ValueError, match="half as many outputs"):
        first_order(linear(np.eye(2)))


def test_equations_read_as_written():
    law = VectorField(Polynomial(2), np.array([[0.5, -1, 0, 0, 0, 2.0], [0, 0, 0, 0, 0, 0]]), ("x", "y"))
    assert law.equations() == ["0.5 − x + 2 y^2", "0"]


@pytest.mark.parametrize(
    ("generators", "texts"),
    [
        (candidates.so(2, states="xy"), ["y ∂x − x ∂y"]),
        (candidates.translations(2, states="xy"), ["∂x", "∂y"]),
        (candidates.gl(1, time_scaling=True, states="x"), ["x ∂x", "t ∂t"]),
        (candidates.from_matrices(np.eye(1)[None], time_scaling=[1.5], states="x"), ["x ∂x + 1.5 t ∂t"]),
    ],
)
def test_generators_print_as_operators(generators, texts):
    assert generators.texts() == texts


def test_left_out_terms_show_as_an_ellipsis():
    generators = candidates.from_matrices([[[1.0, 0.1], [0.0, 0.0]]], states="xy")
    assert generators.texts(precision=2, tiny=0.2) == ["x ∂x + …"]


@pytest.mark.parametrize(
    ("generators", "n"),
    [
        (candidates.so(4), 6),
        (candidates.se(3), 6),
        (candidates.gl(3), 9),
        (candidates.affine(2), 6),
        (candidates.lorentz(1, 3), 6),
        (candidates.symplectic(4), 10),
        (candidates.scalings(3), 3),
        (candidates.polynomial(2, 3), 20),
        (candidates.gl(2, time_scaling=True), 5),
    ],
)
def test_candidates_are_independent_and_as_many_as_the_algebra(generators, n):
    assert len(generators) == n == np.linalg.matrix_rank(generators.vectors())


def test_lorentz_fields_keep_the_form():
    form = np.diag([-1.0, 1, 1, 1])
    points = np.random.default_rng(0).standard_normal((5, 4))
    moved = candidates.lorentz(1, 3).values(points)
    np.testing.assert_allclose(np.einsum("si,ij,sjk->sk", points, form, moved), 0, atol=1e-12)


def test_symplectic_fields_are_hamiltonian():
    """J A is symmetric for A in sp: the divergence of the field vanishes and the 2-form is kept."""
    form = np.block([[np.zeros((2, 2)), np.eye(2)], [-np.eye(2), np.zeros((2, 2))]])
    for matrix in candidates.symplectic(4).coefficients[:, :, 1:]:
        np.testing.assert_allclose(matrix.T @ form + form @ matrix, 0, atol=1e-12)


def test_copies_act_alike_on_every_block():
    matrix = candidates.so(2, copies=2).coefficients[0, :, 1:]
    np.testing.assert_array_equal(matrix, np.kron(np.eye(2), [[0, 1], [-1, 0]]))


def test_sums_keep_fields_and_rates():
    total = candidates.translations(2) + candidates.polynomial(2, 2, time_scaling=True)
    points = np.random.default_rng(0).standard_normal((5, 2))
    np.testing.assert_allclose(total.values(points)[:, :, :2], candidates.translations(2).values(points))
    np.testing.assert_allclose(
        total.values(points)[:, :, 2:], candidates.polynomial(2, 2, time_scaling=True).values(points)
    )
    np.testing.assert_array_equal(total.time_scaling, [0, 0] + [0] * 12 + [1])


def test_prolonged_fields_are_the_rates_of_moved_curves():
    """Positions of a moved curve differ by eps A q at the moved time; velocities follow by the chain rule."""
    matrix, tau, eps = np.array([[0.3, -1.1], [0.4, 0.2]]), 0.7, 1e-6
    velocity = np.array([0.5, -0.2])
    moved = (np.eye(2) + eps * matrix) @ velocity / (1 + eps * tau)
    generator = prolong(candidates.from_matrices(matrix[None], time_scaling=[tau]))
    found = generator.values(np.array([[1.0, 2.0, *velocity]]))[0, 2:, 0]
    np.testing.assert_allclose(found, (moved - velocity) / eps, rtol=1e-5)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"coefficients must have shape \(output, 3\)"):
        VectorField(Polynomial(1), np.ones((2, 2)), ("x", "y"))
    with pytest.raises(ValueError, match="coefficients must have shape"):
        Generators(Polynomial(1), np.ones((1, 2, 2)), np.zeros(1), ("x", "y"))
    with pytest.raises(ValueError, match="even number"):
        candidates.symplectic(3)
    with pytest.raises(ValueError, match="states names 1"):
        candidates.so(2, states="x")
    with pytest.raises(ValueError, match="generators act on 2 "):
        candidates.so(2) + candidates.so(3)
