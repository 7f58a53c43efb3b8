"""What a search costs with many candidates, and with many runs: CPU seconds and memory above Python after imports."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from measure import apart, row

import symdyn as sd
import symdyn.discovery.symmetry  # what it loads is in no row


def main() -> None:
    """Print the rows."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "states.npy"
        np.save(path, quadratic_states())
        _row("affine(12), degree 2, 12 states, 2e5 samples", affine_on_quadratic, path, (12.0, 300.0))
        np.save(path, bodies())
        _row("affine(10) on five planar bodies, unmasked", affine_on_bodies, path, (15.0, 500.0))
        seconds = [_search_seconds(path, n_runs) for n_runs in (10_000, 100)]
    print("     a search over 10,000 runs of 100: {:.2f} CPU s; over 100 runs of 10,000: {:.2f}".format(*seconds))


def _row(work: str, search, path: Path, target: tuple[float, float]) -> None:
    found, seconds, memory = apart(search, path)
    seconds_most, memory_most = target
    print("     " + found.partition("\n")[0])
    measured, most = f"{seconds:.1f} s, {memory:.0f} MB", f"<= {seconds_most:.0f} s, <= {memory_most:.0f} MB"
    row(work, measured, most, seconds <= seconds_most and memory <= memory_most)


def _search_seconds(path: Path, n_runs: int) -> float:
    np.save(path, many_runs(n_runs, 1_000_000 // n_runs))
    return apart(gl_on_runs, path)[1]


def affine_on_quadratic(path: Path) -> str:
    """Search all affine generators of twelve states of a quadratic law."""
    search = sd.SymmetryDiscovery(sd.candidates.affine(12), sd.features.Polynomial(2))
    return repr(search.fit(np.load(path), 0.01).algebra_)


def affine_on_bodies(path: Path) -> str:
    """Search all affine generators, with time scaling, of five planar bodies that attract each other."""
    candidates = sd.candidates.affine(10, time_scaling=True)
    search = sd.SymmetryDiscovery(candidates, PairForces(5, 2, (0, 1, 2, 3)), kind="second_order")
    return repr(search.fit(np.load(path), 0.01).algebra_)


def gl_on_runs(path: Path) -> str:
    """Search the linear generators of three states."""
    return repr(sd.SymmetryDiscovery("gl", "polynomial:3").fit(np.load(path), 0.02).algebra_)


def quadratic_states(n: int = 12, n_runs: int = 100, length: int = 2000, seed: int = 0) -> np.ndarray:
    """Simulate quadratic terms that keep the energy, friction and a force."""
    rng = np.random.default_rng(seed)
    terms = rng.standard_normal((n, n, n)) / n
    terms -= np.einsum("ijk->jik", terms)  # antisymmetric in the first two: x . f = 0
    friction, force = np.diag(rng.uniform(0.1, 0.5, n)), rng.standard_normal(n)

    def rates(x):
        return np.einsum("ijk,rj,rk->ri", terms, x, x, optimize=True) - x @ friction + force

    return _simulated(rates, rng.standard_normal((n_runs, n)), length, 0.01)


def many_runs(n_runs: int = 10_000, length: int = 100, seed: int = 0) -> np.ndarray:
    """Simulate many short runs of a Hopf oscillator that a third state follows."""

    def rates(x):
        radius = x[:, 0] ** 2 + x[:, 1] ** 2
        turned = np.stack([-x[:, 1], x[:, 0]], axis=1)
        planar = (1 - radius)[:, None] * x[:, :2] + 2 * turned
        return np.concatenate([planar, (radius - x[:, 2])[:, None]], axis=1)

    rng = np.random.default_rng(seed)
    states = _simulated(rates, rng.uniform(-1.2, 1.2, (n_runs, 3)), length, 0.02)
    return states + 0.01 * rng.standard_normal(states.shape)


def bodies(n: int = 5, n_runs: int = 60, length: int = 400, seed: int = 0) -> np.ndarray:
    """Simulate equal bodies in a plane that attract each other by r^-2, positions only."""
    rng = np.random.default_rng(seed)
    law = PairForces(n, 2, (3,))
    angles = 2 * np.pi * (np.arange(n) + rng.uniform(-0.15, 0.15, (n_runs, n))) / n
    radius = rng.uniform(2.0, 3.0, (n_runs, n))
    places = np.stack([radius * np.cos(angles), radius * np.sin(angles)], axis=2).reshape(n_runs, -1)
    speeds = rng.uniform(0.5, 0.9, (n_runs, n))
    moves = np.stack([-speeds * np.sin(angles), speeds * np.cos(angles)], axis=2).reshape(n_runs, -1)

    def rates(z):
        return np.concatenate([z[:, 2 * n :], law(z)], axis=1)

    return _simulated(rates, np.concatenate([places, moves], axis=1), length, 0.01)


def _simulated(rates, start: np.ndarray, length: int, step: float) -> np.ndarray:
    """Integrate all runs at once (Runge-Kutta, order 4), `(run, time, state)`."""
    states = np.empty((len(start), length, start.shape[1]))
    x = start
    for k in range(length):
        states[:, k] = x
        a = rates(x)
        b = rates(x + step / 2 * a)
        c = rates(x + step / 2 * b)
        x = x + step / 6 * (a + 2 * b + 2 * c + rates(x + step * c))
    return states


class PairForces(sd.features.Features):
    """Sums over bodies j of (q_j - q_i) |q_j - q_i|^-k for every body i, component and power k, as users write them."""

    def __init__(self, n: int, dimension: int, powers: tuple[int, ...]):
        self.n, self.dimension, self.powers = n, dimension, powers

    def __call__(self, points):
        gaps, distances = self._gaps(points)
        return np.concatenate([self._flat(np.sum(gaps * distances**-k, axis=2)) for k in self.powers], axis=1)

    def jacobian(self, points):
        gaps, distances = self._gaps(points)
        n, d = self.n, self.dimension
        found = np.zeros((len(points), len(self.powers), n, d, points.shape[1]))
        same = np.eye(n, dtype=bool)[:, :, None, None]
        for place, k in enumerate(self.powers):
            # (i, j, a, b): how the force of j on i, component a, follows component b of q_j - q_i
            outer = gaps[..., :, None] * gaps[..., None, :]
            slopes = distances[..., None] ** -k * (np.eye(d) - k * outer / distances[..., None] ** 2)
            slopes = np.where(same, 0.0, slopes)
            moved = slopes.transpose(0, 1, 3, 2, 4).copy()
            own = np.einsum("siajb->siab", moved)
            for i in range(n):
                moved[:, i, :, i] -= own[:, i]
            found[:, place, :, :, : n * d] = moved.reshape(len(points), n, d, n * d)
        return found.reshape(len(points), -1, points.shape[1])

    def names(self, states):
        return [f"pull on {states[i]}, power {-k}" for k in self.powers for i in range(self.n * self.dimension)]

    def families(self, states):
        return [f"power {-k}" for k in self.powers for _ in range(self.n * self.dimension)]

    def _gaps(self, points):
        places = np.asarray(points)[:, : self.n * self.dimension].reshape(len(points), self.n, self.dimension)
        gaps = places[:, None, :, :] - places[:, :, None, :]
        distances = np.linalg.norm(gaps, axis=3, keepdims=True)
        return gaps, np.where(distances == 0, 1.0, distances)  # of a body and itself: the gap is 0

    def _flat(self, values):
        return values.reshape(len(values), -1)


if __name__ == "__main__":
    main()
