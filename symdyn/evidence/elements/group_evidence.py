"""Evidence on a whole finite group from its generators: one bound for all its elements, without a list of them.

With T_g f = A^-1 f(g x), the mean of T_g f over the group is a law that has the symmetry, and r = f less this mean is
what breaks it. In a norm that all T_g keep,

    |f(g x) − A f(x)| = |r(g x) − A r(x)| <= 2 |r|    for every g of the group,

which no longest word of the generators enters (by words, |L_gh f| <= |L_g f| + |L_h f|, so a bound would grow with
their lengths). The coefficients of r are linear in those of the law: |r| has the error, and the bound, of any such
form, and this one bound holds for all elements at once, so nothing is to be paid for their number.

The data need not keep their norm. Their Gram matrix G of the features, averaged over the group, is that of a norm which
the elements do keep, and G <= kappa^2 times it, by the largest generalised eigenvalue; kappa is 1 where the data are as
symmetric as the group, and multiplies the bound. The size of an element of the data is bounded from below: what is
moved is a sum over states, each of which goes to one other, so the least of all sums is that of the lightest cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.csgraph import connected_components, floyd_warshall

from symdyn.evidence.elements.element_evidence import LawSample, displacement, law_rates
from symdyn.evidence.evidence import Evidence, LawForms
from symdyn.laws.law_fit import LawFit
from symdyn.lie.chains import Chain
from symdyn.lie.groups import Elements, element

__all__ = ["group_bound", "least_size", "lightest", "signed_shifts"]

_MOST_FEATURES = 700  # of which the group's action is found by least squares
_CLOSED = 1e-8  # relative to a feature: what may be missing of its image
_ZERO = 1e-11
_RANK = 1e-12


def group_bound(
    chain: Chain,
    inside: Callable[[Elements], Elements],
    laws: list[tuple[LawFit, LawSample]],
    delta: float,
) -> float:
    """Bound eps(g) from above for all elements of a group at once; infinite where that is not possible.

    Parameters
    ----------
    chain : Chain
        In the units of the user.
    inside : callable
        Takes elements to the chart of the law.
    laws : list of LawFit and LawSample
        The law first, then those that must not break what is accepted.
    delta : float

    Returns
    -------
    float
        Infinite, too, for a library that the group does not take to itself, and where an element moves nothing.
    """
    forms = [_forms(chain, inside, *law) for law in laws]
    if any(form is None for form in forms):
        return np.inf
    first, *others = [form for form in forms if form is not None]
    joined = replace(first, rivals=(*first.rivals, *(law for other in others for law in other.all_laws())))
    bound = Evidence(joined, delta).upper_bound(np.ones(1), 1)
    return float(bound) if bound < 1 else np.inf


def _forms(chain: Chain, inside: Callable[[Elements], Elements], fit: LawFit, sample: LawSample) -> LawForms | None:
    """The forms of 2 kappa |r|, in units of the least size of an element."""
    with np.errstate(all="ignore"):
        action = _Action.of(chain, inside, fit, sample)
    if action is None:
        return None
    errors = fit.errors if fit.unknown is None else fit.errors - fit.unknown
    families = [(law.coefficients, e) for law, e in ((fit, errors), *((rival, rival.errors) for rival in fit.rivals))]
    more = fit.jackknife if fit.unknown is None else np.concatenate([fit.jackknife, fit.unknown])
    rows = action.breaking(np.concatenate([*(part for law, e in families for part in (law[None], e)), more]))
    size = least_size(chain, inside, fit, sample, np.sqrt(np.sum(rows[0] ** 2)))
    if not size > 0:
        return None
    rows = rows / np.sqrt(size)
    place = np.cumsum([0, *(1 + len(e) for _, e in families), len(fit.jackknife)])
    parts = [rows[a:b] for a, b in pairwise(place)]
    unknown = rows[place[-1] :]

    def forms(part: np.ndarray, **others) -> LawForms:
        squares, cross = np.sum(part**2, axis=1), part[1:] @ part[0]
        numbers = (squares[0], 1.0, cross, squares[1:], np.mean(np.sum(parts[-1] ** 2, axis=1)))
        shaped = [np.asarray(number)[..., None, None] for number in numbers]
        return LawForms(*shaped, stretch=fit.stretch, floor=fit.floor, test_floor=fit.test_floor, **others)

    told = np.mean(np.sum(unknown**2, axis=1)) if len(unknown) else 0.0
    return forms(parts[0], rivals=tuple(map(forms, parts[1:-1])), unknown=np.full((1, 1), told))


@dataclass(frozen=True)
class _Action:
    """A group on the coefficients of laws: of each representative A, and P of theta(g x) = P theta(x).

    `levels` as of the chain, inverted: each element is one product h v, with h of the inner lists; `gram`
    `(output, feature, feature)` of the features at the data, in units of each output; `active` features.
    """

    levels: list[list[tuple[np.ndarray, sparse.csr_array]]]
    gram: np.ndarray
    weights: np.ndarray
    active: np.ndarray

    @classmethod
    def of(cls, chain: Chain, inside: Callable[[Elements], Elements], fit: LawFit, sample: LawSample) -> _Action | None:
        """Find how the group moves the features that the law is made of, None where that is no linear map."""
        values = sample.features(sample.points)
        n_outputs, n_features = fit.coefficients.shape
        if n_features > _MOST_FEATURES or not np.all(np.isfinite(values)):
            return None
        moved = [_moved_features(inside(level.inverse()), sample, n_outputs) for level in chain.as_elements]
        if any(level is None for level in moved):
            return None
        levels = [level for level in moved if level is not None]
        active = _active(fit, [p for level in levels for _, p in level])
        weights = sample.weights * np.sqrt(sample.share)[:, None]
        size = np.mean(weights**2, axis=0)
        rows = values[:, active]
        gram = np.stack(
            [rows.T @ (rows * (w**2 / s)[:, None]) / len(rows) for w, s in zip(weights.T, size, strict=True)]
        )
        kept = [[(a, p[active][:, active]) for a, p in level] for level in levels]
        return cls(kept, gram, size, active)

    def breaking(self, laws: np.ndarray) -> np.ndarray:
        """Rows `(law, number)` whose lengths are 2 kappa |r| of each law `(law, output, feature)`."""
        laws = laws[:, :, self.active]
        rest = laws - self._mean_of_laws(laws)
        root, kappa = self._norm
        values, vectors = np.linalg.eigh(self._mean_weights)
        outputs = vectors * np.sqrt(values.clip(0))
        flat = np.einsum("lof,fk->lok", rest, root)
        return 2 * kappa * np.einsum("lok,op->lpk", flat, outputs).reshape(len(laws), -1)

    def _mean_of_laws(self, laws: np.ndarray) -> np.ndarray:
        """The mean of A^-1 W P over the group: T_hv = T_v T_h."""
        for level in self.levels[::-1]:
            total = np.zeros_like(laws)
            for a, p in level:
                turned = np.einsum("op,lpf->lof", np.linalg.inv(a), laws)
                total += (p.T @ turned.reshape(-1, laws.shape[2]).T).T.reshape(laws.shape)
            laws = total / len(level)
        return laws

    @cached_property
    def _mean_weights(self) -> np.ndarray:
        """The mean of A^T Omega A `(output, output)`."""
        mean = np.diag(self.weights)
        for level in self.levels[::-1]:
            mean = sum(a.T @ mean @ a for a, _ in level) / len(level)
        return np.asarray(mean)

    @cached_property
    def _norm(self) -> tuple[np.ndarray, float]:
        """A root of the mean of P G P^T `(feature, k)`, and by how much the data's own norm may be larger."""
        mean = self.gram.mean(axis=0)
        for level in self.levels:
            mean = sum(p @ (p @ mean).T for _, p in level) / len(level)  # the Gram matrix is symmetric
        scale = 1 / np.sqrt(np.maximum(np.diag(mean), 1e-300))
        values, vectors = np.linalg.eigh(mean * scale[:, None] * scale)
        seen = values > _RANK * values[-1]
        frame = scale[:, None] * vectors[:, seen] / np.sqrt(values[seen])
        excess = max(float(np.linalg.eigvalsh(frame.T @ gram @ frame)[-1]) for gram in self.gram)
        outputs = float(linalg.eigh(np.diag(self.weights), self._mean_weights, eigvals_only=True)[-1])
        root = vectors[:, seen] * np.sqrt(values[seen]) / scale[:, None]
        return root, float(np.sqrt(excess * outputs))


def _moved_features(
    members: Elements, sample: LawSample, n_outputs: int
) -> list[tuple[np.ndarray, sparse.csr_array]] | None:
    """A and P of each element, by least squares at points; None if the features are not taken to themselves."""
    matrices = sample.action.of_elements(members, n_outputs)
    n_features = sample.features.size(sample.points.shape[1])
    points = np.random.default_rng(0).standard_normal((3 * n_features + 50, sample.points.shape[1]))
    here = sample.features(points)
    sizes = np.abs(here).max(axis=0)
    if not np.all(np.isfinite(here)) or not np.all(sizes > 0):
        return None
    inverse, found = np.linalg.pinv(here / sizes, rcond=1e-10), []
    acting = sample.action.on_arguments(members)
    for k in range(len(members)):
        there = sample.features(acting[k].images(points)[:, :, 0]) / sizes
        if not np.all(np.isfinite(there)):
            return None
        move = (inverse @ there).T
        if np.abs(there - here / sizes @ move.T).max() > _CLOSED * np.abs(there).max():
            return None
        move = np.where(np.abs(move) < _ZERO * np.abs(move).max(), 0.0, move) * sizes[:, None] / sizes
        found.append((matrices[k], sparse.csr_array(move)))
    return found


def _active(fit: LawFit, moves: list[sparse.csr_array]) -> np.ndarray:
    """The features that any of the laws is made of, with all that elements make of these."""
    laws = [fit.coefficients[None], fit.errors, fit.jackknife]
    laws += [part for rival in fit.rivals for part in (rival.coefficients[None], rival.errors)]
    used = np.any([np.any(part, axis=(0, 1)) for part in laws], axis=0)
    if fit.unknown is not None:
        used |= np.any(fit.unknown, axis=(0, 1))
    links = sum((abs(move) for move in moves), start=sparse.csr_array((len(used), len(used))))
    label = connected_components(links, directed=False)[1]
    return np.flatnonzero(np.isin(label, label[used]))


def least_size(
    chain: Chain, inside: Callable[[Elements], Elements], fit: LawFit, sample: LawSample, broken: float
) -> float:
    """Bound D(g) from below for all elements but the identity, where |L_g f| is at most `broken`.

    D >= |A f − f|^2 + max(|A f − f| − |L_g f|, 0)^2 + |d|^2, of which |A f − f|^2 and |d|^2 are sums over states.
    """
    n, n_outputs = len(chain.states), len(fit.coefficients)
    values = (sample.features(sample.points) @ fit.coefficients.T) * np.sqrt(sample.share)[:, None]
    rates, shares = law_rates(n, fit, sample), np.sqrt(sample.share)[:, None]
    carried, moved = np.zeros((n, n, 2)), np.zeros((n, n, 2))
    points, spreads = sample.points[:, :n], sample.spreads[:, :n]
    for images, at in signed_shifts(n, inside):
        shift = displacement(images.images(points)[:, :, 0] - points, spreads, rates) * shares
        moved[at] = np.mean(shift**2, axis=0)
        if sample.action.moves_values:
            change = (values @ images.matrices[0][:n_outputs, :n_outputs].T - values) * sample.weights
            carried[tuple(part[:n_outputs] for part in at)] = np.mean(change**2, axis=0)
    smallest = lightest(carried, chain.reached)
    kept = max(1 - broken / np.sqrt(smallest), 0.0) ** 2 if smallest > 0 else 0.0
    return lightest(carried * (1 + kept) + moved, chain.reached)


def signed_shifts(n: int, inside: Callable[[Elements], Elements]) -> Iterator[tuple[Elements, tuple]]:
    """Yield shifts of all states, with and without a change of sign, in the chart, and the pairs that they join."""
    for step in range(n):
        for minus in (0, 1):
            target = (np.arange(n) + step) % n
            given = element(np.eye(n)[target] * (-1.0 if minus else 1.0))
            yield inside(given), (np.arange(n), target, np.full(n, minus))


def lightest(weights: np.ndarray, reached: np.ndarray) -> float:
    """Find the least sum of `weights` `(state, state, sign)` over the states, of any element but the identity.

    An element moves states in cycles, or changes the sign of one that it leaves in its place.
    """
    allowed = np.where(reached, weights, np.inf)
    flips = np.diagonal(allowed[:, :, 1]).min(initial=np.inf)
    steps = allowed.min(axis=2)
    np.fill_diagonal(steps, np.inf)
    # A link of weight 0 is one all the same.
    ways = floyd_warshall(np.ma.masked_invalid(steps + 1e-300).filled(np.inf))
    np.fill_diagonal(ways, np.inf)
    return float(min(flips, np.min(steps + ways.T, initial=np.inf)))
