"""The page of one result: what `search.report` and `symdyn.report` write."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import xarray as xr
from sklearn.utils.validation import check_is_fitted

from symdyn.data.trajectories import open_trajectories
from symdyn.discovery.function_symmetry import FunctionSymmetry
from symdyn.discovery.point.point_symmetry import PointSymmetryDiscovery
from symdyn.discovery.symmetry import SymmetryDiscovery
from symdyn.regression.discovered import SymmetricFit
from symdyn.reporting import page
from symdyn.reporting.describe import fields, fit, function, quantities, search

__all__ = ["report"]

_PACKAGES = ("symdyn-workbench", "numpy", "scipy", "xarray", "pysindy", "scikit-learn", "matplotlib")


class _Told(NamedTuple):
    """What the page of a result says: its title, tables by name, sentences, and figures drawn into a folder."""

    title: str
    groups: dict[str, xr.Dataset]
    findings: list[str]
    draw: Callable[[Path], Sequence[page.Picture]]


def report(
    results: Any,
    out: str | Path,
    *,
    title: str | None = None,
    data: Any = None,
    findings: Sequence[str] = (),
    figures: Sequence[page.Picture] = (),
    warnings: Sequence[tuple[str, int]] = (),
) -> Path:
    """Write an HTML page of a result: what was found, tables, figures, versions, in one file without links.

    Parameters
    ----------
    results : search, FunctionSymmetry, SymmetricFit, xr.Dataset of conserved quantities, or groups
        A search must be fitted. Groups are a dict of str to xr.Dataset, or an xr.DataTree, as in the `results.nc` of a
        run: `symmetry` (the verdicts), `law`, `validation`, `provenance`; absent ones are omitted, others are shown as
        tables.
    out : path
        The HTML file, or a folder that gets a `report.html`.
    title : str, optional
    data : xr.Dataset or path, optional
        The data that were searched, to be drawn as well.
    findings : sequence of str
        For groups: sentences at the top of the page. Results have their own sentences, which come first.
    figures : sequence of (path, caption)
        Pictures, inlined in this order, after those of the result.
    warnings : sequence of (str, int)
        Each warning with the number of times that it was given.

    Returns
    -------
    Path of the page.

    Raises
    ------
    TypeError
        For anything else; the message names the objects that have a page.
    ValueError
        If there is nothing to report.
    NotFittedError
        For a search before its `fit`.

    Examples
    --------
    >>> import symdyn as sd
    >>> x, t = sd.systems.hopf(noise=0.05, rng=0)
    >>> search = sd.SymmetryDiscovery(sd.candidates.gl(2), sd.features.Polynomial(3)).fit(x, t)
    >>> sd.report(search, "hopf.html", title="A Hopf oscillator").name
    'hopf.html'
    """
    if isinstance(results, Mapping | xr.DataTree) and not isinstance(results, xr.Dataset):
        told = {"findings": findings, "figures": figures, "warnings": warnings}
        return page.report(results, out, title=title or "symdyn run", **told)
    told = _told(results, data)
    groups, said = {name: _whole(table) for name, table in told.groups.items()}, [*told.findings, *findings]
    groups["provenance"] = _provenance()
    with tempfile.TemporaryDirectory() as folder:
        drawn = [*told.draw(Path(folder)), *figures]
        return page.report(groups, out, title=title or told.title, findings=said, figures=drawn, warnings=warnings)


def _told(result: Any, data: Any) -> _Told:
    dataset = None if data is None else open_trajectories(data)
    if isinstance(result, SymmetryDiscovery | PointSymmetryDiscovery):
        check_is_fitted(result, "verdicts_")
    if isinstance(result, SymmetryDiscovery):
        tables, said = search.groups(result, None), search.findings(result, None)
        return _Told("Symmetries of trajectories", tables, said, lambda folder: search.draw(folder, dataset, result))
    if isinstance(result, PointSymmetryDiscovery):
        tables, said = fields.groups(result, result.equation_), fields.findings(result, None)
        return _Told("Point symmetries of fields", tables, said, lambda folder: fields.draw(folder, dataset, result))
    if isinstance(result, FunctionSymmetry):
        tables, said = function.groups(result), function.findings(result)
        return _Told("Symmetries at points", tables, said, lambda folder: function.draw(folder, result))
    if isinstance(result, SymmetricFit):
        tables, said = fit.groups(result, None, (), result.law), fit.findings(result, result.law)
        tables["law"] = tables["law"].assign_attrs(caption="The fitted law.")  # of a job it is in a file
        return _Told(
            "A law inside a symmetry", tables, said, lambda folder: fit.draw(folder, result, None, (), result.law)
        )
    if isinstance(result, xr.Dataset) and "quantity" in result.dims and "verdict" in result:
        tables, said = quantities.groups(result), quantities.findings(result)
        return _Told("Conserved quantities", tables, said, lambda folder: quantities.draw(folder, result))
    raise TypeError(
        f"there is no page of a {type(result).__name__}: give a fitted search, the result of discover_function, "
        "conserved_quantities or discover_then_fit, or a dict of Datasets"
    )


def _whole(table: xr.Dataset) -> xr.Dataset:
    """Let a page show all rows of a table: there is no file of results beside it that holds the others."""
    return table.assign_attrs(n_shown=max(table.sizes.values(), default=0))


def _provenance() -> xr.Dataset:
    """Tell when the page was written, and by which versions."""
    attrs = {"written": datetime.now(UTC).isoformat(timespec="seconds"), "python": platform.python_version()}
    attrs |= {name.replace("-", "_"): _version(name) for name in _PACKAGES}
    return xr.Dataset({"seconds": ("stage", [])}, coords={"stage": []}, attrs=attrs)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
