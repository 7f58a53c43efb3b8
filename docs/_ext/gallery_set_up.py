"""The gallery: its order, and how a page starts."""

import warnings
from pathlib import Path

import matplotlib as mpl
from cycler import cycler

from symdyn.reporting.style import ACCENT, GREY, INK, SECOND

STORY = (
    "plot_planets",
    "plot_own_csv",
    "plot_hopf",
    "plot_measured",
    "plot_duffing",
    "plot_lorenz",
    "plot_two_body",
    "plot_lorentz",
    "plot_sphere",
    "plot_burgers",
    "plot_sea_surface",
    "plot_subspace",
    "plot_promotion",
    "plot_network",
    "plot_operator",
    "plot_worth",
)


class StoryOrder:
    """Sort pages as `STORY` names the beginnings of their files; others follow by name."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, filename: str) -> tuple[int, str]:
        """Return the key of a page."""
        name = Path(filename).stem
        place = next((k for k, start in enumerate(STORY) if name.startswith(start)), len(STORY))
        return place, name

    def __repr__(self) -> str:
        return f"<StoryOrder {STORY}>"  # part of the cache key of Sphinx


def start_page(gallery_conf: dict, filename: str) -> None:
    """Give figures the colours of the reports, and let warnings of other packages pass in silence."""
    mpl.rcdefaults()
    mpl.use("agg")
    mpl.rcParams.update(
        {
            "axes.prop_cycle": cycler(color=[ACCENT, SECOND, GREY, INK]),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": GREY,
            "axes.labelcolor": INK,
            "axes.titlecolor": INK,
            "axes.titlesize": 11,
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "font.size": 9,
            "figure.figsize": (7, 3.6),
            "figure.dpi": 120,
            "figure.constrained_layout.use": True,
            "legend.frameon": False,
            "savefig.dpi": 120,
        }
    )
    warnings.filterwarnings("ignore", category=FutureWarning, module="sklearn|pysindy")
