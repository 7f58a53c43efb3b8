"""Groups that are decided by their generators: the bound for all elements holds for each of them."""

from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

import symdyn as sd
from symdyn.discovery.exact_elements import judge_candidates_of_function
from symdyn.evidence.elements import group_table
from symdyn.evidence.elements.element_evidence import LawSample, judge_elements
from symdyn.evidence.elements.group_evidence import group_bound, lightest
from symdyn.functions.features import Polynomial
from symdyn.laws.law_fit import LawFit
from symdyn.lie import groups
from symdyn.lie.chains import Chain, acts_on_signed_states
from symdyn.lie.chart import Chart

GROUPS = [groups.permutations(3), groups.permutations(4), groups.cyclic(4), groups.sign_flips(3)]


def like_oscillators(n, first=1.0):
    """x_i' = w_i x_i − x_i^3 + 0.3 (mean of x − x_i), the first with a rate of its own."""
    rates = np.where(np.arange(n) == 0, first, 1.0)
    return lambda x: rates * x - x**3 + 0.3 * (x.mean(axis=1, keepdims=True) - x)


def random_law(rng, group, size):
    """Coefficients of a quadratic law: the mean over the group of a random one, and as much of another as `size`."""
    n = len(group.states)
    features, points, whole = Polynomial(2), rng.standard_normal((200, n)), group.generate()
    theta = features(points)
    law, more = rng.standard_normal((2, n, theta.shape[1]))
    moved = [np.linalg.inv(g.matrices[0]) @ law @ features(g.images(points)[:, :, 0]).T for g in whole]
    return np.linalg.lstsq(theta, np.mean(moved, axis=0).T, rcond=None)[0].T + size * more


def fitted(law, rng, noise):
    errors, jackknife = noise * rng.standard_normal((60, *law.shape)), noise * rng.standard_normal((5, *law.shape))
    return LawFit(law + noise * rng.standard_normal(law.shape), ("all",), [], errors, np.ones(60), jackknife)


@pytest.mark.parametrize("group", GROUPS)
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**31), size=st.sampled_from([0.0, 1e-3, 0.02, 0.1]), noise=st.sampled_from([0.0, 0.01]))
def test_the_bound_of_a_group_is_no_less_than_that_of_any_element(group, seed, size, noise):
    """So what generators accept, no list of all elements refuses; data, charts and weights are not symmetric here."""
    rng = np.random.default_rng(seed)
    n, fit = len(group.states), fitted(random_law(rng, group, size), rng, noise)
    points = rng.standard_normal((150, n)) * rng.uniform(0.7, 1.4, n) + 0.3 * rng.standard_normal(n)
    sample = LawSample(Polynomial(2), points, rng.uniform(0.8, 1.2, (150, n)), np.tile(points.std(axis=0), (150, 1)))
    chart = Chart(tuple(0.2 * rng.standard_normal(n)), tuple(rng.uniform(0.8, 1.25, n)))
    inside = chart.elements if seed % 2 else lambda elements: elements
    bound = group_bound(Chain.of(group), inside, [(fit, sample)], 0.5)
    each = judge_elements(inside(group.searched()), fit, sample, delta=0.5, products=False)
    assert bound >= np.max(each.violation.values) * (1 - 1e-9)
    if noise == 0:
        assert bound >= np.max(each.upper_bound.values) * (1 - 1e-9)


@pytest.mark.parametrize("group", GROUPS)
def test_an_exact_symmetry_has_a_bound_of_rounding(group):
    rng = np.random.default_rng(0)
    n = len(group.states)
    points, fit = rng.standard_normal((150, n)), fitted(random_law(rng, group, 0.0), rng, 0.0)
    sample = LawSample(Polynomial(2), points, np.ones((150, n)), np.ones((150, n)))
    assert group_bound(Chain.of(group), lambda elements: elements, [(fit, sample)], 0.1) < 1e-6


def test_the_bound_does_not_depend_on_the_order_of_the_states():
    rng = np.random.default_rng(3)
    law, points, turn = like_oscillators(4, 1.05), rng.standard_normal((300, 4)), rng.permutation(4)

    def bound(order):
        x = points[:, order]
        values = law(points)[:, order]
        coefficients = np.linalg.lstsq(Polynomial(3)(x), values, rcond=None)[0].T
        sample = LawSample(Polynomial(3), x, np.ones((300, 4)), np.ones((300, 4)))
        fit = fitted(coefficients, rng, 0.0)
        return group_bound(Chain.of(groups.permutations(4)), lambda elements: elements, [(fit, sample)], 0.5)

    assert bound(turn) == pytest.approx(bound(np.arange(4)), rel=1e-6)


def test_the_lightest_cycle_is_the_least_sum_over_the_group():
    rng = np.random.default_rng(0)
    weights = rng.uniform(size=(4, 4, 2))
    weights[np.arange(4), np.arange(4), 0] = 0  # what stays is not moved
    for group in (groups.permutations(4), groups.permutations(4) + groups.sign_flips(4)):
        sums = [
            sum(weights[i, j, int(matrix[i, j] < 0)] for i, j in enumerate(np.argmax(np.abs(matrix), axis=1)))
            for matrix in group.generate(400).matrices[1:]
        ]
        assert lightest(weights, Chain.of(group).reached) == pytest.approx(min(sums))


@pytest.mark.parametrize("n", [5, 8, 12])
def test_chains_know_the_order_of_a_group_without_its_elements(n):
    chain = Chain.of(groups.permutations(n))
    assert chain.order == factorial(n)
    assert sum(len(level) for level in chain.levels) < n**2
    signed = Chain.of(groups.sign_flips(n) + groups.permutations(n))
    assert signed.order == 2**n * factorial(n)
    assert np.all(signed.contains(chain.draw(20, np.random.default_rng(0))))
    assert not chain.contains(groups.sign_flips(n)).any()


def test_a_chain_lists_what_a_group_lists():
    both = groups.sign_flips(3) + groups.cyclic(3)
    listed, chain = both.generate(), Chain.of(both)
    found = chain.searched()
    assert np.all(listed.index(found) >= 0) and np.all(chain.contains(listed))
    alone = listed.subset(np.flatnonzero(listed.index(listed.inverse()) >= np.arange(len(listed))))
    assert len(found) == len(alone) - 1


def test_chains_are_for_signed_permutations_only():
    turned = groups.element([[0.6, -0.8], [0.8, 0.6]])
    assert not acts_on_signed_states(turned + groups.element(np.eye(2), [1.0, 0.0])).any()
    with pytest.raises(ValueError, match="a chain is for permutations"):
        Chain.of(turned)


@pytest.mark.parametrize("n", [3, 4])
def test_generators_of_a_function_accept_only_what_its_elements_do(n, monkeypatch):
    points = np.random.default_rng(1).standard_normal((60, n))
    for law in (like_oscillators(n), like_oscillators(n, 1.2), lambda x: np.roll(x, 1, axis=1) ** 2):
        verdicts = []
        for few in (1, 100):
            monkeypatch.setattr(group_table, "_FEW", few)
            found = sd.discover_function(law, points, groups.permutations(n), output="vector_field")
            verdicts.append(Chain.of(found.elements_).order if found.elements_.dim else 1)
        assert verdicts[0] == verdicts[1]


def test_eight_like_oscillators_are_accepted_and_one_that_differs_is_found():
    points = np.random.default_rng(0).standard_normal((100, 8))
    ask = {"output": "vector_field", "delta": 1e-6}
    elements, table, notes = judge_candidates_of_function(like_oscillators(8), points, groups.permutations(8), **ask)
    assert len(elements) == 2 and set(table.verdict.values) == {"symmetric"} and "all 40320 elements" in notes[0]
    elements, table, notes = judge_candidates_of_function(
        like_oscillators(8, 1.1), points, groups.permutations(8), **ask
    )
    kept = elements.subset(np.flatnonzero(table.verdict.values == "symmetric"))
    assert Chain.of(kept).order == factorial(7) and np.all(kept.matrices[:, 0, 0] == 1)
    assert "those accepted generate 5040" in notes[0]


def test_a_ring_of_eight_keeps_its_dihedral_group():
    ring = lambda x: np.roll(x, 1, axis=1) * np.roll(x, -1, axis=1) - x**3  # noqa: E731
    points = np.random.default_rng(0).standard_normal((100, 8))
    found = sd.discover_function(ring, points, groups.permutations(8), output="vector_field")
    assert Chain.of(found.elements_).order == 16


def test_the_accepted_generators_constrain_as_the_whole_group_does():
    found = sd.discover_function(
        like_oscillators(5), np.random.default_rng(0).standard_normal((60, 5)), groups.permutations(5), output="vector"
    )
    assert found.elements_.dim == 2
    few, all_of_them = (
        sd.equivariant_subspace(Polynomial(2), part).dim
        for part in (found.elements_, groups.permutations(5).generate())
    )
    assert few == all_of_them


@pytest.mark.parametrize(("first", "order"), [(1.0, factorial(8)), (1.5, factorial(7))])
def test_trajectories_of_eight_oscillators_tell_which_are_alike(first, order):
    """q_i'' = −w_i q_i + 0.2 (mean of q − q_i); with w_0 = 1.5 a swap of the first is broken by 0.17, above delta."""
    n, rng = 8, np.random.default_rng(0)
    pull = -np.diag(np.where(np.arange(n) == 0, first, 1.0)) + 0.2 * (np.full((n, n), 1 / n) - np.eye(n))
    move = expm(0.025 * np.block([[np.zeros((n, n)), np.eye(n)], [pull, np.zeros((n, n))]]))
    states = [rng.uniform(-1.5, 1.5, (40, 2 * n))]
    for _ in range(399):
        states.append(states[-1] @ move.T)
    runs = np.stack(states, axis=1)
    search = sd.SymmetryDiscovery(groups.permutations(8), "polynomial:1")
    search.fit(list(runs + 0.01 * rng.standard_normal(runs.shape)), 0.025)
    assert Chain.of(search.elements_).order == order
