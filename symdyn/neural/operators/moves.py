"""Fields on periodic grids moved by elements of a symmetry, for augmentation and for tests on moved data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from symdyn.functions.monomials import polynomial_exponents
from symdyn.lie.vectorfields import Generators
from symdyn.neural.autograd import full_precision
from symdyn.neural.checks import chosen_device
from symdyn.neural.resampling import shifted
from symdyn.neural.training.batches import there

__all__ = ["AugmentedPairs", "MovedPenalty", "Mover", "quarter_turned"]

_SPREAD = 0.3  # of amounts that no angle bounds: by e^0.3 for a scaling


class Mover:
    """exp(sum_k a_k v_k) and quarter turns, on fields at a time.

    Parameters
    ----------
    generators : Generators
        On (t, x[, y], fields): values affinely, by amounts that may depend on time, and space by amounts that depend on
        time alone. Others are omitted, see `kept`.
    turn : ndarray `(field, field)`, optional
        The action of y ∂x − x ∂y on the values; None: no quarter turns.
    periods : sequence of float
        Periods of the axes.
    strengths : sequence of float, optional
        Standard deviation of the amount of each generator that is kept; by default 0.3, and any angle for rotations.
    """

    def __init__(
        self,
        generators: Generators,
        turn: np.ndarray | None,
        periods: Sequence[float],
        strengths: Sequence[float] | None = None,
    ):
        n_axes = len(periods)
        self.kept = np.array([_is_affine(one, n_axes) for one in generators.coefficients], dtype=bool)
        self.generators = generators.combine(np.eye(len(generators))[self.kept])
        self.periods, self.turn = tuple(periods), turn
        spreads, self.bounded = _spreads(self.generators, n_axes)
        self.spreads = spreads if strengths is None else np.asarray(strengths, dtype=float)

    @property
    def moves(self) -> bool:
        """Whether there is anything to move by."""
        return len(self.generators) > 0 or self.turn is not None

    def draw(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw amounts `(count, generator)`, all angles of rotations alike, and numbers of quarter turns `(count,)`."""
        normal = self.spreads * rng.standard_normal((count, len(self.generators)))
        uniform = self.spreads * rng.uniform(-np.pi, np.pi, (count, len(self.generators)))
        turns = rng.integers(4, size=count) if self.turn is not None else np.zeros(count, dtype=int)
        return np.where(self.bounded, uniform, normal), turns

    @full_precision
    def __call__(self, u: Tensor, time: float, amounts: np.ndarray, turns: np.ndarray) -> Tensor:
        """Move fields `(batch, field, *grid)`, each by its own amounts and turns."""
        moved = self._along(u, time, amounts) if len(self.generators) else u
        if self.turn is None or not np.any(turns % 4):
            return moved
        parts = [quarter_turned(one, int(k), self.turn) for one, k in zip(moved, turns, strict=True)]
        return torch.stack(parts)

    def _along(self, u: Tensor, time: float, amounts: np.ndarray) -> Tensor:
        n_axes, n = len(self.periods), u.shape[1]
        point = np.zeros((1, len(self.generators.states)))
        point[0, 0] = time
        still = self.generators.values(point)[0]  # (state, generator)
        slopes = self.generators.jacobians(point)[0][1 + n_axes :, 1 + n_axes :]
        wide = np.zeros((len(u), n + 1, n + 1))
        wide[:, :n, :n] = np.einsum("oik,bk->boi", slopes, amounts)
        wide[:, :n, n] = amounts @ still[1 + n_axes :].T
        maps = torch.linalg.matrix_exp(torch.from_numpy(wide)).to(u)
        moved = torch.einsum("boi,bi...->bo...", maps[:, :n, :n], u)
        moved = moved + maps[:, :n, n].reshape(len(u), n, *[1] * n_axes)
        for axis, period in enumerate(self.periods):
            shift = amounts @ still[1 + axis]
            if np.any(shift):
                along = torch.from_numpy(shift).reshape(-1, *[1] * (1 + n_axes))
                moved = shifted(moved, along, period, 2 + axis)
        return moved


class AugmentedPairs:
    """Pairs of fields moved by random elements, the same for input and target; every epoch draws others.

    Parameters
    ----------
    pairs : iterable of (u, target)
        Such as `OperatorPairs`, whose `set_epoch` is passed on.
    mover : Mover
    times : (float, float)
        Of inputs and targets.
    seed : int
    device : str
        Where fields are moved along the group.
    """

    def __init__(
        self,
        pairs: Iterable,
        mover: Mover,
        times: tuple[float, float],
        seed: int = 0,
        device: torch.device | str = "cpu",
    ):
        self.device = chosen_device(device)
        self.pairs, self.mover, self.times, self.seed, self.epoch = pairs, mover, times, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose order and elements of an epoch."""
        self.epoch = epoch
        if hasattr(self.pairs, "set_epoch"):
            self.pairs.set_epoch(epoch)  # type: ignore[attr-defined]

    def __len__(self) -> int:
        return len(self.pairs)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        rng = np.random.default_rng([self.seed, self.epoch, 1])
        for one, other in self.pairs:
            u, target = (there(part, self.device, part.dtype) for part in (one, other))
            amounts, turns = self.mover.draw(len(u), rng)
            before, after = self.times
            yield self.mover(u, before, amounts, turns), self.mover(target, after, amounts, turns)


class MovedPenalty:
    """A penalty evaluated at inputs that are first moved by random elements of the group, where no target is needed.

    A penalty evaluated only at the data says little about the states that a long rollout reaches.

    Parameters
    ----------
    penalty : LieDerivativePenalty
        Its random numbers also draw the elements.
    mover : Mover
    time : float
        The time of the inputs.
    """

    def __init__(self, penalty, mover: Mover, time: float = 0.0):
        self.penalty, self.mover, self.time = penalty, mover, time

    def to(self, device: torch.device | str) -> MovedPenalty:
        """Move what the penalty keeps to a device."""
        self.penalty.to(device)
        return self

    @property
    def random(self) -> torch.Generator:
        """The generator of all random numbers."""
        return self.penalty.random

    def __call__(self, module, u: Tensor) -> Tensor:
        """Compute the penalty of a network on fields `(batch, field, *grid)`, a scalar."""
        seed = int(torch.randint(2**31, (), generator=self.random))
        amounts, turns = self.mover.draw(len(u), np.random.default_rng(seed))
        return self.penalty(module, self.mover(u, self.time, amounts, turns))

    def value_and_penalty(self, module, u: Tensor) -> tuple[Tensor, Tensor]:
        """Compute module(u) and the penalty."""
        return module(u), self(module, u)

    def violations(self, module, u: Tensor) -> Tensor:
        """Measure the violation of each generator, where the data lie."""
        return self.penalty.violations(module, u)


def quarter_turned(u: Tensor, count: int, turn: np.ndarray) -> Tensor:
    """Rotate fields `(field, x, y)` by quarter turns along y ∂x − x ∂y, about the middle of the grid.

    Raises
    ------
    ValueError
        For grids that are not square.
    """
    if u.shape[-1] != u.shape[-2]:
        raise ValueError(f"quarter turns need a square grid, got {tuple(u.shape[-2:])}")
    matrix = torch.linalg.matrix_exp(torch.as_tensor(turn) * (count * np.pi / 2)).to(u)
    return torch.einsum("oi,ixy->oxy", matrix, torch.rot90(u, -count, (1, 2)))


def _is_affine(coefficients: np.ndarray, n_axes: int) -> bool:
    """Check that a generator `(state, feature)` moves values affinely, and space by amounts depending on time alone."""
    n_states = len(coefficients)
    degree = next(d for d in range(20) if len(polynomial_exponents(n_states, d)) == coefficients.shape[1])
    exponents = polynomial_exponents(n_states, degree)
    in_x, in_u = exponents[:, 1 : 1 + n_axes].sum(1), exponents[:, 1 + n_axes :].sum(1)
    space, values = coefficients[1 : 1 + n_axes], coefficients[1 + n_axes :]
    bent = np.abs(space[:, in_u > 0]).max(initial=0.0) + np.abs(values[:, in_u > 1]).max(initial=0.0)
    return bent + np.abs(coefficients[:, in_x > 0]).max(initial=0.0) + np.abs(coefficients[0]).max(initial=0.0) == 0


def _spreads(generators: Generators, n_axes: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the units of amounts `(generator,)`, and which of them are angles: all eigenvalues imaginary."""
    linear = generators.coefficients[:, 1 + n_axes :, 2 + n_axes : 1 + len(generators.states)]
    spreads, bounded = np.full(len(generators), _SPREAD), np.zeros(len(generators), dtype=bool)
    for k, matrix in enumerate(linear):
        values = np.linalg.eigvals(matrix) if matrix.size else np.zeros(0)
        rate = np.abs(values.imag).max(initial=0.0)
        shifts = generators.coefficients[k, 1:, 0].any()
        if rate > 0 and np.abs(values.real).max() < 1e-9 * rate and not shifts:
            spreads[k], bounded[k] = 1 / rate, True
    return spreads, bounded
