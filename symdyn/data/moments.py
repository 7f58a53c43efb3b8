"""Sums over trajectories: the only place where big data meet mathematics.

One pass leaves, for each trajectory and stretch of time, the sum of products of its weak rows, and a few points of the
trajectory on which generators are judged later. Partial results add (`a + b`), so chunks may come in any split.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from dask.base import compute
from dask.delayed import delayed

from symdyn.data.rates import noise_level
from symdyn.data.trajectories import Trajectory, each_trajectory, named, state_names
from symdyn.data.weak import weak_rows
from symdyn.lie.features import Features

__all__ = ["Moments", "accumulate"]


@dataclass(frozen=True)
class Moments:
    """Sums of weak rows T = (integrals of features, targets).

    `cross` `(group, term, term)` is the symmetrised sum of even^T odd over the windows of a group, a group being a
    stretch of one trajectory; `count` `(group,)` its windows, `trajectory` `(group,)` the index into `labels`.
    `power` `(trajectory, output)` is the mean square of targets, `signal` the part of it that even and odd samples
    agree on, `spread` and `noise` `(trajectory, state)` standard deviations of states and of their noise.
    `points` `(sample, state)` with `owner` `(sample,)` are states on the trajectories.
    """

    cross: np.ndarray
    count: np.ndarray
    trajectory: np.ndarray
    signal: np.ndarray
    power: np.ndarray
    spread: np.ndarray
    noise: np.ndarray
    points: np.ndarray
    owner: np.ndarray
    labels: tuple[str, ...]

    @property
    def n_trajectories(self) -> int:
        """Number of trajectories summed."""
        return len(self.labels)

    def __add__(self, other: Moments) -> Moments:
        shift = self.n_trajectories
        moved = {"trajectory": other.trajectory + shift, "owner": other.owner + shift, "labels": other.labels}
        return Moments(
            **{
                name: (
                    self.labels + other.labels
                    if name == "labels"
                    else np.concatenate([mine, moved.get(name, getattr(other, name))])
                )
                for name, mine in vars(self).items()
            }
        )


def accumulate(dataset: xr.Dataset, features: Features, kind: str = "flow", n_points: int = 2000) -> Moments:
    """One pass over trajectories.

    Parameters
    ----------
    dataset : xr.Dataset
        Trajectories in the schema; Dask chunks along `trajectory` are the unit of work.
    features : Features
        Functions of the states that the law is made of.
    kind : {"flow", "second_order"}
        What is summed: x' against theta(x), or q'' against theta(q, q').
    n_points : int
        Points kept in all.
    """
    per_run = max(n_points // dataset.sizes["trajectory"], 2)
    blocks = _blocks(named(dataset))
    work = [delayed(_accumulate_block)(block, features, kind, per_run) for block in blocks]
    if len(work) == 1:
        return _accumulate_block(blocks[0], features, kind, per_run)
    total, *rest = compute(*work)
    for part in rest:
        total = total + part
    return total


def _blocks(dataset):
    sizes = dataset.chunksizes.get("trajectory", (dataset.sizes["trajectory"],))
    ends = np.cumsum(sizes)
    return [dataset.isel(trajectory=slice(end - size, end)) for end, size in zip(ends, sizes, strict=True)]


def _accumulate_block(block, features, kind, per_run):
    block = block.compute(scheduler="synchronous")
    names = state_names(block)
    total = None
    for run in each_trajectory(block):
        part = _one_run(run, names, features, kind, per_run)
        total = part if total is None else total + part
    return total


def _one_run(run: Trajectory, names, features, kind, per_run) -> Moments:
    n = len(names)
    if kind == "second_order":
        _check_velocities(run, names)
    targets = run.states[:, n // 2 :] if kind == "second_order" else run.states
    noise = noise_level(run.times, run.states)
    rows = weak_rows(run, run.states, targets, features, noise)
    n_outputs = targets.shape[1]
    groups = np.unique(rows.block)
    sums = np.stack([rows.even[rows.block == g].T @ rows.odd[rows.block == g] for g in groups])
    even, odd = rows.even[:, -n_outputs:], rows.odd[:, -n_outputs:]
    chosen = np.unique(np.linspace(0, len(run.times) - 1, per_run).astype(int))
    return Moments(
        cross=(sums + np.swapaxes(sums, 1, 2)) / 2,
        count=np.array([(rows.block == g).sum() for g in groups]),
        trajectory=np.zeros(len(groups), dtype=int),
        signal=np.mean(even * odd, axis=0)[None],
        power=np.mean(((even + odd) / 2) ** 2, axis=0)[None],
        spread=run.states.std(axis=0)[None],
        noise=noise[None],
        points=run.states[chosen],
        owner=np.zeros(len(chosen), dtype=int),
        labels=(run.name,),
    )


def _check_velocities(run, names):
    """Velocities must be the rates of the positions: a wrong unit shows here as a factor."""
    if len(names) % 2:
        raise ValueError(f"a second-order system has a velocity for each position, the states are {', '.join(names)}")
    n = len(names) // 2
    moved = run.states[1:, :n] - run.states[:-1, :n]
    told = (run.states[1:, n:] + run.states[:-1, n:]) / 2 * np.diff(run.times)[:, None]
    # Totals over a tenth of the run: noise of single steps averages out, a factor does not.
    edges = np.unique(np.linspace(0, len(moved), 11).astype(int))[:-1]
    moved, told = np.add.reduceat(moved, edges), np.add.reduceat(told, edges)
    factor = np.sum(moved * told) / max(np.sum(told * told), 1e-300)
    if not 0.5 < factor < 2:
        raise ValueError(
            f"trajectory {run.name!r}: {', '.join(names[n:])} are not the rates of {', '.join(names[:n])} "
            f"(displacements are {factor:.3g} times what they imply); check their units, or the order of the states"
        )
