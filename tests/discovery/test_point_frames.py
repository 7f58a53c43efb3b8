"""Point symmetries in any unit, about any origin: readable bases, exact numbers, what is left when some are refused."""

import numpy as np
import pytest
import xarray as xr

import symdyn as sd
from symdyn.discovery.point.graded_basis import graded_basis
from symdyn.discovery.point.point_table import refused
from symdyn.evidence.verdicts import empty_table
from symdyn.jets.pointfields import parse_generators
from symdyn.lie.chart import Chart
from symdyn.regression import PDERegression

PLACES, TIMES = np.arange(128) * 2 * np.pi / 128, np.arange(100) * 0.01
HEAT = sum(np.exp(-k * k * TIMES[:, None]) * np.cos(k * PLACES + k * k) / k for k in (1, 2, 3, 4))
HOURS = np.datetime64("2020-01-01") + np.arange(100) * np.timedelta64(1, "h")
# Fields, places, times and the coefficient of u_xx in their units.
INPUTS = {
    "as it is": (HEAT, PLACES, TIMES, 1.0),
    "seconds": (HEAT, PLACES, 3600.0 * np.arange(100), 0.01 / 3600),
    "dates": (HEAT, PLACES, HOURS, 0.01),  # in hours
    "small": (1e-6 * HEAT, PLACES, TIMES, 1.0),
    "large": (1e6 * HEAT, PLACES, TIMES, 1.0),
    "micrometres": (HEAT, 1e6 * PLACES, TIMES, 1e12),
    "kelvin": (300 + HEAT, PLACES, TIMES, 1.0),
    "kelvin in single precision": ((300 + HEAT).astype("f4"), PLACES, TIMES, 1.0),
}
SIX = ["∂t", "∂x", "∂u", "t ∂t + 0.5 x ∂x", "x ∂u", "u ∂u"]


def dataset(u, x=PLACES, t=TIMES):
    return xr.Dataset({"u": (("trajectory", "time", "x"), u[None])}, {"time": t, "x": x})


@pytest.mark.parametrize("given", INPUTS.values(), ids=INPUTS)
def test_the_equation_of_heat_in_any_unit(given):
    u, x, t, coefficient = given
    found = sd.PointSymmetryDiscovery(1, finite_flow=False, n_bootstrap=20).fit(dataset(u, x, t))
    law = {term: float(v) for term, v in zip(found.equation_.term.values, found.equation_.values[0], strict=True) if v}
    assert law == pytest.approx({"u_xx": coefficient}, rel=1e-3)
    truth = parse_generators(SIX, ("t", "x", "u")).vectors()
    vectors = found.algebra_.basis.vectors()
    # About 300 K u ∂u is (u − 300) ∂u + 300 ∂u, and the span is the same.
    assert found.algebra_.dim == 6 and np.linalg.matrix_rank(np.vstack([vectors, truth])) == 6
    assert found.algebra_.exact.all() and found.algebra_.texts() == SIX


@pytest.mark.parametrize("seed", range(4))
def test_noise_about_300_is_the_same_noise(seed):
    noise = 1e-2 * np.random.default_rng(seed).standard_normal(HEAT.shape)
    for model in (PDERegression(n_bootstrap=20), sd.PointSymmetryDiscovery(1, finite_flow=False, n_bootstrap=20)):
        laws = [model.fit(dataset(offset + HEAT + noise)).law_.equations()["u"] for offset in (0, 300)]
        assert laws[1] == pytest.approx(laws[0], rel=1e-6)
        assert laws[0] == pytest.approx({"u_xx": 1.0}, rel=0.05)


def test_a_term_in_small_units_is_not_lost_by_an_optimizer():
    import pysindy as ps

    t, waves = TIMES[:, None], (1, 2, 3, 4)
    moving = sum(np.exp(-k * k * t) * np.cos(k * (PLACES + 2 * t) + k * k) / k for k in waves)
    for scale in (1.0, 1e6):
        model = PDERegression(["u_xx", "u_x"], optimizer=ps.STLSQ(threshold=0.0, alpha=0.0), n_bootstrap=20)
        law = model.fit(dataset(moving, PLACES * scale)).equation_.values[0]
        assert law == pytest.approx([scale**2, 2 * scale], rel=1e-2)


def rotations(wrong):
    algebra = sd.LieAlgebra(sd.candidates.so(3))
    table = empty_table(0.02, 0.05)
    table = xr.Dataset(
        {
            "trivial": ("generator", np.zeros(3, dtype=bool)),
            "verdict": ("generator", np.array(["symmetric"] * 3, dtype=object)),
        },
        attrs=table.attrs,
    )
    return refused(algebra, algebra.subset([]), table, np.array(wrong))


@pytest.mark.parametrize("wrong", [[True, False, False], [False, True, False], [False, False, True]])
def test_what_is_kept_of_rotations_closes(wrong):
    """Two of so(3) make the third: one can stay."""
    kept, _, table = rotations(wrong)
    assert kept.dim == 1 and kept.closure_error() < 1e-12
    assert list(table.verdict.values).count("symmetric") == 1


def test_nothing_goes_where_nothing_is_wrong():
    kept, _, table = rotations([False] * 3)
    assert kept.dim == 3 and list(table.verdict.values) == ["symmetric"] * 3


def test_a_graded_basis_is_that_of_books_in_any_mixture_and_about_any_origin():
    texts = ["∂t", "∂x", "2 t ∂t + x ∂x − u ∂u", "t ∂x + 0.7 ∂u"]
    algebra = parse_generators(texts, ("t", "x", "u"))
    degrees = np.append(np.tile([0, 1, 1, 1], 3), 0)
    mixed = np.random.default_rng(0).standard_normal((4, 4)) @ algebra.vectors()
    for centre in ((0.0, 0.0, 0.0), (100.0, -3.0, 20.0)):
        chart = Chart(centre, (1.0, 1.0, 1.0))
        inside = chart.generators(algebra.with_vectors(mixed)).vectors()
        rows, pivots = graded_basis(inside, degrees, chart.vector_map(algebra.features), 1e-7)
        assert np.all(rows[np.arange(4), pivots] == pytest.approx(1.0))
        found = algebra.with_vectors(np.where(np.abs(rows) < 1e-9, 0.0, rows)).texts()
        assert found == ["∂t", "∂x", "t ∂t + 0.5 x ∂x − 0.5 u ∂u", "t ∂x + 0.7 ∂u"]


def test_numbers_with_units_are_those_of_the_law():
    """The boost of u_t = −a u u_x + ... is t ∂x + ∂u / a, whatever a is in the units of the data."""
    from symdyn.systems import fields

    data = fields.burgers(n_trajectories=6, n_times=60, n_points=64, rng=2, noise=0.02)
    found = sd.PointSymmetryDiscovery(1, finite_flow=False, n_bootstrap=20).fit(data.assign(u=3.7e4 * data.u))
    advection = -float(found.equation_.sel(field="u", term="u u_x"))
    later, now = np.array([[1.0, 0.0, 0.0]]), np.zeros((1, 3))
    boost = next(g for g in found.algebra_.generators if g(later)[0, 1] != g(now)[0, 1])
    at = boost(later)[0]
    assert at[2] / at[1] == pytest.approx(1 / advection, rel=1e-9)
    assert found.algebra_.closure_error() < 1e-12 and found.algebra_.exact.all()
