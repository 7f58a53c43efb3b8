"""Fields of one and two dimensions in time, as trajectories over `(trajectory, time, x[, y])`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from symdyn.systems.differences import evolve_differences
from symdyn.systems.fieldlaws import field_equations
from symdyn.systems.spectral import evolve_periodic

__all__ = [
    "burgers",
    "heat",
    "kdv",
    "kuramoto_sivashinsky",
    "lambda_omega",
    "random_fields",
    "schroedinger",
    "simulate_field",
    "vorticity",
    "wave",
]


def heat(*, viscosity: float = 0.2, **options) -> xr.Dataset:
    """Simulate u_t = viscosity u_xx. See `simulate_field` for further options.

    Examples
    --------
    >>> import symdyn as sd
    >>> data = sd.systems.heat(n_trajectories=1, n_points=64, n_times=20)
    >>> dict(data.sizes)
    {'trajectory': 1, 'time': 20, 'x': 64}
    >>> spread = data.u.std("x")
    >>> bool((spread.diff("time") < 0).all())  # differences even out
    True
    """
    return simulate_field(field_equations("heat", viscosity=viscosity), **{"length": 4.0, **options})


def burgers(
    *,
    viscosity: float = 0.2,
    advection: float = 1.0,
    damping: float = 0.0,
    drift: float = 0.0,
    potential: bool = False,
    **options,
) -> xr.Dataset:
    """Simulate u_t = −advection u u_x + viscosity u_xx: five generators, with the boost `advection` t ∂x + ∂u.

    `damping` takes −damping u, which leaves the two translations. `drift` takes −drift cos(2 pi x / 16) u_x, which
    leaves ∂t alone. `potential` is the form u_t = −advection u_x^2 / 2 + viscosity u_xx. See `simulate_field`.

    Examples
    --------
    >>> import symdyn as sd
    >>> data = sd.systems.burgers(n_trajectories=1, n_points=64, n_times=20)
    >>> dict(data.sizes)
    {'trajectory': 1, 'time': 20, 'x': 64}
    >>> mean = data.u.mean("x")
    >>> round(float(mean.max() - mean.min()), 6)  # the integral of u is conserved
    0.0
    """
    name = "potential_burgers" if potential else "burgers"
    equations = field_equations(name, viscosity=viscosity, advection=advection, damping=damping)
    options = {"period": 16.0, "length": 4.0, **options}
    frozen = None
    if drift:
        # A field that does not change carries the coefficient that depends on the place.
        equations = {"u": {**equations["u"], "c u_x": -1.0}, "c": {}}
        frozen = ("c", lambda x: drift * np.cos(2 * np.pi * x / options["period"]))
    return simulate_field(equations, frozen=frozen, **options)


def kdv(*, advection: float = 1.0, damping: float = 0.0, **options) -> xr.Dataset:
    """Simulate u_t = −advection u u_x − u_xxx − damping u: four generators; damping leaves the two translations.

    See `simulate_field` for further options.

    Examples
    --------
    >>> import symdyn as sd
    >>> data = sd.systems.kdv(n_trajectories=1, n_points=64, n_times=20, length=1.0)
    >>> energy = (data.u**2).mean("x")
    >>> round(float(energy.max() / energy.min()), 4)  # conserved, as the integral of u is
    1.0
    """
    equations = field_equations("kdv", advection=advection, damping=damping)
    return simulate_field(equations, **{"period": 40.0, "length": 10.0, "amplitude": 1.5, "modes": 8, **options})


def kuramoto_sivashinsky(**options) -> xr.Dataset:
    """Simulate u_t = −u u_x − u_xx − u_xxxx after a transient: two translations and a boost. See `simulate_field`.

    Examples
    --------
    >>> import symdyn as sd
    >>> grid = {"n_trajectories": 1, "n_points": 64, "n_times": 20}
    >>> data = sd.systems.kuramoto_sivashinsky(transient=5.0, length=2.0, **grid)
    >>> dict(data.sizes), float(data.x.attrs["period"])
    ({'trajectory': 1, 'time': 20, 'x': 64}, 64.0)
    """
    options = {"period": 64.0, "length": 30.0, "transient": 40.0, "modes": 12, "largest_step": 0.05, **options}
    return simulate_field(field_equations("kuramoto_sivashinsky"), **options)


def wave(**options) -> xr.Dataset:
    """Simulate u_tt = u_xx, which has conformal symmetries; the data hold u, not u_t. See `simulate_field`.

    Examples
    --------
    >>> import symdyn as sd
    >>> grid = {"n_trajectories": 1, "n_points": 32, "n_times": 9}
    >>> data = sd.systems.wave(length=16.0, largest_step=0.02, **grid)
    >>> shape = data.u[0] - data.u[0].mean("x")  # waves return after one period of the domain
    >>> round(float(abs(shape[-1] - shape[0]).max()), 3)
    0.0
    """
    equations = {"u": {"w": 1.0}, "w": {"u_xx": 1.0}}
    return simulate_field(equations, **{"period": 16.0, "length": 4.0, "hidden": ("w",), **options})


def schroedinger(**options) -> xr.Dataset:
    """Simulate i z_t = −z_xx / 2 − |z|^2 z with z = u + i v: five generators. See `simulate_field`.

    Examples
    --------
    >>> import symdyn as sd
    >>> data = sd.systems.schroedinger(n_trajectories=1, n_points=64, n_times=10, length=1.0)
    >>> mass = (data.u**2 + data.v**2).mean("x")
    >>> data.attrs["states"], round(float(mass.max() / mass.min()), 4)
    ('u v', 1.0)
    """
    return simulate_field(field_equations("schroedinger"), **{"length": 3.0, "amplitude": 0.5, **options})


def lambda_omega(*, viscosity: float = 0.1, drift: float = 0.0, isotropic: bool = False, **options) -> xr.Dataset:
    """Simulate a lambda-omega reaction-diffusion system in the plane.

    u_t = (1 − r^2) u + r^2 v + viscosity Δu and v_t = −r^2 u + (1 − r^2) v + viscosity Δv with r^2 = u^2 + v^2: three
    translations, the rotation of the plane, and the phase. `drift` adds −drift u_x to the equation for u alone.
    `isotropic` starts from `random_fields`, whose statistics share all these symmetries, instead of series with a
    square of wave numbers and different means. See `simulate_field` for further options.

    Examples
    --------
    >>> import symdyn as sd
    >>> data = sd.systems.lambda_omega(n_trajectories=2, n_points=16, n_times=5, length=1.0)
    >>> dict(data.sizes), data.attrs["states"]
    ({'trajectory': 2, 'time': 5, 'x': 16, 'y': 16}, 'u v')
    """
    equations = field_equations("lambda_omega", viscosity=viscosity, drift=drift)
    defaults = {"period": (16.0, 16.0), "length": 4.0, "n_points": (64, 64), "n_times": 60, "modes": 3}
    options = {**defaults, **options}
    return simulate_field(equations, **(_isotropic(options, 2) if isotropic else options))


def vorticity(*, viscosity: float = 0.01, forcing: float = 0.0, **options) -> xr.Dataset:
    """Simulate incompressible flow in the plane, w_t = −velocity . grad w + viscosity Δw, which decays.

    The velocity is (−psi_y, psi_x) with Δpsi = w, of zero mean. The symmetries are translations, the rotation of the
    plane, and a scaling; a reflection changes the sign of w. Initial fields are `random_fields`. `forcing` adds forcing
    cos(4 y 2 pi / period), which leaves ∂t, ∂x and reflections. See `simulate_field` for further options.

    Examples
    --------
    >>> import symdyn as sd
    >>> data = sd.systems.vorticity(n_trajectories=1, n_points=16, n_times=5, length=1.0)
    >>> enstrophy = (data.w**2).mean(["x", "y"])
    >>> dict(data.sizes), bool((enstrophy.diff("time") < 0).all())
    ({'trajectory': 1, 'time': 5, 'x': 16, 'y': 16}, True)
    """
    equations = field_equations("vorticity", viscosity=viscosity)
    defaults = {"period": (2 * np.pi, 2 * np.pi), "length": 4.0, "n_points": (64, 64), "n_times": 41, "modes": 5}
    options = {"potentials": {"psi": "w"}, **defaults, **options}
    if forcing:
        equations = {"w": {**equations["w"], "f": 1.0}, "f": {}}
        wave = 8 * np.pi / np.atleast_1d(np.asarray(options["period"], dtype=float))[-1]
        options["frozen"] = ("f", lambda x, y: forcing * np.cos(wave * y) + 0 * x)
    return simulate_field(equations, **_isotropic(options, 1))


def simulate_field(
    equations: dict[str, dict[str, float]],
    period: float | Sequence[float] = 16.0,
    *,
    length: float = 4.0,
    noise: float = 0.0,
    rng=0,
    n_trajectories: int = 10,
    n_points: int | Sequence[int] = 256,
    n_times: int = 200,
    amplitude: float = 1.0,
    modes: int = 5,
    transient: float = 0.0,
    largest_step: float = 0.01,
    differences: bool = False,
    hidden: Sequence[str] = (),
    frozen=None,
    start: np.ndarray | None = None,
    potentials: dict[str, str] | None = None,
) -> xr.Dataset:
    """Simulate periodic fields from smooth random initial fields, in the schema of trajectories.

    Parameters
    ----------
    equations : dict
        See `evolve_periodic`.
    period : float or sequence of float
        Length of the domain along each axis, which is centred at 0.
    length : float
        Time between the first and the last sample.
    noise : float
        Standard deviation of white noise, as a fraction of the standard deviation of each field over all data.
    rng : int or numpy Generator
    n_trajectories, n_points, n_times : int
        `n_points` may be one number per axis.
    amplitude : float
        Root mean square of the initial fields; each is multiplied by its own factor, uniform in [0.5, 1.5], and has its
        own mean.
    modes : int
        Highest wave number of the initial fields along each axis.
    transient : float
        Time before the first sample.
    largest_step : float
        Largest step of the integration. differences : bool Whether to solve the equation with second-order differences
        on the grid instead (fourth-order Runge-Kutta in time).
    hidden : sequence of str
        Fields that are integrated but not returned.
    frozen : pair (name, function of x[, y]), optional
        A given field that is not returned, the last one in the equations.
    start : ndarray, `(field, trajectory, x[, y])`, optional
        The initial fields, in place of random ones.
    potentials : dict, optional
        See `evolve_periodic`.

    Raises
    ------
    ValueError
        For initial fields of the wrong shape, and for potentials in an equation of differences.

    Examples
    --------
    >>> import symdyn as sd
    >>> allen_cahn = {"u": {"u": 1.0, "u^3": -1.0, "u_xx": 0.1}}  # u_t = u - u^3 + 0.1 u_xx
    >>> data = sd.systems.simulate_field(allen_cahn, n_trajectories=2, n_points=32, n_times=10)
    >>> dict(data.sizes), data.attrs["states"]
    ({'trajectory': 2, 'time': 10, 'x': 32}, 'u')
    """
    rng = np.random.default_rng(rng)
    periods = tuple(np.atleast_1d(np.asarray(period, dtype=float)))
    shape = tuple(np.broadcast_to(n_points, len(periods)).astype(int).tolist())
    axes = ("x", "y")[: len(periods)]
    grids = [np.arange(n) * p / n - p / 2 for n, p in zip(shape, periods, strict=True)]
    names = [name for name in equations if frozen is None or name != frozen[0]]
    if start is None:
        start = np.stack([_smooth_starts(rng, n_trajectories, grids, periods, modes, amplitude) for _ in names])
    start = _checked_start(start, (len(names), "trajectory", *shape))
    if frozen is not None:
        given = frozen[1](*np.meshgrid(*grids, indexing="ij"))
        start = np.concatenate([start, np.broadcast_to(given, (1, *start.shape[1:]))])
    if differences and potentials:
        raise ValueError("an equation of differences has no potentials: leave differences out")
    solve = evolve_differences if differences else partial(evolve_periodic, potentials=potentials)
    times = np.linspace(0, length, n_times)
    clock = np.concatenate([[0.0], times + transient]) if transient else times
    values = solve(equations, start, periods, clock, largest_step=largest_step, axes=axes)[-n_times:]
    shown = {name: np.moveaxis(values[:, index], 0, 1) for index, name in enumerate(names) if name not in hidden}
    dims = ("trajectory", "time", *axes)
    dataset = xr.Dataset(attrs={"states": " ".join(shown)})
    for name, clean in shown.items():
        noisy = clean + noise * clean.std() * rng.standard_normal(clean.shape)
        dataset[name] = (dims, noisy, {"units": "1"})
    places = zip(axes, grids, periods, strict=True)
    coordinates = {axis: (axis, grid, {"units": "1", "period": p}) for axis, grid, p in places}
    return dataset.assign_coords(time=("time", times, {"units": "1"}), **coordinates)


def random_fields(
    n: int,
    n_points: Sequence[int],
    *,
    modes: float = 5,
    elongation: float = 1.0,
    direction=0.0,
    rng=0,
) -> np.ndarray:
    """Draw Gaussian random fields on a periodic square, band-limited and smooth, with zero mean and unit variance.

    The amplitude of wave k (in waves per period) is exp(−|S k| / modes) for |k| <= modes and 0 beyond, with S k
    stretched by `elongation` along `direction`. Without elongation, all statistics are invariant under the rotations of
    the grid, and under others as far as a grid of wave numbers is isotropic.

    Parameters
    ----------
    n : int
        Number of fields.
    n_points : two numbers
        Along the axes x and y.
    modes : float
        Highest wave number.
    elongation : float
        Ratio of the length of structures along the direction to that across it.
    direction : float or array_like, `(n,)`
        Angle from the x axis, for all fields or for each of them.
    rng : int or numpy Generator

    Returns
    -------
    ndarray, `(n, x, y)`

    Raises
    ------
    ValueError
        For modes that the grid does not resolve, and for an elongation below 1.

    Examples
    --------
    >>> import symdyn as sd
    >>> fields = sd.systems.random_fields(100, (32, 32), modes=4)
    >>> means = fields.mean(axis=(1, 2))
    >>> fields.shape, abs(means).max().round(6).item(), fields.std().round(1).item()
    ((100, 32, 32), 0.0, 1.0)
    """
    rng = np.random.default_rng(rng)
    if not 1 <= modes < min(n_points) / 2 or elongation < 1:
        raise ValueError(f"modes must be 1 ... {min(n_points) / 2:g} and elongation at least 1: {modes}, {elongation}")
    numbers = np.arange(-int(modes), int(modes) + 1)
    waves = np.stack(np.meshgrid(numbers, numbers, indexing="ij"), axis=-1).reshape(-1, 2)
    lengths = np.linalg.norm(waves, axis=1)
    waves = waves[(lengths > 0) & (lengths <= modes)]
    angle = np.broadcast_to(np.asarray(direction, dtype=float), (n,))
    along = np.stack([np.cos(angle), np.sin(angle)], axis=1) @ waves.T
    across = np.stack([-np.sin(angle), np.cos(angle)], axis=1) @ waves.T
    weights = np.exp(-np.hypot(elongation * along, across) / modes)
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    turns = [np.exp(2j * np.pi / size * np.outer(np.arange(size), waves[:, k])) for k, size in enumerate(n_points)]
    drawn = weights * (rng.standard_normal(weights.shape) + 1j * rng.standard_normal(weights.shape))
    return np.einsum("nw,xw,yw->nxy", drawn, *turns, optimize=True).real


def _checked_start(start: np.ndarray, shape: tuple[int | str, ...]) -> np.ndarray:
    """Check that starts are `(field, trajectory, x[, y])` with any number of trajectories; return them as numbers."""
    start = np.asarray(start, dtype=float)
    if start.ndim != len(shape) or (len(start), *start.shape[2:]) != (shape[0], *shape[2:]):
        raise ValueError(f"start must have shape {shape}, got {start.shape}")
    return start


def _isotropic(options: dict[str, Any], n_fields: int) -> dict[str, Any]:
    """Return the options of `simulate_field` with `random_fields` for starts, unless starts are given."""
    if options.get("start") is not None:
        return options
    rng = np.random.default_rng(options.get("rng", 0))
    shape = np.broadcast_to(options["n_points"], 2).tolist()
    count = options.get("n_trajectories", 10)
    drawn = random_fields(n_fields * count, shape, modes=options["modes"], rng=rng)
    return {**options, "rng": rng, "start": options.get("amplitude", 1.0) * drawn.reshape(n_fields, count, *shape)}


def _smooth_starts(
    rng: np.random.Generator,
    n: int,
    grids: Sequence[np.ndarray],
    periods: Sequence[float],
    modes: int,
    amplitude: float,
) -> np.ndarray:
    """Draw random Fourier series `(run, x[, y])` with coefficients that fall off as exp(−k / modes)."""
    meshes = np.meshgrid(*grids, indexing="ij")
    waves = np.array(np.meshgrid(*[np.arange(-modes, modes + 1)] * len(grids))).reshape(len(grids), -1).T
    waves = waves[np.any(waves != 0, axis=1)]
    phases = sum(
        2 * np.pi / p * w.reshape(-1, *[1] * len(grids)) * mesh
        for p, w, mesh in zip(periods, waves.T, meshes, strict=True)
    )
    fall = np.exp(-np.linalg.norm(waves, axis=1) / modes)
    weights = rng.standard_normal((2, n, len(waves))) * fall
    fields = np.tensordot(weights[0], np.cos(phases), 1) + np.tensordot(weights[1], np.sin(phases), 1)
    flat = fields.reshape(n, -1)
    flat /= np.sqrt(np.mean(flat**2, axis=1, keepdims=True))
    factors = rng.uniform(0.5, 1.5, (n, 1))
    return (amplitude * (factors * flat + 0.5 * rng.standard_normal((n, 1)))).reshape(fields.shape)
