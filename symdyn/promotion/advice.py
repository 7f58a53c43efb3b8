"""Warnings of a promoted fit where it may mislead."""

from __future__ import annotations

import warnings

import numpy as np

from symdyn.lie.prolongation import affine_parts, is_affine
from symdyn.promotion.charted_maps import ChartedData
from symdyn.promotion.deciding import Choice, Rivals
from symdyn.promotion.promotion_candidates import CandidateMaps
from symdyn.promotion.reading import Kept

__all__ = ["warn_if_broken", "warn_if_far", "warn_of_no_debiasing"]

_FAR = 10.0  # distance from an origin, in the spread of the data, from which what is meant about it is hard to tell
_INSIDE = 1e-8  # of a field: what is left of it beside others is rounding


def warn_if_far(data: ChartedData, maps: CandidateMaps) -> None:
    """Warn of functions and candidates that refer to an origin far from the data.

    Polynomials with all their lower degrees, translations, Euclidean and affine motions are the same from anywhere.
    """
    shifted = data.given.in_chart(np.ones(len(data.chart)), np.ones(len(data.chart)))
    distance = np.abs(data.chart.centre) / data.chart.scale if any(data.chart.centre) else np.abs(data.points.mean(0))
    if distance.max() > _FAR and shifted.features != data.given:
        column = int(np.argmax(distance))
        warnings.warn(
            f"column {column} of X lies {distance[column]:.0f} times its spread from 0, and the features mean "
            "functions about 0: there they may be nearly dependent, and promotion is slow and inexact. Give "
            "polynomials with all lower degrees, or shift the states, and the candidates with them",
            stacklevel=4,
        )
    if maps.given is None:
        return
    far, text = _farthest(maps)
    if far > _FAR:
        warnings.warn(
            f"candidate {text} means an origin from which the data lie {far:.0f} times their spread: on them it is "
            "nearly a translation, and whether it is kept says little else. Give candidates about the data, or such as "
            "are the same about any origin: se(n), affine(n)",
            stacklevel=4,
        )


def _farthest(maps: CandidateMaps) -> tuple[float, str]:
    """Return how far the origin of a candidate is, and its text; 0 where all together are the same about any origin."""
    assert maps.given is not None and maps.frame is not None
    charted, frame = maps.chart.generators(maps.given), maps.frame.vectors()
    if not is_affine(charted):
        return 0.0, ""
    shifts, matrices = affine_parts(charted)
    constant = np.zeros_like(charted.coefficients)
    constant[:, :, 0] = shifts
    fields = charted.with_vectors(np.column_stack([constant.reshape(len(shifts), -1), np.zeros(len(shifts))])).vectors()
    still, turning = np.linalg.norm(fields, axis=1), np.linalg.norm(matrices, axis=(1, 2))
    outside = np.linalg.norm(fields - (fields @ frame.T) @ frame, axis=1) > _INSIDE
    distance = np.where(outside & (turning > 0), still / np.where(turning > 0, turning, 1.0), 0.0)
    worst = int(np.argmax(distance))
    return float(distance[worst]), maps.given.texts(tiny=0.0)[worst]


def warn_if_broken(kept: Kept) -> None:
    """Warn if most candidates are broken."""
    if 2 * kept.n_broken > kept.n_candidates:
        warnings.warn(
            f"{kept.n_broken} of {kept.n_candidates} candidate symmetries are broken: promotion shrinks what breaks "
            "them and may fit worse than least squares. Give candidates of which the law keeps most, such as those of "
            "a smaller group",
            stacklevel=4,
        )


def warn_of_no_debiasing(choice: Choice, rivals: Rivals) -> None:
    """Warn if not everything that promotion keeps is enforced, and say why and what predicts instead."""
    if choice.objected is None:
        return
    errors = [np.sqrt(squares.mean()) for squares in (choice.objected.squares, rivals.squares, rivals.free[1])]
    worse = errors[0] / max(min(errors[1:]), 1e-150)
    if choice.enforced is not None:
        if not choice.dropped:  # another form of them is as good
            return
        cure = f"the {choice.dropped} that it keeps least are dropped"
    elif choice.free:
        cure = "coef_ is that of least squares"
    else:
        cure = "coef_ is not debiased"
    warnings.warn(
        f"enforcing the symmetries that promotion keeps makes errors of samples left out {worse:.3g} times as large: "
        f"{cure}. They are read off the fit and inexact: give exact ones as candidates, if known",
        stacklevel=6,
    )
