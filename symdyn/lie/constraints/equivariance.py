"""Models that keep a symmetry: the null space over coefficients of Lie derivatives and of finite differences."""

from __future__ import annotations

import numpy as np

from symdyn.functions.features import Features, as_features
from symdyn.lie.actions import Action, action_of, output_action
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.algebras.conserved import Conserved
from symdyn.lie.algebras.symmetries import as_symmetries
from symdyn.lie.canonical.normal_frames import balanced_scales
from symdyn.lie.chart import Chart
from symdyn.lie.constraints.invariants import shared_null_space
from symdyn.lie.constraints.monomial_action import exact_numbers, is_affine, polynomial_equations
from symdyn.lie.constraints.subspace import Subspace, null_space, pivoted_basis
from symdyn.lie.derivative import LieDerivative, difference
from symdyn.lie.groups import Elements

__all__ = [
    "as_symmetries",
    "charted_subspace",
    "difference",
    "equivariant_subspace",
    "generic_points",
    "in_chart",
    "subspace_of_data",
]

_Part = LieAlgebra | Elements | Conserved
_LIKE = 10.0  # ratio of scales of states from which on given matrices are brought to one size


def equivariant_subspace(
    features: Features, symmetry, *, output: str | Action | None = None, n_outputs: int | None = None
) -> Subspace:
    """Find the coefficient matrices W for which F = W theta keeps a symmetry: L(v, W theta) = 0 for all generators.

    For a flow x' = W theta(x) the condition is Dv f − Df v = tau f, W theta(g x) = A W theta(x) for elements
    g(x) = A x + b (see `difference`), and Dh . W theta = 0 for conserved quantities h. Of polynomials, affine
    generators and elements it is solved term by term, exactly where all numbers are simple fractions
    (`shared_null_space`); of anything else at generic random points, more than there are unknowns, which is exact
    for analytic features (Otto et al., arXiv 2311.00212), and checked at fresh points. Error bars of generators that
    are not exact set the rank cut.

    Parameters
    ----------
    features : Features, pysindy feature library, or str
        The functions theta over the states (and inputs) that the symmetry acts on.
    symmetry : see `symdyn.lie.algebras.symmetries.as_symmetries`, or Subspace
        LieAlgebra, generators, vector fields, matrices, elements, conserved quantities, a fitted search, words. Words
        give the number of states, as in `"so(3)"`. A Subspace is returned unchanged.
    output : {"vector_field", "map", "second_order", "invariant"}, optional
        By default `"vector_field"`; for a `"map"`, W theta is the increment F(x) − x.
    n_outputs : int, optional
        Number of states, if the symmetry also moves inputs, which come last; number of outputs of an invariant.

    Returns
    -------
    Subspace
        Its `dim` is 0 if the symmetry leaves nothing.

    Examples
    --------
    >>> import symdyn as sd
    >>> features = sd.features.Polynomial(3)
    >>> features.size(2) * 2  # coefficients of a planar law of degree 3
    20
    >>> turn, mirror = sd.candidates.so(2), sd.groups.sign_flip([1, -1])
    >>> [sd.equivariant_subspace(features, given).dim for given in (turn, mirror, [turn, mirror])]
    [4, 10, 2]
    """
    action = output_action(output)
    if isinstance(symmetry, Subspace):
        return symmetry
    parts = as_symmetries(symmetry)
    features = as_features(features, action.n_arguments(len(parts[0].states)))
    n_outputs = n_outputs or action.n_values(len(parts[0].states))
    chart = _chart_of(parts, action)
    if chart is None:
        return _subspace(features, parts, action, n_outputs)
    # Numbers that were found in data are compared where they are of size 1.
    inside = _subspace(chart.features(features), in_chart(parts, chart), action, n_outputs)
    return subspace_of_data(inside, features, chart, action)


def charted_subspace(
    features: Features, parts: list, chart: Chart, *, kind: str | Action = "flow", n_outputs: int | None = None
) -> Subspace:
    """What a symmetry leaves of the coefficients on the functions of a chart.

    Parameters
    ----------
    features : Features
        theta, in the units of the data.
    parts : list
        From `as_symmetries`, in the units of the data.
    chart : Chart
        Of states and inputs.
    kind : {"flow", "map", "second_order", "invariant"} or Action
    n_outputs : int, optional
        As for `equivariant_subspace`.

    Notes
    -----
    What is given as exact is solved as it is given, in fractions where there are any, and its basis then carried into
    the chart.
    """
    action = action_of(kind)
    n_outputs = n_outputs or action.n_values(len(parts[0].states))
    if not all(_is_fractional(part) for part in parts):
        return _subspace(chart.features(features), in_chart(parts, chart), action, n_outputs)
    given = _subspace(features, parts, action, n_outputs)
    turn = np.kron(np.diag(1 / action.value_scale(chart, n_outputs)), chart.back(features).T)
    return _with_pivots(turn @ given.basis, given.shape, 1.0)


def subspace_of_data(inside: Subspace, features: Features, chart: Chart, kind: str | Action = "flow") -> Subspace:
    """What is left of the coefficients on the functions of a chart as one of those on the functions of the data."""
    action, n_outputs = action_of(kind), inside.shape[0]
    turn = np.kron(np.diag(action.value_scale(chart, n_outputs)), chart.forward(features).T)
    return _with_pivots(turn @ inside.basis, inside.shape, _term_sizes(chart, features, action, n_outputs))


def in_chart(parts: list, chart: Chart) -> list:
    """Parts of a symmetry in the coordinates of a chart of all arguments."""
    moved = []
    for part in parts:
        here = chart.subset(range(len(part.states)))
        if isinstance(part, LieAlgebra):
            moved.append(part.in_chart(here))
        else:
            moved.append(here.elements(part) if isinstance(part, Elements) else part.in_chart(here))
    return moved


def _chart_of(parts: list, action: Action) -> Chart | None:
    """The chart of the first part that was found in data, of all that the features read; None without one."""
    found = next((part.chart for part in parts if isinstance(part, LieAlgebra) and part.chart is not None), None)
    if found is None and not all(_is_fractional(part) for part in parts):
        found = _own_chart(parts)
    return None if found is None else action.chart_of_arguments(found)


def _is_fractional(part: _Part):
    """Whether a part is given in simple fractions, and solved as it is given."""
    if isinstance(part, Elements):
        numbers = np.concatenate([part.matrices.ravel(), part.translations.ravel()])
    elif isinstance(part, LieAlgebra):
        if part.chart is not None or not part.exact.all():
            return False
        numbers = part.basis.vectors()
    elif isinstance(part, Conserved):
        numbers = part.quantities.coefficients
    else:
        return False
    return exact_numbers(numbers).dtype == object


def _own_chart(parts: list[_Part]):
    """A chart in which the off-diagonal entries of given matrices are of one size; None for what has no matrices."""
    matrices = [part.matrices for part in parts if isinstance(part, Elements)]
    matrices += [part.matrices for part in parts if isinstance(part, LieAlgebra) and is_affine(part.basis)]
    rows = np.concatenate([np.zeros((0, len(parts[0].states) ** 2)), *[m.reshape(len(m), -1) for m in matrices]])
    n = len(parts[0].states)
    powers = (np.eye(n)[:, None] - np.eye(n)[None]).reshape(-1, n)
    seen = (rows != 0) & np.any(powers != 0, axis=1)
    if not seen.any():
        return None
    scale = balanced_scales(powers, rows, seen, [[k] for k in range(n)])
    return Chart((0.0,) * n, tuple(scale)) if np.abs(np.log(scale)).max() > np.log(_LIKE) else None


def _term_sizes(chart: Chart, features: Features, action: Action, n_outputs: int) -> np.ndarray:
    """How large terms `(output * feature,)` with coefficient 1 are on the data."""
    sizes = np.abs(chart.back(features)).max(axis=1)
    return np.outer(1 / action.value_scale(chart, n_outputs), sizes).ravel()


def _with_pivots(basis: np.ndarray, shape: tuple[int, int], sizes: np.ndarray | float):
    """A Subspace from a basis whose rows differ by decades, pivots on terms that are large where coefficients are 1."""
    if basis.size == 0:
        return Subspace(basis, shape, np.zeros(0, dtype=int))
    scaled = basis * np.reshape(np.broadcast_to(sizes, len(basis)), (-1, 1))
    scaled = scaled / np.linalg.norm(scaled, axis=0)
    found, pivots = pivoted_basis(np.linalg.qr(scaled)[0])
    weights = np.broadcast_to(sizes, len(basis))
    return Subspace(found / weights[:, None] * weights[pivots], shape, pivots)


def _subspace(features: Features, parts: list, action: Action, n_outputs: int) -> Subspace:
    n_inputs = action.n_arguments(len(parts[0].states))
    shape = (n_outputs, features.size(n_inputs))
    solved, sampled = [], []
    for part in parts:
        equations = _equations(features, part, n_inputs, action, n_outputs)
        if equations is None:
            sampled.append(part)
        else:
            solved += equations
    if not solved:
        basis, pivots = pivoted_basis(_sampled_null_space(features, sampled, action, shape, n_inputs))
    else:
        basis, pivots = shared_null_space(solved)
        if sampled and basis.size:
            basis, pivots = pivoted_basis(
                basis @ _sampled_null_space(features, sampled, action, shape, n_inputs, basis)
            )
    return Subspace(basis, shape, pivots)


def generic_points(features: Features, n_inputs: int, count: int, seed: int) -> np.ndarray:
    """Random points `(sample, input)` at which all features are finite.

    Raises
    ------
    ValueError
        If hardly a point is found; names the features.
    """
    rng, kept, finite = np.random.default_rng(seed), [], np.zeros((0, 0), dtype=bool)
    for attempt in range(40):
        drawn = rng.standard_normal((count, n_inputs))
        drawn = np.abs(drawn) if attempt % 2 else drawn  # logarithms and roots are of positive states
        with np.errstate(all="ignore"):
            finite = np.isfinite(features(drawn))
        kept += list(drawn[finite.all(axis=1)])
        if len(kept) >= count:
            return np.array(kept[:count])
    names = features.names([f"x{i}" for i in range(n_inputs)])
    lost = [name for name, known in zip(names, finite.any(axis=0), strict=True) if not known]
    raise ValueError(f"features are finite hardly anywhere: {', '.join(lost or names)}; no symmetry can be imposed")


def _equations(features: Features, part: _Part, n_inputs: int, action: Action, n_outputs: int):
    """Exact equations of a part, None where it has to be sampled."""
    if isinstance(part, Conserved) or (isinstance(part, LieAlgebra) and not part.exact.all()):
        return None
    generators = part.basis if isinstance(part, LieAlgebra) else part
    return polynomial_equations(features, generators, n_inputs, action, n_outputs)


def _sampled_null_space(
    features: Features,
    parts: list[_Part],
    action: Action,
    shape: tuple[int, int],
    n_inputs: int,
    within: np.ndarray | None = None,
):
    """Null space of what parts ask at random points, among the combinations of the columns of `within`."""
    count = 2 * shape[1] + 10
    certain = not any(isinstance(part, LieAlgebra) and not part.exact.all() for part in parts)
    for attempt in range(3):
        points = generic_points(features, n_inputs, count, 11 + attempt)
        rows = _restricted(np.concatenate([_rows(features, part, points, action, shape[0]) for part in parts]), within)
        draws = None if certain else _restricted(_draws(features, parts, points, action, shape[0]), within)
        basis = null_space(rows, draws)
        if not certain or _is_generic(features, parts, action, shape, n_inputs, _expanded(basis, within)):
            return basis
        count *= 2
    raise ValueError(
        "the symmetry holds at random points and not at others: the features are not analytic, such as |x|, or vanish "
        "almost everywhere; give smooth features"
    )


def _is_generic(
    features: Features, parts: list[_Part], action: Action, shape: tuple[int, int], n_inputs: int, basis: np.ndarray
):
    """Whether what was found at some points holds at others, to rounding."""
    if not basis.size:
        return True
    points = generic_points(features, n_inputs, shape[1] + 10, 29)
    rows = np.concatenate([_rows(features, part, points, action, shape[0]) for part in parts])
    return bool(np.all(np.abs(rows @ basis) <= 1e-6 * (np.abs(rows) @ np.abs(basis)) + 1e-9 * np.abs(rows).max()))


def _expanded(basis: np.ndarray, within: np.ndarray | None):
    return basis if within is None else within @ basis


def _restricted(rows: np.ndarray, within: np.ndarray | None):
    """Rows on combinations of features, those that cancel up to rounding set to 0 as in `_rows`."""
    if within is None:
        return rows
    found = rows @ within
    return np.where(np.abs(found) > 1e-12 * (np.abs(rows) @ np.abs(within)), found, 0.0)


def _rows(features: Features, part: _Part, points: np.ndarray, action: Action, n_outputs: int):
    """The rows of constraints `(row, output * feature)`, entries that are only rounding set to 0.

    A feature that is symmetric by itself has a column of rounding errors, which would count as an equation once
    columns are brought to one scale.
    """
    if isinstance(part, Conserved):
        if not action.conserves or n_outputs != len(part.states):
            raise ValueError("conserved quantities constrain flows of all their states: kind 'flow' without inputs")
        return part.constraint(features, points)
    if isinstance(part, Elements):
        parts = difference(features, part, points, action, n_outputs)
        moves = np.abs(parts.transport)
    else:
        moved = action.of_generators(part.basis, points, n_outputs)
        parts = LieDerivative.build(features, moved, points)
        moves = np.einsum("sfi,sik->sfk", np.abs(features.jacobian(points)), np.abs(moved.inputs))
    rows = parts.constraint()
    terms = LieDerivative(np.abs(parts.values), moves, -np.abs(parts.outputs)).constraint()
    rows = np.where(np.abs(rows) > 1e-12 * terms, rows, 0.0)
    return rows.reshape(-1, rows.shape[-1])


def _draws(
    features: Features, parts: list[_Part], points: np.ndarray, action: Action, n_outputs: int, n_draws: int = 20
):
    rng = np.random.default_rng(12)
    drawn = [part.draw(n_draws, rng) if isinstance(part, LieAlgebra) else [part] * n_draws for part in parts]
    drawn = zip(*drawn, strict=True)
    return np.stack([np.concatenate([_rows(features, p, points, action, n_outputs) for p in group]) for group in drawn])
