"""Data and libraries that cannot answer are refused, or the answer comes with a warning."""

import numpy as np
import pytest

import symdyn as sd

CUBIC = sd.features.Polynomial(3)


def search(data, law=CUBIC, candidates=None):
    return sd.SymmetryDiscovery(candidates or sd.candidates.gl(2), law, n_bootstrap=60).fit(data)


def test_repeated_trajectories_are_warned_of():
    x, step = sd.systems.hopf(n_trajectories=5, noise=0.01)
    with pytest.warns(UserWarning, match="trajectories 1, 5 are the same data"):
        search((x + [x[1]], step))


def test_a_library_that_cannot_hold_the_law_is_warned_of_though_it_misses_little():
    """On the limit cycle a linear field turns like the Hopf normal form; scalings then look symmetric."""
    data = sd.systems.hopf(noise=0.02)
    with pytest.warns(UserWarning, match=r"unexplained, which noise does not account for"):
        found = search(data, sd.features.Polynomial(1))
    assert found.unexplained_[1] > 0.02 and "unexplained" in found.summary()


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("system", [sd.systems.hopf, sd.systems.damped_oscillator])
def test_a_library_that_holds_the_law_is_not_warned_of(system, noise):
    assert search(system(noise=noise)).unexplained_[1] < 0.01


def test_a_library_that_misses_most_of_the_law_is_refused():
    rng = np.random.default_rng(0)
    times = np.linspace(0, 10, 400)
    runs = [np.column_stack([np.sin(3 * times + p), 3 * np.cos(3 * times + p)]) for p in rng.uniform(0, 6, 10)]
    with pytest.raises(ValueError, match="give a larger law library"):
        search((runs, times), sd.features.Polynomial(0))


def test_more_unknowns_than_windows_are_refused():
    x, step = sd.systems.hopf(n_trajectories=1, n_times=40)
    with pytest.raises(ValueError, match="windows of data cannot decide 55 coefficients"):
        search((x, step), sd.features.Polynomial(9))


def test_states_that_never_move_are_refused():
    still = np.ones((50, 2))
    with pytest.raises(ValueError, match="none of the states x0, x1 ever moves"):
        search(([still, still + 1], 0.1), sd.features.Polynomial(1))


def test_the_summary_names_what_hardly_varies(planar_orbits):
    law = sd.features.CentralForce((3,))
    found = search(planar_orbits, law, sd.candidates.gl(3))
    assert "z, vz hardly vary on the data: what needs that cannot be decided" in found.summary()


def test_a_second_body_opposite_to_the_first_is_noticed():
    data = sd.systems.two_body(n_trajectories=50)
    law = sd.features.Polynomial(2, columns=range(4))
    with pytest.warns(UserWarning, match="of the rates unexplained"):
        found = sd.SymmetryDiscovery(sd.candidates.gl(4, copies=2), law, kind="map", n_bootstrap=60).fit(data)
    assert "x0 + x4, x1 + x5, x2 + x6, x3 + x7 hardly vary on the data: what needs that cannot be decided" in (
        found.notes_
    )
