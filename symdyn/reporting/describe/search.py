"""What the report of a discovery says: tables, sentences, figures."""

from __future__ import annotations

import numpy as np
import xarray as xr

from symdyn.data.trajectories import each_trajectory
from symdyn.reporting import figures
from symdyn.reporting.style import save_figures


def outputs(search) -> list[str]:
    """Names of what the law gives: rates, accelerations, increments."""
    mark = {"flow": "'", "second_order": "''", "map": " step"}[search.kind_]
    return [f"{state}{mark}" for state in search.law_.states[: len(search.law_.coefficients)]]


def groups(search, conserved) -> dict[str, xr.Dataset]:
    """The tables of the report, by name; `results.nc` holds the same."""
    tables = {
        "symmetry": search.verdicts_.assign_attrs(
            algebra=search.algebra_.name,
            caption=f"{len(search.generators_)} combinations of the candidates in order of evidence. Symmetric: the "
            f"95 % bound of the violation lies below delta = {search.delta:g}, over their whole span, which closes "
            f"under brackets; broken: violation 0 is rejected at {search.alpha:g}; trivial: parallel to the motion. Of "
            "combinations that are not symmetric the leading terms are shown.",
        )
    }
    if hasattr(search, "element_verdicts_"):
        tables["finite symmetries"] = search.element_verdicts_.assign_attrs(
            caption="Each element by itself; image outside: the share of images of the data far from all data."
        )
    if conserved is not None:
        tables["conserved quantities"] = conserved.assign_attrs(
            caption="Functions that stay constant along each trajectory while they differ between them; the constant, "
            f"powers and products left out. Functionally independent: {conserved.attrs['gradient_rank']}."
        )
    tables["law"] = _law(search)
    return tables


def _law(search):
    unexplained, lower = search.unexplained_
    path = "; ".join(f"{', '.join(kept)}: {error:.2g}" for kept, error, _ in search.law_fit_.path)
    return xr.Dataset(
        {
            "unexplained": ((), unexplained, {"long_name": "part of the rates unexplained beyond noise"}),
            "unexplained_lower": ((), lower, {"long_name": "its 99 % lower bound"}),
            "selection": ((), path, {"long_name": "families of terms: error on trajectories left out"}),
            "equation": ("output", np.array(search.law_.equations(4), dtype=object)),
        },
        coords={"output": np.array(outputs(search), dtype=object)},
        attrs={"caption": f"The law that the verdicts are about. Terms kept: {', '.join(search.law_fit_.kept)}."},
    )


def findings(search, conserved) -> list[str]:
    """The report in a few sentences; every number comes from the tables."""
    verdicts = search.verdicts_
    shown = verdicts.isel(generator=(verdicts.verdict == "symmetric").values & ~verdicts.trivial.values)
    rest = verdicts.isel(generator=(verdicts.verdict != "symmetric").values & np.isfinite(verdicts.violation.values))
    lines = []
    if shown.sizes["generator"]:
        lines.append(
            f"The data show {search.algebra_.name}: {'; '.join(search.algebra_.texts())}. "
            f"Violations are below {float(shown.upper_bound.max()):.2g} (95 %)."
        )
    else:
        lines.append("No symmetry but the motion itself was found among the candidates.")
    if search.trivial_.dim:
        lines.append(f"Parallel to the motion, and so no news: {'; '.join(search.trivial_.texts())}.")
    if rest.sizes["generator"]:
        verdict = rest.verdict.values[0]
        lines.append(
            f"The next candidate is {verdict}, with a violation of {float(rest.violation[0]):.2g} and a bound of "
            f"{float(rest.upper_bound[0]):.2g}; {int((rest.verdict == 'undetermined').sum())} of "
            f"{rest.sizes['generator']} others are undetermined."
        )
    if hasattr(search, "elements_"):
        found = "; ".join(search.elements_.texts()) or "none"
        lines.append(f"Finite symmetries among {search.element_verdicts_.sizes['element']} elements: {found}.")
    if conserved is not None:
        kept = conserved.quantity.values[(conserved.verdict == "conserved").values]
        lines.append(f"Conserved: {'; '.join(map(str, kept)) or 'nothing in the library'}.")
    return [*lines, *(note[0].upper() + note[1:] + "." for note in search.notes_)]


def draw(folder, data, search) -> list[tuple]:
    """Draw all figures into `folder`; returns paths with captions."""
    states = search.law_.states
    drawings = {
        "trajectories": (figures.phase_planes(list(each_trajectory(data))[:200], states), "The trajectories."),
        "evidence": (
            figures.evidence(search.verdicts_),
            "Violation of each generator with its 95 % upper bound. Left of delta: symmetric.",
        ),
    }
    if search.algebra_.dim:
        drawings["generators"] = (figures.generator_fields(search.algebra_), "The accepted generators.")
    if hasattr(search, "element_verdicts_"):
        drawings["elements"] = (
            figures.evidence(search.element_verdicts_.rename(element="generator")),
            "Finite symmetries, each by itself.",
        )
    return save_figures(folder, drawings)
