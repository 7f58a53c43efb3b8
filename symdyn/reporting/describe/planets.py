"""What the report of the planets' job says: tables, sentences, figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from symdyn.data.trajectories import each_trajectory
from symdyn.discovery.symmetry import SymmetryDiscovery
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.regression import FittedLaw, SymmetricSINDy
from symdyn.regression.holdout import Prediction
from symdyn.reporting import figures
from symdyn.reporting.style import save_figures
from symdyn.reporting.tables import with_algebra, with_law
from symdyn.reporting.texts import output_names

__all__ = ["PlanetsResult", "draw", "findings", "groups", "title"]

GM_SUN = 2.9591220828e-4  # au^3/day^2 (DE421)
# Masses over the Sun's (IAU 2009 system; the Earth with the Moon). A pair attracts by GM (1 + m).
MASSES = {
    "mercury": 1 / 6023600,
    "venus": 1 / 408523.7,
    "earth": 1 / 328900.6,
    "mars": 1 / 3098703.6,
    "jupiter": 1 / 1047.3486,
    "saturn": 1 / 3497.90,
    "uranus": 1 / 22902.98,
    "neptune": 1 / 19412.26,
    "pluto": 1 / 136566000,
}


@dataclass(frozen=True, eq=False)
class PlanetsResult:
    """What was found out about bodies round one sun.

    `model` and `law` are inside the symmetry of `search`, `free` is without it. `predictions` are of bodies left out,
    one list a model, the constrained one first. `strengths` are GM body by body; `under_noise` over `trajectory`, one
    entry a level of noise: bounds on rotations about the axes of the common plane, and `accepted` generators. The
    bodies are those of the Sun unless they are `simulated`, where GM is 1.
    """

    search: SymmetryDiscovery
    model: SymmetricSINDy
    law: FittedLaw
    free: FittedLaw
    predictions: Mapping[str, Sequence[Prediction]]
    strengths: Mapping[str, float]
    under_noise: xr.Dataset
    simulated: bool

    @property
    def unit(self) -> float:
        """The known value of GM."""
        return 1.0 if self.simulated else GM_SUN

    @property
    def column(self) -> int:
        """Where the features q |q|^-3 begin."""
        return self.law.features.names(self.law.states).index("x |q|^-3")


def title(n_simulated: int | None, noise: float) -> str:
    """Return the headline of the page."""
    if n_simulated:
        return f"{n_simulated} simulated bodies round one sun, noise {noise:g}"
    return "Planets round the Sun: symmetries, law, predictions"


def groups(found: PlanetsResult) -> dict[str, xr.Dataset]:
    """Make the tables of the report, by name; `results.nc` holds the same."""
    return {
        "symmetry": with_algebra(_symmetry(found.search), found.search.algebra_),
        "law": with_law(_law(found), found.law, output_names(found.law.states, len(found.law.states), "flow")),
        "isotropy": _isotropy(found),
        "validation": _validation(found.predictions),
        "bodies": _bodies(found),
        "noise": found.under_noise.assign_attrs(
            caption="95 % bounds on rotations about the axes of the bodies' common plane, and the number of generators "
            "accepted, when white noise is added (fraction of each body's distance and speed)."
        ),
    }


def _symmetry(search: SymmetryDiscovery) -> xr.Dataset:
    # What was measured: the accepted algebra was snapped to 3/2, without an error.
    ratio, error = search.found_.time_per_scale() if np.any(search.algebra_.time_scaling) else (np.nan, np.nan)
    return search.verdicts_.assign(
        tau_over_scale=((), ratio, {"long_name": "tau / scale (Kepler's third law: 3/2)"}),
        tau_over_scale_error=((), error, {"long_name": "its standard error"}),
    ).assign_attrs(
        algebra=search.algebra_.name,
        caption="The 10-dimensional space of 3x3 matrices on positions and rescalings of time, in order of evidence. "
        f"Symmetric: the 95 % bound of the violation lies below delta = {search.delta:g}; broken: violation 0 is "
        f"rejected at {search.alpha:g}. Of broken combinations the leading terms are shown.",
    )


def _law(found: PlanetsResult) -> xr.Dataset:
    law, column = found.law, found.column
    row = found.search.law_fit_.coefficients.shape[0]  # of the first velocity in the flow on positions and velocities
    strength = -law.coefficients[row, column]
    weak = -float(np.mean(np.diag(_block(found))))
    nonzero = int(np.count_nonzero(found.free.coefficients))
    of_strength = {"units": "au^3/day^2"}
    return xr.Dataset(
        {
            "GM": ((), strength, {**of_strength, "long_name": "GM, constrained fit"}),
            "GM_weak": ((), weak, {**of_strength, "long_name": "GM, mean over x, y, z of the weak-form law"}),
            "GM_relative": ((), strength / found.unit, {"long_name": "GM over its known value"}),
            "free_coefficients": ((), found.model.subspace_.dim, {"long_name": "free coefficients with the symmetry"}),
            "free_coefficients_without": ((), law.coefficients.size, {"long_name": "free coefficients without"}),
            "nonzero_without": ((), nonzero, {"long_name": "of these not 0 after STLSQ"}),
            "terms": ((), "; ".join(found.model.free_terms()), {"long_name": "what one coefficient ties"}),
            "equation": ("output", np.array(law.equations(6), dtype=object)),
        },
        coords={"output": np.array(output_names(law.states, len(law.states), "flow"), dtype=object)},
        attrs={
            "caption": "The law fitted inside the symmetry; library: q |q|^-k for k = 0 to 5, constants, velocities, "
            "each with its own coefficient in each of the six equations. Selected before by prediction of left-out "
            f"bodies, with no isotropy put in: {', '.join(found.search.law_fit_.kept)}."
        },
    )


def _block(found: PlanetsResult) -> np.ndarray:
    """Take the coefficients of q |q|^-3 `(3, 3)` in the accelerations, before any symmetry is used."""
    return found.search.law_.coefficients[:, found.column : found.column + 3]


def _isotropy(found: PlanetsResult) -> xr.Dataset:
    """Lay out the nine coefficients of q |q|^-3, which isotropy would make the identity."""
    block = -_block(found) / found.unit
    table = {f"{s} |q|^-3": ("trajectory", block[:, i]) for i, s in enumerate("xyz")}
    caption = "q |q|^-3 in the weak-form law over −GM, before any symmetry is used: isotropy is not put in."
    return xr.Dataset(table, {"trajectory": [f"{s}''" for s in "xyz"]}, {"caption": caption, "label": "acceleration"})


def _validation(predictions: Mapping[str, Sequence[Prediction]]) -> xr.Dataset:
    table = {
        name.replace(",", "").replace(" ", "_"): (
            "trajectory",
            [p.error for p in row],
            {"long_name": f"{name}: orbit error"},
        )
        for name, row in predictions.items()
    }
    return xr.Dataset(
        table,
        coords={"trajectory": [p.name for p in next(iter(predictions.values()))]},
        attrs={
            "caption": "Each body is left out of discovery and fit; its orbit is then predicted from its first state "
            "over one period. Error: root mean square distance over root mean square radius. The free fit is shown for "
            "three thresholds of STLSQ, the constrained one for the first."
        },
    )


def _bodies(found: PlanetsResult) -> xr.Dataset:
    names = list(found.strengths)
    excess = [found.strengths[name] / found.unit - 1 for name in names]
    table = {"excess": ("trajectory", excess, {"long_name": "GM of this body alone over the Sun's, minus 1"})}
    caption = ""
    if not found.simulated:
        table["mass"] = (
            "trajectory",
            [MASSES.get(name, np.nan) for name in names],
            {"long_name": "mass over the Sun's"},
        )
        caption = (
            "Body by body the strength is GM (1 + m), plus what the other bodies do: Jupiter shows its own mass, "
            "1/1047."
        )
    return xr.Dataset(table, coords={"trajectory": names}, attrs={"caption": caption})


def findings(algebra: LieAlgebra, tables: Mapping[str, xr.Dataset]) -> list[str]:
    """Tell the report in a few sentences; every number comes from the tables."""
    symmetry, law, validation, noise = (tables[name] for name in ("symmetry", "law", "validation", "noise"))
    accepted = symmetry.verdict.values == "symmetric"
    first, *others = validation.data_vars
    median = {name: float(np.median(validation[name])) for name in (first, *others)}
    best = min(others, key=lambda name: median[name])
    plane = [float(noise[name][0]) for name in list(noise.data_vars)[:3]]
    against = ""
    if not accepted.all():
        against = (
            f", against {float(symmetry.upper_bound.values[~accepted][0]):.2g} for the next candidate, which is "
            f"{symmetry.verdict.values[~accepted][0]}"
        )
    return [
        f"The data show {algebra.name}: {'; '.join(algebra.texts())}. "
        f"Violations are below {float(symmetry.upper_bound.values[accepted].max(initial=0)):.2g} (95 %){against}.",
        f"Time scales as the {float(symmetry.tau_over_scale):.4f} ± {float(symmetry.tau_over_scale_error):.1g} power "
        "of length: Kepler's third law.",
        _about_the_plane(plane),
        f"Inside the symmetry {int(law.free_coefficients)} of {int(law.free_coefficients_without)} coefficients are "
        f"free; GM comes out at {float(law.GM_relative):.5f} of its known value.",
        f"A body left out is predicted over a period to {100 * median[first]:.2g} % (median) with the symmetry, to "
        f"{100 * median[others[0]]:.2g} % without at the same threshold; the best of {len(others)} thresholds, "
        f"chosen in hindsight, gives {100 * median[best]:.2g} %.",
    ]


def _about_the_plane(bounds: Sequence[float]) -> str:
    inside, outside = bounds[0], max(bounds[1:])
    text = f"Rotations in the common plane of the bodies are bounded by {inside:.1g}, out of it by {outside:.1g}"
    if outside < 3 * inside:
        return f"{text}: the orbits point in all directions, and all rotations are seen alike."
    return (
        f"{text}: what leaves the plane is seen only through the small inclinations of the orbits, and the bodies "
        "pull at one another. Stretching the direction across the plane, along which almost nothing moves, comes next."
    )


def draw(
    folder: Path, data: xr.Dataset, search: SymmetryDiscovery, predictions: Mapping[str, Sequence[Prediction]]
) -> list[tuple[Path, str]]:
    """Draw all figures into `folder`; return paths with captions."""
    runs = list(each_trajectory(data))
    pairs = list(zip(predictions["constrained"], list(predictions.values())[1], strict=True))
    drawings = {
        "orbits": (
            figures.orbits(runs, 3, "au"),
            "The trajectories in their common plane; radius on a logarithmic scale.",
        ),
        "evidence": (
            figures.evidence(search.verdicts_),
            "Violation of each generator with its 95 % upper bound. Left of delta: symmetric.",
        ),
        "generators": (figures.generator_fields(search.algebra_), "The accepted generators as fields on positions."),
        "predictions": (
            figures.predictions(pairs, 3, ("with the symmetry", "without (same threshold)")),
            "Bodies left out, predicted over one period from their first state; errors with | without the symmetry. "
            "Dots: where the body is predicted to be after one period; ring: where it is.",
        ),
    }
    return save_figures(folder, drawings)
