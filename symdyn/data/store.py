"""Results to and from netCDF: no pickles, a format version in every file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import xarray as xr

from symdyn.lie.algebra import LieAlgebra
from symdyn.lie.features import CentralForce, Features, Fourier, Monomials, Polynomial, Radial, Sum
from symdyn.lie.fields import Generators, VectorField

__all__ = [
    "FORMAT_VERSION",
    "algebra_to_dataset",
    "dataset_to_algebra",
    "dataset_to_law",
    "law_to_dataset",
    "load_algebra",
    "save_algebra",
    "save_results",
]

FORMAT_VERSION = 1
_FEATURES = {kind.__name__: kind for kind in (Polynomial, Monomials, Fourier, CentralForce, Radial, Sum)}


def save_algebra(algebra: LieAlgebra, path) -> None:
    """Write an algebra to a netCDF file."""
    algebra_to_dataset(algebra).to_netcdf(path, engine="h5netcdf")


def load_algebra(path) -> LieAlgebra:
    """Read an algebra from its own file, or from the group `symmetry` of a run's `results.nc`.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it holds no algebra, or is of a newer format.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"no such file: {path}")
    for group in (None, "symmetry"):
        try:
            with xr.open_dataset(path, engine="h5netcdf", group=group) as dataset:
                if "generator_coefficients" in dataset:
                    return dataset_to_algebra(dataset.load())
        except OSError as error:
            raise ValueError(f"{path} holds no algebra that can be read: {error}") from error
    raise ValueError(f"{path} holds no algebra: variable 'generator_coefficients' is missing")


def algebra_to_dataset(algebra: LieAlgebra) -> xr.Dataset:
    """An algebra as a Dataset over `element`, its basis."""
    basis = algebra.basis
    width = basis.vectors().shape[1]
    return xr.Dataset(
        {
            "generator_coefficients": (("element", "state", "term"), basis.coefficients),
            "time_scaling": ("element", basis.time_scaling),
            "exact": ("element", algebra.exact.astype(np.int8)),
            "covariance": (
                ("element", "coefficient", "element_", "coefficient_"),
                algebra.covariance.reshape(algebra.dim, width, algebra.dim, width),
            ),
        },
        coords={
            "element": np.array(algebra.texts(), dtype=object),
            "state": np.array(algebra.states, dtype=object),
            "term": np.array(basis.features.names(algebra.states), dtype=object),
        },
        attrs={"format_version": FORMAT_VERSION, "features": _encode(basis.features), "name": algebra.name},
    )


def dataset_to_algebra(dataset: xr.Dataset) -> LieAlgebra:
    """The algebra in a Dataset made by `algebra_to_dataset`."""
    _check_version(dataset)
    states = tuple(str(name) for name in dataset["state"].values)
    basis = Generators(
        _decode(dataset.attrs["features"]),
        dataset["generator_coefficients"].values,
        dataset["time_scaling"].values,
        states,
    )
    size = basis.vectors().size
    covariance = dataset["covariance"].values.reshape(size, size)
    return LieAlgebra(basis, covariance, dataset["exact"].values.astype(bool))


def law_to_dataset(law: VectorField, outputs: list[str]) -> xr.Dataset:
    """A law as a Dataset over `output` and `feature`."""
    return xr.Dataset(
        {"coefficients": (("output", "feature"), law.coefficients)},
        coords={
            "output": np.array(outputs, dtype=object),
            "feature": np.array(law.features.names(law.states), dtype=object),
        },
        attrs={"format_version": FORMAT_VERSION, "features": _encode(law.features), "states": " ".join(law.states)},
    )


def dataset_to_law(dataset: xr.Dataset) -> VectorField:
    """The law in a Dataset made by `law_to_dataset`."""
    _check_version(dataset)
    states = tuple(dataset.attrs["states"].split())
    return VectorField(_decode(dataset.attrs["features"]), dataset["coefficients"].values, states)


def save_results(groups: dict[str, xr.Dataset], path) -> None:
    """Write named groups of results to one netCDF file."""
    xr.DataTree.from_dict({f"/{name}": dataset for name, dataset in groups.items()}).to_netcdf(path, engine="h5netcdf")


def _encode(features: Features) -> str:
    if isinstance(features, Sum):
        return json.dumps({"kind": "Sum", "parts": [_encode(part) for part in features.parts]})
    if type(features).__name__ not in _FEATURES:
        raise ValueError(f"features of type {type(features).__name__} have no form on disk; use Polynomial or a sum")
    # Powers and columns may be numpy integers, which json does not know.
    return json.dumps({"kind": type(features).__name__, **vars(features)}, default=lambda value: value.item())


def _decode(text: str) -> Features:
    fields = json.loads(text)
    kind = _FEATURES[fields.pop("kind")]
    if kind is Sum:
        return Sum(tuple(_decode(part) for part in fields["parts"]))
    return kind(**{name: _tuples(value) for name, value in fields.items()})


def _tuples(value):
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _check_version(dataset):
    version = int(dataset.attrs.get("format_version", 0))
    if version > FORMAT_VERSION:
        raise ValueError(f"the file has format {version}, this symdyn reads up to {FORMAT_VERSION}; update symdyn")
