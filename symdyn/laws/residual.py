"""The unexplained fraction of the rates, beyond noise, with bounds that enter the bound of every verdict.

Residuals of even and of odd rows have independent noise, so the mean of their product is the mean square of what the
law misses: functions outside its library, states that were not measured. It is a signed estimate. Where sampling is
coarse against the motion, even and odd rows alias against each other and it comes out negative, which no law and no
white noise do: its size then is what is not known of the rates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

__all__ = ["Residual", "residual_from_parts"]

_LOWER, _UPPER = 0.99, 0.95


@dataclass(frozen=True)
class Residual:
    """Measure the fraction of the rates that a law leaves unexplained: root mean squares in the norm of the violation.

    `share` is the estimate, `lower` its 99 % lower and `upper` its 95 % upper bound, from `n_parts` independent parts
    of the data (infinite from one). `aliased` says that the estimate is below 0 by more than chance allows.
    `by_output` `(output,)` are the estimates for each output, relative to its own rates.

    Examples
    --------
    >>> import symdyn as sd
    >>> data = sd.systems.hopf(noise=0.02, n_trajectories=10)
    >>> search = sd.SymmetryDiscovery("gl", "polynomial:1").fit(data)  # without cubic terms
    >>> left = search.residual_
    >>> print(f"{type(left).__name__}: {left.text()}")
    Residual: the law leaves 3.5 % of the rates unexplained, beyond noise (2.0 % to 4.2 %)
    """

    share: float
    lower: float
    upper: float
    n_parts: int
    aliased: bool
    by_output: np.ndarray

    def text(self) -> str:
        """Return a line: `the law leaves 2.9 % of the rates unexplained, beyond noise (0.0 % to 4.1 %)`."""
        share = "an unknown part" if np.isnan(self.share) else f"{100 * self.share:.1f} %"
        upper = f"{100 * min(self.upper, 1.0):.1f} %" if np.isfinite(self.upper) else "all"
        return f"the law leaves {share} of the rates unexplained, beyond noise ({100 * self.lower:.1f} % to {upper})"


def residual_from_parts(parts: np.ndarray, power: np.ndarray, units: np.ndarray) -> Residual:
    """Estimate the unexplained fraction of a law from sums of products of even and odd residuals.

    Parameters
    ----------
    parts : ndarray, `(part, output)`
        Of independent parts of the data; their sum is the mean square of the residual of each output.
    power : ndarray, `(output,)`
        Mean squares of the outputs.
    units : ndarray, `(output,)`
        In which outputs are compared; infinite for those that are no evidence.
    """
    weights = 1 / units**2
    total = float(weights @ power)
    own = np.where(power > 0, power, 1.0)
    by_output = np.sqrt(np.maximum(parts.sum(axis=0) / own, 0.0))
    if not total > 0:
        return Residual(0.0, 0.0, 0.0, len(parts), False, by_output)
    each, n = parts @ weights / total, len(parts)
    mean = float(each.sum())
    share = float(np.sqrt(max(mean, 0.0)))
    if n < 2:
        return Residual(share, 0.0, np.inf, n, False, by_output)
    error = np.sqrt(n) * each.std(ddof=1)
    below, above = (error * stats.t.ppf(level, n - 1) for level in (_LOWER, _UPPER))
    return Residual(
        share=share,
        lower=float(np.sqrt(max(mean - below, 0.0))),
        upper=float(np.sqrt(abs(mean) + above)),
        n_parts=n,
        aliased=bool(mean < -below),
        by_output=by_output,
    )
