"""The files of data that ship with the package, and where an installation keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["NAMES", "path", "planets", "polar_motion", "sea_surface"]

NAMES = ("planets", "polar_motion", "sea_surface")


def planets() -> xr.Dataset:
    """Open the orbits of the planets and Pluto: nine trajectories of 2400 samples over up to three centuries.

    States are heliocentric positions `x y z` (au) and velocities `vx vy vz` (au/day) in the ICRF; `t` is in days, with
    a different step for each body.

    Returns
    -------
    xr.Dataset
        Over `(trajectory, time)`; the coordinate `body` names the trajectories.

    Notes
    -----
    From the JPL ephemeris DE421 (Folkner, Williams and Boggs, IPN Progress Report 42-178, 2009).

    Examples
    --------
    >>> import symdyn as sd
    >>> data = sd.datasets.planets()
    >>> data.attrs["states"], dict(data.sizes)
    ('x y z vx vy vz', {'trajectory': 9, 'time': 2400})
    """
    return _opened("planets")


def polar_motion() -> xr.Dataset:
    """Open the polar motion of the Earth, 1976 to 2025: where the axis of rotation intersects the surface.

    One trajectory of 3652 means of five days. States are `x` (towards Greenwich) and `y` (towards 90 degrees west) in
    arcseconds (one is 30.9 m on the ground), times in days.

    Returns
    -------
    xr.Dataset
        Over `(trajectory, time)`.

    Notes
    -----
    Observed values from the IERS Bulletin A (US Naval Observatory): very long baseline interferometry, satellite and
    lunar laser ranging, GPS.

    Examples
    --------
    >>> import symdyn as sd
    >>> dict(sd.datasets.polar_motion().sizes)
    {'trajectory': 1, 'time': 3652}
    """
    return _opened("polar_motion")


def sea_surface() -> xr.Dataset:
    """Open monthly anomalies of the sea surface temperature along the equator of the Pacific, a field u(time, x).

    From 160 to 270 degrees east, April 2006 to September 2010, with the mean and two annual harmonics removed at each
    place.

    Returns
    -------
    xr.Dataset
        `u` in kelvins over `(trajectory, time, x)`, times in days, `x` in kilometres.

    Notes
    -----
    OSTIA monthly means of the Met Office (British Crown copyright 2018, Open Government Licence).

    Examples
    --------
    >>> import symdyn as sd
    >>> dict(sd.datasets.sea_surface().sizes)
    {'trajectory': 1, 'time': 54, 'x': 133}
    """
    return _opened("sea_surface")


def path(name: str) -> Path:
    """Return the file of a data set: inside an installed package, beside the package in a clone.

    Parameters
    ----------
    name : str
        One of `NAMES`.

    Raises
    ------
    ValueError
        For another name.
    FileNotFoundError
        If the file is missing from the installation.

    Examples
    --------
    >>> import symdyn as sd
    >>> sd.datasets.path("planets").name
    'planets.nc'
    """
    if name not in NAMES:
        raise ValueError(f"no data set is called {name!r}: there are {', '.join(NAMES)}")
    here = Path(__file__).parent
    places = [folder / f"{name}.nc" for folder in (here, here.parents[1] / "datasets")]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise FileNotFoundError(f"the data set {name!r} is missing, {places[0]}: reinstall symdyn-workbench")
    return found


def _opened(name: str) -> xr.Dataset:
    from symdyn.data.trajectories import open_trajectories  # the command reads `path` and must start quickly

    return open_trajectories(path(name))
