"""One self-contained HTML page per run."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import xarray as xr
from jinja2 import Environment, PackageLoader

from symdyn.reporting.colours import ACCENT, FAINT, GREY, INK, PAPER, SECOND
from symdyn.reporting.moving import Mover
from symdyn.reporting.slider import drawings
from symdyn.reporting.table_layout import lay_out

__all__ = ["Picture", "report"]

Picture: TypeAlias = tuple[Path, str] | Mover  # a file with its caption, or a slider

_ROLES = {
    INK: "ink",
    GREY: "grey",
    FAINT: "faint",
    ACCENT: "accent",
    SECOND: "second",
    PAPER: "paper",
    "#000000": "ink",
}
_ORIGIN = {
    "data_sha256": "SHA-256 of all values (not of the file)",
    "peak_memory_MB": "peak memory (MB)",
    "key": "key of options and version",
}


def report(
    results,
    out,
    *,
    title: str = "symdyn run",
    findings: Sequence[str] = (),
    figures: Sequence[Picture] = (),
    warnings: Sequence[tuple[str, int]] = (),
) -> Path:
    """Write the page of a run.

    Parameters
    ----------
    results : dict of str to xr.Dataset, or xr.DataTree
        The groups of `results.nc`: `symmetry` (the verdicts), `law`, `validation`, `provenance`; absent ones are left
        out, others are shown as tables, see `symdyn.reporting.table_layout.lay_out`.
    out : path
        The HTML file, or the run directory that gets a `report.html`.
    title : str
    findings : sequence of str
        Sentences at the top of the page.
    figures : sequence of (path, caption) or Mover
        Pictures, inlined in this order; colours of SVG files follow the page, light or dark.
    warnings : sequence of (str, int)
        Each warning of the run with the number of times that it was given.

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
    >>> data = sd.systems.hopf(noise=0.02, n_trajectories=10)
    >>> search = sd.SymmetryDiscovery("gl", "polynomial:3").fit(data)
    >>> page = sd.report({"symmetry": search.verdicts_}, "hopf.html", title="A Hopf oscillator")
    >>> page.name, "A Hopf oscillator" in page.read_text(encoding="utf-8")
    ('hopf.html', True)
    """
    groups = _groups(results)
    if not groups:
        raise ValueError("results hold no group: nothing to report")
    path = Path(out) / "report.html" if Path(out).is_dir() else Path(out)
    loader = PackageLoader("symdyn.reporting", ".")
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    page = environment.get_template("page.html.jinja").render(
        title=title,
        findings=findings,
        warnings=warnings,
        sections=_sections(figures, groups),
        lists=_provenance(groups.get("provenance")),
    )
    path.write_text(page, encoding="utf-8")
    return path


def _groups(results: Mapping[str, xr.Dataset] | xr.DataTree) -> dict[str, xr.Dataset]:
    if isinstance(results, xr.DataTree):
        return {name: node.to_dataset() for name, node in results.children.items()}
    return dict(results)


def _sections(figures: Sequence[Picture], groups: Mapping[str, xr.Dataset]) -> list[dict[str, Any]]:
    """Put each picture above the table of its name, and tables without a picture at the end."""
    tables = {_key(name): lay_out(name, group) for name, group in groups.items() if name != "provenance"}
    sections = []
    for picture in figures:
        shown = _shown(picture)
        table = tables.pop(_key(shown["title"]), None)
        sections.append({"title": shown["title"] if table is None else table.title, "picture": shown, "table": table})
    return [*sections, *({"title": table.title, "picture": None, "table": table} for table in tables.values())]


def _key(name: str) -> str:
    return re.sub(r"\W+", "_", name.lower())


def _shown(picture: Picture) -> dict[str, Any]:
    """Lay out a picture: vector graphics stand in the page, pixels in the text of a link."""
    if isinstance(picture, Mover):
        return {
            "title": picture.title,
            "caption": picture.caption,
            "mover": {"drawings": drawings(picture), "dotted": picture.dotted},
        }
    file, caption = Path(picture[0]), picture[1]
    title = re.sub(r"^\d+-", "", file.stem).replace("-", " ").replace("_", " ").capitalize()
    if file.suffix == ".svg":
        return {"title": title, "caption": caption, **_themed(file.read_text(encoding="utf-8"))}
    kind = {".png": "image/png"}[file.suffix]
    data = f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"
    return {"title": title, "caption": caption, "data": data}


def _themed(svg: str) -> dict[str, Any]:
    """Take the element out of an SVG file, with its width in pixels, and let its colours be those of the page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    points = re.search(r'width="([\d.]+)pt"', svg)
    width = round(float(points.group(1)) * 4 / 3) if points else 800
    # On a phone a wide figure scrolls in its box before its letters are too small to read.
    least = min(width, 540 if width > 640 else 340)
    coloured = re.sub(r"#[0-9a-f]{6}\b", lambda found: _coloured(found.group()), svg)
    return {"svg": coloured, "width": width, "least": least}


def _coloured(colour: str) -> str:
    return f"var(--{_ROLES[colour]})" if colour in _ROLES else colour


def _provenance(dataset: xr.Dataset | None) -> list[tuple[str, list[tuple[str, Any]]]]:
    """List what the run took, its options, and where its numbers come from."""
    if dataset is None:
        return []
    stages = zip(dataset.stage.values, dataset.seconds.values, strict=True)
    config = json.loads(dataset.attrs.get("config", "{}"))
    origin = {_ORIGIN.get(key, key.replace("_", " ")): value for key, value in dataset.attrs.items() if key != "config"}
    lists = [
        ("Time", [(str(name), f"{seconds:.1f} s") for name, seconds in stages]),
        ("Options", list(config.items())),
        ("Where the numbers come from", list(origin.items())),
    ]
    return [(name, rows) for name, rows in lists if rows]
