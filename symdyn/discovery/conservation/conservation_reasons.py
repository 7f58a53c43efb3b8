"""Why a quantity is undetermined, and what would decide it."""

from __future__ import annotations

import numpy as np

__all__ = ["NOISY", "ONE_VALUE", "UNSEEN", "why_undetermined"]

ONE_VALUE = "it has one value on all the data: that it keeps other values, too, is not seen"
UNSEEN = (
    "it has one value on all the data, as on a limit cycle, or where all trajectories were started alike: trajectories "
    "that differ in it would decide"
)
NOISY = "it varies by no more than the noise, which is not small against its terms: less noise would decide"
_MOST = 100  # times the data: more is not worth saying


def why_undetermined(
    undecided: np.ndarray, parts: tuple[np.ndarray, ...], n_runs: int, delta: float, of_law: str
) -> list[str]:
    """Write one sentence a quantity, empty for those that are decided.

    Parameters
    ----------
    undecided : ndarray of bool, `(quantity,)`
    parts : tuple of ndarray, `(quantity,)` each
        eps; its bound; the factor on this without the trajectory that carries most of the scatter; eps on trajectories
        left out.
    n_runs : int
        Trajectories, 0 for a law.
    delta : float
    of_law : str
        The reason where there is a law.
    """
    asked = {"n_runs": n_runs, "delta": delta}
    found = [_reason(*numbers, **asked) if n_runs else of_law for numbers in zip(*parts, strict=True)]
    return [reason if is_open else "" for reason, is_open in zip(found, undecided, strict=True)]


def _reason(violation: float, bound: float, stretch: float, left_out: float, n_runs: int, delta: float) -> str:
    if n_runs == 1:
        return "one trajectory shows one value: trajectories that differ in it would decide"
    if bound >= delta:
        return _more_data(violation, bound, n_runs, delta)
    if left_out >= delta:
        return (
            f"as the others find it, it changes by {left_out:.2g} on a trajectory left out: {n_runs} trajectories are "
            f"too few for so many terms; some {2 * n_runs + 4}, or fewer terms, would decide"
        )
    if bound * stretch >= delta:
        return "one trajectory alone carries how it differs: several that do would decide"
    return "with those before it, its bound is above delta: more trajectories would decide"


def _more_data(violation: float, bound: float, n_runs: int, delta: float) -> str:
    if violation >= delta:
        return f"its change of {violation:.2g} is not told from noise: less noise, or more trajectories, would decide"
    times = ((bound**2 - violation**2) / (delta**2 - violation**2)) ** 2  # squares have errors of 1 / sqrt(n)
    more = f"some {int(np.ceil(n_runs * times))} trajectories" if times < _MOST else "less noise"
    return f"its bound of {bound:.2g} is above delta: {more} would decide, as there are {n_runs}"
