"""Learning rates over the steps of a training."""

from __future__ import annotations

import math

__all__ = ["SCHEDULES", "rate_share"]

SCHEDULES = ("cosine", "one_cycle", "constant")
# One cycle: share of the steps in which the rate rises, and the rate at the start, relative to the highest.
_RISE, _START = 0.3, 0.04


def rate_share(schedule, done) -> float:
    """Return the learning rate, relative to the highest, once a share of all steps is done."""
    if schedule == "constant":
        return 1.0
    if schedule == "one_cycle":
        if done < _RISE:
            return _START + (1 - _START) * (1 - math.cos(math.pi * done / _RISE)) / 2
        done = (done - _RISE) / (1 - _RISE)
    return (1 + math.cos(math.pi * done)) / 2
