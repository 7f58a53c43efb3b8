"""`constrain`: the weights of a linear or convolution layer in the null space of a symmetry.

A layer x -> W x + b between representations a and b respects the symmetry if and only if W a(A) = b(A) W and b(A) b = 0
for generators, W a(g) = b(g) W and b(g) b = b for finite elements. A convolution has one such W per tap d of its
kernel; an element that also moves the grid by R requires W[R d] a(g) = b(g) W[d], which is the same equation with a(g)
(x) P(R) in place of a(g), P(R) the permutation of taps. The symmetry of a lattice stencil (Ortali et al., arXiv
2405.13850).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn
from torch.nn.utils import parametrize

from symdyn.lie.groups import Elements
from symdyn.neural.checks import numbers
from symdyn.neural.representations import Representation, as_representation, matched, trivial
from symdyn.neural.weights import InSubspace

__all__ = ["constrain", "stencil"]

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_Convolution = nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d
_Layer = nn.Linear | _Convolution


def constrain(module: nn.Module, rep_in, rep_out=None, *, space=None) -> nn.Module:
    """Make a linear or convolution layer equivariant, by a parametrization of its weight and bias.

    The weight is projected, and each type of output feature is scaled so that it keeps its variance; a weight that is
    already equivariant does not change. Assigning to `module.weight` projects, too.

    Parameters
    ----------
    module : Linear, Conv1d ... Conv3d, or ConvTranspose1d ... ConvTranspose3d
        Changed in place. Its state can be saved by `state_dict` (never pickled).
    rep_in, rep_out : see `as_representation`
        How inputs and outputs (channels) transform; by default outputs transform like inputs. "invariant" stands for
        invariant channels, and so does None for inputs, or for both with `space`.
    space : Elements or array `(element, axis, axis)`, optional
        What each finite element does to the axes of the grid: signed permutation matrices. Generators act on
        channels alone.

    Returns
    -------
    nn.Module
        The same module.

    Raises
    ------
    TypeError
        For another kind of layer.
    ValueError
        For actions that no weight can respect, representations whose sizes differ from the layer's, a layer that is
        already constrained, and convolutions that are incompatible with the motion of the grid.

    Examples
    --------
    >>> import torch
    >>> import symdyn as sd
    >>> from symdyn.neural import constrain
    >>> _ = torch.manual_seed(0)
    >>> layer = constrain(torch.nn.Linear(2, 2), sd.candidates.so(2))
    >>> (a, b), (c, d) = layer.weight.tolist()
    >>> a == d, b == -c, layer.bias.tolist()  # a + b i, as a matrix
    (True, True, [0.0, 0.0])
    """
    if not isinstance(module, (nn.Linear, *_CONVOLUTIONS, *_TRANSPOSED)):
        raise TypeError(
            f"constrain takes Linear and convolution layers, got {type(module).__name__}; LieDerivativePenalty asks "
            "any network for a symmetry by its loss"
        )
    if parametrize.is_parametrized(module):
        raise ValueError("module is constrained already; give the whole symmetry as one list of representations")
    sizes = (module.weight.shape[1], module.weight.shape[0])
    if isinstance(module, _TRANSPOSED):
        sizes = sizes[::-1]
    if rep_out is None and not (rep_in is None or sizes[0] != sizes[1]):
        rep_out = rep_in
    elif rep_out is None and rep_in is not None:
        raise ValueError(
            f"rep_out is left out, which takes as many outputs as inputs, not {sizes[1]} and {sizes[0]}; give it, such "
            "as 'invariant'"
        )
    inputs = as_representation(rep_in, sizes[0], "rep_in")
    outputs = as_representation(rep_out, sizes[1], "rep_out")
    _register(module, "weight", _weight(module, *matched(inputs, outputs), space))
    if module.bias is not None:
        _register(module, "bias", InSubspace(trivial(1), outputs, module.bias.shape))
    return module


def stencil(space, offsets) -> Representation:
    """Represent how elements that move a grid permute the points of a stencil, P e_d = e_(R d).

    The populations of a lattice Boltzmann model are such points: D2Q9 under the square's symmetries.

    Parameters
    ----------
    space : Elements or array `(element, axis, axis)`
    offsets : array_like, `(point, axis)`

    Raises
    ------
    ValueError
        If an element maps a point to something that is not a point of the stencil.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.neural import equivariant_matrices, stencil
    >>> d2q9 = [[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1], [1, 1], [-1, 1], [-1, -1], [1, -1]]
    >>> square = [[[0, -1], [1, 0]], [[1, 0], [0, -1]]]  # a quarter turn and a reflection
    >>> populations = stencil(square, d2q9)
    >>> populations
    Representation of dimension 9: 0 generators, 2 elements
    >>> equivariant_matrices(populations, populations).dim  # 81 without
    15
    """
    matrices, offsets = _space_matrices(space), numbers("offsets", offsets)
    if offsets.ndim != 2 or offsets.shape[1] != matrices.shape[1]:
        raise ValueError(f"offsets must have shape (point, {matrices.shape[1]}), got {offsets.shape}")
    permutations = np.zeros((len(matrices), len(offsets), len(offsets)))
    for permutation, matrix in zip(permutations, matrices, strict=True):
        distance = np.abs((offsets @ matrix.T)[:, None] - offsets).max(axis=2)
        if distance.min(axis=1).max() > 1e-9:
            raise ValueError("an element of space takes a point of the stencil to none of the others")
        permutation[distance.argmin(axis=1), np.arange(len(offsets))] = 1.0
    return Representation(np.zeros((0, len(offsets), len(offsets))), permutations)


def _register(module: _Layer, name: str, subspace: InSubspace | _Transposed) -> None:
    before = getattr(module, name).detach().clone()
    parametrize.register_parametrization(module, name, subspace.to(before.device))
    with torch.no_grad():
        if name == "weight":
            transposed = isinstance(module, _TRANSPOSED)
            now = getattr(module, name)
            inner = subspace.inner if isinstance(subspace, _Transposed) else subspace
            pair = [w.transpose(0, 1) if transposed else w for w in (now, before)]
            scaled = inner.rescaled(*pair)
            setattr(module, name, scaled.transpose(0, 1) if transposed else scaled)


class _Transposed(nn.Module):
    """The weight `(in, out, *kernel)` of a transposed convolution."""

    def __init__(self, inner: InSubspace):
        super().__init__()
        self.inner = inner

    def forward(self, theta: torch.Tensor) -> torch.Tensor:
        return self.inner(theta).transpose(0, 1)

    def right_inverse(self, weight: torch.Tensor) -> torch.Tensor:
        return self.inner.right_inverse(weight.transpose(0, 1))


def _weight(
    module: _Layer, inputs: Representation, outputs: Representation, space: Elements | ArrayLike | None
) -> InSubspace | _Transposed:
    if isinstance(module, nn.Linear):
        if space is not None:
            raise ValueError("space moves a grid, which a Linear layer does not have")
        return InSubspace(inputs, outputs, module.weight.shape)
    if module.groups != 1:
        raise ValueError(f"constrain needs a convolution with groups=1, this one has {module.groups}")
    kernel = tuple(module.kernel_size)
    points = int(np.prod(kernel))
    taps = trivial(points) if space is None else _taps(module, _space_matrices(space))
    if space is not None and len(inputs.generators):
        taps = replace(taps, generators=np.zeros((len(inputs.generators), points, points)))
    inputs, outputs = matched(inputs, taps)[0], matched(outputs, taps)[0]
    pieces = [taps * part for part in inputs.parts()]
    whole = sum(pieces[1:], pieces[0])
    subspace = InSubspace(whole, outputs, (outputs.dim, inputs.dim, *kernel), _columns(inputs.blocks, points))
    return _Transposed(subspace) if isinstance(module, _TRANSPOSED) else subspace


def _columns(blocks: Sequence[int], points: int) -> np.ndarray:
    """Return the feature (block, tap, within block) of each column (block, within block, tap)."""
    columns, start = [], 0
    for size in blocks:
        columns.append(start + np.arange(points * size).reshape(points, size).T.ravel())
        start += points * size
    return np.concatenate(columns)


def _taps(module: _Convolution, matrices: np.ndarray) -> Representation:
    axes = len(module.kernel_size)
    if matrices.shape[1] != axes:
        raise ValueError(f"space moves {matrices.shape[1]} axes, the convolution has {axes}")
    for name in ("stride", "dilation", "padding"):
        given = getattr(module, name)
        if name == "stride" and set(given) != {1}:
            raise ValueError(f"space needs a convolution of stride 1, this one has {given}: it picks out a sublattice")
        if not isinstance(given, str) and not np.allclose(np.abs(matrices) @ given, given):
            raise ValueError(f"space swaps axes with different {name} {given}")
    if module.padding == "same" and any(size % 2 == 0 for size in module.kernel_size):
        raise ValueError("padding='same' with an even kernel is longer on one side, which reflections swap")
    if isinstance(module, _TRANSPOSED) and any(module.output_padding):
        raise ValueError("output_padding adds to one side, which reflections swap")
    offsets = np.indices(module.kernel_size).reshape(axes, -1).T - (np.array(module.kernel_size) - 1) / 2
    return stencil(matrices, offsets)


def _space_matrices(space: Elements | ArrayLike) -> np.ndarray:
    if isinstance(space, Elements):
        if np.any(space.translations) or np.any(space.reverses_time):
            raise ValueError("space: give rotations and reflections of the axes only; shifts are kept anyway")
        space = space.matrices
    matrices = numbers("space", space)
    if matrices.ndim != 3 or matrices.shape[1] != matrices.shape[2] or not len(matrices):
        raise ValueError(f"space must have shape (element, axis, axis), got {matrices.shape}")
    signed = np.isin(matrices, (-1.0, 0.0, 1.0)).all() and np.all(np.abs(matrices).sum(axis=1) == 1)
    if not (signed and np.all(np.abs(matrices).sum(axis=2) == 1)):
        raise ValueError("space must hold signed permutations of the axes: others do not map a grid to itself")
    return matrices
