"""What the report of a fit says: tables, sentences, figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.regression import FittedLaw, Pareto, SymmetricFit
from symdyn.regression.holdout import Prediction
from symdyn.reporting import figures, fits
from symdyn.reporting.style import save_figures
from symdyn.reporting.tables import with_algebra, with_law
from symdyn.reporting.texts import output_names
from symdyn.sums.store import algebra_to_dataset

__all__ = ["draw", "findings", "groups"]

_DRAWN = 6  # trajectories

Pairs = Sequence[tuple[Prediction, Prediction]]  # of one trajectory, by the law and by the free one


def groups(fit: SymmetricFit, models: Pareto, pairs: Pairs, law: FittedLaw, *, n_periods: int) -> dict[str, xr.Dataset]:
    """Make the tables of the report, by name; `results.nc` holds the same.

    Parameters
    ----------
    fit : SymmetricFit
    models : Pareto
    pairs : sequence of (Prediction, Prediction)
        Of trajectories left out, over `n_periods` characteristic periods.
    law : FittedLaw
        The one of `fit`, or another that was chosen among the models.
    """
    return {
        "validation": _validation(pairs, n_periods),
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
        "symmetry": _symmetry(fit),
    }


def _symmetry(fit: SymmetricFit) -> xr.Dataset:
    if fit.search is None:
        assert isinstance(fit.given, LieAlgebra)
        return algebra_to_dataset(fit.given).assign_attrs(caption=f"Given: {fit.given.name}.")
    caption = f"Found on {len(fit.indices[0])} other trajectories."
    algebra = fit.search.algebra_
    return with_algebra(fit.search.verdicts_.assign_attrs(algebra=algebra.name, caption=caption), algebra)


def _validation(pairs: Pairs, n_periods: int) -> xr.Dataset:
    names = np.array([first.name for first, _ in pairs], dtype=object)
    return xr.Dataset(
        {
            "law": ("trajectory", np.array([first.error for first, _ in pairs])),
            "free": ("trajectory", np.array([second.error for _, second in pairs])),
        },
        coords={"trajectory": names},
        attrs={
            "caption": f"Predicted over {n_periods} characteristic periods from the first state, smoothed: root mean "
            "square distance over root mean square size."
        },
    )


def _law(law: FittedLaw) -> xr.Dataset:
    outputs = output_names(law.states, len(law.coefficients), law.kind)
    table = xr.Dataset(
        {"equation": ("output", np.array(law.equations(4), dtype=object))},
        coords={"output": np.array(outputs, dtype=object)},
        attrs={
            "caption": "The fitted law; law.nc holds it, symdyn.regression.FittedLaw.load reads it.",
            "kind": law.kind,
        },
    )
    return with_law(table, law, outputs)


def findings(fit: SymmetricFit, law: FittedLaw) -> list[str]:
    """Tell the report in a few sentences; every number comes from the tables."""
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


def _equations(law: FittedLaw) -> list[str]:
    outputs = output_names(law.states, len(law.states), law.kind)
    return [f"{output} = {line}" for output, line in zip(outputs, law.equations(3), strict=False)]


def draw(folder: Path, fit: SymmetricFit, models: Pareto, pairs: Pairs, law: FittedLaw) -> list[tuple[Path, str]]:
    """Draw all figures into `folder`; return paths with captions."""
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
