"""Integral kernels that a symmetry allows, by the two-point Lie derivative.

(T u)(x) = int k(x, y) u(y) dy commutes with v on space, phi on inputs and psi on outputs iff

    D_x k v(x) + D_y k v(y) + div v(y) k − psi k + k phi = 0.

The divergence accounts for the change of the volume element dy: without it, dilations would require another power of
the distance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from symdyn.functions.features import Features, monomial_jacobian, monomials, polynomial_exponents
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.constraints.subspace import Subspace, null_space, pivoted_basis
from symdyn.lie.vectorfields import Generators
from symdyn.neural.autograd import full_precision
from symdyn.neural.checks import check_count, numbers
from symdyn.neural.fourier.spectral import Tabled
from symdyn.neural.representations import Representation, RepresentationLike, as_representation, trivial

__all__ = ["DifferenceKernels", "IntegralOperator", "KernelBasis", "equivariant_kernel_basis"]

_DRAWS = 20


@dataclass(frozen=True)
class DifferenceKernels(Features):
    """|z|^p (z / |z|)^a of z = x − y, at points (x, y): radial powers times angular monomials.

    Parameters
    ----------
    radial : tuple of float
        The powers p.
    angular : int
        Highest degree of the monomials in z / |z|; those of degree `angular` and `angular` − 1 span all lower ones.
    d : int
        Dimension of space.
    """

    radial: tuple[float, ...]
    angular: int
    d: int

    @property
    def exponents(self) -> np.ndarray:
        """Of the angular monomials, `(monomial, d)`."""
        found = polynomial_exponents(self.d, self.angular)
        return found[found.sum(axis=1) >= self.angular - 1]

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Compute the values `(sample, feature)` at points `(sample, 2 d)`."""
        z, length = self._difference(points)
        angles = monomials(z, self.exponents)
        powers = np.array(self.radial)[:, None] - self.exponents.sum(axis=1)
        return (length[:, None, None] ** powers * angles[:, None]).reshape(len(z), -1)

    def jacobian(self, points: np.ndarray) -> np.ndarray:
        """Compute the derivatives `(sample, feature, 2 d)`."""
        z, length = self._difference(points)
        angles, slopes = monomials(z, self.exponents), monomial_jacobian(z, self.exponents)
        powers = np.array(self.radial)[:, None] - self.exponents.sum(axis=1)
        scale = length[:, None, None] ** powers
        outward = (powers * scale * angles[:, None])[..., None] * (z / length[:, None] ** 2)[:, None, None]
        moved = outward + scale[..., None] * slopes[:, None]
        moved = moved.reshape(len(z), -1, self.d)
        return np.concatenate([moved, -moved], axis=2)

    def names(self, states: Sequence[str]) -> list[str]:
        """Return names such as `r^-1 z0 z1 / r^2`, r the distance."""
        return [f"r^{p:g} {a}" for p in self.radial for a in map(_angle_name, self.exponents)]

    def families(self, states: Sequence[str]) -> list[str]:
        """Return the families: features of one power and one degree."""
        return [f"r^{p:g}, degree {int(a.sum())}" for p in self.radial for a in self.exponents]

    def _difference(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        points = np.asarray(points, dtype=float)
        if points.ndim != 2 or points.shape[1] != 2 * self.d:
            raise ValueError(f"points must be pairs (sample, {2 * self.d}), got shape {points.shape}")
        z = points[:, : self.d] - points[:, self.d :]
        length = np.linalg.norm(z, axis=1)
        if np.any(length == 0):
            raise ValueError("a pair has x = y, where a kernel of the direction has no value: leave such pairs out")
        return z, length


@dataclass(frozen=True, eq=False)
class KernelBasis:
    """Hold the kernels k_b(x, y) `(out, in)` that a symmetry allows.

    Parameters
    ----------
    subspace : Subspace
        Coefficients `(out * in, feature)` of the kernels.
    features : Features
        Functions of the pairs (x, y).
    shape : tuple of int
        (out, in).
    violation : float
        Largest residual of the two-point equation, relative to its terms, at pairs not used to compute the null space.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> from symdyn.neural import KernelBasis, equivariant_kernel_basis
    >>> basis = equivariant_kernel_basis(sd.candidates.so(3), [-1, -3])
    >>> isinstance(basis, KernelBasis), basis.dim, bool(basis.violation < 1e-12)
    (True, 2, True)
    >>> basis(np.zeros((1, 3)), np.array([[0.0, 0.0, 2.0]])).ravel().round(3)  # 1/2 and 1/8
    array([0.5  , 0.125])
    """

    subspace: Subspace
    features: Features
    shape: tuple[int, int]
    violation: float

    @property
    def dim(self) -> int:
        """Number of kernels."""
        return self.subspace.dim

    def __call__(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Compute the values `(sample, kernel, out, in)` at pairs of points `(sample, d)`."""
        values = self.features(np.hstack([x, y]))
        basis = self.subspace.basis.T.reshape(self.dim, *self.shape, values.shape[1])
        return np.einsum("boif,sf->sboi", basis, values)


def equivariant_kernel_basis(candidates, radial, angular: int = 0, *, rep_in=None, rep_out=None, rng=0) -> KernelBasis:
    """Find the kernels that commute with generators on space and on values.

    Parameters
    ----------
    candidates : LieAlgebra or Generators
        Fields on space `(d,)`: rotations, dilations, boosts of (t, x), ... The error bars of an algebra that is not
        exact set the rank cut.
    radial : sequence of float, or Features
        Powers of |x − y|, to be multiplied by angular monomials; or any functions of the 2 d coordinates (x, y).
    angular : int
        Highest degree in (x − y) / |x − y|; not read with Features.
    rep_in, rep_out : see `as_representation`, optional
        The action on the values, one matrix per generator; by default the values are invariant.
    rng : int or numpy Generator
        Seed of the generic pairs at which the equation is imposed.

    Raises
    ------
    ValueError
        For generators that rescale time, representations with another number of matrices or with finite elements,
        and for an empty list of powers.
    TypeError
        For candidates that are not generators.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.neural import equivariant_kernel_basis
    >>> so3 = sd.candidates.so(3)
    >>> equivariant_kernel_basis(so3, [-1], 2).dim  # numbers: 1/r
    1
    >>> equivariant_kernel_basis(so3, [-1], 2, rep_in=so3, rep_out=so3).dim  # vectors
    3
    """
    algebra = LieAlgebra(candidates) if isinstance(candidates, Generators) else candidates
    if not isinstance(algebra, LieAlgebra):
        raise TypeError(f"candidates must be a LieAlgebra or Generators on space, got {type(candidates).__name__}")
    if np.any(algebra.time_scaling):
        raise ValueError("candidates: a generator rescales time, which no kernel on space sees; give t as a state")
    d = len(algebra.states)
    features = _kernel_features(radial, angular, d)
    reps = [_values(rep, algebra.dim, name) for rep, name in ((rep_in, "rep_in"), (rep_out, "rep_out"))]
    shape = (reps[1].dim, reps[0].dim)
    generator = np.random.default_rng(rng)
    unknowns = shape[0] * shape[1] * features.size(2 * d)
    points = generator.standard_normal((2 * max(unknowns // (shape[0] * shape[1]), 1) + 20, 2 * d))
    moving = algebra.basis
    rows = _rows(features, moving, reps, points)
    draws = None
    if not algebra.exact.all():
        drawn = algebra.draw(_DRAWS, np.random.default_rng(12))
        draws = np.stack([_rows(features, one.basis, reps, points) for one in drawn])
    basis, pivots = pivoted_basis(null_space(rows, draws))
    checked = _rows(features, moving, reps, generator.standard_normal(points.shape))
    size = np.abs(checked) @ np.abs(basis)
    residual = np.abs(checked @ basis).max(initial=0.0) / max(size.max(initial=0.0), 1e-300)
    return KernelBasis(Subspace(basis, (shape[0] * shape[1], features.size(2 * d)), pivots), features, shape, residual)


class IntegralOperator(Tabled):
    """Compute (T u)(x_i) = sum_j h_j sum_b W_b k_b(x_i, y_j) u(y_j), with trained W_b `(copy out, copy in)`.

    The integral is a sum, so the symmetry holds where the points and weights are mapped to themselves, and elsewhere
    up to the error of the quadrature.

    Parameters
    ----------
    basis : KernelBasis
    targets, sources : ndarray, `(target, d)` and `(source, d)`
    weights : ndarray, `(source,)`
        Quadrature weights: volumes in the units of space.
    copies : tuple of int
        Copies of the input and of the output representation.

    Raises
    ------
    ValueError
        For arrays whose shapes do not match.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> import symdyn as sd
    >>> from symdyn.neural import IntegralOperator, equivariant_kernel_basis
    >>> angles = 2 * np.pi * np.arange(12) / 12
    >>> circle = np.column_stack([np.cos(angles), np.sin(angles)])
    >>> distances = equivariant_kernel_basis(sd.candidates.so(2), [0, 2])  # powers of |x - y|
    >>> operator = IntegralOperator(distances, circle, circle, weights=np.full(12, 1 / 12))
    >>> u = torch.randn(1, 1, 12)
    >>> torch.allclose(operator(u.roll(1, -1)), operator(u).roll(1, -1), atol=1e-5)
    True
    """

    kernels: Tensor

    def __init__(self, basis: KernelBasis, targets, sources, weights, *, copies: tuple[int, int] = (1, 1)):
        super().__init__()
        targets, sources, weights = (np.asarray(part, dtype=float) for part in (targets, sources, weights))
        if weights.shape != (len(sources),):
            raise ValueError(f"weights must hold one number a source, ({len(sources)},), got shape {weights.shape}")
        i, j = (part.ravel() for part in np.indices((len(targets), len(sources))))
        apart = np.any(targets[i] != sources[j], axis=1)  # a point does not act on itself: the kernel may be singular
        table = np.zeros((len(i), basis.dim, *basis.shape))
        table[apart] = basis(targets[i[apart]], sources[j[apart]]) * weights[j[apart], None, None, None]
        table = table.reshape(len(targets), len(sources), *table.shape[1:])
        self.copies, self.n_in = copies, basis.shape[1]
        scale = math.sqrt(copies[0] * max(basis.dim, 1))
        self.weight = nn.Parameter(torch.randn(basis.dim, copies[1], copies[0]) / scale)
        self.set_tables(kernels=table)

    @full_precision
    def forward(self, u: Tensor) -> Tensor:
        """Map values `(batch, copy * in, source)` to `(batch, copy * out, target)`."""
        if u.ndim != 3 or u.shape[1:] != (self.copies[0] * self.n_in, self.kernels.shape[1]):
            expected = (self.copies[0] * self.n_in, self.kernels.shape[1])
            raise ValueError(f"values must have shape (batch, {expected[0]}, {expected[1]}), got {tuple(u.shape)}")
        parts = u.unflatten(1, (self.copies[0], self.n_in))
        moved = torch.einsum("xyboi,nciy->nbcox", self.kernels, parts)
        return torch.einsum("bmc,nbcox->nmox", self.weight, moved).flatten(1, 2)


def _kernel_features(radial: Sequence[float] | Features, angular: int, d: int) -> Features:
    if isinstance(radial, Features):
        return radial
    powers = tuple(np.atleast_1d(numbers("radial", radial)).tolist())
    if not powers:
        raise ValueError(f"radial must name at least one finite power of the distance, got {radial!r}")
    check_count("angular", angular, least=0)
    return DifferenceKernels(powers, int(angular), d)


def _values(given: RepresentationLike, count: int, name: str) -> Representation:
    found = trivial(1) if given is None else as_representation(given, name=name)
    if len(found.elements):
        raise ValueError(f"{name} holds finite elements, the two-point equation takes generators only")
    if given is None or not len(found.generators):
        return Representation(np.zeros((count, found.dim, found.dim)), found.elements)
    if len(found.generators) != count:
        raise ValueError(f"{name} holds {len(found.generators)} generators, candidates {count}; give one matrix each")
    return found


def _rows(features: Features, generators: Generators, reps: Sequence[Representation], points: np.ndarray) -> np.ndarray:
    """Build the rows `(generator * sample * out * in, out * in * feature)` of the two-point equation."""
    d = points.shape[1] // 2
    x, y = points[:, :d], points[:, d:]
    theta, slopes = features(points), features.jacobian(points)
    pair = np.concatenate([generators.values(x), generators.values(y)], axis=1)
    divergence = np.einsum("siik->sk", generators.jacobians(y))
    transported, carried = np.einsum("sfi,sik->ksf", slopes, pair), np.einsum("sk,sf->ksf", divergence, theta)
    phi, psi = (rep.generators for rep in reps)
    ones = np.eye(psi.shape[1]), np.eye(phi.shape[1])
    # vec(k) row by row: psi k -> psi (x) 1, k phi -> 1 (x) phi^T.
    mixing = np.array([np.kron(ones[0], a.T) - np.kron(b, ones[1]) for a, b in zip(phi, psi, strict=True)])
    size = mixing.shape[-1]
    same, moved = np.eye(size), np.einsum("kpq,sf->kspqf", mixing, theta)
    rows = np.einsum("ksf,pq->kspqf", transported + carried, same) + moved
    # What cancels up to rounding is 0: null spaces bring all columns to one scale.
    terms = np.einsum("sfi,sik->ksf", np.abs(slopes), np.abs(pair)) + np.abs(carried)
    rows[np.abs(rows) <= 1e-12 * (np.einsum("ksf,pq->kspqf", terms, same) + np.abs(moved))] = 0.0
    return rows.reshape(-1, size * theta.shape[1])


def _angle_name(powers: np.ndarray) -> str:
    factors = [f"z{i}^{p}" if p > 1 else f"z{i}" for i, p in enumerate(powers) if p]
    return " ".join([*factors, f"/ r^{int(powers.sum())}"]) if factors else "1"
