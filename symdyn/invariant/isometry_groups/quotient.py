"""Dimension and volume of the space of orbits M/G."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from symdyn.invariant.isometry_groups.group_order import enumerated, group_order
from symdyn.invariant.isometry_groups.haar import period_of
from symdyn.invariant.manifolds.eigenspaces import Manifold
from symdyn.invariant.manifolds.isometries import Isometries
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.candidates import from_matrices

__all__ = ["orbit_dimension", "quotient_dimension", "quotient_volume", "weyl_count"]

_CLOSED = 1e-7


def orbit_dimension(algebra: LieAlgebra, points: np.ndarray, *, rtol: float = 1e-3) -> int:
    """Compute the dimension of generic orbits of a Lie algebra: the largest rank of its generators over points.

    An invariant model of n states then has d = n − orbit_dimension effective states: the exponent of its learning curve
    is s / (s + d / 2), on the part of the states that a compact group moves by isometries.

    Parameters
    ----------
    algebra : LieAlgebra
        Given or discovered.
    points : array_like, `(sample, state)`
    rtol : float
        Singular values below this, relative to the largest over all points, count as 0; set it to the error of an
        estimated algebra.

    Raises
    ------
    ValueError
        For points of the wrong shape.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> from symdyn.invariant import orbit_dimension
    >>> points = np.random.default_rng(0).normal(size=(20, 6))
    >>> on_positions, on_both = (sd.LieAlgebra(sd.candidates.so(3, copies=n)) for n in (1, 2))
    >>> orbit_dimension(on_positions, points[:, :3])  # spheres
    2
    >>> orbit_dimension(on_both, points)  # no rotation keeps both position and velocity
    3
    """
    points = np.asarray(points, dtype=float)
    if points.ndim != 2 or points.shape[1] != len(algebra.states) or not len(points):
        raise ValueError(f"points must have shape (sample, {len(algebra.states)}), got {points.shape}")
    if algebra.dim == 0:
        return 0
    return _rank(np.stack([generator(points) for generator in algebra.generators], axis=2), rtol)


def quotient_dimension(manifold: Manifold, group: Isometries) -> int:
    """Compute dim(M/G) = dim M − largest dimension of an orbit.

    Raises
    ------
    ValueError
        If the fields do not close under brackets or are not mapped to each other by the finite generators: the group is
        then larger than its description.
    """
    if not group.continuous:
        return manifold.dim
    algebra = LieAlgebra(from_matrices(group.field_matrices, group.field_shifts))
    if algebra.closure_error() > _CLOSED:
        raise ValueError("group holds generators whose brackets are missing; add them")
    _check_normal(group)
    return manifold.dim - _rank(group.fields(manifold.sample(50, 29)), 1e-7)


def quotient_volume(manifold: Manifold, group: Isometries) -> tuple[float, str]:
    """Compute the volume of M/G, and say how it was found.

    vol(M) over the number of elements that act differently, if G is finite. For one closed flow the integral of
    1 / (length of the orbit) over M, by 400 000 points (seed 31); for other continuous groups by the growth of the
    number of invariant eigenfunctions. 1 for a transitive group, whose quotient is a point.
    """
    if not group.continuous:
        order = group_order(manifold, group)
        return manifold.volume / order, f"the volume over {order} elements"
    if quotient_dimension(manifold, group) == 0:
        return 1.0, "a point"
    moving = [k for k, field in enumerate(group.field_matrices) if np.any(field) or np.any(group.field_shifts[k])]
    if len(moving) > 1:
        return _grown(manifold, group), "the growth of the number of invariant eigenfunctions"
    matrix, shift = group.field_matrices[moving[0]], group.field_shifts[moving[0]]
    points = manifold.sample(400_000, 31)
    lengths = np.linalg.norm(points @ matrix.T + shift, axis=1) * period_of(manifold, matrix, shift)
    return manifold.volume * float(np.mean(1 / lengths)) / _components(manifold, group), "the mean of 1 / orbit length"


def weyl_count(dimension: int, volume: float, cutoff: float) -> float:
    """Compute omega_d / (2 pi)^d volume cutoff^(d / 2), omega_d the volume of the unit ball: Weyl's law."""
    ball = np.exp(dimension / 2 * np.log(np.pi) - gammaln(dimension / 2 + 1))
    return float(ball / (2 * np.pi) ** dimension * volume * cutoff ** (dimension / 2))


def _rank(fields: np.ndarray, rtol: float) -> int:
    values = np.linalg.svd(fields, compute_uv=False)
    return int(np.max(np.sum(values > rtol * max(values.max(), 1e-300), axis=1)))


def _check_normal(group: Isometries) -> None:
    """Check that g v(g^-1 x) is a combination of the fields for each finite generator g."""
    rows = np.concatenate([group.field_matrices, group.field_shifts[:, :, None]], axis=2)
    rows = rows.reshape(len(rows), -1)
    for matrix, shift in zip(group.matrices, group.shifts, strict=True):
        moved = np.einsum("ij,kjl,ml->kim", matrix, group.field_matrices, matrix)
        shifts = group.field_shifts @ matrix.T - moved @ shift
        wanted = np.concatenate([moved, shifts[:, :, None]], axis=2).reshape(len(rows), -1)
        left = wanted - np.linalg.lstsq(rows.T, wanted.T, rcond=None)[0].T @ rows
        if np.abs(left).max() > _CLOSED * np.abs(rows).max():
            raise ValueError("group holds an element that does not map its Lie algebra to itself; add the images")


def _components(manifold: Manifold, group: Isometries) -> int:
    """Count the orbits of the flow into which a generic point's orbit falls: invariants of the flow tell them apart."""
    nothing = group.subset([])
    values, found = [], 0
    matrices, shifts = enumerated(manifold, group.finite())
    images = manifold.check(matrices @ manifold.sample(1, 37)[0] + shifts)
    for space in manifold.eigenspaces():
        basis = space.invariants(nothing)
        values.append(space(images) @ basis)
        found += basis.shape[1]
        if found > 2 * manifold.dim + 2:
            return len(np.unique(np.round(np.hstack(values), 6) + 0.0, axis=0))
    raise AssertionError("a manifold has eigenspaces without end")


def _grown(manifold: Manifold, group: Isometries, most: int = 4000) -> float:
    """Find the volume from N(l) = c l^(d/2) + b l^((d-1)/2), fitted to the counts in the upper part of the spectrum."""
    dimension = quotient_dimension(manifold, group)
    total, counts, values = 0, [], []
    for space in manifold.eigenspaces():
        if total >= most:
            break
        total += space.multiplicity
        counts.append(space.invariants(group).shape[1])
        values.append(space.eigenvalue)
    levels, steps = np.array(values[1:]), np.cumsum(counts)
    # Between two eigenvalues the count stands; the middle of each step has no bias.
    middle = (steps[1:] + steps[:-1]) / 2
    upper = slice(len(levels) // 4, None)
    design = np.stack([levels ** (dimension / 2), levels ** ((dimension - 1) / 2)], axis=1)[upper]
    leading = np.linalg.lstsq(design, middle[upper], rcond=None)[0][0]
    return float(leading / weyl_count(dimension, 1.0, 1.0))
