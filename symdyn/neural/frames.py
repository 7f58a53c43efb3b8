"""Any network on point clouds made invariant or equivariant by averaging over the frames of its principal axes.

O. Puny et al., Frame averaging for invariant and equivariant network design (arXiv 2110.03336); A. Duval et al., FAENet
(arXiv 2305.05577).
"""

from __future__ import annotations

import itertools
import warnings

import torch
from torch import nn

from symdyn.neural.autograd import full_precision
from symdyn.neural.checks import check_callable, check_tensor

__all__ = ["FrameAveraged", "principal_frames"]

_TURNS = {"invariant": False, "vector": True}  # whether values turn with the points
_GROUPS = {"SE(2)": (2, True), "E(2)": (2, False), "SE(3)": (3, True), "E(3)": (3, False)}
_VANISHING = 1e-12  # of the largest variance: rounding of variances

_einsum = full_precision(torch.einsum)


class FrameAveraged(nn.Module):
    """Average a network over the frames of a point cloud, so that it is exactly symmetric whatever its weights.

    With the centroid c and the frames U (axes of the cloud, one column each, all signs that the group allows),

        invariant:  F(X) = mean_U h((X − c) U),        vector:  F(X) = mean_U h((X − c) U) U^T.

    Moved by a rotation, a reflection or a translation, a cloud has the same frames, moved along with it, so the
    coordinates that h sees are the same.

    Parameters
    ----------
    module : nn.Module
        h, from points `(batch, point, dim)` (and vectors of the same shape, if any are given) to `(batch, ...)`, for
        vectors to `(batch, ..., dim)`. Called once, on the frames as a larger batch.
    group : {"SE(2)", "E(2)", "SE(3)", "E(3)"}
        SE: rotations and translations, 2 or 4 frames; E: reflections as well, 4 or 8 frames.
    output : {"invariant", "vector"}
        Vectors rotate with the cloud and do not change under translations, like velocities and forces.
    degeneracy : float or None
        Warn of clouds with a variance above this fraction of the next larger one. None skips the check, which reads
        values and therefore does not work in `torch.vmap` and `torch.compile`.

    Raises
    ------
    ValueError
        For another group or output, clouds of the wrong shape, points that are not finite, and output vectors whose
        length differs from that of the points.

    Warns
    -----
    UserWarning
        For clouds whose variances along two axes nearly coincide: their axes, and so the output, jump when points move
        a little, and gradients through them are large. Symmetric clouds have no axes at all.

    Examples
    --------
    >>> import torch
    >>> from symdyn.neural import FrameAveraged
    >>> _ = torch.manual_seed(0)
    >>> plain = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(15, 8), torch.nn.Tanh())
    >>> averaged = FrameAveraged(plain, "E(3)")
    >>> cloud, turn = torch.randn(1, 5, 3), torch.linalg.qr(torch.randn(3, 3))[0]
    >>> moved = cloud @ turn + 2.0
    >>> [torch.allclose(one(moved), one(cloud), atol=1e-4) for one in (plain, averaged)]
    [False, True]
    """

    def __init__(
        self, module: nn.Module, group: str, *, output: str = "invariant", degeneracy: float | None = 0.9
    ) -> None:
        super().__init__()
        if group not in _GROUPS:
            raise ValueError(f"group must be one of {', '.join(_GROUPS)}, got {group!r}")
        if output not in _TURNS:
            raise ValueError(f"output must be 'invariant' or 'vector', got {output!r}")
        if degeneracy is not None and not 0 < degeneracy < 1:
            raise ValueError(f"degeneracy must lie between 0 and 1, or be None, got {degeneracy}")
        check_callable(module)
        self.module, self.group, self.output, self.degeneracy = module, group, output, degeneracy
        self.dim, self.proper = _GROUPS[group]

    def forward(self, points: torch.Tensor, *vectors: torch.Tensor) -> torch.Tensor:
        """Return the averaged output.

        Parameters
        ----------
        points : Tensor, `(batch, point, dim)`
        *vectors : Tensor, `(batch, any, dim)`
            Velocities and other vectors, which rotate with the points and are not translated.
        """
        for tensor in (points, *vectors):
            check_tensor("points and vectors", tensor)
            if tensor.ndim != 3 or tensor.shape[2] != self.dim or len(tensor) != len(points):
                raise ValueError(f"{self.group} acts on (batch, point, {self.dim}), got {tuple(tensor.shape)}")
        frames, variances = principal_frames(points, proper=self.proper)
        if self.degeneracy is not None:
            _warn_of_degenerate(variances, self.degeneracy)
        centred = points - points.mean(dim=1, keepdim=True)
        seen = [_einsum("bni,bfij->bfnj", part, frames).flatten(0, 1) for part in (centred, *vectors)]
        values = self.module(*seen)
        values = values.reshape(len(points), frames.shape[1], *values.shape[1:])
        if not _TURNS[self.output]:
            return values.mean(dim=1)
        if values.ndim < 3 or values.shape[-1] != self.dim:
            raise ValueError(
                f"for vectors the module must return (batch, ..., {self.dim}), got {(-1, *values.shape[2:])}"
            )
        return _einsum("bf...j,bfij->b...i", values, frames) / frames.shape[1]


def principal_frames(points: torch.Tensor, *, proper: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute the frames of clouds of points: the eigenvectors of their covariance, with all signs.

    Parameters
    ----------
    points : Tensor, `(batch, point, dim)`
    proper : bool
        Rotations only, det U = 1.

    Returns
    -------
    frames : Tensor, `(batch, frame, dim, dim)`
        Axes as columns, largest variance first. In the dtype of the points, computed in double precision.
    variances : Tensor, `(batch, dim)`
        Descending.
    """
    dim, wide = points.shape[2], points.double()
    centred = wide - wide.mean(dim=1, keepdim=True)
    covariance = centred.mT @ centred / points.shape[1]
    variances, axes = torch.linalg.eigh(covariance)
    variances, axes = variances.flip(-1), axes.flip(-1)
    free = dim - 1 if proper else dim
    signs = torch.tensor(list(itertools.product((1.0, -1.0), repeat=free)), dtype=wide.dtype, device=points.device)
    if proper:
        # The last sign makes the determinant 1.
        last = signs.prod(dim=1) * torch.linalg.det(axes).sign()[:, None]
        signs = torch.cat([signs.expand(len(points), -1, -1), last[..., None]], dim=-1)
    frames = axes[:, None] * signs.expand(len(points), -1, -1)[:, :, None, :]
    return frames.to(points.dtype), variances


def _warn_of_degenerate(variances: torch.Tensor, fraction: float) -> None:
    if not torch.isfinite(variances).all():
        bad = int((~torch.isfinite(variances).all(dim=1)).sum())
        raise ValueError(f"points are not finite in {bad} of {len(variances)} clouds")
    floor = _VANISHING * variances[:, :1]
    # Where two variances vanish (points on a line in space) the axes are free as well.
    near = (variances[:, 1:] > fraction * variances[:, :-1]) | (variances[:, :-1] <= floor)
    count = int(near.any(dim=1).sum())
    if count:
        warnings.warn(
            f"{count} of {len(variances)} clouds of points have nearly the same variance along two axes: their frames, "
            f"and the output, jump when points move a little",
            stacklevel=3,
        )
