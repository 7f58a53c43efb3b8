"""What the report of a discovery says: tables, sentences, figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from symdyn.data.trajectories import each_trajectory
from symdyn.discovery.symmetry import SymmetryDiscovery
from symdyn.laws.fitness import ranges_text
from symdyn.reporting import figures
from symdyn.reporting.style import save_figures
from symdyn.reporting.tables import with_algebra, with_law
from symdyn.reporting.texts import output_names, sentence

__all__ = ["draw", "findings", "groups"]

_DRAWN = 200  # trajectories


def groups(search: SymmetryDiscovery, conserved: xr.Dataset | None) -> dict[str, xr.Dataset]:
    """Make the tables of the report, by name; `results.nc` holds the same."""
    tables = {"symmetry": with_algebra(_symmetry(search), search.algebra_)}
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


def _symmetry(search: SymmetryDiscovery) -> xr.Dataset:
    return search.verdicts_.assign_attrs(
        algebra=search.algebra_.name,
        caption=f"{len(search.generators_)} combinations of the candidates in order of evidence. Symmetric: the "
        f"95 % bound of the violation lies below delta = {search.delta:g}, over their whole span, which closes "
        f"under brackets; broken: violation 0 is rejected at {search.alpha:g}; trivial: parallel to the motion. Of "
        "combinations that are not symmetric the leading terms are shown.",
    )


def _law(search: SymmetryDiscovery) -> xr.Dataset:
    law = search.law_
    outputs = output_names(law.states, len(law.coefficients), search.kind_)
    unexplained, lower = search.unexplained_
    path = "; ".join(f"{', '.join(kept)}: {error:.2g}" for kept, error, _ in search.law_fit_.path)
    table = xr.Dataset(
        {
            "unexplained": ((), unexplained, {"long_name": "part of the rates unexplained beyond noise"}),
            "unexplained_lower": ((), lower, {"long_name": "its 99 % lower bound"}),
            "selection": ((), path, {"long_name": "families of terms: error on trajectories left out"}),
            "equation": ("output", np.array(law.equations(4), dtype=object)),
        },
        coords={"output": np.array(outputs, dtype=object)},
        attrs={"caption": f"The law that the verdicts are about. Terms kept: {', '.join(search.law_fit_.kept)}."},
    )
    return with_law(table, law, outputs)


def findings(search: SymmetryDiscovery, conserved: xr.Dataset | None) -> list[str]:
    """Tell the report in a few sentences; every number comes from the tables."""
    lines = _about_generators(search)
    if hasattr(search, "elements_"):
        found = "; ".join(search.elements_.texts()) or "none"
        lines.append(f"Finite symmetries among {search.element_verdicts_.sizes['element']} elements: {found}.")
    if conserved is not None:
        kept = conserved.quantity.values[(conserved.verdict == "conserved").values]
        lines.append(f"Conserved: {'; '.join(map(str, kept)) or 'nothing in the library'}.")
    return [*lines, *map(sentence, (search.residual_.text(), ranges_text(search.ranges_), *search.notes_))]


def _about_generators(search: SymmetryDiscovery) -> list[str]:
    verdicts = search.verdicts_
    shown = verdicts.isel(generator=(verdicts.verdict == "symmetric").values & ~verdicts.trivial.values)
    rest = verdicts.isel(generator=(verdicts.verdict != "symmetric").values & np.isfinite(verdicts.violation.values))
    lines = ["No symmetry but the motion itself was found among the candidates."]
    if shown.sizes["generator"]:
        lines = [
            f"The data show {search.algebra_.name}: {'; '.join(search.algebra_.texts())}. "
            f"Violations are below {float(shown.upper_bound.max()):.2g} (95 %)."
        ]
    if search.trivial_.dim:
        lines.append(f"Parallel to the motion, and so no news: {'; '.join(search.trivial_.texts())}.")
    if rest.sizes["generator"]:
        lines.append(
            f"The next candidate is {rest.verdict.values[0]}, with a violation of {float(rest.violation[0]):.2g} and a "
            f"bound of {float(rest.upper_bound[0]):.2g}; {int((rest.verdict == 'undetermined').sum())} of "
            f"{rest.sizes['generator']} others are undetermined."
        )
    return lines


def draw(folder: Path, data: xr.Dataset, search: SymmetryDiscovery) -> list[tuple[Path, str]]:
    """Draw all figures into `folder`; return paths with captions."""
    states = search.law_.states
    drawings = {
        "trajectories": (figures.phase_planes(list(each_trajectory(data))[:_DRAWN], states), "The trajectories."),
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
