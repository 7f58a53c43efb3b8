import numpy as np
import pytest

torch = pytest.importorskip("torch")

from symdyn.neural.fourier import transforms  # noqa: E402
from symdyn.neural.fourier.spectral import DenseConvolution, checked_modes  # noqa: E402
from symdyn.neural.fourier.transforms import from_modes, low_modes, low_spectrum, wavenumbers  # noqa: E402


def layer(modes, channels=(2, 3), dtype=torch.float64, seed=0):
    torch.manual_seed(seed)
    return DenseConvolution(*channels, modes).to(dtype)


def error(found, expected):
    return ((found - expected).abs().max() / expected.abs().max()).item()


@pytest.mark.parametrize("grid", [(12,), (13,), (8, 11), (9, 8), (6, 7, 8)])
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-13), (torch.float32, 1e-5)])
def test_convolution_commutes_with_shifts_of_the_grid(grid, dtype, bound):
    conv = layer((3,) * len(grid), dtype=dtype)
    u = torch.randn(2, 2, *grid, dtype=dtype)
    shifts, axes = tuple(range(1, len(grid) + 1)), tuple(range(2, 2 + len(grid)))
    assert error(conv(u.roll(shifts, axes)), conv(u).roll(shifts, axes)) < bound


def test_a_plane_wave_is_multiplied_by_its_matrix():
    conv, n = layer((4, 4), (1, 1)), 16
    x = 2 * np.pi * torch.arange(n, dtype=torch.float64) / n
    wave = torch.exp(1j * (-2 * x[:, None] + 3 * x))
    place = int(np.flatnonzero((wavenumbers((4, 4)).reshape(-1, 2) == (-2, 3)).all(axis=1))[0])
    expected = (conv.multiplier()[place, 0, 0] * wave).real
    assert error(conv(wave.real[None, None])[0, 0], expected) < 1e-13


def test_modes_beyond_the_kept_ones_are_removed():
    conv = layer((3,), (1, 1))
    x = 2 * np.pi * torch.arange(32, dtype=torch.float64) / 32
    assert conv(torch.cos(3 * x)[None, None]).abs().max() < 1e-14
    assert conv(torch.cos(2 * x)[None, None]).abs().max() > 1e-3


@pytest.mark.parametrize("grid", [(16, 16), (9, 12), (7, 7)])
def test_a_band_limited_field_gives_the_same_on_every_grid(grid):
    conv = layer((4, 4), (1, 1))
    rng = np.random.default_rng(0)
    waves, parts = rng.integers(-3, 4, (6, 2)), rng.standard_normal((6, 2))

    def field(shape):
        x, y = (2 * np.pi * np.arange(n) / n for n in shape)
        phases = waves[:, 0, None, None] * x[:, None] + waves[:, 1, None, None] * y
        return torch.as_tensor((parts[:, :1, None] * np.cos(phases) + parts[:, 1:, None] * np.sin(phases)).sum(0))

    fine, coarse = conv(field((64, 48))[None, None]), conv(field(grid)[None, None])
    for axis, n in enumerate(grid, 2):  # the fine field, resampled by its Fourier coefficients
        spectrum, size = torch.fft.fft(fine, dim=axis, norm="forward"), fine.shape[axis]
        index = torch.tensor([k % size for k in (*range((n + 1) // 2), *range(-(n // 2), 0))])
        kept = spectrum.index_select(axis, index)
        fine = torch.fft.ifft(kept, n=n, dim=axis, norm="forward").real
    assert error(coarse, fine) < 1e-12


@pytest.mark.parametrize("grid", [(4,), (5, 4), (3, 4, 5)])
def test_a_grid_too_coarse_keeps_the_modes_it_can_hold(grid):
    conv = layer((6,) * len(grid))
    u = torch.randn(2, 2, *grid, dtype=torch.float64)
    assert conv(u).shape == (2, 3, *grid)
    assert error(conv(u.roll(1, 2)), conv(u).roll(1, 2)) < 1e-13


@pytest.mark.parametrize("few", [0, 32])  # fast transforms, products with matrices
@pytest.mark.parametrize(("modes", "grid"), [((4,), (9,)), ((3, 2), (9, 8)), ((4, 4), (7, 8)), ((2, 3, 3), (6, 5, 9))])
def test_low_spectra_are_those_of_the_whole_transform_and_come_back(modes, grid, few, monkeypatch):
    monkeypatch.setattr(transforms, "_FEW", few)
    u = torch.randn(2, 3, *grid, dtype=torch.float64)
    found = low_spectrum(u, modes)
    whole = torch.fft.rfftn(u, dim=tuple(range(2, u.ndim)), norm="forward")
    assert error(found, low_modes(whole, modes, 2)) < 1e-14
    assert error(low_spectrum(from_modes(found, modes, grid), modes), found) < 1e-14


# Forward mode of torch loads its own deprecated scripts.
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_convolution_works_under_vmap_jvp_and_functional_call():
    conv = layer((3, 3), (2, 2))
    u, v = torch.randn(2, 2, 2, 8, 8, dtype=torch.float64)
    value, slope = torch.func.jvp(conv, (u,), (v,))
    assert error(value, conv(u)) < 1e-14
    assert error(slope, conv(v)) < 1e-13  # linear
    assert error(torch.func.vmap(lambda one: conv(one[None])[0])(u), conv(u)) < 1e-13


def test_double_convolution_has_real_parameters_and_complex_multiplier():
    conv = layer((3,))
    assert all(p.dtype == torch.float64 for p in conv.parameters())
    assert conv.multiplier().dtype == torch.complex128


@pytest.mark.parametrize("modes", [(), (0,), (2.5,), (1, 2, 3, 4), "ab", (True,)])
def test_modes_that_are_no_numbers_are_named(modes):
    with pytest.raises(ValueError, match="modes must be 1, 2 or 3 positive whole numbers"):
        checked_modes(modes)


def test_fields_that_do_not_fit_are_named():
    conv = layer((3, 3))
    with pytest.raises(ValueError, match="2 axes of space"):
        conv(torch.zeros(1, 2, 8, dtype=torch.float64))
    with pytest.raises(ValueError, match="5 channels, this module takes 2"):
        conv(torch.zeros(1, 5, 8, 8, dtype=torch.float64))
    with pytest.raises(ValueError, match=r"float32.*module\.double"):
        conv(torch.zeros(1, 2, 8, 8))
