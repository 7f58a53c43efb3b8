"""Groups of results as tables of a page: names as in Python, three digits, errors in parentheses."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from symdyn.reporting.texts import approximately, element_text, number, shorten, unit_text, with_error

__all__ = ["Cell", "Column", "Row", "Table", "cell_text", "lay_out"]

_TITLES = {"symmetry": "Symmetries", "law": "Law", "validation": "Trajectories left out"}
_OVER = ("generator", "element", "output", "trajectory", "term")  # what rows are told apart by, the first that there is
# Variables that belong to the file, not to the eye.
_HIDDEN = {
    "generator_coefficients",
    "covariance",
    "coefficients",
    "charted",
    "output_units",
    "errors",
    "exact",
    "time_scaling",
}
_ERROR = "_error"
_LEAST = 1e-16  # of p values, below which they are rounding
_WIDTH = 64  # of the label of a generator of which leading terms are written
_LONG = 20
_CERTAIN, _NOTHING = 1e6, 5e-3  # ratios of signal to noise that no digits are needed of
_MOST_ROWS = 300  # on a page; files have all


@dataclass(frozen=True)
class Cell:
    """What is shown, and the number by which it is sorted (None of text)."""

    text: str
    value: float | None = None


@dataclass(frozen=True)
class Column:
    """A column by its name in Python, with unit and meaning."""

    name: str
    unit: str
    meaning: str
    numeric: bool


@dataclass(frozen=True)
class Row:
    """A row by its label; `kind` is its verdict, if any."""

    key: str
    kind: str
    cells: list[Cell]
    whole: str  # the label where `key` is cut


@dataclass(frozen=True)
class Table:
    """A group as a page shows it: `n_hidden` rows are only in the file; `scalars` stand above the rows."""

    title: str
    caption: str
    label: str
    columns: list[Column]
    rows: list[Row]
    n_hidden: int
    scalars: list[tuple[str, str]]

    @property
    def has_long_labels(self) -> bool:
        """Whether the first column needs room."""
        return any(len(row.key) > _LONG for row in self.rows)


def lay_out(name: str, dataset: xr.Dataset) -> Table:
    """Lay out a group: one row an entry of its main dimension, one column a variable over it.

    A variable `x_error` beside `x` is its standard error. A variable over a second dimension with names is one column
    for each of them. A group may have attributes `title`, `caption`, `label` (of the first column), `n_shown` (rows),
    `states` (of finite elements).
    """
    first = [
        str(variable.dims[0]) for name, variable in dataset.data_vars.items() if variable.ndim and name not in _HIDDEN
    ]
    over = next((dim for dim in _OVER if dim in first), first[0] if first else None)
    parts = [] if over is None else _columns(dataset, over)
    keys = [] if over is None else dataset[over].values if over in dataset.coords else range(dataset.sizes[over])
    shown = min(int(dataset.attrs.get("n_shown", _MOST_ROWS)), len(keys)) if parts else 0
    rows = [
        _row(_label(dataset, over, key), _kind(dataset, over, k), [cells[k] for _, cells in parts])
        for k, key in enumerate(list(keys)[:shown])
    ]
    return Table(
        title=dataset.attrs.get("title", _TITLES.get(name, name[:1].upper() + name[1:].replace("_", " "))),
        caption=dataset.attrs.get("caption", ""),
        label=dataset.attrs.get("label", str(over or "")),
        columns=[column for column, _ in parts],
        rows=rows,
        n_hidden=len(keys) - shown if parts else 0,
        scalars=_scalars(dataset),
    )


def _label(dataset: xr.Dataset, over: str | None, key: object) -> str:
    """Write what a row is about; a finite element as a map of the states that the group names."""
    states = dataset.attrs.get("states", "") if over == "element" else ""
    return element_text(str(key), states.split()) if states else str(key)


def _row(label: str, kind: str, cells: list[Cell]) -> Row:
    text = approximately(label)
    return Row(shorten(text, _WIDTH, 2) if text.startswith("≈") else text, kind, cells, label)


def cell_text(value: str | float | np.generic, digits: int = 3) -> str:
    """Write a value as a table shows it."""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else ""
    if isinstance(value, int | np.integer | float | np.floating):
        return number(value, digits)
    return str(value)


def _columns(dataset: xr.Dataset, over: str) -> list[tuple[Column, list[Cell]]]:
    """Make the columns that say something in at least one row, each with all its cells."""
    found = []
    for name, variable in dataset.data_vars.items():
        if name in _HIDDEN or _is_error(dataset, name) or over not in variable.dims:
            continue
        error = dataset.get(f"{name}{_ERROR}")
        if variable.dims == (over,):
            found.append(_column(str(name), variable, error))
        elif variable.ndim == 2 and variable.dims[0] == over and variable.dims[1] in dataset.coords:
            second = str(variable.dims[1])
            for k, label in enumerate(dataset[second].values):
                part = None if error is None else error.isel({second: k})
                found.append(_column(str(label), variable.isel({second: k}), part))
    return [(column, cells) for column, cells in found if any(cell.text not in ("", "–") for cell in cells)]


def _column(name: str, variable: xr.DataArray, error: xr.DataArray | None) -> tuple[Column, list[Cell]]:
    values = variable.values
    errors = [None] * len(values) if error is None else error.values
    cells = [_cell(name, value, own) for value, own in zip(values, errors, strict=True)]
    meaning = variable.attrs.get("long_name", "")
    meaning += ", standard error in parentheses" if error is not None and meaning else ""
    numeric = any(cell.value is not None for cell in cells)
    return Column(name, _unit(variable), meaning, numeric), cells


def _cell(name: str, value: str | float | np.generic, error: float | None = None) -> Cell:
    if isinstance(value, str | bool | np.bool_):
        return Cell(cell_text(value))
    plain = float(value)
    if name.endswith("p_value") and plain < _LEAST:
        return Cell(f"< {number(_LEAST)}", plain)
    if np.isnan(plain):
        return Cell("–")
    if name == "signal_to_noise" and not _NOTHING < abs(plain) < _CERTAIN:
        return Cell("0" if abs(plain) < 1 else f"> {number(_CERTAIN)}", plain)
    return Cell(cell_text(value) if error is None else with_error(plain, float(error)), plain)


def _scalars(dataset: xr.Dataset) -> list[tuple[str, str]]:
    found = []
    for name, variable in dataset.data_vars.items():
        if variable.ndim == 0 and not _is_error(dataset, name):
            error = dataset.get(f"{name}{_ERROR}")
            own = None if error is None else error.item()
            text = variable.attrs.get("long_name", str(name).replace("_", " "))
            unit = _unit(variable)
            found.append((text, f"{_cell(str(name), variable.item(), own).text}{f' {unit}' if unit else ''}"))
    return found


def _is_error(dataset: xr.Dataset, name: Hashable) -> bool:
    return str(name).endswith(_ERROR) and str(name).removesuffix(_ERROR) in dataset.data_vars


def _kind(dataset: xr.Dataset, over: str | None, index: int) -> str:
    return str(dataset["verdict"].values[index]) if "verdict" in dataset and dataset["verdict"].dims == (over,) else ""


def _unit(variable: xr.DataArray) -> str:
    return unit_text(str(variable.attrs.get("units", "")))
