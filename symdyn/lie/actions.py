"""How a symmetry moves the arguments and the values of a law: written once for each kind of system.

A generator moves arguments z by the field v(z) and values by the matrix psi(z):

    Flow          x' = f(x, u):   v = (v(x), v_u(x, u)),             psi = Dv(x) − tau
    Map           F(x, u) − x:    v = (A x + b, v_u(x, u)),          psi = A
    SecondOrder   q'' = g(q, q'): v = (A q + b, (A − tau) q'),       psi = A − 2 tau
    Invariant     scalars F(x):   v = v(x),                          psi = 0

with tau the rate of time of the generator (Otto, Zolman, Kutz and Brunton, arXiv 2311.00212; time scaling and
prolongation: Olver, Applications of Lie groups to differential equations, 1993). A finite element moves the values by
A; a flow whose time it reverses by −A, accelerations by A (time reversed twice), and invariants not at all. The values
of a map are its increments, which translations do not change.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from symdyn.functions.space import along_samples
from symdyn.lie.chart import Chart
from symdyn.lie.groups import Elements
from symdyn.lie.prolongation import first_order, prolong
from symdyn.lie.vectorfields import Generators, VectorField

__all__ = ["FLOW", "INVARIANT", "KINDS", "MAP", "SECOND_ORDER", "Action", "Moves", "act", "action_of", "output_action"]


@dataclass(frozen=True)
class Moves:
    """What generators make of the arguments and the values of a law at sample points.

    `inputs` `(sample, input, generator)` is v(z); `outputs` `(sample, output, output, generator)` is psi(z). Where psi
    is a sum, such as one matrix for each index of a tensor, `parts` are its terms.
    """

    inputs: np.ndarray
    outputs: np.ndarray
    parts: tuple[np.ndarray, ...] = ()


class Action(ABC):
    """An action of generators and of finite elements on arguments and values of a law.

    `name` is the word that users give; `moves_values` says whether values move at all, `local` whether they move by
    Dv(x) at each point rather than by one matrix; a generator with the rate of time tau moves them by −`time_power` tau
    more. Where `conserves`, Dh . F = 0 means that h is conserved; where `has_velocities`, the second half of the
    arguments are the rates of the first; where `increments`, values are F(x) − x of a map F.
    """

    name: ClassVar[str]
    moves_values: ClassVar[bool] = True
    local: ClassVar[bool] = False
    time_power: ClassVar[float] = 0.0
    conserves: ClassVar[bool] = False
    has_velocities: ClassVar[bool] = False
    increments: ClassVar[bool] = False

    @abstractmethod
    def of_generators(self, generators: Generators, points: np.ndarray, n_outputs: int | None = None) -> Moves:
        """Return v and psi at `points` `(sample, input)`; see `act`."""

    @abstractmethod
    def of_elements(self, members: Elements, n_outputs: int | None = None) -> np.ndarray:
        """Return the matrices M_k `(element, output, output)` by which elements move the values."""

    def on_arguments(self, part):
        """Return generators or elements as they act on all arguments."""
        return part

    @property
    def on_functions(self) -> Action:
        """The action that moves the arguments alike and the values not at all, where there is one."""
        return INVARIANT

    def n_arguments(self, n_states: int) -> int:
        """Return the number of arguments of a law whose symmetry acts on so many states."""
        return n_states

    def names_of_arguments(self, part) -> tuple[str, ...]:
        """Return the names of all arguments of a law with this symmetry."""
        return part.states

    def n_values(self, n_states: int) -> int:
        """Return the number of values of a law, where none is given."""
        return n_states

    def chart_of_arguments(self, chart: Chart) -> Chart:
        """Return the chart of all arguments from that of the states."""
        return chart

    def value_scale(self, chart: Chart, n_outputs: int) -> np.ndarray:
        """Return what values of size 1 in a chart of the arguments are in the units of the data `(output,)`.

        Up to the unit of time, which all share.
        """
        return np.array(chart.scale)[:n_outputs]

    def fields_and_flows(
        self, generators: Generators, law: VectorField, laws: list[np.ndarray], points: np.ndarray
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """Return generators `(sample, argument, generator)` and flows `(sample, argument)` where they are compared.

        `laws` are coefficients `(output, feature)` of laws that the flow may have, the law itself first.
        """
        values = law.features(points)
        flows = [values @ coefficients.T for coefficients in laws]
        return generators.values(points), [np.pad(f, ((0, 0), (0, points.shape[1] - f.shape[1]))) for f in flows]

    def __repr__(self) -> str:
        return self.name


class Invariant(Action):
    """Scalars F(x): values do not move."""

    name = "invariant"
    moves_values = False

    def of_generators(self, generators, points, n_outputs=None):
        _check_states(generators, points)
        n = n_outputs or 1
        return Moves(generators.values(points), np.zeros((len(points), n, n, len(generators))))

    def of_elements(self, members, n_outputs=None):
        n = n_outputs or 1
        return np.broadcast_to(np.eye(n), (len(members), n, n))

    def n_values(self, n_states):
        return 1

    def value_scale(self, chart, n_outputs):
        return np.ones(n_outputs)


class Flow(Action):
    """Rates x' = f(x, u); states come first among the arguments, inputs u last."""

    name = "flow"
    local = True
    time_power = 1.0
    conserves = True

    def of_generators(self, generators, points, n_outputs=None):
        _check_states(generators, points)
        n = n_outputs or points.shape[1]
        slopes = generators.jacobians(points)[:, :n]
        if np.any(slopes[:, :, n:]):
            raise ValueError(
                f"these candidates move the states by the inputs {generators.states[n:]}, which no symmetry of "
                "x' = f(x, u) does for every u(t); leave them out by mask="
            )
        self._check(generators, n)
        rates = self.time_power * np.eye(n)[:, :, None] * generators.time_scaling
        return Moves(generators.values(points), along_samples(lambda psi: psi - rates, slopes[:, :, :n]))

    def of_elements(self, members, n_outputs=None):
        return np.where(members.reverses_time, -1.0, 1.0)[:, None, None] * _blocks(members, n_outputs)

    def _check(self, generators: Generators, n: int) -> None:
        """Refuse generators that the action is not linear for."""


class Map(Flow):
    """Increments F(x, u) − x: they move by A where F moves by A F + b."""

    name = "map"
    local = False
    time_power = 0.0
    conserves = False
    increments = True

    def of_elements(self, members, n_outputs=None):
        if np.any(members.reverses_time):
            raise ValueError("a reversal of a map asks for its inverse: only flows can be tested for time reversal")
        return _blocks(members, n_outputs)

    def _check(self, generators: Generators, n: int):
        probe = np.random.default_rng(3).standard_normal((8, len(generators.states)))
        slopes = generators.jacobians(probe)[:, :n]
        if np.ptp(slopes, axis=0).max(initial=0) > 1e-9 * np.abs(slopes).max(initial=1e-300):
            raise ValueError(
                "symmetries of a map are sought among affine generators: v(F(x)) is not linear in F otherwise"
            )
        if np.any(generators.time_scaling):
            raise ValueError("the steps of a map cannot be rescaled: leave time_scaling out of the candidates")

    def fields_and_flows(self, generators, law, laws, points):
        flows = super().fields_and_flows(generators, law, laws, points)[1]
        # A step is parallel to the flow half-way along it.
        return generators.values(points + flows[0] / 2), flows


class SecondOrder(Action):
    """Accelerations q'' = g(q, q'); generators and elements act on positions, and are prolonged to velocities."""

    name = "second_order"
    time_power = 2.0
    has_velocities = True

    def of_generators(self, generators, points, n_outputs=None):
        prolonged = prolong(generators)
        _check_states(prolonged, points)
        n = len(generators.states)
        linear = generators.jacobians(points[:1, :n])[0]
        rates = np.eye(n)[:, :, None] * generators.time_scaling
        outputs = np.broadcast_to(linear - self.time_power * rates, (len(points), *linear.shape))
        return Moves(prolonged.values(points), outputs)

    def of_elements(self, members, n_outputs=None):
        return _blocks(members, n_outputs)

    def on_arguments(self, part):
        return part.prolong() if isinstance(part, Elements) else prolong(part)

    @property
    def on_functions(self):
        return self

    def n_arguments(self, n_states):
        return 2 * n_states

    def names_of_arguments(self, part):
        return part.prolong().states

    def chart_of_arguments(self, chart):
        return chart.prolong()

    def value_scale(self, chart, n_outputs):
        return np.array(chart.scale)[n_outputs : 2 * n_outputs]

    def fields_and_flows(self, generators, law, laws, points):
        return prolong(generators).values(points), [first_order(law)(points)]


FLOW, MAP, SECOND_ORDER, INVARIANT = Flow(), Map(), SecondOrder(), Invariant()
_KNOWN: dict[str, Action] = {action.name: action for action in (FLOW, MAP, SECOND_ORDER, INVARIANT)}
KINDS = tuple(_KNOWN)
_OUTPUTS: dict[str | None, Action] = {
    None: FLOW, "vector_field": FLOW, "map": MAP, "second_order": SECOND_ORDER, "invariant": INVARIANT
}  # fmt: skip


def action_of(kind: str | Action) -> Action:
    """Return the action that a word stands for; return an action unchanged.

    Raises
    ------
    ValueError
        For an unknown word.
    """
    if isinstance(kind, Action):
        return kind
    if kind not in _KNOWN:
        raise ValueError(f"kind must be one of {KINDS}, got {kind!r}")
    return _KNOWN[kind]


def output_action(output: str | Action | None) -> Action:
    """Return the action that a name of outputs stands for; return an action unchanged.

    Raises
    ------
    ValueError
        For an unknown name.
    """
    if isinstance(output, Action):
        return output
    if output not in _OUTPUTS:
        raise ValueError(f"output must be one of {list(_OUTPUTS)[1:]}, got {output!r}")
    return _OUTPUTS[output]


def act(generators: Generators, points: np.ndarray, kind: str | Action = "flow", n_outputs: int | None = None) -> Moves:
    """Return how `generators` move the arguments and the values of a law of the given kind.

    Parameters
    ----------
    generators : Generators
        Fields on the states; for `"second_order"` on the positions only.
    points : ndarray, `(sample, input)`
    kind : {"flow", "map", "second_order", "invariant"} or Action
        For a map, the values are the increments F(x) − x: they transform by A, where F(x) transforms by A F(x) + b.
    n_outputs : int, optional
        Number of values of an invariant map (by default 1); for a flow or a map, the number of states: the remaining
        coordinates of the points are inputs u (by default none).

    Raises
    ------
    ValueError
        For generators that move states by inputs, and for nonlinear generators or a rate of time of a map.
    """
    return action_of(kind).of_generators(generators, points, n_outputs)


def _blocks(members: Elements, n_outputs: int | None) -> np.ndarray:
    """Return the matrices of elements on the first `n_outputs` states."""
    n = len(members.states) if n_outputs is None else n_outputs
    if n > len(members.states) or np.any(members.matrices[:, :n, n:]):
        raise ValueError(f"the elements act on {len(members.states)} states, and must not mix inputs into {n} outputs")
    return members.matrices[:, :n, :n]


def _check_states(generators: Generators, points: np.ndarray) -> None:
    if points.ndim != 2 or points.shape[1] != len(generators.states):
        raise ValueError(
            f"the generators act on {len(generators.states)} states {generators.states}, "
            f"the points have shape {points.shape}"
        )
