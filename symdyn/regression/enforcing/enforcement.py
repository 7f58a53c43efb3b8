"""Which parts of a symmetry are enforced: those that held-out data do not contradict.

A symmetry that was found is known to within the tolerance of its search, but a constraint is exact: where a symmetry is
broken by two per cent and noise is small, it removes true terms of the law. Laws with and without the constraint are
therefore fitted with each part of the data held out, and judged on that part. While the constrained law predicts worse
by more than one standard error, the generator or element that the data contradict most is dropped. The law is then
pulled towards what was dropped if that predicts better; otherwise it is not. A symmetry given as exact stays: whoever
gives it knows more than the data, and is warned where they contradict it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.algebras.symmetries import Part, as_symmetries, which_were_found
from symdyn.lie.constraints.matching import matched
from symdyn.lie.constraints.subspace import Subspace
from symdyn.lie.groups import Elements
from symdyn.regression.enforcing.left_out import Excess, excess_of
from symdyn.regression.enforcing.trials import Trials

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

    from symdyn.laws.fields.field_law import TermSpace
    from symdyn.lie.vectorfields import Generators, VectorField

__all__ = [
    "Enforcement",
    "SymmetryLike",
    "Unit",
    "enforce",
    "enforced_symmetry",
    "joined_units",
    "named_exactly",
    "units_of",
]

_AT_ALL = 0.5  # level of an objection: the law without predicts better, by however little
_ONE_ERROR = 0.2  # level of a gain by promotion: about one standard error
_CONTRADICTED = 0.05  # level from which on a symmetry that was given is said to be contradicted
_VISIBLE = 1e-3  # part of the rates that the symmetry must cost for that
_ALONE = 24  # elements of a group up to which each is judged by itself
_LONGER = 3.0  # error bars inside which the exact algebra of a name is looked for
_HALF_FREE = 0.9  # share of the free law in a mixture from which on it is the free law

# Whatever a user may call a symmetry (`as_symmetries`), fitted searches and models among it, or what one leaves.
_Single: TypeAlias = "Part | Subspace | Generators | VectorField | BaseEstimator | np.ndarray | str"
SymmetryLike: TypeAlias = "_Single | Sequence[SymmetryLike] | Sequence[float]"
# What some units leave, None for everything, and the laws in it.
_Trial: TypeAlias = "tuple[Subspace | TermSpace | None, np.ndarray]"


class Unit(NamedTuple):
    """Hold what is kept or dropped together: some `members` of a `part` of the symmetry, found in data or given."""

    part: Part
    members: tuple[int, ...]
    found: bool

    @property
    def text(self) -> str:
        """Describe the unit in words."""
        texts = self.part.texts()
        return "; ".join(texts[k] for k in self.members)


@dataclass(frozen=True)
class Enforcement:
    """Say what a law respects of a symmetry, what it is pulled towards, what was dropped, and what held-out data say.

    `weight` is the share of the law inside `enforced` alone; the rest is the law inside `enforced` and `promoted`
    together. `excess` maps each unit, in words, to the excess error of the law constrained by it alone over the law
    without what was found; `joint` is the excess of all together, `kept` that of what is enforced, `gain` what
    promotion improves, and `contradiction` the excess of the given symmetry over the free law.
    """

    enforced: list[Part] = field(default_factory=list)
    promoted: list[Part] = field(default_factory=list)
    dropped: list[Part] = field(default_factory=list)
    weight: float = 1.0
    names: str = ""
    excess: dict[str, Excess] = field(default_factory=dict)
    joint: Excess | None = None
    kept: Excess | None = None
    gain: Excess | None = None
    contradiction: Excess | None = None
    given: Subspace | None = None

    @property
    def symmetry(self) -> list[Part] | Subspace | None:
        """What is enforced, as fits take it: a list of parts, a Subspace that was given, or None."""
        return self.given if self.given is not None else self.enforced or None

    @property
    def lists(self) -> tuple[list[Part], list[Part], list[Part]]:
        """What is enforced, promoted, dropped."""
        return self.enforced, self.promoted, self.dropped

    @property
    def together(self) -> list[Part]:
        """What the law is pulled towards: all that is enforced or promoted."""
        return [*self.enforced, *self.promoted]

    def sentences(self) -> list[str]:
        """Say what was decided, with the numbers; nothing where everything is enforced and no data contradict it."""
        said = []
        against = self.contradiction
        if against is not None and against.objects(_CONTRADICTED) and against.mean > _VISIBLE**2:
            said.append(
                f"the data contradict the given symmetry, which is enforced all the same: on {self.names} left out the "
                f"law inside it misses {np.sqrt(against.mean):.2g} of the rates more than the free one ({against})"
            )
        if self.promoted:
            said.append(
                f"{_texts(self.promoted)} holds only about: the law is pulled towards it by {1 - self.weight:.0%}, not "
                f"inside it; on {self.names} left out that misses less than a law without it ({self.gain})"
            )
        if self.dropped:
            kept = f", {_texts(self.enforced)} is kept" if self.enforced else ": the law is free"
            said.append(f"{_texts(self.dropped)} is not enforced{kept}; {self._objection()}")
        return said

    def warn(self, stacklevel: int = 3) -> None:
        """Give one warning that says what was not enforced, or what the data contradict."""
        said = self.sentences()
        if said:
            warnings.warn("; ".join(said), UserWarning, stacklevel=stacklevel)

    def _objection(self) -> str:
        if self.joint is None:
            return "nothing of the library is left inside all of it"
        return f"inside all that was found, laws miss more on {self.names} left out ({self.joint})"


def enforced_symmetry(
    symmetry: SymmetryLike | None, names: Sequence[str], trials: Trials, n_moved: int | None = None
) -> Enforcement:
    """Decide which parts of a user's symmetry to enforce on the states of the data.

    Parameters
    ----------
    symmetry : see `as_symmetries`, a Subspace, or None
    names : sequence of str
        States (and inputs) of the data.
    trials : Trials
    n_moved : int, optional
        As for `symmetries_on`.
    """
    if symmetry is None or isinstance(symmetry, Subspace):
        return Enforcement(names=trials.left_out.names, given=symmetry)
    parts = as_symmetries(symmetry, len(names) if n_moved is None else n_moved)
    found = which_were_found(symmetry, len(names) if n_moved is None else n_moved)
    return enforce(named_exactly(matched(parts, names), found, trials), found, trials)


def units_of(parts: list[Part], found: list[bool]) -> list[Unit]:
    """Split a symmetry into units: single generators, and elements together with those that generate the same group."""
    units = []
    for part, one in zip(parts, found, strict=True):
        if not one or not isinstance(part, LieAlgebra | Elements):
            units.append(Unit(part, tuple(range(part.dim)), one))
        elif isinstance(part, LieAlgebra):
            units += [Unit(part, (k,), True) for k in range(part.dim)]
        else:
            units += [Unit(part, members, True) for members in _cyclic(part)]
    return units


def joined_units(units: list[Unit]) -> list[Part]:
    """Join units into parts of the symmetry, units of one part together."""
    joint: list[tuple[Part, list[int]]] = []
    for unit in units:
        place = next((members for part, members in joint if part is unit.part), None)
        if place is None:
            joint.append((unit.part, list(unit.members)))
        else:
            place += unit.members
    return [part if len(members) == part.dim else part.subset(sorted(members)) for part, members in joint]


def named_exactly(parts: list[Part], found: list[bool], trials: Trials) -> list[Part]:
    """Replace approximate algebras by the exact ones of the same name, unless held-out data contradict them.

    Error bars from few runs are sometimes too short, and the exact algebra lies just outside them. It is sought within
    bars three times as long, and taken if the law constrained by it predicts as well as the free one.
    """
    return [_named(*one, trials) for one in zip(parts, found, strict=True)]


def enforce(parts: list[Part], found: list[bool], trials: Trials) -> Enforcement:
    """Decide which parts of a symmetry to enforce, as the module says.

    Parameters
    ----------
    parts : list of LieAlgebra, Elements or Conserved
    found : list of bool
        Whether each was found in data, and may be dropped.
    trials : Trials
    """
    units = units_of(parts, found)
    choice = _Choice(units, trials)
    given = tuple(k for k, unit in enumerate(units) if not unit.found)
    every = tuple(range(len(units)))
    contradiction = choice.contradiction(given)
    if given == every:
        return Enforcement(choice.parts(every), names=trials.left_out.names, contradiction=contradiction)
    kept, joint = every, choice.excess(every, given)
    alone: dict[int, Excess | None] = {}
    while kept != given and choice.objects(kept, given):
        alone = alone or {k: choice.excess((*given, k), given) for k in every if k not in given}
        worst = max((k for k in kept if k not in given), key=lambda k: _weight_of(alone[k]))
        kept = tuple(k for k in kept if k != worst)
    kept = choice.closed(kept)
    promoted, weight, gain = choice.promoted(kept, sorted(set(every) - set(kept), key=lambda k: _weight_of(alone[k])))
    dropped = [k for k in every if k not in (*kept, *promoted)]
    return Enforcement(
        choice.parts(kept),
        choice.parts(promoted),
        choice.parts(dropped),
        weight,
        trials.left_out.names,
        {units[k].text: excess for k, excess in alone.items() if excess is not None},
        joint,
        choice.excess(kept, given),
        gain,
        contradiction,
    )


class _Choice:
    """Compute losses of laws constrained by sets of units, each fitted once."""

    def __init__(self, units: list[Unit], trials: Trials):
        self.units, self.trials = units, trials
        self._found: dict[tuple[int, ...], _Trial | None] = {}

    def trial(self, members: tuple[int, ...]) -> _Trial | None:
        """Return the space some units leave, and its laws `(part, output, feature)`; None where no term is left."""
        members = tuple(sorted(members))
        if members not in self._found:
            self._found[members] = self._tried(self.parts(members))
        return self._found[members]

    def _tried(self, parts: list[Part]) -> _Trial | None:
        space = self.trials.space(parts) if parts else None
        laws = self.trials.laws(space)
        # A law without terms predicts nothing: it is never what a symmetry leaves, unless the free one is empty, too.
        return None if laws is None or (parts and not np.any(laws)) else (space, laws)

    def losses(self, laws: np.ndarray) -> np.ndarray:
        return self.trials.left_out.losses(laws)

    def excess(self, members: tuple[int, ...], others: tuple[int, ...]) -> Excess | None:
        """Compute the excess error of laws inside some units over those inside others; None where there are none."""
        one, other = self.trial(members), self.trial(others)
        return None if one is None or other is None else excess_of(self.losses(one[1]), self.losses(other[1]))

    def objects(self, members: tuple[int, ...], others: tuple[int, ...]) -> bool:
        """Return whether laws constrained by some units predict worse, not only because other terms are dropped."""
        outer, excess = self.trial(others), self.excess(members, others)
        if outer is None or excess is None:
            return outer is not None
        if not excess.objects(_AT_ALL) or self._dim(members) == self._dim(others):
            return False
        whole = self.trials.least_squares(self.parts(members))
        return whole is None or excess_of(self.losses(whole), self.losses(outer[1])).objects(_AT_ALL)

    def _dim(self, members: tuple[int, ...]) -> int:
        """Return how many coefficients some units leave free."""
        output, feature = self.trials.left_out.shape
        found = self.trial(members)
        return output * feature if found is None or found[0] is None else found[0].dim

    def contradiction(self, given: tuple[int, ...]) -> Excess | None:
        """Compute the excess error of least squares constrained by the given symmetry over free least squares."""
        inside = self.trials.least_squares(self.parts(given)) if given else None
        if inside is None:
            return None
        free = self.trials.least_squares([])
        return None if free is None else excess_of(self.losses(inside), self.losses(free))

    def parts(self, members: Sequence[int]) -> list[Part]:
        return joined_units([self.units[k] for k in sorted(members)])

    def closed(self, kept: tuple[int, ...]) -> tuple[int, ...]:
        """Add the units that follow from those kept, as their brackets and products, and constrain nothing more."""
        if not kept or self.trial(kept) is None:
            return kept
        for k in set(range(len(self.units))) - set(kept):
            wider = self.trials.space(self.parts((*kept, k)))
            if wider is not None and wider.dim == self._dim(kept):
                kept = tuple(sorted((*kept, k)))
        return kept

    def promoted(self, kept: tuple[int, ...], dropped: list[int]) -> tuple[tuple[int, ...], float, Excess | None]:
        """Choose the units towards which laws are pulled, and the share of the law inside `kept`.

        The units that the data contradict least are tried first, then these with the next, and so on.
        """
        best: tuple = ((), 1.0, None)
        outer = self.trial(kept)
        if outer is None:
            return best
        for n in range(1, len(dropped) + 1):
            inner = self.trial((*kept, *dropped[:n]))
            if inner is None:
                break
            weight, mixed = self._mixture(inner[1], outer[1])
            gain = excess_of(self.losses(outer[1]), mixed)
            if weight < _HALF_FREE and gain.objects(_ONE_ERROR) and (best[2] is None or gain.mean > best[2].mean):
                best = (tuple(dropped[:n]), weight, gain)
        return best

    def _mixture(self, inner: np.ndarray, outer: np.ndarray) -> tuple[float, np.ndarray]:
        """Find the best share of the outer law, and losses `(part,)` with the share chosen on the other parts.

        A mixture of constrained and free least squares is what a ridge penalty on the violation gives when the
        violation is measured by the rates on the data. Its loss is quadratic in the share, so three values determine
        it.
        """
        first, middle, last = (self.losses(inner + share * (outer - inner)) for share in (0.0, 0.5, 1.0))
        slope, curve = -3 * first + 4 * middle - last, 2 * first - 4 * middle + 2 * last
        rest = len(first) > 1
        shares = _lowest(slope.sum() - rest * slope, curve.sum() - rest * curve)
        weight = float(_lowest(slope.sum(), curve.sum()))
        return weight, first + shares * slope + shares**2 * curve


def _named(part: Part, found: bool, trials: Trials) -> Part:
    if not isinstance(part, LieAlgebra) or part.exact.all():
        return part
    part = part.canonical()
    if not found or part.exact.all():
        return part
    wider = LieAlgebra(part.basis, _LONGER**2 * part.covariance, part.exact, part.chart).canonical()
    if not wider.exact.all():
        return part
    choice = _Choice([Unit(wider, tuple(range(wider.dim)), True)], trials)
    return part if choice.objects((0,), ()) else wider


def _lowest(slope: np.ndarray | np.float64, curve: np.ndarray | np.float64) -> np.ndarray:
    """Find where slope r + curve r^2 is least in [0, 1]."""
    inside = -slope / np.where(curve > 0, 2 * curve, 1.0)
    return np.clip(np.where(curve > 0, inside, (slope + curve < 0).astype(float)), 0.0, 1.0)


def _weight_of(excess: Excess | None) -> float:
    """Return how clearly the data contradict a unit, for sorting."""
    if excess is None:
        return np.inf
    return excess.mean / excess.error if np.isfinite(excess.error) and excess.error > 0 else excess.mean


def _cyclic(elements: Elements) -> list[tuple[int, ...]]:
    """Group elements that generate the same group; a large set is one group."""
    if len(elements) > _ALONE:
        return [tuple(range(len(elements)))]
    orders, classes = elements.orders(), []
    for k in range(len(elements)):
        home = next((one for one in classes if _same_group(elements, k, one[0], orders)), None)
        if home is None:
            classes.append([k])
        else:
            home.append(k)
    return [tuple(one) for one in classes]


def _same_group(elements: Elements, one: int, other: int, orders: np.ndarray) -> bool:
    if orders[one] != orders[other] or orders[one] == 0:
        return False
    return bool(elements[one].generate().index(elements[other])[0] >= 0)


def _texts(parts: list[Part]) -> str:
    return "; ".join(text for part in parts for text in part.texts())
