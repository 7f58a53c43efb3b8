"""Units in words: what they measure, and how they convert."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symdyn.data.dimensions import _ALONE, _PREFIXED, _WORDS, ANGLE, TIME, unit_of

WORDS = st.sampled_from(
    ["m", "km", "au", "s", "day", "h", "kg", "K", "rad", "deg", "hPa", "J", "mol", "Myr", "widgets"]
)
POWERS = st.sampled_from([-2, -1, 1, 2])


@pytest.mark.parametrize(
    ("one", "other", "factor"),
    [
        ("km/h", "m/s", 1 / 3.6),
        ("mm", "m", 1e-3),
        ("AU", "km", 149597870.7),
        ("au/d", "au/s", 1 / 86400),
        ("years", "day", 365.25),
        ("Gyr", "yr", 1e9),
        ("degrees", "rad", np.pi / 180),
        ("degrees_north", "°", 1.0),
        ("arcsec", "deg", 1 / 3600),
        ("turns/min", "rad/s", np.pi / 30),
        ("hPa", "mbar", 1.0),
        ("J", "kg m2 s-2", 1.0),
        ("J", "kg*m**2/s**2", 1.0),
        ("W/(m^2 K)", "W m⁻² K⁻¹", 1.0),
        ("µm", "nm", 1e3),
        ("milliseconds", "ms", 1.0),
        ("kilometres", "km", 1.0),
        ("min", "s", 60.0),
        ("mi", "ft", 5280.0),
        ("hours since 1970-01-01", "h", 1.0),
        ("L", "cm3", 1e3),
    ],
)
def test_units_of_one_dimension_convert(one, other, factor):
    first, second = unit_of(one), unit_of(other)
    assert first.dimension == second.dimension
    assert first.factor / second.factor == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize(
    ("one", "other"),
    [("m", "s"), ("degC", "K"), ("deg", "degC"), ("m", "min"), ("%", "1"), ("counts", "m"), ("au/time unit", "au/day")],
)
def test_what_does_not_convert_has_another_dimension(one, other):
    assert unit_of(one).dimension != unit_of(other).dimension


def test_words_that_are_not_known_cancel():
    assert unit_of("au/time unit").dimension == (("m", 1), ("time unit", -1))
    assert unit_of("counts/day").dimension == (("counts", 1), ("s", -1))
    assert unit_of("counts s / counts").dimension == TIME
    assert unit_of("  ") is None and unit_of("") is None and unit_of("1").dimension == ()


def test_numbers_that_are_no_powers_do_not_stop_anything():
    assert unit_of("km2020").dimension == (("km2020", 1),) and unit_of("au-400").factor == 1


def test_case_matters_where_it_tells_units_apart_and_not_where_it_does_not():
    assert unit_of("MW").factor / unit_of("mW").factor == pytest.approx(1e9)
    assert unit_of("KM") == unit_of("km") and unit_of("Days") == unit_of("day")


def test_every_word_of_the_tables_is_read():
    for name in (*_ALONE, *_PREFIXED, *_WORDS):
        assert all(base in ("m", "g", "s", "K", "A", "mol", "cd", "rad") for base, _ in unit_of(name).dimension), name
    assert unit_of("deg").dimension == unit_of("turns").dimension == ANGLE


@given(st.lists(st.tuples(WORDS, POWERS), min_size=1, max_size=3))
def test_a_unit_over_itself_is_a_number_and_its_square_has_twice_its_powers(parts):
    text = " ".join(f"{word}{power}" for word, power in parts)
    unit, over, square = unit_of(text), unit_of(f"({text}) / ({text})"), unit_of(f"({text}) ({text})")
    assert over.dimension == () and over.factor == pytest.approx(1)
    assert dict(square.dimension) == {base: 2 * power for base, power in unit.dimension}
    assert square.factor == pytest.approx(unit.factor**2)


@given(st.lists(st.tuples(WORDS, POWERS), min_size=1, max_size=3), st.randoms())
def test_the_order_of_factors_and_how_powers_are_written_do_not_matter(parts, random):
    text = " ".join(f"{word}{power}" for word, power in parts)
    shuffled = list(parts)
    random.shuffle(shuffled)
    other = unit_of(" * ".join(f"{word}^{power}" if power % 2 else f"{word}**{power}" for word, power in shuffled))
    assert other.dimension == unit_of(text).dimension
    assert other.factor == pytest.approx(unit_of(text).factor)
