"""Neural networks that respect a symmetry through their weights, or learn it from a penalty (extra `neural`: torch)."""

from importlib.util import find_spec

if find_spec("torch") is None or find_spec("safetensors") is None:
    raise ImportError("networks need torch and safetensors: pip install 'symdyn-workbench[neural]'")

from symdyn.neural.augmentation import augmented, flow_along
from symdyn.neural.checkpoints import load_module, save_module
from symdyn.neural.constrained_module import constrain, stencil
from symdyn.neural.derivatives.networks import discover_network
from symdyn.neural.derivatives.penalty import LieDerivativePenalty, Ramp
from symdyn.neural.derivatives.torch_fields import to_torch
from symdyn.neural.equivariance import equivariance_error, layer_errors
from symdyn.neural.fourier import FNO, EquivariantFNO
from symdyn.neural.fourier.kernels import IntegralOperator, KernelBasis, equivariant_kernel_basis
from symdyn.neural.frames import FrameAveraged
from symdyn.neural.mlp import EquivariantMLP
from symdyn.neural.operators.models import ScaledFields, operator_model
from symdyn.neural.operators.pairs import OperatorPairs, split_trajectories
from symdyn.neural.operators.parts import symmetry_parts
from symdyn.neural.operators.scale import FieldScale, field_scale
from symdyn.neural.representations import (
    Representation,
    as_representation,
    equivariant_matrices,
    invariant_vectors,
    trivial,
)
from symdyn.neural.resampling import shifted, turned
from symdyn.neural.subequivariant import SubequivariantMLP
from symdyn.neural.training import Training, relative_error, rollout, rollout_errors, train
from symdyn.neural.weights import InSubspace

__all__ = [
    "FNO",
    "EquivariantFNO",
    "EquivariantMLP",
    "FieldScale",
    "FrameAveraged",
    "InSubspace",
    "IntegralOperator",
    "KernelBasis",
    "LieDerivativePenalty",
    "OperatorPairs",
    "Ramp",
    "Representation",
    "ScaledFields",
    "SubequivariantMLP",
    "Training",
    "as_representation",
    "augmented",
    "constrain",
    "discover_network",
    "equivariance_error",
    "equivariant_kernel_basis",
    "equivariant_matrices",
    "field_scale",
    "flow_along",
    "invariant_vectors",
    "layer_errors",
    "load_module",
    "operator_model",
    "relative_error",
    "rollout",
    "rollout_errors",
    "save_module",
    "shifted",
    "split_trajectories",
    "stencil",
    "symmetry_parts",
    "to_torch",
    "train",
    "trivial",
    "turned",
]
