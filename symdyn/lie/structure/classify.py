"""The name of a Lie algebra from structure constants that may be estimates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from symdyn.lie.structure.brackets import jacobi_residual
from symdyn.lie.structure.jacobi import nearest_algebra, simplest_algebra
from symdyn.lie.structure.levi import scaled
from symdyn.lie.structure.naming import abelian_name, exact_name

__all__ = ["abelian_name", "algebra_name", "is_rotation"]

# Constants that meet the Jacobi identity this well are taken as exact up to rounding.
_ROUNDING = 1e-10
_EXACT_LEVEL = 30 * _ROUNDING
# The least relative error of constants that are not exact: the Jacobi identity can make them look better than they are.
_PERCENT = 0.05
# Above this level a rank says too little, and above this error the constants do.
_LARGEST_LEVEL = 0.03
_LARGEST_ERROR = 0.3
# The commutant takes time ~ dimension^6: 3 s at 30. Estimated algebras are named about 20 times: 3 s at 15.
_LARGEST_DIMENSION = 40
_LARGEST_ESTIMATED = 16


def algebra_name(constants: np.ndarray, tolerance: float | None = None, *, noise: float = 0.0) -> str:
    """Name an algebra, the same in every basis: `so(3) + R`, `se(2)`, `(so(3) + R) ⋉ R^3`, or `unnamed, dimension k`.

    Constants may be estimates. Their error is measured by how far they are from satisfying the Jacobi identity, and
    a name is given if it holds for all levels of rounding from 30 to 300 times that error. Where the error is too
    large for that, algebras drawn from it are named, and a name that all of them share is given: this finds the
    algebras that no small change deforms (semisimple ones, gl(n), aff(n)).
    Others, such as se(2), lie next to different algebras at any distance. They are named from noisy constants only
    within a `tolerance`.

    Parameters
    ----------
    constants : ndarray, `(i, j, k)`
        Structure constants, [e_i, e_j] = sum_k c_ijk e_k. Only their ratios matter: an algebra that is abelian but
        for errors has to be recognised before, by `bracket_size`.
    tolerance : float, optional
        Parts of the constants below this fraction of their size count as zero where noise leaves the name open, if
        the name stays the same for half as much again. It means something in a basis whose constants are of order 1:
        a sphere so large that it looks flat has the name of the plane. Nothing but rounding counts as zero if left
        out.
    noise : float
        Relative error of the constants, where it is known to be larger than the Jacobi identity shows; with more than
        three times the tolerance nothing is named within it.

    Raises
    ------
    ValueError
        If the constants are not an array `(n, n, n)` of finite numbers, or the tolerance is not between 0 and 1.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.lie.structure.brackets import structure_constants
    >>> from symdyn.lie.structure.classify import algebra_name
    >>> given = [sd.candidates.gl(2), sd.candidates.se(2), sd.candidates.lorentz(1, 3)]
    >>> [algebra_name(structure_constants(basis)) for basis in given]
    ['sl(2) + R', 'se(2)', 'so(1,3)']
    """
    constants = _checked(constants, tolerance)
    n = len(constants)
    unnamed = f"unnamed, dimension {n}"
    antisymmetric = scaled(constants)
    if not constants.any():
        return abelian_name(n)
    if n > _LARGEST_DIMENSION or not antisymmetric.any():
        return unnamed
    symmetric = np.linalg.norm(constants + np.swapaxes(constants, 0, 1)) / np.linalg.norm(2 * constants)
    error = max(jacobi_residual(antisymmetric), symmetric, noise, _ROUNDING)
    if error > _LARGEST_ERROR:
        return unnamed
    name = _stable_name(antisymmetric, (30 * error, 300 * error))
    if n > _LARGEST_ESTIMATED:
        return name or unnamed
    if name is None and error > 1e3 * _ROUNDING:
        name = _rigid_name(antisymmetric, error)
    if name is None and tolerance and error <= 3 * tolerance:
        name = _simplest_name(antisymmetric, tolerance)
    return name or unnamed


def is_rotation(matrix: np.ndarray, tolerance: float = 1e-2, about: np.ndarray | None = None) -> bool:
    """Check whether x' = A x + b rotates states about a centre at one or more fixed rates: bounded, imaginary spectrum.

    Parameters
    ----------
    matrix : ndarray, `(n, n)`
        A.
    tolerance : float
        Real parts, and the part of b that a centre does not remove, count as zero below this, relative to the rates.
    about : ndarray, `(n,)`, optional
        b, by default 0.
    """
    values, vectors = np.linalg.eig(matrix)
    largest = np.abs(values).max()
    bounded = np.linalg.cond(vectors) < 1e6
    if not (bounded and np.abs(np.real(values)).max() <= tolerance * largest and np.any(np.imag(values))):
        return False
    if about is None or not np.any(about):
        return True
    left = about - matrix @ np.linalg.lstsq(matrix, about, rcond=tolerance)[0]
    return bool(np.abs(left).max() <= tolerance * largest)


def _checked(constants: np.ndarray, tolerance: float | None) -> np.ndarray:
    constants = np.asarray(constants, dtype=float)
    if constants.ndim != 3 or len(set(constants.shape)) != 1:
        raise ValueError(f"constants must be an array (n, n, n), got shape {constants.shape}")
    if not np.isfinite(constants).all():
        raise ValueError("constants must be finite numbers")
    if tolerance is not None and not 0 < tolerance < 1:
        raise ValueError(f"tolerance must lie between 0 and 1, or be None, got {tolerance}")
    return constants


def _stable_name(constants: np.ndarray, levels: Sequence[float]) -> str | None:
    """Return the name that is found at all the levels, None if there is none."""
    if max(levels) > _LARGEST_LEVEL:
        return None
    names = {exact_name(constants, level) for level in levels}
    return names.pop() if len(names) == 1 else None


def _rigid_name(constants: np.ndarray, error: float) -> str | None:
    """Return the name that every algebra within the error shares, None if they differ.

    Tried are the nearest one, the ones nearest to draws from twice the error, and the simplest one within the error:
    next to an algebra that can be deformed a random draw hardly ever hits it again.
    """
    try:
        nearest = nearest_algebra(constants)
        name = exact_name(nearest, _EXACT_LEVEL)
        error = max(_error_size(constants, nearest), error, _PERCENT)
        for drawn in _draws(nearest, 2 * error, max(6, 24 - 2 * len(constants))):
            if name is None or exact_name(nearest_algebra(drawn), _EXACT_LEVEL) != name:
                return None
    except ValueError:
        return None
    simplest = {_simplest(constants, size) for size in (error, 1.5 * error)}
    return name if simplest <= {name, None} else None


def _error_size(constants: np.ndarray, nearest: np.ndarray) -> float:
    """Estimate the relative error of constants whose nearest algebra is known.

    The distance to it is only the part of the error across the algebras of one type, which in general fill
    n^2 − n dimensions (changes of basis but for the inner automorphisms) out of n^2 (n − 1) / 2.
    """
    n = len(constants)
    size = n * n * (n - 1) / 2
    moved = np.linalg.norm(constants - nearest) / np.linalg.norm(constants)
    return moved * np.sqrt(size / max(size - n * n + n, 1))


def _draws(constants: np.ndarray, size: float, count: int) -> Iterator[np.ndarray]:
    """Draw antisymmetric constants at the relative distance `size`, in random directions."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        change = rng.standard_normal(constants.shape)
        change -= np.swapaxes(change, 0, 1)
        yield constants + change * (size * np.linalg.norm(constants) / np.linalg.norm(change))


def _simplest_name(constants: np.ndarray, tolerance: float) -> str | None:
    """Return the name of the simplest algebra within the tolerance, if it is the same within half as much again."""
    names = {_simplest(constants, size) for size in (tolerance, 1.5 * tolerance)}
    return names.pop() if len(names) == 1 else None


def _simplest(constants: np.ndarray, tolerance: float) -> str | None:
    try:
        return exact_name(simplest_algebra(constants, tolerance), _EXACT_LEVEL)
    except ValueError:
        return None
