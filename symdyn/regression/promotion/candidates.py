"""Candidate symmetries as the maps of promotion, in units in which data, features and generators have size one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from symdyn.lie.derivative import KINDS
from symdyn.lie.equivariance import difference
from symdyn.lie.features import Features
from symdyn.lie.fields import Generators
from symdyn.lie.groups import Elements
from symdyn.lie.lie_maps import box_gram, exponents_of, lie_maps, sampled_maps
from symdyn.lie.symmetries import as_symmetries
from symdyn.regression.promotion.penalty import Penalty

__all__ = ["CandidateMaps", "candidate_maps", "split_candidates"]


@dataclass(frozen=True)
class CandidateMaps:
    """The penalty, and the candidates in the order of its rows.

    Parameters
    ----------
    penalty : Penalty
        Rows are generators of unit length, then elements, each a block of its own.
    generators : Generators or None
        Divided by their lengths.
    elements : Elements or None
    units : ndarray, `(state,)`
        Units in which states have size one; 1 where features or candidates are more than polynomials.
    """

    penalty: Penalty
    generators: Generators | None
    elements: Elements | None
    units: np.ndarray

    @property
    def n_generators(self) -> int:
        """Number of rows that are generators."""
        return 0 if self.generators is None else len(self.generators)


def split_candidates(candidates) -> tuple[Generators | None, Elements | None]:
    """Generators, of dependent ones a basis, and finite elements out of whatever is accepted as candidates.

    Raises
    ------
    ValueError
        If no generator moves anything, and for values that are not finite.
    """
    generators, elements = None, None
    for part in as_symmetries(candidates):
        if isinstance(part, Elements):
            elements = part if elements is None else elements + part
        else:
            generators = part.basis if generators is None else generators + part.basis
    return None if generators is None else _independent(generators), elements


def _independent(generators):
    vectors = generators.vectors()
    if not np.all(np.isfinite(vectors)):
        raise ValueError("candidates hold values that are not finite")
    basis, kept = np.zeros((0, vectors.shape[1])), []
    for k, vector in enumerate(vectors):
        for _ in range(2):  # twice is enough
            vector = vector - basis.T @ (basis @ vector)
        length = np.linalg.norm(vector)
        if length > 1e-10 * np.linalg.norm(vectors[k]):
            basis, kept = np.vstack([basis, vector / length]), [*kept, k]
    if not kept:
        raise ValueError("candidates move nothing: all their coefficients are 0")
    return generators.combine(np.eye(len(vectors))[kept])


def candidate_maps(
    features: Features, candidates, points: np.ndarray, output: str, scales: np.ndarray, sizes: np.ndarray
) -> CandidateMaps:
    """The maps w -> L(v_k, F) of candidates, with an inner product that belongs to the data.

    Generators are divided by their lengths, root mean over samples of |v(x)|^2 with each state in units of its standard
    deviation. Of polynomials the product of two functions is their mean over the box that the data span, in closed
    form; of other features, and where there are elements, the mean over samples.

    Parameters
    ----------
    features : Features
    candidates : see `PromotedRegressor`
    points : ndarray, `(sample, state)`
    output : {"invariant", "vector_field", "map", "second_order"}
    scales : ndarray, `(output,)`
        Units of the outputs: coefficients are of outputs divided by them.
    sizes : ndarray, `(feature,)`
        Units of the features: coefficients are of features divided by them.

    Returns
    -------
    CandidateMaps

    Raises
    ------
    ValueError
        For an unknown output, and candidates on other states than the data.
    """
    kind = "flow" if output == "vector_field" else output
    if kind not in KINDS:
        raise ValueError(f"output must be 'invariant', 'vector_field', 'map' or 'second_order', got {output!r}")
    generators, elements = split_candidates(candidates)
    n_states = next(len(part.states) for part in (generators, elements) if part is not None)
    n_inputs = n_states * (2 if output == "second_order" else 1)
    if points.shape[1] != n_inputs:
        raise ValueError(f"candidates on {n_states} states need X of {n_inputs} columns, got {points.shape[1]}")
    if output != "invariant" and len(scales) != n_states:
        raise ValueError(
            f"output={output!r} needs y of {n_states} columns, one for each state, got {len(scales)}; functions that "
            "no motion changes are output='invariant'"
        )
    columns = np.outer(scales, 1 / sizes).ravel()
    if generators is None:
        penalty = _sampled(features, None, elements, points, output, scales, columns)
        return CandidateMaps(penalty, None, elements, np.ones(n_states))
    spread = points.std(axis=0)[: len(generators.states)]
    spread = np.where(spread > 0, spread, 1.0)
    generators = _of_unit_length(generators, points, spread)
    if elements is None and _polynomial(features, generators, points.shape[1]):
        penalty = _exact(features, generators, points, output, scales, columns)
        return CandidateMaps(penalty, generators, None, spread)
    penalty = _sampled(features, generators, elements, points, output, scales, columns)
    return CandidateMaps(penalty, generators, elements, np.ones(len(spread)))


def _of_unit_length(generators, points, spread):
    values = generators.values(points[:, : len(spread)]) / spread[:, None]
    lengths = np.sqrt(np.mean(np.sum(values**2, axis=1), axis=0))
    return generators.combine(np.diag(1 / np.where(lengths > 0, lengths, 1.0)))


def _polynomial(features, generators, n_inputs):
    try:
        exponents_of(features, n_inputs)
        exponents_of(generators.features, len(generators.states))
    except TypeError:
        return False
    return True


def _exact(features, generators, points, output, scales, columns):
    maps = lie_maps(features, generators, output)
    stacked, n_outputs = maps.stacked, maps.n_outputs
    if output == "invariant":
        n_outputs = len(scales)
        stacked = sparse.vstack([sparse.kron(sparse.eye_array(n_outputs), maps[k]) for k in range(len(maps))])
    low, high = points.min(axis=0), points.max(axis=0)
    margin = np.where(high > low, 0.0, 0.5)
    gram = box_gram(maps.exponents, np.column_stack([low - margin, high + margin]))
    # Monomials of size one, whatever the units of the states.
    lengths = np.sqrt(np.diag(gram))
    gram = gram / lengths / lengths[:, None]
    rows = np.tile(np.outer(1 / scales, lengths).ravel(), len(maps))
    stacked = sparse.csr_array(sparse.diags_array(rows) @ stacked @ sparse.diags_array(columns))
    return Penalty(stacked, np.kron(np.eye(n_outputs), gram), np.zeros(len(maps), dtype=int))


def _sampled(features, generators, elements, points, output, scales, columns):
    blocks, labels = [], []
    if generators is not None:
        found = sampled_maps(features, generators, points, output)
        if output == "invariant":
            found = [np.kron(np.eye(len(scales)), rows) for rows in found]
        blocks += found
        labels += [0] * len(found)
    if elements is not None:
        kind = "flow" if output == "vector_field" else output
        count = len(scales) if output == "invariant" else None
        rows = difference(features, elements, points, kind, count).constraint() / np.sqrt(len(points))
        blocks += [np.linalg.qr(part, mode="r") for part in rows]
        labels += [1 + k for k in range(len(elements))]
    blocks = [block * columns for block in blocks]
    # One inner product for all rows: blocks are padded by rows of zeros.
    height = max(len(block) for block in blocks)
    blocks = [np.pad(block / scales.mean(), ((0, height - len(block)), (0, 0))) for block in blocks]
    return Penalty(sparse.csr_array(np.concatenate(blocks)), np.eye(height), np.array(labels))
