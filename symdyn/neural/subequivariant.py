"""Networks equivariant under rotations about one known direction only, such as that of gravity.

J. Han et al., Learning physical dynamics with subequivariant graph neural networks (NeurIPS 2022, arXiv 2210.06876).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.candidates import so
from symdyn.lie.constraints.stabiliser import stabiliser
from symdyn.neural.autograd import full_precision

__all__ = ["SubequivariantMLP"]

_times = full_precision(torch.matmul)


class SubequivariantMLP(nn.Module):
    """Map vectors and scalars to vectors and scalars, equivariantly under all orthogonal O with O g = g only.

    With the vectors Z and the direction g as rows of V = [Z; g],

        (M, s) = MLP(V V^T, h),        f(Z, h) = M V,

    so the network sees the vectors through inner products only, and its output vectors are combinations of the input
    vectors and g. Every continuous subequivariant function of the vectors can be approximated in this way.

    Parameters
    ----------
    vectors_in, vectors_out : int
        Number of vectors per sample.
    direction : sequence of float, `(dim,)`
        g. Only inner products with it enter, so its length sets their weight.
    scalars_in, scalars_out : int
        Number of rotation-invariant scalars per sample.
    hidden : sequence of int
        Widths of the hidden layers.
    activation : callable
        Builds the activation between layers.

    Raises
    ------
    ValueError
        For a direction of length 0 or in fewer than two dimensions, no input vectors, no output, and tensors whose
        shapes differ from these numbers.

    Examples
    --------
    >>> import torch
    >>> from symdyn.neural import SubequivariantMLP
    >>> _ = torch.manual_seed(0)
    >>> force = SubequivariantMLP(2, 1, direction=[0.0, 0.0, -1.0])  # gravity
    >>> force.symmetry
    LieAlgebra so(2) on (x0, x1, x2)
      x1 ∂x0 − x0 ∂x1
    >>> vectors = torch.randn(5, 2, 3)
    >>> about_z = torch.tensor([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    >>> torch.allclose(force(vectors @ about_z), force(vectors) @ about_z, atol=1e-5)
    True
    """

    direction: torch.Tensor
    _rows: torch.Tensor
    _columns: torch.Tensor

    def __init__(
        self,
        vectors_in: int,
        vectors_out: int,
        direction: Sequence[float],
        *,
        scalars_in: int = 0,
        scalars_out: int = 0,
        hidden: Sequence[int] = (64, 64),
        activation=nn.SiLU,
    ) -> None:
        super().__init__()
        axis = torch.as_tensor(direction, dtype=torch.get_default_dtype())
        if axis.ndim != 1 or len(axis) < 2 or not 0 < float(axis.norm()) < float("inf"):
            raise ValueError(f"direction must be a finite vector (dim,) other than 0, dim >= 2, got {direction!r}")
        if vectors_in < 1 or scalars_in < 0 or vectors_out < 0 or scalars_out < 0 or vectors_out + scalars_out < 1:
            raise ValueError(
                f"at least one vector in and one vector or scalar out are needed, got vectors_in={vectors_in}, "
                f"vectors_out={vectors_out}, scalars_in={scalars_in}, scalars_out={scalars_out}"
            )
        self.vectors_in, self.vectors_out = vectors_in, vectors_out
        self.scalars_in, self.scalars_out = scalars_in, scalars_out
        self.register_buffer("direction", axis)
        rows, columns = torch.triu_indices(vectors_in + 1, vectors_in + 1)[:, :-1]  # |g|^2 is a constant
        self.register_buffer("_rows", rows, persistent=False)
        self.register_buffer("_columns", columns, persistent=False)
        widths = [len(rows) + scalars_in, *hidden, vectors_out * (vectors_in + 1) + scalars_out]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), activation()]
        self.mlp = nn.Sequential(*layers[:-1])

    @property
    def symmetry(self) -> LieAlgebra:
        """The rotations that keep the direction (from three dimensions; in two, only a reflection does)."""
        return stabiliser(so(len(self.direction)), self.direction.double().cpu().numpy())

    def forward(self, vectors: torch.Tensor, scalars: torch.Tensor | None = None):
        """Return vectors out `(batch, vectors_out, dim)`, scalars out `(batch, scalars_out)`, or both as a pair.

        Parameters
        ----------
        vectors : Tensor, `(batch, vectors_in, dim)`
        scalars : Tensor, `(batch, scalars_in)`, optional
        """
        self._check(vectors, scalars)
        every = torch.cat([vectors, self.direction.expand(len(vectors), 1, -1)], dim=1)
        products = _times(every, every.mT)[:, self._rows, self._columns]
        seen = products if scalars is None else torch.cat([products, scalars], dim=1)
        values = self.mlp(seen)
        weights, numbers = values.split([values.shape[1] - self.scalars_out, self.scalars_out], dim=1)
        if not self.vectors_out:
            return numbers
        moved = _times(weights.reshape(len(vectors), self.vectors_out, self.vectors_in + 1), every)
        return (moved, numbers) if self.scalars_out else moved

    def _check(self, vectors: torch.Tensor, scalars: torch.Tensor | None) -> None:
        expected = (self.vectors_in, len(self.direction))
        if vectors.ndim != 3 or tuple(vectors.shape[1:]) != expected:
            raise ValueError(f"vectors must have shape (batch, {expected[0]}, {expected[1]}), got {vectors.shape}")
        if (scalars is None) != (self.scalars_in == 0):
            raise ValueError(f"this network takes {self.scalars_in} scalars a sample")
        if scalars is not None and tuple(scalars.shape) != (len(vectors), self.scalars_in):
            raise ValueError(f"scalars must have shape (batch, {self.scalars_in}), got {tuple(scalars.shape)}")
