"""The learning-curve experiment: functions whose risk is known, fitted with more and less of their symmetry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from symdyn.invariant.gain import weyl_risk
from symdyn.invariant.isometry_groups.point_groups import point_group
from symdyn.invariant.isometry_groups.quotient import quotient_dimension, quotient_volume
from symdyn.invariant.manifolds import Sphere, Torus
from symdyn.invariant.manifolds.eigenspaces import Manifold
from symdyn.invariant.manifolds.isometries import as_isometries
from symdyn.invariant.spectral import SpectralAveraging
from symdyn.invariant.spectral_cut import Invariants
from symdyn.lie import candidates, groups
from symdyn.lie.algebras.algebra import LieAlgebra

if TYPE_CHECKING:
    from symdyn.invariant.manifolds.eigenspaces import Eigenspace
    from symdyn.lie.groups import Elements

__all__ = ["FAMILIES", "Family", "gain_between", "learning_risk", "power_law"]


@dataclass(frozen=True)
class Family:
    """Functions invariant under the last of `groups`, fitted with each of them.

    Parameters
    ----------
    manifold : Manifold
    groups : dict of callables
        Each makes a group; from less to more symmetry.
    smoothness : float
        s of the functions.
    highest : float
        Last eigenvalue of the functions.
    """

    manifold: Manifold
    groups: dict[str, Callable[[], object]]
    smoothness: float
    highest: float


def _turn() -> LieAlgebra:
    return LieAlgebra(candidates.from_matrices([[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]]))


def _flips(k: int) -> Callable[[], Elements]:
    return lambda: groups.sign_flips(10).subset(range(k))


FAMILIES = {
    "T2, swap": Family(Torus(2), {"1": lambda: None, "swap": lambda: groups.permutations(2)}, 2.0, 130.0),
    "T2, C4": Family(Torus(2), {"1": lambda: None, "C4": lambda: groups.element([[0, -1], [1, 0]])}, 2.0, 130.0),
    "S2, SO(2)": Family(Sphere(2), {"1": lambda: None, "SO(2)": _turn}, 2.0, 400.0),
    "S2, O": Family(Sphere(2), {"1": lambda: None, "O": lambda: point_group("O")}, 2.0, 300.0),
    "T10, flips": Family(Torus(10), {f"2^{k}": _flips(k) for k in range(11)}, 6.0, 3.0),
}


def learning_risk(*, family: str, group: str, n: int, seed: int, noise: float = 1.0) -> dict[str, float]:
    """Compute the excess risk of least squares on G-invariant eigenfunctions, at the best cutoff by theory.

    Parameters
    ----------
    family, group : str
        A key of `FAMILIES`, and one of its groups.
    n, seed : int
        Uniform samples, and the seed of function, samples and noise.
    noise : float
        Standard deviation.

    Returns
    -------
    dict
        `risk` |fhat − f|^2, exact by Parseval's identity; `expected` kept noise^2 / n + tail; `theory` by Weyl's law,
        for the group; `kept` coefficients, of `total` eigenfunctions.
    """
    chosen = FAMILIES[family]
    manifold, rng = chosen.manifold, np.random.default_rng([seed, n])
    levels = power_law(family, rng)
    points = manifold.sample(n, rng)
    values = sum(space(points) @ coefficients for space, coefficients in levels)
    acting = as_isometries(manifold, chosen.groups[group]())
    kept, total, expected = _best_cut(levels, _sizes(family, group), noise**2 / n)
    model = SpectralAveraging(manifold, acting, estimator="lstsq", max_eigs_total=total)
    model.fit(points, values + noise * rng.standard_normal(n))
    return {
        "risk": _distance(levels, model.terms_, model.coefficients_),
        "expected": expected,
        "theory": weyl_risk(*_quotient(family, group), noise**2 / n, chosen.smoothness),
        "kept": float(kept),
        "total": float(total),
    }


def power_law(name: str, rng: np.random.Generator) -> list[tuple]:
    """Draw a random invariant function whose energy above any eigenvalue is that eigenvalue to the power −s.

    Parameters
    ----------
    name : str
        A key of `FAMILIES`.
    rng : Generator

    Returns
    -------
    list of (Eigenspace, ndarray `(multiplicity,)`)
        Coefficients in the orthonormal bases of all eigenspaces up to the last, 0 where nothing is invariant. The
        energy of each level is λ^−s minus the λ^−s of the next level: worst cases of the theory at every cutoff at
        once.
    """
    family, terms = FAMILIES[name], _terms(name)
    lively = [k for k, term in enumerate(terms) if term.basis.shape[1] and term.space.eigenvalue > 0]
    reach = {k: max(1.0, terms[k].space.eigenvalue) ** -family.smoothness for k in lively}
    after = dict(zip(lively, [*lively[1:], -1], strict=True))
    levels = []
    for k, term in enumerate(terms):
        coefficients = np.zeros(term.space.multiplicity)
        if k in reach:
            direction = rng.standard_normal(term.basis.shape[1])
            energy = reach[k] - reach.get(after[k], 0.0)
            coefficients = term.basis @ (np.sqrt(energy) * direction / np.linalg.norm(direction))
        levels.append((term.space, coefficients))
    return levels


def gain_between(n: np.ndarray, without: np.ndarray, with_group: np.ndarray) -> float:
    """Compute how many times more samples the first curve of risks needs for the risk in the middle of the second.

    Both are read off straight lines fitted to log risk against log n, at the middle of the risks that both reach.
    """
    lines = [np.polyfit(np.log(n), np.log(risk), 1) for risk in (without, with_group)]
    top = min(np.log(without).max(), np.log(with_group).max())
    bottom = max(np.log(without).min(), np.log(with_group).min())
    level = (top + bottom) / 2
    places = [(level - intercept) / slope for slope, intercept in lines]
    return float(np.exp(places[0] - places[1]))


# What all seeds and sizes share is found once in a process.
@cache
def _terms(name: str) -> list[Invariants]:
    family = FAMILIES[name]
    acting = as_isometries(family.manifold, list(family.groups.values())[-1]())
    return [Invariants(space, space.invariants(acting)) for space in family.manifold.spectrum(family.highest)]


@cache
def _sizes(name: str, group: str) -> list[int]:
    """Count the functions that the group leaves in each eigenspace."""
    acting = as_isometries(FAMILIES[name].manifold, FAMILIES[name].groups[group]())
    return [term.space.invariants(acting).shape[1] for term in _terms(name)]


@cache
def _quotient(name: str, group: str) -> tuple[int, float]:
    manifold = FAMILIES[name].manifold
    acting = as_isometries(manifold, FAMILIES[name].groups[group]())
    return quotient_dimension(manifold, acting), quotient_volume(manifold, acting)[0]


def _best_cut(
    levels: Sequence[tuple[Eigenspace, np.ndarray]], sizes: Sequence[int], variance: float
) -> tuple[int, int, float]:
    """Find the cut with the smallest kept * variance + tail: coefficients kept, eigenfunctions in all, that risk."""
    energies = np.array([np.sum(coefficients**2) for _, coefficients in levels])
    tails = np.append(np.cumsum(energies[::-1])[::-1][1:], 0.0)
    kept = np.cumsum(sizes)
    risks = kept * variance + tails
    best = int(np.argmin(risks))
    total = sum(space.multiplicity for space, _ in levels[: best + 1])
    return int(kept[best]), total, float(risks[best])


def _distance(
    levels: Sequence[tuple[Eigenspace, np.ndarray]], terms: Sequence[Invariants], coefficients: np.ndarray
) -> float:
    used, distance = 0, 0.0
    for k, (_, wanted) in enumerate(levels):
        found = np.zeros(len(wanted))
        if k < len(terms):
            size = terms[k].basis.shape[1]
            found = terms[k].basis @ coefficients[used : used + size]
            used += size
        distance += float(np.sum((found - wanted) ** 2))
    return distance
