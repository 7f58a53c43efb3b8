"""What all tests share."""

import numpy as np
import pytest

from symdyn.systems import kepler


@pytest.fixture(autouse=True)
def _same_numbers_in_any_order(request):
    """Start the generator `RNG` of a module anew: which tests ran before, in this process, does not matter."""
    if hasattr(request.module, "RNG"):
        request.module.RNG = np.random.default_rng(0)


@pytest.fixture(scope="session")
def planar_orbits():
    """Kepler orbits turned into one plane, so that z and vz are 0 throughout."""
    dataset = kepler(10, rng=0)
    position, velocity = (np.stack([dataset[n].values for n in names], -1) for names in ("xyz", ("vx", "vy", "vz")))
    first = position[:, 0] / np.linalg.norm(position[:, 0], axis=-1, keepdims=True)
    normal = np.cross(position[:, 0], velocity[:, 0])
    second = np.cross(normal / np.linalg.norm(normal, axis=-1, keepdims=True), first)
    for names, vectors in (("xyz", position), (("vx", "vy", "vz"), velocity)):
        moved = [np.einsum("btj,bj->bt", vectors, axis) for axis in (first, second, 0 * first)]
        for name, values in zip(names, moved, strict=True):
            dataset[name].values[:] = values
    return dataset
