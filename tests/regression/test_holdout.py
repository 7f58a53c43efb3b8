"""Trajectories left out: fits of the rest, and predictions of what was left out."""

import numpy as np
import pysindy as ps
import pytest

import symdyn as sd
from symdyn.data.trajectories import each_trajectory
from symdyn.lie.vectorfields import VectorField
from symdyn.regression import SymmetricSINDy, law_of
from symdyn.regression.holdout import central_strength, compare_left_out, fit_rows, predict_trajectory

FEATURES = sd.features.CentralForce(range(6)) + sd.features.Polynomial(1, columns=(3, 4, 5))
KEPLER = sd.candidates.so(3) + sd.candidates.from_matrices(np.eye(3)[None], time_scaling=[1.5])
STATES = tuple("x y z vx vy vz".split())


def fit_kepler(data, symmetry=KEPLER):
    rows = fit_rows(data)
    sparse = ps.STLSQ(threshold=1.0, alpha=1e-10, normalize_columns=True)
    model = SymmetricSINDy(sparse, FEATURES.to_library(), symmetry=symmetry)
    return model.fit(rows.x, rows.t, x_dot=rows.x_dot, sample_weight=rows.sample_weight)


def test_left_out_orbits_are_predicted():
    data = sd.systems.kepler(4, rng=3)
    found = compare_left_out(data, [0, 2], lambda rest: {"kept": law_of(fit_kepler(rest))})
    assert [p.name for p in found["kept"]] == ["0", "2"]
    assert max(p.error for p in found["kept"]) < 1e-3


def test_a_prediction_that_runs_away_has_infinite_error():
    (run, *_) = each_trajectory(sd.systems.kepler(1))
    runaway = VectorField(sd.features.Polynomial(2), np.eye(6, 28, k=7) + 5 * np.eye(6, 28, k=13), STATES)
    assert predict_trajectory(runaway, run, 100.0).error == np.inf
    assert central_strength(run) == pytest.approx(1, abs=1e-6)
