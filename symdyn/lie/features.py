"""Spaces of functions: values, exact Jacobians, names, and which of them belong together.

`Polynomial`, `Monomials`, `Fourier`, `CentralForce` (q |q|^-k), `Radial` (|q|^-k), pysindy libraries (`from_library`),
and sums of them. Spaces of one's own derive from `Features`.
"""

from __future__ import annotations

from symdyn.lie.fourier import Fourier
from symdyn.lie.monomials import (
    Monomials,
    Polynomial,
    monomial_jacobian,
    monomial_name,
    monomials,
    polynomial_exponents,
)
from symdyn.lie.radial import CentralForce, Radial
from symdyn.lie.space import Features, Sum

__all__ = [
    "CentralForce",
    "Features",
    "Fourier",
    "Monomials",
    "Polynomial",
    "Radial",
    "Sum",
    "from_library",
    "monomial_jacobian",
    "monomial_name",
    "monomials",
    "polynomial_exponents",
]


def from_library(library) -> Features:
    """A pysindy feature library as `Features`, with exact Jacobians; see `symdyn.lie.libraries`."""
    from symdyn.lie.libraries import features_of_library

    return features_of_library(library)
