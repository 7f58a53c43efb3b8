"""Which part of a symmetry of fields goes into the weights, which into a penalty, and which is not used.

The span of the generators on (t, x[, y], fields) is decomposed by linear algebra, not generator by generator: a basis
may mix elements that belong to different parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from symdyn.data.grids import FieldGrid
from symdyn.functions.features import Monomials, Polynomial, polynomial_exponents
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.constraints.subspace import null_space, pivoted_basis
from symdyn.lie.vectorfields import Generators
from symdyn.neural.representations import Representation, equivariant_matrices

__all__ = ["SymmetryParts", "symmetry_parts"]

_DRAWS = 20
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class SymmetryParts:
    """A symmetry of fields, split by how an operator can be made to obey it.

    Parameters
    ----------
    values : Representation
        What moves the values alone, linearly, and keeps a quadratic form of them: for weights. Without generators where
        nothing does.
    turn : ndarray `(field, field)`, or None
        The action of y ∂x − x ∂y on the values, 0 where they are invariant; None without rotation of a square grid.
    follows : Generators
        On (t, x[, y], fields), for a penalty: what moves values, or space by amounts that are the same everywhere, and
        leaves times alone. Not those of `values`.
    rest : Generators
        What no operator of a fixed step on a periodic grid can show.
    notes : tuple of str
        How each generator is used.
    """

    values: Representation
    turn: np.ndarray | None
    follows: Generators
    rest: Generators
    notes: tuple[str, ...]

    @property
    def joint(self) -> bool:
        """Whether values rotate with space."""
        return self.turn is not None and bool(np.abs(self.turn).max() > _ROUNDING)

    @property
    def action(self) -> Representation:
        """All that moves values linearly: what scales must commute with."""
        turned = [] if self.turn is None else [self.turn]
        moved = np.concatenate([self.values.generators, np.reshape(turned, (-1, *self.values.generators.shape[1:]))])
        return Representation(moved, self.values.elements)

    @property
    def on_values(self) -> Generators:
        """The generators of `values`, as those of `follows` are written."""
        n_all, n = len(self.follows.states), self.values.dim
        count = len(self.follows.features.names(self.follows.states))
        coefficients = np.zeros((len(self.values.generators), n_all, count))
        coefficients[:, n_all - n :, 1 + n_all - n : 1 + n_all] = self.values.generators
        rates = np.zeros(len(coefficients))
        return Generators(self.follows.features, coefficients, rates, self.follows.states)


def symmetry_parts(algebra: LieAlgebra, grid: FieldGrid) -> SymmetryParts:
    """Split a symmetry into the parts that weights, a penalty, or neither can impose.

    Parameters
    ----------
    algebra : LieAlgebra
        Point symmetries on `t`, the axes and the fields, or an algebra on the fields alone; polynomial.
    grid : FieldGrid

    Raises
    ------
    ValueError
        For an algebra on other variables, and generators that are not polynomial.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.data.grids import field_grid
    >>> from symdyn.neural import symmetry_parts
    >>> data = sd.systems.lambda_omega(n_trajectories=1, n_points=16, n_times=5, length=1.0)
    >>> phase = sd.LieAlgebra(sd.candidates.so(2, states=("u", "v")))
    >>> symmetry_parts(phase, field_grid(data)).notes
    ('v ∂u − u ∂v: held by weights',)
    """
    basis = _orthonormal(_on_point(algebra.basis, grid))
    draws = []
    if algebra.dim and not algebra.exact.all():
        every = [_on_point(draw.basis, grid) for draw in algebra.draw(_DRAWS, np.random.default_rng(12))]
        weights = _weights(basis, _on_point(algebra.basis, grid))
        draws = [drawn.combine(weights) for drawn in every]
    terms = _Terms(basis, grid)
    taken = np.zeros((len(basis), 0))
    found = {}
    # The turn is one generator that every other may be added to; of the rest, what was not taken before.
    ways = {
        "translations": _beyond,
        "values": _beyond,
        "turn": lambda space, _: terms.turning(basis, space),
        "follows": _beyond,
    }
    for kind, way in ways.items():
        rows = getattr(terms, kind)
        space = null_space(rows(basis), np.stack([rows(d) for d in draws]) if draws else None) if len(basis) else taken
        found[kind] = way(space, taken)
        taken = np.linalg.qr(np.column_stack([taken, found[kind]]))[0]
    found["rest"] = np.linalg.svd(taken, full_matrices=True)[0][:, taken.shape[1] :]
    weights = {kind: _readable(basis, columns) for kind, columns in found.items()}
    parts = {kind: _tidy(basis.combine(rows), not draws) for kind, rows in weights.items()}
    parts["turn"] = terms.by_y(parts["turn"])
    values = terms.linear(parts["values"])
    errors = None
    if draws:
        errors = np.stack([terms.linear(d.combine(weights["values"])) for d in draws]) - values
    turn = terms.linear(parts["turn"])[0] if len(parts["turn"]) and _is_square(grid) else None
    representation = Representation(values, np.zeros((0, *values.shape[1:])), errors)
    if len(values) and not _keeps_a_form(representation):
        parts["follows"] = parts["values"] + parts["follows"]
        parts["values"] = parts["values"].combine(np.zeros((0, len(values))))
        representation = Representation(values[:0], representation.elements)
    notes = [*_notes(parts, turn is not None)]
    if "t" in algebra.states:
        notes += _not_found(parts["translations"], grid)
    return SymmetryParts(representation, turn, parts["follows"], parts["rest"], tuple(notes))


class _Terms:
    """Which terms of a generator a kind may not have, as linear equations for combinations of generators.

    Equations are rows `(equation, generator)`: coefficients that must vanish, one row a component and monomial.
    """

    def __init__(self, basis: Generators, grid: FieldGrid):
        exponents = polynomial_exponents(len(basis.states), basis.features.degree)  # type: ignore[attr-defined]
        n_axes = len(grid.axes)
        self.grid, self.first = grid, 1 + n_axes
        degree_t, degree_x = exponents[:, 0], exponents[:, 1 : 1 + n_axes].sum(1)
        degree_u = exponents[:, 1 + n_axes :].sum(1)
        total = exponents.sum(1)
        component = np.arange(len(basis.states))[:, None]
        self.is_space, self.is_field = (component > 0) & (component <= n_axes), component > n_axes
        self.constant = (total == 0) & (component <= n_axes)
        self.linear_u = self.is_field & (degree_u == 1) & (total == 1)
        self.linear_x = self.is_space & (degree_x == 1) & (total == 1)
        self.anywhere = (component > 0) & (degree_x == 0) & (degree_t + degree_u == total)

    def translations(self, g: Generators) -> np.ndarray:
        return self._forbidden(g, self.constant)

    def values(self, g: Generators) -> np.ndarray:
        # Scalings keep no quadratic form, and nonlinearities of a norm keep no scaling.
        traces = np.trace(self.linear(g), axis1=1, axis2=2)[None]
        return np.concatenate([self._forbidden(g, self.linear_u), np.where(np.abs(traces) < _ROUNDING, 0.0, traces)])

    def follows(self, g: Generators) -> np.ndarray:
        return self._forbidden(g, self.anywhere)

    def turn(self, g: Generators) -> np.ndarray:
        rows = self._forbidden(g, (self.constant & self.is_space) | self.linear_u | self.linear_x)
        if self.first != 3:
            return np.concatenate([rows, np.eye(len(g))])  # no rotation of a line
        slopes = g.coefficients[:, 1:3, 2:4]
        symmetric = (slopes + np.swapaxes(slopes, 1, 2)).reshape(len(g), -1).T
        return np.concatenate([rows, symmetric])

    def turning(self, basis: Generators, space: np.ndarray) -> np.ndarray:
        """Find the combination `(generator, 1)` in a span that turns by y ∂x − x ∂y, orthogonal to all that do not."""
        if self.first != 3 or not space.size:
            return np.zeros((len(basis), 0))
        rate = basis.coefficients[:, 1, 3]  # of y in the component x
        along = space @ (space.T @ rate)
        size = rate @ along
        return along[:, None] / size if size > 1e-6 * (rate @ rate + 1e-300) else np.zeros((len(basis), 0))

    def by_y(self, g: Generators) -> Generators:
        """Give a rotation of space the sense of y ∂x − x ∂y: readable form leaves its sign to rounding."""
        return g.combine(np.sign(g.coefficients[:, 1, 3])[:, None] * np.eye(len(g))) if len(g) else g

    def linear(self, g: Generators) -> np.ndarray:
        """Return the matrices `(generator, field, field)`."""
        return g.coefficients[:, self.first :, 1 + self.first : 1 + len(g.states)]

    def _forbidden(self, g: Generators, allowed: np.ndarray) -> np.ndarray:
        allowed = np.broadcast_to(allowed, g.coefficients.shape[1:])
        rows = g.coefficients[:, ~allowed].T
        # Generators have unit norm; columns of rounding alone must not be scaled up by `null_space`.
        return np.where(np.abs(rows) < _ROUNDING, 0.0, rows)


def _keeps_a_form(representation: Representation) -> bool:
    """Check whether some v^T P v with symmetric P is invariant."""
    forms = equivariant_matrices(representation, representation.dual).basis.T
    forms = forms.reshape(-1, representation.dim, representation.dim)
    return bool(np.abs(forms + np.swapaxes(forms, 1, 2)).max(initial=0.0) > 1e-6)


def _on_point(basis: Generators, grid: FieldGrid) -> Generators:
    """Write the same generators on (t, x[, y], fields), a rate of time as motion of t."""
    variables = (*grid.coordinates, *grid.fields)
    if set(basis.states) not in (set(variables), set(grid.fields)):
        raise ValueError(
            f"the symmetry acts on {', '.join(basis.states)}, the data hold {', '.join(variables)}: rename the states"
        )
    exponents = _exponents(basis)
    degree = max(int(exponents.sum(1).max(initial=1)), 1)
    wide = np.zeros((len(exponents), len(variables)), dtype=int)
    places = [variables.index(name) for name in basis.states]
    wide[:, places] = exponents
    order = {tuple(row): k for k, row in enumerate(polynomial_exponents(len(variables), degree))}
    coefficients = np.zeros((len(basis), len(variables), len(order)))
    columns = [order[tuple(row)] for row in wide]
    coefficients[:, np.array(places)[:, None], columns] = basis.coefficients
    if "t" not in basis.states:
        coefficients[:, 0, 1] += basis.time_scaling
    return Generators(Polynomial(degree), coefficients, np.zeros(len(basis)), variables)


def _exponents(basis: Generators) -> np.ndarray:
    if isinstance(basis.features, Monomials):
        return np.array(basis.features.exponents)
    if isinstance(basis.features, Polynomial) and basis.features.columns is None:
        return polynomial_exponents(len(basis.states), basis.features.degree, basis.features.constant)
    raise ValueError("the symmetry must have polynomial coefficients")


def _orthonormal(basis: Generators) -> Generators:
    if not len(basis):
        return basis
    vectors = basis.vectors()
    _, values, right = np.linalg.svd(vectors, full_matrices=False)
    return basis.with_vectors(right[values > 1e-9 * values[0]])


def _weights(new: Generators, old: Generators) -> np.ndarray:
    """Find weights `(new, old)` that make the new generators from the old ones."""
    return new.vectors() @ np.linalg.pinv(old.vectors())


def _beyond(space: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """Return the part of a span `(generator, dim)` orthogonal to what it has in common with another."""
    if not space.size or not taken.size:
        return space
    left, values, _ = np.linalg.svd(space.T @ taken)
    return space @ left[:, int(np.sum(values > 1 - 1e-6)) :]


def _readable(basis: Generators, columns: np.ndarray) -> np.ndarray:
    """Find weights `(new, generator)` of the same span, with generators as sparse as pivots make them."""
    if not columns.size:
        return np.zeros((0, len(basis)))
    vectors = pivoted_basis((columns.T @ basis.vectors()).T)[0].T
    return vectors @ np.linalg.pinv(basis.vectors())


def _tidy(generators: Generators, exact: bool) -> Generators:
    """Remove rounding: of exact generators, what is nearly a simple fraction is one."""
    coefficients = generators.coefficients.copy()
    size = np.abs(coefficients).max(axis=(1, 2), keepdims=True, initial=0.0)
    coefficients[np.abs(coefficients) < _ROUNDING * size] = 0.0
    if exact:
        near = np.round(coefficients * 12) / 12
        coefficients = np.where(np.abs(coefficients - near) < _ROUNDING, near, coefficients)
    return Generators(generators.features, coefficients, generators.time_scaling, generators.states)


def _is_square(grid: FieldGrid) -> bool:
    return grid.shape[1] == grid.shape[2] and bool(np.isclose(grid.steps[1], grid.steps[2], rtol=1e-6))


def _notes(parts: Mapping[str, Generators], held: bool) -> Iterator[str]:
    turn = (
        "held by weights, exactly for quarter turns of the grid" if held else "left out, because the grid is no square"
    )
    kinds = {
        "translations": "held by every Fourier operator",
        "values": "held by weights",
        "turn": turn,
        "follows": "asked for by a penalty",
        "rest": "left out, because no operator of a fixed step on a periodic grid shows it",
    }
    for kind, text in kinds.items():
        yield from (f"{generator}: {text}" for generator in parts[kind].texts())


def _not_found(translations: Generators, grid: FieldGrid) -> Iterator[str]:
    """Say what the architecture assumes and the symmetry does not say."""
    moved = np.abs(translations.coefficients[:, : len(grid.coordinates), 0]).max(axis=0, initial=0.0)
    for name, size in zip(grid.coordinates, moved, strict=True):
        if size < _ROUNDING:
            how = "one operator for all times assumes it" if name == "t" else "Fourier operators keep it all the same"
            yield f"∂{name} was not found: {how}"
