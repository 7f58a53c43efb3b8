"""Whether points decide about symmetries: enough of them, and generic in the domain.

What a generator makes of a polynomial is a polynomial again, so its vanishing at points proves that it vanishes where
no polynomial of that degree but 0 does so: at C(n + d, n) generic points for degree d in n states, and never at points
on a curve or surface that such a polynomial describes (Otto, Zolman, Kutz and Brunton, arXiv 2311.00212).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

from symdyn.discovery.question import split
from symdyn.functions.features import Polynomial
from symdyn.functions.printing import equation_lines
from symdyn.functions.tolerances import STILL
from symdyn.lie.chart import Chart
from symdyn.lie.constraints.gram import Batch, Rows
from symdyn.lie.constraints.subspace import pivoted_basis
from symdyn.lie.vectorfields import Generators
from symdyn.lie.words import as_candidates

__all__ = ["Relation", "leaves_points", "polynomial_relation", "samples_needed", "unsettled"]

_DEGREE = 4  # highest degree of relations looked for
_MONOMIALS = 200  # and their largest number
_AMONG = 10.0  # spreads: an origin nearer than that lies among the points
_TERMS = 8  # a relation with more terms is not worth printing


def samples_needed(n_states: int, degree: int, candidates: str | Generators | Sequence) -> int:
    """Return the number of generic points that `discover_function` needs to be right about polynomials.

    Generators of degree k turn a polynomial of degree d into polynomials of degree e = d + k − 1, and C(n + e, n)
    points drawn from any density distinguish these from 0 with probability one. The result is at least one point per
    candidate. Twice as many let `discover_function` check its answer on half of them. An analytic function needs as
    many points as the span of its images under the generators has dimensions.

    Parameters
    ----------
    n_states : int
    degree : int
        Total degree of the function.
    candidates : str, Generators, LieAlgebra, matrices, or a list of these
        Polynomial ones.

    Raises
    ------
    ValueError
        For candidates on another number of states, candidates that are not polynomial, and a negative degree.

    Examples
    --------
    >>> import symdyn as sd
    >>> sd.samples_needed(2, 4, sd.candidates.gl(2))  # of a polynomial of degree 4 in two states
    15
    >>> sd.samples_needed(6, 2, sd.candidates.affine(6))
    42
    """
    generators, _ = split(as_candidates(candidates, n_states))
    if len(generators.states) != n_states:
        raise ValueError(f"candidates act on {len(generators.states)} states, n_states is {n_states}")
    if degree < 0:
        raise ValueError(f"degree must be at least 0, got {degree}")
    left = max(degree + _degree(generators) - 1, 0)
    return max(comb(n_states + left, n_states), len(generators))


def _degree(candidates: Generators) -> int:
    features = candidates.features
    if not isinstance(features, Polynomial) or not features.constant or features.columns is not None:
        raise ValueError("candidates must be polynomial fields: for others give as many points as seem generic")
    degree, n = features.degree, len(candidates.states)
    while degree > 0 and not np.any(candidates.coefficients[:, :, comb(n + degree - 1, n) :]):
        degree -= 1
    return degree


@dataclass(frozen=True)
class Relation:
    """A polynomial that vanishes at all points.

    `degree` its degree, `count` how many independent ones of that degree there are, `within` the size of what is left
    relative to its terms, `text` the simple ones as equations.
    """

    degree: int
    count: int
    within: float
    text: str


def polynomial_relation(points: np.ndarray, states: tuple[str, ...], tolerance: float) -> Relation | None:
    """Find the lowest-degree relation among points `(sample, state)`; None if they are generic as far as can be told.

    Degrees whose monomials are more than half of the points are not looked at.
    """
    centred, chart = _bulk(points)
    for degree in range(1, _DEGREE + 1):
        size = comb(points.shape[1] + degree, degree)
        if 2 * size > len(points) or size > _MONOMIALS:
            return None
        features = Polynomial(degree)
        # Some four points a monomial show what there is; the rest then confirm it.
        vectors = _vanishing(features(centred[: 4 * size]), tolerance)
        theta = features(centred)
        left = np.abs(theta @ vectors) / np.maximum(np.abs(theta) @ np.abs(vectors), 1e-300)
        # A few points may make monomials look alike, but then the relation does not hold at the others.
        within = np.quantile(left, 0.9, axis=0, method="higher")
        count = int(np.sum(within < 10 * tolerance))
        if count:
            text = _relation_text(features, centred, chart, states, count)
            return Relation(degree, count, float(within[within < 10 * tolerance].max()), text)
    return None


def _bulk(points: np.ndarray) -> tuple[np.ndarray, Chart]:
    """Drop far points, next to which all others look like one; return the rest in a chart of their bulk, and that."""
    low, middle, high = np.quantile(points, (0.25, 0.5, 0.75), axis=0)
    width = np.where(high > low, high - low, points.std(axis=0))
    width[width <= STILL * np.abs(points).max(axis=0)] = 0.0
    chart = Chart(tuple(middle), tuple(np.where(width > 0, width, 1.0)))
    centred = chart.points(points)
    near = np.abs(centred).max(axis=1) <= 8
    return centred[near if near.mean() > 0.5 else np.ones(len(points), dtype=bool)], chart


def _vanishing(theta: np.ndarray, tolerance: float) -> np.ndarray:
    """Find combinations `(monomial, relation)` of columns that vanish, each column in units of its size."""
    size = np.sqrt(np.mean(theta**2, axis=0))
    size[size == 0] = 1.0
    triangle = np.linalg.qr(theta / size / np.sqrt(len(theta)), mode="r")
    _, singular, right = np.linalg.svd(triangle)
    # Points on a curve nearly obey more relations than they obey: those within 1000 times the best are meant.
    return (right[singular < min(tolerance, 1e3 * singular[-1] + 1e-12)] / size).T


def _relation_text(features: Polynomial, centred: np.ndarray, chart: Chart, states: tuple[str, ...], count: int) -> str:
    """Write simple relations in the units of the states.

    They are found next to the points. About the origin of the states, where that lies among the points, they are
    brought to a form with few terms.
    """
    near = np.abs(chart.points(np.zeros(len(chart)))) < _AMONG
    about = Chart(tuple(np.where(near, 0.0, chart.centre)), chart.scale)
    theta = features(about.points(chart.points_back(centred)))
    size = np.sqrt(np.mean(theta**2, axis=0))
    size[size == 0] = 1.0
    right = np.linalg.svd(np.linalg.qr(theta / size, mode="r"))[2]
    vectors = pivoted_basis(right[-count:].T)[0].T
    vectors = np.where(np.abs(vectors) < 1e-5 * np.abs(vectors).max(axis=1, keepdims=True), 0.0, vectors)
    simple = [v for v in vectors if np.count_nonzero(v) <= _TERMS][:3]
    values = features(chart.points_back(centred))
    back = about.forward(features)
    return ", ".join(_equation(v / size @ back, values, features, states) for v in simple)


def _equation(coefficients: np.ndarray, values: np.ndarray, features: Polynomial, states: tuple[str, ...]) -> str:
    """Write `x^2 + y^2 = 1`: the constant alone on the right; 1 for the largest coefficient of highest degree."""
    names, families = features.names(states), features.families(states)
    sizes = np.sqrt(np.mean(values**2, axis=0))
    sizes = np.abs(coefficients) * np.where(sizes > 0, sizes, 1.0)
    parts = np.append(sizes[0], np.abs(coefficients[1:]) * values[:, 1:].std(axis=0))
    constant = parts[1:].max() <= STILL * sizes[1:].max()  # of states that never vary
    kept = (sizes if constant else parts) > 1e-9 * (sizes if constant else parts)[1:].max()
    coefficients = np.where(kept, coefficients, 0.0)
    highest = np.array([family == families[np.flatnonzero(kept)[-1]] for family in families])
    coefficients = coefficients / coefficients[np.argmax(np.abs(coefficients) * highest)]
    left, right = equation_lines(np.stack([coefficients[1:], 0 * coefficients[1:]]), names[1:])
    right = equation_lines(-coefficients[:1, None], ["1"])[0] if coefficients[0] else right
    return f"{left} = {right}"


def unsettled(
    rows: Rows, half: Iterable[Batch], frame: np.ndarray, violation: np.ndarray, scale: float, delta: float
) -> int:
    """Count the generators that half of the points leave and all of them break.

    Parameters
    ----------
    rows : Rows
    half : iterable of Batch
    frame : ndarray, `(candidate, direction)`
        Combinations in which the size of generators is the identity.
    violation : ndarray, `(candidate, candidate)`
        Of all points, in units of scale^2.
    scale, delta : float
    """
    delta = max(delta, 1e-7)  # what a Gram matrix can resolve
    values, vectors = np.linalg.eigh(frame.T @ (rows.forms(half).violation / scale**2) @ frame)
    left = frame @ vectors[:, values < delta**2]
    # Ten times delta: a violation that happens to lie near delta is no sign of too few points.
    return int(np.sum(np.linalg.eigvalsh(left.T @ violation @ left) > (10 * delta) ** 2))


def leaves_points(
    rows: Rows, at: Callable[[np.ndarray], Batch], points: np.ndarray, accepted: np.ndarray, scale: float, delta: float
) -> bool:
    """Check whether generators that hold at points fail beside them, a tenth of the way towards other points.

    Parameters
    ----------
    rows : Rows
    at : callable
        Evaluates the function where it can be.
    points : ndarray, `(sample, state)`
        In random order.
    accepted : ndarray, `(candidate, direction)`
        Of size 1.
    scale, delta : float
        The unit of the values, and what counts as zero.
    """
    beside = points + 0.1 * (np.roll(points, 1, axis=0) - points)
    here, there = (_typical(rows, at(where), accepted) / scale for where in (points, beside))
    return bool(np.any(there > np.maximum(max(1e-4, 10 * delta), 1e3 * here)))


def _typical(rows: Rows, batch: Batch, directions: np.ndarray) -> np.ndarray:
    """Return the median over points of |L V|, `(direction,)`: a pole or a kink next to one point must not decide."""
    if not len(batch):
        return np.zeros(directions.shape[1])
    along = rows.along(batch, directions).reshape(len(batch), -1, directions.shape[1])
    return np.median(np.linalg.norm(along, axis=1), axis=0)
