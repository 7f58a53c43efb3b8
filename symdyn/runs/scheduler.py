"""Which Dask scheduler does the work: never a cluster that nobody asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from dask.config import set as configured

__all__ = ["scheduler"]


@contextmanager
def scheduler(name: str = "auto") -> Iterator[str]:
    """Use a scheduler inside a `with` block; yields what it is, for the log.

    Parameters
    ----------
    name : {"auto", "threads", "synchronous", "local"} or an address `tcp://host:port`
        `"auto"` takes the current Dask client, then `DASK_SCHEDULER_ADDRESS`, then threads.

    Raises
    ------
    ValueError
        For any other name.
    """
    address = os.environ.get("DASK_SCHEDULER_ADDRESS")
    if name == "auto" and _current_client() is not None:
        yield "the current Dask client"
    elif name == "local":
        from dask.distributed import Client, LocalCluster

        with LocalCluster(threads_per_worker=1) as cluster, Client(cluster):
            yield f"local cluster, {len(cluster.workers)} workers"
    elif "://" in name or (name == "auto" and address):
        from dask.distributed import Client

        with Client(address if name == "auto" else name, timeout="30s") as client:
            yield f"Dask scheduler at {client.scheduler_info()['address']}"
    elif name in ("auto", "threads", "synchronous"):
        chosen = "threads" if name == "auto" else name
        with configured(scheduler=chosen):
            yield chosen
    else:
        raise ValueError(f"scheduler must be auto, threads, synchronous, local or an address tcp://..., got {name!r}")


def _current_client():
    try:
        from dask.distributed import get_client

        return get_client()
    except ValueError:
        return None
