"""Groups of results as tables of a page."""

import numpy as np
import xarray as xr

from symdyn.reporting.table_layout import lay_out


def texts(table):
    return [[cell.text for cell in row.cells] for row in table.rows]


def test_a_standard_error_joins_its_number():
    group = xr.Dataset(
        {"excess": ("model", [0.5, 0.25]), "excess_error": ("model", [0.02, np.nan]), "excess_free": ("model", [1, 2])},
        {"model": ["a", "b"]},
    )
    table = lay_out("comparison", group)
    assert [column.name for column in table.columns] == ["excess", "excess_free"]
    assert texts(table) == [["0.50(2)", "1"], ["0.25", "2"]]
    assert table.rows[0].cells[0].value == 0.5


def test_a_second_dimension_becomes_columns():
    law = xr.Dataset(
        {
            "coefficient": (("term", "output"), [[1.5, np.nan], [-0.25, 2.0]]),
            "coefficient_error": (("term", "output"), [[0.01, np.nan], [0.03, 0.5]]),
        },
        {"term": ["x", "y"], "output": ["x'", "y'"]},
    )
    table = lay_out("terms", law)
    assert [column.name for column in table.columns] == ["x'", "y'"]
    assert texts(table) == [["1.500(10)", "–"], ["−0.25(3)", "2.0(5)"]]


def test_columns_that_say_nothing_are_left_out():
    group = xr.Dataset({"a": ("row", [np.nan, np.nan]), "b": ("row", [False, False]), "c": ("row", [1.0, np.nan])})
    assert [column.name for column in lay_out("rows", group).columns] == ["c"]


def test_scalars_have_units_and_errors():
    group = xr.Dataset({"GM": ((), 2.9618e-4, {"units": "au^3/day^2"}), "GM_error": ((), 1.04e-6), "n": ((), 3)})
    assert lay_out("law", group).scalars == [("GM", "0.0002962(10) au³/day²"), ("n", "3")]


def test_ratios_without_information_are_not_written_to_the_digit():
    group = xr.Dataset({"signal_to_noise": ("row", [6.5e17, -5e-10, 2.5]), "p_value": ("row", [0.0, 1.0, 0.31])})
    assert texts(lay_out("rows", group)) == [["> 10⁶", "< 10⁻¹⁶"], ["0", "1"], ["2.5", "0.31"]]


def test_many_rows_stay_in_the_file():
    group = xr.Dataset({"a": ("row", np.arange(500.0))})
    assert (len(lay_out("rows", group).rows), lay_out("rows", group).n_hidden) == (300, 200)
    assert lay_out("rows", group.assign_attrs(n_shown=12)).n_hidden == 488


def test_finite_elements_are_rows_of_one_map_each():
    group = xr.Dataset({"violation": ("element", [0.1])}, {"element": ["x -> -x, v -> -v"]}, {"states": "x v"})
    assert lay_out("finite symmetries", group).rows[0].key == "(x, v) → (−x, −v)"
