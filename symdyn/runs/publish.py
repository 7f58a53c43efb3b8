"""The end of a job: provenance, results, page, and the summary in the log."""

from __future__ import annotations

import hashlib
import json
import platform
import resource
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr

from symdyn.sums.store import save_results

if TYPE_CHECKING:
    from symdyn.reporting.page import Picture
    from symdyn.runs.directory import RunDirectory

__all__ = ["checksum", "circumstances", "publish", "tell", "version_of"]

_PACKAGES = ("symdyn-workbench", "numpy", "scipy", "xarray", "dask", "pysindy", "scikit-learn", "torch")
_BYTES = 1 << 26  # read at a time


def publish(
    run: RunDirectory,
    groups: Mapping[str, xr.Dataset],
    *,
    title: str,
    findings: Sequence[str],
    figures: Sequence[Picture],
    tables: Mapping[str, xr.Dataset] | None = None,
) -> None:
    """Write `results.nc`, with title, findings and warnings in its attributes, and `report.html` of a run.

    Parameters
    ----------
    run : RunDirectory
    groups : mapping of str to xr.Dataset
        Groups of `results.nc`.
    title, findings, figures
        As in `symdyn.reporting.page.report`.
    tables : mapping of str to xr.Dataset, optional
        The tables that the page shows; by default all groups, unchanged.
    """
    from symdyn.reporting.page import report  # loads matplotlib

    lists = {"findings": list(findings), "warnings": run.warnings.counted()}
    told = {"title": title, **{name: json.dumps(value, ensure_ascii=False) for name, value in lists.items()}}
    save_results({"": xr.Dataset(attrs=told), **groups}, run.path / "results.nc")
    shown = dict(groups if tables is None else tables)
    report(shown, run.path, title=title, findings=findings, figures=figures, warnings=run.warnings.counted())


def tell(run: RunDirectory, findings: Sequence[str]) -> None:
    """Log the sentences of a report."""
    for sentence in findings:
        run.log.info("%s", sentence)


def circumstances() -> dict[str, str | float]:
    """Return the time, the versions of Python and of packages, and the memory that this process has used."""
    return {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "peak_memory_MB": round(_peak_memory() / 2**20, 1),
        **{name.replace("-", "_"): version_of(name) for name in _PACKAGES},
    }


def checksum(dataset: xr.Dataset) -> str:
    """Compute the SHA-256 of the values of all variables, the same for the same data in any file.

    The data are read a few MB at a time.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.runs import checksum
    >>> data = sd.systems.kepler(2, n_times=50)
    >>> data.to_netcdf("orbits.nc", engine="h5netcdf")
    >>> checksum(data) == checksum(sd.open_trajectories("orbits.nc"))  # from a file
    True
    >>> checksum(data) == checksum(data.isel(time=slice(49)))
    False
    """
    digest = hashlib.sha256()
    for name in sorted(map(str, dataset.data_vars)):
        digest.update(name.encode())
        for part in _parts(dataset[name]):
            values = part.values
            # Objects are known by what they say: where they lie in memory changes from run to run.
            digest.update((values.astype(str) if values.dtype.hasobject else values).tobytes())
    return digest.hexdigest()


def _parts(variable: xr.DataArray) -> list[xr.DataArray]:
    """Cut a variable along its first dim into pieces of some MB."""
    if not variable.ndim or not variable.size:
        return [variable]
    rows = max(_BYTES * len(variable) // variable.nbytes, 1)
    return [variable[start : start + rows] for start in range(0, len(variable), rows)]


def _peak_memory() -> int:
    """Return the peak memory in bytes.

    On Linux from the process itself: `getrusage` also counts the process that started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next((line for line in status.read_text().splitlines() if line.startswith("VmHWM")), None)
        if line is not None:
            return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024


def version_of(package: str) -> str:
    """Return the version of an installed package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
