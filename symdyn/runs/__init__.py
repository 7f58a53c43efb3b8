"""What workflows and the command share: run directories, provenance, the choice of scheduler, progress."""

from symdyn.runs.directory import RunDirectory
from symdyn.runs.job import run_job
from symdyn.runs.options import RunOptions, WrongOptions, add_options, run_command, sums_key
from symdyn.runs.progress import Progress
from symdyn.runs.publish import checksum
from symdyn.runs.scheduler import scheduler
from symdyn.runs.slurm import slurm_cluster

__all__ = [
    "Progress",
    "RunDirectory",
    "RunOptions",
    "WrongOptions",
    "add_options",
    "checksum",
    "run_command",
    "run_job",
    "scheduler",
    "slurm_cluster",
    "sums_key",
]
