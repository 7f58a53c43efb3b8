"""What the report of the recovery experiment says: tables, sentences, figures."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle, product
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from symdyn.reporting.page import Picture
from symdyn.reporting.style import ACCENT, GREY, INK, SECOND, clean, new_figure, save_figures
from symdyn.reporting.texts import number, plural

__all__ = ["draw", "finding", "medians", "rows", "title"]

_COLUMNS = ("m", "r", "d", "seed", "n_recover", "n_lib", "dt", "gap")
_INKS = (ACCENT, SECOND, "#5f3dc4", INK)
_NAMES = {"ortho": "phi(u1·x, …, ur·x)", "quad": "phi(|x − c1|², …, |x − cr|²)", "se": "SE(m)", "t": "T(m)"}


def rows(results: xr.Dataset, degree: int) -> xr.Dataset:
    """Lay out a sweep over m, r and seed as a table with the published columns."""
    grid = np.array(list(product(*(results[name].values for name in ("m", "r", "seed")))))
    table = {"m": grid[:, 0], "r": grid[:, 1], "d": np.full(len(grid), degree), "seed": grid[:, 2]}
    for name in _COLUMNS[4:]:
        values = results[name].transpose("m", "r", "seed").values.ravel()
        table[name] = values.astype(int) if name.startswith("n_") else values
    return xr.Dataset({name: ("row", values) for name, values in table.items()})


def medians(table: xr.Dataset) -> xr.Dataset:
    """Compute medians over seeds, one row for each (degree, r, m)."""
    cells = sorted({(int(d), int(r), int(m)) for d, r, m in zip(table.d, table.r, table.m, strict=True)})
    chosen = [table.isel(row=np.flatnonzero((table.d == d) & (table.r == r) & (table.m == m))) for d, r, m in cells]
    numbers = {
        "samples": [float(part.n_recover.median()) for part in chosen],
        "least": [int(part.n_recover.min()) for part in chosen],
        "most": [int(part.n_recover.max()) for part in chosen],
        "library": [int(part.n_lib[0]) for part in chosen],
        "cpu_seconds": [float(part.dt.mean()) for part in chosen],
        "largest_gap": [float(part.gap.max()) for part in chosen],
    }
    names = np.array([f"degree {d}, r = {r}, m = {m}" for d, r, m in cells], dtype=object)
    meanings = {
        "samples": "median over seeds of the number of samples from which the polynomial is recovered",
        "least": "smallest such number over seeds",
        "most": "largest such number over seeds",
        "library": "number of features, which is what a fit without symmetry needs",
        "cpu_seconds": "mean CPU time of one polynomial",
        "largest_gap": "largest certified duality gap, relative",
    }
    columns = {name: ("problem", values, {"long_name": meanings[name]}) for name, values in numbers.items()}
    columns["cpu_seconds"][2]["units"] = "s"
    return xr.Dataset(columns, coords={"problem": names})


def title(name: str) -> str:
    """Say which functions and which symmetry a table is about."""
    family, algebra = name.split("_")
    return f"{_NAMES[family]} under {_NAMES[algebra]}"


def finding(name: str, table: xr.Dataset) -> str:
    """Say what a table holds, in one line."""
    share = float((table.n_recover / table.n_lib).median())
    return (
        f"{title(name)}: {plural(table.sizes['row'], 'polynomial')} in {number(float(table.dt.sum()))} s of CPU time. "
        f"The median polynomial takes {number(share, 2)} samples per feature of the library, where a fit without "
        f"symmetry takes 1. Largest certified duality gap: {number(float(table.gap.max()), 2)}."
    )


def draw(folder: Path, tables: Mapping[str, xr.Dataset]) -> list[Picture]:
    """Draw samples against the number of states, one figure a table, the size of the library for comparison."""
    return list(save_figures(folder, {name: (_figure(table), _caption(name)) for name, table in tables.items()}))


def _figure(table: xr.Dataset) -> Figure:
    degrees = sorted({int(d) for d in table.d})
    figure, axes = new_figure(10.2 if len(degrees) > 1 else 5.4, 3.2, 1, len(degrees))
    inks = dict(zip(sorted({int(r) for r in table.r}), cycle(_INKS), strict=False))
    for panel, degree in zip(axes[0], degrees, strict=True):
        here = table.isel(row=np.flatnonzero(table.d == degree))
        _panel(clean(panel), here, inks)
        panel.set_title(f"degree {degree}", fontsize=9, color=INK)
        panel.set_xlabel("number of states m")
    axes[0, 0].set_ylabel("samples for recovery")
    fullest = max(axes[0], key=lambda panel: len(panel.lines))
    fullest.legend(frameon=False, fontsize=8, loc="upper left")
    return figure


def _caption(name: str) -> str:
    return (
        f"{title(name)}: smallest number of noiseless samples from which the polynomial is recovered. Lines are "
        "medians over seeds, bands their ranges. Dashed: the size of the library, which is what a fit without symmetry "
        "needs; the gap between the lines is what the symmetry saves."
    )


def _panel(panel: Axes, table: xr.Dataset, inks: dict[int, str]) -> None:
    sizes = dict(zip(table.m.values.tolist(), table.n_lib.values.tolist(), strict=True))
    states = sorted(sizes)
    library = [sizes[m] for m in states]
    panel.plot(states, library, "--", marker="_", ms=14, color=GREY, linewidth=1, label="library (no symmetry)")
    for r in sorted({int(r) for r in table.r}):
        groups = [table.n_recover.values[(table.m.values == m) & (table.r.values == r)] for m in states]
        known = [k for k, group in enumerate(groups) if group.size]
        places, groups = [states[k] for k in known], [groups[k] for k in known]
        panel.fill_between(
            places, [g.min() for g in groups], [g.max() for g in groups], color=inks[r], alpha=0.18, lw=0
        )
        panel.plot(
            places, [np.median(g) for g in groups], "o-", color=inks[r], markersize=3, linewidth=1.2, label=f"r = {r}"
        )
    panel.set_xticks(states if len(states) < 8 else states[:: 1 + len(states) // 6])
    panel.set_ylim(0, 1.15 * max([*library, *table.n_recover.values.tolist()]))
    panel.yaxis.set_major_locator(MaxNLocator(integer=True))
