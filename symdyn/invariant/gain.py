"""`sample_gain`: how many samples the invariance of a function is worth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from symdyn.invariant.isometry_groups.quotient import orbit_dimension, quotient_dimension, quotient_volume, weyl_count
from symdyn.invariant.manifolds import Box, Product
from symdyn.invariant.manifolds.eigenspaces import Manifold
from symdyn.invariant.manifolds.isometries import Isometries, as_isometries

__all__ = ["SampleGain", "orbit_dimension", "sample_gain"]

_CEILING = 1_000_000  # eigenfunctions looked at


@dataclass(frozen=True)
class SampleGain:
    """Hold the gain in samples from a symmetry (Tahmasebi, Jegelka, arXiv 2303.14269); it prints its hypotheses.

    Parameters
    ----------
    dimension : int
        d = dim(M/G).
    volume : float
        vol(M/G).
    cutoff : float
        The eigenvalue cutoff with the smallest risk, or the given one.
    count_total, count_invariant : int
        Numbers of eigenfunctions up to the cutoff, and of the G-invariant ones.
    gain : float
        Their ratio: with the symmetry, n samples are worth `gain` n samples without it, at this cutoff.
    asymptotic_gain : float
        The same ratio by Weyl's law: |G| if G is finite; growing with the cutoff if G has positive dimension.
    risk, risk_without : float
        Excess risk at the best cutoff with and without the symmetry: min over cutoffs of noise^2 N / n plus
        (next eigenvalue)^(−s), for |f| = 1 in H^s.
    asymptotic_risk : float
        The same with Weyl's law instead of counts.
    exponent : float
        s / (s + d / 2): the risk falls like n^−exponent.
    hypotheses : tuple of str
        What was assumed.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.invariant import SampleGain, Torus, sample_gain
    >>> found = sample_gain(Torus(2), sd.groups.permutation([1, 0]), 1000, smoothness=3)
    >>> isinstance(found, SampleGain), found.gain, round(found.asymptotic_gain, 2)
    (True, 1.75, 2.0)
    >>> print(str(found).split("assumed")[0].strip())  # what was assumed follows
    gain 1.75 at eigenvalues up to 5: 12 of 21 functions are left (Weyl's law: 2)
    dim(M/G) = 2, vol(M/G) = 19.74, risk ~ n^-0.75
    risk 0.014, without the symmetry 0.021; by Weyl's law 0.0138
    """

    dimension: int
    volume: float
    cutoff: float
    count_total: int
    count_invariant: int
    gain: float
    asymptotic_gain: float
    risk: float
    risk_without: float
    asymptotic_risk: float
    exponent: float
    hypotheses: tuple[str, ...]

    def __str__(self) -> str:
        lines = [
            f"gain {self.gain:.4g} at eigenvalues up to {self.cutoff:.4g}: {self.count_invariant} of "
            f"{self.count_total} functions are left (Weyl's law: {self.asymptotic_gain:.4g})",
            f"dim(M/G) = {self.dimension}, vol(M/G) = {self.volume:.4g}, risk ~ n^-{self.exponent:.3g}",
            f"risk {self.risk:.3g}, without the symmetry {self.risk_without:.3g}; by Weyl's law "
            f"{self.asymptotic_risk:.3g}",
            "assumed:",
            *(f"- {hypothesis}" for hypothesis in self.hypotheses),
        ]
        return "\n".join(lines)


def sample_gain(
    manifold: Manifold, group, n: int, *, smoothness: float, noise: float = 1.0, cutoff: float | None = None
) -> SampleGain:
    """Compute the factor by which a model without the symmetry needs more samples.

    Parameters
    ----------
    manifold : Manifold
    group : Elements, LieAlgebra, or a list of these
        A compact group of isometries of the manifold.
    n : int
        Number of samples.
    smoothness : float
        s: f is in H^s, |f|^2 = sum max(1, lambda)^s f_lambda^2 = 1.
    noise : float
        Standard deviation, in units in which |f| = 1.
    cutoff : float, optional
        Eigenvalue up to which functions are counted; by default the one with the smallest risk.

    Returns
    -------
    SampleGain

    Raises
    ------
    ValueError
        For groups that are not compact or do not act by isometries, and for smoothness of at most dim(M/G) / 2.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.invariant import Sphere, sample_gain
    >>> turns_about_z = sd.LieAlgebra(sd.candidates.so(3))[:1]
    >>> found = sample_gain(Sphere(2), turns_about_z, 10_000, smoothness=2, noise=0.1)
    >>> found.count_total, found.count_invariant, found.gain  # left: m = 0
    (400, 20, 20.0)
    """
    group = as_isometries(manifold, group)
    if not n >= 1 or not noise > 0:
        raise ValueError(f"n must be at least 1 and noise positive, got {n} and {noise}")
    dimension = quotient_dimension(manifold, group)
    if not smoothness > dimension / 2:
        raise ValueError(f"smoothness must be above {dimension / 2:g}, half of dim(M/G), got {smoothness}")
    volume, origin = quotient_volume(manifold, group)
    variance = noise**2 / n
    best, risk = best_cutoff(manifold, group, variance, smoothness)
    everything = group if group.rho == 0 else Isometries(*(part[:0] for part in _parts(group)))
    without = best_cutoff(manifold, everything, variance, smoothness)[1]
    chosen = best if cutoff is None else float(cutoff)
    total, invariant = counts(manifold, group, chosen)
    ratio = weyl_count(manifold.dim, manifold.volume, 1.0) / weyl_count(dimension, volume, 1.0)
    asymptotic = ratio * chosen ** ((manifold.dim - dimension) / 2)
    return SampleGain(
        dimension,
        volume,
        chosen,
        total,
        invariant,
        total / invariant,
        asymptotic,
        risk,
        without,
        weyl_risk(dimension, volume, variance, smoothness),
        smoothness / (smoothness + dimension / 2),
        _hypotheses(manifold, group, smoothness, noise, origin),
    )


def counts(manifold: Manifold, group: Isometries, cutoff: float) -> tuple[int, int]:
    """Count N(cutoff) and N(cutoff; G): eigenfunctions with eigenvalue up to the cutoff, all and invariant ones."""
    spaces = manifold.spectrum(cutoff)
    left = sum(space.invariants(group).shape[1] for space in spaces)
    return sum(space.multiplicity for space in spaces), left


def best_cutoff(manifold: Manifold, group: Isometries, variance: float, smoothness: float) -> tuple[float, float]:
    """Find the eigenvalue up to which N(.; G) variance + (next invariant eigenvalue)^−s is smallest, and that risk.

    Parameters
    ----------
    manifold : Manifold
    group : Isometries
    variance : float
        noise^2 / n.
    smoothness : float
    """
    best, risk, kept, last = 0.0, np.inf, 0, 0.0
    for value, size in _levels(manifold, group):
        if kept and kept * variance + max(1.0, value) ** -smoothness < risk:
            best, risk = last, kept * variance + max(1.0, value) ** -smoothness
        kept, last = kept + size, value
        if kept * variance > risk:
            return best, risk
    # The group leaves no further function, as transitive ones do: what is kept is everything.
    return (last, kept * variance) if kept * variance < risk else (best, risk)


def weyl_risk(dimension: int, volume: float, variance: float, smoothness: float) -> float:
    """Compute the smallest c L^(d/2) variance + L^−s over cutoffs L, with c of Weyl's law.

    (1 + 2 s/d) (d / 2 s)^b (c variance)^b with b = s / (s + d/2); for d = 0, one function, the variance.
    """
    if dimension == 0:
        return variance
    power, ratio = smoothness / (smoothness + dimension / 2), 2 * smoothness / dimension
    return float((1 + ratio) * ratio**-power * (weyl_count(dimension, volume, 1.0) * variance) ** power)


def _levels(manifold: Manifold, group: Isometries) -> Iterator[tuple[float, int]]:
    """Yield the eigenvalues at which G leaves functions, with their number."""
    if quotient_dimension(manifold, group) == 0:
        yield 0.0, 1  # one orbit: constants
        return
    total = 0
    for space in manifold.eigenspaces():
        total += space.multiplicity
        if total > _CEILING:
            return
        size = space.multiplicity if group.rho == 0 else space.invariants(group).shape[1]
        if size:
            yield space.eigenvalue, size


def _parts(group: Isometries) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    return group.matrices, group.shifts, group.field_matrices, group.field_shifts


def _hypotheses(manifold: Manifold, group: Isometries, smoothness: float, noise: float, origin: str) -> tuple[str, ...]:
    factors = manifold.factors if isinstance(manifold, Product) else (manifold,)
    walls = any(isinstance(factor, Box) for factor in factors)
    points = smoothness > manifold.dim / 2
    return (
        f"the states fill {manifold}, a compact manifold"
        + (" with walls, which the theory covers to leading order only" if walls else " without boundary"),
        f"the group ({group.rho} generators) acts by isometries (checked); scalings, boosts, shifts of R^n do not",
        "samples are independent and uniform; those of a trajectory or an attractor are neither",
        "the invariance is exact and known beforehand",
        f"f has norm 1 in H^{smoothness:g}, "
        + (
            "which has values at points" if points else "whose kernel diverges at points with more symmetry than others"
        ),
        f"noise is independent, of standard deviation {noise:g}",
        f"vol(M/G) is {origin}; points with more symmetry than others enter beyond the leading order only",
        "f is an invariant number; equivariant vectors have another count",
    )
