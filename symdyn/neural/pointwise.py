"""Linear maps and nonlinearities that act at each point of a field, and commute with representations.

Channels are laid out as (s, m, v): part of space, copy, component of the values; see `symdyn.neural.multipliers`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from symdyn.neural.multipliers import balanced
from symdyn.neural.representations import Representation, equivariant_matrices, invariant_vectors
from symdyn.neural.spectral import Tabled

__all__ = ["EquivariantPointwise", "Gate", "Pointwise", "invariant_forms"]


class Pointwise(Tabled):
    """u(x) -> W u(x) + b, the plain one.

    Parameters
    ----------
    in_channels, out_channels : int
    """

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels) / math.sqrt(2 * in_channels))
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def matrices(self) -> tuple[Tensor, Tensor]:
        """W `(out, in)` and b `(out,)`."""
        return self.weight, self.bias

    def forward(self, u: Tensor) -> Tensor:
        """Fields `(batch, channel, *grid)`."""
        weight, bias = self.matrices()
        return (weight @ u.flatten(2) + bias[:, None]).unflatten(2, u.shape[2:])


class EquivariantPointwise(Pointwise):
    """u(x) -> W u(x) + b with W rep_in = rep_out W, and b invariant, for copies of both representations.

    Parameters
    ----------
    rep_in, rep_out : Representation
        Of one copy, parts of space times values.
    parts : tuple of int
        How many parts of space there are in each.
    copies : tuple of int
        How many copies there are of each.
    """

    basis: Tensor
    offsets: Tensor

    def __init__(self, rep_in: Representation, rep_out: Representation, parts: Sequence[int], copies: Sequence[int]):
        Tabled.__init__(self)
        allowed = equivariant_matrices(rep_in, rep_out)
        sizes = (parts[1], rep_out.dim // parts[1], parts[0], rep_in.dim // parts[0])
        basis = balanced(allowed.basis.T.reshape(allowed.dim, *allowed.shape)).reshape(allowed.dim, *sizes)
        offsets = invariant_vectors(rep_out).T
        offsets = offsets.reshape(len(offsets), *sizes[:2])
        weight = torch.randn(len(basis), copies[1], copies[0]) / math.sqrt(2 * copies[0] * rep_in.dim)
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(len(offsets), copies[1]))
        self.set_tables(basis=basis, offsets=offsets)

    def matrices(self) -> tuple[Tensor, Tensor]:
        """W `(out, in)` and b `(out,)`, in the spaces that the symmetry allows."""
        weight = torch.einsum("bmn,bsvtw->smvtnw", self.weight, self.basis)
        bias = torch.einsum("jm,jsv->smv", self.bias, self.offsets)
        return weight.flatten(3).flatten(0, 2), bias.flatten()


def invariant_forms(values: Representation) -> np.ndarray:
    """Symmetric P `(form, n, n)` with v^T P v invariant: A^T P + P A = 0 and g^T P g = P.

    Raises
    ------
    ValueError
        If there is none: scalings and most linear actions keep no length to gate by.
    """
    allowed = equivariant_matrices(values, values.dual)
    forms = allowed.basis.T.reshape(allowed.dim, *allowed.shape)
    _, sizes, rows = np.linalg.svd(
        (forms + forms.transpose(0, 2, 1)).reshape(len(forms), values.dim**2), full_matrices=False
    )
    kept = rows[sizes > 1e-9].reshape(np.count_nonzero(sizes > 1e-9), *allowed.shape)
    if not len(kept):
        raise ValueError(
            "values keep no quadratic form, so no nonlinearity of a norm commutes with them; use LieDerivativePenalty"
        )
    # The first nonzero entry positive, so that a length is a length.
    signs = np.sign([form.flat[np.flatnonzero(np.abs(form) > 1e-9)[0]] for form in kept])
    return kept * (signs * math.sqrt(values.dim))[:, None, None]


class Gate(Tabled):
    """Each piece of the channels times a smooth function of invariants; invariant pieces by GELU.

    Invariants are q / sqrt(1 + |q|) for q = sum_s u_s^T P u_s, one for each copy, piece and form P, and the pieces that
    are themselves invariant. Where the values are invariant and parts of space are permuted, this is plain GELU.

    Parameters
    ----------
    copies : int
    values : Representation
    pieces : sequence of int
        Into how many parts of space each piece goes; a space that is permuted is handled as one part, many times.
    permuted : int
        Number of permuted parts of space, 1 if none.

    Raises
    ------
    ValueError
        See `invariant_forms`.
    """

    forms: Tensor

    def __init__(self, copies: int, values: Representation, pieces: Sequence[int], permuted: int = 1):
        super().__init__()
        still = values.dim == 1 and not (np.any(values.generators) or np.any(values.elements != 1))
        self.pieces, self.n, self.copies, self.still, self.permuted = tuple(pieces), values.dim, copies, still, permuted
        normed = len(self.pieces) - still
        if not normed:
            return
        forms = invariant_forms(values)
        self.plain_length = len(forms) == 1 and np.allclose(forms[0], np.eye(values.dim), rtol=0, atol=1e-14)
        count = copies * (normed * len(forms) + still)
        self.weight = nn.Parameter(torch.randn(len(self.pieces) * copies, count) / math.sqrt(count))
        self.bias = nn.Parameter(torch.zeros(len(self.pieces) * copies))
        self.set_tables(forms=forms)

    def forward(self, u: Tensor) -> Tensor:
        """Fields `(batch, s * m * v, *grid)`."""
        if len(self.pieces) == 1 and self.still:
            return functional.gelu(u)
        x = u.reshape(len(u) * self.permuted, sum(self.pieces), self.copies, self.n, -1)
        parts = list(x.split(self.pieces, dim=1))
        known = [self._invariants(part) for part in parts[int(self.still) :]]
        if self.still:
            known.append(parts[0].flatten(1, 3))
        steering = (self.weight @ torch.cat(known, dim=1) + self.bias[:, None]).chunk(len(parts), dim=1)
        moved = [part * (2 * torch.sigmoid(gate))[:, None, :, None] for part, gate in zip(parts, steering, strict=True)]
        if self.still:
            moved[0] = functional.gelu(parts[0] + steering[0][:, None, :, None])
        return (moved[0] if len(moved) == 1 else torch.cat(moved, dim=1)).reshape(u.shape)

    def _invariants(self, part):
        """`(batch, form * copy, point)`."""
        if self.plain_length:
            forms = (part * part).sum(dim=(1, 3)).unsqueeze(1)
        else:
            forms = (torch.einsum("pvw,bsmwx->bpsmvx", self.forms, part) * part.unsqueeze(1)).sum(dim=(2, 4))
        return (forms * torch.rsqrt(1 + forms.abs())).flatten(1, 2)
