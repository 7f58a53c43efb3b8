"""Training of any module on pairs of input and target: repeatable, resumable, with its history."""

from symdyn.neural.training.errors import relative_error, rollout, rollout_errors
from symdyn.neural.training.loop import Training, train

__all__ = ["Training", "relative_error", "rollout", "rollout_errors", "train"]
