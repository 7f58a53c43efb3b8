"""What the report of a fit says: tables, sentences, figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.regression import FittedLaw, Pareto, SymmetricFit
from symdyn.regression.holdout import Prediction
from symdyn.reporting import fits
from symdyn.reporting.page import Picture
from symdyn.reporting.plots import page_figures
from symdyn.reporting.style import save_figures
from symdyn.reporting.tables import law_terms, with_algebra, with_law
from symdyn.reporting.texts import element_text, listing, output_names, plural
from symdyn.sums.store import algebra_to_dataset

__all__ = ["draw", "findings", "groups"]

_DRAWN = 6  # trajectories

Pairs = Sequence[tuple[Prediction, Prediction]]  # of one trajectory, by the law and by the free one


def groups(
    fit: SymmetricFit,
    models: Pareto | None,
    pairs: Pairs,
    law: FittedLaw,
    *,
    n_periods: int = 1,
    errors: np.ndarray | None = None,
) -> dict[str, xr.Dataset]:
    """Make the tables of the report, by name; `results.nc` holds the same.

    Parameters
    ----------
    fit : SymmetricFit
    models : Pareto, optional
        Those that were chosen among, if there was a choice.
    pairs : sequence of (Prediction, Prediction)
        Of trajectories left out, over `n_periods` characteristic periods; none, if none were predicted.
    law : FittedLaw
        The one of `fit`, or another that was chosen among the models.
    errors : ndarray, `(output, feature)`, optional
        Standard errors of its coefficients.
    """
    tables = {"validation": _validation(pairs, n_periods)} if pairs else {}
    tables["comparison"] = fit.table.assign_attrs(
        caption="Laws fitted to the same trajectories and judged on others; the free fit is the baseline. "
        "held_out_error is the root mean square residual of the rates, noise subtracted, relative to the rates. "
        "excess is how much larger the mean square residual is than inside the symmetry (standard error from "
        "paired trajectories); above 0 the symmetry helps."
    )
    if models is not None:
        tables["models"] = models.table.assign_attrs(
            caption="Every threshold with every symmetry, the fewest coefficients first; --model N takes row N. Row "
            f"{models.chosen} is the simplest within one standard error of the best. A choice by these errors has used "
            "the trajectories left out, so they no longer test it."
        )
    tables["samples"] = fit.curve.assign_attrs(
        label="trajectories",
        caption="Relative error of the rates on the trajectories left out, by the number of trajectories fitted: "
        "medians of 11 draws.",
    )
    tables["law"], tables["terms of the law"] = _law(law), _terms(law, errors)
    return tables | _symmetry(fit)


def _symmetry(fit: SymmetricFit) -> dict[str, xr.Dataset]:
    if fit.search is None:
        if not isinstance(fit.given, LieAlgebra):  # finite elements, words, or nothing
            return {}
        return {"symmetry": algebra_to_dataset(fit.given).assign_attrs(caption=f"Given: {fit.given.name}.")}
    caption = (
        f"Found on {plural(len(fit.indices[0]), 'trajectory')} that the law was neither fitted to nor judged on. "
        "Symmetric: the 95 % upper bound of the violation is below delta. After ≈ only the leading terms are written."
    )
    algebra = fit.search.algebra_
    verdicts = fit.search.verdicts_.assign_attrs(algebra=algebra.name, caption=caption)
    return {"symmetry": with_algebra(verdicts, algebra)}


def _validation(pairs: Pairs, n_periods: int) -> xr.Dataset:
    names = np.array([first.name for first, _ in pairs], dtype=object)
    return xr.Dataset(
        {
            "law": ("trajectory", np.array([first.error for first, _ in pairs])),
            "free": ("trajectory", np.array([second.error for _, second in pairs])),
        },
        coords={"trajectory": names},
        attrs={
            "caption": f"Predicted over {n_periods} characteristic periods from the first state, which is smoothed. "
            "Error: root mean square distance over root mean square size; free is the baseline, the fit without a "
            "symmetry."
        },
    )


def _law(law: FittedLaw) -> xr.Dataset:
    outputs = output_names(law.states, len(law.coefficients), law.kind)
    table = xr.Dataset(
        {"equation": ("output", np.array(law.equations(3), dtype=object))},
        coords={"output": np.array(outputs, dtype=object)},
        attrs={
            "caption": "The fitted law. symdyn.regression.FittedLaw.load reads it from law.nc.",
            "kind": law.kind,
        },
    )
    return with_law(table, law, outputs)


def _terms(law: FittedLaw, errors: np.ndarray | None) -> xr.Dataset:
    outputs = output_names(law.states, len(law.coefficients), law.kind)
    caption = "Coefficients of the fitted law"
    if errors is not None:
        caption += (
            " with their standard errors in units of the last digit, by a jackknife over the trajectories of fit and "
            "judgement"
        )
    return law_terms(law, outputs, errors).assign_attrs(caption=f"{caption}.")


def findings(fit: SymmetricFit, law: FittedLaw) -> list[str]:
    """Tell the report in a few sentences; every number comes from the tables."""
    lines = []
    if fit.search is not None:
        algebra = fit.search.algebra_
        found = listing(algebra.texts()) if algebra.dim else "no continuous symmetry other than the flow itself"
        lines.append(f"Found on {plural(len(fit.indices[0]), 'trajectory')}: {found}.")
        if hasattr(fit.search, "elements_"):
            elements = [element_text(text, fit.search.elements_.states) for text in fit.search.elements_.texts()]
            lines.append(f"Finite symmetries: {listing(elements) or 'none'}.")
    lines += fit.summary().splitlines()
    lines.append(f"The law has {plural(law.n_terms, 'term')}: {'; '.join(_equations(law))}.")
    return lines


def _equations(law: FittedLaw) -> list[str]:
    outputs = output_names(law.states, len(law.states), law.kind)
    return [f"{output} = {line}" for output, line in zip(outputs, law.equations(3), strict=False)]


def draw(folder: Path, fit: SymmetricFit, models: Pareto | None, pairs: Pairs, law: FittedLaw) -> list[Picture]:
    """Draw all figures into `folder`; return paths with captions."""
    drawings = {}
    if pairs:
        drawings["validation"] = (
            fits.left_out(pairs[:_DRAWN], law.states, ("inside the symmetry", "free")),
            "Trajectories left out, and their prediction from the first state; errors inside the symmetry | free. "
            "Where the dashed line leaves the grey one, the free law fails.",
        )
    drawings["samples"] = (
        page_figures.learning(fit),
        "What the symmetry saves: error on the trajectories left out against the number of trajectories fitted. "
        "The horizontal distance between the curves is the saving in data.",
    )
    if models is not None:
        drawings["models"] = (
            fits.pareto_front(models.table),
            "Every threshold with every symmetry: number of coefficients against the error on the trajectories left "
            "out. Good models are at the lower left; rings mark those that no other beats in both.",
        )
    if fit.search is not None and len(fit.search.generators_):
        drawings["symmetry"] = (
            page_figures.evidence(fit.search.verdicts_),
            "Violation of each generator (dot) with its 95 % upper bound (end of the bar). A generator whose bar ends "
            "left of the dashed line is symmetric within delta.",
        )
    return list(save_figures(folder, drawings))
