import numpy as np
import pytest

import symdyn as sd
from symdyn.data.trajectories import each_trajectory
from symdyn.regression.holdout import predict_trajectory
from symdyn.reporting import figures


@pytest.fixture(scope="module")
def runs():
    return list(each_trajectory(sd.systems.kepler(4, isotropic=False, rng=1)))


def test_principal_axes_are_orthonormal_and_end_with_the_normal_of_the_plane(runs):
    axes = figures.principal_axes([run.states[:, :3] for run in runs])
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    assert abs(axes[2, 2]) > 0.98


def test_orbits_names_every_trajectory(runs):
    texts = {text.get_text() for text in figures.orbits(runs, 3, "au").axes[0].texts}
    assert {run.name for run in runs} <= texts


def test_predictions_say_both_errors(runs):
    features = sd.features.CentralForce((3,)) + sd.features.Polynomial(1, columns=(3, 4, 5))
    coefficients = np.zeros((6, 7))
    coefficients[:3, 4:] = np.eye(3)
    coefficients[3:, :3] = -np.eye(3)
    law = sd.VectorField(features, coefficients, tuple("x y z vx vy vz".split()))
    right = predict_trajectory(law, runs[0], 1.0)
    wrong = predict_trajectory(sd.VectorField(features, 0.5 * coefficients, law.states), runs[0], 1.0)
    title = figures.predictions([(right, wrong)], 3, ("a", "b")).axes[0].get_title()
    assert right.error < 1e-6 < wrong.error
    assert title.startswith(f"{runs[0].name}: ") and " | " in title
