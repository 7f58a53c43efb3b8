"""The picture of `bench_operators.py`: plain against constrained on turned starts, and errors by size."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib import pyplot as plt
from operator_tables import curve

COLOURS = {"plain": "#c0504d", "constrained": "#1f6f8b", "steerable": "#7a9a3a"}
SHOWN = ("plain", "constrained")
TITLES = {"vorticity": "vorticity", "lambda_omega": "reaction and diffusion"}


def draw(rows: list[dict], folder: Path, path: Path, *, sample: int = 0) -> None:
    """Write the picture: above fields of vorticity from starts along x and the same turned, below the curves."""
    figure = plt.figure(figsize=(12, 8.6), layout="constrained")
    above, below = (figure.add_subfigure(place) for place in figure.add_gridspec(2, 1, height_ratios=(1.35, 1)))
    _fields(above, folder, sample)
    systems = [name for name in TITLES if curve(rows, name, "plain")]
    for axes, system in zip(np.atleast_1d(below.subplots(1, len(systems))), systems, strict=True):
        _curves(axes, rows, system)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _fields(figure, folder, sample):
    found = {model: dict(np.load(folder / f"fields-vorticity-{model}.npz")) for model in SHOWN}
    figure.suptitle("vorticity, trained on starts along x: predictions, and three times what they err by")
    axes = figure.subplots(2, 6, gridspec_kw={"wspace": 0.05, "hspace": 0.05})
    for row, (name, label) in enumerate((("test", "along x, as trained"), ("quarter", "turned by a quarter"))):
        start, truth = (found["plain"][f"{name}_{part}"][sample, 0] for part in ("start", "truth"))
        guesses = [found[model][f"{name}_found"][sample, 0] for model in SHOWN]
        panels = [start, truth, *guesses, *(3 * (guess - truth) for guess in guesses)]
        errors = [np.linalg.norm(guess - truth) / np.linalg.norm(truth) for guess in guesses]
        titles = [
            "start",
            "truth at T",
            *SHOWN,
            *(f"{model}, error {e:.0%}" for model, e in zip(SHOWN, errors, strict=True)),
        ]
        limit = np.abs(truth).max()
        colours = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
        for axis, values, title in zip(axes[row], panels, titles, strict=True):
            axis.imshow(values.T, origin="lower", interpolation="bicubic", **colours)
            axis.set(xticks=[], yticks=[])
            if row == 0 or "error" in title:
                axis.set_title(title, fontsize=10)
        axes[row, 0].set_ylabel(label)
        figure.colorbar(axes[row, 0].images[0], ax=axes[row], shrink=0.8, pad=0.01)


def _curves(axes, rows, system):
    for model, colour in COLOURS.items():
        points = curve(rows, system, model)
        if not points:
            continue
        for size, errors in points.items():
            axes.plot([size] * len(errors), errors, ".", color=colour, alpha=0.4)
        axes.plot(list(points), [np.median(errors) for errors in points.values()], color=colour, label=model)
    axes.set(xscale="log", yscale="log", xlabel="training trajectories", ylabel="relative error, fresh trajectories")
    axes.set_title(f"{TITLES[system]}, isotropic starts", fontsize=10)
    sizes = list(curve(rows, system, "plain"))
    axes.set_xticks(sizes, [str(size) for size in sizes])
    low, high = axes.get_ylim()
    levels = [tick for tick in (0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5) if low <= tick <= high]
    axes.set_yticks(levels, [f"{tick:.0%}" for tick in levels])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
