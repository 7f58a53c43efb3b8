"""A cluster of Dask whose jobs may be refused, killed, or end before their workers come.

dask-jobqueue takes a job that was submitted for one that works: refused jobs end in a traceback on the screen and a
pass that waits for ever, and a job of several workers that is killed is never replaced.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from dask_jobqueue.slurm import SLURMCluster, SLURMJob
from distributed.core import Status

__all__ = ["JobOfWorkers", "JobsCluster"]


class JobOfWorkers(SLURMJob):
    """A job that may be refused.

    Attributes
    ----------
    refused : str or None
        What sbatch said.
    workers : set of str
        Names of its workers.
    """

    refused: str | None = None

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        # Names of folders may hold spaces.
        self.job_header = re.sub(r"^#SBATCH -([eo]) (.*)$", r'#SBATCH -\1 "\2"', self.job_header, flags=re.MULTILINE)

    @property
    def workers(self) -> set[str]:
        """The names that `dask worker` makes of the name of the job."""
        several = self.worker_processes > 1
        return {f"{self.name}-{k}" for k in range(self.worker_processes)} if several else {str(self.name)}

    @property
    def error_log(self) -> Path | None:
        """The file with what the job has said, if there is one."""
        if self.log_directory is None:
            return None
        path = Path(self.log_directory) / f"{self.job_name or 'worker'}-{self.job_id}.err"
        return path if path.exists() else None

    async def start(self) -> None:
        """Submit the job."""
        try:
            await super().start()
        except (RuntimeError, OSError, ValueError) as error:
            self.refused = _last_line(str(error))
            self.status = Status.running  # for those who start it; whoever looks after the jobs takes it away

    async def close(self) -> None:
        """End the job."""
        await super().close()
        self.status = Status.closed


class JobsCluster(SLURMCluster):
    """Know which jobs had workers, and submit again those that are gone.

    Attributes
    ----------
    arrived : set of str
        Names of all workers that have ever connected.
    """

    job_cls = JobOfWorkers

    def __init__(self, *arguments, **options):
        self.arrived: set[str] = set()
        super().__init__(*arguments, **options)

    def _update_worker_status(self, op: str, msg: Any) -> None:
        if op == "add":
            self.arrived |= {str(worker["name"]) for worker in msg["workers"].values()}
        super()._update_worker_status(op, msg)

    @property
    def jobs(self) -> dict[str, JobOfWorkers]:
        """The jobs that should be there, by their names."""
        return {name: job for name, job in list(self.workers.items()) if name in self.worker_spec}

    def resubmit(self, names: list[str]) -> None:
        """Submit jobs again; from any thread."""
        loop: Any = self.loop  # which is None only before the cluster has started
        loop.add_callback(self._resubmit, names)

    async def _resubmit(self, names: list[str]) -> None:
        for name in names:
            job = self.workers.pop(name, None)
            if job is not None:
                await job.close()
        await self._correct_state()


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = [line.removeprefix("sbatch: error: ") for line in lines if line.startswith("sbatch: error: ")]
    return "; ".join(said) or (lines[-1] if lines else "no reason given")
