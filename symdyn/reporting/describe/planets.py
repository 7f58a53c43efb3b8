"""What the report of the planets' job says: tables, sentences, figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr

from symdyn.data.trajectories import Trajectory, each_trajectory
from symdyn.discovery.symmetry import SymmetryDiscovery
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.regression import FittedLaw, SymmetricSINDy
from symdyn.regression.holdout import Prediction
from symdyn.reporting import figures
from symdyn.reporting.moving import move_trajectory
from symdyn.reporting.page import Picture
from symdyn.reporting.plots import page_figures
from symdyn.reporting.style import save_figures
from symdyn.reporting.tables import with_algebra, with_law
from symdyn.reporting.texts import listing, number, output_names, unit_text, with_error

__all__ = ["PlanetsResult", "draw", "findings", "groups", "title"]

_ROUNDING = 1e-9  # of the largest coefficient of an equation
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
    """What was found about bodies around one sun.

    `model` and `law` are inside the symmetry of `search`, `free` is without it. `predictions` are of bodies left out,
    one list per model, the constrained one first. `strengths` are GM body by body; `under_noise` over `trajectory`, one
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
            label="noise",
            caption="95 % upper bounds on the violation of rotations about three axes, when white noise is added to "
            "positions and velocities: first the normal of the common plane of the bodies, then two axes in it. Noise "
            "is a fraction of each body's distance and speed; accepted is the number of generators.",
        ),
    }


def _symmetry(search: SymmetryDiscovery) -> xr.Dataset:
    # What was measured: the accepted algebra was snapped to 3/2, without an error.
    ratio, error = search.found_.time_per_scale() if np.any(search.algebra_.time_scaling) else (np.nan, np.nan)
    return search.verdicts_.assign(
        tau_over_scale=((), ratio, {"long_name": "time exponent tau / scale (Kepler's third law: 3/2)"}),
        tau_over_scale_error=((), error, {"long_name": "its standard error"}),
    ).assign_attrs(
        algebra=search.algebra_.name,
        caption="Candidates: all linear maps of the positions and rescalings of time (10 dimensions), in order of "
        f"evidence. Symmetric: the 95 % upper bound of the violation is below delta = {search.delta:g}. Broken: a "
        f"violation of 0 is rejected at the level {search.alpha:g}. After ≈ only the leading terms are written.",
    )


def _law(found: PlanetsResult) -> xr.Dataset:
    law, column = found.law, found.column
    row = found.search.law_fit_.coefficients.shape[0]  # of the first velocity in the flow on positions and velocities
    strength = -law.coefficients[row, column]
    weak = -float(np.mean(np.diag(_block(found))))
    error = float(np.sqrt(np.mean(_block_errors(found).trace(axis1=1, axis2=2) ** 2)) / 3)
    nonzero = int(np.count_nonzero(found.free.coefficients))
    of_strength = {"units": "au^3/day^2"}
    return xr.Dataset(
        {
            "GM": ((), strength, {**of_strength, "long_name": "GM, fit inside the symmetry"}),
            "GM_weak": ((), weak, {**of_strength, "long_name": "GM, mean over x, y, z in the weak form"}),
            "GM_weak_error": ((), error),
            "GM_deviation": ((), strength / found.unit - 1, {"long_name": "relative deviation of GM from its value"}),
            "free_coefficients": ((), found.model.subspace_.dim, {"long_name": "free coefficients with the symmetry"}),
            "free_coefficients_without": ((), law.coefficients.size, {"long_name": "free coefficients without it"}),
            "nonzero_without": ((), nonzero, {"long_name": "of these not 0 after STLSQ"}),
            "terms": ((), "; ".join(found.model.free_terms()), {"long_name": "terms that share one coefficient"}),
            "equation": ("output", np.array(_without_rounding(law).equations(3), dtype=object)),
        },
        coords={"output": np.array(output_names(law.states, len(law.states), "flow"), dtype=object)},
        attrs={
            "caption": "The law fitted inside the symmetry. Library: q |q|^-k for k = 0 to 5, constants and "
            "velocities, each with a coefficient of its own in each of the six equations. Terms that predict bodies "
            f"left out, selected without assuming isotropy: {', '.join(found.search.law_fit_.kept)}."
        },
    )


def _without_rounding(law: FittedLaw) -> FittedLaw:
    """Return the law without terms that are 0 but for rounding."""
    sizes = np.abs(law.coefficients)
    return replace(
        law, coefficients=np.where(sizes > _ROUNDING * sizes.max(axis=1, keepdims=True), law.coefficients, 0)
    )


def _block(found: PlanetsResult) -> np.ndarray:
    """Take the coefficients of q |q|^-3 `(3, 3)` in the accelerations, before any symmetry is used."""
    return found.search.law_.coefficients[:, found.column : found.column + 3]


def _block_errors(found: PlanetsResult) -> np.ndarray:
    """Take the errors `(replicate, 3, 3)` of the same coefficients."""
    return found.search.law_fit_.errors[:, :, found.column : found.column + 3]


def _isotropy(found: PlanetsResult) -> xr.Dataset:
    """Lay out the nine coefficients of q |q|^-3, which isotropy would make the identity."""
    block = -_block(found) / found.unit
    errors = np.sqrt(np.mean(_block_errors(found) ** 2, axis=0)) / found.unit
    table = {}
    for i, s in enumerate("xyz"):
        table[f"{s} |q|^-3"] = ("trajectory", block[:, i])
        table[f"{s} |q|^-3_error"] = ("trajectory", errors[:, i])
    caption = (
        "Coefficients of q |q|^-3 in the weak form over −GM, before any symmetry is imposed, with their standard "
        "errors in units of the last digit. Isotropy would make this the identity."
    )
    return xr.Dataset(table, {"trajectory": [f"{s}''" for s in "xyz"]}, {"caption": caption, "label": "acceleration"})


def _validation(predictions: Mapping[str, Sequence[Prediction]]) -> xr.Dataset:
    table = {
        name.replace(",", "").replace(" ", "_"): (
            "trajectory",
            [p.error for p in row],
            {"long_name": f"orbit error, {name}"},
        )
        for name, row in predictions.items()
    }
    return xr.Dataset(
        table,
        coords={"trajectory": [p.name for p in next(iter(predictions.values()))]},
        attrs={
            "label": "body",
            "caption": "Each body is left out of discovery and fit, and its orbit is then predicted over one period "
            "from its first state. Error: root mean square distance over root mean square radius. The free fit, the "
            "baseline, is shown for three thresholds of STLSQ, the constrained fit for the first of them. Both errors "
            "are equal where no symmetry was found without the body.",
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
            "The strength of attraction body by body. It is GM (1 + m) with the body's own mass m, plus what the other "
            "bodies do: Jupiter shows its own mass, 1/1047."
        )
    return xr.Dataset(table, coords={"trajectory": names}, attrs={"caption": caption, "label": "body"})


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
            f" The next candidate is {symmetry.verdict.values[~accepted][0]}, with a bound of "
            f"{number(float(symmetry.upper_bound.values[~accepted][0]), 2)}."
        )
    power = with_error(float(symmetry.tau_over_scale), float(symmetry.tau_over_scale_error))
    return [
        f"The data show the symmetry {algebra.name}, generated by {listing(algebra.texts())}. All violations are below "
        f"{number(float(symmetry.upper_bound.values[accepted].max(initial=0)), 2)} (95 % bound).{against}",
        *([f"Time scales as length to the power {power}: Kepler's third law."] if power != "–" else []),
        _about_the_plane(plane),
        f"The symmetry leaves {int(law.free_coefficients)} of {int(law.free_coefficients_without)} coefficients free. "
        f"The fitted GM deviates from its known value by {_percent(float(law.GM_deviation))}.",
        "Each body in turn is left out and predicted over one period. The median error is "
        f"{_percent(median[first])} with the symmetry and {_percent(median[others[0]])} without it at the same "
        f"threshold; the best of {len(others)} thresholds, chosen in hindsight, gives {_percent(median[best])}."
        f"{'' if median[first] < median[best] else ' The symmetry does not improve these predictions.'}",
    ]


def _about_the_plane(bounds: Sequence[float]) -> str:
    inside, outside = bounds[0], max(bounds[1:])
    text = (
        f"The violation of rotations in the common plane of the bodies is below {number(inside, 1)}, of rotations out "
        f"of it below {number(outside, 1)}"
    )
    if outside < 3 * inside:
        return f"{text}: the orbits have all orientations, so all rotations are tested alike."
    return (
        f"{text}: the latter are tested only by the small inclinations of the orbits. A stretch along the normal of "
        "the plane, along which almost nothing moves, is therefore the next candidate."
    )


def _range(runs: Sequence[Trajectory]) -> float:
    """Return by which factor the orbits differ in size."""
    sizes = [np.sqrt(np.mean(np.sum(run.states[:, :3] ** 2, axis=1))) for run in runs]
    return float(max(sizes) / min(sizes))


def _percent(share: float) -> str:
    return f"{number(100 * share, 2)} %"


def draw(
    folder: Path, data: xr.Dataset, search: SymmetryDiscovery, predictions: Mapping[str, Sequence[Prediction]]
) -> list[Picture]:
    """Draw all figures into `folder`; return paths with captions, and the slider."""
    runs = list(each_trajectory(data))
    pairs = list(zip(predictions["constrained"], list(predictions.values())[1], strict=True))
    drawings = {
        "orbits": (
            figures.orbits(runs, 3, "au"),
            "The data: orbits in the common plane of the bodies, with the radius on a logarithmic scale (rings). Their "
            f"sizes differ by a factor of {number(_range(runs), 2)}, which is what tests the symmetry under rescaling.",
        ),
        "symmetry": (
            page_figures.evidence(search.verdicts_),
            "Violation of each generator (dot) with its 95 % upper bound (end of the bar). A generator whose bar ends "
            "left of the dashed line is symmetric within delta; the farther left, the more exact the symmetry.",
        ),
        "generators": (
            page_figures.generator_fields(search.algebra_, data),
            "The accepted generators as vector fields on positions: along the arrows, orbits move into other orbits. "
            "A term in t ∂t rescales time along with them.",
        ),
        "validation": (
            figures.predictions(pairs, 3, ("with the symmetry", "without it (same threshold)")),
            "Bodies left out, predicted over one period from their first state; errors with | without the symmetry. "
            "Ring: the body after one period; dots: where it is predicted. Where the dashed line leaves the grey "
            "orbit and the coloured one does not, the symmetry has helped.",
        ),
    }
    pictures: list[Picture] = list(save_figures(folder, drawings))
    units = [unit_text(str(data[state].attrs.get("units", ""))) for state in search.algebra_.states]
    mover = move_trajectory(search.algebra_, search.law_, runs[0], kind="second_order", units=units)
    return pictures if mover is None else [*pictures[:3], mover, *pictures[3:]]
