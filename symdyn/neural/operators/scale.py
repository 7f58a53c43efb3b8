"""Units in which networks see fields: a scale and a mean for each field that commute with the symmetry of the values.

With u' = (u − m) / s a linear action A stays the same matrix iff A s = s A and A m = 0: fields that rotate into each
other share one scale, and means are taken along invariants only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from symdyn.data.grids import field_block
from symdyn.functions.features import Polynomial
from symdyn.lie.vectorfields import Generators
from symdyn.neural.representations import as_representation, invariant_vectors
from symdyn.sums.field_tasks import block_slices

__all__ = ["FieldScale", "field_scale"]


@dataclass(frozen=True, eq=False)
class FieldScale:
    """Write each field as u' = (u − mean) / size.

    Parameters
    ----------
    fields : tuple of str
    mean, size : ndarray, `(field,)`
        In the units of the fields.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from symdyn.neural import FieldScale
    >>> scale = FieldScale(("pressure",), mean=np.array([1013.0]), size=np.array([10.0]))
    >>> inside = scale.apply(torch.tensor([[[1003.0, 1033.0]]]))  # batch, field, x
    >>> inside, scale.undo(inside)
    (tensor([[[-1.,  2.]]]), tensor([[[1003., 1033.]]]))
    """

    fields: tuple[str, ...]
    mean: np.ndarray
    size: np.ndarray

    def apply(self, u: Tensor, axis: int = 1) -> Tensor:
        """Write fields in units of the scale; `axis` holds the channels."""
        mean, size = self._columns(u, axis)
        return (u - mean) / size

    def undo(self, u: Tensor, axis: int = 1) -> Tensor:
        """Write fields in their own units."""
        mean, size = self._columns(u, axis)
        return u * size + mean

    def moved(self, generators: Generators) -> Generators:
        """Write the same generators for scaled fields: v'(u') = v(u' s + m) / s, coordinates unchanged.

        Raises
        ------
        ValueError
            For generators that are not polynomial or lack a field.
        """
        if not isinstance(generators.features, Polynomial) or generators.features.columns is not None:
            raise ValueError("generators must be polynomial to be written in other units")
        n = len(generators.states)
        mean, size = np.zeros(n), np.ones(n)
        places = [generators.states.index(name) for name in self.fields]
        mean[places], size[places] = self.mean, self.size
        count = generators.coefficients.shape[2]
        # Polynomials of a degree stay such: their values at enough points give the new coefficients.
        points = np.random.default_rng(0).uniform(-1, 1, (4 * count, n))
        values = generators.values(points * size + mean) / size[:, None]
        found = np.linalg.lstsq(generators.features(points), values.reshape(len(points), -1), rcond=None)[0]
        found[np.abs(found) < 1e-12 * np.abs(found).max(axis=0, initial=0.0)] = 0.0
        coefficients = np.moveaxis(found.reshape(count, n, -1), -1, 0).swapaxes(1, 2)
        return Generators(generators.features, coefficients, generators.time_scaling, generators.states)

    def _columns(self, u: Tensor, axis: int) -> Iterator[Tensor]:
        shape = [1] * u.ndim
        shape[axis] = len(self.fields)
        if u.shape[axis] != len(self.fields):
            raise ValueError(f"axis {axis} must hold {len(self.fields)} fields, got shape {tuple(u.shape)}")
        return (torch.as_tensor(part).to(u).reshape(shape) for part in (self.mean, self.size))


def field_scale(dataset: xr.Dataset, symmetry=None) -> FieldScale:
    """Compute mean and root mean square of fields, read once, as far as they commute with an action on the values.

    Parameters
    ----------
    dataset : xr.Dataset
        Fields in the schema; give those to train with, not those to test with.
    symmetry : see `symdyn.neural.as_representation`, optional
        The action on the fields, in the order of the attribute `states`; None if the fields are invariant.

    Raises
    ------
    ValueError
        For values that are not finite, and actions on a different number of fields.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.neural import field_scale
    >>> data = sd.systems.lambda_omega(n_trajectories=2, n_points=16, n_times=5, length=1.0)
    >>> field_scale(data).size.round(2)
    array([0.7 , 0.77])
    >>> field_scale(data, sd.candidates.so(2)).size.round(2)  # u, v turn as one
    array([0.77, 0.77])
    """
    names = tuple(str(dataset.attrs["states"]).split())
    count, sums, squares, start = 0, np.zeros(len(names)), np.zeros(len(names)), np.zeros(len(names))
    for runs in block_slices(dataset):
        values = field_block(dataset, runs).reshape(len(names), -1)
        start = start if count else values.mean(axis=1)  # squares of what is left of fields lose nothing
        values = values - start[:, None]
        count, sums, squares = count + values.shape[1], sums + values.sum(1), squares + np.square(values).sum(1)
    average = start + sums / count
    mean, links = average, np.eye(len(names))
    if symmetry is not None:
        action = as_representation(symmetry, len(names), "symmetry")
        basis = np.linalg.qr(invariant_vectors(action))[0]
        mean = basis @ (basis.T @ mean)
        links = links + np.abs(np.concatenate([action.generators, action.elements])).sum(axis=0)
    # E (u − m)^2 for m of which only a part is the mean of u.
    variance = np.maximum(squares / count - (sums / count) ** 2, 0.0) + (average - mean) ** 2
    variance[variance <= 1e-24 * (variance + average**2)] = 0.0
    groups = connected_components(links > 1e-9 * links.max(), directed=False)[1]
    pooled = np.array([variance[groups == group].mean() for group in groups])
    return FieldScale(names, mean, np.sqrt(np.where(pooled > 0, pooled, 1.0)))
