"""The tables of `bench_operators.py`, from its rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

__all__ = ["MODELS", "curve", "samples_needed", "tables"]

MODELS = ("plain", "constrained", "steerable")


def curve(rows: Sequence[dict], system: str, model: str) -> dict[int, np.ndarray]:
    """Test errors of all seeds by number of trajectories, isotropic starts."""
    found: dict[int, list[float]] = {}
    for row in rows:
        if (row["system"], row["kind"], row["model"]) == (system, "isotropic", model):
            found.setdefault(row["size"], []).append(row["test"])
    return {size: np.array(found[size]) for size in sorted(found)}


def samples_needed(errors: dict[int, float], wanted: float) -> float:
    """How many trajectories give the error, log-linear between sizes; inf if none does."""
    sizes = sorted(errors)
    if errors[sizes[0]] <= wanted:
        return float(sizes[0])
    for low, high in pairwise(sizes):
        if errors[high] <= wanted:
            share = np.log(errors[low] / wanted) / np.log(errors[low] / errors[high])
            return float(low * (high / low) ** share)
    return np.inf


def tables(rows: Sequence[dict]) -> str:
    """All tables, as far as there are rows."""
    parts = [_efficiency(rows, system) for system in _systems(rows, "isotropic")]
    parts += [_turned(rows, system) for system in _systems(rows, "along")]
    lines = _systems(rows, "line")
    return "\n\n".join([*parts, *([_lines(rows, lines)] if lines else [])])


def _systems(rows, kind):
    return list(dict.fromkeys(row["system"] for row in rows if row["kind"] == kind))


def _efficiency(rows, system):
    curves = {model: curve(rows, system, model) for model in MODELS}
    medians = {m: {size: float(np.median(errors)) for size, errors in part.items()} for m, part in curves.items()}
    lines = [
        f"{system}, isotropic starts: relative error, median (smallest, largest) of seeds",
        f"{'size':>4s}  seeds" + "".join(f"  {model:>24s}" for model in MODELS) + "  needed for plain's error",
    ]
    for size in sorted({size for part in curves.values() for size in part}):
        cells = "".join(f"  {_spread(part[size]) if size in part else '-':>24s}" for part in curves.values())
        needs = [
            f"{model} {_needed(medians[model], size, medians['plain'][size])}"
            for model in MODELS[1:]
            if medians[model] and size in medians["plain"]
        ]
        count = min(len(part[size]) for part in curves.values() if size in part)
        lines.append(f"{size:4d}  {count:5d}{cells}  {', '.join(needs)}")
    return "\n".join(lines)


def _needed(errors, size, wanted):
    found = samples_needed(errors, wanted)
    if not np.isfinite(found):
        return "more"
    bound = "<= " if found == min(errors) else ""
    return f"{bound}{found:.0f} ({bound}{found / size:.2f})"


def _turned(rows, system):
    chosen = [row for row in rows if (row["system"], row["kind"]) == (system, "along")]
    sets = [name for name in ("quarter", "angle", "phase") if name in chosen[0]]
    lines = [
        f"{system}, {chosen[0]['size']} starts along x: relative error, its ratio on turned tests (median, largest)",
        f"{'model':12s}  seeds  {'test':>24s}" + "".join(f"  {name:>14s}" for name in sets),
    ]
    for model in dict.fromkeys(row["model"] for row in chosen):
        mine = [row for row in chosen if row["model"] == model]
        cells = ""
        for name in sets:
            ratios = [row[name] / row["test"] for row in mine]
            cells += f"  {np.median(ratios):6.3f} {max(ratios):7.3f}"
        lines.append(f"{model:12s}  {len(mine):5d}  {_spread([row['test'] for row in mine]):>24s}{cells}")
    return "\n".join(lines)


def _lines(rows, systems):
    lines = [
        "on a line, 10 trajectories: relative errors, medians of seeds; under: rollout, mean over it, to no symmetry",
        f"{'system':8s}  {'model':10s}  seeds  one step  rollout      end  violation  under  under in each seed",
    ]
    for system in systems:
        mine = [row for row in rows if (row["system"], row["kind"]) == (system, "line")]
        plain = {row["seed"]: row["rollout"] for row in mine if row["model"] == "plain"}
        for model in dict.fromkeys(row["model"] for row in mine):
            part = [row for row in mine if row["model"] == model]
            one, rollout, end, violation = (
                np.median([row[name] for row in part]) for name in ("one", "rollout", "end", "violation")
            )
            gains = [1 - row["rollout"] / plain[row["seed"]] for row in part if row["seed"] in plain]
            under = 1 - rollout / np.median(list(plain.values())) if plain else np.nan
            each = " ".join(f"{gain:.0%}" for gain in gains) if model != "plain" else ""
            lines.append(
                f"{system:8s}  {model:10s}  {len(part):5d}  {one:8.4f}  {rollout:7.4f}  {end:7.4f}  {violation:9.4f}"
                f"  {under:5.0%}  {each}"
            )
    return "\n".join(lines)


def _spread(values):
    return f"{np.median(values):.4f} ({min(values):.4f}, {max(values):.4f})"
