"""Chaotic flows of three states out of the package `dysts` (Gilpin, arXiv 2110.05266): laws, and clean trajectories.

Trajectories are kept in a folder, for integrating them takes minutes. Six runs are pieces of one orbit on the
attractor, one after another: 4000 samples each, 100 a period, after 10 periods to settle. The periods of `dysts` are
those of the slowest motion in some systems: they are sampled twice as fast until a turn has a dozen samples.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp

CACHE = Path("runs/dysts-cache")
RUNS, LENGTH, PER_PERIOD, SETTLING = 6, 4000, 100, 10
FASTEST = 64  # times as fast, at most
_MOST_CALLS = 4_000_000  # of a right-hand side, before an orbit is given up

__all__ = ["CACHE", "law_of", "names", "trajectories"]


@cache
def _flows():
    """The module of the systems. Of gluonts, dysts needs a class that writes files, which is not used here."""
    if importlib.util.find_spec("gluonts") is None:
        for name in ("gluonts", "gluonts.dataset", "gluonts.dataset.arrow"):
            sys.modules.setdefault(name, types.ModuleType(name))
        sys.modules["gluonts.dataset.arrow"].ArrowWriter = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numba is not needed
        return importlib.import_module("dysts.flows")


@cache
def _system(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(_flows(), name)()


@cache
def names() -> tuple[str, ...]:
    """Autonomous systems of three bounded states."""
    module = _flows()
    classes = [n for n, c in vars(module).items() if isinstance(c, type) and c.__module__ == module.__name__]
    found = []
    for name in sorted(classes):
        system = _system(name)
        bounded = not getattr(system, "unbounded_indices", []) and not getattr(system, "delay", False)
        if bounded and len(np.ravel(getattr(system, "ic", []))) == 3 and _is_autonomous(system):
            found.append(name)
    return tuple(found)


def _is_autonomous(system):
    first, second = (np.array(system.rhs(system.ic, time), dtype=float) for time in (0.0, 1.234))
    return not getattr(system, "nonautonomous", False) and np.allclose(first, second)


def law_of(name: str) -> Callable[[np.ndarray], np.ndarray]:
    """The right-hand side, from points `(sample, state)` to rates of the same shape."""
    system = _system(name)

    def one(point):
        return np.array([float(value) for value in system.rhs(point, 0.0)])

    def all_at_once(points):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.stack(np.broadcast_arrays(*system.rhs(points, 0.0), points[:, 0])[:3], axis=-1).astype(float)

    probe = np.atleast_2d(system.ic) * np.linspace(0.9, 1.1, 7)[:, None]
    try:
        if np.allclose(all_at_once(probe), [one(point) for point in probe], rtol=1e-12, atol=1e-300):
            return all_at_once
    except (TypeError, ValueError, IndexError):
        pass
    return lambda points: np.stack([one(point) for point in points])


def trajectories(name: str, folder: Path = CACHE) -> tuple[list[np.ndarray], float]:
    """Clean runs `(time, state)`, and the step.

    Raises
    ------
    RuntimeError
        If the system cannot be integrated.
    """
    path = Path(folder) / f"{name}.npz"
    if not path.exists():
        runs, step = _integrated(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, runs=runs, step=step)
    with np.load(path) as stored:
        runs, step = stored["runs"], float(stored["step"])
    if runs.size == 0:
        raise RuntimeError(f"{name} cannot be integrated")
    return list(runs), step


def _integrated(name):
    """Runs `(run, time, state)`, none of a system that cannot be integrated, and their step."""
    faster = 1
    while True:
        runs, step = _sampled(name, PER_PERIOD * faster)
        if faster >= FASTEST or not len(runs) or not is_coarse(runs):
            return runs, step
        faster *= 2


def is_coarse(runs) -> bool:
    """Whether second differences are above half the first ones (root mean square) in any state: 12 samples a turn."""
    steps = [np.diff(run, axis=0) for run in runs]
    first, second = (np.concatenate(each) for each in (steps, [np.diff(step, axis=0) for step in steps]))
    return bool(np.any(np.mean(second**2, axis=0) > np.mean(first**2, axis=0) / 4))


def _sampled(name, per_period):
    system, calls = _system(name), 0
    step = system.period / per_period
    times = step * np.arange(SETTLING * per_period + RUNS * LENGTH)
    nothing = np.zeros((0, LENGTH, 3))

    def field(t, x):
        nonlocal calls
        calls += 1
        if calls > _MOST_CALLS:
            raise RuntimeError("too many steps")
        return [float(value) for value in system.rhs(x, 0.0)]

    size = np.asarray(system.std) if np.all(np.asarray(system.std) > 0) else np.ones(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = solve_ivp(field, (0, times[-1]), system.ic, "LSODA", times, rtol=1e-9, atol=1e-10 * size)
        except (RuntimeError, OverflowError, ZeroDivisionError, FloatingPointError):
            return nothing, step
    orbit = found.y.T[SETTLING * per_period :]
    if not found.success or not np.all(np.isfinite(orbit)) or np.any(orbit.std(axis=0) < 1e-9 * np.abs(orbit).max(0)):
        return nothing, step
    return orbit.reshape(RUNS, LENGTH, 3), step
