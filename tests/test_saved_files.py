"""Files that 0.1.0 wrote open, and hold the same numbers."""

from pathlib import Path

import numpy as np
import pytest

import symdyn as sd
from symdyn.regression import FittedLaw
from symdyn.sums.store import load_moments

FILES = Path(__file__).parent / "files_0_1_0"


@pytest.fixture(scope="module")
def expected():
    with np.load(FILES / "expected.npz") as stored:
        return dict(stored)


def test_an_algebra_opens_as_it_was_found_and_as_it_was_made_exact(expected):
    algebra, found = (sd.LieAlgebra.load(FILES / name) for name in ("algebra.nc", "found.nc"))
    assert algebra.name == "so(2)" and algebra.exact.all() and not found.exact.any()
    np.testing.assert_array_equal(algebra.matrices, expected["matrices"])
    np.testing.assert_allclose(algebra.errors, expected["errors"], rtol=1e-12)
    np.testing.assert_array_equal(found.basis.vectors(), expected["found"])


def test_a_law_opens_and_is_solved():
    law = FittedLaw.load(FILES / "law.nc")
    assert law.kind == "flow" and law.equations()[0] == "0.498 x0 − 1.3 x1 − 0.995 x0^3 − 0.995 x0 x1^2"
    end = law.simulate([0.5, 0.0], np.linspace(0, 20, 50))[-1]
    assert np.linalg.norm(end) == pytest.approx(np.sqrt(0.498 / 0.995), rel=1e-2)


def test_sums_open_and_are_fitted(expected):
    sums = load_moments(FILES / "moments.nc")
    np.testing.assert_allclose(sums.products.sum(axis=0), expected["products"], rtol=1e-12)
    np.testing.assert_array_equal(sums.points[::20], expected["points"])


def test_networks_open_with_their_weights(expected):
    torch = pytest.importorskip("torch")
    from symdyn.neural import load_module

    u = torch.linspace(-1, 1, 2 * 16).reshape(1, 2, 16)
    v = torch.linspace(-1, 1, 6).reshape(3, 2)
    for name, given in (("fno", u), ("mlp", v)):
        values = load_module(FILES / f"{name}.safetensors")(given).detach().numpy()
        np.testing.assert_allclose(values, expected[name], rtol=1e-5, atol=1e-6)
