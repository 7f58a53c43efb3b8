"""What every way in which values of a function move keeps: a new one is tested by being listed in VALUES."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from affine_flows import flowed, rate

from symdyn.discovery.sampled_function import units_of_values
from symdyn.lie import candidates, groups
from symdyn.lie.chart import Chart
from symdyn.lie.output_actions import Values, value_action
from symdyn.lie.prolongation import affine_parts

TURN = candidates.so(2)
DRAWN = candidates.affine(2).combine(np.random.default_rng(1).standard_normal((3, 6)))
POINTS = np.random.default_rng(2).standard_normal((9, 2))


@dataclass(frozen=True)
class Case:
    """What a user gives as `output`, the shape of the values, and a function that rotations are a symmetry of.

    `output` depends on the candidates where one matrix is given for each.
    """

    output: object
    shape: tuple[int, ...]
    symmetric: Callable[[np.ndarray], np.ndarray]

    def action(self, generators=DRAWN):
        return value_action(self.output(generators) if callable(self.output) else self.output)

    @property
    def values(self):
        return np.random.default_rng(3).standard_normal((len(POINTS), *self.shape))

    def moved(self, values, generators):
        """psi f `(sample, ..., generator)`."""
        zero = np.zeros((*values.shape, len(generators)))
        return sum(self.action(generators).moved(values, generators, POINTS), zero)


def squared(x):
    return np.sum(x**2, axis=1)


def spiral(x):
    return x @ np.array([[-0.1, -1.0], [1.0, -0.1]]).T * np.exp(-squared(x))[:, None]


def outer(x):
    return x[:, :, None] * x[:, None, :] + np.eye(2) * squared(x)[:, None, None]


def linear_parts(generators):
    return affine_parts(generators)[1]


VALUES = {
    "invariant": Case("invariant", (), squared),
    "invariant tensor": Case("invariant", (2, 3), lambda x: np.multiply.outer(squared(x), np.ones((2, 3)))),
    "vector": Case("vector", (2,), spiral),
    "vector field": Case("vector_field", (2,), spiral),
    "covector": Case(("covector",), (2,), spiral),
    "metric": Case("metric", (2, 2), outer),
    "vectors in a row": Case(("invariant", "vector"), (3, 2), lambda x: spiral(x)[:, None, :] * np.arange(3)[:, None]),
    "map of vectors": Case(("vector", "covector"), (2, 2), outer),
    "density": Case("density", (), squared),
    "given matrices": Case(linear_parts, (2,), spiral),
}
UNKNOWN = {  # values move by a matrix that is found along with the generator
    "unknown on one index": (("vector", "linear"), (2, 3), np.eye(9).reshape(9, 3, 3)),
    "unknown of a class": (candidates.so(3), (3,), linear_parts(candidates.so(3))),
}


@pytest.fixture(params=VALUES)
def case(request):
    return VALUES[request.param]


def test_every_class_is_listed():
    known, found = [Values], set()
    while known:
        known += (kinds := known.pop().__subclasses__())
        found |= {kind for kind in kinds if kind.__module__.startswith("symdyn.")}
    listed = {type(case.action()) for case in VALUES.values()} | {type(value_action(u[0])) for u in UNKNOWN.values()}
    assert found == listed


def test_an_action_stands_for_itself(case):
    assert value_action(case.action()).indices(len(case.shape)) == case.action().indices(len(case.shape))
    action = case.action()
    assert value_action(action) is action


def test_changes_are_linear_in_values_and_in_generators(case):
    first, second = case.values, case.values[::-1] ** 2
    whole, parts = case.moved(first - 2 * second, DRAWN), (case.moved(first, DRAWN), case.moved(second, DRAWN))
    np.testing.assert_allclose(whole, parts[0] - 2 * parts[1], atol=1e-12)
    mixture = np.random.default_rng(4).standard_normal((4, 3))
    mixed = case.action().mixed(mixture).moved(first, DRAWN.combine(mixture), POINTS)
    np.testing.assert_allclose(sum(mixed, np.zeros((*first.shape, 4))), parts[0] @ mixture.T, atol=1e-12)


def carried(case, values, generators=DRAWN):
    """The values that an element makes of these, as a function of the element."""
    return lambda element: case.action(generators).carried(values, element, element.matrices[0])


def test_elements_near_the_identity_change_values_as_their_generator_does(case):
    moved = case.moved(case.values, DRAWN)
    for k, generator in enumerate(DRAWN):
        np.testing.assert_allclose(moved[..., k], rate(carried(case, case.values), generator), atol=1e-8)


def test_a_symmetric_function_keeps_the_generator_and_its_elements_and_another_keeps_neither(case):
    turn = flowed(TURN[0], 0.7)

    def violations(function):
        slope = rate(lambda element: function(element.images(POINTS)[..., 0]), TURN[0])
        change = slope - case.moved(function(POINTS), TURN)[..., 0]
        gap = function(turn.images(POINTS)[..., 0]) - carried(case, function(POINTS), TURN)(turn)
        return [np.abs(change).max(), np.abs(gap).max()]

    np.testing.assert_array_less(violations(case.symmetric), 1e-8)
    np.testing.assert_array_less(1e-2, violations(lambda x: case.symmetric(x * [1.0, 1.3])))


def test_pairs_move_as_functions_do(case):
    found, moves = case.action().act(DRAWN, POINTS, case.shape)
    moved = np.einsum("sopk,sp->sok", moves.outputs, case.values.reshape(len(POINTS), -1))
    assert found is DRAWN
    np.testing.assert_allclose(moved.reshape(*case.values.shape, 3), case.moved(case.values, DRAWN), atol=1e-12)
    np.testing.assert_array_equal(moves.inputs, DRAWN.values(POINTS))


def test_values_over_their_units_move_as_they_do_in_a_chart(case):
    chart = Chart((0.3, -0.2), (2.0, 0.5))
    units = case.action().units(case.values.reshape(len(POINTS), -1), np.array(chart.scale), case.shape)
    inside = (
        case.action()
        .in_units(units)
        .moved(case.values / units.reshape(case.shape), chart.generators(DRAWN), chart.points(POINTS))
    )
    given = case.moved(case.values, DRAWN) / units.reshape(case.shape)[..., None]
    np.testing.assert_allclose(sum(inside, np.zeros(given.shape)), given, atol=1e-12)


def test_only_values_that_stay_as_they_are_are_counted_from_their_mean(case):
    offset = units_of_values(case.values, case.action(), np.ones(2)).offset
    assert offset.any() != case.moved(case.values, DRAWN).any()


def test_time_changes_rates_only(case):
    faster = candidates.from_matrices(np.zeros((1, 2, 2)), time_scaling=[1.0])
    reversal = groups.element(np.eye(2), reverses_time=True)
    if case.action(faster).are_rates:
        np.testing.assert_allclose(case.moved(case.values, faster)[..., 0], -case.values)
        np.testing.assert_allclose(case.action(faster).carried(case.values, reversal, np.eye(2)), -case.values)
    else:
        assert not case.moved(case.values, faster).any()
        with pytest.raises(ValueError, match="time reversal changes the rates of a flow"):
            case.action(faster).check_time(reversal)


@pytest.mark.parametrize("name", UNKNOWN)
def test_unknown_matrices_are_more_candidates_that_move_nothing_but_values(name):
    output, shape, matrices = UNKNOWN[name]
    found, moves = value_action(output).act(DRAWN, POINTS, shape)
    values = np.random.default_rng(3).standard_normal((len(POINTS), *shape))
    assert len(found) == 3 + len(matrices) and len(found.states) == 2 + shape[-1]
    assert not moves.inputs[:, :, 3:].any()
    moved = np.einsum("sopk,sp->sok", moves.outputs, values.reshape(len(POINTS), -1))[:, :, 3:]
    wanted = np.einsum("kop,s...p->s...ok", matrices, values)
    np.testing.assert_allclose(moved.reshape(wanted.shape), wanted, atol=1e-12)
