"""What `symdyn.show` calls for methods of results, by name."""

from symdyn.reporting.pages.result_page import report
from symdyn.reporting.plots.evidence_plot import plot_quantities, plot_search
from symdyn.reporting.plots.field_plot import plot_algebra
from symdyn.reporting.plots.fit_plot import plot_fit
from symdyn.reporting.plots.law_plot import plot_law

__all__ = ["plot_algebra", "plot_fit", "plot_law", "plot_quantities", "plot_search", "report"]
