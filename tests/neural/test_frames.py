"""Frame averaging: exact symmetry of any network, and the warning where frames jump."""

import numpy as np
import pytest
from scipy.stats import ortho_group, special_ortho_group

torch = pytest.importorskip("torch")

from symdyn.neural.frames import FrameAveraged, principal_frames  # noqa: E402

SIZE = {"SE(2)": 2, "E(2)": 2, "SE(3)": 3, "E(3)": 3}


class Plain(torch.nn.Module):
    """A network on flattened clouds, with no symmetry of its own."""

    def __init__(self, n_inputs, shape):
        super().__init__()
        size = int(np.prod(shape))
        self.net = torch.nn.Sequential(torch.nn.Linear(n_inputs, 16), torch.nn.Tanh(), torch.nn.Linear(16, size))
        self.shape = shape

    def forward(self, *parts):
        return self.net(torch.cat([p.flatten(1) for p in parts], dim=1)).reshape(len(parts[0]), *self.shape)


def clouds(dim, dtype=torch.float64, count=20):
    """Clouds of 6 points with clearly different variances along their axes."""
    rng = np.random.default_rng(0)
    points = rng.standard_normal((count, 6, dim)) * np.array([1.0, 4.0, 16.0])[:dim]
    return torch.as_tensor(points, dtype=dtype)


def moved(group, points, seed):
    """The matrix of a random element of the group, and the points moved by it and shifted."""
    dim = points.shape[2]
    family = special_ortho_group if group.startswith("S") else ortho_group
    matrix = torch.as_tensor(family.rvs(dim, random_state=seed), dtype=points.dtype)
    shift = torch.as_tensor(np.random.default_rng(seed).standard_normal(dim), dtype=points.dtype)
    return matrix, points @ matrix.T + shift


@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("group", SIZE)
def test_an_averaged_network_is_invariant(group, dtype, tolerance):
    points = clouds(SIZE[group], dtype)
    torch.manual_seed(0)
    model = FrameAveraged(Plain(6 * SIZE[group], (4,)), group).to(dtype)
    for seed in range(3):
        _, elsewhere = moved(group, points, seed)
        torch.testing.assert_close(model(elsewhere), model(points), atol=tolerance, rtol=0)


@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-12), (torch.float32, 2e-5)])
@pytest.mark.parametrize("group", SIZE)
def test_averaged_vectors_turn_with_the_points_and_with_velocities(group, dtype, tolerance):
    dim = SIZE[group]
    points, velocities = clouds(dim, dtype), clouds(dim, dtype).flip(0)
    torch.manual_seed(0)
    model = FrameAveraged(Plain(12 * dim, (6, dim)), group, output="vector").to(dtype)
    for seed in range(3):
        matrix, elsewhere = moved(group, points, seed)
        turned = model(elsewhere, velocities @ matrix.T)
        torch.testing.assert_close(turned, model(points, velocities) @ matrix.T, atol=tolerance, rtol=0)


def test_rotations_alone_leave_a_network_free_to_tell_a_cloud_from_its_mirror_image():
    points = clouds(3)
    mirrored = points * torch.tensor([1.0, 1.0, -1.0])
    torch.manual_seed(0)
    net = Plain(18, (1,)).double()
    assert (FrameAveraged(net, "SE(3)")(points) - FrameAveraged(net, "SE(3)")(mirrored)).abs().max() > 1e-3
    difference = FrameAveraged(net, "E(3)")(points) - FrameAveraged(net, "E(3)")(mirrored)
    assert difference.abs().max() < 1e-12


@pytest.mark.parametrize("dim, proper, count", [(2, True, 2), (2, False, 4), (3, True, 4), (3, False, 8)])
def test_frames_are_orthogonal_and_as_many_as_signs(dim, proper, count):
    frames, variances = principal_frames(clouds(dim), proper=proper)
    assert frames.shape == (20, count, dim, dim)
    identity = torch.eye(dim, dtype=torch.float64).expand_as(frames)
    torch.testing.assert_close(frames.mT @ frames, identity)
    assert torch.all(variances[:, :-1] >= variances[:, 1:])
    if proper:
        torch.testing.assert_close(torch.linalg.det(frames), torch.ones(20, count, dtype=torch.float64))
    assert len({tuple(np.round(frame.flatten().tolist(), 9)) for frame in frames[0]}) == count


def test_symmetry_survives_training_and_reaches_gradients():
    points = clouds(2)
    torch.manual_seed(0)
    model = FrameAveraged(Plain(12, (1,)), "E(2)").double()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(20):
        optimizer.zero_grad()
        (model(points) - points.pow(2).mean((1, 2))[:, None]).pow(2).mean().backward()
        optimizer.step()
    matrix, elsewhere = moved("E(2)", points, 3)
    torch.testing.assert_close(model(elsewhere), model(points), atol=1e-12, rtol=1e-12)
    forces = torch.func.grad(lambda p: model(p).sum())
    torch.testing.assert_close(forces(elsewhere), forces(points) @ matrix.T, atol=1e-9, rtol=1e-9)


def test_equal_variances_are_warned_of():
    square = torch.tensor([[[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]])
    line = torch.arange(4.0)[None, :, None] * torch.tensor([1.0, 2.0, 3.0])
    with pytest.warns(UserWarning, match="1 of 1 clouds of points have nearly the same variance"):
        FrameAveraged(Plain(8, (1,)), "SE(2)")(square)
    with pytest.warns(UserWarning, match="nearly the same variance"):
        FrameAveraged(Plain(12, (1,)), "SE(3)")(line)
    FrameAveraged(Plain(8, (1,)), "SE(2)", degeneracy=None)(square)


def test_without_the_check_an_averaged_network_runs_under_vmap():
    points = clouds(2)
    model = FrameAveraged(Plain(12, (2,)), "E(2)", degeneracy=None).double()
    one_by_one = torch.func.vmap(lambda cloud: model(cloud[None])[0])(points)
    torch.testing.assert_close(one_by_one, model(points))


def test_bad_clouds_and_options_are_named():
    net = Plain(12, (2,))
    with pytest.raises(ValueError, match="group must be one of"):
        FrameAveraged(net, "O(3)")
    with pytest.raises(ValueError, match="output must be 'invariant' or 'vector'"):
        FrameAveraged(net, "E(2)", output="tensor")
    with pytest.raises(ValueError, match="degeneracy must lie between 0 and 1"):
        FrameAveraged(net, "E(2)", degeneracy=2.0)
    with pytest.raises(ValueError, match=r"SE\(3\) acts on \(batch, point, 3\), got \(20, 6, 2\)"):
        FrameAveraged(net, "SE(3)")(clouds(2))
    with pytest.raises(ValueError, match=r"must return \(batch, ..., 2\)"):
        FrameAveraged(Plain(12, (3,)), "E(2)", output="vector")(clouds(2, torch.float32))
    broken = clouds(2, torch.float32)
    broken[3, 0, 0] = float("nan")
    with pytest.raises(ValueError, match="points are not finite"):
        FrameAveraged(net, "E(2)")(broken)
