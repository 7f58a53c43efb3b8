import numpy as np
import pytest

torch = pytest.importorskip("torch")

import symdyn as sd  # noqa: E402
from symdyn.neural.fourier.fno import FNO, EquivariantFNO  # noqa: E402
from symdyn.neural.fourier.gridgroup import grid_group, plane_rotations  # noqa: E402
from symdyn.neural.fourier.spectral import GAIN  # noqa: E402
from symdyn.neural.fourier.steerable import angular_basis, scalar_and_vector  # noqa: E402
from symdyn.neural.representations import Representation, as_representation, trivial  # noqa: E402

TURN = np.array([[[0.0, -1.0], [1.0, 0.0]]])
PLANE = plane_rotations(2)
BOUNDS = [(torch.float64, 1e-12), (torch.float32, 1e-5)]


def operator(values=None, *, dtype=torch.float64, seed=0, modes=(4, 4), **options):
    torch.manual_seed(seed)
    return EquivariantFNO(values, modes=modes, **{"copies": 3, "layers": 3, **options}).to(dtype)


def trained(module, grid, steps=3):
    """After steps of Adam towards noise, which has no symmetry."""
    parameter = next(module.parameters())
    batch = torch.randn(2, module.in_channels, *grid, dtype=parameter.dtype)
    target = torch.randn(2, module.out_channels, *grid, dtype=parameter.dtype)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.05)
    before = parameter.detach().clone()
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(module(batch), target).backward()
        optimizer.step()
    assert not torch.equal(before, parameter)
    return module, batch


def error(found, expected):
    return ((found - expected).abs().max() / expected.abs().max()).item()


def on_values(matrix, u):
    """The matrix on each copy of the values."""
    matrix = torch.as_tensor(matrix, dtype=u.dtype)
    n = len(matrix)
    return torch.einsum("vw,bcw...->bcv...", matrix, u.unflatten(1, (-1, n))).flatten(1, 2)


def turned(matrix, u):
    """u(R^-1 x) for a signed permutation R of the axes of a periodic grid, whose point 0 stays."""
    grids = np.stack(np.indices(u.shape[2:]), axis=-1)
    source = (grids @ np.asarray(matrix)) % np.array(u.shape[2:])  # R^-1 x = R^T x
    return u[(..., *torch.as_tensor(np.moveaxis(source, -1, 0)))]


@pytest.mark.parametrize(("dtype", "bound"), BOUNDS)
@pytest.mark.parametrize("modes", [(5,), (4, 3), (3, 2, 3)])
def test_trained_operator_commutes_with_rotation_of_values_and_with_shifts(modes, dtype, bound):
    grid = (12, 9, 8)[: len(modes)]
    module, u = trained(operator(sd.LieAlgebra.from_matrices(TURN), modes=modes, in_channels=4, dtype=dtype), grid)
    angle = np.array([[0.6, -0.8], [0.8, 0.6]])
    assert error(module(on_values(angle, u)), on_values(angle, module(u))) < bound
    assert error(module(u.roll(3, 2)), module(u).roll(3, 2)) < bound


@pytest.mark.parametrize(("dtype", "bound"), BOUNDS)
@pytest.mark.parametrize("n", [9, 10])
@pytest.mark.parametrize("space", ["quarter_turns", "reflections", ("quarter_turns", "reflections"), "rotations"])
def test_trained_operator_commutes_with_the_grid(space, n, dtype, bound):
    module, u = trained(operator(space=space, in_channels=2, out_channels=2, dtype=dtype), (n, n))
    names = ("quarter_turns",) if space == "rotations" else (space,) if isinstance(space, str) else space
    for matrix in grid_group(names, 2).matrices[1:]:
        assert error(module(turned(matrix, u)), turned(matrix, module(u))) < bound


@pytest.mark.parametrize("space", [("quarter_turns", "reflections"), "rotations"])
def test_waves_at_the_nyquist_number_of_even_grids_break_no_symmetry(space):
    module = operator(space=space, modes=(4, 4))
    u = torch.randn(2, 1, 6, 6, dtype=torch.float64)
    for matrix in grid_group(("quarter_turns",), 2).matrices[1:]:
        assert error(module(turned(matrix, u)), turned(matrix, module(u))) < 1e-12
    alternating = torch.ones(1, module.width, 6, 6, dtype=torch.float64)
    alternating[..., ::2, :] *= -1
    assert module.spectral[0](alternating).abs().max() < 1e-13


@pytest.mark.parametrize("space", ["quarter_turns", "rotations"])
def test_values_and_space_move_independently_unless_joint(space):
    module, u = trained(operator(TURN, space=space), (8, 8))
    angle, quarter = np.array([[0.6, -0.8], [0.8, 0.6]]), np.array([[0, -1], [1, 0]])
    assert error(module(on_values(angle, u)), on_values(angle, module(u))) < 1e-12
    assert error(module(turned(quarter, u)), turned(quarter, module(u))) < 1e-12


@pytest.mark.parametrize("space", ["quarter_turns", "rotations"])
def test_a_vector_field_turns_with_its_arrows_and_not_without(space):
    module, u = trained(operator(PLANE, space=space, joint=True), (8, 8))
    quarter = np.array([[0, -1], [1, 0]])
    both = on_values(quarter, turned(quarter, u))
    assert error(module(both), on_values(quarter, turned(quarter, module(u)))) < 1e-12
    assert error(module(turned(quarter, u)), turned(quarter, module(u))) > 1e-2
    assert error(module(on_values(quarter, u)), on_values(quarter, module(u))) > 1e-2


def test_a_vector_field_is_reflected_with_its_arrows():
    signs = [sd.groups.sign_flip([-1, 1]), sd.groups.sign_flip([1, -1])]
    module, u = trained(operator(signs, space="reflections", joint=True), (8, 6))
    flip = np.diag([-1, 1])
    assert error(module(on_values(flip, turned(flip, u))), on_values(flip, turned(flip, module(u)))) < 1e-12


def test_velocity_with_pressure_turns_together():
    fields = as_representation(PLANE) + trivial(1)
    module, u = trained(operator(fields, space="rotations", joint=True), (8, 8))
    quarter = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    moved = on_values(quarter, turned(quarter[:2, :2], module(u)))
    assert error(module(on_values(quarter, turned(quarter[:2, :2], u))), moved) < 1e-12


@pytest.mark.parametrize("space", ["quarter_turns", "rotations"])
def test_quarter_turns_of_a_cube(space):
    module, u = trained(operator(space=space, modes=(2, 2, 2), copies=1, layers=2), (5, 5, 5), steps=1)
    for matrix in grid_group(("quarter_turns",), 3).matrices[[1, 2, 3, 17]]:
        assert error(module(turned(matrix, u)), turned(matrix, module(u))) < 1e-12


def test_a_vector_field_in_three_dimensions_turns_with_its_arrows():
    module, u = trained(operator(plane_rotations(3), space="rotations", joint=True, modes=(3, 3, 3)), (6, 6, 6), 1)
    for matrix in grid_group(("quarter_turns",), 3).matrices[[1, 2, 3]]:
        expected = on_values(matrix, turned(matrix, module(u)))
        assert error(module(on_values(matrix, turned(matrix, u))), expected) < 1e-12


@pytest.mark.parametrize("values", ["signs", "permutations", "lorentz"])
def test_finite_and_noncompact_values_are_kept(values):
    boost = np.array([[np.cosh(0.4), np.sinh(0.4)], [np.sinh(0.4), np.cosh(0.4)]])
    given, matrix = {
        "signs": (sd.groups.sign_flip([-1, -1]), -np.eye(2)),
        "permutations": (sd.groups.permutations(3), np.eye(3)[[1, 2, 0]]),
        "lorentz": (sd.LieAlgebra(sd.candidates.lorentz(1, 1)), boost),
    }[values]
    module, u = trained(operator(given), (8, 6))
    assert error(module(on_values(matrix, u)), on_values(matrix, module(u))) < 1e-12


def smooth_pair(n, angle):
    """A smooth field of a few waves in a Gaussian window, and the same turned by an angle about the middle."""
    rng = np.random.default_rng(1)
    centres, sizes = rng.uniform(-0.6, 0.6, (5, 2)), rng.standard_normal(5)
    x = 2 * np.pi * (np.arange(n) - n // 2) / n
    points = np.stack(np.meshgrid(x, x, indexing="ij"), axis=-1)

    def field(at):
        return sum(a * np.exp(-3.0 * np.sum((at - c) ** 2, axis=-1)) for a, c in zip(sizes, centres, strict=True))

    c, s = np.cos(angle), np.sin(angle)
    rotation = np.array([[c, -s], [s, c]])
    return [torch.as_tensor(field(at))[None, None] for at in (points, points @ rotation)], rotation, points


def turned_fourier(u, rotation, points):
    """The band-limited field u at R^-1 x, from its Fourier coefficients."""
    n = u.shape[-1]
    k = np.fft.fftfreq(n, 1 / n)
    coefficients = np.fft.fft2(u.numpy()) / n**2
    at = points @ rotation + 2 * np.pi * (n // 2) / n
    first, second = np.exp(1j * at[..., :1] * k), np.exp(1j * at[..., 1:] * k)
    return np.einsum("xyk,kl,xyl->xy", first, coefficients, second).real


def test_other_angles_are_kept_far_better_than_by_the_plain_operator():
    (u, moved), rotation, points = smooth_pair(32, 0.5)
    inside = np.linalg.norm(points, axis=-1) < 1.5

    def departure(module):
        with torch.no_grad():
            expected = turned_fourier(module(u)[0, 0], rotation, points)
            return np.abs(module(moved)[0, 0].numpy() - expected)[inside].max() / np.abs(expected[inside]).max()

    module = operator(space="rotations", modes=(12, 12), copies=4)
    torch.manual_seed(1)
    plain = module.plain().double()
    with torch.no_grad():
        for layer in plain.spectral:  # drawn small, where any operator departs by little
            layer.weight /= GAIN
    assert departure(module) < 0.03 < 0.3 < departure(plain)


@pytest.mark.parametrize("space", [None, "quarter_turns", "rotations"])
def test_an_operator_is_used_on_other_grids(space):
    module = operator(TURN, space=space)
    assert module(torch.randn(1, 2, 6, 6, dtype=torch.float64)).shape == (1, 2, 6, 6)
    assert module(torch.randn(1, 2, 24, 24, dtype=torch.float64)).shape == (1, 2, 24, 24)


def test_a_module_built_in_single_precision_is_exact_after_double():
    module = operator(TURN, space="rotations", dtype=torch.float32).double()
    u, angle = torch.randn(1, 2, 8, 8, dtype=torch.float64), np.array([[0.6, -0.8], [0.8, 0.6]])
    assert error(module(on_values(angle, u)), on_values(angle, module(u))) < 1e-13


# Forward mode of torch loads its own deprecated scripts.
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
@pytest.mark.parametrize("space", [None, "quarter_turns", "rotations"])
def test_operator_works_under_jvp_and_vmap(space):
    module = operator(TURN, space=space)
    u, v = torch.randn(2, 2, 2, 8, 8, dtype=torch.float64)
    _, slope = torch.func.jvp(module, (u,), (v,))
    step = 1e-5
    assert error(slope, (module(u + step * v) - module(u - step * v)) / (2 * step)) < 1e-7
    assert error(torch.func.vmap(lambda one: module(one[None])[0])(u), module(u)) < 1e-12


def test_state_dict_holds_weights_only_and_restores_the_operator():
    module, other = operator(TURN, space="quarter_turns"), operator(TURN, space="quarter_turns", seed=1)
    assert set(module.state_dict()) == {name for name, _ in module.named_parameters()}
    other.load_state_dict(module.state_dict())
    u = torch.randn(1, 2, 8, 8, dtype=torch.float64)
    assert torch.equal(module(u), other(u))


def test_the_plain_operator_has_the_same_size_and_no_such_symmetry():
    module = operator(TURN, space="quarter_turns")
    plain, quarter = module.plain().double(), np.array([[0, -1], [1, 0]])
    u = torch.randn(1, 2, 8, 8, dtype=torch.float64)
    assert isinstance(plain, FNO)
    assert plain.width == module.width
    assert error(plain(u.roll(2, 3)), plain(u).roll(2, 3)) < 1e-12
    assert error(plain(turned(quarter, u)), turned(quarter, plain(u))) > 1e-2


def test_sharing_divides_the_spectral_weights_by_the_order_of_the_group():
    module = operator(space=("quarter_turns", "reflections"))
    counts = [m.spectral[0].weight.numel() for m in (module, module.plain())]
    assert counts[1] == 8 * counts[0]


@pytest.mark.parametrize(("d", "count"), [(2, 9), (3, 6)])
def test_steerable_polynomials_are_all_that_the_stabiliser_allows(d, count):
    rep = scalar_and_vector(d)
    basis = angular_basis(rep, rep, d)
    assert sum(len(c) for c in basis.coefficients) == count


def test_regular_representation_is_one():
    group = grid_group(("quarter_turns",), 3)
    regular = group.regular()
    assert len(group) == 24
    for permutation in regular.elements:
        assert np.array_equal(np.linalg.matrix_power(permutation, 4), np.eye(24))
        assert np.trace(permutation) == 0


def test_grids_that_are_not_square_are_named():
    for space in ("quarter_turns", "rotations"):
        with pytest.raises(ValueError, match=r"\(8, 6\) is not square.*resample"):
            operator(space=space)(torch.zeros(1, 1, 8, 6, dtype=torch.float64))
        with pytest.raises(ValueError, match=r"modes \(4, 3\) must be equal"):
            operator(space=space, modes=(4, 3))
        with pytest.raises(ValueError, match="2 or 3 axes of space"):
            operator(space=space, modes=(4,))
    assert operator(space="reflections", modes=(4, 3))(torch.zeros(1, 1, 8, 6, dtype=torch.float64)).shape[2:] == (8, 6)


def test_channels_that_do_not_fit_the_values_are_named():
    with pytest.raises(ValueError, match="in_channels=3 is no multiple of the 2 channels"):
        operator(TURN, in_channels=3)
    with pytest.raises(ValueError, match="out_channels=5 is no multiple"):
        operator(TURN, out_channels=5)
    with pytest.raises(ValueError, match="the field has 3 channels"):
        operator(TURN)(torch.zeros(1, 3, 8, 8, dtype=torch.float64))
    with pytest.raises(ValueError, match="copies must be a whole number"):
        operator(TURN, copies=0)
    with pytest.raises(ValueError, match="layers must be a whole number"):
        operator(TURN, layers=1.5)


def test_actions_that_no_weight_holds_are_refused():
    with pytest.raises(ValueError, match="LieDerivativePenalty"):
        operator(sd.candidates.translations(2))
    with pytest.raises(ValueError, match="keep no quadratic form"):
        operator(sd.LieAlgebra.from_matrices([np.eye(2)]))


def test_spaces_and_joint_actions_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="space must be None or among"):
        operator(space="eighth_turns")
    with pytest.raises(ValueError, match="rotations go with no other"):
        operator(space=("rotations", "reflections"))
    with pytest.raises(ValueError, match="joint=True"):
        operator(TURN, joint=True)
    with pytest.raises(ValueError, match="1 generators and 0 elements, the grid is moved by 2"):
        operator(TURN, space="reflections", joint=True)
    with pytest.raises(ValueError, match="take 3 generators"):
        operator(TURN, space="rotations", joint=True, modes=(3, 3, 3))
    with pytest.raises(ValueError, match="no representation of quarter_turns"):
        operator(0.3 * TURN, space="quarter_turns", joint=True)
    with pytest.raises(ValueError, match="no representation of the rotations"):
        rep = Representation(0.3 * TURN, np.zeros((0, 2, 2)))
        angular_basis(rep, trivial(1) * Representation(np.zeros((1, 1, 1)), np.zeros((0, 1, 1))), 2)
