"""Held-out trajectories: rows for a fit of the rest, and predictions of what was held out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pysindy as ps
import xarray as xr

from symdyn.data.trajectories import Trajectory, each_trajectory, named, state_names
from symdyn.functions.features import Features
from symdyn.lie.vectorfields import VectorField
from symdyn.regression.fitted import FittedLaw, law_of
from symdyn.regression.sindy import SymmetricSINDy
from symdyn.rows.rates import characteristic_time, differentiate

__all__ = [
    "FitRows",
    "Prediction",
    "central_strength",
    "compare_left_out",
    "fit_on_rows",
    "fit_rows",
    "predict_trajectory",
]


class FitRows(NamedTuple):
    """Hold the arguments of `SymmetricSINDy.fit` for a second-order system: lists with one array per trajectory."""

    x: list[np.ndarray]
    t: list[np.ndarray]
    x_dot: list[np.ndarray]
    sample_weight: list[np.ndarray]


class Prediction(NamedTuple):
    """Hold a trajectory predicted from its first state: times, prediction, truth, and relative error.

    `error` is the root mean square distance of positions over their root mean square size, infinite if the predicted
    solution diverges.
    """

    name: str
    times: np.ndarray
    predicted: np.ndarray
    true: np.ndarray
    error: float


def fit_rows(dataset: xr.Dataset) -> FitRows:
    """Build rows for positions and velocities: rates of velocities from splines, each trajectory weighted by its size.

    The weight is one over the mean square acceleration of the trajectory; without it the fastest trajectory would
    dominate the fit.
    """
    half = len(state_names(dataset)) // 2
    rows = FitRows([], [], [], [])
    for run in each_trajectory(dataset):
        smooth, rates = differentiate(run.times, run.states)
        rates[:, :half] = smooth[:, half:]  # the rates of positions are measured: they are the velocities
        weight = 1 / np.mean(np.sum(rates[:, half:] ** 2, axis=1))
        for part, value in zip(rows, (smooth, run.times, rates, np.full(len(run.times), weight)), strict=True):
            part.append(value)
    return rows


def fit_on_rows(
    rows: FitRows, states: Sequence[str], features: Features, *, symmetry=None, threshold: float = 1.0
) -> tuple[SymmetricSINDy, FittedLaw]:
    """Fit a law to rows by STLSQ on normalised columns, inside a symmetry if one is given.

    Parameters
    ----------
    rows : FitRows
    states : sequence of str
    features : Features
    symmetry : as for `SymmetricSINDy`
    threshold : float
        Coefficients of normalised columns below this are dropped.
    """
    sparse = ps.STLSQ(threshold=threshold, alpha=1e-10, normalize_columns=True)
    model = SymmetricSINDy(sparse, features.to_library(), symmetry=symmetry)
    model.fit(rows.x, rows.t, x_dot=rows.x_dot, sample_weight=rows.sample_weight, feature_names=list(states))
    return model, law_of(model)


def predict_trajectory(
    law: VectorField, run: Trajectory, duration: float, *, compared: int | None = None
) -> Prediction:
    """Predict a trajectory over `duration` from its first state, and compare it with the data.

    Parameters
    ----------
    law : VectorField
        The flow of all states, or a `FittedLaw` of any kind.
    run : Trajectory
    duration : float
    compared : int, optional
        Number of leading states in the error; by default the first half, which are the positions.
    """
    kept = run.times <= run.times[0] + duration
    times, true = run.times[kept], run.states[kept]
    half = true.shape[1] // 2 if compared is None else compared
    try:
        # Warnings of a solution on its way to infinity say nothing that the infinite error does not.
        with np.errstate(all="ignore"):
            predicted = law.flow(true[0], times)
    except (RuntimeError, ValueError):
        predicted = np.full_like(true, np.nan)
    with np.errstate(all="ignore"):
        distance = np.sqrt(np.mean(np.sum((predicted - true)[:, :half] ** 2, axis=1)))
    size = np.sqrt(np.mean(np.sum(true[:, :half] ** 2, axis=1)))
    return Prediction(run.name, times, predicted, true, float(distance / size) if np.isfinite(distance) else np.inf)


def compare_left_out(
    dataset: xr.Dataset, indices: Iterable[int], build: Callable[[xr.Dataset], dict[str, VectorField]]
) -> dict[str, list[Prediction]]:
    """Hold out trajectories one at a time, build laws from the rest, and predict one period of the held-out one.

    Parameters
    ----------
    dataset : xr.Dataset
        Trajectories of a second-order system.
    indices : iterable of int
        Which trajectories to hold out.
    build : callable
        From trajectories to named laws (flows on positions and velocities); the same names every time.

    Returns
    -------
    dict of str to list of Prediction
        For the name of each law, one prediction per trajectory.
    """
    dataset = named(dataset)
    predictions: dict[str, list[Prediction]] = {}
    for index in indices:
        rest = dataset.isel(trajectory=np.arange(dataset.sizes["trajectory"]) != index)
        (run,) = each_trajectory(dataset.isel(trajectory=[index]))
        period = 2 * np.pi * characteristic_time(run.times, run.states)
        for name, law in build(rest).items():
            predictions.setdefault(name, []).append(predict_trajectory(law, run, period))
    return predictions


def central_strength(run: Trajectory, power: int = 3) -> float:
    """Fit k in q'' = −k q/|q|^power to one trajectory by least squares."""
    half = run.states.shape[1] // 2
    smooth, rates = differentiate(run.times, run.states)
    position = smooth[:, :half]
    pull = position / np.linalg.norm(position, axis=1, keepdims=True) ** power
    return float(-np.sum(rates[:, half:] * pull) / np.sum(pull**2))
