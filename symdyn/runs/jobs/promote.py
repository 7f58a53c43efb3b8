"""As much of a candidate symmetry as the data allow: promotion of a function, or of a law of motion."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from symdyn.data.motion import paired_states
from symdyn.data.pairs import open_pairs
from symdyn.data.trajectories import each_trajectory, names_with_role, open_trajectories, state_names
from symdyn.data.units import matched_velocities
from symdyn.functions.features import Features
from symdyn.functions.words import parse_features
from symdyn.lie.actions import output_action
from symdyn.lie.words import parse_candidates, parse_elements
from symdyn.promotion.promoted import PromotedRegressor
from symdyn.promotion.promotion_candidates import check_shapes
from symdyn.reporting.describe import promote as described
from symdyn.rows.rates import differentiate
from symdyn.runs.directory import RunDirectory
from symdyn.runs.job import run_job
from symdyn.runs.opening import read_through
from symdyn.runs.options import RunOptions
from symdyn.runs.parsing import names
from symdyn.runs.publish import checksum, publish, tell

__all__ = ["OUTPUTS", "promote"]

OUTPUTS = ("invariant", "vector_field", "map", "second_order")
_EDGE = 3  # samples at either end of a run, whose rates are known worst
_BLOCKS, _LEFT_OUT = 20, 4  # neighbouring samples depend on one another: they are left out in blocks


def promote(
    data: str,
    *,
    targets: str | None = None,
    output: str | None = None,
    candidates: str = "se",
    elements: str = "none",
    law: str = "polynomial:3",
    gamma: str = "cv",
    states: str | None = None,
    most: int = 20000,
    **options: Any,
) -> None:
    """Fit a function with the least broken symmetry that the data allow, judge it on samples left out, and report.

    Parameters
    ----------
    data : str
        A table of points and values, or a file of trajectories.
    targets : str, optional
        Names of values between commas; without them the data are trajectories, and their rates are the values.
    output : {"invariant", "vector_field", "map", "second_order"}, optional
        How a symmetry moves the values; `"invariant"` with targets and `"vector_field"` without if left out.
    candidates, elements, law
        See `SearchWords`.
    gamma : str
        `"cv"`, or a number; see `PromotedRegressor`.
    states : str, optional
        Names between commas; as the file says if left out.
    most : int
        Samples that are used, taken evenly from all.
    **options
        See `RunOptions`; `out` is `runs/promote` if left out.
    """
    shared = RunOptions(**{"out": "runs/promote", **options})
    kind = output or ("invariant" if targets else "vector_field")
    config = {"job": "promote", "seed": shared.seed, "data": data, "targets": targets, "output": kind}
    config |= {"candidates": candidates, "elements": elements, "law": law, "gamma": gamma, "states": states}
    words = candidates, elements, law

    def opened() -> _Opened:
        weight = _weight(gamma)
        if output == "invariant" and not targets:
            raise ValueError("rates of trajectories are no invariants: name the values with --targets")
        dataset = read_through(_dataset(data, names(targets), names(states), kind))
        samples = _samples(dataset, kind)
        sought, features = _sought(words, samples, kind)
        check_shapes(sought, len(samples.states), len(samples.outputs), kind)
        return _Opened(samples, PromotedRegressor(sought, features, output=kind, gamma=weight), checksum(dataset))

    def work(run: RunDirectory, given: _Opened) -> None:
        _promote(run, given, most=most, seed=shared.seed)

    run_job(shared, {**config, "most": most}, work, opened)


class _Samples(NamedTuple):
    """Points `(sample, state)`, values `(sample, output)`, their names, and blocks of samples that belong together."""

    points: np.ndarray
    values: np.ndarray
    states: list[str]
    outputs: list[str]
    blocks: list[np.ndarray]


class _Opened(NamedTuple):
    samples: _Samples
    model: PromotedRegressor
    digest: str


def _weight(gamma: str) -> float | str:
    try:
        return gamma if gamma == "cv" else float(gamma)
    except ValueError:
        raise ValueError(f"--gamma must be cv or a number above 0, got {gamma!r}") from None


def _dataset(data: str, targets: list[str] | None, states: list[str] | None, kind: str) -> xr.Dataset:
    if targets:
        return open_pairs(data, targets, states)
    dataset = open_trajectories(data, states=states)
    if output_action(kind).has_velocities:
        dataset = matched_velocities(dataset, paired_states(dataset, state_names(dataset)))
    return dataset


def _samples(data: xr.Dataset, kind: str) -> _Samples:
    """Read points and values; values of trajectories are the rates, or the next points of a map."""
    states, targets = state_names(data), list(names_with_role(data, "target"))
    points, values = [], []
    for run in each_trajectory(data, [*states, *targets]):
        x, y = _pairs(run.times, run.states, len(states), kind)
        points.append(x)
        values.append(y)
    n_outputs = values[0].shape[1]
    ends = np.cumsum([len(x) for x in points])
    runs = np.split(np.arange(ends[-1]), ends[:-1])
    blocks = runs if len(runs) >= _BLOCKS else np.array_split(np.arange(ends[-1]), _BLOCKS)
    outputs = targets or described.names_of_values(states, n_outputs, kind)
    return _Samples(np.concatenate(points), np.concatenate(values), states, outputs, blocks)


def _pairs(times: np.ndarray, columns: np.ndarray, n_states: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    if columns.shape[1] > n_states:
        return columns[:, :n_states], columns[:, n_states:]
    if output_action(kind).increments:
        return columns[:-1], columns[1:]
    inner = slice(_EDGE, -_EDGE) if len(times) > 10 * _EDGE else slice(None)
    smooth, rates = (part[inner] for part in differentiate(times, columns))
    return smooth, rates[:, n_states // 2 :] if output_action(kind).has_velocities else rates


def _sought(words: tuple[str, str, str], samples: _Samples, kind: str) -> tuple[list, Features]:
    candidates, elements, law = words
    n = len(samples.states)
    moved = n // 2 if output_action(kind).has_velocities else n
    generators, finite = parse_candidates(candidates, moved), parse_elements(elements, moved)
    found = [generators.renamed(tuple(samples.states[:moved])), *([] if finite is None else [finite])]
    return found, parse_features(law, n)


def _promote(run: RunDirectory, given: _Opened, *, most: int, seed: int) -> None:
    samples, model, digest = given
    train, left_out = _split(samples.blocks, most, np.random.default_rng(seed))
    with run.stage("promote"):
        model.fit(samples.points[train], samples.values[train])
    with run.stage("judge on samples left out"):
        rows = partial(np.take, axis=0)
        free = _least_squares(model.features, rows(samples.points, train), rows(samples.values, train))
        x, y = rows(samples.points, left_out), rows(samples.values, left_out)
        predicted = {"promoted": model.predict(x), "least squares": free(x)}
        predicted["mean"] = np.broadcast_to(rows(samples.values, train).mean(axis=0), y.shape)
    found = described.Promoted(model, samples.states, samples.outputs, y, predicted, (len(train), len(left_out)))
    with run.stage("figures"):
        pictures = described.draw(run.figures, found)
    groups = {**described.groups(found), "provenance": run.provenance(digest)}
    findings = described.findings(found)
    title = f"Promotion on {Path(run.config['data']).name}"
    tables = {name: group.drop_vars("time_scaling", errors="ignore") for name, group in groups.items()}
    publish(run, groups, title=title, findings=findings, figures=pictures, tables=tables)
    tell(run, findings)


def _split(blocks: list[np.ndarray], most: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples to fit and those left out: a fifth of the blocks, at most `most` in all, taken evenly."""
    filled = [block for block in blocks if len(block)]
    n_out = max(len(filled) * _LEFT_OUT // _BLOCKS, 1)
    chosen = set(rng.permutation(len(filled))[:n_out].tolist())
    parts = [[b for k, b in enumerate(filled) if (k in chosen) is left] for left in (False, True)]
    step = max(-(-sum(map(len, filled)) // most), 1)
    if not parts[0]:
        raise ValueError("there is one sample only: give more, some of them to be left out")
    train, left_out = (np.concatenate(part)[::step] for part in parts)
    return train, left_out


def _least_squares(features: Features, points: np.ndarray, values: np.ndarray):
    """Fit without a symmetry, in columns of size 1; return the fitted function."""
    design = features(points)
    sizes = np.sqrt(np.mean(design**2, axis=0))
    sizes[sizes == 0] = 1.0
    coefficients = np.linalg.lstsq(design / sizes, values, rcond=None)[0] / sizes[:, None]
    return lambda x: features(x) @ coefficients
