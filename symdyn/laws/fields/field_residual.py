"""What a law of fields leaves over of the data: no symmetry of the law is known better than that."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr

from symdyn.jets.field_terms import weak_term
from symdyn.laws.fields.identify import Identified, stretches_of
from symdyn.laws.residual import Residual, residual_from_parts
from symdyn.rows.field_rows import equation_sums
from symdyn.rows.field_windows import place_windows
from symdyn.sums.field_tasks import summed

__all__ = ["left_over"]

# Half widths of windows along time and space. Wide ones average noise out: of these the one whose error is smallest.
_WIDTHS = ((0.35, 0.12), (0.35, 0.2), (0.15, 0.15))


def left_over(dataset: xr.Dataset, found: Identified) -> Residual:
    """Estimate what the law leaves over of the rates, on rows of the kind that it was fitted to.

    Every field counts in units of its spread, as in the violation of a generator.
    """
    law = found.law
    if not found.is_weak:
        return _residual(*_left_parts(found.cross, law.coefficients))
    seen = law.support.any(axis=0)
    terms = [weak_term(n, law.fields, law.coordinates[1:]) for n, kept in zip(law.terms, seen, strict=True) if kept]
    lengths = [axis[-1] - axis[0] for axis in found.grid.grids]
    residuals = []
    for along_time, along_space in _WIDTHS:
        halves = [along_time * lengths[0], *(along_space * length for length in lengths[1:])]
        powers, overlap = [4 + law.time_order, *[7] * len(lengths[1:])], 5 if len(lengths) == 2 else 3
        windows = place_windows(found.grid.grids, halves, powers, overlap=overlap)
        stretches = min(stretches_of(dataset), windows.n_windows)
        options = {"terms": terms, "windows": windows, "time_order": law.time_order, "stretches": stretches}
        cross = summed(dataset, partial(equation_sums, **options)).cross
        residuals.append(_residual(*_left_parts(cross, law.coefficients[:, seen])))
    return min(residuals, key=lambda one: one.upper**2 - one.share**2)


def _left_parts(cross: np.ndarray, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return even times odd residuals `(part, field)`, whose sum is their mean square, and the power `(field,)`."""
    left = np.hstack([-coefficients, np.eye(len(coefficients))])
    parts = np.einsum("ft,ptu,fu->pf", left, cross, left, optimize=True) / len(cross)
    power = np.einsum("pii->i", cross[:, coefficients.shape[1] :, coefficients.shape[1] :]) / len(cross)
    return parts, power


def _residual(parts: np.ndarray, power: np.ndarray) -> Residual:
    return residual_from_parts(parts, power, np.ones(len(power)))
