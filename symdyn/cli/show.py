"""Any result that symdyn wrote, as text."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import get_terminal_size
from textwrap import fill
from typing import Any

import numpy as np
import xarray as xr

from symdyn.reporting.table_layout import cell_text
from symdyn.sums.store import dataset_to_algebra, dataset_to_law, load_moments, why_unread

__all__ = ["read", "written"]

_TOLD = ("title", "findings", "warnings")
_VERDICTS = ("verdict", "violation", "upper_bound", "trivial", "reason")  # of the tables of evidence
_RESULTS = ("results.nc", "law.nc", "moments.nc")  # of a run directory
_SHOWN = 20  # rows of a table
_WIDTH = 64  # of the texts in it
_LINE = 100  # of sentences, where the terminal is wider


def read(path: Path) -> dict[str, Any]:
    """Read a file, or the results of a run directory, as plain values.

    Raises
    ------
    ValueError
        For a file that symdyn has not written.
    """
    file = path
    if path.is_dir():
        file = next((path / name for name in _RESULTS if (path / name).exists()), None)
        if file is None:
            log = path / "unfinished" / "run.log"
            why = f"its run has not finished, see {log}" if log.exists() else "it is no run directory"
            raise ValueError(f"{path} holds no results.nc: {why}")
    try:
        with xr.open_datatree(file, engine="h5netcdf", decode_times=False) as tree:
            groups = {node.path.strip("/"): node.to_dataset().load() for node in tree.subtree if node.variables}
            told = {name: tree.attrs[name] for name in _TOLD if "findings" in tree.attrs}
    except (OSError, ValueError) as error:
        hint = "; for data there is: symdyn check" if path.is_file() else ""
        raise ValueError(f"{file} cannot be read: {why_unread(error)}{hint}") from error
    found = {
        "file": str(file),
        **_told(told, file.parent / "report.html"),
        **_sums(groups, file),
        **_algebra(groups),
        **_law(groups),
        **_provenance(groups),
    }
    tables = {name: _table(group) for name, group in groups.items() if name and name != "provenance"}
    found |= {"tables": {name: table for name, table in tables.items() if table["rows"] or table["values"]}}
    if set(found) <= {"file", "tables"} and not found["tables"]:
        raise ValueError(f"{file} holds no result of symdyn; for data there is: symdyn check {file}")
    return found


def written(found: dict[str, Any]) -> str:
    """Write what was read as text."""
    parts = ["\n".join(_heads(found))]
    parts += [_filled(sentence) for sentence in found.get("findings", [])]
    parts += [
        _filled(f"warning{f' ({count} times)' * (count > 1)}: {text}") for text, count in found.get("warnings", [])
    ]
    if "sums" in found:
        sums = found["sums"]
        parts.append(f"sums over {sums['trajectories']} trajectories, {sums['samples']} samples")
    if "algebra" in found:
        algebra = found["algebra"]
        name = algebra["name"] if algebra["generators"] else "of no generator"
        head = f"algebra {name} on ({', '.join(algebra['states'])})"
        lines = [f"  {one['generator']}{'' if one['exact'] else '   (estimated)'}" for one in algebra["generators"]]
        parts.append("\n".join([head, *lines]))
    if "law" in found:
        parts.append("\n".join(["law", *(_filled(line, indent="  ") for line in found["law"])]))
    parts += [_table_text(name, table) for name, table in found["tables"].items()]
    if "provenance" in found:
        origin = found["provenance"]
        parts.append("\n".join(["provenance", *(f"  {key}: {value}" for key, value in origin.items())]))
    return "\n\n".join(parts)


def _told(attrs: dict[str, str], report: Path) -> dict[str, Any]:
    """Return what a run has told: title, findings, warnings with their counts, and where its report is."""
    found = {name: value if name == "title" else json.loads(value) for name, value in attrs.items()}
    return found | ({"report": str(report)} if found and report.exists() else {})


def _sums(groups: dict[str, xr.Dataset], file: Path) -> dict[str, Any]:
    if not {"products", "samples"} <= set(groups.get("", xr.Dataset()).variables):
        return {}
    moments = load_moments(file)
    return {"sums": {"trajectories": moments.n_trajectories, "samples": int(np.sum(groups[""]["samples"].values))}}


def _algebra(groups: dict[str, xr.Dataset]) -> dict[str, Any]:
    group = next((one for one in groups.values() if "generator_coefficients" in one), None)
    if group is None:
        return {}
    algebra = dataset_to_algebra(group)
    each = [
        {"generator": text, "exact": bool(exact)} for text, exact in zip(algebra.texts(), algebra.exact, strict=True)
    ]
    return {"algebra": {"name": algebra.name, "states": list(algebra.states), "generators": each}}


def _law(groups: dict[str, xr.Dataset]) -> dict[str, list[str]]:
    group = groups.get("law", xr.Dataset())
    if "coefficients" not in group or "features" not in group.attrs:
        return {}
    outputs = [str(name) for name in group["output"].values]
    return {"law": [f"{name} = {line}" for name, line in zip(outputs, dataset_to_law(group).equations(), strict=True)]}


def _provenance(groups: dict[str, xr.Dataset]) -> dict[str, Any]:
    if "provenance" not in groups:
        return {}
    group = groups["provenance"]
    config = json.loads(group.attrs.get("config", "{}"))
    options = " ".join(f"{key}={value}" for key, value in config.items() if key != "job")
    seconds = f"{float(group['seconds'].sum()):.1f} s" if "seconds" in group else ""
    found = {"job": config.get("job", ""), "options": options, "took": seconds}
    found |= {key: str(group.attrs.get(key, "")) for key in ("finished", "data_sha256", "symdyn_workbench")}
    return {"provenance": {key.replace("_", " "): value for key, value in found.items() if value}}


def _table(group: xr.Dataset) -> dict[str, Any]:
    """Lay out a group: `head`, `rows` of texts over its first dimension, and `values` that stand alone."""
    values = {str(name): cell_text(a.item(), digits=6) for name, a in group.data_vars.items() if a.ndim == 0}
    over = next((str(dim) for dim in group.dims if any(a.dims == (dim,) for a in group.data_vars.values())), None)
    columns = [str(name) for name, a in group.data_vars.items() if a.dims == (over,)]
    if "verdict" in columns:
        over = str(group["verdict"].dims[0])
        columns = [name for name in _VERDICTS if name in group and group[name].dims == (over,)]
    if "features" in group.attrs and "coefficients" in group:  # shown as a law
        columns = []
    if over is None or not columns:
        return {"head": [], "rows": [], "values": values}
    labels = group[over].values if over in group.coords else range(group.sizes[over])
    rows = [[str(label), *(cell_text(group[c].values[k]) for c in columns)] for k, label in enumerate(labels)]
    return {"head": [over, *columns], "rows": rows, "values": values}


def _table_text(name: str, table: dict[str, Any]) -> str:
    lines = [name]
    rows = [[_cut(cell) for cell in row] for row in table["rows"][:_SHOWN]]
    if rows:
        head = [column.replace("_", " ") for column in table["head"]]
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        for row in [head, *rows]:
            lines.append("  " + "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    if len(table["rows"]) > _SHOWN:
        lines.append(f"  ... {len(table['rows']) - _SHOWN} more rows (--json prints all)")
    return "\n".join([*lines, *(f"  {key.replace('_', ' ')}: {value}" for key, value in table["values"].items())])


def _heads(found: dict[str, Any]) -> list[str]:
    report = [f"report: {found['report']}"] if "report" in found else []
    return [*([found["title"]] if "title" in found else []), found["file"], *report]


def _filled(text: str, indent: str = "") -> str:
    width = min(get_terminal_size().columns, _LINE)
    return fill(text, width, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False)


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 2]} …"
