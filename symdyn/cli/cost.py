"""Choice of a first job on a file, and a rough estimate of its cost."""

from __future__ import annotations

from math import comb
from typing import NamedTuple

__all__ = ["MOST_FEATURES", "ROWS_PER_FEATURE", "Advice", "advice_for_fields", "advice_for_trajectories"]

_KIND_OPTIONS: dict[str, list[str]] = {"flow": []}  # what is taken without being asked for
_LARGEST_DEGREE = 3
ROWS_PER_FEATURE = 10
MOST_FEATURES = 300
# From a handful of runs on one core (20 to 200 trajectories of 400 samples, 2 to 6 states); right to a factor of 3.
_START, _BASE = 2.0, 280.0  # seconds and megabytes of any job
_PER_ROW, _PER_CUBE, _PER_SQUARE = 4e-9, 5e-6, 0.025
_PER_POINT, _BYTES_PER_POINT = 6e-6, 320
_COPIES = 3  # of the data in memory


class Advice(NamedTuple):
    """Options of the next command, features and rows of its regression, seconds and megabytes."""

    options: list[str]
    rows: int
    features: int
    seconds: float
    megabytes: float


def advice_for_trajectories(n_samples: int, n_variables: int, kind: str) -> Advice:
    """Choose the degree of a first law, and estimate its discovery.

    Parameters
    ----------
    n_samples : int
        Samples of all trajectories.
    n_variables : int
        States and inputs.
    kind : {"flow", "map", "second_order"}
    """
    degrees = range(_LARGEST_DEGREE, 1, -1)
    most = min(n_samples / ROWS_PER_FEATURE, MOST_FEATURES)
    degree = next((d for d in degrees if comb(n_variables + d, d) <= most), 1)
    size = comb(n_variables + degree, degree)
    options = [] if degree == _LARGEST_DEGREE else ["--law", f"polynomial:{degree}"]
    options += _KIND_OPTIONS.get(kind, ["--kind", kind])
    seconds = _START + _PER_ROW * n_samples * size**2 + _PER_CUBE * size**3
    megabytes = _BASE + _PER_SQUARE * size**2 + _COPIES * 8e-6 * n_samples * n_variables
    return Advice(options, n_samples, size, seconds, megabytes)


def advice_for_fields(n_points: int, n_fields: int, n_axes: int) -> Advice:
    """Estimate the identification of fields on `n_points` points of all trajectories."""
    size = comb(n_fields * (1 + 3 * n_axes) + 2, 2)  # products of two derivatives up to the third
    points = n_points * n_fields
    return Advice([], n_points, size, _START + _PER_POINT * points, _BASE + 1e-6 * _BYTES_PER_POINT * points)
