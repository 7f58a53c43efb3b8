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

from symdyn.data.rows import Layout, law_rows
from symdyn.data.trajectories import Trajectory, each_trajectory, named, state_names
from symdyn.lie.features import Features

__all__ = ["Moments", "accumulate", "joined"]


@dataclass(frozen=True)
class Moments:
    """Sums of rows T = (features, targets) of the law, see `symdyn.data.rows`.

    `cross` `(group, term, term)` is the symmetrised sum of even^T odd over the rows of a group, a group being a
    stretch of one trajectory; `count` `(group,)` its rows, `trajectory` `(group,)` the index into `labels`.
    `power` `(trajectory, output)` is the mean square of targets, `signal` the part of it that even and odd rows
    agree on, `mean` their mean; `spread` and `noise` `(trajectory, argument)` standard deviations of the arguments of
    the law (states, then inputs) and of their noise. `points` `(sample, argument)` with `owner` `(sample,)` are points
    on the trajectories. `instrumented` `(trajectory,)`: whether the noise of even and of odd rows is independent.
    """

    cross: np.ndarray
    count: np.ndarray
    trajectory: np.ndarray
    signal: np.ndarray
    power: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    noise: np.ndarray
    points: np.ndarray
    owner: np.ndarray
    instrumented: np.ndarray
    labels: tuple[str, ...]

    @property
    def n_trajectories(self) -> int:
        """Number of trajectories summed."""
        return len(self.labels)

    def __add__(self, other: Moments) -> Moments:
        return joined([self, other])


def joined(parts: list[Moments]) -> Moments:
    """The sums of all parts, trajectories in the order of the parts."""
    shifts = np.cumsum([0, *[part.n_trajectories for part in parts]])
    moved = [
        {**vars(part), "trajectory": part.trajectory + shift, "owner": part.owner + shift}
        for part, shift in zip(parts, shifts, strict=False)
    ]
    arrays = [name for name in vars(parts[0]) if name != "labels"]
    labels = tuple(label for part in parts for label in part.labels)
    return Moments(**{name: np.concatenate([part[name] for part in moved]) for name in arrays}, labels=labels)


def accumulate(dataset: xr.Dataset, features: Features, layout: Layout | str = "flow", n_points: int = 2000) -> Moments:
    """One pass over trajectories.

    Parameters
    ----------
    dataset : xr.Dataset
        Trajectories in the schema; Dask chunks along `trajectory` are the unit of work.
    features : Features
        Functions of the arguments that the law is made of.
    layout : Layout, or the kind of a system without inputs
        What is summed: x' against theta(x, u), q'' against theta(q, q'), x_{k+1} − x_k against theta(x_k).
    n_points : int
        Points kept in all.
    """
    if isinstance(layout, str):
        layout = Layout(layout, tuple(state_names(dataset)))
    per_run = max(n_points // dataset.sizes["trajectory"], 2)
    blocks = _blocks(named(dataset))
    work = [delayed(_accumulate_block)(block, features, layout, per_run) for block in blocks]
    if len(work) == 1:
        return _accumulate_block(blocks[0], features, layout, per_run)
    return joined(list(compute(*work)))


def _blocks(dataset):
    sizes = dataset.chunksizes.get("trajectory", (dataset.sizes["trajectory"],))
    ends = np.cumsum(sizes)
    return [dataset.isel(trajectory=slice(end - size, end)) for end, size in zip(ends, sizes, strict=True)]


def _accumulate_block(block, features, layout, per_run):
    block = block.compute(scheduler="synchronous")
    parts = [_one_run(run, features, layout, per_run) for run in each_trajectory(block, layout.variables)]
    return joined(parts)


def _one_run(run: Trajectory, features, layout, per_run) -> Moments:
    rows, noise = law_rows(run, layout, features)
    arguments = run.states[:, : len(layout.arguments)]
    groups = np.unique(rows.block)
    sums = np.stack([rows.even[rows.block == g].T @ rows.odd[rows.block == g] for g in groups])
    n_features = features.size(len(layout.arguments))
    even, odd = rows.even[:, n_features:], rows.odd[:, n_features:]
    chosen = np.unique(np.linspace(0, len(run.times) - 1, per_run).astype(int))
    return Moments(
        cross=(sums + np.swapaxes(sums, 1, 2)) / 2,
        count=np.array([(rows.block == g).sum() for g in groups]),
        trajectory=np.zeros(len(groups), dtype=int),
        signal=np.mean(even * odd, axis=0)[None],
        power=np.mean(((even + odd) / 2) ** 2, axis=0)[None],
        mean=np.mean((even + odd) / 2, axis=0)[None],
        spread=arguments.std(axis=0)[None],
        noise=noise[None],
        points=arguments[chosen],
        owner=np.zeros(len(chosen), dtype=int),
        instrumented=np.array([rows.even is not rows.odd]),
        labels=(run.name,),
    )
