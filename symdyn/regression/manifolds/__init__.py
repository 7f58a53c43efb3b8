"""Compact manifolds with known eigenfunctions of the Laplacian: tori, spheres, boxes with walls, and their products."""

from symdyn.regression.manifolds.box import Box
from symdyn.regression.manifolds.eigenspaces import Eigenspace, Manifold
from symdyn.regression.manifolds.product import Product
from symdyn.regression.manifolds.sphere import Sphere
from symdyn.regression.manifolds.torus import Torus

__all__ = ["Box", "Eigenspace", "Manifold", "Product", "Sphere", "Torus"]
