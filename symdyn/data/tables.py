"""Tables with one column per variable: data frames, and text files in the dialects in common use."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from symdyn.data.arrays import given_times, stacked_runs
from symdyn.data.clocks import clock_among
from symdyn.functions.words import did_you_mean

__all__ = ["from_table", "from_tables", "read_table"]

# From pandas 3.1 on it reads so by itself, and asking for it is deprecated.
_OLD = tuple(int(part) for part in pd.__version__.split(".")[:2]) < (3, 1)
_TO_THE_LAST_DIGIT = {"float_precision": "round_trip"} if _OLD else {}
_RUNS = "trajectory"
_LOOKED_AT = 1 << 16  # characters at the beginning of a file
_ROWS = 50  # of numbers that are looked at
_OPEN: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def from_tables(source, t=None, states: Sequence[str] | None = None, *, name: str = "the table") -> xr.Dataset:
    """Build a Dataset from data frames; columns keep their names.

    Parameters
    ----------
    source : DataFrame, Series, or list of these
        From pandas, or from Dask, polars or pyarrow, whose tables are loaded into memory.
        A column `t` or `time` (or the index, where it has such a name or holds dates) are the times, a column or level
        of the index `trajectory` tells runs apart; entries of a list are runs.
    t : float or array, or list of these, optional
        The times, if the tables hold none.
    states : sequence of str, optional
        The columns that are states, in order; by default all others.

    Raises
    ------
    ValueError
        For columns that are not numeric, tables whose columns differ from those of the first, and missing times.

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
    tables = [_flat(_loaded(table)) for table in (source if isinstance(source, list | tuple) else [source])]
    if len(tables) == 1:
        return from_table(tables[0], name, t, states)
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
    clock = clock_among(table)
    if t is None and clock is None:
        raise ValueError(f"{name}: no column 't' or 'time', and no t=; there are {', '.join(map(str, table))}")
    if t is not None and clock is not None:
        raise ValueError(f"{name} holds its times, column {clock!r}: leave out t, or drop the column")
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


def read_table(path: Path, t=None, states: Sequence[str] | None = None, *, timeless: bool = False) -> xr.Dataset:
    """Read a text file as a Dataset: columns separated by commas, semicolons, tabs or blanks, comments after `#`.

    Decimal points or commas; units in brackets after names, or on a line of their own; compressed by gzip, bzip2 or xz.
    In a `timeless` table without a column of times, the row numbers serve as times.

    Raises
    ------
    ValueError
        For a file that is not a table; the message names it.
    """
    options: dict[str, Any] = {**_TO_THE_LAST_DIGIT, **_dialect(path)}
    units = options.pop("units", None)
    try:
        table = pd.read_csv(path, **options)
    except ValueError as error:  # pandas' own errors are kinds of ValueError that do not name the file
        raise ValueError(f"{path} cannot be read as a table: {error}") from error
    table = table.rename(columns=lambda column: str(column).strip())
    if units is not None and len(units) == table.shape[1]:
        table.columns = [f"{name} [{unit.strip('[]() ')}]" for name, unit in zip(table, units, strict=True)]
    if timeless and clock_among(_without_units(table)[0]) is None:
        t = 1.0
    return from_table(table, str(path), t, states)


def _dialect(path: Path) -> dict[str, Any]:
    """Find how a table is written: options of pandas, and the entry `units` for a line of units below the header."""
    encoding = _encoding(path)
    with _OPEN.get(path.suffix.lower(), open)(path, "rt", encoding=encoding, errors="replace") as file:
        lines = file.read(_LOOKED_AT).splitlines()
    written = {k: line for k, line in enumerate(lines) if line.strip()}
    remarks = [line for line in written.values() if line.lstrip().startswith("#")]
    rows = {k: line for k, line in written.items() if not line.lstrip().startswith("#")}
    head, body = next(iter(rows.values()), ""), list(rows.values())[1 : _ROWS + 1]
    separator = _separator(head, body)
    options: dict[str, Any] = {"sep": separator, "comment": "#", "encoding": encoding}
    options["skipinitialspace"] = separator != "\t"
    numbers = "\n".join(body)
    if separator != "," and re.search(r"\d,\d", numbers) and not re.search(r"\d\.\d", numbers):
        options["decimal"] = ","
    names, *others = [_fields(line, separator) for line in (head, *body[:2])]
    if names and all(_is_number(field, options) for field in names):
        return {**options, "names": _names_in(remarks, separator, len(names), path), "header": None}
    if len(others) == 2 and len(others[0]) == len(names) and _are_units(others[0], others[1], options):
        return {**options, "units": others[0], "skiprows": [list(rows)[1]]}
    return options


def _separator(head: str, body: Sequence[str]) -> str:
    found = next((mark for mark in (";", "\t", ",") if mark in head), None)
    return found or (r"\s+" if body and len(body[0].split()) > 1 else ",")


def _names_in(remarks: Sequence[str], separator: str, count: int, path: Path) -> list[str]:
    """Return the header in the last remark before the numbers."""
    named = _fields(remarks[-1].strip().lstrip("# "), separator) if remarks else []
    if len(named) != count:
        example = ", ".join(["t", *(f"x{k}" for k in range(count - 1))])
        raise ValueError(
            f"{path} names no columns, its first line is numbers: put a line of {count} names before it, such as "
            f"{example}"
        )
    return named


def _are_units(units: Sequence[str], numbers: Sequence[str], options: dict[str, Any]) -> bool:
    """Return whether a line below the header names units: words, above a line of numbers."""
    words = not any(_is_number(field, options) for field in units)
    return words and any(units) and all(_is_number(field, options) for field in numbers)


def _encoding(path: Path) -> str:
    """Return how letters are written: UTF-8, UTF-16 if the file says so, else those of Western Europe."""
    with _OPEN.get(path.suffix.lower(), open)(path, "rb") as file:
        first = file.read(_LOOKED_AT)
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:  # a letter may be cut at the end
        codecs.getincrementaldecoder("utf-8")().decode(first)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _fields(line: str, separator: str) -> list[str]:
    return [field.strip().strip('"') for field in re.split(separator, line.strip())]


def _loaded(table: Any) -> pd.DataFrame | pd.Series:
    """Load a table of another library."""
    if hasattr(table, "to_pandas"):
        return table.to_pandas()
    return table.compute() if hasattr(table, "compute") else table


def _flat(table: pd.DataFrame | pd.Series) -> pd.DataFrame:
    """Turn the index, where it says something, into a column; columns without names become x0, x1, ..."""
    if isinstance(table, pd.Series):
        table = table.to_frame(table.name if table.name is not None else "x0")
    telling = [name for name in table.index.names if name == _RUNS or clock_among([str(name)]) is not None]
    if isinstance(table.index, pd.DatetimeIndex | pd.TimedeltaIndex) and not telling:
        table, telling = table.rename_axis("time"), ["time"]
    if table.index.nlevels == 2 and _RUNS not in telling:
        table = _with_levels(table)
    elif telling:
        table = table.reset_index(level=telling)
    if isinstance(table.columns, pd.RangeIndex):
        return table.set_axis([f"x{k}" for k in table.columns], axis=1)
    return table.rename(columns=str)


def _with_levels(table: pd.DataFrame) -> pd.DataFrame:
    """Turn an index of two levels into columns: one of them, by name or the second, is the times, the other runs."""
    names = [str(name) for name in table.index.names]
    clock = clock_among(names)
    place = 1 if clock is None else names.index(clock)
    labels = ["time", "time"]
    labels[1 - place] = _RUNS
    return table.rename_axis(index=labels).reset_index()


def _without_units(table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Rename `t [s]` to `t`, and return the table and the units by name."""
    found = {column: re.fullmatch(r"\s*(\S.*?)\s*[\[(]([^\])]*)[\])]\s*", str(column)) for column in table}
    names = {column: match[1] for column, match in found.items() if match}
    table = table.rename(columns=names)
    if table.columns.has_duplicates:
        double = table.columns[table.columns.duplicated()][0]
        raise ValueError(f"two columns are called {double!r}: rename one")
    return table, {names[column]: match[2].strip() for column, match in found.items() if match and match[2].strip()}


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


def _is_number(field: str, options: dict[str, Any]) -> bool:
    try:
        float(field.replace(options.get("decimal", "."), "."))
    except ValueError:
        return False
    return True
