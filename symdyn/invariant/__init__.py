"""Invariant regression on manifolds: kernels, series of eigenfunctions, and what invariance is worth in samples.

Nothing here depends on dynamics.
"""

from symdyn.invariant.gain import SampleGain, orbit_dimension, sample_gain
from symdyn.invariant.isometry_groups.point_groups import point_group
from symdyn.invariant.kernel import InvariantKernelRidge, SpectralAveraging
from symdyn.invariant.manifolds import Box, Product, Sphere, Torus

__all__ = [
    "Box",
    "InvariantKernelRidge",
    "Product",
    "SampleGain",
    "SpectralAveraging",
    "Sphere",
    "Torus",
    "orbit_dimension",
    "point_group",
    "sample_gain",
]
