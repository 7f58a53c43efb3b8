"""Independent pieces of work on whatever scheduler is in use, handed over one by one as they finish."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent import futures
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np
import xarray as xr
from dask import config
from dask.base import get_scheduler, optimize
from dask.delayed import Delayed, delayed
from dask.system import CPU_COUNT
from threadpoolctl import OpenBLASController, threadpool_limits

if TYPE_CHECKING:
    from dask.distributed import Client

__all__ = ["as_finished", "current_client", "on_block", "on_one_thread", "one_blas_thread"]

Name = TypeVar("Name", bound=Hashable)
Given = ParamSpec("Given")
Result = TypeVar("Result")


def on_block(function: Callable, block: xr.Dataset, *arguments) -> Delayed:
    """Wrap `function(block, *arguments)` as a single task: the worker that does the task also reads the block.

    Parameters
    ----------
    function : callable
        Computes the block itself, by `block.compute(scheduler="synchronous")`.
    block : xr.Dataset
        Lazy: handed over as it is, with the part of its graph that it needs.

    Notes
    -----
    An argument of a `delayed` call would be taken apart: each variable of each chunk would be read by a task of its
    own, ahead of the sums and not where they are made, and pile up and travel between workers.
    """
    (alone,) = optimize(block)
    piece = partial(_on_worker, function, alone)
    piece.__name__ = function.__name__  # pyright: ignore  # what a dashboard shows
    return delayed(piece)(*arguments)


def _on_worker(function: Callable, block: xr.Dataset, *arguments: Any) -> Any:
    """Call a function on a worker. Arrays may arrive at any byte of a message; there, products have other last bits."""
    aligned = (np.require(a, requirements="A") if isinstance(a, np.ndarray) else a for a in arguments)
    return _on_one_thread(function, block, *aligned)


def as_finished(work: Mapping[Name, Delayed], n_threads: int | None = None) -> Iterator[tuple[Name, Any]]:
    """Yield names and results of the work as it ends; an exception stands in for the result it prevented.

    Parameters
    ----------
    work : dict of Delayed
    n_threads : int, optional
        The largest number of tasks at a time if no Dask client is in use: each may hold a chunk in memory.

    Notes
    -----
    With a Dask client, results are released on the workers once they are here. Without one, each piece runs as a whole
    in one thread: its chunk is read, summed and let go.
    """
    client = current_client()
    if client is not None:
        yield from _from_workers(client, work)
    elif config.get("scheduler", None) in ("sync", "synchronous", "single-threaded"):
        yield from ((name, _outcome(piece)) for name, piece in work.items())
    else:
        yield from _from_threads(work, n_threads or config.get("num_workers", None) or CPU_COUNT)


def current_client() -> Client | None:
    """Return the Dask client that `compute` would use here, or None."""
    # `get_scheduler` knows what was configured inside a `with` block, which a search for clients does not.
    owner = getattr(get_scheduler(), "__self__", None)
    return owner if hasattr(owner, "scheduler_info") else None


class _OneThread:
    """BLAS threads belong to a process, not to a thread of it: the first of several tasks limits, the last restores.

    threadpoolctl lets one thread at a time set them, as long as it lives, and ignores all others. Here the first and
    the last task are often in different threads of a pool that outlives both, so each takes control first.
    """

    def __init__(self):
        self.gate, self.tasks, self.limits = threading.Lock(), 0, None

    def __enter__(self) -> None:
        with self.gate:
            self.tasks += 1
            if self.tasks == 1:
                _let_any_thread_limit()
                self.limits = threadpool_limits(1)

    def __exit__(self, *_: object) -> None:
        with self.gate:
            self.tasks -= 1
            if self.tasks == 0 and self.limits is not None:
                _let_any_thread_limit()
                self.limits.restore_original_limits()
                _let_any_thread_limit()


def _let_any_thread_limit() -> None:
    """Take control of the number of threads from the thread that has it; before threadpoolctl 3.8 none had."""
    clear = getattr(OpenBLASController, "clear_controlling_thread", None)
    if clear is not None:
        clear(force=True)


_ONE_THREAD = _OneThread()


def one_blas_thread() -> _OneThread:
    """Limit BLAS to one thread in this process inside a `with` block; blocks may overlap in several threads."""
    return _ONE_THREAD


def on_one_thread(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """Make a function that loops over batches keep BLAS to one thread, whatever the environment says.

    Products of batches are small: threads that wait for one another, on cores with other work, cost up to forty times
    what they compute. Setting and restoring the limit takes 1.5 ms, which is too much for what is called per sample.
    """

    @wraps(function)
    def limited(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        with one_blas_thread():
            return function(*args, **kwargs)

    return limited


def _on_one_thread(function: Callable[..., Result], *arguments: Any) -> Result:
    with one_blas_thread():
        return function(*arguments)


def _from_workers(client: Client, work: Mapping[Name, Delayed]) -> Iterator[tuple[Name, Any]]:
    from dask.distributed import as_completed

    pending: Any = client.compute(list(work.values()))
    names = dict(zip(pending, work, strict=True))
    try:
        for future in as_completed(list(names)):
            error = future.exception()
            yield names.pop(future), future.result() if error is None else error
            future.release()
    finally:
        if names:
            client.cancel(list(names))


def _from_threads(work: Mapping[Name, Delayed], n_threads: int) -> Iterator[tuple[Name, Any]]:
    pool = futures.ThreadPoolExecutor(min(n_threads, max(len(work), 1)))
    try:
        with one_blas_thread():
            names = {pool.submit(_outcome, piece): name for name, piece in work.items()}
            for future in futures.as_completed(list(names)):
                yield names.pop(future), future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _outcome(piece: Delayed) -> object:
    try:
        return piece.compute(scheduler="synchronous")
    except Exception as error:
        return error
