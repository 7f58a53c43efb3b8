"""How well laws predict the rates of trajectories that they were not fitted to, from sums alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from symdyn.regression.enforcing.left_out import parts_of_sums
from symdyn.sums.axes import returned
from symdyn.sums.moments import Moments

__all__ = ["HeldOut", "rate_losses"]


class HeldOut(NamedTuple):
    """Hold losses `(model, part)`: mean square residuals relative to the rates, by run or block of time.

    Noise cancels in expectation, because even and odd rows have independent noise: a correct law has losses about 0,
    some of them negative.
    """

    losses: np.ndarray

    @property
    def loss(self) -> np.ndarray:
        """Mean `(model,)` over parts."""
        return self.losses.mean(axis=1)

    @property
    def error(self) -> np.ndarray:
        """Root mean square `(model,)`, 0 where noise hides what is missed."""
        return np.sqrt(self.loss.clip(0))

    def excess(self, model: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the excess of each model over `model`, and its standard error from paired differences over parts.

        All models see the same noise of the parts, so differences are known better than losses.
        """
        difference = self.losses - self.losses[model]
        n = difference.shape[1]
        error = difference.std(axis=1, ddof=1) / np.sqrt(n) if n > 1 else np.full(len(difference), np.inf)
        return difference.mean(axis=1), error


def rate_losses(coefficients: np.ndarray, moments: Moments, kind: str = "flow") -> HeldOut:
    """Compute losses of laws y' = W theta on the rates of each run or, for fewer than five runs, each block of time.

        loss_k = mean_o (sum over the rows of k of (y'_o − W_o theta)^2) / (the mean of sum y'_o^2 over parts)

    Parameters
    ----------
    coefficients : ndarray, `(model, output, feature)`
        On the functions of the chart of the sums (`Chart.law_in`).
    moments : Moments
        Of the same features.
    kind : str
        In a second-order system each trajectory is weighted by its own size.
    """
    n_outputs = coefficients.shape[1]
    grams = parts_of_sums(moments, kind).sums
    if moments.axes.size:
        coefficients = coefficients @ returned(moments.axes)
    unit = np.broadcast_to(np.eye(n_outputs), (len(coefficients), n_outputs, n_outputs))
    left = np.concatenate([-coefficients, unit], axis=-1)
    missed = np.einsum("kmoi,moi->mko", np.einsum("moj,kij->kmoi", left, grams, optimize=True), left)
    rates = np.diagonal(grams[:, -n_outputs:, -n_outputs:], axis1=1, axis2=2).mean(axis=0)
    moving = rates > 0
    return HeldOut((missed[:, :, moving] / rates[moving]).mean(axis=-1))
