"""Neural networks that keep a symmetry by their weights, or learn it by a penalty (extra `neural`: torch)."""

from symdyn.neural.augmentation import augmented, flow_along
from symdyn.neural.checkpoints import load_module, save_module
from symdyn.neural.constraint import constrain, stencil
from symdyn.neural.equivariance import equivariance_error, layer_errors
from symdyn.neural.fno import FNO, EquivariantFNO
from symdyn.neural.frames import FrameAveraged
from symdyn.neural.kernels import IntegralOperator, KernelBasis, equivariant_kernel_basis
from symdyn.neural.mlp import EquivariantMLP
from symdyn.neural.networks import discover_network
from symdyn.neural.penalty import LieDerivativePenalty, Ramp
from symdyn.neural.representations import (
    Representation,
    as_representation,
    equivariant_matrices,
    invariant_vectors,
    trivial,
)
from symdyn.neural.resampling import shifted, turned
from symdyn.neural.subequivariant import SubequivariantMLP
from symdyn.neural.torch_fields import to_torch
from symdyn.neural.weights import InSubspace

__all__ = [
    "FNO",
    "EquivariantFNO",
    "EquivariantMLP",
    "FrameAveraged",
    "InSubspace",
    "IntegralOperator",
    "KernelBasis",
    "LieDerivativePenalty",
    "Ramp",
    "Representation",
    "SubequivariantMLP",
    "as_representation",
    "augmented",
    "constrain",
    "discover_network",
    "equivariance_error",
    "equivariant_kernel_basis",
    "equivariant_matrices",
    "flow_along",
    "invariant_vectors",
    "layer_errors",
    "load_module",
    "save_module",
    "shifted",
    "stencil",
    "to_torch",
    "trivial",
    "turned",
]
