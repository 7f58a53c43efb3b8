"""Build the data sets of this folder: `python datasets/make.py planets`.

Needs the packages de421, jplephem, iris-sample-data and astropy-iers-data (`pip install symdyn-workbench[data]`).
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import xarray as xr

HERE = Path(__file__).parent
# Sidereal periods in days (NASA planetary fact sheet); they only set how long each body is followed.
PERIODS = {
    "mercury": 87.969,
    "venus": 224.701,
    "earth": 365.256,
    "mars": 686.980,
    "jupiter": 4332.589,
    "saturn": 10759.22,
    "uranus": 30685.4,
    "neptune": 60189.0,
    "pluto": 90560.0,
}
SAMPLES = 2400
ORBITS = 6


def planets() -> xr.Dataset:
    """Heliocentric positions and velocities, Mercury to Pluto, from JPL's ephemeris DE421."""
    # Of the extra `data`, which neither tests nor users of the file need.
    import de421  # pyright: ignore[reportMissingImports]
    from jplephem import Ephemeris  # pyright: ignore[reportMissingImports]

    ephemeris = Ephemeris(de421)
    start = np.ceil(ephemeris.jalpha) + 1
    reach = np.floor(ephemeris.jomega) - 1 - start
    clocks, states = [], []
    for body, period in PERIODS.items():
        days = np.linspace(0, min(ORBITS * period, reach), SAMPLES)
        # The Earth wobbles about the barycentre with the Moon; the barycentre is what goes round the Sun.
        own = ephemeris.position_and_velocity("earthmoon" if body == "earth" else body, start + days)
        sun = ephemeris.position_and_velocity("sun", start + days)
        position, velocity = ((mine - centre).T / ephemeris.AU for mine, centre in zip(own, sun, strict=True))
        clocks.append(days)
        states.append(np.hstack([position, velocity]))
    return _dataset(np.stack(clocks), np.stack(states), start)


def _dataset(clocks, states, start):
    dims = ("trajectory", "time")
    variables = {"t": (dims, clocks, {"units": "day", "long_name": f"time since JD {start} (TDB)"})}
    for i, name in enumerate(("x", "y", "z")):
        attrs = {"units": "au", "role": "state", "long_name": f"heliocentric {name}, ICRF"}
        variables[name] = (dims, states[:, :, i], attrs)
    for i, name in enumerate(("x", "y", "z")):
        attrs = {"units": "au/day", "role": "state", "derivative_of": name, "long_name": f"rate of {name}"}
        variables[f"v{name}"] = (dims, states[:, :, 3 + i], attrs)
    return xr.Dataset(
        variables,
        coords={"body": ("trajectory", np.array(list(PERIODS), dtype=object), {"cf_role": "trajectory_id"})},
        attrs={
            "Conventions": "CF-1.11",
            "featureType": "trajectory",
            "states": "x y z vx vy vz",
            "title": "Planets round the Sun",
            "source": "JPL ephemeris DE421 (Folkner, Williams and Boggs, 2009), packages de421 2008.1, jplephem 2.24",
            "license": "MIT (packages); the ephemeris is a work of NASA/JPL",
            "earth": "Earth-Moon barycentre",
        },
    )


def sea_surface() -> xr.Dataset:
    """Monthly anomalies of the temperature of the sea along the equator, 160 to 270 degrees east, on an even clock."""
    import iris_sample_data  # pyright: ignore[reportMissingImports]
    from scipy.interpolate import CubicSpline

    source = Path(iris_sample_data.path) / "ostia_monthly.nc"
    with xr.open_dataset(source, engine="h5netcdf") as opened:
        band = opened.surface_temperature.sel(latitude=slice(-1.2, 1.2), longitude=slice(160, 270)).mean("latitude")
        band = band.load()
    days = (band.time.values - band.time.values[0]) / np.timedelta64(1, "D")
    even = np.linspace(0, days[-1], len(days))
    values = CubicSpline(days, band.values.astype(float))(even)
    phase = 2 * np.pi * even / 365.2425
    seasons = np.stack([phase**0, np.cos(phase), np.sin(phase), np.cos(2 * phase), np.sin(2 * phase)], axis=1)
    anomaly = values - seasons @ np.linalg.lstsq(seasons, values, rcond=None)[0]
    east = 111.32 * (band.longitude.values.astype(float) - 160)
    about = {"units": "K", "long_name": "anomaly of the temperature of the sea surface, mean of 1.2 S to 1.2 N"}
    return xr.Dataset(
        {"u": (("trajectory", "time", "x"), anomaly[None].astype(np.float32), about)},
        coords={
            "time": ("time", even, {"units": "day", "long_name": "time since 2006-04-16"}),
            "x": ("x", east, {"units": "km", "long_name": "distance east of 160 E along the equator"}),
        },
        attrs={
            "states": "u",
            "title": "Sea surface temperature along the equator of the Pacific",
            "source": "OSTIA monthly means (Met Office) in iris-sample-data 2.5.2; mean and two harmonics of the year "
            "taken off at each place, months interpolated to an even clock",
            "license": "British Crown copyright 2018, Open Government Licence",
        },
    )


def polar_motion() -> xr.Dataset:
    """Where the axis of rotation leaves the Earth, means of five days over fifty years, measured for the IERS."""
    import astropy_iers_data  # pyright: ignore[reportMissingImports]

    lines = Path(astropy_iers_data.IERS_A_FILE).read_text().splitlines()
    # Columns as in the package's ReadMe.finals2000A; I marks what was observed, P what was predicted.
    rows = [(line[7:15], line[18:27], line[37:46]) for line in lines if line[16] == "I"]
    day, x, y = np.array(rows, dtype=float).T
    first, last = 42778, 61037  # modified Julian days of 1 January 1976 and 28 December 2025
    kept = (day >= first) & (day <= last)
    day, x, y = (values[kept].reshape(-1, 5).mean(axis=1) for values in (day, x, y))
    about = {"units": "arcsec", "role": "state"}
    return xr.Dataset(
        {
            name: (("trajectory", "time"), values[None].astype(np.float32), {**about, "long_name": f"pole, {towards}"})
            for name, values, towards in (("x", x, "towards Greenwich"), ("y", y, "towards 90 W"))
        },
        coords={"time": ("time", day - first, {"units": "day", "long_name": "time since 1976-01-01"})},
        attrs={
            "states": "x y",
            "title": "Polar motion of the Earth, 1976 to 2025",
            "source": "IERS Bulletin A (finals2000A.all, US Naval Observatory: very long baseline interferometry, "
            "satellite and lunar laser ranging, GPS) in astropy-iers-data 0.2026.11.2.0.34.55; observed values, "
            "means of five days",
            "license": "BSD-3-Clause (package); the series is a work of the US Naval Observatory",
        },
    )


BUILDERS = {"planets": planets, "sea_surface": sea_surface, "polar_motion": polar_motion}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=list(BUILDERS))
    name = parser.parse_args().name
    path = HERE / f"{name}.nc"
    dataset = BUILDERS[name]()
    compressed = {v: {"zlib": True, "shuffle": True, "complevel": 9} for v in dataset.data_vars}
    dataset.to_netcdf(path, engine="h5netcdf", encoding=compressed)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB, sha256 {digest}")


if __name__ == "__main__":
    main()
