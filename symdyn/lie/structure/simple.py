"""Names of the simple real Lie algebras, by dimension and signature of the Killing form."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache

__all__ = ["simple_name"]


def simple_name(dimension: int, n_positive: int, is_complex: bool) -> str | None:
    """Name the one simple real algebra with this dimension and this many positive directions of the Killing form.

    None if there are several (the split forms so(3,4) and sp(6) agree in both) or none. `is_complex`: it is a complex
    algebra taken as a real one. Isomorphic algebras have one name: so(2,3) = sp(4), so(1,3) = sl(2, C),
    so(3,3) = sl(4), su(2,2) = so(2,4).
    Source: S. Helgason, Differential Geometry, Lie Groups, and Symmetric Spaces (1978), chapter X, table V.
    """
    names = _table().get((dimension, n_positive, is_complex), set())
    return next(iter(names)) if len(names) == 1 else None


@lru_cache(maxsize=1)
def _table() -> dict[tuple[int, int, bool], set[str]]:
    """Tabulate names by (dimension, positive directions, complex); complete up to dimension 66."""
    table = defaultdict(set)
    for dimension, positive, name in [*_special_linear(), *_orthogonal(), *_symplectic(), *_exceptional()]:
        table[dimension, positive, False].add(name)
    for dimension, name in _complex():
        table[2 * dimension, dimension, True].add(name)
    return table


def _special_linear() -> Iterator[tuple[int, int, str]]:
    """Yield A_(n-1): sl(n), su(p, q) and su*(n); n = 2 and 4 are with the orthogonal ones where those have a name."""
    yield 3, 2, "sl(2)"
    yield 15, 9, "sl(4)"
    yield 15, 6, "su(3,1)"
    for n in (3, 5, 6, 7, 8):
        yield n * n - 1, n * (n + 1) // 2 - 1, f"sl({n})"
        for q in range(n // 2 + 1):
            yield n * n - 1, 2 * q * (n - q), f"su({n - q},{q})" if q else f"su({n})"
        if n % 2 == 0:
            yield n * n - 1, (n // 2 - 1) * (n + 1), f"su*({n})"


def _orthogonal() -> Iterator[tuple[int, int, str]]:
    """Yield B and D: so(p, q) and so*(2m), with p + q = 3, 5, 6, 7 ...; so(4) and so(2,2) are not simple."""
    yield 3, 0, "so(3)"
    for n in range(5, 13):
        for p in range(n // 2 + 1):
            if (p, n) != (3, 6):
                yield n * (n - 1) // 2, p * (n - p), f"so({p},{n - p})" if p else f"so({n})"
        if n % 2 == 0 and n > 8:
            yield n * (n - 1) // 2, n // 2 * (n // 2 - 1), f"so*({n})"


def _symplectic() -> Iterator[tuple[int, int, str]]:
    """Yield C_m, m >= 3: sp(2m) and the quaternionic sp(p, q), the compact one included."""
    for m in range(3, 6):
        yield m * (2 * m + 1), m * (m + 1), f"sp({2 * m})"
        for q in range(m // 2 + 1):
            yield m * (2 * m + 1), 4 * q * (m - q), f"sp({m - q},{q})"


def _exceptional() -> Iterator[tuple[int, int, str]]:
    """Yield G2 and F4."""
    yield from ((14, 0, "compact g2"), (14, 8, "split g2"), (52, 0, "f4(-52)"), (52, 16, "f4(-20)"), (52, 28, "f4(4)"))


def _complex() -> Iterator[tuple[int, str]]:
    """Yield complex dimension and name of the complex simple algebras, as real ones."""
    yield 3, "so(1,3)"
    yield from ((n * n - 1, f"sl({n}, C)") for n in (3, 4, 5))
    yield from ((n * (n - 1) // 2, f"so({n}, C)") for n in (5, 7, 8))
    yield from ((21, "sp(6, C)"), (14, "g2(C)"))
