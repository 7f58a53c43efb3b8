import numpy as np
import pytest

from symdyn.functions.features import CentralForce, Radial

POINTS = np.random.default_rng(0).uniform(0.5, 1.5, (20, 4))


def test_a_central_force_is_the_gradient_of_a_radial_potential():
    potential, force = Radial([1], columns=(0, 1)), CentralForce([3], columns=(0, 1))
    assert np.allclose(potential.jacobian(POINTS)[:, 0, :2], -force(POINTS))


def test_powers_are_named_and_stand_by_themselves():
    features = Radial([1, 3])
    assert features.names("xyz") == features.families("xyz") == ["|q|^-1", "|q|^-3"]
    assert features.size(3) == 2 and np.allclose(features(POINTS)[:, 1], features(POINTS)[:, 0] ** 3)


def test_bad_powers_and_points_are_named():
    for powers in ([], [0, 1]):
        with pytest.raises(ValueError, match="powers must name"):
            Radial(powers)
    with pytest.raises(ValueError, match="lies at the origin"):
        Radial([1])(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="reads columns"):
        Radial([1])(np.ones((2, 2)))
