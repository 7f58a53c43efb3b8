"""What workflows and the command share: run directories, provenance, the choice of scheduler, progress."""

from symdyn.runs.directory import RunDirectory, checksum
from symdyn.runs.job import run_job
from symdyn.runs.options import add_options, sums_key
from symdyn.runs.progress import Progress
from symdyn.runs.scheduler import scheduler, slurm_cluster

__all__ = [
    "Progress",
    "RunDirectory",
    "add_options",
    "checksum",
    "run_job",
    "scheduler",
    "slurm_cluster",
    "sums_key",
]
