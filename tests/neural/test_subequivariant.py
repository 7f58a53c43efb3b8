"""Networks under gravity: rotations about it are kept, others need not be."""

import numpy as np
import pytest
from scipy.linalg import expm

torch = pytest.importorskip("torch")

from symdyn.neural.subequivariant import SubequivariantMLP  # noqa: E402

GRAVITY = (0.0, 0.0, -2.0)


def made(dtype=torch.float64, **options):
    torch.manual_seed(0)
    return SubequivariantMLP(3, 2, GRAVITY, scalars_in=1, hidden=(16,), **options).to(dtype)


def inputs(dtype=torch.float64, dim=3):
    rng = np.random.default_rng(1)
    return [torch.as_tensor(rng.standard_normal(shape), dtype=dtype) for shape in ((30, 3, dim), (30, 1))]


def rotation(axis, angle=0.7):
    x, y, z = axis
    return torch.as_tensor(expm(angle * np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])))


@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-13), (torch.float32, 1e-5)])
def test_rotations_about_gravity_commute_with_the_network(dtype, tolerance):
    model, (vectors, scalars) = made(dtype, scalars_out=2), inputs(dtype)
    mirror = torch.diag(torch.tensor([-1.0, 1.0, 1.0]))
    for matrix in (rotation((0, 0, 1)).to(dtype), mirror.to(dtype)):
        moved, numbers = model(vectors @ matrix.T, scalars)
        there, same = model(vectors, scalars)
        torch.testing.assert_close(moved, there @ matrix.T, atol=tolerance, rtol=0)
        torch.testing.assert_close(numbers, same, atol=tolerance, rtol=0)


def test_rotations_about_another_axis_do_not():
    model, (vectors, scalars) = made(), inputs()
    matrix = rotation((1, 0, 0))
    error = (model(vectors @ matrix.T, scalars) - model(vectors, scalars) @ matrix.T).abs().max()
    assert error > 0.05


def test_the_symmetry_is_the_stabiliser_of_the_direction():
    assert made().symmetry.name == "so(2)"
    np.testing.assert_allclose(made().symmetry.matrices @ GRAVITY, 0, atol=1e-12)
    four = SubequivariantMLP(1, 1, (0.0, 1.0, 0.0, 1.0))
    assert four.symmetry.name == "so(3)"


def test_a_projectile_under_drag_and_gravity_is_learnt_and_stays_symmetric():
    torch.manual_seed(0)
    velocity = torch.randn(512, 1, 3, dtype=torch.float64)
    gravity = torch.tensor(GRAVITY, dtype=torch.float64)
    force = gravity - velocity * velocity.norm(dim=2, keepdim=True)
    model = SubequivariantMLP(1, 1, GRAVITY, hidden=(32, 32)).double()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(300):
        optimizer.zero_grad()
        (model(velocity) - force).pow(2).mean().backward()
        optimizer.step()
    assert (model(velocity) - force).pow(2).mean().item() < 0.02 * force.var().item()
    matrix = rotation((0, 0, 1))
    torch.testing.assert_close(model(velocity @ matrix.T), model(velocity) @ matrix.T, atol=1e-12, rtol=0)


def test_scalars_alone_may_come_out_and_weights_may_be_stored():
    model = SubequivariantMLP(2, 0, GRAVITY, scalars_out=3)
    again = SubequivariantMLP(2, 0, (1.0, 0.0, 0.0), scalars_out=3)
    again.load_state_dict(model.state_dict())
    vectors = torch.randn(5, 2, 3)
    assert model(vectors).shape == (5, 3)
    torch.testing.assert_close(again(vectors), model(vectors))


def test_bad_shapes_and_directions_are_named():
    with pytest.raises(ValueError, match="direction must be a finite vector"):
        SubequivariantMLP(1, 1, (0.0, 0.0, 0.0))
    with pytest.raises(ValueError, match="at least one vector in"):
        SubequivariantMLP(0, 1, GRAVITY)
    with pytest.raises(ValueError, match="one vector or scalar out"):
        SubequivariantMLP(1, 0, GRAVITY)
    model, (vectors, scalars) = made(), inputs()
    with pytest.raises(ValueError, match=r"vectors must have shape \(batch, 3, 3\)"):
        model(vectors[:, :2], scalars)
    with pytest.raises(ValueError, match="takes 1 scalars a sample"):
        model(vectors)
    with pytest.raises(ValueError, match=r"scalars must have shape \(batch, 1\)"):
        model(vectors, scalars[:4])
