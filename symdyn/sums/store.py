"""Results to and from netCDF: no pickles, a format version in every file, no half-written files."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from symdyn.data.formats.netcdf import dataset_of, netcdf_of
from symdyn.functions.features import CentralForce, Features, Fourier, Monomials, Polynomial, Radial, Sum, Waves
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.algebras.covariances import is_nothing
from symdyn.lie.chart import Chart
from symdyn.lie.vectorfields import Charted, Generators, VectorField
from symdyn.sums.moments import Moments

__all__ = [
    "FORMAT_VERSION",
    "algebra_to_dataset",
    "dataset_to_algebra",
    "dataset_to_law",
    "dataset_to_moments",
    "law_to_dataset",
    "load_algebra",
    "load_axes",
    "load_chart",
    "load_moments",
    "moments_to_dataset",
    "save_algebra",
    "save_axes",
    "save_chart",
    "save_moments",
    "save_results",
    "why_unread",
    "write_whole",
]

# Sums of format 1 have no axes, and "cross" for "products"; those before format 3 are in the units of the data, those
# before format 4 know neither where runs lie nor how long they are.
FORMAT_VERSION = 4
_FEATURES = {kind.__name__: kind for kind in (Polynomial, Monomials, Fourier, CentralForce, Radial, Sum, Waves)}


_MOMENT_DIMS = {
    "products": ("group", "term", "term_"),
    "axes": ("feature", "direction"),
    **dict.fromkeys(("centre", "scale"), ("variable",)),
    "clock": (),
    **dict.fromkeys(("count", "trajectory"), ("group",)),
    **dict.fromkeys(("signal", "power", "mean"), ("run", "output")),
    **dict.fromkeys(("location", "spread", "noise"), ("run", "argument")),
    "points": ("sample", "argument"),
    "owner": ("sample",),
    **dict.fromkeys(("samples", "instrumented", "fold", "labels"), ("run",)),
}


def save_algebra(algebra: LieAlgebra, path) -> None:
    """Write an algebra to a netCDF file."""
    with _replacing(path) as hidden:
        algebra_to_dataset(algebra).to_netcdf(hidden, engine="h5netcdf")


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
            raise ValueError(f"{path} holds no algebra: {why_unread(error)}") from error
    raise ValueError(f"{path} holds no algebra: variable 'generator_coefficients' is missing")


def why_unread(error: Exception) -> str:
    """Say why a file could not be opened, without the words of HDF5 where it is something else."""
    return "it is no netCDF file" if "signature not found" in str(error) else str(error)


def algebra_to_dataset(algebra: LieAlgebra) -> xr.Dataset:
    """Convert an algebra to a Dataset over `element`, its basis."""
    basis = algebra.basis
    variables = {
        "generator_coefficients": (("element", "state", "term"), basis.coefficients),
        "time_scaling": ("element", basis.time_scaling),
        "exact": ("element", algebra.exact.astype(np.int8)),
    }
    if not is_nothing(algebra.covariance):
        shape = (algebra.dim, basis.vectors().shape[1]) * 2
        dims = ("element", "coefficient", "element_", "coefficient_")
        variables["covariance"] = (dims, algebra.covariance.reshape(shape))
    return xr.Dataset(
        variables,
        coords={
            "element": np.array(algebra.texts(), dtype=object),
            "state": np.array(algebra.states, dtype=object),
            "term": np.array(basis.features.names(algebra.states), dtype=object),
        },
        attrs={
            "format_version": FORMAT_VERSION,
            "features": _encode(basis.features),
            "name": algebra.name,
            **_chart_attrs(algebra.chart),
        },
    )


def dataset_to_algebra(dataset: xr.Dataset) -> LieAlgebra:
    """Rebuild the algebra from a Dataset made by `algebra_to_dataset`."""
    _check_version(dataset)
    states = tuple(str(name) for name in dataset["state"].values)
    basis = Generators(
        _decode(dataset.attrs["features"]),
        dataset["generator_coefficients"].values,
        dataset["time_scaling"].values,
        states,
    )
    size, covariance = basis.vectors().size, None
    if "covariance" in dataset:  # exact generators have none
        covariance = dataset["covariance"].values.reshape(size, size)
    return LieAlgebra(basis, covariance, dataset["exact"].values.astype(bool), _stored_chart(dataset))


def law_to_dataset(law: VectorField, outputs: list[str]) -> xr.Dataset:
    """Convert a law to a Dataset over `output` and `feature`, with its coefficients in the chart it was computed in."""
    variables, attrs = {"coefficients": (("output", "feature"), law.coefficients)}, {}
    if law.inside is not None:
        variables["charted"] = (("output", "feature"), law.inside.field.coefficients)
        variables["output_units"] = ("output", law.inside.units)
        attrs = _chart_attrs(law.inside.chart)
    return xr.Dataset(
        variables,
        coords={
            "output": np.array(outputs, dtype=object),
            "feature": np.array(law.features.names(law.states), dtype=object),
        },
        attrs={
            "format_version": FORMAT_VERSION,
            "features": _encode(law.features),
            "states": " ".join(law.states),
            **attrs,
        },
    )


def dataset_to_law(dataset: xr.Dataset) -> VectorField:
    """Rebuild the law from a Dataset made by `law_to_dataset`."""
    _check_version(dataset)
    states, features = tuple(dataset.attrs["states"].split()), _decode(dataset.attrs["features"])
    chart, inside = _stored_chart(dataset), None
    if chart is not None and "charted" in dataset:
        field = VectorField(chart.features(features), dataset["charted"].values, states)
        inside = Charted(field, chart, dataset["output_units"].values)
    return VectorField(features, dataset["coefficients"].values, states, inside=inside)


def _chart_attrs(chart: Chart | None) -> dict:
    if chart is None:
        return {}
    return {
        "chart_centre": np.array(chart.centre),
        "chart_scale": np.array(chart.scale),
        "chart_time": chart.time,
        "chart_ties": json.dumps(chart.ties),
    }


def _stored_chart(dataset: xr.Dataset) -> Chart | None:
    if "chart_scale" not in dataset.attrs:
        return None
    centre, scale, time = (dataset.attrs[f"chart_{name}"] for name in ("centre", "scale", "time"))
    return Chart(np.ravel(centre), np.ravel(scale), time, _tuples(json.loads(dataset.attrs["chart_ties"])))


def save_results(groups: dict[str, xr.Dataset], path) -> None:
    """Write named groups of results to one netCDF file."""
    tree = xr.DataTree.from_dict({f"/{name}": dataset for name, dataset in groups.items()})
    with _replacing(path) as hidden:
        tree.to_netcdf(hidden, engine="h5netcdf")


def moments_to_dataset(moments: Moments) -> xr.Dataset:
    """Convert sums over trajectories to a Dataset: one variable per array, `labels`, and a checksum of their bytes."""
    variables = {}
    for name, value in vars(moments).items():
        value = np.array(value, dtype=object) if name == "labels" else np.asarray(value)
        variables[name] = (_MOMENT_DIMS.get(name, tuple(f"{name}_{axis}" for axis in range(value.ndim))), value)
    attrs = {"format_version": FORMAT_VERSION, "kind": "moments", "sha256": _digest(vars(moments))}
    return xr.Dataset(variables, attrs=attrs)


def dataset_to_moments(dataset: xr.Dataset) -> Moments:
    """Rebuild the sums from a Dataset made by `moments_to_dataset`, bit for bit.

    Raises
    ------
    ValueError
        If the format is newer, arrays are missing, or the bytes are not those that were written.
    """
    _check_version(dataset)
    names, version = [field.name for field in fields(Moments)], int(dataset.attrs.get("format_version", 0))
    if version <= 3:
        names = [name for name in names if name not in ("location", "samples", "targets")]
    if version <= 2:
        names = [name for name in names if name not in ("centre", "scale", "clock")]
    if version == 1:
        names = ["cross" if name == "products" else name for name in names if name != "axes"]
    missing = [name for name in names if name not in dataset]
    if missing:
        raise ValueError(f"these are no sums over trajectories: {', '.join(missing)} missing")
    values = {name: dataset[name].values for name in names}
    values["labels"] = tuple(str(label) for label in values["labels"])
    if _digest(values) != dataset.attrs.get("sha256"):
        raise ValueError("these sums are damaged: their checksum does not match")
    if "axes" not in values:
        values |= {"products": values.pop("cross"), "axes": np.zeros((0, 0))}
    if "clock" not in values:
        values |= _own_units(values)
    if "samples" not in values:
        values |= _seen_at_points(values)
    return Moments(**values)


def _own_units(values: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the chart of sums that know of none: arguments, and targets where these are no states."""
    n = values["spread"].shape[1]
    return {"centre": np.zeros(n), "scale": np.ones(n), "clock": np.array(1.0)}


def _seen_at_points(values: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return where runs lie, as far as the points tell, and their lengths by the number of their rows."""
    owner, n = values["owner"], len(values["labels"])
    count = np.bincount(owner, minlength=n)[:, None]
    totals = np.stack([np.bincount(owner, weights=column, minlength=n) for column in values["points"].T], axis=1)
    samples = np.bincount(values["trajectory"], weights=values["count"], minlength=n)
    no_targets = np.zeros((0, values["power"].shape[1]))
    return {"location": totals / np.maximum(count, 1), "samples": samples, "targets": no_targets}


def save_moments(moments: Moments, path) -> None:
    """Write sums over trajectories to a netCDF file, whole or not at all."""
    # Built in memory: HDF5 leaves a full disk with errors that do not say so, a plain write says ENOSPC.
    write_whole(netcdf_of(moments_to_dataset(moments)), path)


def load_moments(path) -> Moments:
    """Read what `save_moments` wrote.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it is damaged, or holds something else.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"no such file: {path}")
    try:
        return dataset_to_moments(dataset_of(Path(path).read_bytes()))
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ValueError(f"{path} holds no sums that can be read: {error}") from error


def save_axes(axes: np.ndarray, path) -> None:
    """Write the axes `(feature, direction)` of sums to a netCDF file, whole or not at all."""
    dataset = xr.Dataset({"axes": (("feature", "direction"), axes)}, attrs={"format_version": FORMAT_VERSION})
    write_whole(netcdf_of(dataset), path)


def load_axes(path) -> np.ndarray | None:
    """Read what `save_axes` wrote; None where there is nothing that can be read."""
    try:
        return dataset_of(Path(path).read_bytes())["axes"].values
    except (OSError, ValueError, KeyError, RuntimeError):
        return None


def save_chart(chart: Chart, path) -> None:
    """Write a chart to a netCDF file, whole or not at all."""
    columns = {"centre": ("variable", np.array(chart.centre)), "scale": ("variable", np.array(chart.scale))}
    dataset = xr.Dataset(columns, attrs={"format_version": FORMAT_VERSION, "time": chart.time})
    write_whole(netcdf_of(dataset), path)


def load_chart(path) -> Chart | None:
    """Read what `save_chart` wrote; None where there is nothing that can be read."""
    try:
        stored = dataset_of(Path(path).read_bytes())
        return Chart(stored["centre"].values, stored["scale"].values, stored.attrs["time"])
    except (OSError, ValueError, KeyError, RuntimeError):
        return None


def write_whole(content: bytes | memoryview, path) -> None:
    """Write a file so that it is there as a whole or not at all, also after a crash."""
    with _replacing(path) as hidden:
        hidden.write_bytes(content)


@contextmanager
def _replacing(path: str | Path) -> Iterator[Path]:
    """Yield a hidden name in the same folder; what is written there goes to the disk, and only then to `path`."""
    path = Path(path)
    hidden = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield hidden
        _sync(hidden)
        os.replace(hidden, path)
    finally:
        hidden.unlink(missing_ok=True)
    _sync(path.parent)  # the new name, too


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _digest(values: Mapping[str, np.ndarray | tuple[str, ...]]) -> str:
    digest = hashlib.sha256()
    for name, value in values.items():
        value = np.array([str(label) for label in value], dtype=str) if name == "labels" else np.asarray(value)
        digest.update(f"{name} {value.dtype.str} {value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


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


def _tuples(value: list | float | str | None) -> tuple | float | str | None:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _check_version(dataset: xr.Dataset) -> None:
    version = int(dataset.attrs.get("format_version", 0))
    if version > FORMAT_VERSION:
        raise ValueError(f"the file has format {version}, this symdyn reads up to {FORMAT_VERSION}; update symdyn")
