"""Two bodies that attract each other, as a map from one sampling time to the next."""

from __future__ import annotations

import numpy as np

from symdyn.systems.central import ellipse

__all__ = ["two_body"]


def two_body(
    *,
    noise: float = 0.0,
    rng=0,
    n_trajectories: int = 814,
    n_times: int = 50,
    step: float = 0.2,
    circular: bool = False,
):
    """Simulate two equal masses about their centre of mass: (x, y, vx, vy) of the first body, then of the second.

    Masses and the constant of gravitation are 1. Distances from the centre (semi-major axes) are uniform in [0.5, 1.5].
    Orbits are eccentric (uniform in [0, 0.5]), of both senses, with random phase and periapsis, so that the joint
    rotation of both bodies is the only linear symmetry of the map. `circular` orbits of one sense cover only a
    two-dimensional surface in the eight states, on which other matrices act in the same way.

    Parameters
    ----------
    noise : float
        Standard deviation of white noise, as a fraction of the standard deviation of each state over all data.
    rng : int or numpy Generator
    n_trajectories, n_times : int
    step : float
        Time between samples.
    circular : bool

    Returns
    -------
    x : list of ndarray, `(time, 8)`
    step : float

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> x, step = sd.systems.two_body(n_trajectories=3)
    >>> len(x), x[0].shape, step
    (3, (50, 8), 0.2)
    >>> bool(np.all(x[0][:, :4] == -x[0][:, 4:]))  # about their common centre
    True
    """
    rng = np.random.default_rng(rng)
    axis = rng.uniform(0.5, 1.5, n_trajectories)
    eccentricity = np.zeros(n_trajectories) if circular else rng.uniform(0, 0.5, n_trajectories)
    sense = np.ones(n_trajectories) if circular else rng.choice([-1.0, 1.0], n_trajectories)
    phase, perihelion = rng.uniform(0, 2 * np.pi, (2, n_trajectories))
    rate = 0.5 * axis**-1.5  # each moves like a test particle about a mass of 1/4 at the centre
    anomaly = phase[:, None] + rate[:, None] * step * np.arange(n_times)
    position, velocity = ellipse(axis[:, None], eccentricity[:, None], anomaly, rate[:, None])
    turn = np.exp(1j * perihelion)[:, None]
    columns = []
    for vector in (position, velocity):
        plane = turn * (vector[..., 0] + 1j * sense[:, None] * vector[..., 1])
        columns += [plane.real, plane.imag]
    first = np.stack(columns, axis=-1)
    states = np.concatenate([first, -first], axis=-1)
    spread = states.reshape(-1, 8).std(axis=0)
    return list(states + noise * spread * rng.standard_normal(states.shape)), step
