"""The link from an object to its plots and its page, which the object itself must not import.

Objects of low layers have methods `plot` and `report`. These call `show`, which loads `symdyn.reporting`, and with it
matplotlib, when it is first called: importing an object loads neither.
"""

from __future__ import annotations

from typing import Any

__all__ = ["show"]


def show(what: str, *arguments: Any, **options: Any) -> Any:
    """Call the function `what` of `symdyn.reporting.pages.shown`, and return what it returns.

    Parameters
    ----------
    what : str
        Its name, such as `"plot_search"` or `"report"`.
    """
    from symdyn.reporting.pages import shown

    return getattr(shown, what)(*arguments, **options)
