"""Names of Lie algebras from exact structure constants.

The algebra is split into a direct sum of ideals; each one is named from its Levi decomposition, a semisimple
subalgebra and the radical it acts on. What has no name that says which algebra it is stays unnamed; a name with `⋉`
says what acts on what, not always by which representation.
"""

from __future__ import annotations

import numpy as np

from symdyn.lie.structure.brackets import killing_form
from symdyn.lie.structure.levi import (
    adjoint,
    bracket_span,
    centralizer,
    centre,
    commutant,
    direct_summands,
    invariant_forms,
    levi_subalgebra,
    lower_central_series,
    radical,
    restricted,
    scaled,
)
from symdyn.lie.structure.simple import simple_name

__all__ = ["abelian_name", "exact_name"]


def exact_name(constants: np.ndarray, level: float) -> str | None:
    """Name the algebra with the given constants, singular values below `level` taken as zero; None without a name.

    Levels are relative to constants scaled to |c|^2 = dimension.
    """
    constants = scaled(constants)
    if np.linalg.norm(constants) <= level:
        return abelian_name(len(constants))
    parts = [restricted(constants, part) for part in direct_summands(constants, level)]
    named, flat = [], 0
    for part in parts:
        if np.linalg.norm(part) <= 10 * level:
            flat += len(part)
            continue
        name = _indecomposable_name(scaled(part), level)
        if name is None:
            return None
        named.append((-len(part), not name.startswith("so"), name))
    names = [name for *_, name in sorted(named)]
    for name, joined in (("so(3)", "so(4)"), ("sl(2)", "so(2,2)")):
        if names.count(name) == 2:
            names = [joined] + [other for other in names if other != name]
    return " + ".join(names + ([abelian_name(flat)] if flat else []))


def abelian_name(n: int) -> str:
    """Return `0`, `R`, `R^2`, ..."""
    return "0" if n == 0 else "R" if n == 1 else f"R^{n}"


def _indecomposable_name(constants: np.ndarray, level: float) -> str | None:
    ideal = radical(constants, level)
    if ideal.shape[1] == 0:
        return _simple(constants, level)
    if ideal.shape[1] == len(constants):
        return _solvable(constants, level)
    return _semidirect(constants, ideal, level)


def _simple(constants: np.ndarray, level: float) -> str | None:
    """Look up the name of a semisimple algebra without ideals by its signature and centroid (R or C)."""
    values = np.linalg.eigvalsh(killing_form(constants))
    if np.abs(values).min() <= level * np.abs(values).max():
        return None
    centroid = commutant(adjoint(constants), level, np.random.default_rng(0))
    return simple_name(len(constants), int((values > 0).sum()), len(centroid) == 2)


def _solvable(constants: np.ndarray, level: float) -> str | None:
    n = len(constants)
    whole = np.eye(n)
    derived = bracket_span(constants, whole, whole, level)
    if n == 2:
        return "aff(1)"
    if derived.shape[1] == 1:
        # Nilpotent with one central direction: [x, y] = omega(x, y) z. If omega were degenerate, R would split off.
        nilpotent = lower_central_series(constants, level)[-1].shape[1] == 0
        return f"heis({n})" if nilpotent and centre(constants, level).shape[1] == 1 else None
    if n == 3 and derived.shape[1] == 2:
        return _plane(constants, derived, level)
    if n == 4 and derived.shape[1] == 2 and _is_complex(constants, level):
        return "(so(2) + R) ⋉ R^2"  # x -> a x + b over C, the similarities of the plane
    return None


def _plane(constants: np.ndarray, derived: np.ndarray, level: float) -> str | None:
    """Name R ⋉ R^2 with an invertible matrix M, known up to its scale: trace 0 means rotations or boosts."""
    outside = np.linalg.svd(derived)[0][:, 2]
    matrix = derived.T @ np.tensordot(outside, constants, 1).T @ derived
    determinant = np.linalg.det(matrix)
    if abs(np.trace(matrix)) > 10 * level * np.sqrt(abs(determinant)):
        return None
    return "se(2)" if determinant > 0 else "e(1,1)"


def _is_complex(constants: np.ndarray, level: float) -> bool:
    """Check whether the centroid is C: two-dimensional, with an element of square −1."""
    centroid = commutant(adjoint(constants), level, np.random.default_rng(0))
    if len(centroid) != 2:
        return False
    values = np.linalg.eigvals(centroid[0] + 0.5 * centroid[1])
    return bool(np.abs(values.imag).min() > 1e-3 * np.abs(values).max())


def _semidirect(constants: np.ndarray, ideal: np.ndarray, level: float) -> str | None:
    """Name the semidirect sum Levi subalgebra ⋉ radical; standard names where the action is the standard one."""
    levi = levi_subalgebra(constants, ideal, level)
    if not _closes(constants, levi, level):
        return None
    simple = exact_name(restricted(constants, levi), level)
    if simple is None:
        return None
    moved = bracket_span(constants, np.eye(len(constants)), ideal, level)
    fixed = centralizer(constants, levi, ideal, level)
    flat = bracket_span(constants, moved, moved, level).shape[1] == 0
    # R^k that commutes with the Levi subalgebra, and R^m that both of them move without fixing any of it.
    if flat and moved.shape[1] + fixed.shape[1] == ideal.shape[1] and _are_transverse(moved, fixed):
        if fixed.shape[1]:
            return _extended_affine(constants, simple, moved, fixed, level)
        return _affine(constants, levi, simple, moved, level)
    rest = exact_name(restricted(constants, ideal), level)
    return None if rest is None else f"{_bracketed(simple)} ⋉ {_bracketed(rest)}"


def _affine(constants: np.ndarray, levi: np.ndarray, simple: str, moved: np.ndarray, level: float) -> str:
    """Name s ⋉ R^m."""
    m = moved.shape[1]
    forms = invariant_forms(_action(constants, levi, moved), level)
    # s acts faithfully, so if it keeps a metric and has the dimension of so(p, q) it is so(p, q) on its vectors.
    if len(forms) == 1 and levi.shape[1] == m * (m - 1) // 2:
        values = np.linalg.eigvalsh(forms[0])
        if np.abs(values).min() > level * np.abs(values).max():
            p, q = sorted((int((values > 0).sum()), int((values < 0).sum())))
            return f"se({m})" if p == 0 else f"iso({p},{q})"
    return f"{_bracketed(simple)} ⋉ R^{m}"


def _extended_affine(constants: np.ndarray, simple: str, moved: np.ndarray, fixed: np.ndarray, level: float) -> str:
    """Name (s + R^k) ⋉ R^m, where R^k commutes with s."""
    m, k = moved.shape[1], fixed.shape[1]
    if k == 1 and simple == f"sl({m})":
        return f"aff({m})"
    if k == 1 and simple == f"so({m // 2})" and m % 2 == 0:
        # Time translation carries boosts to translations and translations to zero.
        time = _action(constants, fixed, moved)[0]
        if np.linalg.norm(time @ time) <= 10 * level * np.linalg.norm(time) ** 2:
            return f"gal({m // 2})"
    return f"({simple} + {abelian_name(k)}) ⋉ R^{m}"


def _action(constants: np.ndarray, subalgebra: np.ndarray, ideal: np.ndarray) -> np.ndarray:
    """Return the matrices `(k, m, m)` of the adjoint action on an ideal."""
    return np.einsum("ia,jb,ijk,kc->acb", subalgebra, ideal, constants, ideal, optimize=True)


def _closes(constants: np.ndarray, subspace: np.ndarray, level: float) -> bool:
    brackets = np.einsum("ia,jb,ijk->kab", subspace, subspace, constants, optimize=True)
    outside = brackets - np.tensordot(subspace @ subspace.T, brackets, 1)
    return bool(np.linalg.norm(outside) <= 10 * level * len(constants))


def _are_transverse(first: np.ndarray, second: np.ndarray) -> bool:
    joined = np.hstack([first, second])
    return np.linalg.svd(joined, compute_uv=False).min(initial=1.0) > 1e-3


def _bracketed(name: str) -> str:
    return f"({name})" if " " in name else name
