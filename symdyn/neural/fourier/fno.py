"""Fourier neural operators: the plain one, and one that keeps symmetries of channels and of space by its weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from symdyn.neural.checks import check_count
from symdyn.neural.fourier.gates import Gate
from symdyn.neural.fourier.gelu import gelu
from symdyn.neural.fourier.gridgroup import SPACES
from symdyn.neural.fourier.hidden import PermutedFeatures, SteeredFeatures
from symdyn.neural.fourier.pointwise import EquivariantPointwise, Pointwise
from symdyn.neural.fourier.spectral import DenseConvolution, check_field, checked_modes
from symdyn.neural.representations import Representation, as_representation, equivariant_matrices, trivial

__all__ = ["FNO", "EquivariantFNO"]


class _Operator(nn.Module):
    """lift, then u -> gate(spectral(u) + pointwise(u)) layer by layer (the last one without gate), then project."""

    modes: tuple[int, ...]
    in_channels: int
    lift: nn.Module
    spectral: nn.ModuleList
    pointwise: nn.ModuleList
    gates: nn.ModuleList
    project: nn.Module

    def forward(self, u: Tensor) -> Tensor:
        """Map fields `(batch, in_channels, *grid)`, periodic on their grid, to `(batch, out_channels, *grid)`."""
        check_field(u, self.in_channels, len(self.modes), next(self.parameters()).dtype)
        u = self.lift(u)
        for spectral, pointwise, gate in zip(self.spectral, self.pointwise, self.gates, strict=True):
            u = gate(spectral(u) + pointwise(u))
        return self.project(u)


class _Gelu(nn.Module):
    def forward(self, u: Tensor) -> Tensor:
        return gelu(u)


class FNO(_Operator):
    """Build the plain Fourier neural operator: it commutes with translations of a periodic grid and with nothing else.

    Parameters
    ----------
    in_channels, out_channels : int
    modes : sequence of int
        Modes |k_i| < m_i along each axis of space, one to three axes.
    width : int
        Channels of the hidden layers.
    layers : int

    Examples
    --------
    >>> import torch
    >>> from symdyn.neural import FNO
    >>> _ = torch.manual_seed(0)
    >>> operator, u = FNO(1, 1, modes=(8,), width=8, layers=2), torch.randn(1, 1, 32)
    >>> torch.allclose(operator(u.roll(5, -1)), operator(u).roll(5, -1), atol=1e-5)
    True
    >>> torch.allclose(operator(u.flip(-1)), operator(u).flip(-1), atol=1e-5)
    False
    >>> operator(torch.randn(1, 1, 128)).shape  # any grid
    torch.Size([1, 1, 128])
    """

    def __init__(self, in_channels: int, out_channels: int, *, modes: Sequence[int], width: int = 32, layers: int = 4):
        super().__init__()
        for name, count in (("in_channels", in_channels), ("out_channels", out_channels), ("width", width)):
            check_count(name, count)
        check_count("layers", layers)
        self.modes, self.in_channels, self.out_channels = checked_modes(modes), in_channels, out_channels
        self.width, self.layers = width, layers
        self.lift, self.project = Pointwise(in_channels, width), Pointwise(width, out_channels)
        self.spectral = nn.ModuleList(DenseConvolution(width, width, self.modes) for _ in range(layers))
        self.pointwise = nn.ModuleList(Pointwise(width, width) for _ in range(layers))
        self.gates = nn.ModuleList(_Gelu() if i + 1 < layers else nn.Identity() for i in range(layers))

    def config(self) -> dict[str, Any]:
        """Return what builds this module anew, ready for JSON."""
        names = ("in_channels", "out_channels", "width", "layers")
        return {"modes": list(self.modes)} | {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> FNO:
        """Build the module that `config` describes, with weights drawn anew."""
        return cls(**config)


class EquivariantFNO(_Operator):
    """Build a Fourier neural operator that commutes with translations, an action on channels, and an action on space.

    Translations are exact because the grid enters by Fourier multipliers alone. The action on channels, and quarter
    turns and reflections of the grid, are exact too: weights lie in the null space of the symmetry, before, during and
    after training. Rotations are exact where they map the grid to itself; for other angles they hold as far as kernels
    are narrower than the period (no other rotation maps a torus to itself), and the grid resolves what the
    nonlinearities make of the field.

    Parameters
    ----------
    values : LieAlgebra, Elements, Representation, array `(generator, n, n)`, a list of these, or None
        The action on the n channels at every point; None for invariant channels.
    modes : sequence of int
        Modes |k_i| < m_i along each axis of space, one to three axes.
    copies : int
        Copies of the hidden representation.
    in_channels, out_channels : int, optional
        Multiples of n: copies of the values one after the other; by default n (1 for invariant channels).
    space : {None, "quarter_turns", "reflections", "rotations"}, or ("quarter_turns", "reflections")
        The action on the grid.
    joint : bool
        False: values and space transform independently. True: they transform together, as for a vector field, whose
        components rotate with space; `values` then has one generator of so(d) for each plane (i, j), i < j (quarter
        turns and rotations), or one element for each quarter turn of a plane and each reflection of an axis, in that
        order.
    layers : int

    Raises
    ------
    ValueError
        For channels that are not copies of the values, actions that are not matrices, representations that do not match
        the space, and modes that differ between axes that are exchanged.

    Notes
    -----
    Hidden channels are functions on the finite group of the grid (Cohen and Welling, 2016; Helwig et al., 2023), or
    scalars and vectors (Weiler and Cesa, 2019), times the values.

    Examples
    --------
    >>> import torch
    >>> import symdyn as sd
    >>> from symdyn.neural import EquivariantFNO
    >>> _ = torch.manual_seed(0)
    >>> phase = sd.candidates.so(2)  # turns (u, v) at every point
    >>> operator = EquivariantFNO(phase, modes=(4, 4), copies=2, layers=2, space="quarter_turns")
    >>> u, quarter = torch.randn(1, 2, 16, 16), torch.tensor([[0.0, 1.0], [-1.0, 0.0]])
    >>> out = operator(torch.einsum("ij,bjxy->bixy", quarter, u))
    >>> torch.allclose(out, torch.einsum("ij,bjxy->bixy", quarter, operator(u)), atol=1e-5)
    True
    """

    def __init__(
        self,
        values=None,
        *,
        modes: Sequence[int],
        copies: int = 16,
        in_channels: int | None = None,
        out_channels: int | None = None,
        space: str | Sequence[str] | None = None,
        joint: bool = False,
        layers: int = 4,
    ):
        super().__init__()
        check_count("copies", copies)
        check_count("layers", layers)
        self.modes, self.copies, self.layers, self.joint = checked_modes(modes), copies, layers, bool(joint)
        self.space = _checked_space(space, self.modes, joint)
        self.values = trivial(1) if values is None else as_representation(values, name="values")
        self.in_channels = _copies_of(self.values, in_channels, "in_channels")
        self.out_channels = _copies_of(self.values, out_channels, "out_channels")
        self._build()

    def _build(self) -> None:
        kind = SteeredFeatures if "rotations" in self.space else PermutedFeatures
        plan = kind(self.values, self.space, self.joint, len(self.modes))
        n, parts, copies = self.values.dim, plan.parts, self.copies
        outer, hidden = plan.outer, plan.hidden
        self.width = copies * hidden.dim
        ends = self.in_channels // n, self.out_channels // n
        self.lift = EquivariantPointwise(outer, hidden, (1, parts), (ends[0], copies))
        self.project = EquivariantPointwise(hidden, outer, (parts, 1), (copies, ends[1]))
        commuting = equivariant_matrices(plan.inner, plan.inner)
        basis = commuting.basis.T.reshape(commuting.dim, *commuting.shape)
        convolutions = [plan.convolution(copies, self.modes, basis) for _ in range(self.layers)]
        self.spectral = nn.ModuleList(convolutions)
        same = (hidden, hidden, (parts, parts), (copies, copies))
        self.pointwise = nn.ModuleList(EquivariantPointwise(*same) for _ in range(self.layers))
        gates = [Gate(copies, plan.inner, plan.pieces, plan.permuted) for _ in range(self.layers - 1)]
        self.gates = nn.ModuleList([*gates, nn.Identity()])

    def forward(self, u: Tensor) -> Tensor:
        """Map fields `(batch, in_channels, *grid)`, periodic on their grid, to `(batch, out_channels, *grid)`.

        Raises
        ------
        ValueError
            For fields of another shape or dtype, and for grids that are not square where axes are exchanged.
        """
        if _exchanges(self.space) and len(set(u.shape[2:])) > 1:
            raise ValueError(
                f"the grid {tuple(u.shape[2:])} is not square: {' and '.join(self.space)} exchange its axes; resample "
                "the field to as many points along each"
            )
        return super().forward(u)

    def plain(self) -> FNO:
        """Build a plain operator of the same size: the same modes, layers and number of channels."""
        return FNO(self.in_channels, self.out_channels, modes=self.modes, width=self.width, layers=self.layers)

    def config(self) -> dict[str, Any]:
        """Return what builds this module anew, ready for JSON."""
        names = ("copies", "in_channels", "out_channels", "layers", "joint")
        plain = {name: getattr(self, name) for name in names}
        return {"values": self.values.config(), "modes": list(self.modes), "space": list(self.space)} | plain

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> EquivariantFNO:
        """Build the module that `config` describes, with weights drawn anew."""
        return cls(Representation.from_config(config["values"]), **{k: v for k, v in config.items() if k != "values"})


def _exchanges(space: Sequence[str]) -> bool:
    return "quarter_turns" in space or "rotations" in space


def _checked_space(
    space: str | list[str] | tuple[str, ...] | None, modes: Sequence[int], joint: bool
) -> tuple[str, ...]:
    names = () if space is None else tuple(space) if isinstance(space, list | tuple) else (space,)
    if any(name not in SPACES for name in names) or len(set(names)) < len(names):
        raise ValueError(f"space must be None or among {SPACES}, got {space!r}")
    if "rotations" in names and len(names) > 1:
        raise ValueError("space: rotations go with no other action on the grid; they contain the quarter turns")
    if joint and not names:
        raise ValueError("joint=True moves values together with space, and space is None")
    if _exchanges(names) and len(set(modes)) > 1:
        raise ValueError(f"modes {modes} must be equal on all axes: {' and '.join(names)} exchange them")
    return tuple(sorted(names, key=SPACES.index))


def _copies_of(values: Representation, channels: int | None, name: str) -> int:
    if channels is None:
        return values.dim
    check_count(name, channels)
    if channels % values.dim:
        raise ValueError(f"{name}={channels} is no multiple of the {values.dim} channels that values moves")
    return channels
