"""How searches show what they found: tables of verdicts in notebooks, one sentence in text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from symdyn.functions.display import html_table, shortened
from symdyn.show import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ShowsVerdicts", "counted", "search_html", "verdict_html"]

_ROWS = 12
_HEADER = ("violation", "95 % bound", "verdict")


class ShowsVerdicts:
    """Of an estimator with `verdicts_`: what it found is shown as a table, a drawing and a page.

    A notebook shows the verdicts once it is fitted, before that its parameters.

    scikit-learn offers notebooks a bundle, which goes before `_repr_html_`; whether there is HTML in it is the user's
    choice (`sklearn.set_config(display=...)`).
    """

    def _repr_html_inner(self) -> str:
        return search_html(self) if _is_fitted(self) else super()._repr_html_inner()  # type: ignore[misc]

    def _repr_mimebundle_(self, **options) -> dict[str, str]:
        bundle = super()._repr_mimebundle_(**options)  # type: ignore[misc]
        return bundle | {"text/html": search_html(self)} if "text/html" in bundle and _is_fitted(self) else bundle

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the violation of each generator and element with its 95 % upper bound, coloured by verdict.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            By default a new figure.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        NotFittedError
            Before `fit`.

        Examples
        --------
        >>> import symdyn as sd
        >>> x, t = sd.systems.hopf(noise=0.05, rng=0)
        >>> search = sd.SymmetryDiscovery("gl", "polynomial:3").fit(x, t)
        >>> search.plot().get_xlabel()
        'violation (dot) and its 95 % upper bound (end of the bar)'
        """
        return show("plot_search", self, ax)

    def report(self, path: str | Path, *, title: str | None = None, data: xr.Dataset | None = None) -> Path:
        """Write an HTML page: verdicts, law, figures and versions, in one file without links.

        Parameters
        ----------
        path : path
            The file, or a folder in which `report.html` is written.
        title : str, optional
        data : xr.Dataset or path, optional
            The data that were searched, to be drawn as well.

        Returns
        -------
        Path of the page.

        Raises
        ------
        NotFittedError
            Before `fit`.

        Examples
        --------
        >>> import symdyn as sd
        >>> x, t = sd.systems.hopf(noise=0.05, rng=0)
        >>> search = sd.SymmetryDiscovery("gl", "polynomial:3").fit(x, t)
        >>> search.report("hopf.html", title="A Hopf oscillator").name
        'hopf.html'
        """
        return show("report", self, path, title=title, data=data)


def search_html(search: Any) -> str:
    """Write what a search found as HTML: its law, tables of generators and elements, and notes."""
    algebra, elements = search.algebra_, getattr(search, "element_verdicts_", None)
    equations = search.law_.texts() if hasattr(getattr(search, "law_", None), "texts") else []
    parts = [f"<p>law: {escape(shortened('; '.join(equations)))}</p>"] if equations else []
    if search.verdicts_.sizes["generator"]:
        parts.append(verdict_html(search.verdicts_, f"{type(search).__name__}: {algebra.title}", "generator"))
    if elements is not None:
        parts.append(verdict_html(elements, f"{type(search).__name__}: finite elements", "element"))
    notes = "".join(f"<li>{escape(note)}</li>" for note in search.notes_)
    return "\n".join([*parts, *([f"<ul>{notes}</ul>"] if notes else [])])


def verdict_html(verdicts: xr.Dataset, caption: str, over: str) -> str:
    """Write verdicts over generators or elements as a table, in the order of `summary`."""
    order = np.arange(verdicts.sizes[over])
    if over == "element":
        order = np.argsort(np.nan_to_num(verdicts.upper_bound.values, nan=np.inf), kind="stable")
    texts, said = verdicts[over].values, verdicts.verdict.values
    numbers = [verdicts[name].values for name in ("violation", "upper_bound")]
    rows = [
        (shortened(texts[k]), *(_number(column[k]) for column in numbers), _verdict(verdicts, k)) for k in order[:_ROWS]
    ]
    return html_table(caption, (over, *_HEADER), rows, len(said) - _ROWS)


def counted(verdicts: Sequence[str] | np.ndarray) -> str:
    """Count verdicts, such as `3 symmetric, 6 broken`."""
    counts = Counter(map(str, verdicts))
    said = [f"{counts[word]} {word}" for word in ("symmetric", "broken", "undetermined") if counts[word]]
    return ", ".join(said) or "not asked for"


def _is_fitted(search: Any) -> bool:
    return hasattr(search, "verdicts_")


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.2g}"


def _verdict(verdicts: xr.Dataset, k: int) -> str:
    """Write a verdict, with what is to be said beside it."""
    said = str(verdicts.verdict.values[k])
    flags = {"trivial": "trivial", "approximate": "exact_rejected"}
    notes = [
        note for note, name in flags.items() if said == "symmetric" and name in verdicts and verdicts[name].values[k]
    ]
    return f"{said} ({', '.join(notes)})" if notes else said
