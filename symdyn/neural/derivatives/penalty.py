"""`LieDerivativePenalty`: a loss term that asks any network to respect a symmetry.

With X_k the change of the input under the generator v_k and Y_k that of the output, the Lie derivative of a network F
is

    L_k F (u) = DF(u) X_k(u) − Y_k,

Y_k = X_k(F(u)) for a map, D X_k(u) F(u) − tau_k F(u) for a rate of change, 0 for an invariant. One jvp gives F and L.
G. Benton et al. measure networks by it (arXiv 2210.02984); its nuclear norm over generators is the convex surrogate of
the number of broken symmetries (S. Otto et al., arXiv 2311.00212).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from symdyn.lie.vectorfields import Generators
from symdyn.neural.autograd import full_precision
from symdyn.neural.checks import check_callable, check_count, check_tensor, chosen_device
from symdyn.neural.derivatives.actions import Action, as_generators, rates_of_time
from symdyn.neural.derivatives.directional import directional_derivatives

__all__ = ["LieDerivativePenalty", "Ramp"]

# Of the size of the outputs: where the logarithm bends, between generators to keep and generators to release.
_KNEE = 0.05
_OUTPUTS = {"vector_field": True, "map": True, "invariant": False}  # whether values move
_LIKE_STATES = frozenset({"map"})  # next states, which the action moves like the states


class LieDerivativePenalty:
    """Compute the mean square of the Lie derivatives of a network, or their nuclear norm.

    Generators are first made orthonormal in the motion that they give the batch: with G_jk the mean of X_j X_k over
    samples and states, each state relative to its root mean square, and C C^T = G^+, the penalty depends neither on
    the basis of the algebra nor on the units of the inputs, and has those of the outputs:

        penalty = |L C|^2 / p   (mean over samples and outputs),        nuclear:  sum of singular values of L C.

    Like any mean square loss, it weights outputs by their units, so scale outputs of different units first. The root
    mean square of a state is taken about 0; shift states whose mean is large compared with their spread, and the
    generators with them.

    Parameters
    ----------
    algebra : LieAlgebra, Generators, or array `(generator, n, n)`
        On states or channels, translations and nonlinear fields included; with `space`, on coordinates and channels,
        such as point symmetries as they were found (states `t`, `x`, `u`).
    space : mapping of str to float or (float, float), optional
        Coordinates among the states of the algebra, with the periods or ends of the box; see `Action`.
    nuclear : bool or "log"
        Whether to select the candidates that the network respects. "log" is recommended: it takes log(1 + s / d) for
        each singular value s, with d one twentieth of the size of the outputs, which gives up broken symmetries (and is
        not convex in any model). True is the nuclear norm. Its slope is the same for all s, so where most candidates
        are broken it shrinks the whole network and spoils the fit, even if it is taken relative to the outputs.
    output : {"vector_field", "map", "invariant"} or an algebra with as many generators
        What the network returns: the rate of change of its input, a state or field of the same kind, invariant numbers,
        or values that other generators move. "map" if `times` are given, "vector_field" if not.
    times : (float, float), optional
        Times of the input and output fields, for generators that depend on time, such as t ∂x + ∂u.
    n_generators : int, optional
        Number of random directions of the algebra to use in each step instead of all (unbiased); not with `nuclear`.
    n_samples : int, optional
        Number of random samples of a batch at which to take derivatives (unbiased); all by default. Half of them save a
        fifth to a third of a step. Only for networks that treat each sample by itself: batch normalisation does not.
    rng : int
        Seed of these directions and samples.
    device : str
        Where the generators lie; they follow the data to another device.

    Raises
    ------
    ValueError
        For generators that rescale time where the output is a map, and arguments that do not go together.

    Examples
    --------
    >>> import torch
    >>> import symdyn as sd
    >>> from symdyn.neural import LieDerivativePenalty
    >>> _ = torch.manual_seed(0)
    >>> penalty, x = LieDerivativePenalty(sd.candidates.so(2)), torch.randn(64, 2)
    >>> penalty(lambda x: x * x.square().sum(1, keepdim=True), x).item() < 1e-10
    True
    >>> penalty(torch.nn.Linear(2, 2), x).item() > 0.01
    True
    """

    def __init__(
        self,
        algebra,
        *,
        space: Mapping | None = None,
        nuclear: bool | str = False,
        output=None,
        times: tuple[float, float] | None = None,
        n_generators: int | None = None,
        n_samples: int | None = None,
        rng: int = 0,
        device: str = "cpu",
    ):
        for name, number, least in (("n_samples", n_samples, 1), ("n_generators", n_generators, 1), ("rng", rng, 0)):
            if number is not None:
                check_count(name, number, least)
        if times is not None and np.shape(times) != (2,):
            raise ValueError(f"times must be those of the input and output fields, (float, float), got {times!r}")
        self.generators = as_generators(algebra)
        self.output = ("vector_field" if times is None else "map") if output is None else output
        start, stop = (0.0, 0.0) if times is None else times
        self.action = Action(self.generators, space, start)
        self.output_action = self._output_action(space, stop)
        self.rates = torch.as_tensor(rates_of_time(self.generators) if space else self.generators.time_scaling)
        if self.output_action is not None and not space and torch.any(self.rates != 0):
            raise ValueError("a generator rescales time, which only output='vector_field' shows: leave it out")
        if nuclear not in (False, True, "log"):
            raise ValueError(f"nuclear must be True, False or 'log', got {nuclear!r}")
        count = len(self.generators)
        if n_generators is not None and (nuclear or not 1 <= n_generators <= count):
            raise ValueError(f"n_generators must be 1 ... {count}, and the nuclear norm takes all; got {n_generators}")
        self.nuclear, self.n_generators, self.n_samples = nuclear, n_generators, n_samples
        self.random = torch.Generator().manual_seed(rng)
        self.to(chosen_device(device))

    def to(self, device: torch.device | str) -> LieDerivativePenalty:
        """Move the generators to a device; random numbers are drawn on the CPU, the same for all devices."""
        where = torch.device(device)
        if where == self.rates.device:
            return self
        if where.type == "mps":
            raise ValueError("mps has no double precision, which a penalty needs: take device='cpu'")
        self.action.to(device)
        if self.output_action is not None:
            self.output_action.to(device)
        self.rates = self.rates.to(device)
        return self

    def __call__(self, module: nn.Module, u: Tensor) -> Tensor:
        """Compute the penalty, a scalar, of a network on states `(batch, n)` or fields `(batch, channel, *grid)`."""
        return self.value_and_penalty(module, u)[1]

    @full_precision
    def value_and_penalty(self, module: nn.Module, u: Tensor) -> tuple[Tensor, Tensor]:
        """Compute module(u) and the penalty, from one jvp where there is one direction.

        Raises
        ------
        ValueError
            For inputs and outputs whose shape does not match the algebra.
        """
        check_callable(module)
        check_tensor("u", u)
        self.to(u.device)
        moves = self.action(u.detach()).detach()
        frame = _frame(moves, u.detach())
        if self.n_generators is not None:
            frame = frame @ self._draw(frame, self.n_generators).to(frame)
        if self.n_samples is None or self.n_samples >= len(u):
            value, change = self._derivatives(module, u, moves, frame)
        else:
            order = torch.randperm(len(u), generator=self.random).to(u.device)
            taken, rest = order.split([self.n_samples, len(u) - self.n_samples])
            value, change = self._derivatives(module, u[taken], moves[:, taken], frame)
            value = torch.cat([value, module(u[rest])])[torch.argsort(order)]
        if not self.nuclear:
            return value, change.square().mean() * (change.shape[0] / len(moves))
        return value, self._nuclear(value, change).to(value.dtype)

    @torch.no_grad()
    def violations(self, module: nn.Module, u: Tensor) -> Tensor:
        """Measure |L_k| / (|DF| |X_k| + |Y_k|) of each generator, `(generator,)`.

        It is 0 for a generator that the network respects, and always below about 1. |DF| is the change of the network
        between two samples, relative to the distance between them.

        Raises
        ------
        ValueError
            For a single sample.
        """
        return self._relative(module, u, torch.eye(len(self.generators), dtype=u.dtype, device=u.device))

    @torch.no_grad()
    def spectrum(self, module: nn.Module, u: Tensor) -> tuple[Tensor, Generators]:
        """Return relative violations `(generator,)` of the right singular vectors of L C, and these combinations.

        They are sorted from the best respected to the most broken; combinations have unit norm.
        """
        moves = self.action(u)
        frame = _frame(moves, u)
        change = self._derivatives(module, u, moves, frame)[1].flatten(1).double()
        turn = torch.linalg.eigh(change @ change.T)[1]  # ascending: best kept first
        weights = frame.double() @ turn
        weights = weights / torch.linalg.vector_norm(weights, dim=0)
        relative = self._relative(module, u, weights.to(u.dtype))
        return relative, self.generators.combine(weights.T.cpu().numpy())

    def _derivatives(self, module: nn.Module, u: Tensor, moves: Tensor, frame: Tensor) -> tuple[Tensor, Tensor]:
        """Compute module(u) and L `(direction, *output)` along the combinations `frame` `(generator, direction)`."""
        value, pushed = directional_derivatives(module, u, torch.tensordot(frame.T, moves, dims=1))
        return value, pushed - self._output_moves(u, value, frame)

    def _nuclear(self, value: Tensor, change: Tensor) -> Tensor:
        columns = change.flatten(1).double()
        squares = torch.linalg.eigvalsh(columns @ columns.T / columns.shape[1]).clamp(min=0)
        size = value.detach().double().square().mean().sqrt() + 1e-300
        # The square root has no slope at 0: singular values below 1e-6 of the outputs are rounding.
        values = (squares + (1e-6 * size) ** 2).sqrt() - 1e-6 * size
        if self.nuclear != "log":
            return values.sum()
        return (_KNEE * size * torch.log1p(values / (_KNEE * size))).sum()

    def _relative(self, module: nn.Module, u: Tensor, frame: Tensor) -> Tensor:
        if len(u) < 2:
            raise ValueError("violations are measured against other samples: give at least two")
        moves = torch.tensordot(frame.T, self.action(u), dims=1)
        steps = u.roll(1, 0) - u
        pushed = directional_derivatives(module, u, torch.cat([moves, steps[None]]))[1]
        moved = self._output_moves(u, module(u), frame).expand(len(moves), *pushed.shape[1:])
        plain = _rms(pushed[-1:]) / _rms((steps / _scales(u))[None]) * _rms(moves / _scales(u))
        return _rms(pushed[:-1] - moved) / (plain + _rms(moved)).clamp(min=1e-300)

    def _output_moves(self, u: Tensor, value: Tensor, frame: Tensor) -> Tensor:
        if self.output_action is not None:
            moves = self.output_action(value)
        elif not _OUTPUTS[self.output]:
            return torch.zeros((), dtype=value.dtype, device=value.device)
        else:
            if value.shape != u.shape:
                raise ValueError(
                    f"a vector field returns the shape of its input {tuple(u.shape)}, not {tuple(value.shape)}"
                )
            moves = self.action.derivative(u, value)
            moves = moves - torch.tensordot(self.rates.to(value), value, dims=0)
        return torch.tensordot(frame.T.to(value.dtype), moves, dims=1)

    def _output_action(self, space: Mapping[str, float | tuple[float, float]] | None, time: float) -> Action | None:
        if isinstance(self.output, str):
            if self.output not in _OUTPUTS:
                raise ValueError(f"output must be one of {', '.join(_OUTPUTS)} or an algebra, got {self.output!r}")
            return Action(self.generators, space, time) if self.output in _LIKE_STATES else None
        generators = as_generators(self.output, "output")
        if len(generators) != len(self.generators):
            raise ValueError(f"output holds {len(generators)} generators, algebra {len(self.generators)}")
        within = {} if space is None else {name: box for name, box in space.items() if name in generators.states}
        return Action(generators, within or None, time)

    def _draw(self, frame: Tensor, rank: int) -> Tensor:
        """Draw random orthonormal directions, scaled so that the mean of their penalties is that of all."""
        count = frame.shape[1]
        return torch.linalg.qr(torch.randn(count, rank, generator=self.random, dtype=torch.float64))[0] * (
            (count / rank) ** 0.5
        )


@dataclass(frozen=True)
class Ramp:
    """Raise a weight linearly from 0 at step `begin` to `final` at step `end`, where it stays.

    Fitting first and imposing the symmetry later trains better than the reverse.

    Examples
    --------
    >>> from symdyn.neural import Ramp
    >>> weight = Ramp(0.1, begin=100, end=200)
    >>> [weight(step) for step in (0, 100, 150, 1000)]
    [0.0, 0.0, 0.05, 0.1]
    """

    final: float
    begin: int = 0
    end: int = 0

    def __post_init__(self):
        if not all(isinstance(number, int | float) for number in (self.final, self.begin, self.end)):
            raise TypeError(f"final, begin and end must be numbers, got {self}")
        if not (self.final >= 0 and 0 <= self.begin <= self.end):
            raise ValueError(f"a ramp needs final >= 0 and 0 <= begin <= end, got {self}")

    def __call__(self, step: int) -> float:
        """Return the weight at a step, counted from 0."""
        if step >= self.end:
            return self.final
        return self.final * max(step - self.begin, 0) / max(self.end - self.begin, 1)


def _frame(moves: Tensor, u: Tensor) -> Tensor:
    """Find C `(generator, direction)` with C C^T the pseudo-inverse of the Gram matrix of motions, relative to |u|."""
    flat = (moves / _scales(u)).flatten(1).double()
    gram = flat @ flat.T / flat.shape[1]
    if not torch.isfinite(gram).all():
        raise ValueError("u holds NaN or infinity, or generators move it there")
    # In unlike units lengths of generators differ by many decades, of which none is rounding.
    lengths = torch.where(gram.diagonal() > 0, gram.diagonal(), 1.0).sqrt()
    values, vectors = torch.linalg.eigh(gram / lengths / lengths[:, None])
    kept = values > 1e-10 * values[-1]
    roots = torch.where(kept, values, 1.0).rsqrt() * kept
    return (vectors * roots / lengths[:, None]).to(u.dtype)


def _scales(u: Tensor) -> Tensor:
    """Compute the root mean square of each state or channel, `(1, channel, 1 ...)`; 1 where it is always 0."""
    squares = u.movedim(1, 0).flatten(1).square().mean(dim=1)
    return torch.where(squares > 0, squares, 1.0).sqrt().reshape(1, -1, *[1] * (u.ndim - 2))


def _rms(parts: Tensor) -> Tensor:
    return parts.flatten(1).double().square().mean(dim=1).sqrt()
