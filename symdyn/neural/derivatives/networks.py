"""Symmetries of a trained network: the null space of the Lie derivative, with automatic derivatives.

Y. Hu, Y. Li and Z. Lin (LieSD, arXiv 2410.09841): generators are read off the network, instead of being trained against
it.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from symdyn.data.pairs import column_names
from symdyn.discovery.charted_candidates import posed
from symdyn.discovery.exact_elements import judge_candidates_of_function, output_of_elements
from symdyn.discovery.function import parallel_to_values
from symdyn.discovery.function_symmetry import FunctionSymmetry, concluded, undetermined_notes, without_generators
from symdyn.discovery.genericity import polynomial_relation
from symdyn.discovery.question import asked_at_points
from symdyn.evidence.findings import flow_among
from symdyn.lie.constraints.gram import Rows
from symdyn.lie.groups import Elements
from symdyn.lie.output_actions import value_action
from symdyn.lie.vectorfields import Generators
from symdyn.neural.checks import check_callable, numbers
from symdyn.neural.derivatives.network_evidence import Differentiated, error_text, network_evidence, within_error

__all__ = ["as_function", "discover_network"]


def discover_network(
    module: nn.Module | Callable,
    x,
    candidates: str | Generators | Elements | Sequence,
    *,
    output="invariant",
    delta: float = 0.1,
    increments: bool = False,
    targets=None,
) -> FunctionSymmetry:
    """Find the generators v with DF v = psi F for a trained network F, and the elements g with F(g x) = M F(x).

    Parameters
    ----------
    module : nn.Module
        From `(sample, state)` to values `(sample, ...)`, each a function of its own sample. The search uses a copy in
        double precision and in evaluation mode.
    x : Tensor, ndarray or DataFrame, `(sample, state)`
        Points where the network was trained; elsewhere its values mean nothing.
    candidates : str, Generators, Elements, or a list of these
        As `discover_function` takes them. Elements are compared at up to 2000 of the x, where g x lies among the x,
        because the network is unreliable at other images. An element that takes more than half of x out of the data is
        undetermined.
    output : str, tuple, or array `(generator, output, output)`
        How the values transform, in the words of `discover_function`.
    delta : float
        Violations of the network below this count as symmetric; 1 means no symmetry at all. A trained network violates
        the symmetries of its data by a few per cent, so a delta near rounding finds nothing.
    increments : bool
        For a map from a state to the next one: analyse F(x) − x. The identity commutes with every linear action, so
        after a short time step everything looks symmetric. Affine actions on x are then linear ones here.
    targets : Tensor or ndarray, `(sample, ...)`, optional
        The true values at x, preferably not used for training; they measure the error of the network.

    Returns
    -------
    FunctionSymmetry
        Generators have error bars, from how the remaining violation differs between regions of x
        (`NetworkEvidence`); they are rounded to simple numbers only inside these. "symmetric": violation below delta.
        "broken": above delta, and above three times the error of the network. "undetermined": between. The error is the
        largest violation accepted (delta, if none is), or that at `targets`, if that is larger.

    Raises
    ------
    TypeError
        For a module that cannot be called, and for invalid candidates.
    ValueError
        For x, values or targets of the wrong shape, and values or derivatives that are not finite.

    Warns
    -----
    UserWarning
        If the error of the network at its targets exceeds delta, if there are fewer samples than candidates, or if the
        samples lie on a curve or surface.

    Notes
    -----
    Verdicts are about the network. A symmetry of the network may be one of its architecture, and a symmetry of the
    function that the network did not learn is not found: train longer, or compare networks.

    Examples
    --------
    >>> import torch
    >>> from symdyn.neural import discover_network
    >>> _ = torch.manual_seed(0)
    >>> x = torch.randn(200, 2)
    >>> def network(x):
    ...     return torch.tanh(x.square().sum(1))
    >>> discover_network(network, x, "gl").algebra_
    LieAlgebra so(2) on (x0, x1)
      x1 ∂x0 − x0 ∂x1
    >>> plain = torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
    >>> discover_network(plain, x, "gl").algebra_.dim  # weights as they were drawn
    0
    """
    if not isinstance(delta, int | float) or not 0 < delta < np.inf:
        raise ValueError(f"delta must be positive, got {delta}")
    points, output = _as_array(x), value_action(output)
    generators, elements = asked_at_points(candidates, points, "x", column_names(x))
    moves = output_of_elements(output, len(generators), elements)
    function, jacobian = as_function(module, increments=increments)
    samples = Differentiated(function, jacobian, points, generators, output, np.random.default_rng(0))
    accuracy = _accuracy(function, points, targets, delta, increments)
    found = _generators_of(samples, delta, accuracy) if len(generators) else without_generators(generators, delta)
    if len(elements) == 0:
        return found
    options = {"delta": delta, "only_inside": True}
    elements, table, notes = judge_candidates_of_function(function, samples.sums.chosen, elements, moves, **options)
    return found.with_elements(elements, within_error(table, found.evidence_, accuracy), notes)


def _generators_of(samples: Differentiated, delta: float, accuracy: float) -> FunctionSymmetry:
    output = samples.output
    problem = posed(samples.candidates, output, samples.chart, samples.units.scale, samples.first)
    evidence = network_evidence(problem, samples, delta, accuracy)
    _warn_of_points(problem.rows, samples)
    flow = None
    if output.are_rates:
        flow = flow_among(problem.rows.candidates, lambda _: samples.first.values, samples.first.points, delta)
    found = concluded(problem, evidence, lambda algebra: parallel_to_values(algebra, samples, output, delta), flow)
    return found.noted(undetermined_notes(found.verdicts_, error_text(evidence.error)))


def as_function(module: nn.Module | Callable, *, increments: bool = False) -> tuple[Callable, Callable]:
    """Wrap a network F, or F(x) − x, as a function of arrays, in double precision, with its exact derivatives.

    Returns
    -------
    function, jacobian : callable
        From points `(sample, state)` to values `(sample, ...)` and derivatives `(sample, ..., state)`. Forward mode
        where the states are no more than the values, else reverse mode; a whole batch at once.
    """
    check_callable(module)
    device = torch.device("cpu")
    if isinstance(module, nn.Module):
        module = copy.deepcopy(module).double().eval().requires_grad_(False)
        device = next((p.device for p in module.parameters()), device)

    def values(batch: torch.Tensor) -> torch.Tensor:
        found = module(batch)
        if increments and found.shape != batch.shape:
            raise ValueError(f"increments=True is for maps of states {(*batch.shape,)}, got values {(*found.shape,)}")
        return found - batch if increments else found

    def function(points: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return values(torch.as_tensor(points, dtype=torch.float64, device=device)).cpu().numpy()

    def jacobian(points: np.ndarray) -> np.ndarray:
        batch = torch.as_tensor(points, dtype=torch.float64, device=device)
        n, n_values = batch.shape[1], values(batch[:1]).numel()
        if n <= n_values:
            shift = torch.zeros(n, dtype=torch.float64, device=device)
            slopes = torch.func.jacfwd(lambda step: values(batch + step))(shift)
        else:
            # Values of one sample depend on that sample only, so the sum over samples has all derivatives.
            slopes = torch.func.jacrev(lambda samples: values(samples).sum(dim=0))(batch)
            slopes = slopes.movedim(-2, 0)
        return slopes.cpu().numpy()

    return function, jacobian


def _accuracy(
    function: Callable[[np.ndarray], np.ndarray],
    points: np.ndarray,
    targets: torch.Tensor | np.ndarray | None,
    delta: float,
    increments: bool,
) -> float:
    """Compute the root mean square error over the spread of the targets; 0 without any."""
    if targets is None:
        return 0.0
    truth, values = _as_array(targets), function(points)
    if increments and truth.shape == points.shape:
        truth = truth - points
    if truth.shape != values.shape:
        raise ValueError(f"targets must have the shape of the values {values.shape}, got {truth.shape}")
    spread = np.sqrt(np.mean((truth - truth.mean(axis=0)) ** 2))
    accuracy = float(np.sqrt(np.mean((values - truth) ** 2)) / max(spread, 1e-300))
    if not np.isfinite(accuracy):
        raise ValueError("targets or values of the network are not finite")
    if accuracy > delta:
        warnings.warn(
            f"the network misses its targets by {accuracy:.2g} of their spread, more than delta = {delta:g}: "
            f"violations of that size say nothing of the function behind it; train longer, or raise delta",
            stacklevel=3,
        )
    return accuracy


def _warn_of_points(rows: Rows, samples: Differentiated) -> None:
    needed, n_values = len(rows.candidates), samples.first.values[0].size
    count = samples.sums.count * n_values
    if count < needed:
        message = f"{count} values cannot decide about {needed} candidates: give at least {-(-needed // n_values)} x"
        warnings.warn(message, stacklevel=3)
        return
    states = rows.candidates.states[: samples.points.shape[1]]
    relation = polynomial_relation(samples.sums.chosen, states, 1e-6)
    if relation:
        told = f" ({relation.text}, within {relation.within:.1g})" if relation.text else ""
        message = f"x lie on a curve or surface of degree {relation.degree}{told}: the answer holds on it only"
        warnings.warn(message, stacklevel=3)


def _as_array(x: torch.Tensor | np.ndarray) -> np.ndarray:
    return numbers("x and targets", x.detach().cpu().numpy() if isinstance(x, torch.Tensor) else x)
