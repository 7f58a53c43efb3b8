"""Measurement noise for trajectories."""

from __future__ import annotations

import numpy as np
import xarray as xr

__all__ = ["with_noise"]


def with_noise(dataset: xr.Dataset, noise: float, rng=0) -> xr.Dataset:
    """Add white noise to every state of the trajectories.

    Parameters
    ----------
    dataset : xr.Dataset
        Trajectories in the schema, dims `(trajectory, time)`.
    noise : float
        Standard deviation on each state, as a fraction of the root mean square length of the vector formed by the
        states with the same units (positions, velocities), for each trajectory separately.
    rng : int or numpy Generator

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> clean = sd.systems.kepler(2)
    >>> noisy = sd.systems.with_noise(clean, 0.01)
    >>> share = (noisy.x - clean.x).std() / np.sqrt((clean.x**2 + clean.y**2 + clean.z**2).mean())
    >>> round(share.item(), 3)
    0.01
    """
    rng = np.random.default_rng(rng)
    names = str(dataset.attrs["states"]).split()
    noisy = {}
    for name in names:
        partners = [other for other in names if dataset[other].attrs.get("units") == dataset[name].attrs.get("units")]
        size = np.sqrt(sum((dataset[other] ** 2).mean("time") for other in partners))
        normal = xr.DataArray(rng.standard_normal(dataset[name].shape), dims=dataset[name].dims)
        noisy[name] = (dataset[name] + noise * size * normal).assign_attrs(dataset[name].attrs)
    return dataset.assign(noisy)
