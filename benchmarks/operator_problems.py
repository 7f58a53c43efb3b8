"""The systems in the plane of `bench_operators.py`: pairs u(0), u(T), and the operators compared on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from symdyn.neural import EquivariantFNO, Representation
from symdyn.neural.fourier.gridgroup import plane_rotations
from symdyn.systems import field_equations, random_fields
from symdyn.systems.spectral import evolve_periodic

GRID, FINE, CHUNK = 32, 64, 64


@dataclass(frozen=True)
class Problem:
    """u(0) -> u(time) for Gaussian random starts on a periodic square, solved on 64 x 64 and kept on 32 x 32 points.

    `shares` are the standard deviations of the fields in starts that are not isotropic: their phase is not, either.
    """

    name: str
    viscosity: float
    period: float
    time: float
    amplitude: float
    modes: float
    shares: tuple[float, ...]
    potentials: dict[str, str] = field(default_factory=dict)
    elongation: float = 4.0
    step: float = 0.05

    def starts(self, n: int, kind: str, rng) -> np.ndarray:
        """Starts `(field, n, x, y)`: "isotropic", "along" x, or along an angle that is "turned" at random each time."""
        rng = np.random.default_rng(rng)
        count = len(self.shares)
        options: dict = {"modes": self.modes}
        if kind != "isotropic":
            angles = rng.uniform(0, 2 * np.pi, n) if kind == "turned" else np.zeros(n)
            options |= {"elongation": self.elongation, "direction": np.tile(angles, count)}
        drawn = random_fields(count * n, (FINE, FINE), rng=rng, **options).reshape(count, n, FINE, FINE)
        shares = np.ones(count) if kind == "isotropic" else np.array(self.shares)
        return self.amplitude * shares[:, None, None, None] * drawn

    def pairs(self, n: int, kind: str, rng) -> tuple[np.ndarray, np.ndarray]:
        """(u(0), u(time)) `(n, field, 32, 32)` in single precision."""
        starts = self.starts(n, kind, rng)
        equations = field_equations(self.name, viscosity=self.viscosity)
        options = {"largest_step": self.step, "potentials": self.potentials}
        parts = [
            evolve_periodic(equations, starts[:, i : i + CHUNK], [self.period] * 2, np.array([0, self.time]), **options)
            for i in range(0, n, CHUNK)
        ]
        ends = np.concatenate([part[1] for part in parts], axis=1)
        return tuple(np.moveaxis(coarse(values), 0, 1).astype(np.float32) for values in (starts, ends))


def coarse(values: np.ndarray) -> np.ndarray:
    """The Fourier series cut to |k| < 16, on 32 points along each of the last two axes."""
    half = GRID // 2
    waves = np.fft.rfft2(values)
    kept = np.zeros((*values.shape[:-2], GRID, half + 1), dtype=complex)
    kept[..., :half, :half], kept[..., 1 - half :, :half] = waves[..., :half, :half], waves[..., 1 - half :, :half]
    return np.fft.irfft2(kept, s=(GRID, GRID)) * (GRID / FINE) ** 2


PROBLEMS = {
    "vorticity": Problem("vorticity", 0.01, 2 * np.pi, 1.0, 1.0, 5, (1.0,), {"psi": "w"}),
    "lambda_omega": Problem("lambda_omega", 0.1, 16.0, 2.0, 0.7, 4, (1.0, 0.3)),
}


def cached(folder: Path, problem: Problem, n: int, kind: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`problem.pairs`, kept in a file so that the sizes and models of a run share them."""
    path = folder / f"{problem.name}-{kind}-{n}-{seed}.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        u, target = problem.pairs(n, kind, seed)
        part = path.with_suffix(".part.npz")
        np.savez(part, u=u, target=target)
        part.replace(path)
    with np.load(path) as found:
        return found["u"], found["target"]


def pseudoscalar() -> Representation:
    """One quarter turn leaves a vorticity as it is, each reflection changes its sign."""
    return Representation(np.zeros((0, 1, 1)), np.array([[[1.0]], [[-1.0]], [[-1.0]]]))


def constrained(name: str, *, width: int, modes: int, layers: int, rotations: bool = False) -> EquivariantFNO:
    """The operator whose weights keep the group: width is rounded to whole copies."""
    options: dict = {"modes": (modes, modes), "layers": layers}
    if rotations:
        values = None if name == "vorticity" else plane_rotations(2)
        unit = 3 if name == "vorticity" else 6
        return EquivariantFNO(values, space="rotations", copies=max(round(width / unit), 1), **options)
    if name == "vorticity":
        space = ("quarter_turns", "reflections")
        return EquivariantFNO(pseudoscalar(), space=space, joint=True, copies=max(width // 8, 1), **options)
    return EquivariantFNO(plane_rotations(2), space="quarter_turns", copies=max(width // 8, 1), **options)
