"""What workflows and the command share: run directories, provenance, the choice of scheduler."""

from symdyn.runs.directory import RunDirectory, checksum
from symdyn.runs.job import run_job
from symdyn.runs.options import add_options
from symdyn.runs.scheduler import scheduler

__all__ = ["RunDirectory", "add_options", "checksum", "run_job", "scheduler"]
