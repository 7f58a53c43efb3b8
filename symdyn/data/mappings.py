"""Arrays by name, as MATLAB, `numpy.savez`, HDF5 and dictionaries hold them: which are states, which the times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from symdyn.data.arrays import from_arrays
from symdyn.data.clocks import clock_among
from symdyn.data.numbers import real_array

__all__ = ["dims_by_size", "from_mapping", "from_records", "is_records"]

_WHOLE = ("x", "X")  # an array of all states
_STEPS = ("dt", "step")
_LABELS = ("states", "names", "feature_names")
_AXES = ("x", "y")


def from_mapping(
    held: Mapping[str, Any],
    what: str,
    t=None,
    states: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
) -> xr.Dataset:
    """Build a Dataset from arrays by name.

    Parameters
    ----------
    held : mapping
        Times under a name such as `t` or `time`, or a step `dt`; and one of: an array `x`, or any other that stands
        alone, with all states, `(time, state)` or `(trajectory, time, state)` or a list of arrays (then `states` may
        hold names, `u` inputs); arrays `(time,)` or `(trajectory, time)`, one for each state; one-dimensional `x` (and
        `y`) with fields over times and these. Axes in another order are transposed where the number of times shows that
        they must be.
    what : str
        What to call it in errors.
    t : float, array or list of arrays, optional
        The times, if the mapping holds none.
    states : sequence of str, optional
        Which arrays are states, or the names of the columns of `x`.
    units : mapping, optional
        Units by name.

    Raises
    ------
    ValueError
        For missing times, and for arrays that fit none of these forms; the message names them.
    """
    held = {str(name): value for name, value in held.items()}
    if np.ndim(held.get("trajectory")) == 1:  # a table, column by column
        return _from_columns(held, what, t, states)
    arrays = {name: value for name, value in held.items() if _is_numbers(value)}
    t, arrays = _with_times(arrays, held, what, t)
    found = _fields(arrays, t, states, what)
    if found is None:
        whole = _whole(arrays, states)
        labels = states if states is not None else _labels(held)
        if whole is not None:
            found = _with_inputs(from_arrays(arrays[whole], t, labels), arrays, t)
        else:
            found = _separate(arrays, t, labels, what)
    found = found if states is not None else found.assign_attrs(states_order="stored")
    clock = "t" if "t" in found.variables else "time"
    known = {clock if name == clock_among(held) else name: unit for name, unit in (units or {}).items()}
    for name in known.keys() & set(map(str, found.variables)):
        found[name].attrs.setdefault("units", known[name])
    return found


def is_records(source: Any) -> bool:
    """Return whether this is an array whose entries have named parts."""
    return bool(getattr(getattr(source, "dtype", None), "names", None))


def from_records(records: np.ndarray, what: str, t=None, states: Sequence[str] | None = None) -> xr.Dataset:
    """Build a Dataset from an array of records, as from a table; see `from_mapping`."""
    flat = np.ravel(records)
    return _from_columns({name: flat[name] for name in flat.dtype.names or ()}, what, t, states)


def _from_columns(columns: Mapping[str, Any], what: str, t, states: Sequence[str] | None) -> xr.Dataset:
    import pandas as pd

    from symdyn.data.tables import from_tables  # loads pandas

    return from_tables(pd.DataFrame(dict(columns)), t, states, name=what)


def _is_numbers(value: Any) -> bool:
    """Return whether these are numbers, dates or lists of arrays, no text and no structure."""
    if value is None or isinstance(value, str | Mapping):
        return False
    if isinstance(value, list | tuple):
        return bool(value) and all(_is_numbers(one) for one in value)
    return np.asarray(value).dtype.kind in "fiucmMO"


def _with_times(arrays: dict[str, Any], held: Mapping[str, Any], what: str, t) -> tuple[Any, dict[str, Any]]:
    """Take the times, or the step, out of the arrays."""
    clock = clock_among(held)
    step = next((name for name in _STEPS if name in arrays and np.size(arrays[name]) == 1), None)
    rest = {name: value for name, value in arrays.items() if name not in (clock, step) and np.ndim(_first(value))}
    inside = clock if clock is not None else step
    if t is not None and inside is not None:
        raise ValueError(f"{what} holds its times, {inside!r}: leave out t")
    if t is None and inside is None:
        listed = ", ".join(held) or "nothing"
        raise ValueError(f"{what} holds no times: name them 't', store a step 'dt', or give t=; it holds {listed}")
    if not rest:
        raise ValueError(
            f"{what} holds no arrays besides the times, but {', '.join(set(held) - {inside}) or 'nothing'}: of a table "
            "of MATLAB make a file by writetable"
        )
    if t is not None:
        return t, rest
    times = held[inside]
    if clock is None:
        return float(np.ravel(times)[0]), rest
    return (times if isinstance(times, list | tuple) else np.squeeze(np.asarray(times))), rest


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list | tuple) else value


def _labels(held: Mapping[str, Any]) -> list[str] | None:
    """Return the names of states, where an entry holds them."""
    given = next((held[name] for name in _LABELS if name in held), None)
    if given is None or _is_numbers(given):
        return None
    return given.split() if isinstance(given, str) else [str(name).strip() for name in np.ravel(given)]


def _whole(arrays: Mapping[str, Any], states: Sequence[str] | None) -> str | None:
    """Find the array of all states, or None where each has an array of its own."""
    if states is not None and all(name in arrays for name in states):
        return None
    wide = [name for name, value in arrays.items() if np.ndim(_first(value)) > 1]
    return next((name for name in _WHOLE if name in wide), next(iter(arrays)) if len(arrays) == 1 else None)


def _with_inputs(dataset: xr.Dataset, arrays: Mapping[str, Any], t) -> xr.Dataset:
    """Add inputs `u`, `(time,)`, `(time, input)`, or one of these for each trajectory."""
    given = arrays.get("u")
    if given is None or "u" in dataset.variables:
        return dataset
    n_runs = dataset.sizes["trajectory"]
    if not isinstance(given, list | tuple):
        given = list(np.asarray(given)) if n_runs > 1 else [given]
    columns = [np.asarray(one)[:, None] if np.ndim(one) == 1 else np.asarray(one) for one in given]
    n_inputs = columns[0].shape[-1]
    inputs = from_arrays(columns, t, ["u"] if n_inputs == 1 else [f"u{k}" for k in range(n_inputs)])
    return dataset.assign({name: inputs[name].assign_attrs(role="input") for name in inputs.attrs["states"].split()})


def _separate(arrays: dict[str, Any], t, labels: Sequence[str] | None, what: str) -> xr.Dataset:
    """Build trajectories of states that have an array each."""
    names = list(arrays) if labels is None else list(labels)
    missing = [name for name in names if name not in arrays]
    if missing:
        raise ValueError(f"{what}: no array {missing[0]!r}; there are {', '.join(arrays)}")
    runs = {name: _runs_of_state(arrays[name], t, f"{what}: array {name!r}") for name in names}
    lengths = {name: [len(run) for run in each] for name, each in runs.items()}
    first = names[0]
    for name in names[1:]:
        if lengths[name] != lengths[first]:
            raise ValueError(
                f"{what}: arrays {first!r} and {name!r} have different numbers of samples, {lengths[first][0]} and "
                f"{lengths[name][0]} in {len(lengths[first])} and {len(lengths[name])} trajectories: say which arrays "
                "are states by states="
            )
    return from_arrays([np.column_stack(run) for run in zip(*runs.values(), strict=True)], t, names)


def _runs_of_state(value: Any, t, name: str) -> list[np.ndarray]:
    """Return the values `(time,)` of one state in each run."""
    if isinstance(value, list | tuple) and np.ndim(value[0]):
        return [real_array(run, name).ravel() for run in value]
    array = real_array(value, name)
    if array.ndim > 2:
        raise ValueError(f"{name} has shape {array.shape}: give (time,) or (trajectory, time), or all states as 'x'")
    if array.ndim == 1:
        return [array]
    length = len(t) if not isinstance(t, list | tuple) and np.ndim(t) == 1 else None
    return list(array.T if length == len(array) != array.shape[1] else array)


def _fields(arrays: dict[str, Any], t, states: Sequence[str] | None, what: str) -> xr.Dataset | None:
    """Build fields over times and points `x`, `y`, where the arrays have the shape of these; None where they do not."""
    flat = {name: np.squeeze(np.asarray(arrays[name])) for name in _AXES if isinstance(arrays.get(name), np.ndarray)}
    axes = {name: points for name, points in flat.items() if points.ndim == 1}
    if "x" not in axes or np.ndim(t) != 1:
        return None
    sizes = {"time": len(t), **{name: len(points) for name, points in axes.items()}}
    shaped = {n: np.asarray(v) for n, v in arrays.items() if n not in axes and np.ndim(v) >= len(sizes)}
    chosen = [n for n in (shaped if states is None else states) if n in shaped]
    fields = {n: dims_by_size(shaped[n].shape, sizes, f"{what}: array {n!r}") for n in chosen}
    variables = {n: (dims, shaped[n]) for n, dims in fields.items() if dims is not None}
    if not variables:
        return None
    return xr.Dataset(variables, {"time": np.asarray(t), **axes}, {"states": " ".join(variables)})


def dims_by_size(shape: tuple[int, ...], sizes: dict[str, int], name: str) -> tuple[str, ...] | None:
    """Name the dimensions of a field by their sizes; a first dimension beyond these is that of trajectories."""
    own = shape[len(shape) - len(sizes) :]
    if sorted(own) != sorted(sizes.values()) or len(shape) > len(sizes) + 1:
        return None
    if len(set(own)) < len(own):
        raise ValueError(
            f"{name}: {' and '.join(sizes)} have equal sizes, so which axis is which is not known: give an xarray "
            "Dataset with named dims"
        )
    of_size = {size: name for name, size in sizes.items()}
    return ("trajectory",) * (len(shape) - len(sizes)) + tuple(of_size[size] for size in own)
