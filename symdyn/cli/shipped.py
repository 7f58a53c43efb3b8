"""The data set that ships with the package."""

from __future__ import annotations

from pathlib import Path

__all__ = ["planets_file"]


def planets_file() -> Path:
    """Return the file of the planets: inside an installed package, beside the package in a clone.

    Raises
    ------
    FileNotFoundError
        If the installation has lost it.
    """
    package = Path(__file__).parents[1]
    places = [folder / "datasets" / "planets.nc" for folder in (package, package.parent)]
    for place in places:
        if place.is_file():
            return place
    raise FileNotFoundError(f"the data of the planets are missing, {places[0]}: reinstall symdyn-workbench")
