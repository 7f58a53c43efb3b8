"""Which Dask scheduler does the work: a cluster is used only on request.

The order: a client given > what `--scheduler` names > the current client > `DASK_SCHEDULER_ADDRESS` > the configuration
(`symdyn.scheduler` in Dask's, such as `~/.config/dask/symdyn.yaml`, or `DASK_SYMDYN__SCHEDULER`) > threads.
"""

from __future__ import annotations

import logging
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dask import config
from dask.config import set as configured

from symdyn.data.tasks import current_client
from symdyn.runs.slurm import slurm_cluster
from symdyn.runs.slurm.watch import watched

if TYPE_CHECKING:
    from dask.distributed import Client, Worker, WorkerPlugin
    from distributed.deploy.cluster import Cluster

    from symdyn.runs.slurm.jobs import JobsCluster

__all__ = ["check_scheduler", "dashboard", "resolved", "scheduler"]

_NAMES = ("threads", "synchronous", "local", "slurm")
_PATIENCE = "30s"  # for the answer of a scheduler


@contextmanager
def scheduler(name: str = "auto", *, client=None, log=None, folder=None) -> Iterator[str]:
    """Use a scheduler inside a `with` block, and yield what it is, for the log.

    Parameters
    ----------
    name : {"auto", "threads", "synchronous", "local", "slurm"} or an address `tcp://host:port`
        `"auto"` takes the first available one in the order above; threads work chunk by chunk, so data may be larger
        than memory. `"local"` starts processes on this machine, `"slurm"` jobs in the queue.
    client : dask.distributed.Client, optional
        Takes precedence over everything else, and is left open.
    log : logging.Logger, optional
        Told what becomes of jobs in the queue; by default that of this module.
    folder : path, optional
        Where jobs in the queue write their own logs, if the configuration of dask-jobqueue does not say; by default the
        working directory.

    Raises
    ------
    ValueError
        For any other name, for an address that does not answer, for `"slurm"` without `sbatch`, and where a job is
        refused, or ends before its workers come.
    ImportError
        For `"slurm"` without dask-jobqueue.

    Examples
    --------
    >>> import dask.array as da
    >>> from symdyn.runs import scheduler
    >>> with scheduler("threads") as used:
    ...     print(used, int(da.arange(10, chunks=5).sum().compute()))
    threads 45
    """
    if client is not None:
        with client.as_current(), configured(scheduler=client):
            yield f"the given Dask client at {client.scheduler_info()['address']}"
        return
    name = resolved(name)
    if name == "current":
        yield "the current Dask client"
    elif name in ("threads", "synchronous"):
        with configured(scheduler=name):
            yield name
    elif name == "local":
        from dask.distributed import LocalCluster

        # Left in this order: a cluster that ends before its client tells at length of results it loses.
        started: Any = LocalCluster  # whose type leaves open whether it is asynchronous
        with _memory_kept(), started(threads_per_worker=1) as cluster, _client(cluster) as client:
            client.register_plugin(_warnings_forwarded())
            yield f"local cluster, {len(cluster.workers)} workers"
    elif name == "slurm":
        with _slurm_jobs(folder) as cluster, _client(cluster) as client:
            client.register_plugin(_warnings_forwarded())
            with watched(cluster, log or logging.getLogger(__name__)):
                yield f"SLURM jobs, scheduler at {cluster.scheduler_address}"
    else:
        with _client(name) as opened:
            yield f"Dask scheduler at {opened.scheduler_info()['address']}"


def _memory_kept() -> configured:
    """Leave out what Dask tells the allocator of workers: to give memory back at once, array by array.

    Every array of more than 128 kB is then mapped and cleared anew, which costs solvers half as much CPU again.
    """
    name = "distributed.nanny.pre-spawn-environ"
    spawn = config.get(name, {})
    return configured({name: {key: value for key, value in spawn.items() if key != "MALLOC_TRIM_THRESHOLD_"}})


def _warnings_forwarded() -> WorkerPlugin:
    """Make a plugin by which workers warn where the job was started, and not on a screen of their own."""
    from dask.distributed import WorkerPlugin

    class Forwarded(WorkerPlugin):
        name = "symdyn-warnings"

        def setup(self, worker: Worker) -> None:
            def forward(message: Warning | str, *_: object, **__: object) -> None:
                worker.log_event("warn", str(message))  # of which Dask makes a warning at the client

            warnings.filterwarnings("always", category=UserWarning)
            warnings.showwarning = forward

    return Forwarded()


def resolved(name: str) -> str:
    """Return what a name stands for here: "current" or a name that is not "auto".

    Raises
    ------
    ValueError
        For an unknown name; the message says where it came from.
    """
    origin = "scheduler"
    if name == "auto":
        if current_client() is not None:
            return "current"
        if os.environ.get("DASK_SCHEDULER_ADDRESS"):
            return os.environ["DASK_SCHEDULER_ADDRESS"]
        name, origin = config.get("symdyn.scheduler", None) or "threads", "symdyn.scheduler in Dask's configuration"
    if name not in _NAMES and "://" not in name:
        raise ValueError(f"{origin} must be auto, {', '.join(_NAMES)} or an address tcp://..., got {name!r}")
    return name


def check_scheduler(name: str) -> None:
    """Refuse a scheduler that cannot be used here, before any work begins.

    Raises
    ------
    ValueError
        As `resolved`, and for SLURM where there is no `sbatch`.
    """
    if resolved(name) == "slurm" and shutil.which("sbatch") is None:
        raise ValueError("there is no sbatch on this machine: start on a login node, or use --scheduler local")


def dashboard() -> str | None:
    """Return the address of the dashboard of the current client, None without one.

    Bokeh, which draws it, is in the extra `dashboard`.
    """
    client = current_client()
    return client.dashboard_link if client is not None and find_spec("bokeh") is not None else None


@contextmanager
def _slurm_jobs(folder: Path | str | None) -> Iterator[JobsCluster]:
    check_scheduler("slurm")
    logs = config.get("jobqueue.slurm.log-directory", None) or folder
    jobs: Any = slurm_cluster(log_directory=None if logs is None else str(logs))
    with jobs as cluster:
        # What looks after the jobs submits those again that are gone; how many there are is for Dask to say.
        cluster.adapt(minimum_jobs=1, maximum_jobs=int(config.get("symdyn.slurm.maximum-jobs", 10)))
        yield cluster


@contextmanager
def _client(address: str | Cluster) -> Iterator[Client]:
    from dask.distributed import Client

    try:
        client = Client(address, timeout=_PATIENCE)
    except OSError as error:
        raise ValueError(f"no Dask scheduler answers at {address}: {error}") from error
    with client:
        yield client
