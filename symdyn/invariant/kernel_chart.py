"""The chart in which a kernel measures distances, as a group allows it: it must act by isometries there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.algebras.symmetries import as_group
from symdyn.lie.chart import Chart
from symdyn.lie.groups import Elements
from symdyn.sums.data_charts import chart_of_points

__all__ = ["chart_of_kernel", "in_kernel_chart"]

_INDEPENDENT = 1e-9  # singular values of equations for a fixed point, relative to the largest


def chart_of_kernel(X: np.ndarray, group, scaled: bool) -> Chart:
    """Choose the centre and scales of points as a group allows them.

    States that the group turns into one another share a scale; the centre is the fixed point of the group that is
    nearest to the mean, so that what moves about 0 has its centre there.

    Parameters
    ----------
    X : ndarray, `(sample, state)`
    group : see `InvariantKernelRidge`
    scaled : bool
        False leaves the units as they are, for lengths that are meant in these.
    """
    matrices, shifts, fields, drifts = _parts(group, X.shape[1])
    chart = chart_of_points(X, symmetry=(fields, matrices))
    centre = np.array(chart.centre) + _step_to_fixed(chart, matrices, shifts, fields, drifts)
    return Chart(centre, chart.scale if scaled else np.ones(len(chart)), chart.time, chart.ties)


def in_kernel_chart(chart: Chart, group):
    """Return the same group as it acts in the chart; rounding in what the centre cancels is taken off."""
    if group is None:
        return None
    parts = []
    for part in as_group(group):
        if isinstance(part, Elements):
            moved = chart.elements(part)
            shift = _without_rounding(moved.translations, moved.matrices, chart)
            parts.append(Elements(moved.matrices, shift, moved.reverses_time, moved.states, moved.group))
        else:
            moved = chart.generators(part.basis)
            shift = _without_rounding(moved.coefficients[:, :, 0], moved.coefficients[:, :, 1:], chart)
            coefficients = moved.coefficients.copy()
            coefficients[:, :, 0] = shift
            vectors = np.column_stack([coefficients.reshape(len(moved), -1), moved.time_scaling])
            parts.append(LieAlgebra(moved.with_vectors(vectors)))
    return parts


def _parts(
    group: Elements | LieAlgebra | Sequence[Elements | LieAlgebra] | None, n: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the matrices and shifts of elements, and those of fields."""
    matrices, shifts = [np.zeros((0, n, n))], [np.zeros((0, n))]
    fields, drifts = [np.zeros((0, n, n))], [np.zeros((0, n))]
    for part in as_group(group) if group is not None else []:
        if len(part.states) != n:
            raise ValueError(f"group acts on {len(part.states)} coordinates, the points have {n}")
        if isinstance(part, Elements):
            matrices.append(part.matrices)
            shifts.append(part.translations)
        else:
            fields.append(part.matrices)
            drifts.append(part.translations)
    return np.concatenate(matrices), np.concatenate(shifts), np.concatenate(fields), np.concatenate(drifts)


def _step_to_fixed(
    chart: Chart, matrices: np.ndarray, shifts: np.ndarray, fields: np.ndarray, drifts: np.ndarray
) -> np.ndarray:
    """Find the step from the mean to the nearest point that the group leaves where it is, as far as there is one."""
    centre, scale = np.array(chart.centre), np.array(chart.scale)
    n = len(centre)
    rows = np.concatenate([matrices - np.eye(n), fields]).reshape(-1, n)
    moved = np.concatenate([(matrices - np.eye(n)) @ centre + shifts, fields @ centre + drifts]).reshape(-1)
    units = np.tile(scale, len(rows) // n) if len(rows) else np.ones(0)
    step = np.linalg.lstsq(rows * scale / units[:, None], -moved / units, rcond=_INDEPENDENT)[0] if len(rows) else 0.0
    return step * scale


def _without_rounding(shifts: np.ndarray, matrices: np.ndarray, chart: Chart) -> np.ndarray:
    """Set shifts `(part, state)` of the chart to 0 where they are the rounding of a centre far from the origin."""
    size = 1 + np.abs(chart.centre) / chart.scale
    reach = 1e-12 * (1 + np.abs(matrices).sum(axis=2)) * size.max()
    return np.where(np.abs(shifts) <= reach, 0.0, shifts)
