"""Verdicts as a table and as text."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from symdyn.evidence.evidence import Evidence, holm
from symdyn.functions.display import shortened

__all__ = ["empty_table", "judged_table", "verdict_table", "verdict_text"]


def verdict_table(
    evidence: Evidence, accepted: np.ndarray, texts: list[str], trivial: np.ndarray, alpha: float
) -> xr.Dataset:
    """Build one row per generator: the accepted ones, then all other directions in order of evidence, then unseen ones.

    Parameters
    ----------
    evidence : Evidence
    accepted : ndarray, `(rank, candidate)`
        Weights of the accepted generators.
    texts : list of str
        All generators as text, in the order of the rows.
    trivial : ndarray of bool, `(rank,)`
    alpha : float
        Level of the test of eps = 0, over all generators (Holm).
    """
    rank = len(accepted)
    rest = evidence.directions.T[rank:]
    vectors = np.concatenate([accepted, rest])
    adjusted = holm(np.array([evidence.p_value(v) for v in vectors]))
    bounds = [evidence.upper_bound(v, max(rank, 1 + k)) for k, v in enumerate(vectors)]
    violations = [evidence.violation(v) for v in vectors]
    verdicts = ["symmetric"] * rank + ["broken" if p < alpha else "undetermined" for p in adjusted[rank:]]
    n_unseen = evidence.unseen.shape[1]
    missing = [np.nan] * n_unseen
    dims = "generator"
    return xr.Dataset(
        {
            "violation": (dims, np.array([*violations, *missing]), {"long_name": "violation eps, debiased"}),
            "upper_bound": (dims, np.array([*bounds, *missing]), {"long_name": "95 % upper bound of eps"}),
            "p_value": (dims, np.array([*adjusted, *missing]), {"long_name": "p value of eps = 0 (Holm)"}),
            "signal_to_noise": (
                dims,
                np.array([*[evidence.ratio(v) for v in vectors], *missing]),
                {"long_name": "bracket over its error, squared"},
            ),
            "verdict": (dims, np.array([*verdicts, *["undetermined"] * n_unseen], dtype=object)),
            "exact_rejected": (dims, np.array([*(adjusted < alpha), *[False] * n_unseen])),
            "trivial": (dims, np.array([*trivial, *[False] * (len(rest) + n_unseen)])),
        },
        coords={"generator": np.array(texts, dtype=object)},
        attrs={"delta": evidence.delta, "alpha": alpha, "level": evidence.level},
    )


def empty_table(delta: float, alpha: float) -> xr.Dataset:
    """Return the table of a search without generators."""
    numbers = {name: ("generator", np.zeros(0)) for name in ("violation", "upper_bound", "p_value", "signal_to_noise")}
    flags = {name: ("generator", np.zeros(0, dtype=bool)) for name in ("exact_rejected", "trivial")}
    verdicts = {"verdict": ("generator", np.zeros(0, dtype=object))}
    return xr.Dataset(
        numbers | verdicts | flags,
        coords={"generator": np.zeros(0, dtype=object)},
        attrs={"delta": delta, "alpha": alpha, "level": 0.95},
    )


def judged_table(evidence: Evidence, weights: np.ndarray, texts: list[str], alpha: float) -> xr.Dataset:
    """Tabulate the evidence on given combinations `(generator, candidate)`; p values are not adjusted."""
    everything = evidence.directions.shape[1]  # a replicate's own version of a given generator is the generator itself
    unseen = np.array([evidence.is_unseen(v) for v in weights], dtype=bool)

    def column(judge: Callable[[np.ndarray], float]) -> np.ndarray:
        return np.array([np.nan if hidden else judge(v) for v, hidden in zip(weights, unseen, strict=True)])

    bounds, p_values = column(lambda v: evidence.upper_bound(v, everything)), column(evidence.p_value)
    rejected = np.where(p_values < alpha, "broken", "undetermined")
    return xr.Dataset(
        {
            "violation": ("generator", column(evidence.violation)),
            "upper_bound": ("generator", bounds),
            "p_value": ("generator", p_values),
            "verdict": ("generator", np.where(bounds < evidence.delta, "symmetric", rejected).astype(object)),
        },
        coords={"generator": np.array(texts, dtype=object)},
        attrs={"delta": evidence.delta, "alpha": alpha, "level": evidence.level},
    )


def verdict_text(verdicts: xr.Dataset, name: str, n_shown: int = 12) -> str:
    """Write the table as plain text, accepted generators first.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.evidence.verdicts import verdict_text
    >>> data = sd.systems.hopf(noise=0.02, n_trajectories=10)
    >>> search = sd.SymmetryDiscovery("so", "polynomial:3").fit(data)
    >>> print(verdict_text(search.verdicts_, search.algebra_.name))
    symmetry algebra: so(2)
    verdict       violation  95 % bound  p (eps=0)  generator
    symmetric        0.0021       0.013       0.97  x1 ∂x0 − x0 ∂x1
    symmetric: bound below delta = 0.1, closed under brackets; broken: eps = 0 rejected at 0.05;
    approximate: both
    """
    lines = [
        f"symmetry algebra: {name}",
        f"{'verdict':<13}{'violation':>10}{'95 % bound':>12}{'p (eps=0)':>11}  generator",
    ]
    for k in range(min(verdicts.sizes["generator"], n_shown)):
        row = verdicts.isel(generator=k)
        approximate = bool(row.exact_rejected) and row.verdict.item() == "symmetric"
        notes = [note for note, on in (("trivial", row.trivial), ("approximate", approximate)) if on]
        remark = f" ({', '.join(notes)})" if notes else ""
        lines.append(
            f"{row.verdict.item():<13}{row.violation.item():>10.2g}{row.upper_bound.item():>12.2g}"
            f"{_p_text(row.p_value.item()):>11}  {shortened(row.generator.item())}{remark}"
        )
    hidden = verdicts.sizes["generator"] - n_shown
    if hidden > 0:
        lines.append(f"... and {hidden} more")
    delta, alpha = verdicts.attrs["delta"], verdicts.attrs["alpha"]
    lines.append(
        f"symmetric: bound below delta = {delta:g}, closed under brackets; broken: eps = 0 rejected at {alpha:g};"
    )
    lines.append("approximate: both")
    return "\n".join(lines)


def _p_text(p: float) -> str:
    return "<1e-16" if p < 1e-16 else f"{p:.2g}"
