"""Accuracy of discovery on Kepler orbits: `python -m pytest benchmarks -m accuracy -s` prints the table."""

import numpy as np
import pytest

import symdyn as sd

FEATURES = sd.features.CentralForce(range(6)) + sd.features.Polynomial(1, columns=(3, 4, 5))
CANDIDATES = sd.candidates.gl(3, time_scaling=True)
SEEDS = range(20)


def _truth():
    rotations = sd.candidates.so(3).vectors()
    scaling = sd.candidates.from_matrices(np.eye(3)[None], time_scaling=[1.5]).vectors()
    return np.concatenate([rotations, scaling])


def _angle(vector, span):
    """Degrees between a true generator and the span that was found, in the Euclidean metric of coefficients."""
    basis = np.linalg.qr(span.T)[0]
    unit = vector / np.linalg.norm(vector)
    return np.degrees(np.arcsin(min(np.linalg.norm(unit - basis @ (basis.T @ unit)), 1.0)))


@pytest.mark.accuracy
def test_kepler_thirty_bodies_one_percent_noise():
    """Target: all four generators within 0.1 degree, tau / scale within 1.5 +- 0.002. Unrounded estimates."""
    print(
        "\nKepler, 30 bodies, isotropic, 1 % noise: angles of the unrounded span (degrees), tau/scale, rounded to exact"
    )
    rows = []
    for seed in SEEDS:
        search = sd.SymmetryDiscovery(CANDIDATES, law=FEATURES).fit(sd.systems.kepler(30, noise=0.01, rng=seed))
        span = search.found_.basis.vectors()
        angles = [_angle(vector, span) for vector in _truth()]
        ratio, error = search.algebra_.time_per_scale()
        rows.append([max(angles), ratio, search.algebra_.dim])
        shown = " ".join(f"{angle:.3f}" for angle in angles)
        print(
            f"seed {seed:2d}: {shown}  {ratio:.4f} +- {error:.4f}  {search.algebra_.name} {search.algebra_.exact.all()}"
        )
    worst, ratios, dims = np.transpose(rows)
    print(f"median of the worst angle {np.median(worst):.3f}, largest {worst.max():.3f} (target 0.1)")
    assert np.all(dims == 4)
    assert np.median(worst) <= 0.1
    assert np.all(np.abs(ratios - 1.5) <= 0.002)
