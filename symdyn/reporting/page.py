"""One self-contained HTML page per run."""

from __future__ import annotations

import base64
import json
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from jinja2 import Environment, PackageLoader

__all__ = ["cell_text", "report"]


def report(
    results, out, *, title: str = "symdyn run", findings: Sequence[str] = (), figures: Sequence[tuple[Path, str]] = ()
) -> Path:
    """Write the page of a run.

    Parameters
    ----------
    results : dict of str to xr.Dataset, or xr.DataTree
        The groups of `results.nc`: `symmetry` (the verdicts), `law`, `validation`, `provenance`; absent ones are left
        out, others are shown as tables. The attribute `caption` of a group is printed above its table, `label` above
        its first column.
    out : path
        The HTML file, or the run directory that gets a `report.html`.
    title : str
    findings : sequence of str
        Sentences at the top of the page.
    figures : sequence of (path, caption)
        Pictures, inlined in this order.

    Returns
    -------
    Path of the page.

    Raises
    ------
    ValueError
        If there is nothing to report.

    Examples
    --------
    >>> import symdyn as sd
    >>> search = sd.SymmetryDiscovery("gl", "polynomial:3").fit(sd.systems.hopf(noise=0.02, n_trajectories=10))
    >>> page = sd.report({"symmetry": search.verdicts_}, "hopf.html", title="A Hopf oscillator")
    >>> page.name, "A Hopf oscillator" in page.read_text(encoding="utf-8")
    ('hopf.html', True)
    """
    groups = _groups(results)
    if not groups:
        raise ValueError("results hold no group: nothing to report")
    path = Path(out) / "report.html" if Path(out).is_dir() else Path(out)
    environment = Environment(loader=PackageLoader("symdyn.reporting", "."), autoescape=True, trim_blocks=True)
    page = environment.get_template("page.html.jinja").render(
        title=title,
        findings=findings,
        figures=[{"data": _inlined(file), "caption": caption} for file, caption in figures],
        tables=[_table(name, group) for name, group in groups.items() if name != "provenance"],
        provenance=_provenance(groups.get("provenance")),
        stages=_stages(groups.get("provenance")),
    )
    path.write_text(page, encoding="utf-8")
    return path


def _groups(results: Mapping[str, xr.Dataset] | xr.DataTree) -> dict[str, xr.Dataset]:
    if isinstance(results, xr.DataTree):
        return {name: node.to_dataset() for name, node in results.children.items()}
    return dict(results)


_TITLES = {"symmetry": "Symmetries", "law": "Law", "validation": "Trajectories left out"}
# Variables that belong to the file, not to the eye.
_HIDDEN = {"generator_coefficients", "covariance", "coefficients"}


def _table(name: str, dataset: xr.Dataset) -> dict[str, str | list]:
    """Lay out a group as a table: one row an entry of its first dimension, one column a variable over it alone."""
    dims = [str(d) for d in dataset.dims]
    over = next((d for d in ("generator", "output", "trajectory") if d in dims), dims[0] if dims else None)
    columns = [str(v) for v, a in dataset.data_vars.items() if a.dims == (over,) and v not in _HIDDEN]
    label = dataset.attrs.get("label", str(over or ""))
    keys = dataset[over].values if over in dataset.coords else range(dataset.sizes[over]) if over else []
    rows = [
        {"key": str(key), "cells": [cell_text(dataset[c].values[i]) for c in columns], "kind": _kind(dataset, i)}
        for i, key in enumerate(keys)
    ]
    scalars = [
        (_long_name(dataset, v), cell_text(a.item(), digits=8)) for v, a in dataset.data_vars.items() if a.ndim == 0
    ]
    return {
        "title": _TITLES.get(name, name.replace("_", " ").capitalize()),
        "caption": dataset.attrs.get("caption", ""),
        "label": label,
        "columns": [_long_name(dataset, c) for c in columns],
        "rows": rows if columns else [],
        "scalars": scalars,
    }


def _kind(dataset: xr.Dataset, index: int) -> str:
    return str(dataset["verdict"].values[index]) if "verdict" in dataset else ""


def _long_name(dataset: xr.Dataset, variable: Hashable) -> str:
    units = dataset[variable].attrs.get("units", "")
    name = dataset[variable].attrs.get("long_name", str(variable).replace("_", " "))
    return f"{name} ({units})" if units else name


def cell_text(value: str | float | np.generic, digits: int = 3) -> str:
    """Write a value as a table shows it."""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else ""
    if isinstance(value, int | np.integer):
        return str(value)
    if isinstance(value, float | np.floating):
        return _number(float(value), digits)
    return str(value)


def _number(value: float, digits: int) -> str:
    if np.isnan(value):
        return "–"
    if np.isinf(value):
        return "∞"
    if value != 0 and abs(value) < 1e-16:
        return "< 1e-16"
    # What is told apart from 1 needs its decimals.
    return f"{value:.{max(digits, 6) if abs(value - 1) < 0.02 else digits}g}"


def _inlined(path: Path) -> str:
    kind = {".png": "image/png", ".svg": "image/svg+xml"}[Path(path).suffix]
    return f"data:{kind};base64,{base64.b64encode(Path(path).read_bytes()).decode()}"


def _provenance(dataset: xr.Dataset | None) -> list[tuple[str, str | float]]:
    if dataset is None:
        return []
    rows = [(key.replace("_", " "), value) for key, value in dataset.attrs.items() if key != "config"]
    config = json.loads(dataset.attrs.get("config", "{}"))
    return [*[(f"config: {key}", value) for key, value in config.items()], *rows]


def _stages(dataset: xr.Dataset | None) -> list[tuple[str, str]]:
    if dataset is None:
        return []
    return [
        (str(name), f"{value:.1f} s") for name, value in zip(dataset.stage.values, dataset.seconds.values, strict=True)
    ]
