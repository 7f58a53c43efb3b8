"""Are the data and the law fit for the question? What is wrong is said before verdicts are read."""

from __future__ import annotations

import warnings

import numpy as np

from symdyn.functions.printing import equation_lines
from symdyn.laws.neighbours import neighbour_residual
from symdyn.laws.residual import Residual, residual_from_parts
from symdyn.laws.scales import Scales
from symdyn.lie.chart import Chart
from symdyn.lie.constraints.subspace import pivoted_basis
from symdyn.lie.vectorfields import VectorField
from symdyn.sums.moments import Moments

__all__ = ["check_data", "check_law", "law_residual", "ranges_text", "still_functions", "still_note"]

_REFUSED = 0.5  # of the rates: such a law says nothing
_FEWEST_RUNS = 3  # below, stretches of time are the independent parts


def check_data(moments: Moments, n_features: int, states: tuple[str, ...]) -> None:
    """Refuse data that cannot decide, and warn of repeated trajectories.

    Raises
    ------
    ValueError
        If there are fewer rows than unknowns of a law, or nothing moves.
    """
    rows = int(moments.count.sum())
    if rows < n_features:
        raise ValueError(
            f"{rows} windows of data cannot decide {n_features} coefficients a state: give longer or more "
            "trajectories, or a smaller law library"
        )
    if not np.any(moments.spread[:, : len(states)]):
        raise ValueError(f"none of the states {', '.join(states)} ever moves")
    _warn_of_repeats(moments)


def _warn_of_repeats(moments: Moments) -> None:
    marks = np.hstack([moments.spread, moments.power, moments.mean])  # equal to the last digit for the same data only
    _, first, counts = np.unique(marks, axis=0, return_index=True, return_counts=True)
    if np.any(counts > 1):
        kept = first[np.argmax(counts)]
        same = [moments.labels[k] for k in np.flatnonzero((marks == marks[kept]).all(axis=1))]
        warnings.warn(
            f"trajectories {', '.join(same[:4])}{', ...' if len(same) > 4 else ''} are the same data: repeats make "
            "the error bars too small; drop them",
            stacklevel=4,
        )


def law_residual(moments: Moments, law: VectorField, scales: Scales) -> Residual:
    """Estimate the fraction of the rates that a law leaves unexplained, beyond noise, in the norm of the violation.

    From products of even and odd residuals, where rows come twice; else from residuals at neighbouring points
    (`symdyn.laws.neighbours`).
    """
    weighted = moments.products * scales.group_weights(moments)[:, None, None]
    left = moments.residual_of(law.coefficients)
    parts = np.einsum("ot,gtu,ou->go", left, weighted, left)
    if moments.n_trajectories >= _FEWEST_RUNS:
        parts = np.stack([np.bincount(moments.trajectory, weights=column) for column in parts.T], axis=1)
    found = residual_from_parts(parts, scales.output_power, scales.output_units)
    if moments.instrumented.all():
        return found
    misfit = moments.targets - law(moments.points) if len(moments.targets) else np.zeros((0, parts.shape[1]))
    return neighbour_residual(moments, misfit, scales, found)


def check_law(residual: Residual, richest: Residual, delta: float, *, noisy_states: bool = False) -> list[str]:
    """Warn, and return the warning, if the law misses more of the rates than the question allows.

    What a law leaves over may be small where the data are and still decide a symmetry: near its limit cycle a linear
    field misses 4 % of the rates of the Hopf normal form, and scalings look symmetric. So a fifth of delta is much.

    Parameters
    ----------
    residual, richest : Residual
        Of the law, and of the law on the whole library.
    delta : float
    noisy_states : bool
        Whether rows are steps of a map without instruments: what follows a state that is known with noise is no longer
        the map of it.

    Raises
    ------
    ValueError
        If even the whole library leaves more than half of the rates unexplained.
    """
    if not residual.lower > delta / 5:
        return []
    text = (
        f"the law leaves more than {residual.lower:.1%} of the rates unexplained, which noise does not account for: "
        "functions or states are missing"
    )
    if noisy_states:
        text += ", or noise in the states bends the map"
    if richest.lower > _REFUSED and residual.lower > _REFUSED:
        raise ValueError(f"{text}; give a larger law library")
    text += "; the verdicts are about the part that the library can hold"
    warnings.warn(text, stacklevel=4)
    return [text]


def still_functions(moments: Moments, scales: Scales, names: tuple[str, ...], chart: Chart) -> list[str]:
    """Find linear functions of the states that hardly vary on the data, less than twice the noise: `z`, `x0 + x4`.

    Nothing can be said about generators that need them to vary. The moments are in the chart, the functions in the
    units of the states.
    """
    sizes = scales.states.mean(axis=0)
    moving = np.isfinite(sizes)
    texts = [name for name, moves in zip(names, moving, strict=True) if not moves]
    if moving.sum() < 2:
        return texts
    noise = np.nan_to_num(np.sqrt(np.mean(moments.noise**2, axis=0)))[moving] / sizes[moving]
    values, vectors = np.linalg.eigh(np.cov((moments.points[:, moving] / sizes[moving]).T))
    floors = np.sum((vectors * noise[:, None]) ** 2, axis=0)
    still, _ = pivoted_basis(vectors[:, values < np.maximum(4 * floors, 1e-12)])
    labels = [name for name, moves in zip(names, moving, strict=True) if moves]
    # In the units of the states, relative to the largest; what is smaller than the noise allows to tell is left out.
    rows = still.T / (sizes * chart.scale)[moving]
    rows = np.where(np.abs(still.T) > 0.05, rows / np.abs(rows).max(axis=1, keepdims=True, initial=1e-300), 0.0)
    rows = rows[np.argsort(np.argmax(rows != 0, axis=1), kind="stable")]
    return texts + equation_lines(rows, labels, 2)


def still_note(functions: list[str]) -> list[str]:
    """Say in a sentence what such functions mean."""
    if not functions:
        return []
    verb = "vary" if len(functions) > 1 else "varies"
    return [f"{', '.join(functions)} hardly {verb} on the data: what needs that cannot be decided"]


def ranges_text(ranges: dict[str, tuple[float, float]], most: int = 6) -> str:
    """Say in a line where verdicts hold: `verdicts hold in the range of the data: x from -1.2 to 1.3`."""
    texts = [f"{name} from {low:.3g} to {high:.3g}" for name, (low, high) in ranges.items()]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return f"verdicts hold in the range of the data: {', '.join(texts[:most])}{more}"
