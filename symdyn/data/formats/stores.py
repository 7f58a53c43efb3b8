"""Zarr stores: folders, zip files, and URLs of any file system that fsspec knows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import xarray as xr
import zarr
from zarr.storage import ZipStore

__all__ = ["is_url", "local_path", "open_store"]


def is_url(source: object) -> bool:
    """Return whether this is text with a protocol, such as `s3://bucket/runs.zarr`."""
    return isinstance(source, str) and "://" in source


def local_path(source: str) -> Path | None:
    """Return the path that a URL of this machine's files means, or None."""
    parts = urlsplit(source)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def open_store(source: Path | str, chunks: Mapping | None) -> xr.Dataset:
    """Open a store with its variables in the order of its consolidated metadata, or else by name.

    Without such metadata they come in any order.

    Raises
    ------
    ImportError
        If the package of a protocol is missing.
    ValueError
        For an unknown protocol.
    FileNotFoundError
        If there is nothing.
    """
    try:
        held = zarr.open_group(_store(source), mode="r").metadata.consolidated_metadata
    except ImportError as error:
        said = str(error).splitlines()[0]
        raise ImportError(f"{source} needs a package for {urlsplit(str(source)).scheme}://: {said}") from error
    except FileNotFoundError as error:
        raise FileNotFoundError(f"no such store: {source}") from error
    options: dict[str, Any] = {"consolidated": held is not None, "decode_times": False, "chunks": chunks}
    dataset = xr.open_zarr(_store(source), **options)
    return dataset if held is not None else dataset[sorted(map(str, dataset.data_vars))]


def _store(source: Path | str) -> Any:
    if isinstance(source, Path) and source.suffix.lower() == ".zip":
        return ZipStore(source, mode="r")
    return source
