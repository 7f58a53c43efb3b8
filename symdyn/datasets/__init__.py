"""Measured data that ship with symdyn: a function each, which opens them as `symdyn.open_trajectories` does.

It must not know what anybody looks for in them.
"""

from symdyn.datasets.shipped import NAMES, path, planets, polar_motion, sea_surface

__all__ = ["NAMES", "path", "planets", "polar_motion", "sea_surface"]
