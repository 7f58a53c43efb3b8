"""`EquivariantMLP`: linear maps between representations, gates, and products of features.

Linear maps alone are not expressive: none maps a vector to its length. Each layer therefore also multiplies pairs of
features, u (x) w, which the next linear map turns into every bilinear invariant, vector or tensor that the symmetry
has (M. Finzi et al., ICML 2021, arXiv 2104.09459), and switches features by gates that do not change under the
symmetry (M. Weiler et al., NeurIPS 2018, arXiv 1807.02547).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from symdyn.neural.checks import check_tensor, counts
from symdyn.neural.constrained_module import constrain
from symdyn.neural.representations import Representation, as_representation, matched, trivial
from symdyn.neural.weights import block_types

__all__ = ["EquivariantMLP", "GatedLayer", "hidden_representation"]


class EquivariantMLP(nn.Module):
    """Build a network F whose weights ensure F(a(g) x) = b(g) F(x) for every generator and finite element.

    Parameters
    ----------
    rep_in, rep_out : see `as_representation`
        How inputs and outputs transform.
    hidden : sequence of int or Representation
        One per layer. A number of channels n stands for n invariant features and about n / 2 that transform like the
        inputs and outputs; see `hidden_representation`.

    Raises
    ------
    ValueError
        For actions that are not linear, representations of different symmetries, and hidden sizes below 1.

    Examples
    --------
    >>> import torch
    >>> import symdyn as sd
    >>> from symdyn.neural import EquivariantMLP, equivariance_error, trivial
    >>> _ = torch.manual_seed(0)
    >>> so3, x = sd.candidates.so(3), torch.randn(100, 3)
    >>> force, energy = EquivariantMLP(so3, so3, [16]), EquivariantMLP(so3, trivial(1), [16])
    >>> force(x).shape, energy(x).shape
    (torch.Size([100, 3]), torch.Size([100, 1]))
    >>> float(equivariance_error(force, x, so3).max()) < 1e-5  # not trained
    True
    """

    def __init__(self, rep_in, rep_out, hidden: Sequence[int | Representation] = (32, 32)):
        super().__init__()
        inputs, outputs = matched(as_representation(rep_in, name="rep_in"), as_representation(rep_out, name="rep_out"))
        self.rep_in, self.rep_out, self.hidden = inputs, outputs, counts("hidden", hidden)
        layers: list[nn.Module] = []
        current = inputs
        for width in self.hidden:
            wanted = width if isinstance(width, Representation) else hidden_representation(inputs, outputs, width)
            layers.append(GatedLayer(current, matched(wanted, inputs)[0]))
            current = layers[-1].rep_out
        self.layers = nn.Sequential(*layers)
        self.last = constrain(nn.Linear(current.dim, outputs.dim), current, outputs)
        self.n_in = inputs.dim

    def forward(self, x: Tensor) -> Tensor:
        """Map inputs `(..., n_in)` to outputs `(..., n_out)`."""
        check_tensor("x", x)
        if not x.ndim or x.shape[-1] != self.n_in:
            raise ValueError(f"inputs must have {self.n_in} features last, got shape {tuple(x.shape)}")
        dtype = next(self.parameters()).dtype
        if x.dtype != dtype:
            raise ValueError(f"x is {x.dtype}, the weights are {dtype}: convert one of them, such as module.double()")
        return self.last(self.layers(x))

    def config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this module, ready for JSON."""
        hidden = [width.config() if isinstance(width, Representation) else int(width) for width in self.hidden]
        return {"rep_in": self.rep_in.config(), "rep_out": self.rep_out.config(), "hidden": hidden}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> EquivariantMLP:
        """Build the module that `config` describes, with new random weights."""
        rep_in, rep_out = (Representation.from_config(config[name]) for name in ("rep_in", "rep_out"))
        hidden = [Representation.from_config(width) if isinstance(width, dict) else width for width in config["hidden"]]
        return cls(rep_in, rep_out, hidden)


class GatedLayer(nn.Module):
    """h -> (gated features, products of features) of W h.

    Features that are only permuted, or not moved at all, pass through SiLU; a block that moves otherwise is multiplied
    by the sigmoid of a gate that does not move. One pair of each type of blocks that move is multiplied, u (x) w, for
    every four of its copies.

    Parameters
    ----------
    rep_in, hidden : Representation

    Attributes
    ----------
    rep_out : Representation
        Of hidden and the products.
    """

    gate_of: Tensor
    pointwise: Tensor

    def __init__(self, rep_in: Representation, hidden: Representation):
        super().__init__()
        moving = [(part, places) for part, places in block_types(hidden) if not _is_permuted(part)]
        pairs = [(part, -(-len(places) // 4)) for part, places in moving]
        factors = [part.copies(2 * count) for part, count in pairs]
        gates = sum(len(places) for _, places in moving)
        before = reduce(add, factors, hidden) + trivial(gates)
        self.linear = constrain(nn.Linear(rep_in.dim, before.dim), rep_in, before)
        self.rep_out = reduce(add, [(part * part).copies(count) for part, count in pairs], hidden)
        self.sizes = [hidden.dim, *(factor.dim for factor in factors), gates]
        self.factors = [(count, part.dim) for part, count in pairs]
        # The gate of each feature; the last one, which is open, for those that pass through SiLU.
        gate_of = np.full(hidden.dim, gates)
        blocks = [block for _, places in moving for block in places]
        for gate, block in enumerate(blocks):
            gate_of[block] = gate
        self.register_buffer("gate_of", torch.from_numpy(gate_of), persistent=False)
        self.register_buffer("pointwise", torch.from_numpy(gate_of == gates), persistent=False)

    def forward(self, h: Tensor) -> Tensor:
        """Map features `(..., rep_in.dim)` to features `(..., rep_out.dim)`."""
        hidden, *factors, gates = self.linear(h).split(self.sizes, dim=-1)
        switches = torch.cat([gates.sigmoid(), torch.ones_like(hidden[..., :1])], dim=-1)
        outputs = [torch.where(self.pointwise, nn.functional.silu(hidden), hidden * switches[..., self.gate_of])]
        for factor, (count, size) in zip(factors, self.factors, strict=True):
            u, w = factor.unflatten(-1, (2, count, size)).unbind(-3)
            outputs.append((u[..., :, None] * w[..., None, :]).flatten(-3))
        return torch.cat(outputs, dim=-1)


def hidden_representation(rep_in: Representation, rep_out: Representation, width: int) -> Representation:
    """Build `width` features that nothing moves, and about `width / 2` in copies of each type of moving block.

    Raises
    ------
    ValueError
        For a width that is no whole number above 0.
    """
    if not (isinstance(width, int | np.integer) and width > 0):
        raise ValueError(f"hidden sizes must be whole numbers above 0 or Representations, got {width!r}")
    types = {part.key: part for part, _ in block_types(rep_in) + block_types(rep_out)}
    moving = [part for part in types.values() if not _is_still(part)]
    copies = [part.copies(max(2, width // (2 * part.dim))) for part in moving]
    return reduce(add, copies, matched(trivial(int(width)), rep_in)[0])


def _is_permuted(part: Representation) -> bool:
    return not np.any(part.generators) and bool(np.all(np.isin(part.elements, (0.0, 1.0))))


def _is_still(part: Representation) -> bool:
    return not np.any(part.generators) and np.allclose(part.elements, np.eye(part.dim))
