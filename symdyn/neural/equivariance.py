"""How far a network is from a symmetry, as a whole and layer by layer."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

import numpy as np
import torch
import xarray as xr
from torch import nn

from symdyn.neural.autograd import full_precision
from symdyn.neural.checks import check_callable, check_module, chosen_device, numbers
from symdyn.neural.representations import Representation, RepresentationLike, as_representation, matched

__all__ = ["equivariance_error", "layer_errors"]

_Values = TypeVar("_Values", torch.Tensor, dict[str, torch.Tensor])


def equivariance_error(
    module: nn.Module | Callable, x, representation_in, representation_out=None, *, device=None, dtype=None
) -> xr.DataArray:
    """Measure how much F violates F(g x) = g' F(x), for each generator and each finite element.

    For generators, with Df exact (one forward-mode derivative), means over samples:

        e^2 = |DF A x − B F|^2 / (|DF A x|^2 + |B F|^2 + (n / m) |F|^2 |A x|^2 / |x|^2),

    for n numbers in and m out: the violation of `discover_network`, with the size of x for the spread of each state
    and, where values are invariant, the size of F for their spread.
    For elements |F(g x) − g' F(x)| / |F|.

    Parameters
    ----------
    module : nn.Module or callable
        From `(batch, in, ...)` to `(batch, out, ...)`. It is evaluated as it is: in its dtype, on its device, and in
        its current mode (training or evaluation), but never in half precision, in which rounding hides a symmetry: a
        copy of a module in bfloat16 or float16 is evaluated in double precision, and autocast is switched off.
    x : Tensor or ndarray, `(batch, in, ...)`
        The representations act on the second index.
    representation_in, representation_out : see `symdyn.neural.as_representation`
        Values transform like x by default, as in `constrain`; "invariant" for invariant values.
    device : str, optional
        Where a copy of the module is evaluated, such as "cuda"; by default the module where it is.
    dtype : torch.dtype, optional
        In which a copy of the module is evaluated, such as `torch.float64`; by default its own.

    Returns
    -------
    xr.DataArray, `(symmetry,)`
        Labels `generator 0 ...`, then `element 0 ...`.

    Raises
    ------
    ValueError
        For representations that do not match x, the values or each other, a device that is not available, and
        for values that are not finite.

    Examples
    --------
    >>> import torch
    >>> import symdyn as sd
    >>> from symdyn.neural import constrain, equivariance_error
    >>> _ = torch.manual_seed(0)
    >>> so2, x = sd.candidates.so(2), torch.randn(100, 2)
    >>> plain, inside = torch.nn.Linear(2, 2), constrain(torch.nn.Linear(2, 2), so2)
    >>> [float(equivariance_error(layer, x, so2)[0]) < 1e-6 for layer in (plain, inside)]
    [False, True]
    """
    check_callable(module)
    where = None if device is None else chosen_device(device)
    module = _placed(module, where, dtype)
    points = _as_tensor(x, module)
    if not isinstance(module, nn.Module):
        points = points.to(device=where, dtype=dtype)
    return _error(module, points, representation_in, representation_out)


def _placed(
    module: nn.Module | Callable, device: torch.device | None, dtype: torch.dtype | None
) -> nn.Module | Callable:
    """Return the module, or a copy on another device and in another dtype where one is asked for."""
    if not isinstance(module, nn.Module):
        return module
    halves = (torch.bfloat16, torch.float16)
    if dtype is None and any(p.dtype in halves for p in module.parameters()):
        dtype = torch.float64
    return module if device is None and dtype is None else copy.deepcopy(module).to(device=device, dtype=dtype)


@full_precision
def _error(module: nn.Module | Callable, points: torch.Tensor, representation_in, representation_out) -> xr.DataArray:
    with torch.no_grad():
        values = module(points)
    if not torch.isfinite(values).all():
        raise ValueError("the values of the module at x are not finite")
    if representation_out is None:
        if values.shape[1] != points.shape[1]:
            raise ValueError(
                f"representation_out is left out, which takes as many values as inputs, not {values.shape[1]} and "
                f"{points.shape[1]}; give it, such as 'invariant'"
            )
        representation_out = representation_in
    first, second = _matched(representation_in, representation_out, points.shape[1], values.shape[1])
    errors = []
    for moved_in, moved_out in zip(first.generators, second.generators, strict=True):
        velocity = _move(moved_in, points)
        transported = _derivative(module, points, velocity).detach()
        errors.append(_relative(transported, _move(moved_out, values), points, velocity, values))
    for element_in, element_out in zip(first.elements, second.elements, strict=True):
        with torch.no_grad():
            there = module(_move(element_in, points))
        errors.append(_ratio(there - _move(element_out, values), _mean_square(values)))
    return xr.DataArray(errors, {"symmetry": _labels(first)}, "symmetry", name="equivariance_error")


def layer_errors(
    module: nn.Module, x, representation_in, representations: Mapping | None = None, *, layers=None
) -> xr.DataArray:
    """Measure how far the map from the input to each layer's output is from any linear action on that output.

    For each layer, the matrix B (or g') is the given one or the least-squares fit to half of the samples; the error is
    measured on the other half, normalised as in `equivariance_error`. If errors are small before a layer and large from
    it on, that layer breaks the symmetry.

    Parameters
    ----------
    module : nn.Module
    x : Tensor or ndarray, `(batch, in)`
        More than twice as many samples as a layer has outputs.
    representation_in : see `symdyn.neural.as_representation`
    representations : mapping of str, optional
        Known representations of layers, by name; "invariant" for invariant outputs.
    layers : sequence of str, optional
        Names of submodules; by default all submodules without children, and the whole module (``""``).

    Returns
    -------
    xr.DataArray, `(layer, symmetry)`
        NaN where the samples are too few for a fit.

    Raises
    ------
    ValueError
        For x that is not a matrix, and for layers that do not exist, are not called exactly once, or do not return
        `(batch, out)`.

    Examples
    --------
    >>> import torch
    >>> import symdyn as sd
    >>> from symdyn.neural import layer_errors
    >>> _ = torch.manual_seed(0)
    >>> module = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh())
    >>> x, so2 = torch.randn(200, 2), sd.candidates.so(2)
    >>> errors = layer_errors(module, x, so2, layers=["0", "1"]).sel(symmetry="generator 0")
    >>> errors.layer[errors > 0.1].values.tolist()  # Tanh breaks it
    ['1']
    """
    check_module(module)
    points, known = _as_tensor(x, module), dict(representations or {})
    if points.ndim != 2:
        raise ValueError(f"x must have shape (batch, in), got {tuple(points.shape)}")
    names = _layer_names(module, layers, known)
    run = _recorded(module, names)
    values = run(points)
    symmetries = as_representation(representation_in, points.shape[1], "representation_in")
    n_generators = len(symmetries.generators)
    asked = {name: values[name].shape[1] for name in known if name in values}
    given = {name: _matched(symmetries, known[name], points.shape[1], n)[1] for name, n in asked.items()}
    table = np.full((len(names), n_generators + len(symmetries.elements)), np.nan)
    for k, matrix in enumerate([*symmetries.generators, *symmetries.elements]):
        displaced = _move(matrix, points)
        velocity = displaced if k < n_generators else None
        moved = run(displaced) if velocity is None else _derivative(run, points, velocity)
        for row, name in zip(table, names, strict=True):
            row[k] = _layer_error(values[name], moved[name], points, velocity, _matrix_of(given.get(name), k))
    coords = {"layer": names, "symmetry": _labels(symmetries)}
    return xr.DataArray(table, coords, ("layer", "symmetry"), name="equivariance_error")


def _layer_names(
    module: nn.Module, layers: Collection[str] | None, known: Mapping[str, RepresentationLike]
) -> list[str]:
    """Return the names of the layers asked for, checked."""
    if layers is None:
        leaves = [name for name, part in module.named_modules() if not list(part.children())]
        layers = dict.fromkeys([*leaves, *known, ""])
    every = {name for name, _ in module.named_modules()}
    missing = [name for name in (*layers, *known) if name not in every]
    if missing:
        raise ValueError(f"the module has no layer {missing[0]!r}")
    return list(layers)


def _derivative(function: Callable[[torch.Tensor], _Values], points: torch.Tensor, velocity: torch.Tensor) -> _Values:
    """Compute the derivatives of all that the function returns, along the velocity."""
    return torch.func.jvp(function, (points,), (velocity,))[1]


def _matrix_of(representation: Representation | None, index: int) -> np.ndarray | None:
    """Return the matrix of a generator or, after these, of an element."""
    if representation is None:
        return None
    return [*representation.generators, *representation.elements][index]


def _layer_error(
    values: torch.Tensor,
    moved: torch.Tensor,
    points: torch.Tensor,
    velocity: torch.Tensor | None,
    matrix: np.ndarray | torch.Tensor | None,
) -> float:
    """Compute the error of one layer under one symmetry; a matrix that is not known is fitted on the first half."""
    values, moved = values.detach().double(), moved.detach().double()
    held = slice(None)
    if matrix is None:
        half = len(values) // 2
        if half <= values.shape[1]:
            return np.nan
        # Pseudo-inverse: outputs of a layer are often dependent.
        matrix = (torch.linalg.pinv(values[:half], rtol=1e-8) @ moved[:half]).T
        held = slice(half, None)
    carried, there, here = _move(matrix, values)[held], moved[held], values[held]
    if velocity is None:
        return _ratio(there - carried, _mean_square(here))
    return _relative(there, carried, points[held].double(), velocity[held].double(), here)


def _recorded(module: nn.Module, names: Sequence[str]) -> Callable[[torch.Tensor], dict[str, torch.Tensor]]:
    """Build the function from inputs to the outputs of submodules by name, of a copy of the module."""
    module = copy.deepcopy(module)
    found: dict[str, torch.Tensor] = {}

    def keep(name: str) -> Callable[[nn.Module, tuple[torch.Tensor, ...], torch.Tensor], None]:
        def hook(_: nn.Module, __: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
            if name in found:
                raise ValueError(f"layer {name!r} is called more than once; leave it out by layers=")
            if not isinstance(output, torch.Tensor) or output.ndim != 2:
                raise ValueError(f"layer {name!r} does not return one tensor (batch, out); leave it out by layers=")
            found[name] = output

        return hook

    for name in names:
        module.get_submodule(name).register_forward_hook(keep(name))

    def run(points: torch.Tensor) -> dict[str, torch.Tensor]:
        found.clear()
        module(points)
        absent = [name for name in names if name not in found]
        if absent:
            raise ValueError(f"layer {absent[0]!r} is not called; leave it out by layers=")
        return dict(found)

    return run


def _relative(
    transported: torch.Tensor,
    carried: torch.Tensor,
    points: torch.Tensor,
    velocity: torch.Tensor,
    values: torch.Tensor,
) -> float:
    share = points[0].numel() / values[0].numel()
    displaced = share * _mean_square(values) * _mean_square(velocity) / max(_mean_square(points), 1e-300)
    return _ratio(transported - carried, _mean_square(transported) + _mean_square(carried) + displaced)


def _ratio(difference: torch.Tensor, size: float) -> float:
    return float(np.sqrt(_mean_square(difference) / max(size, 1e-300)))


def _mean_square(tensor: torch.Tensor) -> float:
    return float(tensor.detach().double().pow(2).sum() / len(tensor))


def _move(matrix: np.ndarray | torch.Tensor, tensor: torch.Tensor) -> torch.Tensor:
    """Apply a matrix to the second index."""
    if not isinstance(matrix, torch.Tensor):
        matrix = torch.from_numpy(np.array(matrix))
    matrix = matrix.to(tensor)
    return torch.einsum("oi,bi...->bo...", matrix, tensor)


def _matched(
    rep_in: RepresentationLike, rep_out: RepresentationLike, n_in: int, n_out: int
) -> tuple[Representation, Representation]:
    first = as_representation(rep_in, n_in, "representation_in")
    return matched(first, as_representation(rep_out, n_out, "representation_out"))


def _labels(representation: Representation) -> list[str]:
    kinds = (("generator", representation.generators), ("element", representation.elements))
    return [f"{kind} {k}" for kind, matrices in kinds for k in range(len(matrices))]


def _as_tensor(x: torch.Tensor | np.ndarray, module: nn.Module | Callable) -> torch.Tensor:
    """Return x as a tensor in the dtype and on the device of the module."""
    tensor = x if isinstance(x, torch.Tensor) else torch.from_numpy(numbers("x", x))
    like = next(module.parameters(), None) if isinstance(module, nn.Module) else None
    if like is not None and not like.is_complex():
        tensor = tensor.to(like)
    if tensor.ndim < 2:
        raise ValueError(f"x must have shape (batch, in, ...), got {tuple(tensor.shape)}")
    return tensor
