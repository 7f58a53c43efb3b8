"""Fourier neural operators whose layers commute with values, with motions of the grid, or with both at once."""

from symdyn.neural.fourier.fno import FNO, EquivariantFNO

__all__ = ["FNO", "EquivariantFNO"]
