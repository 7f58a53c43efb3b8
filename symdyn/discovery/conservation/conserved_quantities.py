"""Conserved quantities: functions h = c . theta(x) that do not change along the motion, with evidence.

From a law f, h is conserved when Dh f = 0; its violation is

    eps = rms(Dh f) / (r size(h)),    r = the largest rms(f_i) / s_i,

so in the time in which the state that moves most crosses the data, h crosses the share eps of its own size. From data
no law is needed: h must be constant along each trajectory while it differs between them,

    eps = within(h) / (w size(h)),    w = the largest within(x_i) / s_i,

with s_i the spread of state i over all data (its standard deviation, runs pooled), and within that about the mean of
the trajectory, to which the trend from end to end is added (drifts add up, so all of a drift counts). Both are free of
units. size(h) is the spread of h over all data, where it has one. A function that does not vary by more than noise or
rounding has no such scale. If it is linear, h = sum_i c_i x_i, that of its terms takes its place,

    size(h)^2 = sum_i c_i^2 s_i^2,

so S + I + R is conserved although its value is the same in all runs, and `reason` says that no other value was seen.
Nonlinear functions with one value on all the data are never called conserved (`conservation_constants` says why), nor
is a function whose terms do not vary, either.

With few trajectories there is always some combination of many functions that is nearly constant on each of them: what
is found from the others must be conserved on the held-out trajectories as well (`left_out_runs`). Where a single
trajectory carries most of size(h), the bound is that without it. Slow or short motion makes nothing conserved, since
eps is relative to the motion.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy import linalg

from symdyn.data.angles import features_for, in_radians
from symdyn.data.pairs import as_dataset
from symdyn.data.tasks import on_one_thread
from symdyn.data.trajectories import names_with_role, state_names
from symdyn.discovery.conservation.conservation_case import LEVEL, Case, case_from_data, case_from_law, checked_points
from symdyn.discovery.conservation.conservation_constants import Constants
from symdyn.discovery.conservation.conservation_reasons import NOISY, ONE_VALUE, UNSEEN, why_undetermined
from symdyn.discovery.conservation.conservation_search import case_from_search, is_search, points_of_search
from symdyn.discovery.conservation.independence import Reduced, gradient_rank, levels_of, simplest_basis
from symdyn.discovery.conservation.readable_functions import Readable
from symdyn.evidence.evidence import Evidence, holm
from symdyn.functions.features import as_features
from symdyn.functions.printing import equation_lines
from symdyn.lie.constraints.subspace import pivoted_basis
from symdyn.lie.vectorfields import VectorField
from symdyn.sums.data_charts import chart_of, chart_of_points

__all__ = ["conserved_quantities"]


@on_one_thread
def conserved_quantities(
    source,
    features,
    *,
    delta: float = 0.1,
    alpha: float = 0.05,
    tolerance: float = 1e-6,
    points: np.ndarray | None = None,
    n_bootstrap: int = 200,
    rng: int | np.random.Generator = 0,
) -> xr.Dataset:
    """Find the functions of the state that do not change along the motion.

    Parameters
    ----------
    source : xr.Dataset, path, tables, dict, (x, t), VectorField, or SymmetryDiscovery
        Trajectories, as `SymmetryDiscovery.fit` takes them; or a law x' = f(x), which is taken as exact; or a fitted
        search; the error and the unexplained fraction of its law then enter every bound
        (`symdyn.discovery.conservation.conservation_search`).
    features : Features, pysindy feature library, or str
        The functions theta, simple ones first; those that are constant are left out. Words such as `"polynomial:2"`.
    delta : float
        From data: quantities are conserved when the 95 % upper bound of eps is below delta, over their whole span.
    alpha : float
        Level of the test that calls a quantity broken.
    tolerance : float
        eps that counts as rounding. A law has no error: this takes the place of delta.
    points : ndarray, `(sample, state)`, optional
        For a law: where it holds; uniform on [−1, 1] in each state if left out, of a search within a spread of the mean
        of its data.
    n_bootstrap : int
        Replicates of the data, trajectories resampled (stretches of time, where there are fewer than ten).
    rng : int or numpy Generator

    Returns
    -------
    xr.Dataset
        Over `quantity` (text): `coefficients` `(quantity, feature)`, their standard `errors` (nan where nothing was
        found), `spread` `(feature,)` of the features over the data, `violation`, `upper_bound`, `p_value` (Holm),
        `exact_rejected`, and `verdict`: "conserved" (bound below delta), "broken" (eps = 0 rejected), "undetermined".
        Conserved ones come first, simple before complicated, then all other directions of the library in order of
        evidence, last those that are constant on all the data (violation nan). `reason` says why a quantity is
        undetermined and what would decide it, and of a conserved one whether it has one value on all the data. A
        conserved one with `exact_rejected` is conserved approximately only; one that changes as much as its parts do,
        and is small only because it is slow, is "broken".

        Powers and products of conserved quantities are left out (`attrs["n_products"]`), others are kept if they are
        linearly independent. They need not be functionally independent: `attrs["gradient_rank"]` counts the
        independent ones (planar Kepler motion: 3 of the 4 quantities energy, angular momentum, Laplace-Runge-Lenz
        vector). `attrs["n_trajectories"]` and `attrs["n_parts"]` are how many trajectories, and independent parts of
        these, were resampled. `attrs["centre"]` and `attrs["scale"]` of each state are those in which all was computed.

        The term that varies most has the coefficient 1. Text shows terms above a thousandth of the largest that errors
        leave; where large terms cancel, as they do far from the origin, of what they leave. A quantity is known up to
        simpler ones: evidence is on that which has no part along these about the centre of the data, coefficients are
        those of that which has none about the origin of the states, where this lies among the data.

    Warns
    -----
    UserWarning
        For a law whose terms cancel so far that its rates are known to less than the tolerance.

    Raises
    ------
    TypeError, ValueError
        For options out of range, features that are not finite, and data too few for the features.

    Examples
    --------
    >>> import symdyn as sd
    >>> found = sd.conserved_quantities(sd.systems.duffing(), sd.features.Polynomial(4))
    >>> found.quantity.values[0], found.verdict.values[0]
    ('−2 x0^2 + 2 x1^2 + x0^4', 'conserved')
    >>> noisy = sd.conserved_quantities(sd.systems.duffing(noise=0.01), sd.features.Polynomial(4))
    >>> int((noisy.verdict == "conserved").sum()), bool(noisy.upper_bound[0] < 0.1)
    (1, True)
    """
    _check_options(delta, alpha, tolerance, n_bootstrap)
    generator = np.random.default_rng(rng)
    if is_search(source):
        features = in_radians(as_features(features, len(source.chart_)), source._radians)
        points, chart = points_of_search(source, features, points, generator), source.chart_
        case = case_from_search(source, features, points, delta, LEVEL)
    elif isinstance(source, VectorField):
        features = as_features(features, len(source.states))
        points = checked_points(source, features, points, generator)
        chart = chart_of_points(points)
        case = case_from_law(source, features, points, chart, tolerance)
    elif points is not None:
        raise ValueError("points are for a law; trajectories bring their own")
    else:
        dataset = as_dataset(source)
        if names_with_role(dataset, "target"):
            raise TypeError("pairs (X, Y) have no motion along which anything is conserved: give trajectories (x, t)")
        names = state_names(dataset)
        features, chart = features_for(features, dataset, names), chart_of(dataset, names, has_clock=False)
        case = case_from_data(dataset, features, chart, delta, tolerance, n_bootstrap, generator)
    return _judged(case, Readable(features, case.features, chart, case.chosen, case.total), alpha)


def _judged(case: Case, readable: Readable, alpha: float) -> xr.Dataset:
    evidence = case.evidence
    near, pool = _pool(evidence, alpha)
    span, slow = _without_slow(case, evidence.directions[:, :pool], alpha)
    reduced = simplest_basis((case.frame @ span).T, levels_of(case.families()), case.values(), case.tiny)
    inverse = np.linalg.pinv(case.frame).T
    bounds = case.stretch(reduced.rows), case.left_out(reduced.rows)
    accepted = _accepted(evidence, reduced.rows @ inverse, reduced.product, near, *bounds)
    # Products of what is conserved are conserved; of what is not known to be, they say no more than others.
    products = reduced.product if accepted.sum() == (~reduced.product).sum() else np.zeros_like(reduced.product)
    order = np.concatenate([np.flatnonzero(accepted), np.flatnonzero(~accepted & ~products)])
    kept = reduced.rows[order]
    vectors = np.concatenate([kept @ inverse, slow.T, evidence.directions[:, pool:].T])
    found = int(accepted.sum())
    table = _table(case, vectors, found, near, alpha)
    replicates = _replicates(case, reduced, span.shape[1])
    rows, others = readable.about_origin(reduced.rows / case.scale, replicates / case.scale, reduced.pivots)
    rest = np.concatenate([vectors[len(kept) :] @ case.frame.T, case.unseen.T])
    rest = readable.unreduced(rest / case.scale)
    judged = _labelled(case, readable, table, (rows[order], others[:, order]), rest, found)
    settled = kept[:found]
    if case.constants is not None:
        settled = np.concatenate([settled, case.constants.rows[: case.constants.evidence.rank]])
        judged = _joined(_constants(case.constants, case, readable, alpha), judged)
    rank = gradient_rank(case.gradients(settled), case.tiny)
    return judged.assign_attrs(
        states=" ".join(case.states),
        gradient_rank=rank,
        n_products=int(products.sum()),
        n_unseen=case.unseen.shape[1],
        n_trajectories=case.n_runs,
        n_parts=0 if case.scatter is None else len(case.scatter.count),
    )


def _joined(first: xr.Dataset, second: xr.Dataset) -> xr.Dataset:
    """Join both tables, what is conserved first."""
    how: dict[str, Any] = {"data_vars": "minimal", "coords": "minimal", "compat": "override", "join": "override"}
    table = xr.concat([first, second], "quantity", combine_attrs="override", **how)
    return table.isel(quantity=np.argsort(table.verdict.values != "conserved", kind="stable"))


def _constants(constants: Constants, case: Case, readable: Readable, alpha: float) -> xr.Dataset:
    """Judge linear functions that have one value on all the data, the conserved ones reduced."""
    evidence, rows = constants.evidence, constants.rows
    found = evidence.rank
    rows = np.concatenate([pivoted_basis(np.linalg.qr(rows[:found].T)[0])[0].T, rows[found:]])
    vectors = rows @ np.linalg.pinv(constants.frame).T
    p_values = holm(np.array([evidence.p_value(v) for v in vectors]))
    bounds = np.array([evidence.upper_bound(v, max(found, 1 + k)) for k, v in enumerate(vectors)])
    open_verdicts = ["broken" if p < alpha else "undetermined" for p in p_values[found:]]
    columns = {
        "violation": np.array([evidence.violation(v) for v in vectors]),
        "upper_bound": bounds,
        "p_value": p_values,
        "exact_rejected": p_values < alpha,
        "verdict": np.array(["conserved"] * found + open_verdicts, dtype=object),
        "reason": np.array([ONE_VALUE] * found + [NOISY] * len(open_verdicts), dtype=object),
    }
    columns["reason"][columns["verdict"] == "broken"] = ""
    table = xr.Dataset({name: ("quantity", values) for name, values in columns.items()})
    table.attrs = {"delta": evidence.delta, "alpha": alpha, "level": LEVEL}
    nothing = np.zeros((0, len(case.scale)))
    return _labelled(case, readable, table, (nothing, nothing[None]), readable.unreduced(rows / case.scale), 0)


def _pool(evidence: Evidence, alpha: float) -> tuple[int, int]:
    """Count the directions that look conserved to within delta, and those of them that may be so exactly.

    The latter are told apart by chance only, so simple ones are looked for in the whole of their span.
    """
    looks = np.einsum(
        "ik,ij,jk->k", evidence.directions, evidence.forms.violation + evidence.noise, evidence.directions
    )
    near = int(np.sum(looks < evidence.delta**2))
    rejected = [evidence.p_value(v) < alpha for v in evidence.directions.T[:near]]
    return near, max(evidence.rank, rejected.index(True) if True in rejected else near)


def _accepted(
    evidence: Evidence, rows: np.ndarray, product: np.ndarray, near: int, stretch: np.ndarray, left_out: np.ndarray
) -> np.ndarray:
    """Mask the elements `(element,)`, no products, that are conserved: each with all of the span before it."""
    accepted = np.zeros(len(rows), dtype=bool)
    for k in np.flatnonzero(~product):
        accepted[k] = True
        bound = _worst_bound(evidence, rows[accepted], near) * stretch[accepted].max()
        accepted[k] = max(bound, left_out[k]) < evidence.delta
    return accepted


def _worst_bound(evidence: Evidence, rows: np.ndarray, near: int) -> float:
    """Return the worst upper bound over a span `(element, candidate)`, as in `Evidence.span_bounds`."""
    forms = evidence.forms
    apparent, noise, size, total = (
        rows @ form @ rows.T
        for form in (forms.violation - evidence.noise, evidence.noise, forms.size, forms.violation + evidence.noise)
    )
    turned = linalg.eigh(total, size)[1]
    own = [evidence.upper_bound(v, max(near, len(rows))) ** 2 - evidence.violation(v) ** 2 for v in turned.T @ rows]
    noise = turned.T @ noise @ turned
    scale = np.sqrt(np.maximum(own, 0.0) / np.maximum(np.diag(noise), 1e-300))
    values, vectors = np.linalg.eigh(turned.T @ apparent @ turned)
    worst = (vectors * np.maximum(values, 0.0)) @ vectors.T + noise * scale[:, None] * scale
    return np.sqrt(max(np.linalg.eigvalsh(worst)[-1], 0.0))


def _without_slow(case: Case, span: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Take out of the span what is seen to change as much as its parts do: nothing cancels, it is only slow.

    Both as columns `(candidate, direction)`.
    """
    if case.parts is None or span.shape[1] == 0:
        return span, span[:, :0]
    evidence = case.evidence
    changes = span.T @ (evidence.forms.violation - evidence.noise) @ span
    functions = case.frame @ span
    parts = functions.T @ case.parts @ functions
    values, vectors = np.linalg.eigh(parts + 1e-12 * np.trace(parts) * np.eye(len(parts)))
    whiten = vectors / np.sqrt(values)
    shares, turned = np.linalg.eigh(whiten.T @ changes @ whiten)
    directions = span @ whiten @ turned
    slow = np.array([evidence.p_value(v) < alpha for v in directions.T]) & (shares > evidence.delta**2)
    return directions[:, ~slow], directions[:, slow]


def _replicates(case: Case, reduced: Reduced, rank: int) -> np.ndarray:
    """Find the elements of the reduced span as replicates do, `(replicate, element, feature)`."""
    if rank == 0:
        return np.zeros((1, 0, len(case.scale)))
    return reduced.follow(np.swapaxes(case.frame @ case.evidence.replicate_directions[:, :, :rank], 1, 2))


def _table(case: Case, vectors: np.ndarray, n_found: int, near: int, alpha: float) -> xr.Dataset:
    evidence, n_unseen = case.evidence, case.unseen.shape[1]
    rows = vectors @ case.frame.T
    p_values = holm(np.array([evidence.p_value(v) for v in vectors]))
    missing = np.full(n_unseen, np.nan)
    # What looks conserved to within delta trades places from replicate to replicate: compare with all of it.
    bounds = np.array([evidence.upper_bound(v, max(near, 1 + k)) for k, v in enumerate(vectors)])
    violations, stretch, left_out = (
        np.array([evidence.violation(v) for v in vectors]),
        case.stretch(rows),
        case.left_out(rows),
    )
    columns = {
        "violation": violations,
        "upper_bound": np.maximum(bounds * stretch, left_out),
        "p_value": p_values,
    }
    verdicts = ["conserved"] * n_found + ["broken" if p < alpha else "undetermined" for p in p_values[n_found:]]
    open_rows = np.array([verdict == "undetermined" for verdict in verdicts])
    parts = (violations, bounds, stretch, left_out)
    reasons = why_undetermined(open_rows, parts, case.n_runs, evidence.delta, case.unsure)
    return xr.Dataset(
        {
            **{name: ("quantity", np.concatenate([values, missing])) for name, values in columns.items()},
            "exact_rejected": ("quantity", np.concatenate([p_values < alpha, missing > 0])),
            "verdict": ("quantity", np.array(verdicts + ["undetermined"] * n_unseen, dtype=object)),
            "reason": ("quantity", np.array([*reasons, *[UNSEEN] * n_unseen], dtype=object)),
        },
        attrs={"delta": evidence.delta, "alpha": alpha, "level": LEVEL},
    )


def _labelled(
    case: Case,
    readable: Readable,
    table: xr.Dataset,
    kept: tuple[np.ndarray, np.ndarray],
    rest: np.ndarray,
    n_found: int,
) -> xr.Dataset:
    """Label the table with coefficients in the units of the features, 1 for the term that varies most, and its text.

    `kept` are elements of the reduced span and their replicates; nothing is known of the errors of the `rest`.
    """
    rows, replicates = kept
    names = readable.given.names(case.states)
    errors = np.full((len(rest), len(names)), np.nan)
    coefficients = readable.coefficients(np.concatenate([rows, rest]))
    text = np.concatenate(
        [
            readable.shown(rows, replicates, np.arange(len(rows)) < n_found),
            readable.shown(rest, rest[None], np.zeros(len(rest), dtype=bool)),
        ]
    )
    table["coefficients"] = (("quantity", "feature"), coefficients)
    table["errors"] = (("quantity", "feature"), np.concatenate([readable.errors(rows, replicates), errors]))
    table["spread"] = ("feature", readable.spread, {"long_name": "spread of the feature over the data"})
    table.attrs.update(centre=np.array(readable.chart.centre), scale=np.array(readable.chart.scale))
    return table.assign_coords(
        feature=np.array(names, dtype=object), quantity=np.array(equation_lines(text, names, 3), dtype=object)
    )


def _check_options(delta: float, alpha: float, tolerance: float, n_bootstrap: int) -> None:
    for name, value in (("delta", delta), ("alpha", alpha), ("tolerance", tolerance)):
        if not 0 < value < 1:
            raise ValueError(f"{name} must lie between 0 and 1, got {value}")
    if n_bootstrap < 20:
        raise ValueError(f"n_bootstrap must be at least 20 for a 95 % bound, got {n_bootstrap}")
