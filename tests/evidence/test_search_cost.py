"""What makes a search with many candidates cheap changes nothing of what it finds."""

import numpy as np
import pytest

import symdyn as sd
from symdyn.evidence.competitors import Competitors
from symdyn.evidence.forms import unknown_form
from symdyn.evidence.mean_forms import mean_form
from symdyn.lie.actions import act
from symdyn.lie.derivative import LieDerivative


@pytest.mark.parametrize("generators", [sd.candidates.affine(3), sd.candidates.polynomial(3, 2)], ids=["one", "local"])
def test_the_mean_over_laws_needs_no_law_by_itself(generators):
    rng = np.random.default_rng(0)
    points, weights = rng.standard_normal((300, 3)), rng.uniform(0.5, 2, (300, 3))
    derivative = LieDerivative.build(sd.features.Polynomial(2), act(generators, points), points)
    laws = rng.standard_normal((7, 3, 10))
    rows = [(derivative.of(law) * weights[:, :, None]).reshape(-1, len(generators)) for law in laws]
    expected = sum(each.T @ each for each in rows) / len(laws) / len(points)
    for found in (mean_form(derivative, laws, weights), unknown_form(derivative, laws, weights)):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12 * np.abs(expected).max())


class Twice(sd.features.Features):
    """Every function twice: half of the combinations vanish everywhere."""

    inner = sd.features.Polynomial(2)

    def __call__(self, points):
        return np.concatenate([self.inner(points)] * 2, axis=1)

    def jacobian(self, points):
        return np.concatenate([self.inner.jacobian(points)] * 2, axis=1)

    def names(self, states):
        return [f"{name} {k}" for k in "ab" for name in self.inner.names(states)]

    def families(self, states):
        return self.inner.families(states) * 2


def test_laws_that_vanish_everywhere_leave_nothing_unknown():
    rng = np.random.default_rng(0)
    points, laws = rng.standard_normal((100, 2)), rng.standard_normal((5, 2, 6))
    derivative = LieDerivative.build(Twice(), act(sd.candidates.affine(2), points), points)
    nothing = unknown_form(derivative, np.concatenate([laws, -laws], axis=2), np.ones((100, 2)))
    assert nothing.shape == (6, 6) and not nothing.any()
    assert unknown_form(derivative, np.concatenate([laws, laws], axis=2), np.ones((100, 2))).any()


def competing(n: int = 6, n_replicates: int = 4, exact: int = 0):
    rng = np.random.default_rng(1)
    rows, errors = rng.standard_normal((20, n)), 0.3 * rng.standard_normal((n_replicates, 20, n))
    rows[:, :exact], errors[:, :, :exact] = 0, 0
    cross, error = rows.T @ errors, np.swapaxes(errors, 1, 2) @ errors
    return rows, errors, Competitors(rows.T @ rows, cross, error)


@pytest.mark.parametrize("exact", [0, 2])
def test_directions_that_compete_are_the_same_for_a_widening_seen_before(exact):
    """Projections on the rows of the directions beyond each rank, asked once or many times, whatever the widening."""
    rows, errors, competitors = competing(exact=exact)
    for widening in (np.array([1.0, 1.5, 0.5, 2.0]), np.ones(4)):
        for rank in (5, 2, 0, 3, 2):
            moved = (rows + widening[:, None, None] * errors)[:, :, rank:]
            seen = moved @ np.linalg.pinv(moved)
            target = np.random.default_rng(rank).standard_normal((4, 20, 2))
            expected = np.swapaxes(target, 1, 2) @ seen @ target
            found = competitors.taken(np.swapaxes(target, 1, 2) @ moved, rank, widening)
            np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)


def test_blocks_of_points_give_what_few_points_give(monkeypatch):
    """Where no points stand for all, sums over blocks of points take their place."""
    data = sd.systems.hopf(noise=0.05, n_trajectories=6)

    def bounds():
        return sd.SymmetryDiscovery("affine", "polynomial:3").fit(data).verdicts_.upper_bound.values

    few = bounds()
    monkeypatch.setattr("symdyn.evidence.point_rows._gains", lambda *sizes: False)
    monkeypatch.setattr("symdyn.evidence.point_rows._BATCH", 5000)
    np.testing.assert_allclose(bounds(), few, rtol=1e-6)
