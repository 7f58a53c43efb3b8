"""Models that keep a symmetry."""

from symdyn.regression.sindy import EquivariantOptimizer, SymmetricSINDy

__all__ = ["EquivariantOptimizer", "SymmetricSINDy"]
