"""What is installed here: the first thing to include in a bug report."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

__all__ = ["show_versions"]

_PACKAGES = {
    "symdyn": "symdyn-workbench",
    "numpy": "numpy",
    "scipy": "scipy",
    "scikit-learn": "scikit-learn",
    "xarray": "xarray",
    "dask": "dask",
    "pandas": "pandas",
    "zarr": "zarr",
    "h5netcdf": "h5netcdf",
    "h5py": "h5py",
    "pysindy": "pysindy",
    "matplotlib": "matplotlib",
    "torch": "torch",
    "safetensors": "safetensors",
    "sympy": "sympy",
    "pyarrow": "pyarrow",
    "bokeh": "bokeh",
    "dask-jobqueue": "dask-jobqueue",
}


def show_versions() -> None:
    """Print the versions of Python, of symdyn and of what it uses, the BLAS libraries and their threads.

    Nothing but numpy, scipy and threadpoolctl is imported for it.

    Examples
    --------
    >>> import symdyn as sd
    >>> sd.show_versions()  # doctest: +ELLIPSIS
    python         3...
    """
    rows = {"python": platform.python_version(), "system": platform.platform(), "byte order": sys.byteorder}
    rows |= {name: _version_of(distribution) for name, distribution in _PACKAGES.items()}
    rows |= _libraries()
    width = max(map(len, rows))
    print("\n".join(f"{name:{width}}  {text}" for name, text in rows.items()))


def _version_of(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _libraries() -> dict[str, str]:
    """Say which libraries of linear algebra numpy and scipy have loaded, and how many threads each may use."""
    import scipy.linalg  # noqa: F401  (loads its own BLAS)
    from threadpoolctl import threadpool_info

    found: dict[str, list[str]] = {}
    for one in threadpool_info():
        text = f"{one['internal_api']} {one.get('version') or ''}".strip() + f", {one['num_threads']} threads"
        found.setdefault(one["user_api"], []).append(text)
    return {name: "; ".join(dict.fromkeys(texts)) for name, texts in found.items()}
