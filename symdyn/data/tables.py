"""Tables, one column a variable: data frames, and files of text in the dialects that are about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from symdyn.data.arrays import given_times, stacked_runs
from symdyn.functions.words import did_you_mean

__all__ = ["from_table", "from_tables", "read_table"]

# From pandas 3.1 on it reads so by itself, and asking for it is deprecated.
_OLD = tuple(int(part) for part in pd.__version__.split(".")[:2]) < (3, 1)
_TO_THE_LAST_DIGIT = {"float_precision": "round_trip"} if _OLD else {}
_CLOCKS = ("t", "time", "date", "datetime", "timestamp")
_RUNS = "trajectory"
_LOOKED_AT = 1 << 16  # characters at the beginning of a file


def from_tables(source, t=None, states: Sequence[str] | None = None) -> xr.Dataset:
    """Build a Dataset from data frames; columns keep their names.

    Parameters
    ----------
    source : DataFrame, Series, or list of these
        A column `t` or `time` (or the index, where it has such a name or holds dates) are the times, a column or level
        of the index `trajectory` tells runs apart; entries of a list are runs.
    t : float or array, or list of these, optional
        The times, where the tables have none.
    states : sequence of str, optional
        The columns that are states, in order; all others if left out.

    Raises
    ------
    ValueError
        For columns that are no numbers, tables with other columns than the first, and times that are missing.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from symdyn.data.tables import from_tables
    >>> t = np.linspace(0, 1, 11)
    >>> table = pd.DataFrame({"t [s]": t, "q [m]": np.cos(t), "v [m/s]": -np.sin(t)})
    >>> data = from_tables(table)
    >>> {name: data[name].attrs["units"] for name in data.data_vars}
    {'t': 's', 'q': 'm', 'v': 'm/s'}
    """
    tables = [_flat(table) for table in (source if isinstance(source, list | tuple) else [source])]
    if len(tables) == 1:
        return from_table(tables[0], "the table", t, states)
    first = list(tables[0])
    for number, table in enumerate(tables):
        if set(table) != set(first):
            raise ValueError(f"table {number} has columns {', '.join(table)}, the first has {', '.join(first)}")
        if _RUNS in table:
            raise ValueError(f"a list of tables has one for each trajectory: drop their columns {_RUNS!r}")
    sizes = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
    joined = pd.concat([table[first] for table in tables], ignore_index=True)
    return from_table(joined.assign(**{_RUNS: sizes}), "the tables", t, states)


def from_table(table: pd.DataFrame, name: str, t=None, states: Sequence[str] | None = None) -> xr.Dataset:
    """Build a Dataset from a table.

    Parameters
    ----------
    table : DataFrame
    name : str
        What to call it in errors.
    t, states : optional
        As in `from_tables`.
    """
    table, units = _without_units(table)
    clock = _clock_of(table)
    if t is None and clock is None:
        raise ValueError(f"{name}: no column 't' or 'time'; the file has {list(table)}")
    if table.empty:
        raise ValueError(f"{name} holds no rows")
    others = [column for column in table if column not in (clock, _RUNS)]
    if states is None:
        others = [column for column in others if not _is_index(table, column)]
    missing = [column for column in states or [] if column not in table]
    if missing:
        hint = did_you_mean(missing[0], table)
        raise ValueError(f"{name}: column {missing[0]!r} is missing; there are {', '.join(map(str, table))}{hint}")
    chosen = [str(column) for column in (others if states is None else states)]
    for column in chosen:
        _check_column(table, column, name, others)
    runs = [run for _, run in table.groupby(_RUNS, sort=False)] if _RUNS in table else [table]
    lengths = [len(run) for run in runs]
    times, attrs = given_times([run[clock].to_numpy() for run in runs] if t is None else t, lengths)
    if "units" not in attrs and clock in units:
        attrs = {"units": units[clock]}
    values = [np.column_stack([run[c].to_numpy(dtype=float, na_value=np.nan) for c in chosen]) for run in runs]
    dataset = stacked_runs(values, times, chosen, attrs)
    for column in set(chosen) & set(units):
        dataset[column].attrs["units"] = units[column]
    if _RUNS in table:
        dataset = dataset.assign_coords({_RUNS: table[_RUNS].unique()})
    # Columns stand in any order: what is position and what is velocity is not said by it.
    return dataset if states is not None else dataset.assign_attrs(states_order="stored")


def read_table(path: Path, states: Sequence[str] | None = None, *, timeless: bool = False) -> xr.Dataset:
    """Read a file of text as a Dataset: columns parted by commas, semicolons, tabs or blanks, `#` before remarks.

    Of a `timeless` table the rows are counted where it has no column of times.

    Raises
    ------
    ValueError
        For a file that is no table, naming it.
    """
    options: dict[str, Any] = {**_TO_THE_LAST_DIGIT, **_dialect(path)}
    try:
        table = pd.read_csv(path, **options)
    except ValueError as error:  # pandas' own errors are kinds of ValueError that do not name the file
        raise ValueError(f"{path} cannot be read as a table: {error}") from error
    table = table.rename(columns=lambda column: str(column).strip())
    counted = timeless and _clock_of(_without_units(table)[0]) is None
    return from_table(table, str(path), 1.0 if counted else None, states)


def _dialect(path: Path) -> dict[str, Any]:
    """Find what parts the columns, what marks decimals, and a header in the last remark before the numbers."""
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        lines = file.read(_LOOKED_AT).splitlines()
    remarks = [line for line in lines if line.lstrip().startswith("#")]
    rows = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    head, body = (rows[0] if rows else ""), "".join(rows[1:2])
    separator = next((mark for mark in (";", "\t", ",") if mark in head), r"\s+" if len(body.split()) > 1 else ",")
    options = {"sep": separator, "comment": "#", "encoding": "utf-8-sig", "skipinitialspace": separator != "\t"}
    if separator in (";", "\t") and re.search(r"\d,\d", body) and not re.search(r"\d\.\d", body):
        options["decimal"] = ","
    fields = [field.strip() for field in re.split(separator, head.strip())]
    if remarks and fields and all(_is_number(field) for field in fields):
        named = [field.strip() for field in re.split(separator, remarks[-1].strip().lstrip("# "))]
        if len(named) == len(fields):
            return {**options, "names": named, "header": None}
    return options


def _flat(table: pd.DataFrame | pd.Series) -> pd.DataFrame:
    """Turn the index, where it says something, into a column; columns without names become x0, x1, ..."""
    if isinstance(table, pd.Series):
        table = table.to_frame(table.name if table.name is not None else "x0")
    telling = [name for name in table.index.names if name in (*_CLOCKS, _RUNS)]
    if isinstance(table.index, pd.DatetimeIndex | pd.TimedeltaIndex) and not telling:
        table, telling = table.rename_axis("time"), ["time"]
    table = table.reset_index(level=telling) if telling else table
    if isinstance(table.columns, pd.RangeIndex):
        return table.set_axis([f"x{k}" for k in table.columns], axis=1)
    return table.rename(columns=str)


def _without_units(table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Rename `t [s]` to `t`, and return the table and the units by name."""
    found = {column: re.fullmatch(r"\s*(\S.*?)\s*[\[(]([^\])]*)[\])]\s*", str(column)) for column in table}
    names = {column: match[1] for column, match in found.items() if match}
    table = table.rename(columns=names)
    if table.columns.has_duplicates:
        double = table.columns[table.columns.duplicated()][0]
        raise ValueError(f"two columns are called {double!r}: rename one")
    return table, {names[column]: match[2].strip() for column, match in found.items() if match and match[2].strip()}


def _clock_of(table: pd.DataFrame) -> str | None:
    """Find the column of times by its name, as it is or in small letters (T alone is a temperature)."""
    small = {str(column).lower(): column for column in table if len(str(column)) > 1}
    return next((name for name in _CLOCKS if name in table), next((small[n] for n in _CLOCKS if n in small), None))


def _is_index(table: pd.DataFrame, column: str) -> bool:
    """Return whether a column without a name counts rows, as tables are often written."""
    nameless = not str(column).strip() or re.fullmatch(r"Unnamed: \d+(_level_\d+)?", str(column))
    return bool(nameless) and pd.api.types.is_integer_dtype(table[column])


def _check_column(table: pd.DataFrame, column: str, name: str, others: Sequence[str]) -> None:
    values = table[column]
    if pd.api.types.is_numeric_dtype(values) and values.dtype.kind in "fiu":
        return
    numbers = [other for other in others if table[other].dtype.kind in "fiu" and not _is_index(table, other)]
    cure = f"convert or drop it, or say which columns are states: states={numbers}"
    kinds = {"c": "complex numbers, not real ones", "b": "truth values, not numbers", "M": "dates, not numbers"}
    raise ValueError(f"{name}: column {column!r} holds {kinds.get(values.dtype.kind, 'text, not numbers')}; {cure}")


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
