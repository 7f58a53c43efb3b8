"""What the report of a discovery says: tables, sentences, figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from symdyn.data.trajectories import each_trajectory
from symdyn.discovery.symmetry import SymmetryDiscovery
from symdyn.laws.fitness import ranges_text
from symdyn.reporting import figures
from symdyn.reporting.moving import Mover, move_trajectory
from symdyn.reporting.page import Picture
from symdyn.reporting.plots import page_figures
from symdyn.reporting.plots.evidence_plot import named_elements
from symdyn.reporting.style import save_figures
from symdyn.reporting.tables import law_terms, with_algebra, with_law
from symdyn.reporting.texts import element_text, listing, number, output_names, plural, sentence, unit_text

__all__ = ["draw", "findings", "groups"]

_DRAWN = 200  # trajectories
_REST = 10  # quantities that are not conserved


def groups(search: SymmetryDiscovery, conserved: xr.Dataset | None) -> dict[str, xr.Dataset]:
    """Make the tables of the report, by name; `results.nc` holds the same."""
    tables = {"symmetry": with_algebra(_symmetry(search), search.algebra_)}
    if hasattr(search, "element_verdicts_"):
        tables["finite symmetries"] = search.element_verdicts_.assign_attrs(
            states=" ".join(search.elements_.states),
            caption="Each finite element is judged by itself. image_outside is the share of the images of the data "
            "that lie far from all data, where the law is extrapolated.",
        )
    if conserved is not None:
        kept = int((conserved.verdict == "conserved").sum())
        tables["conserved quantities"] = conserved.assign_attrs(
            n_shown=kept + _REST,
            caption="Functions of the states that are constant along each trajectory and differ between trajectories; "
            "constants, powers and products of conserved quantities are left out. "
            f"Functionally independent: {conserved.attrs['gradient_rank']}. Quantities that are not conserved follow "
            "in order of evidence.",
        )
    tables["law"], tables["terms of the law"] = _law(search), _terms(search)
    return tables


def _symmetry(search: SymmetryDiscovery) -> xr.Dataset:
    return search.verdicts_.assign_attrs(
        algebra=search.algebra_.name,
        caption=f"{plural(len(search.generators_), 'combination')} of the candidates in order of evidence. Symmetric: "
        f"the 95 % upper bound of the violation is below delta = {search.delta:g} for every combination of the "
        "accepted generators, and these close under brackets. Broken: a violation of 0 is rejected at the level "
        f"{search.alpha:g}. Trivial: parallel to the flow. After ≈ only the leading terms are written.",
    )


def _law(search: SymmetryDiscovery) -> xr.Dataset:
    law = search.law_
    outputs = output_names(law.states, len(law.coefficients), search.kind_)
    unexplained, lower = search.unexplained_
    path = "; ".join(f"{', '.join(kept)}: {number(error)}" for kept, error, _ in search.law_fit_.path)
    table = xr.Dataset(
        {
            "unexplained": ((), unexplained, {"long_name": "unexplained share of the rates, beyond noise"}),
            "unexplained_lower": ((), lower, {"long_name": "its 99 % lower bound"}),
            "selection": ((), path, {"long_name": "error on trajectories left out, by the families of terms kept"}),
            "equation": ("output", np.array(law.equations(3), dtype=object)),
        },
        coords={"output": np.array(outputs, dtype=object)},
        attrs={
            "caption": f"The verdicts are about this law. Families of terms kept: {', '.join(search.law_fit_.kept)}."
        },
    )
    return with_law(table, law, outputs)


def _terms(search: SymmetryDiscovery) -> xr.Dataset:
    law = search.law_
    errors = np.sqrt(np.mean(search.law_fit_.errors**2, axis=0))
    return law_terms(law, output_names(law.states, len(law.coefficients), search.kind_), errors).assign_attrs(
        caption="Coefficients of the law with their standard errors in units of the last digit, before any symmetry "
        "is imposed."
    )


def findings(search: SymmetryDiscovery, conserved: xr.Dataset | None) -> list[str]:
    """Tell the report in a few sentences; every number comes from the tables."""
    lines = _about_generators(search)
    if hasattr(search, "elements_"):
        lines.append(_about_elements(search))
    if conserved is not None:
        kept = [str(name) for name in conserved.quantity.values[(conserved.verdict == "conserved").values]]
        lines.append(f"Conserved: {listing(kept)}." if kept else "No function in the library is conserved.")
    return [*lines, *map(sentence, (search.residual_.text(), ranges_text(search.ranges_), *search.notes_))]


def _about_elements(search: SymmetryDiscovery) -> str:
    found = [element_text(text, search.elements_.states) for text in search.elements_.texts()]
    searched = plural(search.element_verdicts_.sizes["element"], "finite element")
    if not found:
        return f"None of {searched} is a symmetry."
    return f"Of {searched} {len(found)} {'is a symmetry' if len(found) == 1 else 'are symmetries'}: {listing(found)}."


def _about_generators(search: SymmetryDiscovery) -> list[str]:
    verdicts = search.verdicts_
    shown = verdicts.isel(generator=(verdicts.verdict == "symmetric").values & ~verdicts.trivial.values)
    rest = verdicts.isel(generator=(verdicts.verdict != "symmetric").values & np.isfinite(verdicts.violation.values))
    lines = ["No continuous symmetry was found among the candidates, other than motion along the flow."]
    if shown.sizes["generator"]:
        lines = [
            f"The data show the symmetry {search.algebra_.name}, generated by {listing(search.algebra_.texts())}. "
            f"All violations are below {number(float(shown.upper_bound.max()), 2)} (95 % bound)."
        ]
    if search.trivial_.dim:
        lines.append(f"Trivial, because parallel to the flow: {listing(search.trivial_.texts())}.")
    if rest.sizes["generator"]:
        others, which = rest.sizes["generator"] - 1, "next" if shown.sizes["generator"] else "best"
        undetermined = int((rest.verdict.values[1:] == "undetermined").sum())
        lines.append(
            f"The {which} candidate is {rest.verdict.values[0]}: its violation is "
            f"{number(float(rest.violation[0]), 2)}, with an upper bound of {number(float(rest.upper_bound[0]), 2)}. "
            f"{_about_others(others, undetermined)}"
        )
    return lines


def _about_others(count: int, undetermined: int) -> str:
    if not count:
        return ""
    if undetermined in (0, count):
        verdict = "undetermined" if undetermined else "broken"
        return f"The other one is {verdict}." if count == 1 else f"All {count} others are {verdict}."
    return f"Of the {count} others {undetermined} {'is' if undetermined == 1 else 'are'} undetermined."


def draw(folder: Path, data: xr.Dataset | None, search: SymmetryDiscovery) -> list[Picture]:
    """Draw all figures into `folder`, those of the data where these are given; return them with captions."""
    drawings = {} if data is None else {"trajectories": _trajectories(data, search)}
    if np.isfinite(search.verdicts_.violation.values).any():
        drawings["symmetry"] = (
            page_figures.evidence(search.verdicts_),
            "Violation of each generator (dot) with its 95 % upper bound (end of the bar). A generator whose bar ends "
            "left of the dashed line is symmetric within delta; the farther left, the more exact the symmetry.",
        )
    if search.algebra_.dim:
        drawings["generators"] = (
            page_figures.generator_fields(search.algebra_, data),
            "The accepted generators as vector fields over the range of the data: along the arrows, solutions move "
            "into other solutions.",
        )
    if hasattr(search, "element_verdicts_"):
        drawings["finite symmetries"] = (
            page_figures.evidence(named_elements(search)),
            "Violation of each finite element with its upper bound, to be read as above.",
        )
    pictures: list[Picture] = list(save_figures(folder, drawings))
    mover = None if data is None else _mover(search, data)
    return pictures if mover is None else [*pictures[:3], mover, *pictures[3:]]


def _trajectories(data: xr.Dataset, search: SymmetryDiscovery) -> tuple[Figure, str]:
    runs = list(each_trajectory(data.isel(trajectory=slice(0, _DRAWN))))
    planes = figures.phase_planes(runs, search.law_.states, units=_units(data, search))
    return planes, (
        f"The data: {plural(len(runs), 'trajectory')} in planes of two states, coloured in the order of the file. "
        "Verdicts hold in the region that they cover."
    )


def _units(data: xr.Dataset, search: SymmetryDiscovery) -> list[str]:
    units = [data[state].attrs.get("units", "") if state in data else "" for state in search.law_.states]
    return [unit_text(unit) for unit in units]


def _mover(search: SymmetryDiscovery, data: xr.Dataset) -> Mover | None:
    (first,) = each_trajectory(data.isel(trajectory=[0]))
    return move_trajectory(search.algebra_, search.law_, first, kind=search.kind_, units=_units(data, search))
