"""Motion in a central force."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.spatial.transform import Rotation

from symdyn.systems.noise import with_noise

__all__ = ["ellipse", "kepler"]


def kepler(
    n_bodies: int = 30, *, noise: float = 0.0, isotropic: bool = True, rng=0, n_times: int = 400, n_periods: float = 2.0
) -> xr.Dataset:
    """Simulate bodies on Kepler orbits about one fixed sun, q'' = −q/|q|^3.

    The law is symmetric under so(3) and t -> s^(3/2) t, q -> s q.

    Semi-major axes are log-uniform in [0.4, 4], eccentricities uniform in [0, 0.6], phases uniform. The orbit is
    exact (Kepler's equation), not integrated.

    Parameters
    ----------
    n_bodies : int
    noise : float
        Standard deviation of white noise on each coordinate, as a fraction of the root mean square distance (positions)
        and speed (velocities) of the body; see `with_noise`.
    isotropic : bool
        Orientations uniform over all rotations; otherwise all orbits lie within about 3 degrees of one plane.
    rng : int or numpy Generator
    n_times : int
        Samples of each orbit.
    n_periods : float
        Length of each trajectory in periods of its body.

    Returns
    -------
    xr.Dataset
        dims `(trajectory, time)`, variables `t x y z vx vy vz`, in units of length `au` and time in which GM = 1.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> orbits = sd.systems.kepler(3)
    >>> dict(orbits.sizes), orbits.attrs["states"]
    ({'trajectory': 3, 'time': 400}, 'x y z vx vy vz')
    >>> x, y, vx, vy = (orbits[name].values for name in ("x", "y", "vx", "vy"))
    >>> bool(np.ptp(x * vy - y * vx, axis=1).max() < 1e-12)  # angular momentum does not change
    True
    """
    rng = np.random.default_rng(rng)
    axis = np.exp(rng.uniform(np.log(0.4), np.log(4.0), n_bodies))
    eccentricity = rng.uniform(0, 0.6, n_bodies)
    turns = Rotation.random(n_bodies, rng=rng) if isotropic else _tilted(n_bodies, rng)
    phase = rng.uniform(0, 2 * np.pi, n_bodies)
    rate = axis**-1.5
    times = np.linspace(0, n_periods * 2 * np.pi / rate, n_times, axis=1)
    flat = ellipse(axis[:, None], eccentricity[:, None], phase[:, None] + rate[:, None] * times, rate[:, None])
    states = [np.einsum("bij,btj->bti", turns.as_matrix(), vectors) for vectors in flat]
    return with_noise(_dataset(times, *states), noise, rng)


def _tilted(n_bodies: int, rng: np.random.Generator, spread: float = 0.05) -> Rotation:
    node = Rotation.from_euler("z", rng.uniform(0, 2 * np.pi, n_bodies)[:, None])
    tilt = Rotation.from_euler("x", spread * rng.standard_normal(n_bodies)[:, None])
    return node * tilt


def ellipse(axis, eccentricity, mean_anomaly, rate):
    """Compute positions and velocities in the plane of the orbit, `(body, time, 3)` each.

    Kepler's equation is solved by Newton's method.
    """
    anomaly = mean_anomaly + eccentricity * np.sin(mean_anomaly)
    for _ in range(30):
        gap = anomaly - eccentricity * np.sin(anomaly) - mean_anomaly
        anomaly = anomaly - gap / (1 - eccentricity * np.cos(anomaly))
    minor = axis * np.sqrt(1 - eccentricity**2)
    speed = rate / (1 - eccentricity * np.cos(anomaly))
    zero = np.zeros_like(anomaly)
    position = np.stack([axis * (np.cos(anomaly) - eccentricity), minor * np.sin(anomaly), zero], axis=-1)
    velocity = np.stack([-axis * np.sin(anomaly) * speed, minor * np.cos(anomaly) * speed, zero], axis=-1)
    return position, velocity


def _dataset(times: np.ndarray, positions: np.ndarray, velocities: np.ndarray) -> xr.Dataset:
    dims = ("trajectory", "time")
    variables = {"t": (dims, times, {"units": "time unit"})}
    for i, name in enumerate("xyz"):
        variables[name] = (dims, positions[:, :, i], {"units": "au"})
    for i, name in enumerate("xyz"):
        attrs = {"units": "au/time unit", "derivative_of": name}
        variables[f"v{name}"] = (dims, velocities[:, :, i], attrs)
    return xr.Dataset(variables, attrs={"states": "x y z vx vy vz"})
