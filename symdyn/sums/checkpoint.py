"""Sums over trajectories that outlive the process: each finished chunk is a small file, found again by its hash.

    folder/partial/<hash>.nc
    folder/chart-<hash>.nc
    folder/axes-<hash>.nc

The last two hold the chart in which all chunks are summed (`symdyn.lie.chart`), and the axes along which ill
conditioned features are (`symdyn.sums.axes`). They are written before the first chunk, and read by whoever goes on.
The sums of all chunks are joined by the tree of `accumulate`, so a resumed run gives the same bits as one that was
never interrupted, whatever finished first.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import xarray as xr

from symdyn.data.tasks import as_finished, current_client, on_block, one_blas_thread
from symdyn.data.trajectories import named, state_names
from symdyn.functions.features import Features
from symdyn.rows.dynamics import Layout
from symdyn.sums.axes import METHODS, axes_for, chosen_axes, sampled_values
from symdyn.sums.fingerprint import Sources, fingerprint, labels_of
from symdyn.sums.moments import Moments, accumulate_block, blocks, joined
from symdyn.sums.store import load_axes, load_chart, load_moments, save_axes, save_chart, save_moments

if TYPE_CHECKING:
    from dask.delayed import Delayed

    from symdyn.lie.chart import Chart

__all__ = ["accumulate_resumable", "accumulate_share"]

_MOST_FAILURES = 10  # chunks that may fail before the rest is not tried any more
_ARITY = 8  # of the tree, as in `accumulate`: sums of several chunks depend on their order in the last bit
_COPIES = 4  # of a chunk in memory while it is summed


def accumulate_resumable(
    dataset: xr.Dataset,
    features: Features,
    layout: Layout | str,
    folder,
    key,
    *,
    n_points: int = 2000,
    method: str = "auto",
    log: logging.Logger | None = None,
    progress: Callable[[int, int], object] | None = None,
    reuse: bool = True,
) -> Moments:
    """Run `accumulate`, keeping every finished chunk under `folder/partial`; what is there already is not done again.

    Parameters
    ----------
    dataset : xr.Dataset
        Trajectories in the schema; Dask chunks along `trajectory` are the unit of work and of what is kept.
    features, layout, n_points, method
        As in `symdyn.sums.moments.accumulate`.
    folder : path
        The run directory.
    key : str, number, or dict or list of them
        What else the sums depend on, such as the configuration. Features, layout, `n_points`, axes, the code and the
        chunk itself (`symdyn.sums.fingerprint`) count anyway.
    log : logging.Logger, optional
        Told which chunks were found (each by name at level DEBUG), and which files were damaged.
    progress : callable, optional
        Called with the numbers of finished chunks and of all.
    reuse : bool
        False starts anew.

    Raises
    ------
    ValueError
        Naming the trajectories of chunks that could not be read or summed; all others are finished and kept.
    OSError
        If a finished chunk could not be written, as on a full disk; those before it are kept.
    """
    plan = _Plan(dataset, features, layout, Path(folder), key, (n_points, method), log, progress)
    tree = _Tree(len(plan.blocks))
    done = plan.found(range(len(plan.blocks)), tree.add) if reuse else set()
    plan.compute([k for k in range(len(plan.blocks)) if k not in done], len(done), tree.add)
    return tree.root


def accumulate_share(
    dataset: xr.Dataset,
    features: Features,
    layout: Layout | str,
    folder,
    key,
    share: tuple[int, int],
    *,
    n_points: int = 2000,
    method: str = "auto",
    log: logging.Logger | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> tuple[int, int]:
    """Sum the chunks of one of many jobs: number k of n takes the chunks k − 1, k − 1 + n, ...

    Parameters
    ----------
    share : (k, n)
        1 <= k <= n.

    The others are as in `accumulate_resumable`, which then finds all chunks finished.

    Returns
    -------
    computed, in_share : int

    Raises
    ------
    ValueError
        For a share that does not exist, and as in `accumulate_resumable`.
    """
    k, n = share
    if not 1 <= k <= n:
        raise ValueError(f"share must be k/n with 1 <= k <= n, got {k}/{n}")
    plan = _Plan(dataset, features, layout, Path(folder), key, (n_points, method), log, progress)
    mine = range(k - 1, len(plan.blocks), n)
    done = plan.found(mine, _forget)
    plan.compute([block for block in mine if block not in done], len(done), _forget)
    return len(mine) - len(done), len(mine)


class _Plan:
    """Chunks with the files their sums belong in."""

    def __init__(
        self,
        dataset: xr.Dataset,
        features: Features,
        layout: Layout | str,
        folder: Path,
        key: str | float | dict | list,
        options: tuple[int, str],
        log: logging.Logger | None,
        progress: Callable[[int, int], object] | None,
    ):
        dataset, (n_points, method) = named(dataset), options
        self.layout = Layout(layout, tuple(state_names(dataset))) if isinstance(layout, str) else layout
        self.features, self.folder = features, folder / "partial"
        self.log = log or logging.getLogger(__name__)
        self.progress = progress or (lambda done, total: None)
        self.per_run = max(n_points // dataset.sizes["trajectory"], 2)
        self.blocks = blocks(dataset)
        self.n_threads = self._threads()
        sources = Sources(dataset)
        self.source = sources.path
        if self.layout.chart is not None:
            begun = fingerprint(key, features, replace(self.layout, chart=None), self.per_run)
            self.layout = replace(self.layout, chart=_kept_chart(folder / f"chart-{begun}.nc", self.layout.chart))
        common = fingerprint(key, features, self.layout, self.per_run)
        self.axes = _kept_axes(folder / f"axes-{common}.nc", dataset, features, self.layout, method)
        common = fingerprint(common, self.axes)
        ends = np.cumsum([block.sizes["trajectory"] for block in self.blocks])
        # Where a chunk stands among all decides which of its trajectories are added up.
        places = [(int(end), int(ends[-1])) for end in ends]
        names = (fingerprint(common, p, sources.identity(b)) for p, b in zip(places, self.blocks, strict=True))
        self.paths = [self.folder / f"{name}.nc" for name in names]

    def found(self, numbers: Sequence[int], take: Callable[[int, Moments], None]) -> set[int]:
        """Hand over the sums of chunks that are finished already; damaged files are named and removed."""
        done = set()
        for k in numbers:
            if self.paths[k].exists():
                try:
                    take(k, load_moments(self.paths[k]))
                    done.add(k)
                except ValueError as error:
                    self.log.warning("dropped, to be computed again (%s): %s", self.name(k), error)
                    self.paths[k].unlink()
        if done:
            self.log.info("resume: %d of %d chunks were finished before, skipped", len(done), len(numbers))
            for k in sorted(done):
                self.log.debug("skipped %s, found %s", self.name(k), self.paths[k].name)
        return done

    def compute(self, numbers: Sequence[int], n_before: int, take: Callable[[int, Moments], None]) -> None:
        """Hand over the sums of the other chunks, each written as soon as it is there."""
        total = n_before + len(numbers)
        self.progress(n_before, total)
        self.folder.mkdir(parents=True, exist_ok=True)
        n_done, failed = n_before, {}
        for k, result in as_finished({k: self._work(k) for k in numbers}, self.n_threads):
            if isinstance(result, Exception):
                failed[k] = result
                self.log.error("%s: %s", self.name(k), _said(result))
                if len(failed) == _MOST_FAILURES:
                    break
                continue
            self._keep(k, result, n_done, total)
            take(k, result)
            n_done += 1
            self.progress(n_done, total)
        if failed:
            self._give_up(failed, n_done, total)

    def name(self, k: int) -> str:
        """Name the trajectories of a chunk."""
        labels = labels_of(self.blocks[k])
        if len(labels) == 1:
            return f"trajectory {labels[0]!r}"
        return f"trajectories {labels[0]!r} to {labels[-1]!r}"

    def _work(self, k: int) -> Delayed:
        return on_block(_sums, self.blocks[k], self.features, self.layout, self.per_run, self.axes)

    def _keep(self, k: int, moments: Moments, n_kept: int, total: int) -> None:
        try:
            save_moments(moments, self.paths[k])
        except OSError as error:
            raise OSError(
                error.errno,
                f"the sums of {self.name(k)} cannot be written to {self.folder}: {error.strerror or error}; "
                f"{n_kept} of {total} chunks are finished and kept: make room and go on with --resume",
            ) from error

    def _give_up(self, failed: dict[int, Exception], n_kept: int, total: int) -> NoReturn:
        first = next(iter(failed))
        where = f" of {self.source}" if self.source is not None else ""
        others = f" ({len(failed)} chunks in all: {'; '.join(map(self.name, failed))})" if len(failed) > 1 else ""
        raise ValueError(
            f"{self.name(first)}{where}: {_said(failed[first])}{others}; {n_kept} of {total} chunks are finished and "
            "kept: mend or drop these and go on with --resume"
        ) from failed[first]

    def _threads(self) -> int | None:
        """Return how many chunks memory holds at a time, where threads do the work."""
        room = _available_memory()
        if current_client() is not None or room is None or not self.blocks:
            return None
        largest = max(range(len(self.blocks)), key=lambda k: self.blocks[k].nbytes)
        nbytes = self.blocks[largest].nbytes
        if nbytes > room:
            raise ValueError(
                f"{self.name(largest)} make a chunk of {nbytes / 2**30:.1f} GiB, {room / 2**30:.1f} GiB of memory are "
                "free: open the data with fewer trajectories in a chunk (chunks=)"
            )
        return max(int(room // (_COPIES * nbytes)), 1) if _COPIES * nbytes * 64 > room else None


class _Tree:
    """Joins neighbours as soon as all of a group are there: few partial sums are held, and their order is fixed."""

    def __init__(self, n: int):
        self._sizes = [n]
        while self._sizes[-1] > 1:
            self._sizes.append(-(-self._sizes[-1] // _ARITY))
        self._held = {}

    @property
    def root(self) -> Moments:
        return self._held[len(self._sizes) - 1, 0]

    def add(self, k: int, moments: Moments) -> None:
        for level, size in enumerate(self._sizes):
            self._held[level, k] = moments
            first = k // _ARITY * _ARITY
            group = [(level, sibling) for sibling in range(first, min(first + _ARITY, size))]
            if size == 1 or not all(node in self._held for node in group):
                return
            k, moments = k // _ARITY, joined([self._held.pop(node) for node in group])


def _forget(k: int, moments: Moments) -> None:
    """Do nothing: a share leaves its sums in files only."""


def _kept_chart(path: Path, proposed: Chart) -> Chart:
    """Return the chart of sums begun before, if it is good for these data, else the proposed one, which is kept.

    Sums in one chart add, to the last bit: an interrupted pass goes on in the chart it began with, even if a trajectory
    that could not be read then can be now. Any chart near the data will do.
    """
    stored = load_chart(path)
    if stored is not None and stored.is_near(proposed):
        return replace(stored, ties=proposed.ties)  # which the units say
    path.parent.mkdir(parents=True, exist_ok=True)
    save_chart(proposed, path)
    return proposed


def _kept_axes(
    path: Path, dataset: xr.Dataset, features: Features, layout: Layout, method: str | np.ndarray
) -> np.ndarray:
    """Return the axes of sums begun before, where there are any, else new ones, which are kept."""
    if method == "gram" or not isinstance(method, str) or method not in METHODS:
        return chosen_axes(dataset, features, layout, method)
    stored = load_axes(path)
    axes = axes_for(sampled_values(dataset, features, layout), method, stored)
    if axes.size and axes is not stored:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_axes(axes, path)
    return axes


def _sums(block: xr.Dataset, features: Features, layout: Layout, per_run: int, axes: np.ndarray) -> Moments:
    with one_blas_thread():
        return accumulate_block(block, features, layout, per_run, axes)


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, ValueError) and str(error) else f"{type(error).__name__}: {error}"


def _available_memory() -> int | None:
    """Return the number of bytes that are free, None where nobody says."""
    facts = Path("/proc/meminfo")
    if not facts.exists():
        return None
    line = next((line for line in facts.read_text().splitlines() if line.startswith("MemAvailable")), None)
    return None if line is None else int(line.split()[1]) * 1024
