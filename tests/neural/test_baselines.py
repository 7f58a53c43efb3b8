"""What trained operators must beat, computed by hand."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import symdyn as sd  # noqa: E402
from symdyn.neural.operators.score import baseline_scores  # noqa: E402


def test_persistence_and_the_mean_err_as_by_hand():
    data = sd.systems.burgers(n_trajectories=4, n_points=64, n_times=11, rng=0)
    data["u"] = data.u + 0.5
    train, test = data.isel(trajectory=slice(0, 2)), data.isel(trajectory=slice(2, 4))
    like = torch.nn.Linear(1, 1, dtype=torch.float64)
    found = baseline_scores(test, train, 2, like)
    u = test.u.values[:, ::2]
    size = np.linalg.norm(u, axis=2)
    step = np.linalg.norm(u[:, 1:] - u[:, :-1], axis=2) / size[:, 1:]
    end = np.linalg.norm(u[:, -1] - u[:, 0], axis=1) / size[:, -1]
    mean = np.linalg.norm(u[:, 1:] - train.u.values.mean(), axis=2) / size[:, 1:]
    assert found["persistence"]["test"] == pytest.approx(step.mean())
    assert found["persistence"]["rollout"] == pytest.approx(end.mean())
    assert found["mean"]["test"] == pytest.approx(mean.mean())
    assert found["mean"]["rollout"] == pytest.approx(mean[:, -1].mean())
