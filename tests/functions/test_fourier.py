import numpy as np
import pysindy as ps
import pytest

from symdyn.functions.columns import fill_features
from symdyn.functions.features import Fourier, from_library
from symdyn.functions.printing import field_latex
from symdyn.functions.space import InUnits
from symdyn.functions.symbolic import field_sympy
from symdyn.sums.store import _decode, _encode


def test_fourier_features_are_those_of_pysindy_in_its_order():
    points = np.random.default_rng(0).normal(size=(20, 3))
    library = ps.FourierLibrary(n_frequencies=2).fit(points)
    mine, theirs = Fourier(2), from_library(library)
    np.testing.assert_allclose(mine(points), theirs(points), atol=1e-14)
    np.testing.assert_allclose(mine.jacobian(points), theirs.jacobian(points), atol=1e-12)
    assert mine.names(["x", "y", "z"]) == theirs.names(["x", "y", "z"])


def test_an_angle_in_degrees_gives_the_sines_of_the_same_angle_in_radians():
    rng = np.random.default_rng(2)
    radians, noise = rng.uniform(-4, 4, (30, 2)), np.array([0.1, 0.2])
    in_degrees = Fourier(2, radians=(np.pi / 180, 1.0))
    unit = np.array([180 / np.pi, 1.0])
    np.testing.assert_allclose(in_degrees(radians * unit), Fourier(2)(radians), atol=1e-13)
    np.testing.assert_allclose(in_degrees.jacobian(radians * unit) * unit, Fourier(2).jacobian(radians), atol=1e-13)
    wanted = Fourier(2).debiased(radians, noise)
    np.testing.assert_allclose(in_degrees.debiased(radians * unit, noise * unit), wanted, atol=1e-13)
    out = np.empty((8, 3, 10))
    turned = (radians * unit).T.reshape(2, 3, 10)
    for features in (in_degrees, InUnits(in_degrees, (3.0, 1.0), (2.0, 5.0))):
        fill_features(features, turned, np.tile(noise, (3, 1)), out)
        direct = features.debiased(radians * unit, noise)
        np.testing.assert_allclose(out.reshape(8, 30).T, direct, rtol=1e-12, atol=1e-12)


def test_units_of_angles_are_part_of_names_formulas_and_files():
    features = Fourier(1, radians=(np.pi / 180, 1.0, 0.001))
    names = features.names(["theta", "phi", "psi"])
    assert names[::2] == ["sin(1 pi/180 theta)", "sin(1 phi)", "sin(1 0.001 psi)"]
    assert _decode(_encode(features)) == features and _decode(_encode(Fourier(2))) == Fourier(2)
    column, _ = field_sympy(np.eye(6)[:1], features, ("theta", "phi", "psi"))
    assert abs(float(column[0].subs({"theta": 30})) - 0.5) < 1e-12
    assert field_latex(np.eye(6)[:3], features, ("theta", "phi", "psi")).startswith(r"\sin(\pi/180 \theta)")
    assert features.to_library().fit(np.ones((3, 3))).transform(np.array([[30.0, 0, 0]]))[0, 0] == pytest.approx(0.5)
    assert Fourier(2).names(["x"]) == ["sin(1 x)", "cos(1 x)", "sin(2 x)", "cos(2 x)"]


def test_units_of_angles_are_given_for_each_state():
    with pytest.raises(ValueError, match="radians are given for 1 states, there are 2"):
        Fourier(1, radians=(1.0,))(np.ones((3, 2)))
    with pytest.raises(ValueError, match="radians must be positive"):
        Fourier(1, radians=(0.0,))


def test_a_frequency_is_at_least_one():
    with pytest.raises(ValueError, match="n_frequencies must be at least 1"):
        Fourier(0)
