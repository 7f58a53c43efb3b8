"""How generators move states and fields, in torch.

A generator v = xi ∂x + phi ∂u moves a field u(x) by its characteristic (Olver, Applications of Lie groups to
differential equations, 1993, section 5.1), and a state, which is a field on a single point, by phi:

    X(u) = phi(x, u) − xi(x, u) . grad u.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.candidates import from_matrices
from symdyn.lie.prolongation import affine_parts
from symdyn.lie.vectorfields import Generators
from symdyn.neural.autograd import full_precision
from symdyn.neural.checks import check_tensor
from symdyn.neural.derivatives.torch_fields import FeatureModule
from symdyn.neural.representations import Representation

__all__ = ["Action", "as_generators", "rates_of_time", "spectral_derivative"]


def as_generators(given, name: str = "algebra") -> Generators:
    """Make Generators of a LieAlgebra, Generators, a Representation without elements, or matrices `(generator, n, n)`.

    Raises
    ------
    TypeError, ValueError
        For anything else, and where there is no generator.
    """
    if isinstance(given, LieAlgebra):
        given = given.basis
    if isinstance(given, Representation):
        if len(given.elements):
            raise ValueError(f"{name}: finite elements have no Lie derivative; use constrain or frame averaging")
        given = given.generators
    if isinstance(given, Sequence | np.ndarray) and not isinstance(given, str):
        given = from_matrices(given)
    if not isinstance(given, Generators):
        raise TypeError(f"{name} must be a LieAlgebra, Generators or matrices, got {type(given).__name__}")
    if not len(given):
        raise ValueError(f"{name} holds no generator")
    if not np.all(np.isfinite(given.coefficients)):
        raise ValueError(f"{name} holds NaN or infinity")
    return given


class Action(nn.Module):
    """u -> X_k(u) `(generator, *u.shape)` for states `(batch, n)` or fields `(batch, channel, *grid)`.

    Parameters
    ----------
    generators : Generators
        On the states or channels, or, with `space`, on coordinates, time `t` and channels, in this order of channels.
    space : mapping of str to float or (float, float), optional
        Which states of the generators are coordinates, in the order of the axes of the grid, with the period of the
        box or its two ends, the second no point of the grid. Fields must be periodic; a generator such as a rotation
        of the box asks that they vanish near its faces.
    time : float
        Value of the time `t`.

    Raises
    ------
    ValueError
        For coordinates that the generators do not have, and generators that move the time `t` at the given time.
    """

    def __init__(self, generators: Generators, space: Mapping | None = None, time: float = 0.0):
        super().__init__()
        if space is not None and not isinstance(space, Mapping):
            raise TypeError(f"space must map names of coordinates to periods, such as {{'x': 1.0}}, got {space!r}")
        self.boxes = {} if space is None else {name: _box(name, ends) for name, ends in space.items()}
        self.states, self.time = generators.states, float(time)
        missing = [name for name in self.boxes if name not in self.states]
        if missing:
            raise ValueError(f"space names {', '.join(missing)}; the generators act on {', '.join(self.states)}")
        _check_time(generators, bool(self.boxes), self.time)
        self.places = [self.states.index(name) for name in self.boxes]
        used = {*self.places, *([self.states.index("t")] if self.boxes and "t" in self.states else [])}
        self.channels = [i for i in range(len(self.states)) if i not in used]
        self.features = FeatureModule(generators.features, len(self.states))
        coefficients = torch.from_numpy(np.array(generators.coefficients, dtype=float))
        self.register_buffer("coefficients", coefficients, persistent=False)
        self.register_buffer("matrices", None if self.boxes else _linear_parts(generators), persistent=False)

    @full_precision
    def forward(self, u: Tensor) -> Tensor:
        """Compute X_k(u) `(generator, *u.shape)`."""
        self._check(u)
        values = self.features(self._points(u))
        # (generator, state, ..., batch, *grid): the axis of states stands where that of channels was
        moved = torch.einsum("kif,b...f->kbi...", self.coefficients.to(device=u.device, dtype=u.dtype), values)
        change = moved[:, :, self.channels]
        for axis, (place, name) in enumerate(zip(self.places, self.boxes, strict=True)):
            start, stop = self.boxes[name]
            change = change - moved[:, :, place, None] * spectral_derivative(u, axis + 2, stop - start)
        return change

    def derivative(self, u: Tensor, w: Tensor) -> Tensor:
        """Compute D X_k(u) w `(generator, *u.shape)`."""
        if self.matrices is None:
            return torch.func.jvp(self.forward, (u,), (w,))[1]
        return torch.einsum("kij,bj...->kbi...", self.matrices.to(device=w.device, dtype=w.dtype), w)

    def _points(self, u: Tensor) -> Tensor:
        """Return coordinates, time and values at every point, `(batch, *grid, state)`."""
        values = u.movedim(1, -1)
        if not self.boxes:
            return values
        full = dict(zip(self.channels, values.unbind(-1), strict=True))
        for axis, (place, (start, stop)) in enumerate(zip(self.places, self.boxes.values(), strict=True)):
            size = u.shape[axis + 2]
            line = start + (stop - start) / size * torch.arange(size, device=u.device, dtype=u.dtype)
            shape = [1] * (values.ndim - 1)
            shape[axis + 1] = size
            full[place] = line.reshape(shape).expand(values.shape[:-1])
        now = torch.full(values.shape[:-1], self.time, device=u.device, dtype=u.dtype)
        return torch.stack([full.get(i, now) for i in range(len(self.states))], dim=-1)

    def _check(self, u: Tensor) -> None:
        check_tensor("u", u)
        if u.ndim < 2 or u.shape[1] != len(self.channels):
            names = ", ".join(self.states[i] for i in self.channels)
            raise ValueError(f"fields must be (batch, {len(self.channels)} [{names}], ...), got {tuple(u.shape)}")
        if self.boxes and u.ndim != len(self.boxes) + 2:
            raise ValueError(f"space names {len(self.boxes)} axes, the field {tuple(u.shape)} has {u.ndim - 2}")


def rates_of_time(generators: Generators) -> np.ndarray:
    """Find tau_k `(generator,)` with t -> t + eps tau_k t, from the generators' rates or what they do to a state `t`.

    Raises
    ------
    ValueError
        For generators that change time otherwise than at a constant rate.
    """
    if "t" not in generators.states:
        return generators.time_scaling
    place = generators.states.index("t")
    slopes = generators.jacobians(np.random.default_rng(0).standard_normal((20, len(generators.states))))[:, place]
    rates = slopes[0, place].copy()
    constant = np.zeros_like(slopes)
    constant[:, place] = rates
    if np.abs(slopes - constant).max(initial=0.0) > 1e-9:
        raise ValueError("a generator changes the time at a rate that is not constant: leave it out")
    return rates


def spectral_derivative(u: Tensor, axis: int, period: float) -> Tensor:
    """Compute du/dx along an axis of a periodic grid, by Fourier series; the Nyquist mode of even grids has none."""
    size = u.shape[axis]
    modes = torch.fft.rfftfreq(size, period / size, device=u.device, dtype=u.dtype) * (2 * torch.pi)
    if size % 2 == 0:
        modes[-1] = 0.0
    shape = [1] * u.ndim
    shape[axis] = len(modes)
    return torch.fft.irfft(torch.fft.rfft(u, dim=axis) * (1j * modes.reshape(shape)), n=size, dim=axis)


def _linear_parts(generators: Generators) -> Tensor | None:
    """Return the matrices `(generator, n, n)` of affine generators, None for others."""
    try:
        return torch.from_numpy(affine_parts(generators)[1].copy())
    except ValueError:
        return None


def _box(name: str, ends: float | Sequence[float]) -> tuple[float, float]:
    start, stop = (0.0, float(ends)) if np.ndim(ends) == 0 else map(float, ends)
    if not 0 < stop - start < np.inf:
        raise ValueError(f"space: the box along {name} must have a positive length, got {ends}")
    return start, stop


def _check_time(generators: Generators, on_fields: bool, time: float) -> None:
    """Refuse generators that move the time: fields at one time say nothing about how they change by t -> t + tau."""
    rates = np.zeros(len(generators))
    if on_fields and "t" in generators.states:
        place = generators.states.index("t")
        points = np.random.default_rng(0).standard_normal((20, len(generators.states)))
        points[:, place] = time
        rates = np.abs(generators.values(points)[:, place]).max(axis=0)
    if np.any(rates > 1e-12):
        text = generators.texts()[int(np.argmax(rates))]
        raise ValueError(
            f"{text} moves the time t = {time:g} of the field, which one field does not show: leave it out"
        )
