"""Matrix polynomials that rotate with their argument: the angular part of multipliers and kernels.

S(R z) = psi(R) S(z) phi(R)^-1 for all rotations R iff DS(z) A z = psi S − S phi for their generators A. On homogeneous
polynomials of one degree both sides are matrices, so the S are intertwiners, found exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symdyn.functions.features import monomials, polynomial_exponents
from symdyn.lie.constraints.intertwiners import intertwiners
from symdyn.neural.fourier.gridgroup import plane_rotations
from symdyn.neural.representations import Representation, equivariant_matrices

__all__ = ["AngularBasis", "angular_basis", "scalar_and_vector"]

_HIGHEST = 12


@dataclass(frozen=True, eq=False)
class AngularBasis:
    """Homogeneous matrix polynomials S_b of two neighbouring degrees: all functions on the sphere up to the higher.

    Parameters
    ----------
    exponents : tuple of two ndarrays, `(monomial, d)`
        Of the even and of the odd degree.
    coefficients : tuple of two ndarrays, `(index, out, in, monomial)`
    at_zero : ndarray, `(index, out, in)`
        Means over the sphere of those of even degree: the values at k = 0, where there is no direction.
    """

    exponents: tuple[np.ndarray, np.ndarray]
    coefficients: tuple[np.ndarray, np.ndarray]
    at_zero: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """(out, in)."""
        return self.at_zero.shape[1:]

    def tables(self, waves: np.ndarray) -> list[np.ndarray]:
        """Compute S_b(i k / |k|) / i^p `(wave, index, out, in)` for even (p = 0) and odd (p = 1) degree.

        Polynomials in i k with real coefficients are the multipliers that keep fields real.

        Parameters
        ----------
        waves : ndarray, `(wave, d)`
        """
        lengths = np.linalg.norm(waves, axis=1)
        units = waves / np.where(lengths == 0, 1.0, lengths)[:, None]
        tables = []
        for exponents, coefficients in zip(self.exponents, self.coefficients, strict=True):
            table = np.einsum("kf,boif->kboi", monomials(units, exponents), coefficients)
            degree = int(exponents[0].sum())
            tables.append(table * (-1) ** (degree // 2))
        even, odd = tables
        even[lengths == 0] = self.at_zero * (-1) ** (int(self.exponents[0][0].sum()) // 2)
        odd[lengths == 0] = 0.0
        return [even, odd]


def angular_basis(rep_in: Representation, rep_out: Representation, d: int) -> AngularBasis:
    """Find all S(z) `(out, in)` on the unit sphere of R^d with S(R z) = psi(R) S(z) phi(R)^-1.

    There are as many as matrices that commute with the rotations about one axis: degrees are raised until all are
    found.

    Parameters
    ----------
    rep_in, rep_out : Representation
        One generator per plane (i, j), i < j.
    d : int
        2 or 3.

    Raises
    ------
    ValueError
        For a wrong number of generators, and for generators that do not represent the rotations.
    """
    planes = plane_rotations(d)
    for name, given in (("rep_in", rep_in), ("rep_out", rep_out)):
        if len(given.generators) != len(planes) or len(given.elements):
            raise ValueError(
                f"{name} holds {len(given.generators)} generators and {len(given.elements)} elements; rotations in "
                f"{d} dimensions take {len(planes)} generators, one a plane"
            )
    # Rotations about the last axis are those of the plane (0, 1).
    still = [Representation(r.generators[: d - 2], r.generators[:0]) for r in (rep_in, rep_out)]
    target = equivariant_matrices(*still).dim
    parts = [_homogeneous(rep_in, rep_out, planes, degree) for degree in (0, 1)]
    while len(parts[-2][1]) + len(parts[-1][1]) < target:
        if len(parts) > _HIGHEST:
            raise ValueError(
                "values are no representation of the rotations: a turn by 2 pi does not bring them back, or they "
                f"turn more than {_HIGHEST} times in it"
            )
        parts.append(_homogeneous(rep_in, rep_out, planes, len(parts)))
    even, odd = sorted(parts[-2:], key=lambda part: int(part[0][0].sum()) % 2)
    zero = _means(even, rep_in, rep_out, d)
    return AngularBasis((even[0], odd[0]), (even[1], odd[1]), zero)


def scalar_and_vector(d: int) -> Representation:
    """Represent a scalar and a vector of R^d, for the generators of so(d)."""
    return Representation(np.pad(plane_rotations(d), ((0, 0), (1, 0), (1, 0))), np.zeros((0, d + 1, d + 1)))


def _homogeneous(
    rep_in: Representation, rep_out: Representation, planes: np.ndarray, degree: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find exponents, and coefficients `(index, out, in, monomial)`, orthonormal on the sphere up to a factor."""
    d = planes.shape[-1]
    exponents = polynomial_exponents(d, degree)
    exponents = exponents[exponents.sum(axis=1) == degree]
    psi = _on_matrices(rep_in, rep_out)
    found = intertwiners(_moved_monomials(exponents, planes), psi)
    coefficients = found.basis.T.reshape(found.dim, rep_out.dim, rep_in.dim, len(exponents))
    return exponents, coefficients


def _on_matrices(rep_in: Representation, rep_out: Representation) -> np.ndarray:
    """Build the matrices of S -> psi S − S phi on vec(S) row by row, `(generator, out * in, out * in)`."""
    ones = np.eye(rep_in.dim), np.eye(rep_out.dim)
    pairs = zip(rep_in.generators, rep_out.generators, strict=True)
    return np.array([np.kron(psi, ones[0]) - np.kron(ones[1], phi.T) for phi, psi in pairs])


def _moved_monomials(exponents: np.ndarray, planes: np.ndarray) -> np.ndarray:
    """Build the matrices of z -> D theta(z) A z on homogeneous monomials, `(generator, monomial, monomial)`."""
    places = {tuple(row): index for index, row in enumerate(exponents.tolist())}
    matrices = np.zeros((len(planes), len(exponents), len(exponents)))
    for generator, plane in enumerate(planes):
        for row, powers in enumerate(exponents.tolist()):
            for j, source in zip(*np.nonzero(plane), strict=True):
                if powers[j]:
                    moved = [p - (i == j) + (i == source) for i, p in enumerate(powers)]
                    matrices[generator, row, places[tuple(moved)]] += powers[j] * plane[j, source]
    return matrices


def _means(even: tuple[np.ndarray, np.ndarray], rep_in: Representation, rep_out: Representation, d: int) -> np.ndarray:
    """Compute means over the sphere, as projections of S(e) on the matrices that commute with all rotations.

    The mean of psi(R) S(e) phi(R)^-1 over rotations is that projection where both are orthogonal, and commutes anyway.
    """
    exponents, coefficients = even
    values = np.einsum("f,boif->boi", monomials(np.eye(d)[-1:], exponents)[0], coefficients)
    commuting = equivariant_matrices(rep_in, rep_out)
    if not commuting.dim:
        return np.zeros_like(values)
    return np.array([commuting.expand(commuting.coordinates(value)) for value in values]).reshape(values.shape)
