"""Measured data that ship with symdyn: one function each, which opens them as `symdyn.open_trajectories` does.

Nothing here depends on how the data are analysed.
"""

from symdyn.datasets.shipped import NAMES, path, planets, polar_motion, sea_surface

__all__ = ["NAMES", "path", "planets", "polar_motion", "sea_surface"]
