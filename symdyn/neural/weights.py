"""Weights that live in the subspace a symmetry allows: W = Q theta, as a torch parametrization."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from symdyn.neural.autograd import full_precision
from symdyn.neural.representations import Representation, as_representation, equivariant_matrices, matched

__all__ = ["InSubspace", "block_types"]


class InSubspace(nn.Module):
    """Map theta `(dim,)` to W of the given shape with W rep_in = rep_out W.

    Blocks that transform alike share a basis. With B_k `(K, a, b)` orthonormal among the maps from one type of blocks
    to another, and i, j counting the blocks of these types,

        W[i a, j b] = sum_k theta[k, i, j] B_k[a, b],

    so neither the equations nor the basis grow with the number of copies. Bases are kept in float64 whatever the
    dtype of the module, and belong to its `state_dict`: numbers saved under one basis are not read under another.

    Parameters
    ----------
    rep_in, rep_out : see `as_representation`
    shape : tuple of int
        Of the weight, `n_out * n_in` numbers.
    columns : ndarray of int, `(n_in,)`, optional
        Which feature of rep_in each column of the weight is; in order if left out.

    Examples
    --------
    >>> import torch
    >>> import symdyn as sd
    >>> from symdyn.neural import InSubspace
    >>> turn = sd.LieAlgebra(sd.candidates.so(2)).matrices
    >>> weight = InSubspace(turn, turn, (2, 2))
    >>> weight.dim  # two numbers in place of four
    2
    >>> w, a = weight(torch.tensor([1.0, 2.0])).double(), torch.tensor(turn[0])
    >>> torch.allclose(w @ a, a @ w)
    True
    """

    def __init__(self, rep_in: Representation, rep_out: Representation, shape, columns=None):
        super().__init__()
        rep_in, rep_out = matched(as_representation(rep_in, name="rep_in"), as_representation(rep_out, name="rep_out"))
        self.shape = tuple(shape)
        if prod(self.shape) != rep_in.dim * rep_out.dim:
            raise ValueError(f"shape {self.shape} must hold {rep_out.dim} * {rep_in.dim} numbers")
        inputs, outputs = block_types(rep_in), block_types(rep_out)
        self._layout: list[list[tuple[int, ...]]] = []
        for i, (part_out, places_out) in enumerate(outputs):
            row = []
            for j, (part_in, places_in) in enumerate(inputs):
                basis = _orthonormal(part_in, part_out)
                self.register_buffer(f"basis_{i}_{j}", torch.from_numpy(basis))
                row.append((len(basis), len(places_out), len(places_in), part_out.dim, part_in.dim))
            self._layout.append(row)
        columns = np.arange(rep_in.dim) if columns is None else np.asarray(columns)
        self._register_order("rows", _positions(outputs))
        self._register_order("columns", _positions(inputs)[columns])

    @property
    def dim(self) -> int:
        """Number of free weights."""
        return sum(prod(sizes[:3]) for row in self._layout for sizes in row)

    @full_precision
    def forward(self, theta: Tensor) -> Tensor:
        """Return the weight, of the given shape, with free numbers theta `(dim,)`."""
        rows, start = [], 0
        for i, row in enumerate(self._layout):
            blocks = []
            for j, (k, m_out, m_in, a, b) in enumerate(row):
                part = theta[start : start + k * m_out * m_in].reshape(k, m_out, m_in)
                start += k * m_out * m_in
                basis = getattr(self, f"basis_{i}_{j}").to(theta.dtype)
                blocks.append(torch.einsum("kij,kab->iajb", part, basis).reshape(m_out * a, m_in * b))
            rows.append(torch.cat(blocks, dim=1) if len(blocks) > 1 else blocks[0])
        weight = torch.cat(rows) if len(rows) > 1 else rows[0]
        if self.rows is not None:
            weight = weight[self.rows]
        if self.columns is not None:
            weight = weight[:, self.columns]
        return weight.reshape(self.shape)

    def right_inverse(self, weight: Tensor) -> Tensor:
        """Return the free numbers of the allowed weight nearest to the given one."""
        matrix = weight.reshape(len(self._row_types()), -1)
        if self.rows is not None:
            matrix = matrix[torch.argsort(self.rows)]
        if self.columns is not None:
            matrix = matrix[:, torch.argsort(self.columns)]
        parts, top = [], 0
        for i, row in enumerate(self._layout):
            left, height = 0, row[0][1] * row[0][3]
            for j, (_, m_out, m_in, a, b) in enumerate(row):
                block = matrix[top : top + height, left : left + m_in * b].reshape(m_out, a, m_in, b)
                basis = getattr(self, f"basis_{i}_{j}").to(weight.dtype)
                parts.append(torch.einsum("iajb,kab->kij", block, basis).reshape(-1))
                left += m_in * b
            top += height
        return torch.cat(parts)

    def rescaled(self, weight: Tensor, sizes: Tensor) -> Tensor:
        """Scale each type of output blocks of an allowed weight to the norm that it has in `sizes`.

        A common factor of all blocks of a type commutes with the symmetry.
        """
        types = self._row_types().to(weight.device)
        scaled = weight.reshape(len(types), -1).clone()
        given = sizes.reshape(scaled.shape)
        for kind in range(len(self._layout)):
            rows = types == kind
            now = torch.linalg.vector_norm(scaled[rows])
            if now > 0:
                scaled[rows] *= torch.linalg.vector_norm(given[rows]) / now
        return scaled.reshape(self.shape)

    def _row_types(self) -> Tensor:
        types = torch.cat([torch.full((row[0][1] * row[0][3],), i) for i, row in enumerate(self._layout)])
        return types if self.rows is None else types[self.rows.cpu()]

    def _register_order(self, name: str, order: np.ndarray) -> None:
        in_order = np.array_equal(order, np.arange(len(order)))
        self.register_buffer(name, None if in_order else torch.from_numpy(order), persistent=False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        # A basis rounded to float32 would stay rounded after `.double()`.
        exact = {name: basis for name, basis in self.named_buffers() if name.startswith("basis")}
        super()._apply(fn, recurse)
        for name, basis in exact.items():
            moved = getattr(self, name)
            setattr(self, name, moved if moved.is_meta else basis.to(device=moved.device))
        return self


def block_types(representation: Representation) -> list[tuple[Representation, np.ndarray]]:
    """Sort blocks by type: how a block moves, and the features `(block, size)` that belong to blocks that move so."""
    found: dict[bytes, tuple[Representation, list[np.ndarray]]] = {}
    ends = np.cumsum(representation.blocks)
    for part, end in zip(representation.parts(), ends, strict=True):
        found.setdefault(part.key, (part, []))[1].append(np.arange(end - part.dim, end))
    return [(part, np.stack(places)) for part, places in found.values()]


def _orthonormal(part_in: Representation, part_out: Representation) -> np.ndarray:
    """Find an orthonormal basis `(K, a, b)` of the maps between two blocks."""
    basis = equivariant_matrices(part_in, part_out).basis
    basis = np.linalg.qr(basis)[0] if basis.shape[1] else basis
    return np.ascontiguousarray(basis.T).reshape(-1, part_out.dim, part_in.dim)


def _positions(types: Sequence[tuple[Representation, np.ndarray]]) -> np.ndarray:
    """Find where each feature stands once the types are put side by side."""
    order = np.concatenate([places.ravel() for _, places in types])
    return np.argsort(order)
