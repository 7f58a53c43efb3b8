import numpy as np
import pysindy as ps
import pytest

from symdyn.lie.features import Fourier, Polynomial, from_library


def test_fourier_features_are_those_of_pysindy_in_its_order():
    points = np.random.default_rng(0).normal(size=(20, 3))
    library = ps.FourierLibrary(n_frequencies=2).fit(points)
    mine, theirs = Fourier(2), from_library(library)
    np.testing.assert_allclose(mine(points), theirs(points), atol=1e-14)
    np.testing.assert_allclose(mine.jacobian(points), theirs.jacobian(points), atol=1e-12)
    assert mine.names(["x", "y", "z"]) == theirs.names(["x", "y", "z"])


@pytest.mark.parametrize("features", [Fourier(2), Polynomial(3)])
def test_means_of_noisy_features_are_the_features_without_noise(features):
    rng = np.random.default_rng(1)
    noise, point = np.array([0.2, 0.1]), np.array([[1.0, -0.7]])
    noisy = point + noise * rng.standard_normal((400_000, 2))
    raw, free = (values - features(point) for values in (features(noisy), features.debiased(noisy, noise)))
    chance = 4 * free.std(axis=0) / np.sqrt(len(noisy))
    assert np.all(np.abs(free.mean(axis=0)) <= chance)
    assert np.abs(raw.mean(axis=0)).max() > 3 * chance.max()


def test_a_frequency_is_at_least_one():
    with pytest.raises(ValueError, match="n_frequencies must be at least 1"):
        Fourier(0)
