"""`symdyn.plot`: the drawing of any result."""

from __future__ import annotations

from typing import Any

import xarray as xr

from symdyn.reporting.plots.evidence_plot import plot_quantities

__all__ = ["plot"]


def plot(result: Any, *arguments: Any, **options: Any) -> Any:
    """Draw a result: a table of verdicts, or whatever has a method `plot`.

    Parameters
    ----------
    result : xr.Dataset, search, algebra, vector field, law, or fit
        A Dataset over `quantity`, `generator` or `element` with `violation`, `upper_bound` and `verdict`, such as
        `conserved_quantities` and `SymmetryDiscovery.judge` return.
    *arguments, **options
        Arguments of the method `plot` of the result; `ax`, matplotlib Axes, for a Dataset.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    TypeError
        For anything else.

    Examples
    --------
    >>> import symdyn as sd
    >>> x, t = sd.systems.hopf(noise=0.05, rng=0)
    >>> axes = sd.plot(sd.conserved_quantities((x, t), sd.features.Polynomial(2)))
    >>> axes.get_xlabel()
    'violation (dot) and its 95 % upper bound (end of the bar)'
    """
    if isinstance(result, xr.Dataset):
        if not {"violation", "upper_bound", "verdict"} <= set(result.data_vars):
            raise TypeError("this Dataset holds no verdicts: give violation, upper_bound and verdict")
        return plot_quantities(result, *arguments, **options)
    if not hasattr(result, "plot"):
        raise TypeError(
            f"there is no drawing of a {type(result).__name__}: give a search, an algebra, a field or a fit"
        )
    return result.plot(*arguments, **options)
