"""Coordinates in which sums of products keep their digits.

Sums of products square the condition of the features: of monomials up to degree 3 of a temperature around 300 K, whose
singular values span six decades, nothing is left of twelve. So features are turned first, theta' = A^T theta, to the
axes of an R factor of their values at a few points of the data: theta = Q R with columns of size 1, R = U S V^T, A = V
over the sizes. The sums of theta' are then as well conditioned as the rows allow, and they stay sums: they add, are
weighted, left out and checkpointed like any others. (R factors of each group of rows would merge by QR, but cannot be
subtracted, and cost their decomposition in every batch.)

Any axes are right, good ones are accurate: which points were looked at shows in the last digits only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from dask.base import compute, is_dask_collection

from symdyn.data.angles import periods_of
from symdyn.data.tasks import on_block, one_blas_thread
from symdyn.data.trajectories import Trajectory, each_trajectory, named
from symdyn.functions.features import Features
from symdyn.rows.dynamics import Layout

__all__ = [
    "METHODS",
    "axes_for",
    "axes_of",
    "chosen_axes",
    "condition",
    "residual_of",
    "returned",
    "sampled_runs",
    "sampled_values",
]

METHODS = ("gram", "qr", "auto")
_N_RUNS = 8  # looked at: each may be a chunk to be read
_FEWEST = 256  # points of each
_PER_FEATURE = 4
_KEPT: dict[tuple, list[xr.Dataset]] = {}  # by lineage, one at a time
_ROUNDING = 1e-13  # relative singular value below which a direction is there by rounding only
_ILL = 1e4  # from this condition on sums of products lose more than eight of sixteen digits


def chosen_axes(dataset: xr.Dataset, features: Features, layout: Layout, method: str | np.ndarray) -> np.ndarray:
    """Choose the axes `(feature, direction)` in which rows are summed, `(0, 0)` for those of the features themselves.

    Parameters
    ----------
    dataset : xr.Dataset
        Trajectories in the schema, of which a few are looked at, unless the method is "gram".
    features : Features
    layout : Layout
    method : "gram", "qr", "auto", or axes
        As they are, along the axes of an R factor, or the latter where the features are ill conditioned.

    Raises
    ------
    ValueError
        For another method, and for axes that do not fit the features.
    """
    n_features = features.size(len(layout.arguments))
    if isinstance(method, np.ndarray):
        if method.shape not in ((0, 0), (n_features, n_features)):
            raise ValueError(f"method has axes of shape {method.shape} for {n_features} features: take those of sums")
        return np.ascontiguousarray(method)
    if method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}, or the axes of other sums, got {method!r}")
    if method == "gram":
        return np.zeros((0, 0))
    return axes_for(sampled_values(dataset, features, layout), method)


def axes_for(values: np.ndarray, method: str, stored: np.ndarray | None = None) -> np.ndarray:
    """Return the axes for features with these `values` `(sample, feature)`; those that are stored, where they will do.

    Sums along the same axes add, to the last bit: an interrupted pass goes on with the axes it began with, even if
    a trajectory that could not be read then can be now.
    """
    if stored is not None and stored.shape == (values.shape[1],) * 2 and condition(values @ stored) < 10 * _ILL:
        return stored
    if method == "auto" and len(values) < 2 * values.shape[1]:
        return np.zeros((0, 0))
    factor = _factor(values)
    return np.zeros((0, 0)) if method == "auto" and _condition(factor[1]) < _ILL else _axes(*factor)


def sampled_values(dataset: xr.Dataset, features: Features, layout: Layout) -> np.ndarray:
    """Compute features of the chart `(sample, feature)` at some points of the data, those that are finite."""
    n_features, chart = features.size(len(layout.arguments)), layout.argument_chart
    points = _sample_points(dataset, layout.arguments, n_features)
    values = chart.features(features)(chart.points(points)) if len(points) else np.zeros((0, n_features))
    return values[np.isfinite(values).all(axis=1)]


def _sample_points(dataset: xr.Dataset, names: Sequence[str], n_features: int) -> np.ndarray:
    """Pick evenly spaced points `(sample, argument)` of a few trajectories, the same however the data are chunked."""
    enough, n_times = _PER_FEATURE * n_features, dataset.sizes["time"]
    each = max(_FEWEST, -(-enough // min(_N_RUNS, dataset.sizes["trajectory"])))
    n_runs = max(_N_RUNS, -(-enough // n_times))  # of short runs, such as blocks of pairs, more
    found = [run.states for run in sampled_runs(dataset, names, each, n_runs)]
    return np.concatenate([np.zeros((0, len(names))), *found])


def sampled_runs(dataset: xr.Dataset, names: Sequence[str], each: int, most: int = _N_RUNS) -> list[Trajectory]:
    """Return up to `most` runs that can be read, evenly spaced, with some `each` samples evenly spaced in time.

    They are the same ones however the data are chunked.
    """
    n_runs, n_times = dataset.sizes["trajectory"], dataset.sizes["time"]
    numbers = np.unique(np.linspace(0, n_runs - 1, most).astype(int))
    some, angles = slice(None, None, max(n_times // each, 1)), periods_of(dataset, names).any()
    # Angles are unwrapped before samples are left out.
    chunks = _loaded(named(dataset) if angles else named(dataset).isel(time=some), numbers)
    found = [run for chunk in chunks for run in _sound_runs(chunk, names)]
    return [Trajectory(run.name, run.times[some], run.states[some]) for run in found] if angles else found


def _sound_runs(chunk: xr.Dataset, names: Sequence[str]) -> list[Trajectory]:
    """Return the sound runs of a chunk in memory; the pass says what is wrong with others, once the rest is summed."""
    try:
        return list(each_trajectory(chunk, names))
    except ValueError:
        n = chunk.sizes["trajectory"]
        return [] if n == 1 else [run for k in range(n) for run in _sound_runs(chunk.isel(trajectory=[k]), names)]


def _loaded(dataset: xr.Dataset, numbers: np.ndarray) -> list[xr.Dataset]:
    """Load trajectories into memory, those of one chunk by one task; leave out those that cannot be read.

    The chart and the axes both want them: samples of a lazy Dataset, which its lineage identifies, are kept until
    others are asked for.
    """
    if not is_dask_collection(dataset):
        return [dataset.isel(trajectory=numbers)]
    lazy: list[Any] = [v.data for v in dataset.variables.values() if hasattr(v.data, "dask")]
    lineage = (tuple(str(array.name) for array in lazy), *numbers.tolist())
    if lineage not in _KEPT:
        _KEPT.clear()
        _KEPT[lineage] = _read_chunks(dataset, numbers)
    return _KEPT[lineage]


def _read_chunks(dataset: xr.Dataset, numbers: np.ndarray) -> list[xr.Dataset]:
    ends = np.cumsum(dataset.chunksizes.get("trajectory", (dataset.sizes["trajectory"],)))
    cuts = np.flatnonzero(np.diff(np.searchsorted(ends, numbers, side="right"))) + 1
    chunks = [dataset.isel(trajectory=some) for some in np.split(numbers, cuts)]
    return [chunk for chunk in compute(*[on_block(_read, chunk) for chunk in chunks]) if chunk is not None]


def _read(chunk: xr.Dataset) -> xr.Dataset | None:
    try:
        return chunk.compute(scheduler="synchronous")
    except Exception:  # of whatever reads the files
        return None


def condition(values: np.ndarray) -> float:
    """Compute largest over smallest singular value of features `(sample, feature)` of size 1, above rounding."""
    return _condition(_factor(values)[1]) if len(values) else 1.0


def axes_of(values: np.ndarray) -> np.ndarray:
    """Find axes `(feature, direction)` of features `(sample, feature)`: orthogonal up to the sizes of the features."""
    return _axes(*_factor(values))


def _condition(spectrum: np.ndarray) -> float:
    resolved = spectrum[spectrum > _ROUNDING * spectrum[0]]
    return float(resolved[0] / resolved[-1]) if resolved.size else 1.0


def _axes(sizes: np.ndarray, _: np.ndarray, turn: np.ndarray) -> np.ndarray:
    # In the order in which they come back from a file: products of the other order end in other bits.
    return np.ascontiguousarray(turn.T / sizes[:, None])


def returned(axes: np.ndarray) -> np.ndarray:
    """Compute B `(feature, direction)`, exactly the inverse of A^T: theta = B theta' where theta' = A^T theta."""
    return axes / np.square(axes).sum(axis=1, keepdims=True)


def residual_of(law: np.ndarray, axes: np.ndarray | None = None) -> np.ndarray:
    """Build (−W B, 1) `(..., output, term)` of a law W `(..., output, feature)`: times a row it is its residual."""
    law = law @ returned(axes) if axes is not None and axes.size else law
    n = law.shape[-2]
    return np.concatenate([-law, np.broadcast_to(np.eye(n), (*law.shape[:-1], n))], axis=-1)


def _factor(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return sizes of the features, and singular values and right singular vectors `(direction, feature)` of R."""
    sizes = np.sqrt(np.mean(np.square(values), axis=0)) if len(values) else np.ones(values.shape[1])
    sizes = np.where(sizes > 0, sizes, 1.0)
    with one_blas_thread():  # the same bits on any number of cores
        triangle = np.linalg.qr(values / sizes, mode="r")
        _, spectrum, turn = np.linalg.svd(triangle, full_matrices=True)
    return sizes, spectrum, turn
