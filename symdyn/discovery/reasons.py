"""Why verdicts are "undetermined", and what would decide them, in sentences."""

from __future__ import annotations

import numpy as np

from symdyn.discovery.law_of_data import LawOfData

__all__ = ["reasons_of_law"]

_FEW = 12  # independent parts, below which their number widens every error by a tenth and more
_MUCH = 1000.0  # times as many data: more is no advice


def reasons_of_law(found: LawOfData, rival: LawOfData | None, delta: float) -> list[str]:
    """Say what of the law leaves symmetries undetermined.

    Parameters
    ----------
    found : LawOfData
    rival : LawOfData, optional
        The law on a larger library that had to agree.
    delta : float
    """
    notes = [*_sampling(found), *_left_over(found, rival, delta), *_untested(found)]
    if found.fit.n_parts < _FEW:
        notes.append(
            f"errors are told from {_counted(found)}: "
            + ("nothing can be decided with one; " if found.fit.n_parts < 2 else "")
            + "more runs make the bounds shorter"
        )
    return notes


def _counted(found: LawOfData) -> str:
    n = found.fit.n_parts
    what = "independent trajectories" if found.moments.n_trajectories >= n > 2 else "independent stretches of time"
    return f"{n} {what}" if n > 1 else "a single stretch of time"


def _sampling(found: LawOfData) -> list[str]:
    if not found.residual.aliased:
        return []
    return [
        "sampled too coarsely: even and odd samples disagree by more than noise can make them, so the law is not "
        "known; sample faster"
    ]


def _left_over(found: LawOfData, rival: LawOfData | None, delta: float) -> list[str]:
    over, share = found.residual.upper, found.residual.share
    if rival is not None:
        return [
            f"the law leaves {share:.0%} of the step over: what is symmetric here is also symmetric for a library of "
            f"{rival.problem.features.size(len(rival.law.states))} terms, which leaves {rival.residual.share:.0%}"
        ]
    if not over > delta / 2:
        return []
    most = f"{min(over, 1.0):.1%} of the rates"
    text = f"the law may leave {most} over beyond noise (95 % bound), which is part of every bound"
    if found.residual.lower > delta / 5:
        return [f"{text}; add functions or states that it lacks"]
    chance = over**2 - share**2
    times = (chance / max((delta / 4) ** 2, 1e-300)) ** 2 if np.isfinite(over) else np.inf
    return [f"{text}; {_more(times)} would show it"]


def _more(times: float) -> str:
    if not times < _MUCH:
        return "less noise, or many more runs,"
    return f"about {max(int(np.ceil(times)), 2)} times as many runs"


def _untested(found: LawOfData) -> list[str]:
    if found.fit.unknown is None:
        return []
    families, kept = found.fit.families, found.fit.kept
    dropped = [label for label in dict.fromkeys(families) if label not in kept]
    strength = np.sqrt(np.mean(found.fit.unknown**2, axis=(0, 1)))
    largest = strength.max(initial=0.0)
    named = [label for label in dropped if np.any(strength[np.array(families) == label] > 0.1 * largest)]
    what = f"terms of {', '.join(named)}" if named else "some combinations of terms"
    return [
        f"{what} are not tested by these data, where they, or combinations of them with others, hardly vary: runs that "
        "leave this region, or a smaller library, would decide what depends on them"
    ]
