"""Candidate symmetries as the maps of promotion, in units in which data and generators have size one."""

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
    """

    penalty: Penalty
    generators: Generators | None
    elements: Elements | None

    @property
    def n_generators(self) -> int:
        """Number of rows that are generators."""
        return 0 if self.generators is None else len(self.generators)


def split_candidates(candidates) -> tuple[Generators | None, Elements | None]:
    """Generators and finite elements out of whatever is accepted as candidates."""
    generators, elements = None, None
    for part in as_symmetries(candidates):
        if isinstance(part, Elements):
            elements = part if elements is None else elements + part
        else:
            generators = part.basis if generators is None else generators + part.basis
    return generators, elements


def candidate_maps(features: Features, candidates, points: np.ndarray, output: str, scales: np.ndarray):
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

    Returns
    -------
    CandidateMaps
    """
    kind = "flow" if output == "vector_field" else output
    if kind not in KINDS:
        raise ValueError(f"output must be 'invariant', 'vector_field', 'map' or 'second_order', got {output!r}")
    generators, elements = split_candidates(candidates)
    if generators is not None:
        generators = _of_unit_length(generators, points)
    if elements is None and generators is not None and _polynomial(features, generators, points.shape[1]):
        return CandidateMaps(_exact(features, generators, points, output, scales), generators, None)
    return CandidateMaps(_sampled(features, generators, elements, points, output, scales), generators, elements)


def _of_unit_length(generators, points):
    spread = points.std(axis=0)[: len(generators.states)]
    spread = np.where(spread > 0, spread, 1.0)
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


def _exact(features, generators, points, output, scales):
    maps = lie_maps(features, generators, output)
    stacked, n_outputs = maps.stacked, maps.n_outputs
    if output == "invariant":
        n_outputs = len(scales)
        stacked = sparse.vstack([sparse.kron(sparse.eye_array(n_outputs), maps[k]) for k in range(len(maps))])
    columns = np.repeat(scales, stacked.shape[1] // n_outputs)
    rows = np.tile(np.repeat(scales, len(maps.exponents)), len(maps))
    stacked = sparse.csr_array(sparse.diags_array(1 / rows) @ stacked @ sparse.diags_array(columns))
    low, high = points.min(axis=0), points.max(axis=0)
    margin = np.where(high > low, 0.0, 0.5)
    gram = box_gram(maps.exponents, np.column_stack([low - margin, high + margin]))
    return Penalty(stacked, np.kron(np.eye(n_outputs), gram), np.zeros(len(maps), dtype=int))


def _sampled(features, generators, elements, points, output, scales):
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
    columns = np.repeat(scales, blocks[0].shape[1] // len(scales))
    blocks = [block * columns for block in blocks]
    # One inner product for all rows: blocks are padded by rows of zeros.
    height = max(len(block) for block in blocks)
    blocks = [np.pad(block / scales.mean(), ((0, height - len(block)), (0, 0))) for block in blocks]
    return Penalty(sparse.csr_array(np.concatenate(blocks)), np.eye(height), np.array(labels))
