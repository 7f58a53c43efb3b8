"""The rows of a law in batches: features of its arguments beside what they must add up to (see `dynamics`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import xarray as xr

from symdyn.data.trajectories import each_trajectory
from symdyn.functions.columns import fill_features
from symdyn.functions.features import Features
from symdyn.rows.dynamics import APART, Layout
from symdyn.rows.ensembles import Ensemble
from symdyn.rows.rates import characteristic_time
from symdyn.rows.run_statistics import characteristic_lags, noise_levels
from symdyn.rows.weak_form import weak_batches
from symdyn.rows.windows import Windows
from symdyn.rows.workspace import Workspace

__all__ = ["Batch", "Plan", "finely_sampled", "plan_rows", "row_batches"]

_FINE = 8  # steps in a characteristic time from which neighbours are instruments
_N_LOOKED_AT = 20
_BATCH_BYTES = 1 << 24  # of features in a batch
_BATCH_SAMPLES = (1024, 1 << 16)  # at least, at most


class Plan(NamedTuple):
    """What is known of runs with one clock before their rows are made.

    `noise` `(run, argument)`; `origin` `(run, output)`, what targets are counted from where constants do not matter;
    `cuts` says how the runs `(part of the ensemble)` fall into stretches of time: places of runs, and either windows
    or the stretch `(row,)` of each row, of which there are `n_stretches` `(run,)`.
    """

    noise: np.ndarray
    origin: np.ndarray
    cuts: list[tuple[np.ndarray, Windows | np.ndarray]]
    n_stretches: np.ndarray


class Batch(NamedTuple):
    """Some rows of some runs: `even` and `odd` `(feature + output, run, row)`, one array where rows are their own
    instruments; `places` `(run,)` in the ensemble, `stretch` `(row,)`.
    """

    places: np.ndarray
    even: np.ndarray
    odd: np.ndarray
    stretch: np.ndarray


def plan_rows(ensemble: Ensemble, layout: Layout, labels: tuple[str, ...], most: int) -> Plan:
    """Noise and stretches of time of runs with one clock, of which none has more than `most` stretches.

    Raises
    ------
    ValueError
        For trajectories that are too short, and for velocities that are not the rates of the positions.
    """
    dynamics = layout.dynamics
    dynamics.check(ensemble, layout, labels)
    n_runs, n_arguments = len(ensemble.runs), len(layout.arguments)
    if not layout.instrumented:
        stretch = dynamics.own_stretches(len(ensemble.times), most)
        nothing = np.zeros((n_runs, n_arguments)), np.zeros((n_runs, layout.n_outputs))
        return Plan(*nothing, [(np.arange(n_runs), stretch)], np.full(n_runs, stretch[-1] + 1))
    noise = dynamics.noise_of(noise_levels(ensemble, n_arguments), layout)
    origin = dynamics.origin(ensemble, layout)
    # Inputs may jump: they set no time scale.
    lags = characteristic_lags(ensemble, noise[:, : len(layout.states)])
    cuts, n_stretches = [], np.empty(n_runs, dtype=int)
    for lag in np.unique(lags):
        places = np.flatnonzero(lags == lag)
        cut = dynamics.cut(ensemble.times, lag, most)
        stretch = cut.stretch if isinstance(cut, Windows) else cut
        cuts.append((places, cut))
        n_stretches[places] = stretch[-1] + 1
    return Plan(noise, origin, cuts, n_stretches)


def row_batches(ensemble: Ensemble, plan: Plan, layout: Layout, features: Features) -> Iterator[Batch]:
    """Rows of runs with one clock, in batches whose size depends on neither the number nor the length of the runs.

    A batch lives until the next one is asked for: its memory is used again.
    """
    n_features, n_arguments = features.size(len(layout.arguments)), len(layout.arguments)
    n_samples = int(np.clip(_BATCH_BYTES // (8 * (n_features + layout.n_outputs)), *_BATCH_SAMPLES))
    outputs, space = layout.output_columns, Workspace()

    def values(places: np.ndarray, when: slice) -> np.ndarray:
        states = ensemble.states(ensemble.runs[places], when, space)
        rows = space.array("rows", (n_features + layout.n_outputs, *states.shape[1:]))
        fill_features(features, states[:n_arguments], plan.noise[places], rows[:n_features])
        np.subtract(states[outputs], plan.origin[places].T[:, :, None], out=rows[n_features:])
        return rows

    for places, cut in plan.cuts:
        if isinstance(cut, Windows):
            batches = weak_batches(ensemble.times, cut, places, values, layout.n_outputs, n_samples, space)
            for here, even, odd, stretch in batches:
                yield Batch(places[here], even, odd, stretch)
        else:
            yield from _sample_batches(places, cut, values, layout, n_samples)


def _sample_batches(
    places: np.ndarray,
    stretch: np.ndarray,
    values: Callable[[np.ndarray, slice], np.ndarray],
    layout: Layout,
    n_samples: int,
) -> Iterator[Batch]:
    """Yield rows of maps and samples, one a sample; those of a fine map beside the row two steps on."""
    apart, ahead, n = APART if layout.fine else 0, layout.dynamics.n_ahead, layout.n_outputs
    length = min(n_samples, len(stretch))
    at_a_time = max(n_samples // length, 1)
    for first in range(0, len(places), at_a_time):
        some = places[first : first + at_a_time]
        for start in range(0, len(stretch), length):
            stop = min(start + length, len(stretch))
            rows = values(some, slice(start, stop + apart + ahead))
            here = rows[:, :, : rows.shape[2] - ahead]
            here[-n:] = layout.dynamics.targets(here[-n:], rows[-n:, :, ahead:])
            odd = here[:, :, apart:] if apart else here
            yield Batch(some, here[:, :, : stop - start] if apart else here, odd, stretch[start:stop])


def finely_sampled(dataset: xr.Dataset, states: tuple[str, ...]) -> bool:
    """Whether steps are small: at least 8 in a characteristic time, in nine of ten trajectories.

    One answer for all trajectories, from some of them: rows with and without instruments do not add.
    """
    every = max(dataset.sizes["trajectory"] // _N_LOOKED_AT, 1)
    some = each_trajectory(dataset.isel(trajectory=slice(None, None, every)), states)
    steps = [characteristic_time(run.times, run.states) / np.diff(run.times).mean() for run in some]
    return bool(np.quantile(steps, 0.1) >= _FINE)
