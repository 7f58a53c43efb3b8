"""What every action keeps: a new one is tested by being listed in ACTIONS."""

from dataclasses import dataclass

import numpy as np
import pytest
from affine_flows import flowed, rate

from symdyn.functions.features import CentralForce, Features, Polynomial, monomials
from symdyn.lie import actions, candidates, groups
from symdyn.lie.actions import Action, act, action_of, output_action
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.chart import Chart
from symdyn.lie.derivative import LieDerivative, difference
from symdyn.lie.vectorfields import VectorField
from symdyn.promotion.solver.lie_maps import lie_maps

PLANE = ("x", "y")
TURN = candidates.so(2, states=PLANE)
DRAWN = candidates.affine(2, states=PLANE).combine(np.random.default_rng(1).standard_normal((3, 6)))


@dataclass(frozen=True)
class Case:
    """An action on two states, and a law W theta that rotations of the plane are a symmetry of.

    Along a curve x(t) the arguments are derivatives of the orders `arguments`, the values those of order `values`;
    None where the clock cannot be changed.
    """

    action: Action
    output: str  # the word for it
    features: Features
    law: list
    values: int | None
    arguments: tuple[int, ...] = (0,)

    @property
    def coefficients(self):
        return np.array(self.law, dtype=float)

    @property
    def points(self):
        return np.random.default_rng(2).standard_normal((9, 2 * len(self.arguments)))

    @property
    def candidates(self):
        options = {"states": PLANE, "time_scaling": self.values is not None}
        return candidates.polynomial(2, 2, **options) if self.action.local else candidates.affine(2, **options)

    def moves(self, generators, points=None):
        return self.action.of_generators(generators, self.points if points is None else points, len(self.law))

    def derivative(self, generators):
        return LieDerivative.build(self.features, self.moves(generators), self.points)

    def difference(self, element):
        return difference(self.features, element, self.points, self.action, len(self.law))


SPIRAL = [[0, -0.1, -1, 0, 0, 0], [0, 1, -0.1, 0, 0, 0]]
ACTIONS = {
    "flow": Case(actions.FLOW, "vector_field", Polynomial(2), SPIRAL, values=1),
    "map": Case(actions.MAP, "map", Polynomial(2), SPIRAL, values=None),
    "second order": Case(
        actions.SECOND_ORDER,
        "second_order",
        CentralForce((3, 0), columns=(0, 1)) + Polynomial(1, columns=(2, 3)),
        [[-1, 0, 0.5, 0, 0, -0.1, 0], [0, -1, 0, 0.5, 0, 0, -0.1]],
        values=2,
        arguments=(0, 1),
    ),
    "invariant": Case(actions.INVARIANT, "invariant", Polynomial(2), [[0.3, 0, 0, -1, 0, -1]], values=0),
}


@pytest.fixture(params=ACTIONS)
def case(request):
    return ACTIONS[request.param]


def weights(case, seed=0):
    return np.random.default_rng(seed).standard_normal(case.coefficients.shape)


def curve(order):
    """The derivative of x(t) = (cos t, sin 2 t) of an order `(sample, state)`."""
    times = np.linspace(0, 3, 7)[:, None] * [1, 2] + np.array([0.5, 0.0]) * np.pi + order * np.pi / 2
    return np.sin(times) * [1.0, 2.0**order]


def test_every_action_is_listed():
    known, found = [Action], set()
    while known:
        known += (kinds := known.pop().__subclasses__())
        found |= {kind for kind in kinds if kind.__module__.startswith("symdyn.")}
    assert found == {type(case.action) for case in ACTIONS.values()}
    assert sorted(actions.KINDS) == sorted(case.action.name for case in ACTIONS.values())


def test_words_stand_for_it(case):
    assert action_of(case.action.name) is action_of(case.action) is case.action
    assert output_action(case.output) is output_action(case.action) is case.action
    moves = act(TURN, case.points, case.action.name, len(case.law))
    np.testing.assert_array_equal(moves.inputs, case.moves(TURN).inputs)


def test_the_derivative_is_bilinear(case):
    mixture = np.random.default_rng(3).standard_normal((3, len(case.candidates)))
    derivative, first, second = case.derivative(case.candidates), weights(case), weights(case, 1)
    whole, parts = derivative.of(first - 2 * second), (derivative.of(first), derivative.of(second))
    np.testing.assert_allclose(whole, parts[0] - 2 * parts[1], atol=1e-10)
    combined = case.derivative(case.candidates.combine(mixture)).of(first)
    np.testing.assert_allclose(combined, parts[0] @ mixture.T, atol=1e-10)


def test_the_constraint_is_the_other_reading_of_the_derivative(case):
    derivative = case.derivative(case.candidates)
    rows = derivative.constraint() @ weights(case).ravel()
    found = derivative.of(weights(case))
    np.testing.assert_allclose(rows.T.reshape(found.shape), found, atol=1e-10)


def test_the_exact_maps_of_polynomials_are_the_derivative(case):
    """What promotion penalises, monomial by monomial."""
    library, points = Polynomial(2), case.points
    maps = lie_maps(library, case.candidates, case.action)
    law = np.random.default_rng(4).standard_normal((maps.n_outputs, library.size(points.shape[1])))
    rows = (maps.stacked @ law.ravel()).reshape(len(maps), maps.n_outputs, -1)
    found = np.einsum("sr,kor->sok", monomials(points, maps.exponents), rows)
    wanted = LieDerivative.build(library, case.moves(case.candidates), points).of(law)
    np.testing.assert_allclose(found, wanted, atol=1e-9)


def test_elements_near_the_identity_move_values_and_arguments_as_their_generator_does(case):
    moves = case.moves(DRAWN)
    for k, generator in enumerate(DRAWN):
        matrix = rate(lambda element: case.action.of_elements(element, len(case.law))[0], generator)
        images = rate(lambda element: case.action.on_arguments(element).images(case.points)[:, :, 0], generator)
        np.testing.assert_allclose(moves.outputs[..., k], np.broadcast_to(matrix, moves.outputs.shape[:3]), atol=1e-8)
        np.testing.assert_allclose(moves.inputs[..., k], images, atol=1e-8)


def test_the_derivative_is_the_rate_at_which_elements_break_the_law(case):
    found = case.derivative(DRAWN).of(weights(case))
    for k, generator in enumerate(DRAWN):
        broken = rate(lambda element: case.difference(element).of(weights(case))[..., 0], generator)
        np.testing.assert_allclose(found[..., k], broken, rtol=1e-5, atol=1e-5 * np.abs(broken).max())


def test_a_symmetric_law_has_the_generator_and_its_elements_and_another_has_neither(case):
    turn = flowed(TURN[0], 0.7)
    size = np.abs(case.difference(turn).transported(case.coefficients)).max()
    for violation in (case.derivative(TURN).of, case.difference(turn).of):
        assert np.abs(violation(case.coefficients)).max() < 1e-13 * size
        assert np.abs(violation(case.coefficients + 0.1 * weights(case))).max() > 1e-3 * size


def test_a_faster_clock_changes_derivatives_along_a_curve_by_their_order(case):
    """t -> e^s t: the derivative of order k is multiplied by e^(−k s)."""
    clock = candidates.from_matrices(np.zeros((1, 2, 2)), time_scaling=[1.0], states=PLANE)
    if case.values is None:
        with pytest.raises(ValueError, match="cannot be rescaled"):
            case.moves(clock)
        return
    assert case.action.time_power == case.values
    orders = [curve(k) for k in case.arguments]
    moves, values = case.moves(clock, np.hstack(orders)), curve(case.values)[:, : len(case.law)]
    rates = np.hstack([-k * order for k, order in zip(case.arguments, orders, strict=True)])
    np.testing.assert_allclose(moves.inputs[..., 0], rates, atol=1e-14)
    np.testing.assert_allclose(np.einsum("sopk,sp->so", moves.outputs, values), -case.values * values, atol=1e-14)


def test_a_clock_that_runs_backwards_turns_derivatives_of_odd_order_around(case):
    reversal = groups.element(np.eye(2), reverses_time=True, states=PLANE)
    if case.values is None:
        with pytest.raises(ValueError, match="only flows"):
            case.action.of_elements(reversal, len(case.law))
        return
    signs = np.repeat([(-1.0) ** k for k in case.arguments], 2)
    moved = case.action.on_arguments(reversal).images(case.points)[:, :, 0]
    np.testing.assert_array_equal(moved, case.points * signs)
    matrix = case.action.of_elements(reversal, len(case.law))[0]
    np.testing.assert_array_equal(matrix, (-1.0) ** case.values * np.eye(len(case.law)))


def test_arguments_have_one_name_each_and_move_as_all_of_them_do(case):
    flip = groups.sign_flip([1, -1], states=PLANE)
    names = case.action.names_of_arguments(LieAlgebra(TURN))
    assert names == case.action.names_of_arguments(flip) == case.action.on_arguments(TURN).states
    assert len(set(names)) == case.action.n_arguments(2) == case.points.shape[1] and names[:2] == PLANE
    moved = case.action.on_arguments(case.candidates).values(case.points)
    np.testing.assert_allclose(case.moves(case.candidates).inputs, moved, atol=1e-14)


def test_in_a_chart_values_move_as_they_do_in_their_units(case):
    chart = Chart((0.3, -0.2), (2.0, 0.5), 3.0)
    whole = case.action.chart_of_arguments(chart)
    units = case.action.value_scale(whole, len(case.law))
    assert len(whole) == case.points.shape[1] and units.shape == (len(case.law),)
    given, found = case.moves(case.candidates), case.moves(chart.generators(case.candidates), whole.points(case.points))
    np.testing.assert_allclose(found.inputs, given.inputs / np.array(whole.scale)[:, None], atol=1e-12)
    scaled = given.outputs * units[None, None, :, None] / units[None, :, None, None]
    np.testing.assert_allclose(found.outputs, scaled, atol=1e-12)


def test_values_move_by_one_matrix_unless_the_action_is_local(case):
    nonlinear = candidates.polynomial(2, 2, states=PLANE)
    if case.action.local:
        slopes = np.ptp(case.moves(nonlinear).outputs, axis=0)
        assert slopes.max() > 0.1
        return
    try:
        moves = case.moves(nonlinear)
    except ValueError as error:
        assert "affine" in str(error)  # refused, as no matrix moves the values
    else:
        assert np.ptp(moves.outputs, axis=0).max() == 0


def test_values_that_do_not_move_are_those_of_the_action_on_functions(case):
    still = case.action.on_functions
    assert case.action.n_values(2) == len(case.law)
    if still is not case.action:
        assert not still.moves_values and still.n_arguments(2) == case.action.n_arguments(2)
        moves = still.of_generators(case.candidates, case.points, len(case.law))
        np.testing.assert_array_equal(moves.inputs, case.moves(case.candidates).inputs)
    if not case.action.moves_values:
        assert not case.moves(case.candidates).outputs.any()


def test_generators_are_compared_with_the_flow_over_the_same_arguments(case):
    names = case.action.names_of_arguments(LieAlgebra(TURN))
    law = VectorField(case.features, case.coefficients, names)
    fields, flows = case.action.fields_and_flows(TURN, law, [case.coefficients], case.points)
    assert fields.shape == (*case.points.shape, 1) and [flow.shape for flow in flows] == [case.points.shape]


def test_points_with_another_number_of_arguments_are_refused(case):
    with pytest.raises(ValueError, match="the generators act on"):
        case.moves(TURN, np.ones((3, case.points.shape[1] + 1)))
