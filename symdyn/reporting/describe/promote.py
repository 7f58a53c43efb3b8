"""The report of a promotion: what is kept, what is broken, and the errors on held-out samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.vectorfields import VectorField
from symdyn.promotion.promotion_candidates import split_candidates
from symdyn.reporting.style import ACCENT, GREY, SECOND, clean, logarithmic, new_figure, save_figures
from symdyn.reporting.tables import with_law
from symdyn.reporting.texts import number, output_names
from symdyn.sums.store import algebra_to_dataset

if TYPE_CHECKING:
    from symdyn.promotion.promoted import PromotedRegressor

__all__ = ["Promoted", "draw", "findings", "groups", "names_of_values"]

_SHOWN = 2000  # samples of a picture
_WORSE = 0.95  # of an error: what is above is as good
_FLOOR = 1e-12  # of singular values, relative to the largest, that are drawn


class Promoted(NamedTuple):
    """A promoted fit, and held-out values `(sample, output)` with the predictions of each model."""

    model: PromotedRegressor
    states: Sequence[str]
    outputs: Sequence[str]
    values: np.ndarray
    predicted: dict[str, np.ndarray]
    sizes: tuple[int, int]  # samples fitted, and left out

    @property
    def errors(self) -> dict[str, float]:
        """Root mean square errors, relative to the spread of the values, components in units of their own spread."""
        spread = self.values.std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        return {
            name: float(np.sqrt(np.mean(((predicted.reshape(self.values.shape) - self.values) / spread) ** 2)))
            for name, predicted in self.predicted.items()
        }


def names_of_values(states: Sequence[str], n_outputs: int, kind: str) -> list[str]:
    """Name the values that trajectories have: rates, accelerations, or next points."""
    if kind == "map":
        return [f"next {state}" for state in states[:n_outputs]]
    return output_names(states, n_outputs, "second_order" if kind == "second_order" else "flow")


def groups(found: Promoted) -> dict[str, xr.Dataset]:
    """Make the tables of the report, by name; `results.nc` holds the same."""
    tables = {"directions": _directions(found)}
    algebra = _algebra(found.model)
    if algebra is not None:
        tables["symmetry"] = algebra_to_dataset(algebra).assign_attrs(caption="The generators that the fit keeps.")
    tables["validation"] = _validation(found)
    tables["law"] = _law(found)
    return tables


def _algebra(model: PromotedRegressor) -> LieAlgebra | None:
    parts = model.symmetry_ if isinstance(model.symmetry_, list) else [model.symmetry_]
    return next((part for part in parts if isinstance(part, LieAlgebra)), None)


def _directions(found: Promoted) -> xr.Dataset:
    values = np.sort(found.model.singular_values_)[::-1]
    kept = np.arange(len(values)) >= len(values) - _n_kept(found.model)
    largest = values.max(initial=0.0) or 1.0
    return xr.Dataset(
        {
            "relative": ("direction", values / largest, {"long_name": "violation, relative to the largest"}),
            "kept": ("direction", kept),
        },
        coords={"direction": np.arange(1, len(values) + 1)},
        attrs={
            "caption": "Singular values of v → L(v, F), one for each independent direction of the candidates: how "
            "much the fit changes along it. The penalty is their sum."
        },
    )


def _n_kept(model: PromotedRegressor) -> int:
    algebra = _algebra(model)
    return 0 if algebra is None else algebra.dim


def _validation(found: Promoted) -> xr.Dataset:
    errors = found.errors
    fitted, left_out = found.sizes
    return xr.Dataset(
        {"error": ("model", list(errors.values()), {"long_name": "error, relative to the spread of the values"})},
        coords={"model": np.array(list(errors), dtype=object)},
        attrs={
            "title": "Samples left out",
            "caption": f"Fitted on {fitted} samples and judged on {left_out} others, left out in blocks of neighbours. "
            "Least squares uses the same functions without the penalty; the mean is a constant.",
        },
    )


def _law(found: Promoted) -> xr.Dataset:
    model = found.model
    law = VectorField(model.features, np.atleast_2d(model.coef_), tuple(found.states))
    table = xr.Dataset(
        {"equation": ("output", np.array(law.equations(3), dtype=object))},
        coords={"output": np.array(list(found.outputs), dtype=object)},
        attrs={"caption": f"The function that predicts; the weight of the penalty is gamma = {number(model.gamma_)}."},
    )
    return with_law(table, law, list(found.outputs))


def findings(found: Promoted) -> list[str]:
    """Tell the report in a few sentences; every number comes from the fit."""
    model, errors = found.model, found.errors
    return [
        _kept_sentence(model),
        f"The error on samples left out is {number(errors['promoted'], 2)} of their spread. Baselines: least squares "
        f"with the same functions {number(errors['least squares'], 2)}, the mean {number(errors['mean'], 2)}."
        f"{_against_baselines(errors)}",
        f"The weight gamma of the penalty is {number(model.gamma_)}; the objective is within {number(model.gap_, 1)} "
        "of its minimum.",
    ]


def _against_baselines(errors: Mapping[str, float]) -> str:
    better = [name for name, error in errors.items() if name != "promoted" and error < _WORSE * errors["promoted"]]
    return f" The promoted fit is worse than {' and '.join(better)}." if better else ""


def _kept_sentence(model: PromotedRegressor) -> str:
    elements, values = split_candidates(model.candidates)[1], model.singular_values_
    n = len(values) + (0 if elements is None else len(elements))
    if model.symmetry_ is None:
        least = f"; the least violation is {number(values.min() / values.max(), 2)} of the largest"
        return f"The fit keeps none of {n} independent candidates: all of them are broken{least if n > 1 else ''}."
    parts = model.symmetry_ if isinstance(model.symmetry_, list) else [model.symmetry_]
    texts = "; ".join(text for part in parts for text in part.texts())
    name = f"{parts[0].name}: " if isinstance(parts[0], LieAlgebra) and parts[0].name else ""
    return f"The fit keeps {name}{texts}. {_how(model)} Of {n} independent candidates {model.broken_} are broken."


def _how(model: PromotedRegressor) -> str:
    if model.enforced_:
        return "The prediction has this symmetry exactly."
    if model.promoted_:
        return "The prediction has this symmetry only approximately."
    return "Samples left out object to this symmetry: the prediction is that of least squares."


def draw(folder: Path, found: Promoted) -> list[tuple[Path, str]]:
    """Draw all figures into `folder`; return paths with captions."""
    errors = found.errors
    drawings = {
        "directions": (
            _bars(found),
            "Violation of each independent direction of the candidates, relative to the largest. A gap between the "
            "directions that are kept (blue-green) and those that are broken (orange) shows a clear decision.",
        ),
        "validation": (
            _scatter(found),
            f"Values left out against their prediction: on the line it is exact. The error is "
            f"{number(errors['promoted'], 2)} of the spread, that of least squares "
            f"{number(errors['least squares'], 2)}.",
        ),
    }
    return save_figures(folder, drawings)


def _bars(found: Promoted) -> Figure:
    table = _directions(found)
    figure, axes = new_figure(5.5, 3.0)
    panel = clean(axes[0, 0])
    heights = np.maximum(table.relative.values, _FLOOR)
    colours = [ACCENT if kept else SECOND for kept in table.kept.values]
    floor = heights.min() / 10
    panel.vlines(table.direction.values, floor, heights, color=colours, linewidth=2)
    panel.scatter(table.direction.values, heights, color=colours, s=24, zorder=3)
    panel.set(yscale="log", xlabel="direction", ylabel="violation / largest", ylim=(floor, 3.0))
    logarithmic(panel.yaxis)
    panel.set_xticks(table.direction.values if len(heights) <= 12 else table.direction.values[:: len(heights) // 8])
    return figure


def _scatter(found: Promoted) -> Figure:
    predicted = found.predicted["promoted"].reshape(found.values.shape)
    n_outputs = found.values.shape[1]
    columns = min(n_outputs, 3)
    figure, axes = new_figure(3.1 * columns, 3.0, 1, columns)
    step = max(len(found.values) // _SHOWN, 1)
    for panel, name, y, guess in zip(axes[0], found.outputs, found.values.T, predicted.T, strict=False):
        clean(panel)
        ends = [min(y.min(), guess.min()), max(y.max(), guess.max())]
        panel.plot(ends, ends, color=GREY, linewidth=1)
        panel.plot(y[::step], guess[::step], ".", color=ACCENT, markersize=3)
        panel.set(xlabel=f"{name}, measured", ylabel=f"{name}, predicted")
    return figure
