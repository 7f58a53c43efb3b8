"""Frames in which estimated affine generators A y + b look simple: where to start from when an algebra is snapped.

None of them has to be exact. All are read off the span, not off a basis of it, and move with units and origin.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.linalg import schur

__all__ = ["balanced_scales", "common_centre", "eigenframes", "form_frame", "ratio_scales"]

_SMALL = 0.1  # of the largest singular value: what is not told apart from zero before errors are looked at


def common_centre(matrices: np.ndarray, constants: np.ndarray) -> np.ndarray:
    """Find the point `(n,)` nearest to the origin where generators vanish as well as they can, translations set apart.

    Parameters
    ----------
    matrices : ndarray, `(generator, n, n)`
    constants : ndarray, `(generator, n)`
        Of orthonormal generators.
    """
    n = matrices.shape[1]
    left, values, _ = np.linalg.svd(matrices.reshape(len(matrices), -1), full_matrices=True)
    values = np.append(values, np.zeros(len(matrices)))[: len(matrices)]
    still = values <= _SMALL * max(values.max(initial=0.0), 1.0 / len(matrices))
    # Of a translation among the generators only the part beside its direction says where the centre is.
    translations = np.linalg.svd(left[:, still].T @ constants)[2][: min(int(still.sum()), n)]
    beside = np.eye(n) - translations.T @ translations
    turned = np.tensordot(left[:, ~still].T, matrices, 1)
    rows = np.einsum("ij,gjk->gik", beside, turned).reshape(-1, n)
    targets = (left[:, ~still].T @ constants @ beside).ravel()
    return -np.linalg.pinv(rows, rcond=_SMALL) @ targets if len(rows) else np.zeros(n)


def ratio_scales(matrices: np.ndarray, errors: np.ndarray, ties: list[list[int]]) -> np.ndarray:
    """Fit scales d `(n,)` that make entries |A_ij| and |A_ji| alike, as in rotations and boosts.

    (d_i / d_j)^4 = sum_g A_g,ij^2 / sum_g A_g,ji^2, a least-squares fit of logarithms over pairs that are seen.

    Parameters
    ----------
    matrices : ndarray, `(generator, n, n)`
        Of orthonormal generators.
    errors : ndarray, `(n, n)`
        Root of the sum of their squared errors.
    ties : list of lists of int
        States whose scale is the same.
    """
    n = matrices.shape[1]
    squares, noise = np.sum(matrices**2, axis=0), errors**2 + 1e-14
    rows, columns = np.nonzero(np.triu((squares > 9 * noise) & (squares.T > 9 * noise.T), 1))
    above, below = squares[rows, columns], squares[columns, rows]
    weights = 1 / np.sqrt(noise[rows, columns] / above + noise[columns, rows] / below)
    design = np.eye(n)[rows] - np.eye(n)[columns]
    logarithms = np.log(above / below) / 4
    return _tied(design * weights[:, None], logarithms * weights, ties)


def balanced_scales(powers: np.ndarray, rows: np.ndarray, seen: np.ndarray, ties: list[list[int]]) -> np.ndarray:
    """Fit scales d `(n,)` in which all coefficients of a generator that are seen have one size.

    Parameters
    ----------
    powers : ndarray, `(coefficient, n)`
        How a coefficient over y = d u follows from that over u: times d^power.
    rows : ndarray, `(generator, coefficient)`
    seen : ndarray of bool, `(generator, coefficient)`
    ties : list of lists of int
    """
    generator, coefficient = np.nonzero(seen)
    n = powers.shape[1]
    design = np.hstack([powers[coefficient], np.eye(len(rows))[generator]])
    logarithms = np.log(np.abs(rows[generator, coefficient]))
    free = np.hstack([design[:, :n] @ _members(ties), design[:, n:]])
    solution = np.linalg.pinv(free, rcond=1e-9) @ logarithms
    return np.exp(_members(ties) @ solution[: len(ties)])


def form_frame(matrices: np.ndarray) -> np.ndarray | None:
    """Find P `(n, n)` in which generators keep a diagonal form ±1 up to a factor: rotations, boosts, and scalings.

    The form S with A^T S + S A = 0 for all traceless parts, of those that do the one nearest to the identity.
    """
    n = matrices.shape[1]
    trace = np.trace(matrices, axis1=1, axis2=2)[:, None, None] / n
    traceless = matrices - trace * np.eye(n)
    pairs = np.array(np.triu_indices(n)).T
    forms = np.array([np.eye(n)[[i]].T * np.eye(n)[j] + np.eye(n)[[j]].T * np.eye(n)[i] for i, j in pairs]) / 2
    moved = np.einsum("gki,pkj->pgij", traceless, forms)
    rows = (moved + np.swapaxes(moved, 2, 3)).reshape(len(pairs), -1)
    left, values, _ = np.linalg.svd(rows, full_matrices=True)
    values = np.append(values, np.zeros(len(pairs)))[: len(pairs)]
    kept = left[:, values <= max(_SMALL * values[0], 1.01 * values[-1])]
    form = np.tensordot(kept @ (kept.T @ np.trace(forms, axis1=1, axis2=2)), forms, 1)
    sizes, axes = np.linalg.eigh(form)
    if np.abs(sizes).min() <= 1e-3 * np.abs(sizes).max():
        return None
    frame = axes / np.sqrt(np.abs(sizes))
    # Of the frames of a definite form, which differ by rotations, the one that turns the least.
    return frame @ axes.T if np.all(sizes * sizes[0] > 0) else frame


def eigenframes(matrix: np.ndarray, error: float) -> Iterator[np.ndarray]:
    """Yield P `(n, n)` splitting x' = A x into real rates and rotations, at several widths of a multiple eigenvalue."""
    values = np.linalg.eigvals(matrix)
    seen = set()
    for width in (4 * error, 16 * error, _SMALL * np.abs(values).max()):
        clusters = _clusters(values, max(width, 1e-7 * np.abs(values).max()))
        key = tuple(sorted(len(cluster) for cluster in clusters))
        if key in seen:
            continue
        seen.add(key)
        blocks = [_block(matrix, values[cluster], width) for cluster in clusters]
        frame = np.hstack([block for block in blocks if block is not None])
        if frame.shape == matrix.shape and np.linalg.cond(frame) < 1e4:
            yield frame


def _clusters(values: np.ndarray, width: float) -> list[np.ndarray]:
    """Cluster indices of eigenvalues linked by steps below `width`; real ones are within it of their conjugate."""
    near = np.abs(values[:, None] - values) <= width
    near |= (np.abs(values[:, None] - values.conj()) <= width) & (np.abs(np.imag(values)) <= width)
    for _ in values:
        near = (near.astype(int) @ near) > 0
    return [np.flatnonzero(row) for row in np.unique(near, axis=0)]


def _block(matrix: np.ndarray, values: np.ndarray, width: float) -> np.ndarray | None:
    """Return a real basis of the invariant subspace of a cluster; None for the lower of two conjugate ones."""
    centre = values.mean()
    if centre.imag < -width:
        return None
    distance = np.abs(values - centre).max() * (1 + 1e-6) + 1e-9 * max(np.abs(centre), 1e-3 * width, 1e-300)
    sorted_first = schur(matrix.astype(complex), output="complex", sort=lambda x: abs(x - centre) <= distance)
    basis, count = np.asarray(sorted_first[1]), int(sorted_first[-1])
    if count != len(values):
        return np.zeros((len(matrix), 0))
    basis = basis[:, :count]
    if centre.imag <= width:
        # A real subspace with a complex basis: the real and imaginary parts span it twice.
        return np.linalg.svd(np.hstack([np.real(basis), np.imag(basis)]))[0][:, :count]
    return np.stack([np.real(basis), np.imag(basis)], axis=2).reshape(len(matrix), -1)


def _members(ties: Sequence[Sequence[int]]) -> np.ndarray:
    n = sum(len(group) for group in ties)
    return np.array([[float(state in group) for group in ties] for state in range(n)])


def _tied(design: np.ndarray, targets: np.ndarray, ties: Sequence[Sequence[int]]) -> np.ndarray:
    members = _members(ties)
    return np.exp(members @ (np.linalg.pinv(design @ members, rcond=1e-9) @ targets))
