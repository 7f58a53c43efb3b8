"""Candidate symmetries in the chart of the data, as the maps of promotion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy import sparse

from symdyn.lie.actions import output_action
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.algebras.symmetries import as_group
from symdyn.lie.chart import Chart
from symdyn.lie.derivative import difference
from symdyn.lie.groups import Elements
from symdyn.lie.prolongation import affine_parts, is_affine
from symdyn.lie.vectorfields import Generators, of_size_one
from symdyn.promotion.charted_maps import ChartedData
from symdyn.promotion.solver.lie_maps import box_gram, exponents_of, lie_maps, sampled_maps
from symdyn.promotion.solver.nuclear_penalty import Penalty

__all__ = ["CandidateMaps", "Candidates", "candidate_maps", "check_shapes", "linear_parts", "split_candidates"]

_DEPENDENT = 1e-12  # what is left of a generator beside others, relative to it, that is rounding

Candidates: TypeAlias = Generators | LieAlgebra | Elements | Sequence[Generators | LieAlgebra | Elements]


@dataclass(frozen=True)
class CandidateMaps:
    """The penalty, and the candidates in the order of its rows.

    Parameters
    ----------
    penalty : Penalty
        Rows are the generators of `frame`, then elements, each a block of its own.
    chart : Chart
        Of the states that candidates move.
    given : Generators or None
        Independent candidates over x, each of length 1 in the chart.
    frame : Generators or None
        Orthonormal ones of the same span over y, in the coefficients there: whatever basis of an algebra is given, and
        about whatever origin, the nuclear norm is the same.
    weights : ndarray, `(frame, given)`
        The frame out of the given ones.
    elements : Elements or None
        Over x.
    """

    penalty: Penalty
    chart: Chart
    given: Generators | None
    frame: Generators | None
    weights: np.ndarray
    elements: Elements | None

    @property
    def n_generators(self) -> int:
        """Number of rows that are generators."""
        return 0 if self.frame is None else len(self.frame)


def split_candidates(candidates: Candidates) -> tuple[Generators | None, Elements | None]:
    """Split whatever is accepted as candidates into generators and finite elements."""
    generators, elements = None, None
    for part in as_group(candidates):
        if isinstance(part, Elements):
            elements = part if elements is None else elements + part
        else:
            generators = part.basis if generators is None else generators + part.basis
    return generators, elements


def check_shapes(candidates: Candidates, n_columns: int, n_outputs: int, output: str) -> None:
    """Raise ValueError for an unknown output, and for candidates on other states than the data have."""
    action, n_states = output_action(output), _n_states(*split_candidates(candidates))
    n_inputs = action.n_arguments(n_states)
    if n_columns != n_inputs:
        raise ValueError(f"candidates on {n_states} states need X of {n_inputs} columns, got {n_columns}")
    if action.moves_values and n_outputs != n_states:
        raise ValueError(
            f"output={output!r} needs y of {n_states} columns, one for each state, got {n_outputs}; functions that "
            "no motion changes are output='invariant'"
        )


def linear_parts(candidates: Candidates) -> tuple[np.ndarray, np.ndarray] | None:
    """Return matrices `(generator, n, n)`, `(element, n, n)` of affine candidates; None if any is more than affine."""
    generators, elements = split_candidates(candidates)
    nothing = np.zeros((0, *2 * (_n_states(generators, elements),)))
    if generators is not None and not is_affine(generators):
        return None
    matrices = nothing if generators is None else affine_parts(generators)[1]
    return matrices, nothing if elements is None else elements.matrices


def candidate_maps(data: ChartedData, candidates: Candidates) -> CandidateMaps:
    """Build the maps w -> L(v_k, F) of candidates in the chart, with an inner product that belongs to the data.

    Of polynomials the product of two functions is their mean over the box that the data span, in closed form; of other
    features, and where there are elements, the mean over samples.

    Parameters
    ----------
    data : ChartedData
        Coefficients w are those of its design.
    candidates : see `PromotedRegressor`

    Raises
    ------
    ValueError
        For generators that move nothing, and values that are not finite.
    """
    generators, elements = split_candidates(candidates)
    chart = data.chart.subset(range(_n_states(generators, elements)))
    given, frame, weights = None, None, np.zeros((0, 0))
    if generators is not None:
        given, charted = _independent(generators, chart)
        frame, weights = of_size_one(charted)
    if elements is None and frame is not None and _polynomial(data, frame):
        penalty = _exact(data, frame)
    else:
        penalty = _sampled(data, frame, None if elements is None else chart.elements(elements))
    return CandidateMaps(penalty, chart, given, frame, weights, elements)


def _n_states(generators: Generators | None, elements: Elements | None) -> int:
    return next(len(part.states) for part in (generators, elements) if part is not None)


def _independent(generators: Generators, chart: Chart) -> tuple[Generators, Generators]:
    """Select candidates none of which depends on those before; return them over x and over y, of length 1 there."""
    if not np.all(np.isfinite(generators.vectors())):
        raise ValueError("candidates hold values that are not finite")
    charted = chart.generators(generators)
    vectors = charted.vectors()
    lengths = np.linalg.norm(vectors, axis=1)
    basis, kept = np.zeros((0, vectors.shape[1])), []
    for k in np.flatnonzero(lengths):
        vector = vectors[k] / lengths[k]
        for _ in range(2):  # twice is enough
            vector = vector - basis.T @ (basis @ vector)
        left = np.linalg.norm(vector)
        if left > _DEPENDENT:
            basis, kept = np.vstack([basis, vector / left]), [*kept, k]
    if not kept:
        raise ValueError("candidates move nothing: all their coefficients are 0")
    weights = np.eye(len(vectors))[kept] / lengths[kept, None]
    return generators.combine(weights), charted.combine(weights)


def _polynomial(data: ChartedData, frame: Generators) -> bool:
    try:
        exponents_of(data.features, data.points.shape[1])
        exponents_of(frame.features, len(frame.states))
    except TypeError:
        return False
    return True


def _exact(data: ChartedData, frame: Generators) -> Penalty:
    maps = lie_maps(data.features, frame, data.action)
    stacked, n_outputs = maps.stacked, maps.n_outputs
    if not data.action.moves_values:
        n_outputs = data.target.shape[1]
        stacked = sparse.vstack([sparse.kron(sparse.eye_array(n_outputs), maps[k]) for k in range(len(maps))])
    low, high = data.points.min(axis=0), data.points.max(axis=0)
    margin = np.where(high > low, 0.0, 0.5)
    gram = box_gram(maps.exponents, np.column_stack([low - margin, high + margin]))
    columns = sparse.diags_array(np.tile(1 / data.sizes, n_outputs))
    stacked = sparse.csr_array(stacked @ columns)
    return Penalty(stacked, np.kron(np.eye(n_outputs), gram), np.zeros(len(maps), dtype=int))


def _sampled(data: ChartedData, frame: Generators | None, elements: Elements | None) -> Penalty:
    """Build maps at the samples; `elements` are those of the chart."""
    points, n_outputs = data.points, data.target.shape[1]
    blocks, labels = [], []
    if frame is not None:
        found = sampled_maps(data.features, frame, points, data.action)
        if not data.action.moves_values:
            found = [np.kron(np.eye(n_outputs), rows) for rows in found]
        blocks += found
        labels += [0] * len(found)
    if elements is not None:
        count = None if data.action.moves_values else n_outputs
        rows = difference(data.features, elements, points, data.action, count).constraint() / np.sqrt(len(points))
        blocks += [np.linalg.qr(part, mode="r") for part in rows]
        labels += [1 + k for k in range(len(elements))]
    columns = np.tile(1 / data.sizes, n_outputs)
    # One inner product for all rows: blocks are padded by rows of zeros.
    height = max(len(block) for block in blocks)
    blocks = [np.pad(block * columns, ((0, height - len(block)), (0, 0))) for block in blocks]
    return Penalty(sparse.csr_array(np.concatenate(blocks)), np.eye(height), np.array(labels))
