from pathlib import Path

import numpy as np
import pytest

from symdyn.jets.pointfields import parse_generators
from symdyn.systems import field_equations, field_law, known_symmetries, lambda_omega, random_fields, vorticity
from symdyn.systems.spectral import evolve_periodic

L = 2 * np.pi
X, Y = np.meshgrid(*[np.arange(32) * L / 32] * 2, indexing="ij")
# Made with exponax 0.2.0 (JAX, double precision, ETDRK of fourth order, dealiased by two thirds) from smooth random
# starts, kept in single precision: vorticity (viscosity, period, time), 800 steps; burgers (viscosity, period, time),
# 4000 steps; kdv (period, time), extrapolated to a step of 0 from 2000, 4000 and 8000 steps, because that version keeps
# the real part of its phi functions only, which makes it of first order where waves disperse. Its vorticity counts
# clockwise.
EXPONAX = Path(__file__).parent / "data" / "exponax.npz"


def solve(start, *, viscosity=0.02, time=1.0, step=0.05, period=L, **more):
    """One field of vorticity at a time."""
    equations = field_equations("vorticity", viscosity=viscosity)
    more = {"potentials": {"psi": "w"}, **more}
    return evolve_periodic(equations, start[None, None], [period] * 2, np.array([0, time]), largest_step=step, **more)[
        1, 0, 0
    ]


def start(seed=0, modes=4):
    return random_fields(1, (32, 32), modes=modes, rng=seed)[0]


def series(values, points):
    """The Fourier series of a field with period L at points `(point, 2)`."""
    n = len(values)
    waves = np.fft.fftfreq(n, 1 / n)
    along, across = (np.exp(1j * np.outer(points[:, k], waves)) for k in (0, 1))
    return np.einsum("pa,pb,ab->p", along, across, np.fft.fft2(values) / n**2, optimize=True).real


def test_taylor_s_vortices_decay_and_do_not_move():
    whirls = np.cos(2 * X) * np.cos(2 * Y)
    np.testing.assert_allclose(solve(whirls, time=3.0), np.exp(-0.02 * 8 * 3) * whirls, atol=1e-12)


def test_a_rossby_wave_travels_at_its_phase_speed():
    # w_t = -beta psi_x: the potential stands alone in a linear term.
    wave = np.cos(2 * X + 3 * Y)[None, None]
    found = evolve_periodic(
        {"w": {"psi_x": -1.5}}, wave, [L, L], np.array([0, 2.0]), largest_step=2.0, potentials={"psi": "w"}
    )
    np.testing.assert_allclose(found[1, 0, 0], np.cos(2 * X + 3 * Y + 1.5 * 2 / 13 * 2.0), atol=1e-12)


def test_the_scheme_is_of_fourth_order_for_vorticity():
    ends = [solve(start(), step=h, time=1.6) for h in (0.2, 0.1, 0.0125)]
    errors = [np.abs(end - ends[2]).max() for end in ends[:2]]
    assert 11 < errors[0] / errors[1] < 22


def test_without_viscosity_energy_and_enstrophy_are_kept():
    before, after = start(), solve(start(), viscosity=0.0, time=1.0, step=0.01)
    for power in (0, 1):
        squares = np.abs(np.fft.fft2(np.stack([before, after]))) ** 2
        k = np.hypot(*np.meshgrid(*[np.fft.fftfreq(32, 1 / 32)] * 2))
        weight = np.where(k > 0, k, 1.0) ** (-2 * power)
        sums = np.sum(weight * squares, axis=(1, 2))
        assert abs(sums[1] / sums[0] - 1) < 1e-6


@pytest.mark.parametrize(
    ("move", "sign"),
    [
        (lambda w: np.roll(w, (5, -3), (0, 1)), 1),
        (lambda w: np.rot90(w, axes=(0, 1)), 1),
        (lambda w: w[::-1], -1),
        (lambda w: w.T, -1),
    ],
    ids=["translation", "quarter turn", "reflection of x", "reflection of the diagonal"],
)
def test_a_moved_start_gives_the_moved_solution(move, sign):
    np.testing.assert_allclose(solve(sign * move(start())), sign * move(solve(start())), atol=1e-12)


def test_a_flow_turned_by_any_angle_stays_turned():
    # Four whirls of no circulation in sum, small against the period, so that their images are far.
    places = 0.55 * np.array([[1, 0], [0, 1.2], [-1, 0.1], [0.1, -1]])
    n = 96
    grid = np.arange(n) * L / n - np.pi
    x = np.stack(np.meshgrid(grid, grid, indexing="ij"), axis=-1)

    def whirls(turn):
        away = [np.sum((x - turn @ place) ** 2, axis=-1) / 0.4**2 for place in places]
        return sum(s * (1 - a) * np.exp(-a) for s, a in zip([3.6, 3.0, -3.6, 4.2], away, strict=True))

    c, s = np.cos(0.5), np.sin(0.5)
    turn = np.array([[c, -s], [s, c]])
    still, turned = (solve(whirls(r), time=0.8, step=0.02, viscosity=0.01) for r in (np.eye(2), turn))
    inner = x[np.linalg.norm(x, axis=-1) < 2]
    # R^-1 x in coordinates of the series, which count from the first point of the grid.
    back = series(still, inner @ turn + np.pi)
    found = turned[np.linalg.norm(x, axis=-1) < 2]
    assert np.linalg.norm(found - whirls(turn)[np.linalg.norm(x, axis=-1) < 2]) > 0.2 * np.linalg.norm(found)
    assert np.linalg.norm(found - back) < 5e-4 * np.linalg.norm(back)


def test_space_and_time_scale_together():
    # 2 t ∂t + x ∂x + y ∂y − 2 w ∂w, carried by the period instead of the grid.
    one, other = solve(start()), solve(start() / 4, period=2 * L, time=4.0, step=0.2)
    np.testing.assert_allclose(other, one / 4, atol=1e-12)


def test_the_known_symmetries_are_words_that_can_be_read_and_the_law_is_refused():
    assert len(parse_generators(known_symmetries("vorticity"), ("t", "x", "y", "w"))) == 5
    with pytest.raises(ValueError, match="vorticity is no function of jets"):
        field_law("vorticity")


def test_solutions_are_those_of_exponax():
    with np.load(EXPONAX) as given:
        viscosity, period, time = given["vorticity"]
        clockwise = -given["vorticity_start"].astype(float)
        found = -solve(clockwise, viscosity=viscosity, period=period, time=time, step=0.02)
        assert np.abs(given["vorticity_end"] - given["vorticity_start"]).max() > 1
        np.testing.assert_allclose(found, given["vorticity_end"], atol=1e-6)
        for name, options, bound in (("burgers", {"viscosity": given["burgers"][0]}, 1e-5), ("kdv", {}, 1e-6)):
            *_, period, time = given[name]
            found = evolve_periodic(
                field_equations(name, **options),
                given[f"{name}_start"].astype(float)[None, None],
                [period],
                np.array([0, time]),
                largest_step=0.02,
            )
            np.testing.assert_allclose(found[1, 0, 0], given[f"{name}_end"], atol=bound)


def test_random_fields_are_smooth_and_as_wide_as_long_unless_they_are_asked_not_to_be():
    def spectrum(**options):
        drawn = random_fields(400, (32, 32), modes=5, rng=1, **options)
        assert abs(drawn.var() - 1) < 0.03 and np.abs(drawn.mean(axis=(1, 2))).max() < 1e-12
        return np.mean(np.abs(np.fft.fft2(drawn)) ** 2, axis=0) / 32**4

    isotropic = spectrum()
    k = np.hypot(*np.meshgrid(*[np.fft.fftfreq(32, 1 / 32)] * 2))
    assert isotropic[k > 5].max() < 1e-25 and isotropic[5, 0] > 1e-3
    np.testing.assert_allclose(isotropic[1:6, 0], isotropic[0, 1:6], rtol=0.3)
    np.testing.assert_allclose(isotropic[3, 4], isotropic[5, 0], rtol=0.3)
    along_x = spectrum(elongation=4.0)
    assert along_x[0, 2] > 7 * along_x[2, 0]
    along_y = spectrum(elongation=4.0, direction=np.full(400, np.pi / 2))
    assert along_y[2, 0] > 7 * along_y[0, 2]


@pytest.mark.parametrize("options", [{"modes": 16}, {"modes": 0}, {"elongation": 0.5}])
def test_fields_that_the_grid_does_not_hold_are_refused(options):
    with pytest.raises(ValueError, match=r"modes must be 1 \.\.\. 16 and elongation at least 1"):
        random_fields(2, (32, 32), **options)


def test_vorticity_comes_in_the_schema_from_random_or_given_starts():
    options = {"n_trajectories": 2, "n_points": 32, "n_times": 3, "length": 0.4, "largest_step": 0.1}
    data = vorticity(**options, rng=3)
    assert data.w.dims == ("trajectory", "time", "x", "y") and data.attrs["states"] == "w"
    assert data.x.attrs["period"] == pytest.approx(L) and np.abs(data.w.mean(["x", "y"])).max() < 1e-12
    again = vorticity(**options, start=data.w.values[None, :, 0])
    np.testing.assert_allclose(again.w, data.w, atol=1e-13)
    noisy = vorticity(**options, rng=3, noise=0.1)
    assert 0.05 < float((noisy.w - data.w).std() / data.w.std()) < 0.15


def test_a_force_drives_the_flow_and_keeps_translations_along_x():
    options = {"n_points": 32, "n_times": 2, "length": 1.0, "largest_step": 0.05, "forcing": 0.5}
    rest = vorticity(**options, start=np.zeros((1, 1, 32, 32)))
    rate = 0.01 * 16
    expected = 0.5 * np.cos(4 * rest.y) * (1 - np.exp(-rate)) / rate
    np.testing.assert_allclose(rest.w[0, 1], np.broadcast_to(expected, (32, 32)), atol=1e-12)
    one = vorticity(**options, start=start()[None, None])
    moved = vorticity(**options, start=np.roll(start(), 4, axis=0)[None, None])
    np.testing.assert_allclose(moved.w, np.roll(one.w, 4, axis=2), atol=1e-12)


def test_isotropic_starts_of_lambda_omega_have_no_mean_and_turn_with_their_phase():
    options = {"n_points": (32, 32), "n_times": 2, "length": 0.2, "n_trajectories": 2, "largest_step": 0.05}
    data = lambda_omega(**options, isotropic=True, rng=2)
    assert np.abs(data.u[:, 0].mean(["x", "y"])).max() < 1e-12
    c, s = np.cos(1.0), np.sin(1.0)
    u, v = data.u.values, data.v.values
    phase = np.stack([c * u[:, 0] - s * v[:, 0], s * u[:, 0] + c * v[:, 0]])
    turned = lambda_omega(**options, start=phase)
    np.testing.assert_allclose(turned.u[:, 1], c * u[:, 1] - s * v[:, 1], atol=1e-12)
    assert np.abs(lambda_omega(**options, rng=2).u[:, 0].mean(["x", "y"])).max() > 0.05


def test_terms_and_starts_that_do_not_fit_are_refused():
    field = start()[None, None]
    options = {"times": np.array([0, 0.1]), "largest_step": 0.1}
    with pytest.raises(ValueError, match="holds psi, which is neither a field nor the potential of one"):
        evolve_periodic(field_equations("vorticity"), field, [L, L], **options)
    with pytest.raises(ValueError, match="holds psi, which is neither"):
        evolve_periodic({"w": {"psi": 1.0}}, field, [L, L], potentials={"psi": "v"}, **options)
    with pytest.raises(ValueError, match="holds w, which is neither"):
        evolve_periodic({"w": {"w": 1.0}}, field, [L, L], potentials={"w": "w"}, **options)
    with pytest.raises(ValueError, match="start must have shape"):
        vorticity(start=np.zeros((1, 2, 32, 16)), n_points=32)
    with pytest.raises(ValueError, match="an equation of differences has no potentials"):
        vorticity(n_points=32, differences=True)
