"""Workers in the queue of SLURM: the script of their jobs, and who looks after them.

It must not know what the workers do.
"""

from symdyn.runs.slurm.script import slurm_cluster

__all__ = ["slurm_cluster"]
