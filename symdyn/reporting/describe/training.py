"""What the report of trained operators says: tables, sentences, figures.

True fields are tensors `(trajectory, time, field, x[, y])`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator, NullLocator
from torch import Tensor, nn

from symdyn.neural.operators.job import OperatorTask
from symdyn.neural.operators.score import in_disc, moves_of, truth_of
from symdyn.neural.training import Training
from symdyn.neural.training.errors import relative_error, rollout, rollout_errors
from symdyn.reporting.style import ACCENT, GREY, INK, SECOND, clean, logarithmic, new_figure, save_figures
from symdyn.reporting.texts import number, plural

__all__ = [
    "assumed",
    "draw",
    "draw_sweep",
    "findings",
    "in_pages",
    "places",
    "sweep_findings",
    "sweep_table",
    "table",
]

_BASELINE = ("plain",)  # the operator that others are compared with
_UNTRAINED = ("persistence", "mean")  # predictions that any model must beat
INKS = {"plain": SECOND, "equivariant": ACCENT, "penalty": "#7048a8", "augmented": "#b08900"}
NAMES = {
    "validation": "one step on validation trajectories",
    "test": "one step on test trajectories",
    "test_quarter_turn": "one step on test trajectories after quarter turns",
    "test_angle": "one step on test trajectories after a turn by 30°, in a disc",
    "test_disc": "one step on test trajectories, in the same disc",
    "test_values": "one step on test trajectories moved by random elements of the symmetry",
    "broken_quarter_turn": "violation of quarter turns",
    "broken_angle": "violation of a turn by 30°, in a disc",
    "broken_values": "violation of random elements of the symmetry",
    "rollout": "end of a rollout on test trajectories",
    "parameters": "number of weights",
    "step": "time of a training step",
    "epochs": "epochs that were trained",
}
SHORT = {
    "test": "one step",
    "test_quarter_turn": "one step, quarter turns",
    "test_values": "one step, random elements",
    "rollout": "end of a rollout",
}
LIMITS = {"persistence": "persistence", "mean": "predicting the mean"}
_ALIKE = 0.01  # relative difference of errors that is none
TITLES = {
    "plain": "Plain operator",
    "equivariant": "Equivariant operator",
    "penalty": "Operator trained with a penalty",
    "augmented": "Operator trained on moved data",
}
COUNTS = ("parameters", "epochs")
MOVES = {"quarter_turn": "quarter turn", "angle": "turn by 30°", "values": "random elements"}

Scores = Mapping[str, Mapping[str, float]]  # numbers by name, of each kind of model
Modules = Mapping[str, nn.Module]  # by kind of model
_Move = tuple[str, Tensor, dict[str, Tensor]]  # its name, the truth, the error of each kind of model


def table(scores: Scores) -> xr.Dataset:
    """Lay out one row a model, one column a number."""
    columns = [name for name in NAMES if any(name in row for row in scores.values())]
    values = {
        name: (
            "model",
            np.array([row.get(name, np.nan) for row in scores.values()]),
            {"long_name": NAMES[name], **({"units": "ms"} if name == "step" else {})},
        )
        for name in columns
    }
    return xr.Dataset(values, {"model": np.array(list(scores), dtype=object)})


def in_pages(errors: xr.Dataset) -> dict[str, xr.Dataset]:
    """Cut the table into two that fit a page: errors, and how well the symmetry is kept at what cost."""
    second = [name for name in map(str, errors.data_vars) if name.startswith("broken") or name in (*COUNTS, "step")]
    first = (
        "Relative errors |F(u) − u(t + lead)| / |u(t + lead)| of one step, and at the end of a rollout. Baselines: "
        "persistence predicts that nothing changes, mean predicts the mean of the training data everywhere. An error "
        "of 1 is that of predicting 0. Turns by 30° are judged in a disc, since they do not map a periodic square to "
        "itself."
    )
    kept = (
        "broken is |F(g u) − g F(u)| / |F(u)| on test trajectories: 0 for an operator that has the symmetry. step is "
        "the time of a training step, measured in turns (CPU time; wall-clock time on a GPU)."
    )
    trained = errors.isel(model=~np.isin(errors.model.values.astype(str), _UNTRAINED))[second]
    counted = {name: trained[name].astype(int).assign_attrs(trained[name].attrs) for name in COUNTS if name in trained}
    pages = {"errors": errors.drop_vars(second), "symmetry_and_cost": trained.assign(counted)}
    return {
        name: page.assign_attrs(caption=caption, label="model")
        for (name, page), caption in zip(pages.items(), (first, kept), strict=True)
    }


def places(notes: Sequence[str]) -> xr.Dataset:
    """Lay out which generator went where."""
    parts = [note.split(": ", 1) for note in notes]
    rows = {"where": ("generator", np.array([text for _, text in parts], dtype=object))}
    names = np.array([name for name, _ in parts], dtype=object)
    caption = "Each generator of the symmetry, and what makes the operator respect it."
    return xr.Dataset(rows, {"generator": names}, {"caption": caption})


def assumed(task: OperatorTask) -> list[str]:
    """Say what was asked for on the grid and is not in the symmetry."""
    known = {"quarter_turns", "rotations"} if task.parts.turn is not None else set()
    names = [name.replace("_", " ") for name in task.options.space or () if name not in known]
    return [f"Asked for on the grid, but not in the symmetry given: {', '.join(names)}."] if names else []


def findings(scores: Scores, task: OperatorTask) -> list[str]:
    """Tell in sentences what the table says."""
    sizes = [part.sizes["trajectory"] for part in task.split]
    lines = [
        f"Trained on {plural(sizes[0], 'trajectory')}; {sizes[1]} others choose the epoch, {sizes[2]} others test.",
        *assumed(task),
    ]
    trained = {kind: row for kind, row in scores.items() if kind not in _UNTRAINED}
    for kind, row in trained.items():
        moved = [f"{number(row[f'test_{name}'])} ({text})" for name, text in MOVES.items() if f"test_{name}" in row]
        text = (
            f"{TITLES[kind]}: relative error {number(row['test'])} after one step on test trajectories, "
            f"{number(row['rollout'])} at the end of a rollout"
        )
        lines.append(text + (f"; after one step on moved test trajectories, {', '.join(moved)}." if moved else "."))
    lines += _against_baselines(trained, {kind: scores[kind] for kind in _UNTRAINED if kind in scores})
    if {"plain", "equivariant"} <= set(scores):
        ratio = scores["plain"]["test"] / scores["equivariant"]["test"]
        cost = scores["equivariant"]["step"] / scores["plain"]["step"]
        lines.append(
            f"The error of the plain operator is {number(ratio)} times that of the equivariant one, whose training "
            f"step takes {number(cost)} times as long."
        )
    return lines


def _against_baselines(trained: Scores, untrained: Scores) -> list[str]:
    """Say what the baselines reach, and which models are worse."""
    lines = []
    if untrained:
        reached = [f"{kind} {number(row['test'])} and {number(row['rollout'])}" for kind, row in untrained.items()]
        lines.append(f"Baselines, after one step and at the end of a rollout: {', '.join(reached)}.")
    for name, when in (("test", "After one step"), ("rollout", "At the end of a rollout")):
        limits = {LIMITS[kind]: base[name] for kind, base in untrained.items()} | {"predicting 0": 1.0}
        alike: dict[str, list[str]] = {}
        for kind, row in trained.items():
            worse = [limit for limit, error in limits.items() if not row[name] <= (1 + _ALIKE) * error]
            equal = [limit for limit, error in limits.items() if abs(row[name] / error - 1) <= _ALIKE]
            said = [
                f"{word} {' and '.join(some)}" for word, some in (("worse than", worse), ("as good as", equal)) if some
            ]
            alike.setdefault(", ".join(said), []).append(kind)
        for said, kinds in alike.items():
            if said:
                lines.append(f"{when} {' and '.join(kinds)} {'is' if len(kinds) == 1 else 'are'} {said}.")
    return lines


def draw(folder: Path, task: OperatorTask, modules: Modules, fits: Mapping[str, Training]) -> list[tuple[Path, str]]:
    """Draw learning curves, rollouts beside the baselines, error maps and moved data."""
    truth = truth_of(task.split.test, task.options.lead, next(iter(modules.values())), task.options.memory)
    violated = any("violation" in fit.history for fit in fits.values())
    right = "violation of each generator in the penalty" if violated else "training loss"
    caption = (
        f"Left: validation error against epochs, with a dot at the epoch that was chosen; a curve that still falls at "
        f"its end asks for more epochs. Right: {right}."
    )
    drawings = {"training": (_learning(fits, violated), caption)}
    drawings["rollout"] = (
        _rollouts(truth, modules, task.time_step, means=_means(task)),
        "Relative error of rollouts on test trajectories against time: median and interquartile range. Grey: the "
        "baselines, persistence (dashed) and the mean of the training data (dotted). A model is useful as long as it "
        "lies below both.",
    )
    field = task.grid.fields[0]
    maps = _maps_in_plane if truth.ndim == 5 else _maps_on_line
    drawings["end of a rollout"] = (
        maps(truth, modules, field, task),
        f"Field {field} of the first test trajectory at the end of a rollout: the truth, the predictions with their "
        "relative errors, and the differences between them.",
    )
    if moves_of(task.parts, task.split.test, 1):
        drawings["moved fields"] = (
            _moved(truth, modules, field, task),
            f"Field {field} after one step from a test field, as it is and moved by elements of the symmetry: the "
            "truth, and the error of each model with its relative size. A model that has the symmetry errs alike in "
            "all rows.",
        )
    return save_figures(folder, drawings)


def _learning(fits: Mapping[str, Training], violated: bool) -> Figure:
    figure, axes = new_figure(8.4, 3.2, 1, 2)
    left, right = (clean(panel) for panel in axes[0])
    for kind, fit in fits.items():
        epochs = fit.history.epoch.values + 1
        left.plot(epochs, fit.history.validation, color=INKS[kind], lw=1.4, label=kind)
        left.plot(fit.best + 1, fit.error, "o", ms=4, color=INKS[kind])
        if "violation" in fit.history:
            for k, line in enumerate(fit.history.violation.values.T):
                right.plot(epochs, line, color=INKS[kind], lw=1.1, alpha=1 / (1 + 0.5 * k))
        elif not violated:
            right.plot(epochs, fit.history.train, color=INKS[kind], lw=1.1)
    left.set(xlabel="epoch", ylabel="validation error")
    right.set(xlabel="epoch", ylabel="violation" if violated else "training loss")
    logarithmic(left.yaxis, right.yaxis)
    for panel in (left, right):
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    left.legend(frameon=False, fontsize=8)
    return figure


def _means(task: OperatorTask) -> list[float]:
    """Return the mean of each field over the training data."""
    return [float(task.split.train[name].mean()) for name in task.grid.fields]


def _rollouts(truth: Tensor, modules: Modules, step: float, *, means: Sequence[float]) -> Figure:
    """Draw errors in time, beside those of persistence and of the mean."""
    figure, axes = new_figure(6.0, 3.2)
    panel = clean(axes[0, 0])
    times = step * np.arange(1, truth.shape[1])
    for kind, module in modules.items():
        each = torch.stack([rollout_errors(module, one[None]) for one in truth]).cpu().numpy()
        low, middle, high = np.quantile(each, [0.25, 0.5, 0.75], axis=0)
        panel.plot(times, middle, color=INKS[kind], lw=1.4, label=kind)
        panel.fill_between(times, low, high, color=INKS[kind], alpha=0.15, lw=0)
    later = truth[:, 1:]
    constant = torch.tensor(means).to(truth).reshape(-1, *[1] * (truth.ndim - 3)).expand_as(later)
    for value, style, label in ((truth[:, :1].expand_as(later), "--", "persistence"), (constant, ":", "mean")):
        each = torch.linalg.vector_norm((value - later).flatten(2), dim=-1) / torch.linalg.vector_norm(
            later.flatten(2), dim=-1
        )
        panel.plot(times, each.median(dim=0).values.cpu(), color=GREY, lw=1.2, ls=style, label=label)
    panel.set(xlabel="time", ylabel="relative error")
    logarithmic(panel.yaxis)
    panel.legend(frameon=False, fontsize=8)
    return figure


def _maps_in_plane(truth: Tensor, modules: Modules, field: str, task: OperatorTask) -> Figure:
    """Draw truth and predictions above, differences below, at the end of a rollout."""
    start, end = truth[:1, 0], truth[:1, -1]
    found = {kind: rollout(module, start, truth.shape[1] - 1)[:, -1] for kind, module in modules.items()}
    figure, axes = new_figure(2.5 * (1 + len(found)), 4.9, 2, 1 + len(found))
    size = float(end[0, 0].abs().max())
    errors = {kind: value - end for kind, value in found.items()}
    worst = max(float(error[0, 0].abs().max()) for error in errors.values())
    image = _image(axes[0, 0], end[0, 0], size, f"truth, {field}")
    figure.colorbar(image, ax=axes[0, :], shrink=0.8)
    axes[1, 0].axis("off")
    for column, (kind, value) in enumerate(found.items(), start=1):
        _image(axes[0, column], value[0, 0], size, kind)
        image = _image(axes[1, column], errors[kind][0, 0], worst, f"difference, {_error(value, end):.2g}")
    figure.colorbar(image, ax=axes[1, :], shrink=0.8)
    return figure


def _maps_on_line(truth: Tensor, modules: Modules, field: str, task: OperatorTask) -> Figure:
    """Draw truth and predictions above, differences below, at the end of a rollout."""
    start, end = truth[:1, 0], truth[:1, -1]
    figure, axes = new_figure(7.0, 4.4, 2, 1, sharex=True, height_ratios=[2, 1])
    above, below = (clean(panel) for panel in axes[:, 0])
    x = task.grid.grids[1]
    above.plot(x, start[0, 0].cpu(), color=GREY, lw=1.0, ls=":", label="start")
    above.plot(x, end[0, 0].cpu(), color=INK, lw=1.6, label="truth")
    for kind, module in modules.items():
        value = rollout(module, start, truth.shape[1] - 1)[:, -1]
        above.plot(x, value[0, 0].cpu(), color=INKS[kind], lw=1.1, ls="--", label=f"{kind}, {_error(value, end):.2g}")
        below.plot(x, (value - end)[0, 0].cpu(), color=INKS[kind], lw=1.1)
    above.set_ylabel(field)
    below.set(xlabel="x", ylabel="difference")
    above.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _moved(truth: Tensor, modules: Modules, field: str, task: OperatorTask) -> Figure:
    """Draw one row a move: the truth, and the error of each model after one step."""
    u, target = truth[:1, 0], truth[:1, 1]
    rows = [("as it is", lambda fields, _: fields), *_named_moves(task)]
    plane = truth.ndim == 5
    # Only in a disc is a periodic field turned by an angle what it should be.
    disc, whole = (in_disc(task.split.test) if plane else torch.ones(())).to(u), torch.ones(()).to(u)
    pairs = []
    for name, move in rows:
        region = disc if name == MOVES["angle"] else whole
        end = move(target, task.time_step) * region
        with torch.no_grad():
            errors = {kind: module(move(u, 0.0)) * region - end for kind, module in modules.items()}
        pairs.append((name, end, errors))
    return _moved_plane(pairs, field) if plane else _moved_line(pairs, field, task.grid.grids[1])


def _moved_plane(pairs: Sequence[_Move], field: str) -> Figure:
    columns = 1 + len(pairs[0][2])
    figure, axes = new_figure(2.6 * columns, 2.4 * len(pairs), len(pairs), columns)
    worst = max(float(error[0, 0].abs().max()) for _, _, errors in pairs for error in errors.values())
    for row, (name, end, errors) in zip(axes, pairs, strict=True):
        _image(row[0], end[0, 0], float(end[0, 0].abs().max()), f"{field}, {name}")
        for panel, (kind, error) in zip(row[1:], errors.items(), strict=True):
            _image(panel, error[0, 0], worst, f"{kind}: {_error(end + error, end):.2g}")
        figure.colorbar(row[-1].images[0], ax=row[-1], shrink=0.8)
    return figure


def _moved_line(pairs: Sequence[_Move], field: str, x: np.ndarray) -> Figure:
    figure, axes = new_figure(8.4, 2.3 * len(pairs), len(pairs), 2, sharex=True, sharey="col")
    for (left, right), (name, end, errors) in zip(axes, pairs, strict=True):
        clean(left).plot(x, end[0, 0].cpu(), color=INK, lw=1.4)
        left.set_ylabel(f"{field}, {name}")
        for kind, error in errors.items():
            text = f"{kind}: {_error(end + error, end):.2g}"
            clean(right).plot(x, error[0, 0].cpu(), color=INKS[kind], lw=1.1, label=text)
        right.set_ylabel("error")
        right.legend(frameon=False, fontsize=8, ncols=1, loc="center left", bbox_to_anchor=(1.0, 0.5))
    for panel in axes[-1]:
        panel.set_xlabel("x")
    return figure


def draw_sweep(folder: Path, results: xr.Dataset) -> list[tuple[Path, str]]:
    """Draw errors against the number of training trajectories."""
    names = [name for name in ("test", "test_quarter_turn", "test_values", "rollout") if name in results]
    figure, axes = new_figure(3.3 * len(names), 3.2, 1, len(names))
    for panel, name in zip(axes[0], names, strict=True):
        clean(panel)
        for kind in results.model.values:
            part = results[name].sel(model=kind)
            low, middle, high = part.min("seed"), part.median("seed"), part.max("seed")
            bars = np.stack([middle - low, high - middle])
            panel.errorbar(
                results.n_train, middle, bars, fmt="o-", ms=4, lw=1.2, color=INKS[str(kind)], label=str(kind)
            )
        panel.set(xlabel="training trajectories", ylabel="relative error", xscale="log")
        logarithmic(panel.yaxis)
        panel.set_xticks(results.n_train.values, [str(n) for n in results.n_train.values])
        panel.xaxis.set_minor_locator(NullLocator())
        panel.set_title(SHORT[name], fontsize=9, color=INK)
    axes[0, 0].legend(frameon=False, fontsize=8)
    caption = (
        "Errors against the number of training trajectories: medians and ranges over seeds. A line that lies lower, or "
        "reaches the same error farther left, needs less data."
    )
    return save_figures(folder, {"sweep": (figure, caption)})


def sweep_table(results: xr.Dataset) -> xr.Dataset:
    """Compute medians over seeds, one row a model and size."""
    middle = results.drop_vars("error", errors="ignore").median("seed").stack(row=("model", "n_train"))
    rows = np.array([f"{kind}, {size}" for kind, size in middle.row.values], dtype=object)
    columns = {
        name: ("row", middle[name].values.astype(int if name in COUNTS else float), {"long_name": NAMES[name]})
        for name in NAMES
        if name in middle.data_vars and name not in ("test_disc", "broken_angle", "epochs")
    }
    caption = (
        "Medians over seeds of relative errors on test trajectories, as they are and moved by elements of the symmetry."
    )
    return xr.Dataset(columns, {"row": rows}, {"caption": caption, "label": "model, trajectories"})


def sweep_findings(results: xr.Dataset) -> list[str]:
    """Say how much data the constrained operators save."""
    lines = []
    drawn = f"medians, {results.sizes['seed']} seeds" if results.sizes["seed"] > 1 else "one seed"
    middle = results.test.median("seed")
    models = list(results.model.values)
    for kind in [model for model in models if model not in _BASELINE and set(_BASELINE) <= set(models)]:
        plain, own = middle.sel(model="plain"), middle.sel(model=kind)
        enough = [int(n) for n, error in zip(results.n_train.values, own.values, strict=True) if error <= plain[-1]]
        most = int(results.n_train[-1])
        text = f"with {enough[0]}" if enough else "with none of these sizes"
        lines.append(f"{kind} reaches the plain operator's error at {most} trajectories {text} ({drawn}).")
    return lines or [f"{results.test.size} trainings ({drawn})."]


def _named_moves(task: OperatorTask) -> list[tuple[str, Callable[[Tensor, float], Tensor]]]:
    """Name the moves of a single field."""
    found = moves_of(task.parts, task.split.test, 1)
    return [(MOVES[name], move) for name, move in found.items()]


def _error(value: Tensor, truth: Tensor) -> float:
    return float(relative_error(value, truth))


def _image(panel: Axes, values: Tensor, size: float, title: str) -> AxesImage:
    shown = panel.imshow(values.cpu().numpy().T, origin="lower", cmap=colormaps["RdBu_r"], vmin=-size, vmax=size)
    panel.set_xticks([])
    panel.set_yticks([])
    for side in panel.spines.values():
        side.set_color(GREY)
    panel.set_title(title, fontsize=9, color=INK)
    return shown
