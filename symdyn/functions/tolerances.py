"""Below what numbers are rounding: one set for the whole library, in double precision.

A tolerance that stands for something else (what an answer may be off by, what is few, what is slow) is named where it
is used.
"""

from __future__ import annotations

__all__ = ["DEPENDENT", "DEPENDENT_SQUARES", "MAPPED", "STILL"]

STILL = 1e-13  # of its size: what varies by less varies by rounding
DEPENDENT = 1e-14  # singular value of rows, relative to the largest, below which columns are dependent
DEPENDENT_SQUARES = 1e-11  # eigenvalue of sums of products, relative to the largest, below which they are
MAPPED = 1e-8  # of its size: what a map of points to points may be off by, and still be exact
