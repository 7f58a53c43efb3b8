"""Models that respect a symmetry."""

from symdyn.invariant.gain import SampleGain, orbit_dimension, sample_gain
from symdyn.invariant.isometry_groups.point_groups import point_group
from symdyn.invariant.kernel import InvariantKernelRidge, SpectralAveraging
from symdyn.invariant.manifolds import Box, Product, Sphere, Torus
from symdyn.promotion import PromotedRegressor, Promotion, promote, promotion_path
from symdyn.regression.discovered import SymmetricFit, discover_then_fit
from symdyn.regression.fitted import FittedLaw, law_of
from symdyn.regression.model_selection import Pareto, pareto, subalgebras
from symdyn.regression.moments_fit import fit_moments
from symdyn.regression.pde import PDERegression
from symdyn.regression.sindy import EquivariantOptimizer, SymmetricSINDy

__all__ = [
    "Box",
    "EquivariantOptimizer",
    "FittedLaw",
    "InvariantKernelRidge",
    "PDERegression",
    "Pareto",
    "Product",
    "PromotedRegressor",
    "Promotion",
    "SampleGain",
    "SpectralAveraging",
    "Sphere",
    "SymmetricFit",
    "SymmetricSINDy",
    "Torus",
    "discover_then_fit",
    "fit_moments",
    "law_of",
    "orbit_dimension",
    "pareto",
    "point_group",
    "promote",
    "promotion_path",
    "sample_gain",
    "subalgebras",
]
