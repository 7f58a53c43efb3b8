"""Who looks after the jobs of a cluster: waits for the first workers, replaces jobs that are gone, and gives up."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dask import config

if TYPE_CHECKING:
    from symdyn.runs.slurm.jobs import JobOfWorkers, JobsCluster

__all__ = ["watched"]

_EVERY = 30  # seconds between two questions to the queue, which many others ask, too
_MOST_FAILURES = 3  # in a row, of jobs without a worker, while no other works
_ANSWER = 20.0  # seconds to wait for one


@contextmanager
def watched(cluster: JobsCluster, log: logging.Logger) -> Iterator[None]:
    """Wait for the first worker, and look after the jobs inside a `with` block.

    Parameters
    ----------
    cluster : JobsCluster
    log : logging.Logger
        Told what the queue says of jobs that wait, and which jobs are replaced.

    Raises
    ------
    ValueError
        If the queue refuses the first job, or the job ends before its workers come; and where all jobs are gone and
        those that take their place end that way.
    """
    watch = _Watch(cluster, log)
    watch.wait()
    thread = threading.Thread(target=watch.run, daemon=True)
    thread.start()
    try:
        yield
    except KeyboardInterrupt:
        if watch.failure is not None:
            raise ValueError(watch.failure) from None
        raise
    finally:
        watch.ended.set()


class _Watch:
    def __init__(self, cluster: JobsCluster, log: logging.Logger):
        self.cluster, self.log = cluster, log
        self.every = float(config.get("symdyn.slurm.check-every", _EVERY))
        self.ended, self.failure = threading.Event(), None
        self._in_main = threading.current_thread() is threading.main_thread()

    def wait(self) -> None:
        """Return when there is a worker."""
        pause, asked, told = min(1.0, self.every), time.monotonic(), ""
        while not self.cluster.arrived:
            time.sleep(0.05)
            if time.monotonic() - asked < pause:
                continue
            gone, waiting = self._look()
            if gone:
                raise ValueError(f"SLURM: {'; '.join(gone.values())}")
            if waiting not in ("", told):
                self.log.info("waiting for the first worker: %s", waiting)
                told = waiting
            pause, asked = min(2 * pause, self.every), time.monotonic()

    def run(self) -> None:
        """Replace what is gone, again and again."""
        failures, arrived = 0, len(self.cluster.arrived)
        while not self.ended.wait(self.every):
            gone, _ = self._look()
            if len(self.cluster.arrived) > arrived:
                failures, arrived = 0, len(self.cluster.arrived)
            if not gone:
                continue
            failures += not any(self.cluster.jobs[name].workers & self.cluster.arrived for name in gone)
            if failures >= _MOST_FAILURES and not self.cluster.observed:
                self._give_up(next(iter(gone.values())))
                return
            for why in gone.values():
                self.log.info("SLURM: %s; another takes its place", why)
            self.cluster.resubmit(list(gone))

    def _give_up(self, why: str) -> None:
        self.failure = f"SLURM: {why}; {_MOST_FAILURES} jobs in a row had no worker, and none is left"
        if self._in_main:
            os.kill(os.getpid(), signal.SIGINT)  # what waits there waits for workers that do not come
        else:
            self.log.error("%s", self.failure)

    def _look(self) -> tuple[dict[str, str], str]:
        """Return, by its name, why each job is gone that should not be, and what the queue says of the others."""
        jobs = self.cluster.jobs  # first: what is submitted after the queue has answered is not in the answer
        queue = _queued()
        observed = {str(name) for name in self.cluster.observed}
        gone, waiting = {}, []
        for name, job in jobs.items():
            if job.refused is not None:
                gone[name] = f"a job was refused: {job.refused}"
            elif queue is None or job.job_id is None:
                continue
            elif job.job_id in queue:
                waiting.append(f"job {job.job_id} is {queue[job.job_id]}")
            elif not job.workers & observed:
                gone[name] = self._why(job)
        return gone, ", ".join(waiting)

    def _why(self, job: JobOfWorkers) -> str:
        if job.workers & self.cluster.arrived:
            return f"job {job.job_id} ended"
        path = job.error_log
        lines = path.read_text(errors="replace").split("\n") if path is not None else []
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        said = f": {last} ({path})" if last else f" (its log: {path})" if path is not None else ""
        return f"job {job.job_id} left the queue before its workers came{said}"


def _queued() -> dict[str, str] | None:
    """Return the states of this user's jobs by their numbers, None where the queue does not answer."""
    command = ["squeue", "--me", "--noheader", "--format=%A|%T|%r"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_ANSWER)
    except (OSError, subprocess.SubprocessError):
        return None
    rows = [line.strip().split("|", 2) for line in done.stdout.splitlines() if line.count("|") >= 2]
    return {number: f"{state.lower()} ({reason})" for number, state, reason in rows}
