"""The polynomials and samples of the published recovery experiments, random stream by random stream.

Otto, Zolman, Kutz and Brunton, arXiv 2311.00212: "ortho" F(x) = phi(u_1 . x, ..., u_r . x) with orthonormal u, "quad"
F(x) = phi(|x − c_1|^2, ..., |x − c_r|^2), with phi all monomials up to `degree`, coefficients uniform on [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symdyn.functions.features import Polynomial, monomials, polynomial_exponents
from symdyn.lie import candidates
from symdyn.lie.vectorfields import Generators
from symdyn.promotion.solver.lie_maps import LieMaps, box_gram, lie_maps, sample_gram

__all__ = ["FAMILIES", "RecoveryProblem", "library_degree", "recovery_problem", "threefry_uniform"]

FAMILIES = ("ortho", "quad")
_ALGEBRAS = {"se": candidates.se, "t": candidates.translations}
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


@dataclass(frozen=True)
class RecoveryProblem:
    """Maps, inner product, nested samples and the truth.

    `design` `(sample, feature)` and `target` `(sample,)` hold one sample more than there are features.
    """

    maps: LieMaps
    gram: np.ndarray
    design: np.ndarray
    target: np.ndarray
    truth: np.ndarray


def library_degree(family: str, degree: int) -> int:
    """Return the total degree of F."""
    if family not in FAMILIES:
        raise ValueError(f"family must be one of {FAMILIES}, got {family!r}")
    return degree if family == "ortho" else 2 * degree


def recovery_problem(
    family: str, algebra: str, m: int, r: int, degree: int, seed: int, *, inner: str = "sampled"
) -> RecoveryProblem:
    """Build one problem of the published grid.

    Parameters
    ----------
    family : {"ortho", "quad"}
    algebra : {"se", "t"}
        Candidates: Euclidean motions or translations, each of unit Frobenius norm.
    m, r, degree : int
        Number of states, of inner functions, and the degree of phi.
    seed : int
    inner : {"sampled", "box"}
        Products of Lie derivatives: summed over the published random points, or the mean over [−1, 1]^m. The second is
        another problem, which needs fewer samples.

    Raises
    ------
    ValueError
        For unknown names, and for more orthonormal directions than states.
    """
    total = library_degree(family, degree)
    if algebra not in _ALGEBRAS or inner not in ("sampled", "box"):
        raise ValueError(f"algebra must be 'se' or 't' and inner 'sampled' or 'box', got {algebra!r} and {inner!r}")
    if not (r >= 1 and m >= 1 and degree >= 1 and (family == "quad" or r <= m)):
        raise ValueError(f"m, r and degree must be at least 1, and r at most m, got {m}, {r}, {degree}")
    exponents = polynomial_exponents(m, total)
    stream = np.random.RandomState(seed)
    phi = stream.rand(len(polynomial_exponents(r, degree)))
    truth = _composed(phi, degree, _inner_functions(stream, family, m, r), exponents)
    design = monomials(stream.uniform(-1, 1, (len(exponents) + 1, m)), exponents)
    maps = lie_maps(Polynomial(total), _unit(_ALGEBRAS[algebra](m)))
    if inner == "box":
        gram = box_gram(maps.exponents)
    else:
        gram = sample_gram(maps.exponents, threefry_uniform(seed, (len(maps.exponents) + 1, m)))
    return RecoveryProblem(maps, gram, design, design @ truth, truth)


def threefry_uniform(seed: int, shape: tuple[int, ...], low: float = -1.0, high: float = 1.0) -> np.ndarray:
    """Draw uniform numbers as `jax.random.uniform(PRNGKey(seed), shape, float64)` drew them before JAX 0.5.

    The counter-based generator of Salmon, Moraes, Dror and Shaw (SC 2011): Threefry-2x32 with 20 rounds, of which the
    two words of a block are the high and the low half of a number; the upper 52 bits become the mantissa.
    """
    size = int(np.prod(shape))
    counters = np.arange(2 * size, dtype=np.uint32)
    high_words, low_words = threefry((seed >> 32, seed & 0xFFFFFFFF), counters[:size], counters[size:])
    bits = (high_words.astype(np.uint64) << np.uint64(32)) | low_words
    unit = ((bits >> np.uint64(12)) | np.uint64(0x3FF0000000000000)).view(np.float64) - 1.0
    return np.maximum(low, unit * (high - low) + low).reshape(shape)


def threefry(key: tuple[int, int], first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Apply Threefry-2x32 with 20 rounds to words of counters (uint32)."""
    keys = [np.uint32(key[0]), np.uint32(key[1]), np.uint32(key[0] ^ key[1] ^ 0x1BD11BDA)]
    x, y = first + keys[0], second + keys[1]
    for block in range(5):
        for turn in _ROTATIONS[block % 2]:
            x = x + y
            y = ((y << np.uint32(turn)) | (y >> np.uint32(32 - turn))) ^ x
        x = x + keys[(block + 1) % 3]
        y = y + keys[(block + 2) % 3] + np.uint32(block + 1)
    return x, y


def _unit(generators: Generators) -> Generators:
    """Divide each generator by the Frobenius norm of its matrix."""
    lengths = np.linalg.norm(generators.coefficients, axis=(1, 2))
    return generators.combine(np.diag(1 / lengths))


def _inner_functions(stream: np.random.RandomState, family: str, m: int, r: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw each inner function as exponents `(term, state)` and coefficients `(term,)`."""
    unit = np.eye(m, dtype=int)
    if family == "ortho":
        directions = np.linalg.svd(stream.normal(size=(m, r)))[0][:r]
        return [(unit, direction) for direction in directions]
    centres = stream.uniform(-1, 1, r * m).reshape(r, m)
    powers = np.concatenate([np.zeros((1, m), dtype=int), unit, 2 * unit])
    return [(powers, np.concatenate([[c @ c], -2 * c, np.ones(m)])) for c in centres]


def _composed(
    phi: np.ndarray, degree: int, inner: list[tuple[np.ndarray, np.ndarray]], exponents: np.ndarray
) -> np.ndarray:
    """Compute the coefficients of phi(g_1, ..., g_r) on the monomials with the given exponents."""
    keys = np.random.default_rng(7).integers(1, 2**62, exponents.shape[1], dtype=np.int64)
    codes = exponents @ keys
    order = np.argsort(codes)
    products, total = {}, np.zeros(len(exponents))
    for weight, powers in zip(phi, polynomial_exponents(len(inner), degree), strict=True):
        if not powers.any():
            product = np.where(exponents.any(axis=1), 0.0, 1.0)
        else:
            last = int(np.flatnonzero(powers)[-1])
            terms, values = inner[last]
            lower = products[tuple(powers - np.eye(len(inner), dtype=int)[last])]
            active = np.flatnonzero(lower)
            place = order[np.searchsorted(codes, codes[active][:, None] + terms @ keys, sorter=order)]
            weights = lower[active][:, None] * values
            product = np.bincount(place.ravel(), weights.ravel(), minlength=len(exponents))
        products[tuple(powers)] = product
        total += weight * product
    return total
