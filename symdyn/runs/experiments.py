"""Jobs that a sweep runs many times, by name: each takes parameters and gives numbers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module

import numpy as np
import xarray as xr

import symdyn.systems
from symdyn.discovery.symmetry import SymmetryDiscovery
from symdyn.functions.words import did_you_mean, parse_features
from symdyn.lie.words import parse_candidates

__all__ = ["check_parameters", "discovery", "find_job", "known_systems"]

_MOVED = {  # modules with jobs, since files of 0.1.0 were written
    "symdyn.regression.experiment": "symdyn.invariant.learning_experiment",
    "symdyn.regression.promotion.recovery": "symdyn.promotion.recovery",
}


def discovery(
    *,
    system: str,
    candidates: str = "affine",
    law: str = "polynomial:3",
    seed: int = 0,
    delta: float = 0.1,
    alpha: float = 0.05,
    n_bootstrap: int = 200,
    time_scaling: bool = False,
    **of_system,
) -> dict:
    """Find the symmetries of a simulated system.

    Parameters
    ----------
    system : str
        A function of `symdyn.systems`, which takes `noise`, `seed` (as `rng`) and all parameters not named here.
    candidates, law : str
        As on the command line, see `symdyn.lie.words`.
    seed, delta, alpha, n_bootstrap, time_scaling
        As in `SymmetryDiscovery`.

    Returns
    -------
    dict
        `dim` of the algebra, `upper_bound` (the largest of its generators), numbers of `symmetric`, `broken` and
        `undetermined` generators, `unexplained` part of the rates, mean `noise_found`, and the `algebra` by name.
    """
    data = getattr(symdyn.systems, system)(rng=seed, **of_system)
    n_states = len(str(data.attrs["states"]).split()) if hasattr(data, "attrs") else data[0][0].shape[1]
    second_order = hasattr(data, "attrs")  # positions and velocities: candidates act on positions
    n = n_states // 2 if second_order else n_states
    search = SymmetryDiscovery(
        parse_candidates(candidates, n, time_scaling=time_scaling),
        law=parse_features(law, n_states),
        delta=delta,
        alpha=alpha,
        n_bootstrap=n_bootstrap,
        rng=seed,
    ).fit(data)
    table = search.verdicts_
    accepted = table.upper_bound.values[(table.verdict == "symmetric").values]
    return {
        "dim": float(search.algebra_.dim),
        "upper_bound": float(accepted.max()) if accepted.size else np.nan,
        **{name: float((table.verdict == name).sum()) for name in ("symmetric", "broken", "undetermined")},
        "unexplained": float(search.unexplained_[0]),
        "noise_found": float(search.noise_.mean()),
        "algebra": search.algebra_.name,
    }


def find_job(name: str) -> Callable[..., dict]:
    """Return the job of a name: `discovery`, or a function written as `package.module:function`.

    Workers must be able to import that function. Names of symdyn as files of older versions write them are known.

    Raises
    ------
    ValueError
        If there is no such job.
    """
    if name == "discovery":
        return discovery
    module, _, function = name.partition(":")
    try:
        return getattr(import_module(_MOVED.get(module, module)), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"job {name!r} is neither 'discovery' nor a package.module:function: {error}") from error


def check_parameters(job: Callable[..., dict], parameters: dict) -> None:
    """Refuse parameters that a job does not take, before anything is computed.

    Raises
    ------
    ValueError
        For an unknown parameter or system; the message names it, and those that exist.
    """
    known = inspect.signature(job).parameters.values()
    names = [parameter.name for parameter in known if parameter.kind is not parameter.VAR_KEYWORD]
    if job is discovery:
        system = parameters.get("system")
        if system not in known_systems():
            known = known_systems()
            raise ValueError(
                f"system must be one of {', '.join(known)}, got {system!r}{did_you_mean(str(system), known)}"
            )
        names += _parameters_of(getattr(symdyn.systems, system))
    elif len(names) < len(known):  # it takes anything
        return
    unknown = [name for name in parameters if name not in names]
    if unknown:
        hint = did_you_mean(unknown[0], names)
        raise ValueError(f"parameter {unknown[0]!r} is unknown; there are {', '.join(names)}{hint}")


def known_systems() -> list[str]:
    """List the names of the functions that simulate without arguments."""
    found = []
    for name in dict.fromkeys(symdyn.systems.__all__):
        signature = inspect.signature(getattr(symdyn.systems, name))
        needed = [p for p in signature.parameters.values() if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
        if not needed:
            found.append(name)
    return found


def _parameters_of(system: Callable[..., xr.Dataset | tuple[list[np.ndarray], float]]) -> list[str]:
    """List the parameters of a system, and those of `simulate` where it passes options on; its `rng` is the seed."""
    signature = inspect.signature(system).parameters.values()
    names = [parameter.name for parameter in signature if parameter.kind is not parameter.VAR_KEYWORD]
    if len(names) < len(signature):
        shared = inspect.signature(symdyn.systems.simulate).parameters.values()
        names += [parameter.name for parameter in shared if parameter.kind is parameter.KEYWORD_ONLY]
    return [name for name in dict.fromkeys(names) if name != "rng"]
