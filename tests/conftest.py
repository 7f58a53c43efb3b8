"""What all tests share."""

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _same_numbers_in_any_order(request):
    """Start the generator `RNG` of a module anew: which tests ran before, in this process, does not matter."""
    if hasattr(request.module, "RNG"):
        request.module.RNG = np.random.default_rng(0)
