"""What a file of data holds: states, runs, samples, gaps, what is wrong, and what to do next."""

from __future__ import annotations

import shlex
from math import floor, log10
from textwrap import wrap
from typing import Any

import numpy as np
import xarray as xr

from symdyn.cli.cost import ROWS_PER_FEATURE, Advice, advice_for_fields, advice_for_trajectories
from symdyn.cli.fitting import candidates_for, exchanged, field_candidates_for, laws_for, suspected_angle
from symdyn.data.clocks import note_on_dates, time_unit
from symdyn.data.grids import field_grid, is_field_data
from symdyn.data.motion import has_velocities
from symdyn.data.trajectories import open_trajectories, state_names
from symdyn.runs.opening import each_run, read_through, variables_of
from symdyn.runs.parsing import names as split_names

__all__ = ["examined", "written"]

_WIDTH = 80  # of a line
_GAP = 5.0  # times the usual step


def examined(path: str, states: str | None = None) -> dict[str, Any]:
    """Examine a file; the entry `problem` says what is wrong with it, or is None."""
    found: dict[str, Any] = {"file": path, "problem": None, "notes": []}
    try:
        data = open_trajectories(path, states=split_names(states))
        found |= {"states": [_variable(data, name) for name in variables_of(data)]}
        found |= {"trajectories": int(data.sizes["trajectory"])}
        found |= _of_fields(data) if is_field_data(data) else _of_trajectories(data)
        found["notes"] = [*note_on_dates(data), *found["notes"]]
    except (ValueError, OSError, ImportError) as error:
        return {**found, "problem": str(error) if path in str(error) else f"{path}: {error}"}
    job = "fields" if is_field_data(data) else "discover"
    chosen = [] if states is None or job == "fields" else ["--states", states]
    found["next"] = shlex.join(["symdyn", job, path, *chosen, *found.pop("options")])
    return found


def written(found: dict[str, Any]) -> str:
    """Write what was found as lines of text."""
    lines = [found["file"]]
    if "states" in found:
        lines += ["", f"{'variable':12} {'units':10} role", *map(_line, found["states"]), ""]
    lines += [f"{label:14} {found[key]}" for key, label in _SUMMARY if key in found]
    lines += [*_written_laws(found), *_written_candidates(found)]
    lines += [""] if found["notes"] else []
    for note in found["notes"]:
        lines += wrap(f"note: {note}", _WIDTH, subsequent_indent="      ")
    if "next" in found:
        cost = found["cost"]
        size = f"{cost['megabytes'] / 1000:.1g} GB" if cost["megabytes"] >= 950 else f"{cost['megabytes']:.0f} MB"
        rows = f"{cost['rows']} rows x {cost['features']} features"
        lines += [
            "",
            f"next: {found['next']}",
            f"      about {_duration(cost['seconds'])} and {size} ({rows}, one core)",
        ]
    return "\n".join(lines)


_SUMMARY = (
    ("kind", "kind of data"),
    ("trajectories", "trajectories"),
    ("samples", "samples"),
    ("samples_each", "samples each"),
    ("step", "step"),
    ("grid", "grid"),
    ("gaps", "gaps"),
)


def _written_laws(found: dict[str, Any]) -> list[str]:
    laws = found.get("laws", [])
    head = ["", f"{'law':14} {'functions':>9} {'rows for each':>13}"] if laws else []
    return [*head, *map(_written_law, laws)]


def _written_law(one: dict[str, Any]) -> str:
    few = f"too few: {ROWS_PER_FEATURE} for each are needed" if one["rows_each"] < ROWS_PER_FEATURE else "slow"
    return f"{one['law']:14} {one['functions']:9} {one['rows_each']:13}   {'' if one['fits'] else few}".rstrip()


def _written_candidates(found: dict[str, Any]) -> list[str]:
    sizes = found.get("candidates", {})
    text = ", ".join(f"{word} {size}" for word, size in sizes.items())
    return ["", *wrap(f"candidates     {text} (generators)", _WIDTH, subsequent_indent=15 * " ")] if sizes else []


def _line(state: dict[str, str]) -> str:
    return f"{state['name']:12} {state['units'] or '-':10} {state['role']}"


def _variable(data: xr.Dataset, name: str) -> dict[str, str]:
    attrs = data[name].attrs
    role = str(attrs.get("role", "field" if is_field_data(data) else "state"))
    role += f", rate of {attrs['derivative_of']}" if "derivative_of" in attrs else ""
    return {"name": name, "units": str(attrs.get("units", "")), "role": role}


def _of_trajectories(data: xr.Dataset) -> dict[str, Any]:
    variables = variables_of(data)
    lengths, steps, angles = [], [], {}
    units = [str(data[name].attrs.get("units", "")) for name in variables]
    for run in each_run(data, variables):
        lengths.append(len(run.times))
        steps.append(np.diff(run.times))
        for name, unit, column in zip(variables, units, run.states.T, strict=True):
            looks = suspected_angle(column, unit)
            angles |= {name: looks} if looks else {}
    every = np.concatenate(steps)
    gaps = sum(int((step > _GAP * np.median(step)).sum()) for step in steps if step.size)
    with_velocities = has_velocities(data, state_names(data))
    kind = "second_order" if with_velocities else "flow"
    advice = advice_for_trajectories(sum(lengths), len(variables), kind)
    unit = _unit_of_time(data)
    turned = [_about_angle(name, unit) for name, unit in angles.items()]
    n_moved = len(state_names(data)) // (2 if with_velocities else 1)
    return {
        "kind": "trajectories of positions and velocities" if with_velocities else "trajectories",
        "samples": sum(lengths),
        "samples_each": _range(min(lengths), max(lengths)),
        "step": f"{_range(*_limits(every))}{f' {unit}' if unit else ''}",
        "gaps": f"{gaps} steps longer than {_GAP:g} times the median" if gaps else "none",
        "laws": laws_for(sum(lengths), len(variables), second_order=with_velocities),
        "candidates": candidates_for(n_moved, second_order=with_velocities),
        "notes": [
            *_unlabelled(data, variables),
            *turned,
            *_whole_steps(every, unit),
            *exchanged(len(lengths), max(lengths), min(lengths), len(variables)),
        ],
        "options": advice.options,
        "cost": _cost(advice),
    }


def _of_fields(data: xr.Dataset) -> dict[str, Any]:
    grid = field_grid(data)
    n_runs = data.sizes["trajectory"]
    read_through(data)
    ends = [", periodic" if periodic else "" for periodic in grid.periodic]
    along = zip(grid.shape[1:], grid.axes, grid.steps[1:], ends, strict=True)
    points = [f"{n} points of {axis} (step {step:.4g}{end})" for n, axis, step, end in along]
    advice = advice_for_fields(n_runs * int(np.prod(grid.shape)), len(grid.fields), len(grid.axes))
    return {
        "kind": f"fields over {', '.join(grid.axes)}",
        "samples": n_runs * grid.shape[0],
        "samples_each": str(grid.shape[0]),
        "step": f"{grid.steps[0]:.4g} {_unit_of_time(data)}".strip(),
        "grid": " x ".join(points),
        "gaps": "none",
        "candidates": field_candidates_for(grid.coordinates, grid.fields),
        "notes": _unlabelled(data, list(grid.fields)),
        "options": advice.options,
        "cost": _cost(advice),
    }


def _unit_of_time(data: xr.Dataset) -> str:
    unit = time_unit(data)
    return "" if unit == "1" else unit


def _about_angle(name: str, unit: str) -> str:
    turn = "360" if unit == "degree" else "2 pi"
    return f"{name} jumps by {turn} between samples: if it is an angle, give it the unit {unit}, and it is unwrapped"


def _unlabelled(data: xr.Dataset, variables: list[str]) -> list[str]:
    bare = [name for name in variables if not data[name].attrs.get("units")]
    return [f"no units: {', '.join(bare)}"] if bare else []


def _whole_steps(steps: np.ndarray, unit: str) -> list[str]:
    counted = steps.size and not unit and np.all(steps == 1)
    return ["times count 0, 1, 2, ...: if the data are iterates of a map, add --kind map"] if counted else []


def _limits(steps: np.ndarray) -> tuple[float, float]:
    if not steps.size:
        raise ValueError("every trajectory has one sample: rates need at least two")
    low, high = float(steps.min()), float(steps.max())
    if high - low > 1e-6 * high:
        return low, high
    step = float(np.median(steps))
    return step, step


def _range(low: float, high: float) -> str:
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


def _cost(advice: Advice) -> dict[str, float]:
    seconds = float(f"{advice.seconds:.1g}")
    megabytes = float(round(advice.megabytes, 1 - floor(log10(advice.megabytes))))
    return {"rows": advice.rows, "features": advice.features, "seconds": seconds, "megabytes": megabytes}


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"
