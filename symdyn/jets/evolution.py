"""Laws of evolution ∂_t^m u = N[u] and the linearised condition for their point symmetries.

A generator v = tau ∂t + xi ∂x + phi ∂u moves a solution by its characteristic Q = phi − xi u_x − tau u_t, and is a
symmetry when Q solves the linearised equation on solutions (Olver, Applications of Lie groups to differential
equations, 1993, sections 2.4 and 5.1):

    L(v, N) = D_t^m Q − N'[Q] = 0,     N'[Q] = sum_J ∂N/∂u_J D_J Q,

with u_t, u_tx, ... replaced by N, D_x N, .... For polynomials all of this is exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field

import numpy as np

from symdyn.functions.printing import monomial_exponents
from symdyn.jets.jets import JetPolynomial, JetSpace, add, factors, multiply, packed, partial
from symdyn.lie.constraints.subspace import null_space, pivoted_basis
from symdyn.lie.vectorfields import Generators

__all__ = ["Evolution", "component_polynomials", "conditions", "determining_rows", "exact_symmetries"]


@dataclass(frozen=True)
class Evolution:
    """Represent the law ∂_t^m u_i = N_i[u] of fields, exact polynomials in jets.

    Parameters
    ----------
    space : JetSpace
    right : tuple of JetPolynomial
        One N_i a field, in coordinates and jets with fewer than m derivatives along t.
    time_order : int
        m, 1 or 2.

    Examples
    --------
    >>> from symdyn.jets.evolution import Evolution
    >>> burgers = Evolution.of({"u": {"u u_x": -1.0, "u_xx": 0.1}}, coordinates=("t", "x"))
    >>> burgers.space.names, burgers.time_order
    (('t', 'x', 'u'), 1)
    >>> u = burgers.space.term("u")
    >>> burgers.along_time(u) == burgers.right[0]  # D_t u = N[u] on solutions
    True
    """

    space: JetSpace
    right: tuple[JetPolynomial, ...]
    time_order: int = 1
    _derivatives: dict = dataclass_field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self):
        if len(self.right) != len(self.space.fields):
            raise ValueError(f"right has {len(self.right)} sides for {len(self.space.fields)} fields")
        if self.time_order not in (1, 2):
            raise ValueError(f"time_order must be 1 or 2, got {self.time_order}")

    @classmethod
    def of(cls, equations: Mapping[str, Mapping[str, float]], coordinates: Sequence[str], time_order=1) -> Evolution:
        """Build a law from coefficients by field and term: `{"u": {"u u_x": -1, "u_xx": 0.1}}`.

        Raises
        ------
        ValueError
            For names that are no terms in the coordinates and fields, and for derivatives along t that the left side
            holds.
        """
        space = JetSpace(tuple(coordinates), tuple(equations))
        right = []
        for field, terms in equations.items():
            side: JetPolynomial = {}
            for name, value in terms.items():
                side = add(side, space.term(name), float(value))
            for variable in {v for key in side for v, _ in factors(key)}:
                found = space.describe(variable)
                if found is not None and found[1][0] >= time_order:
                    raise ValueError(
                        f"the right side of {field!r} holds {space.name(variable)}, which the left side is"
                    )
            right.append(side)
        return cls(space, tuple(right), time_order)

    def along_time(self, polynomial: JetPolynomial) -> JetPolynomial:
        """Compute D_t P on solutions: derivatives along t of order m and above are those of N."""
        result: JetPolynomial = {}
        space = self.space
        for variable in {v for key in polynomial for v, _ in factors(key)}:
            slope = partial(polynomial, variable)
            found = space.describe(variable)
            if found is None:
                if variable == 0:
                    result = add(result, slope)
                continue
            field, order = found
            if order[0] + 1 < self.time_order:
                higher = {space.key(field, (order[0] + 1, *order[1:])): 1.0}
            else:
                higher = self._derivative_of_right(field, order[1:])
            result = add(result, multiply(slope, higher))
        return result

    def derivative(self, polynomial: JetPolynomial, order: tuple[int, ...]) -> JetPolynomial:
        """Compute D_J P on solutions."""
        polynomial = self.space.totals(polynomial, (0, *order[1:]))
        for _ in range(order[0]):
            polynomial = self.along_time(polynomial)
        return polynomial

    def linearised(self, field: int, characteristic: Sequence[JetPolynomial]) -> JetPolynomial:
        """Compute N_i'[Q] of the field with index i for Q `(field,)`."""
        result: JetPolynomial = {}
        for variable in {v for key in self.right[field] for v, _ in factors(key)}:
            found = self.space.describe(variable)
            if found is not None:
                moved = self.derivative(characteristic[found[0]], found[1])
                result = add(result, multiply(partial(self.right[field], variable), moved))
        return result

    def characteristic(self, components: Sequence[JetPolynomial]) -> list[JetPolynomial]:
        """Compute Q `(field,)` of the generator with the given components (time, space, fields), on solutions."""
        space, n = self.space, len(self.space.coordinates)
        result = []
        for field in range(len(space.fields)):
            q = components[n + field]
            for i in range(n):
                order = tuple(int(k == i) for k in range(n))
                slope = {space.key(field, order): 1.0}
                if i == 0 and self.time_order == 1:
                    slope = self.right[field]
                q = add(q, multiply(components[i], slope), -1.0)
            result.append(q)
        return result

    def condition(self, components: Sequence[JetPolynomial]) -> tuple[list[JetPolynomial], list[JetPolynomial]]:
        """Compute D_t^m Q and N'[Q], each with one polynomial per field."""
        q = self.characteristic(components)
        moved = q
        for _ in range(self.time_order):
            moved = [self.along_time(side) for side in moved]
        return moved, [self.linearised(field, q) for field in range(len(q))]

    def _derivative_of_right(self, field: int, order: tuple[int, ...]) -> JetPolynomial:
        if (field, order) not in self._derivatives:
            self._derivatives[field, order] = self.space.totals(self.right[field], (0, *order))
        return self._derivatives[field, order]


def component_polynomials(space: JetSpace, generators: Generators) -> list[list[JetPolynomial]]:
    """Return the components (time, space, fields) of each polynomial generator on `space.names`.

    Raises
    ------
    ValueError
        For generators on other variables, or with coefficients that are no polynomials.
    """
    exponents = monomial_exponents(generators.features, len(generators.states))
    if exponents is None:
        raise ValueError(
            "point symmetries are sought among fields with polynomial coefficients: use candidates.polynomial"
        )
    if tuple(generators.states) != space.names:
        raise ValueError(f"the generators act on {generators.states}, the equation is about {space.names}")
    variables = [space.variable(name) for name in space.names]
    keys = [packed(variables, row) for row in exponents]
    return [
        [{k: float(c) for k, c in zip(keys, row, strict=True) if c} for row in field]
        for field in generators.coefficients
    ]


def conditions(law: Evolution, generators: Generators) -> tuple[list[list[JetPolynomial]], list[list[JetPolynomial]]]:
    """Compute D_t^m Q and N'[Q] of each generator, `[generator][field]`."""
    pairs = [law.condition(components) for components in component_polynomials(law.space, generators)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def determining_rows(law: Evolution, generators: Generators) -> np.ndarray:
    """Build the determining equations `(equation, generator)`: every coefficient of L(v_k, N) in the jets."""
    moved, linear = conditions(law, generators)
    columns = []
    for ours, theirs in zip(moved, linear, strict=True):
        column: dict[tuple[int, int], float] = {}
        for field, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            column |= {(field, key): value for key, value in add(a, b, -1.0).items()}
        columns.append(column)
    keys = sorted({key for column in columns for key in column})
    return np.array([[column.get(key, 0.0) for column in columns] for key in keys]).reshape(len(keys), len(columns))


def exact_symmetries(law: Evolution, generators: Generators, rtol: float = 1e-10) -> Generators:
    r"""Find the combinations of the generators that are point symmetries of the law, a basis with few terms.

    Raises
    ------
    ValueError
        See `component_polynomials`.

    Examples
    --------
    >>> from symdyn.jets.evolution import Evolution, exact_symmetries
    >>> from symdyn.jets.pointfields import point_candidates
    >>> heat = Evolution.of({"u": {"u_xx": 1.0}}, ("t", "x"))
    >>> print(*exact_symmetries(heat, point_candidates(1, ["t", "x"], ["u"])).texts(), sep="\n")
    ∂t
    t ∂t + 0.5 x ∂x
    ∂x
    ∂u
    x ∂u
    u ∂u
    """
    rows = determining_rows(law, generators)
    if not len(rows):
        return generators
    basis = null_space(rows, rtol=rtol)
    return generators.combine(pivoted_basis(basis, 1e-10)[0].T)
