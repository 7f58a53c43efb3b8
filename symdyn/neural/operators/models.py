"""Operators to compare on the same data: plain, with weights in the null space of a symmetry, penalised, augmented."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from symdyn.data.grids import FieldGrid
from symdyn.lie.vectorfields import Generators
from symdyn.neural.derivatives.penalty import LieDerivativePenalty
from symdyn.neural.fourier.fno import FNO, EquivariantFNO
from symdyn.neural.operators.moves import AugmentedPairs, MovedPenalty, Mover
from symdyn.neural.operators.parts import SymmetryParts
from symdyn.neural.operators.scale import FieldScale

__all__ = ["KINDS", "OperatorModel", "ScaledFields", "grid_spaces", "kinds_for", "operator_model"]


class _Kind(NamedTuple):
    """Whether a symmetry goes into the weights, into a penalty, into augmentation; what weights leave is asked for."""

    in_weights: bool = False
    asked: bool = True
    all_asked: bool = False
    augmented: bool = False


_KINDS = {
    "plain": _Kind(asked=False),
    "equivariant": _Kind(in_weights=True),
    "penalty": _Kind(all_asked=True),
    "augmented": _Kind(augmented=True),
}
KINDS = tuple(_KINDS)
_KNOWN = {"FNO": FNO, "EquivariantFNO": EquivariantFNO}


@dataclass(frozen=True, eq=False)
class OperatorModel:
    """An operator in units of the scale, and what its training needs besides the data.

    Parameters
    ----------
    module : FNO or EquivariantFNO
    penalty : LieDerivativePenalty or MovedPenalty, optional
    mover : Mover, optional
        Augmentation.
    """

    kind: str
    module: nn.Module
    penalty: LieDerivativePenalty | MovedPenalty | None = None
    mover: Mover | None = None

    def pairs(self, pairs: Iterable, time_step: float, seed: int, device: str = "cpu") -> Iterable:
        """Return the pairs to train with, moved along the group on a device."""
        return pairs if self.mover is None else AugmentedPairs(pairs, self.mover, (0.0, time_step), seed, device)


class ScaledFields(nn.Module):
    """Run a module in units of a scale, for fields in their own units: u -> undo(module(apply(u))).

    Examples
    --------
    >>> import torch
    >>> import symdyn as sd
    >>> from symdyn.neural import FNO, ScaledFields, field_scale
    >>> data = sd.systems.burgers(n_trajectories=2, n_points=64, n_times=20)
    >>> inner = FNO(1, 1, modes=(8,), width=8, layers=2)
    >>> operator = ScaledFields(inner, field_scale(data))  # u in its own units
    >>> operator(torch.as_tensor(data.u.values[:, :1], dtype=torch.float32)).shape
    torch.Size([2, 1, 64])
    """

    def __init__(self, module: nn.Module, scale: FieldScale):
        super().__init__()
        self.module, self.scale = module, scale

    def forward(self, u: Tensor) -> Tensor:
        """Map fields `(batch, field, *grid)` in their own units."""
        return self.scale.undo(self.module(self.scale.apply(u)))

    def config(self) -> dict[str, Any]:
        """Return what builds this module anew, ready for JSON."""
        kind = type(self.module).__name__
        if kind not in _KNOWN:
            raise ValueError(f"a {kind} has no config that could be saved: save its state_dict")
        scale = {name: np.asarray(getattr(self.scale, name)).tolist() for name in ("fields", "mean", "size")}
        return {"kind": kind, "module": self.module.config(), "scale": scale}  # type: ignore[operator]

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> ScaledFields:
        """Build the module that `config` describes, with weights drawn anew."""
        scale = config["scale"]
        units = FieldScale(tuple(scale["fields"]), np.array(scale["mean"]), np.array(scale["size"]))
        return cls(_KNOWN[config["kind"]].from_config(config["module"]), units)


def grid_spaces(parts: SymmetryParts, asked: Sequence[str] | None) -> tuple[str, ...]:
    """Name the actions on the grid of a constrained operator: as given, or quarter turns where a rotation was found."""
    if asked is not None:
        return tuple(asked)
    return () if parts.turn is None else ("quarter_turns",)


def kinds_for(parts: SymmetryParts, space: Sequence[str] | None = None) -> tuple[str, str]:
    """Name the two to compare: plain, and what keeps the symmetry by weights, or by a penalty where these hold nothing.

    Raises
    ------
    ValueError
        If neither could.
    """
    if grid_spaces(parts, space) or len(parts.values.generators):
        return ("plain", "equivariant")
    if not len(parts.follows):
        raise ValueError("the symmetry holds nothing that weights, a penalty or moved data could add on this grid")
    return ("plain", "penalty")


def operator_model(
    kind: str,
    parts: SymmetryParts,
    grid: FieldGrid,
    scale: FieldScale,
    *,
    modes: int = 8,
    width: int = 32,
    layers: int = 4,
    space: Sequence[str] | None = None,
    time_step: float = 1.0,
    seed: int = 0,
) -> OperatorModel:
    """Build an operator that maps the fields at one time to those a time step later.

    Parameters
    ----------
    kind : {"plain", "equivariant", "penalty", "augmented"}
        *equivariant*: the weights impose the part of the symmetry that they can, a penalty the rest; *penalty*: a plain
        operator with a penalty for the whole symmetry; *augmented*: a plain operator trained on randomly transformed
        data. Rotations of a periodic square are in weights and augmentation only, as quarter turns.
    parts : SymmetryParts
    grid : FieldGrid
    scale : FieldScale
        Units in which the module works; it must commute with `parts.action`.
    modes, width, layers : int
        Width is the number of hidden channels, rounded to the nearest that the symmetry allows; plain operators use the
        same number.
    space : sequence of str, optional
        See `grid_spaces` and `EquivariantFNO`.
    time_step : float
    seed : int
        Seed of the weights.

    Raises
    ------
    ValueError
        For an unknown kind, and for a kind that with this symmetry is the same as the plain operator.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.data.grids import field_grid
    >>> from symdyn.neural import field_scale, operator_model, symmetry_parts
    >>> data = sd.systems.lambda_omega(n_trajectories=2, n_points=16, n_times=5, length=1.0)
    >>> phase = sd.LieAlgebra(sd.candidates.so(2, states=("u", "v")))
    >>> parts = symmetry_parts(phase, field_grid(data))
    >>> scale, size = field_scale(data, parts.action), {"modes": 4, "width": 8, "layers": 2}
    >>> for kind in ("equivariant", "penalty"):
    ...     model = operator_model(kind, parts, field_grid(data), scale, **size)
    ...     print(type(model.module).__name__, type(model.penalty).__name__)
    EquivariantFNO NoneType
    FNO MovedPenalty
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    spaces = grid_spaces(parts, space)
    joint = parts.joint and bool({"quarter_turns", "rotations"} & set(spaces))
    use = _KINDS[kind]
    if use.in_weights and not (spaces or len(parts.values.generators)):
        raise ValueError("equivariant: weights can hold nothing of this symmetry; take penalty or augmented")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = _constrained(parts, spaces, joint, {"modes": (modes,) * len(grid.axes), "layers": layers}, width)
        module = module if use.in_weights else module.plain()
    # In units of the scale the affine parts of generators are others.
    follows, on_values = scale.moved(parts.follows), scale.moved(parts.on_values)
    if use.augmented:
        return OperatorModel(kind, module, mover=_mover(follows + on_values, parts.turn, grid))
    # Weights that hold values turning with space cannot hold what moves the values alone as well.
    asked = follows + on_values if use.all_asked or joint else follows
    if use.all_asked and not len(asked):
        raise ValueError("penalty: no generator that a penalty could ask for; rotations go to the weights")
    if not use.asked or not len(asked):
        return OperatorModel(kind, module)
    return OperatorModel(kind, module, _penalty(asked, grid, time_step, seed))


def _periods(grid: FieldGrid) -> list[float]:
    return [step * size for step, size in zip(grid.steps[1:], grid.shape[1:], strict=True)]


def _mover(generators: Generators, turn: np.ndarray | None, grid: FieldGrid) -> Mover:
    mover = Mover(generators, turn, _periods(grid))
    if not mover.moves:
        raise ValueError("augmented: nothing that could move periodic fields")
    return mover


def _constrained(
    parts: SymmetryParts, spaces: tuple[str, ...], joint: bool, shape: dict[str, int | tuple[int, ...]], width: int
) -> EquivariantFNO:
    n = parts.values.dim
    if joint:
        assert parts.turn is not None  # see `SymmetryParts.joint`
        values: Any = parts.turn[None]
    else:
        values = parts.values if len(parts.values.generators) else None
    options: Mapping[str, Any] = {**shape, "in_channels": n, "out_channels": n, "space": spaces or None, "joint": joint}
    unit = EquivariantFNO(values, copies=1, **options).width
    return EquivariantFNO(values, copies=max(round(width / unit), 1), **options)


def _penalty(
    generators: Generators, grid: FieldGrid, time_step: float, seed: int
) -> LieDerivativePenalty | MovedPenalty:
    """Build the penalty at inputs moved along the generators, as far as these move periodic fields."""
    box, few = dict(zip(grid.axes, _periods(grid), strict=True)), 1 if len(generators) > 1 else None
    penalty = LieDerivativePenalty(generators, space=box, times=(0.0, time_step), n_generators=few, rng=seed)
    mover = Mover(generators, None, _periods(grid))
    return MovedPenalty(penalty, mover) if mover.moves else penalty
