"""What the report of learning curves says: the table, the sentences, the figure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from symdyn.invariant.learning_experiment import FAMILIES, gain_between
from symdyn.reporting.style import INK, clean, logarithmic, new_figure, ordered_colours, save_figures
from symdyn.reporting.texts import number, plural

__all__ = ["draw", "findings", "group_name", "table"]

COLUMNS = {
    "slope": "slope of log risk against log n, measured",
    "slope_expected": "the same slope, expected from the number of eigenfunctions that the group leaves",
    "slope_theory": "the same slope by Weyl's law, the limit of many eigenfunctions",
    "gain": "samples that the smallest group needs for the same risk, as a multiple, measured",
    "gain_expected": "the same multiple, expected from the number of eigenfunctions",
    "gain_theory": "the same multiple by Weyl's law",
}


def group_name(family: str) -> str:
    """Make of a family the name of a group of a file."""
    return re.sub(r"\W+", "_", family).strip("_")


def table(curves: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Lay out a row a family and group: slopes of log risk in log n, and samples saved against the smallest group."""
    names, rows = [], []
    for family, found in curves.items():
        means = found.mean("seed")
        n = found.n.values.astype(float)
        for k, group in enumerate(found.group.values):
            kinds = ("risk", "expected", "theory")
            mine = {kind: means[kind].values[k] for kind in kinds}
            first = {kind: means[kind].values[0] for kind in kinds}
            slopes = [np.polyfit(np.log(n), np.log(mine[kind]), 1)[0] for kind in kinds]
            rows.append(slopes + [gain_between(n, first[kind], mine[kind]) for kind in kinds])
            names.append(f"{family}: {group}")
    values = np.array(rows).T
    variables = {
        key: ("curve", column, {"long_name": long}) for (key, long), column in zip(COLUMNS.items(), values, strict=True)
    }
    caption = (
        "Slopes of straight lines through log risk against log n, and how many times more samples the smallest group "
        "of the family needs for the same risk (in the middle of the curve)."
    )
    return xr.Dataset(
        variables, coords={"curve": np.array(names, dtype=object)}, attrs={"caption": caption, "label": "family: group"}
    )


def draw(folder: Path, curves: Mapping[str, xr.Dataset]) -> list[tuple[Path, str]]:
    """Draw mean risks with the range of two standard errors, what counting expects, and Weyl's law."""
    columns = min(len(curves), 3)
    rows = -(-len(curves) // columns)
    figure, axes = new_figure(3.6 * columns, 3.1 * rows, rows, columns)
    for panel in axes.flat[len(curves) :]:
        panel.axis("off")
    for panel, (family, found) in zip(axes.flat, curves.items(), strict=False):
        clean(panel)
        panel.set(xscale="log", xlabel="samples n", ylabel="excess risk")
        panel.set_title(f"{family}, s = {FAMILIES[family].smoothness:g}", fontsize=9, color=INK)
        _curves(panel, found)
        panel.set_xticks(found.n.values, [str(n) for n in found.n.values], rotation=45 if found.sizes["n"] > 5 else 0)
        panel.minorticks_off()
        logarithmic(panel.yaxis)
    caption = (
        "Excess risk against the number of samples; a curve that lies lower needs fewer samples for the same risk. "
        "Dots: means over functions and draws with two standard errors. Lines: expected from the number of "
        "eigenfunctions that the group leaves. Dotted: Weyl's law, the limit of many eigenfunctions."
    )
    return save_figures(folder, {"learning": (figure, caption)})


def findings(summary: xr.Dataset, seeds: int) -> list[str]:
    """Tell one sentence a family, of the largest group."""
    lines = []
    for family in dict.fromkeys(str(name).split(": ")[0] for name in summary.curve.values):
        row = summary.isel(curve=[str(name).split(": ")[0] == family for name in summary.curve.values]).isel(curve=-1)
        group = str(row.curve.values).split(": ")[1]
        lines.append(
            f"{family}: with the group {group} one sample is worth {number(float(row.gain))} samples without it "
            f"(expected {number(float(row.gain_expected))}, in the limit {number(float(row.gain_theory))}). The risk "
            f"falls as n to the power {number(float(row.slope))} (expected {number(float(row.slope_expected))}, in the "
            f"limit {number(float(row.slope_theory))}; {plural(seeds, 'seed')})."
        )
    return lines


def _named(group: str) -> str:
    return "no symmetry" if str(group) == "1" else str(group)


def _curves(panel: Axes, found: xr.Dataset) -> None:
    n, size = found.n.values, found.sizes["group"]
    shown, inks = range(size) if size <= 4 else range(0, size, 2), ordered_colours(size)
    for k in shown:
        ink = inks[k]
        part = found.isel(group=k)
        mean = part.risk.mean("seed").values
        error = part.risk.std("seed", ddof=min(1, part.sizes["seed"] - 1)).values / np.sqrt(part.sizes["seed"])
        bars = np.stack([np.minimum(2 * error, 0.9 * mean), 2 * error])
        panel.errorbar(n, mean, bars, fmt="o", ms=3, lw=0.8, color=ink, label=_named(found.group.values[k]))
        panel.plot(n, part.expected.mean("seed"), color=ink, lw=1.0)
        panel.plot(n, part.theory.mean("seed"), color=ink, lw=0.8, ls=":")
    panel.legend(frameon=False, fontsize=7)
