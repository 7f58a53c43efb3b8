"""What the report of a fit says: tables, sentences, figures."""

from __future__ import annotations

import numpy as np
import xarray as xr

from symdyn.data.trajectories import Trajectory, each_trajectory
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.regression import subalgebras
from symdyn.regression.holdout import predict_trajectory
from symdyn.reporting import figures, fits
from symdyn.reporting.style import save_figures
from symdyn.rows.rates import characteristic_time, differentiate
from symdyn.sums.store import algebra_to_dataset, law_to_dataset

_MARKS = {"flow": "'", "second_order": "''", "map": " step"}
_DRAWN = 6
_PERIODS = 3  # that are predicted


def symmetries(fit) -> dict:
    """What the table of models tries of what is enforced: nothing, each subalgebra, finite elements, all together."""
    parts = fit.symmetry if isinstance(fit.symmetry, list) else [fit.symmetry]
    algebra = next((part for part in parts if isinstance(part, LieAlgebra)), None)
    found = {"none": None} if algebra is None else subalgebras(algebra)
    elements = [part for part in parts if part is not None and not isinstance(part, LieAlgebra)]
    if elements:
        found["finite"] = elements[0]
        if algebra is not None:
            found["all, and finite"] = fit.symmetry
    return found


def predictions(data, fit, law) -> list[tuple]:
    """Trajectories left out, from their smoothed first states, by the law and by the free one."""
    pairs = []
    compared = len(law.coefficients)
    for run in each_trajectory(data.isel(trajectory=fit.indices[-1][:20])):
        states = run.states if law.kind == "map" else differentiate(run.times, run.states)[0]
        duration = _PERIODS * 2 * np.pi * characteristic_time(run.times, run.states)
        smooth = Trajectory(run.name, run.times, states)
        pairs.append(tuple(predict_trajectory(one, smooth, duration, compared=compared) for one in (law, fit.free)))
    return pairs


def groups(fit, models, pairs, law) -> dict[str, xr.Dataset]:
    """The tables of the report, by name; `results.nc` holds the same."""
    tables = {
        "validation": _validation(pairs),
        "comparison": fit.table.assign_attrs(
            caption="Fitted to the same trajectories and judged on others. Error: root mean square of what the law "
            "misses of the rates, relative to the rates, without noise; excess: how much more of the mean square is "
            "missed than by the law inside the symmetry, with its standard error over trajectories in pairs."
        ),
        "models": models.table.assign_attrs(
            caption="Every threshold with every symmetry, the fewest free numbers first; take one by --model. Chosen "
            f"would be {models.chosen}: the simplest within one standard error of the best. Who chooses by these "
            "errors has seen the trajectories left out."
        ),
        "samples": fit.curve.assign_attrs(
            caption="Relative error on the trajectories left out when so many are fitted: medians of 11 draws."
        ),
        "law": _law(law),
    }
    if fit.search is not None:
        caption = f"Found on {len(fit.indices[0])} other trajectories."
        verdicts = fit.search.verdicts_.assign_attrs(algebra=fit.search.algebra_.name, caption=caption)
        stored = algebra_to_dataset(fit.search.algebra_)
        tables["symmetry"] = xr.merge([verdicts, stored], combine_attrs="drop_conflicts")
    else:
        tables["symmetry"] = algebra_to_dataset(fit.given).assign_attrs(caption=f"Given: {fit.given.name}.")
    return tables


def _validation(pairs):
    names = np.array([first.name for first, _ in pairs], dtype=object)
    return xr.Dataset(
        {
            "law": ("trajectory", np.array([first.error for first, _ in pairs])),
            "free": ("trajectory", np.array([second.error for _, second in pairs])),
        },
        coords={"trajectory": names},
        attrs={
            "caption": f"Predicted over {_PERIODS} characteristic periods from the first state, smoothed: root mean "
            "square distance over root mean square size."
        },
    )


def _law(law):
    mark = _MARKS[law.kind]
    outputs = [f"{state}{mark}" for state in law.states[: len(law.coefficients)]]
    table = xr.Dataset(
        {"equation": ("output", np.array(law.equations(4), dtype=object))},
        coords={"output": np.array(outputs, dtype=object)},
        attrs={
            "caption": "The fitted law; law.nc holds it, symdyn.regression.FittedLaw.load reads it.",
            "kind": law.kind,
        },
    )
    return xr.merge([table, law_to_dataset(law, outputs)], combine_attrs="drop_conflicts")


def findings(fit, models, law) -> list[str]:
    """The report in a few sentences; every number comes from the tables."""
    lines = []
    if fit.search is not None:
        algebra = fit.search.algebra_
        found = "; ".join(algebra.texts()) if algebra.dim else "no continuous symmetry but the motion itself"
        lines.append(f"Found on {len(fit.indices[0])} trajectories: {found}.")
        if hasattr(fit.search, "elements_"):
            lines.append(f"Finite symmetries: {'; '.join(fit.search.elements_.texts()) or 'none'}.")
    lines += fit.summary().splitlines()
    lines.append(f"The law has {law.n_terms} terms that matter: {'; '.join(_equations(law))}.")
    return lines


def _equations(law):
    mark = _MARKS[law.kind]
    return [f"{state}{mark} = {line}" for state, line in zip(law.states, law.equations(3), strict=False)]


def draw(folder, fit, models, pairs, law) -> list[tuple]:
    """Draw all figures into `folder`; returns paths with captions."""
    drawings = {
        "predictions": (
            fits.left_out(pairs[:_DRAWN], law.states, ("the law", "free")),
            "Trajectories left out, and what is predicted from their first states. Errors: the law | free.",
        ),
        "samples": (
            fits.learning(fit.curve),
            "What the symmetry saves: error on the trajectories left out against how many are fitted.",
        ),
        "models": (
            fits.pareto_front(models.table),
            "Every threshold with every symmetry: free numbers against error on the trajectories left out.",
        ),
    }
    if fit.search is not None and len(fit.search.generators_):
        drawings["evidence"] = (figures.evidence(fit.search.verdicts_), "Violation of each candidate, with its bound.")
    return save_figures(folder, drawings)
