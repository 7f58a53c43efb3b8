"""The script of a job with workers."""

from __future__ import annotations

import math
import os
import re
from typing import Any

from dask import config

__all__ = ["slurm_cluster"]

# A time limit of SLURM: minutes, minutes:seconds, hours:minutes:seconds; after days- hours come first.
_WALLTIME = re.compile(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?")
_USUAL = {"cores": 2, "memory": "4GB"}
# As in the clusters of `--scheduler local`: what Dask tells the allocator is left out, not replaced, because any value
# keeps the allocator from finding its own.
_ALLOCATOR = "DASK_DISTRIBUTED__NANNY__PRE_SPAWN_ENVIRON"
_PROLOGUE = [
    *(f"export {name}_NUM_THREADS=1" for name in ("OMP", "OPENBLAS", "MKL")),
    f"""export {_ALLOCATOR}='{{"MALLOC_TRIM_THRESHOLD_": None}}'""",
]


def slurm_cluster(**options):
    """Make a `dask_jobqueue.SLURMCluster` with no jobs yet; its `job_script()` works on any machine.

    Workers have one BLAS thread and the allocator of `--scheduler local`. They leave in the last seventh of the time
    limit of their job, and give back what they hold, unless `worker_extra_args` holds a `--lifetime`.

    Parameters
    ----------
    **options
        Go before the configuration of dask-jobqueue (`jobqueue.slurm` in Dask's; a template is in
        `workflows/cluster/slurm.yaml`), which goes before two cores and 4 GB.

    Raises
    ------
    ImportError
        Without dask-jobqueue.

    Examples
    --------
    >>> from symdyn.runs import slurm_cluster
    >>> options = {"queue": "compute", "walltime": "02:00:00", "cores": 4, "memory": "16GB"}
    >>> with slurm_cluster(**options, scheduler_options={"dashboard_address": ":0"}) as cluster:
    ...     script = cluster.job_script()
    >>> for line in script.splitlines():
    ...     if line.startswith("#SBATCH"):
    ...         print(line)
    #SBATCH -J dask-worker
    #SBATCH -p compute
    #SBATCH -n 1
    #SBATCH --cpus-per-task=4
    #SBATCH --mem=15G
    #SBATCH -t 02:00:00
    """
    try:
        from symdyn.runs.slurm.jobs import JobsCluster
    except ImportError as error:
        raise ImportError(
            "SLURM needs dask-jobqueue: install the extra hpc, pip install 'symdyn-workbench[hpc]'"
        ) from error
    chosen = {name: _configured(name) or usual for name, usual in _USUAL.items()}
    chosen |= {"processes": _configured("processes") or int(chosen["cores"])}
    chosen |= {"job_script_prologue": [*(_configured("job-script-prologue") or []), *_PROLOGUE]}
    given = options.get("worker_extra_args", _configured("worker-extra-args")) or []
    lifetime = _lifetime(options.get("walltime", _configured("walltime")))
    chosen = {**chosen, **options}
    if not any(str(one).startswith("--lifetime") for one in given):
        chosen["worker_extra_args"] = [*given, *lifetime]
    if chosen.get("log_directory"):
        chosen["log_directory"] = os.path.abspath(chosen["log_directory"])
    return JobsCluster(**chosen)


def _configured(name: str) -> Any:
    return config.get(f"jobqueue.slurm.{name}", None)


def _lifetime(walltime: str | int | None) -> list[str]:
    """Return options by which workers leave before their job is killed, not all at once; none without a time limit.

    Examples
    --------
    >>> from symdyn.runs.slurm.script import _lifetime
    >>> _lifetime("01:00:00")
    ['--lifetime', '3240s', '--lifetime-stagger', '180s']
    """
    seconds = _seconds(walltime)
    if not seconds:
        return []
    return ["--lifetime", f"{math.floor(0.9 * seconds)}s", "--lifetime-stagger", f"{math.floor(0.05 * seconds)}s"]


def _seconds(walltime: str | int | None) -> int:
    """Return the seconds of a time limit as SLURM writes it, 0 where it is none."""
    found = _WALLTIME.fullmatch(str(walltime).strip())
    if found is None:
        return 0
    days, *parts = found.groups()
    numbers = [int(part) for part in parts if part is not None]
    units = (3600, 60, 1) if days is not None or len(numbers) == 3 else (60, 1)
    return 86400 * int(days or 0) + sum(number * unit for number, unit in zip(numbers, units, strict=False))
