"""symdyn: find the symmetries of a dynamical system in its trajectories, and build models that respect them.

Names are loaded when first used: `import symdyn` loads neither torch nor pysindy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what __getattr__ does when run, for editors and type checkers
    from symdyn import datasets, invariant, neural, promotion, regression, systems
    from symdyn.data.trajectories import open_trajectories
    from symdyn.discovery.conservation.conserved_quantities import conserved_quantities
    from symdyn.discovery.distribution.distribution import discover_distribution
    from symdyn.discovery.function import discover_function
    from symdyn.discovery.genericity import samples_needed
    from symdyn.discovery.manifold import discover_manifold
    from symdyn.discovery.noether import noether_pairing
    from symdyn.discovery.point.point_symmetry import PointSymmetryDiscovery
    from symdyn.discovery.symmetry import SymmetryDiscovery
    from symdyn.functions import features
    from symdyn.lie import candidates, groups
    from symdyn.lie.algebras.algebra import LieAlgebra
    from symdyn.lie.algebras.conserved import conserved
    from symdyn.lie.constraints.equivariance import equivariant_subspace
    from symdyn.lie.constraints.intertwiners import intertwiners
    from symdyn.lie.constraints.stabiliser import stabiliser
    from symdyn.lie.constraints.subspace import Subspace
    from symdyn.lie.vectorfields import VectorField
    from symdyn.reporting.pages.plotted import plot
    from symdyn.reporting.pages.result_page import report
    from symdyn.versions import show_versions

_HOMES = {
    "LieAlgebra": "symdyn.lie.algebras.algebra",
    "PointSymmetryDiscovery": "symdyn.discovery.point.point_symmetry",
    "Subspace": "symdyn.lie.constraints.subspace",
    "SymmetryDiscovery": "symdyn.discovery.symmetry",
    "VectorField": "symdyn.lie.vectorfields",
    "conserved": "symdyn.lie.algebras.conserved",
    "conserved_quantities": "symdyn.discovery.conservation.conserved_quantities",
    "discover_distribution": "symdyn.discovery.distribution.distribution",
    "discover_function": "symdyn.discovery.function",
    "discover_manifold": "symdyn.discovery.manifold",
    "equivariant_subspace": "symdyn.lie.constraints.equivariance",
    "intertwiners": "symdyn.lie.constraints.intertwiners",
    "noether_pairing": "symdyn.discovery.noether",
    "open_trajectories": "symdyn.data.trajectories",
    "plot": "symdyn.reporting.pages.plotted",
    "report": "symdyn.reporting.pages.result_page",
    "samples_needed": "symdyn.discovery.genericity",
    "show_versions": "symdyn.versions",
    "stabiliser": "symdyn.lie.constraints.stabiliser",
}
_MODULES = {
    "candidates": "symdyn.lie.candidates",
    "datasets": "symdyn.datasets",
    "features": "symdyn.functions.features",
    "groups": "symdyn.lie.groups",
    "invariant": "symdyn.invariant",
    "neural": "symdyn.neural",
    "promotion": "symdyn.promotion",
    "regression": "symdyn.regression",
    "systems": "symdyn.systems",
}

__all__ = [
    "LieAlgebra",
    "PointSymmetryDiscovery",
    "Subspace",
    "SymmetryDiscovery",
    "VectorField",
    "candidates",
    "conserved",
    "conserved_quantities",
    "datasets",
    "discover_distribution",
    "discover_function",
    "discover_manifold",
    "equivariant_subspace",
    "features",
    "groups",
    "intertwiners",
    "invariant",
    "neural",
    "noether_pairing",
    "open_trajectories",
    "plot",
    "promotion",
    "regression",
    "report",
    "samples_needed",
    "show_versions",
    "stabiliser",
    "systems",
]


def __getattr__(name: str):
    if name == "__version__":
        from importlib.metadata import version

        return version("symdyn-workbench")
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'symdyn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def _warn_of_namesake() -> None:
    """Another distribution called `symdyn` installs files into the same package; say so if it is there."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        distribution("symdyn")
    except PackageNotFoundError:
        return
    import warnings

    warnings.warn(
        "the distribution 'symdyn' (a quantum Lie algebra package) is installed beside 'symdyn-workbench' and "
        "overwrites its files; uninstall it and reinstall symdyn-workbench",
        stacklevel=3,
    )


_warn_of_namesake()
