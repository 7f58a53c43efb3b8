"""Figures of fits show what the tables hold."""

import numpy as np
import xarray as xr

from symdyn.regression.holdout import Prediction
from symdyn.reporting import fits


def test_the_choice_is_marked_on_the_front():
    table = xr.Dataset(
        {
            "symmetry": ("model", np.array(["so(2)", "none", "none"], dtype=object)),
            "n_numbers": ("model", [0, 3, 8]),
            "held_out_error": ("model", [1.0, 0.0, 0.1]),
            "on_front": ("model", [True, True, False]),
        },
        attrs={"chosen": 1},
    )
    panel = fits.pareto_front(table).axes[0]
    by_label = {line.get_label(): line for line in panel.lines}
    assert set(by_label) == {"so(2)", "none", "front", "chosen"}
    assert by_label["chosen"].get_xdata() == [3] and len(by_label["front"].get_xdata()) == 2


def test_predictions_are_drawn_under_their_errors():
    times, true = np.arange(4.0), np.random.default_rng(0).standard_normal((4, 2))
    pair = (Prediction("a", times, true, true, 0.0), Prediction("a", times, np.full_like(true, np.nan), true, np.inf))
    figure = fits.left_out([pair, pair], ("x", "y"), ("law", "free"))
    assert figure.axes[0].get_title() == "a: 0 % | diverges"
    assert len(fits.left_out([pair], ("x",), ("law", "free")).axes) == 1
