"""Errors of operators: of one application, and of many in succession."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["relative_error", "rollout", "rollout_errors"]


def relative_error(prediction: Tensor, truth: Tensor) -> Tensor:
    """Compute the mean over samples of |prediction − truth| / |truth|, a scalar; norms over channels and grid.

    Parameters
    ----------
    prediction, truth : Tensor, `(batch, ...)`

    Raises
    ------
    ValueError
        For shapes that differ: broadcasting would compare the wrong numbers.

    Examples
    --------
    >>> import torch
    >>> from symdyn.neural import relative_error
    >>> truth = torch.tensor([[3.0, 4.0], [0.0, 1.0]])
    >>> round(float(relative_error(1.1 * truth, truth)), 3)
    0.1
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"prediction has shape {tuple(prediction.shape)}, truth {tuple(truth.shape)}")
    return _ratios(prediction - truth, truth, 1).mean()


@torch.no_grad()
def rollout(module: nn.Module, u0: Tensor, steps: int) -> Tensor:
    """Compute F(u0), F(F(u0)), ...: `(batch, steps, *u0.shape[1:])`, without gradients.

    Parameters
    ----------
    module : nn.Module
        F, from a field to one of the same shape.
    u0 : Tensor, `(batch, ...)`
    steps : int

    Raises
    ------
    ValueError
        For fewer than one step, and for modules whose output has not the shape of their input.

    Examples
    --------
    >>> import torch
    >>> from symdyn.neural import rollout
    >>> rollout(lambda u: u / 2, torch.tensor([[8.0]]), steps=3).ravel()
    tensor([4., 2., 1.])
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    found, u = [], u0
    for _ in range(steps):
        u = module(u)
        if u.shape != u0.shape:
            raise ValueError(f"a rollout needs an output like the input {tuple(u0.shape)}, got {tuple(u.shape)}")
        found.append(u)
    return torch.stack(found, dim=1)


def rollout_errors(module: nn.Module, truth: Tensor) -> Tensor:
    """Compute |F^k(u_0) − u_k| / |u_k| after each step k, `(steps,)`, mean over samples.

    Parameters
    ----------
    module : nn.Module
        F, from a field to the one a step later.
    truth : Tensor, `(batch, 1 + steps, channel, *grid)`
        Fields at the times of the steps, the initial ones first.

    Examples
    --------
    >>> import torch
    >>> from symdyn.neural import rollout_errors
    >>> truth = torch.tensor([1.0, 0.5, 0.25, 0.125]).reshape(1, 4, 1, 1)
    >>> rollout_errors(lambda u: 0.55 * u, truth).round(decimals=3)  # 10 % a step
    tensor([0.1000, 0.2100, 0.3310])
    """
    predicted = rollout(module, truth[:, 0], truth.shape[1] - 1)
    return _ratios(predicted - truth[:, 1:], truth[:, 1:], 2).mean(dim=0)


def _ratios(difference: Tensor, truth: Tensor, first: int) -> Tensor:
    """Compute |difference| / |truth| over all axes from `first` on."""
    size = torch.linalg.vector_norm(truth.flatten(first), dim=-1)
    return torch.linalg.vector_norm(difference.flatten(first), dim=-1) / size.clamp(min=torch.finfo(size.dtype).tiny)
