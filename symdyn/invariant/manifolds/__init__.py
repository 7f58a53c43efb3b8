"""Compact manifolds with known eigenfunctions of the Laplacian: tori, spheres, boxes with walls, and their products."""

from symdyn.invariant.manifolds.box import Box
from symdyn.invariant.manifolds.eigenspaces import Eigenspace, Manifold
from symdyn.invariant.manifolds.product import Product
from symdyn.invariant.manifolds.sphere import Sphere
from symdyn.invariant.manifolds.torus import Torus

__all__ = ["Box", "Eigenspace", "Manifold", "Product", "Sphere", "Torus"]
