"""Numbers as users pass them: an entry that is not a real number is named in an error, never dropped."""

from __future__ import annotations

import numpy as np

__all__ = ["kept_array", "real_array", "real_points", "real_runs", "refuse_dtype"]

_CURES = {
    "c": "split them into real and imaginary parts, one state each",
    "b": "convert them by astype(float), if 0 and 1 is what they mean",
    "m": "give times as t, and dates as numbers otherwise",
    "M": "give times as t, and dates as numbers otherwise",
}


def real_array(values, name: str) -> np.ndarray:
    """Convert numbers to an array of float64; masked entries become NaN, integers and other floats are converted.

    Parameters
    ----------
    values : array_like
    name : str
        What to call them in errors.

    Raises
    ------
    ValueError
        For complex numbers, Booleans, dates, text and objects, and for rows of unequal length.
    """
    return np.asarray(kept_array(values, name), dtype=float)


def kept_array(values, name: str) -> np.ndarray:
    """Convert as `real_array` does, but leave single precision as it is: memory-mapped files are not read.

    Raises
    ------
    ValueError
        As `real_array`.
    """
    if type(values) is np.ndarray and values.dtype.char in "fd":
        return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))
    if isinstance(values, np.ma.MaskedArray):
        numbers = kept_array(values.data, name)
        return np.where(np.ma.getmaskarray(values), np.nan, numbers)
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(
            f"{name} has rows of unlike length: give arrays (time, state), one for each trajectory in a list"
        ) from error
    refuse_dtype(array.dtype, name)
    single = array.dtype == np.float32
    return np.asarray(array, dtype=array.dtype if single else float)


def real_points(values, name: str) -> tuple[np.ndarray, list[str] | None]:
    """Return points `(sample, state)` as an array, and the names of its columns where they have names.

    Raises
    ------
    ValueError
        For entries that are not real numbers, and for values that are masked or not finite.
    """
    columns = list(getattr(values, "columns", ()))
    named = bool(columns) and not any(isinstance(column, int | np.integer) for column in columns)
    array = real_array(values.to_numpy() if hasattr(values, "to_numpy") else values, name)
    bad = ~np.isfinite(array)
    if bad.any():
        places = int(bad.reshape(len(array), -1).any(axis=1).sum())
        raise ValueError(f"{name} are not finite at {places} of {len(array)} places: leave these out")
    return array, [str(column) for column in columns] if named else None


def real_runs(given, name: str):
    """Convert an array, or a list of arrays, one per run, as `real_array` does; None stays None."""
    if given is None:
        return None
    if isinstance(given, list | tuple) and any(np.ndim(run) for run in given):
        return [real_array(run, name) for run in given]
    return real_array(given, name)


def refuse_dtype(dtype: np.dtype, name: str) -> None:
    """Refuse numbers of a type that is not real, and say what they should become.

    Raises
    ------
    ValueError
    """
    if dtype.kind in "fiu":
        return
    cure = _CURES.get(dtype.kind, "convert or drop them")
    raise ValueError(f"{name} holds {dtype}, not {'real ' if dtype.kind == 'c' else ''}numbers; {cure}")
