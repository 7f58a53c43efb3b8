import numpy as np
import pytest

from symdyn.rows.rates import characteristic_time, differentiate, noise_level, spline_derivative

RNG = np.random.default_rng(0)


def irregular(length, n):
    return np.sort(RNG.uniform(0, length, n - 2).tolist() + [0.0, length])


@pytest.mark.parametrize("noise", [0.0, 0.2])
@pytest.mark.parametrize("periods", [1.3, 3.0, 6.0, 7.7])
def test_characteristic_time_of_an_oscillation_is_one_over_its_frequency(periods, noise):
    omega = 2.7
    times = np.linspace(0, periods * 2 * np.pi / omega, 900)
    states = np.column_stack([np.cos(omega * times), 5 * np.sin(omega * times)])
    noisy = states + noise * states.std(axis=0) * RNG.standard_normal(states.shape)
    assert characteristic_time(times, noisy) * omega == pytest.approx(1, rel=0.1)


def test_characteristic_time_does_not_depend_on_units():
    times = np.linspace(0, 20, 500)
    states = np.column_stack([np.cos(times), np.sin(2 * times)])
    first = characteristic_time(times, states)
    assert characteristic_time(60 * times, states * [1, 1e6]) == pytest.approx(60 * first)


def test_a_state_that_never_moves_has_no_say():
    times = np.linspace(0, 20, 500)
    moving = np.cos(times)[:, None]
    assert characteristic_time(times, np.column_stack([moving, 0 * times])) == characteristic_time(times, moving)
    assert characteristic_time(times, np.ones((500, 1))) == 20


@pytest.mark.parametrize("regular", [True, False])
def test_noise_level_is_the_standard_deviation_of_the_noise(regular):
    times = np.linspace(0, 20, 4000) if regular else irregular(20, 4000)
    clean = np.column_stack([np.cos(times), 100 * np.sin(times)])
    noisy = clean + [0.01, 3.0] * RNG.standard_normal(clean.shape)
    np.testing.assert_allclose(noise_level(times, noisy), [0.01, 3.0], rtol=0.1)


def test_clean_data_have_next_to_no_noise():
    times = np.linspace(0, 20, 2000)
    assert noise_level(times, np.cos(times)[:, None])[0] < 1e-7


def test_noise_of_too_few_samples_is_unknown():
    assert np.isnan(noise_level(np.arange(5.0), np.ones((5, 1))))[0]


@pytest.mark.parametrize("regular", [True, False])
def test_spline_derivative_is_of_high_order(regular):
    errors = []
    for n in (100, 200):
        times = np.linspace(0, 6, n) if regular else np.linspace(0, 6, n) + 0.3 * 6 / n * np.sin(7 * np.arange(n))
        errors.append(np.abs(spline_derivative(times, np.sin(times)) - np.cos(times))[10:-10].max())
    assert errors[1] < errors[0] / 2**4.5


def test_spline_derivative_of_too_few_samples_is_an_error():
    with pytest.raises(ValueError, match="more than 5 samples, the trajectory has 4"):
        spline_derivative(np.arange(4.0), np.ones(4))


def test_clean_data_are_differentiated_to_high_accuracy():
    times = irregular(20, 2000)
    values = np.column_stack([np.cos(times), np.sin(times)])
    smooth, rates = differentiate(times, values)
    np.testing.assert_allclose(smooth, values, atol=1e-6)
    np.testing.assert_allclose(rates[5:-5], np.column_stack([-np.sin(times), np.cos(times)])[5:-5], atol=1e-3)


def test_noise_is_smoothed_before_rates_are_taken():
    times = np.linspace(0, 20, 2000)
    clean = np.column_stack([np.cos(times), np.sin(times)])
    smooth, rates = differentiate(times, clean + 0.02 * RNG.standard_normal(clean.shape))
    assert np.sqrt(np.mean((smooth - clean) ** 2)) < 0.02 / 4
    assert np.sqrt(np.mean((rates[20:-20] - np.column_stack([-np.sin(times), np.cos(times)])[20:-20]) ** 2)) < 0.02
