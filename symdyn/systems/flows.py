"""Classical flows: planar oscillators, a predator and its prey, strange attractors."""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp

from symdyn.lie.vectorfields import VectorField
from symdyn.systems.laws import exact_law

__all__ = ["cubic_spiral", "duffing", "lorenz", "lotka_volterra", "rossler", "selkov", "simulate", "van_der_pol"]


def cubic_spiral(*, breaking: float = 0.0, length: float = 8.0, **options):
    """Simulate the flow f = −(0.1 + 0.2 r^2) (x, y) + (1 + r^2) (−y, x), which is symmetric under so(2).

    Orbits spiral inwards, faster at larger radius. `breaking` subtracts `breaking` x^3 from x', which leaves no affine
    symmetry. Initial states are uniform on the square of side 2. `length` and the other options are those of
    `simulate`.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> x, step = sd.systems.cubic_spiral(n_trajectories=3)
    >>> [bool(np.all(np.diff(np.linalg.norm(run, axis=1)) < 0)) for run in x]  # it spirals inwards
    [True, True, True]
    """
    return simulate(exact_law("cubic_spiral", breaking=breaking), [(-1, 1)] * 2, length=length, **options)


def lotka_volterra(*, length: float = 12.0, **options):
    """Simulate x' = 2/3 x − 4/3 x y, y' = x y − y: closed orbits about (1, 1/2).

    Up to degree 3 the flow has no symmetry except itself. `length` and the other options are those of `simulate`.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> (x,), step = sd.systems.lotka_volterra(n_trajectories=1)
    >>> prey, predator = x.T
    >>> conserved = prey - np.log(prey) + 4 / 3 * predator - 2 / 3 * np.log(predator)
    >>> bool(np.ptp(conserved) < 1e-6)
    True
    """
    return simulate(exact_law("lotka_volterra"), [(0.3, 2), (0.2, 1.2)], length=length, **options)


def van_der_pol(*, length: float = 10.0, **options):
    """Simulate x' = y, y' = (1 − x^2) y − x: a limit cycle of amplitude 2.

    Up to degree 3 the flow has no symmetry except itself and x, y -> −x, −y. `length` and the other options are those
    of `simulate`.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> x, step = sd.systems.van_der_pol(n_trajectories=2, length=20.0)
    >>> [round(float(np.abs(run[200:, 0]).max()), 1) for run in x]  # of the limit cycle
    [2.0, 2.0]
    """
    return simulate(exact_law("van_der_pol"), [(-2.5, 2.5)] * 2, length=length, **options)


def selkov(*, length: float = 20.0, **options):
    """Simulate x' = −x + 0.08 y + x^2 y, y' = 0.6 − 0.08 y − x^2 y: glycolysis.

    The flow has a limit cycle, and no symmetry but itself. `length` and the other options are those of `simulate`.

    Examples
    --------
    >>> import symdyn as sd
    >>> x, step = sd.systems.selkov(n_trajectories=3, n_times=200)
    >>> len(x), x[0].shape, round(step, 4)
    (3, (200, 2), 0.1005)
    >>> sd.systems.exact_law("selkov").equations()
    ['−x + 0.08 y + x^2 y', '0.6 − 0.08 y − x^2 y']
    """
    return simulate(exact_law("selkov"), [(0.2, 1.8), (0.2, 2.5)], length=length, **options)


def duffing(*, length: float = 10.0, **options):
    """Simulate x' = y, y' = x − x^3: a particle in a double well, with energy y^2/2 − x^2/2 + x^4/4.

    `length` and the other options are those of `simulate`.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> (x,), step = sd.systems.duffing(n_trajectories=1)
    >>> position, velocity = x.T
    >>> energy = velocity**2 / 2 - position**2 / 2 + position**4 / 4
    >>> bool(np.ptp(energy) < 1e-8)
    True
    """
    return simulate(exact_law("duffing"), [(-1.6, 1.6), (-1, 1)], length=length, **options)


def lorenz(*, length: float = 5.0, **options):
    """Simulate x' = 10 (y − x), y' = x (28 − z) − y, z' = x y − 8/3 z, which is invariant under x, y -> −x, −y.

    Starts are uniform on a box about the attractor. `length` and the other options are those of `simulate`.

    Examples
    --------
    >>> import symdyn as sd
    >>> x, step = sd.systems.lorenz(n_trajectories=2, n_times=100, length=2.0)
    >>> len(x), x[0].shape
    (2, (100, 3))
    >>> sd.systems.exact_law("lorenz").equations()
    ['−10 x + 10 y', '28 x − y − x z', '−2.67 z + x y']
    """
    return simulate(exact_law("lorenz"), [(-15, 15), (-20, 20), (8, 40)], length=length, **options)


def rossler(*, length: float = 25.0, **options):
    """Simulate x' = −y − z, y' = x + 0.2 y, z' = 0.2 + z (x − 5.7).

    Starts are uniform on a box about the attractor. `length` and the other options are those of `simulate`.

    Examples
    --------
    >>> import symdyn as sd
    >>> x, step = sd.systems.rossler(n_trajectories=2, n_times=100, length=5.0)
    >>> len(x), x[0].shape
    (2, (100, 3))
    >>> sd.systems.exact_law("rossler").equations()
    ['−y − z', 'x + 0.2 y', '0.2 − 5.7 z + x z']
    """
    return simulate(exact_law("rossler"), [(-8, 8), (-8, 8), (0, 2)], length=length, **options)


def simulate(
    law: VectorField, box, *, noise: float = 0.0, rng=0, n_trajectories: int = 20, n_times: int = 400, length: float
):
    """Simulate trajectories of a flow from initial states that are uniform on a box.

    Parameters
    ----------
    law : VectorField
    box : sequence of (low, high), one per state
    noise : float
        Standard deviation of white noise, as a fraction of the standard deviation of each state over all data.
    rng : int or numpy Generator
    n_trajectories, n_times : int
    length : float
        Time between the first and the last sample.

    Returns
    -------
    x : list of ndarray, `(time, state)`
    step : float

    Raises
    ------
    RuntimeError
        If a solution diverges before the last time.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> features = sd.features.Polynomial(1) + sd.features.Fourier(1)
    >>> coefficients = np.zeros((2, 7))  # on 1, q, v, sin q, cos q, sin v, cos v
    >>> coefficients[0, 2], coefficients[1, 3] = 1, -1
    >>> pendulum = sd.VectorField(features, coefficients, ("q", "v"))
    >>> x, step = sd.systems.simulate(pendulum, [(-2, 2), (-1, 1)], length=6.0, n_trajectories=5)
    >>> energy = x[0][:, 1] ** 2 / 2 - np.cos(x[0][:, 0])
    >>> bool(np.ptp(energy) < 1e-8)
    True
    """
    rng = np.random.default_rng(rng)
    low, high = np.transpose(box)
    starts = rng.uniform(low, high, (n_trajectories, len(low)))
    times = np.linspace(0, length, n_times)
    # All trajectories as one system: one call of the law a stage. The tolerance is on the root mean square of all.
    solution = solve_ivp(
        lambda _, x: law(x.reshape(starts.shape)).ravel(),
        (0, length),
        starts.ravel(),
        t_eval=times,
        method="DOP853",
        rtol=1e-11,
        atol=1e-13,
    )
    if not solution.success:
        raise RuntimeError(f"a trajectory stops before t = {length}")
    clean = solution.y.reshape(*starts.shape, n_times).transpose(0, 2, 1)
    spread = clean.reshape(-1, len(low)).std(axis=0)
    return [x + noise * spread * rng.standard_normal(x.shape) for x in clean], float(times[1])
