"""`Gate`: a nonlinearity at each point of a field that commutes with a representation, in few passes over memory.

A point costs little arithmetic and much memory traffic, so the gate is one function with its own derivatives: automatic
differentiation reads and writes arrays of the size of the field about twice as often.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from symdyn.neural.autograd import Context, Function, full_precision
from symdyn.neural.fourier.gelu import gelu, gelu_tangent
from symdyn.neural.fourier.spectral import Tabled
from symdyn.neural.representations import Representation, equivariant_matrices

__all__ = ["Gate", "gated", "invariant_forms"]

_SMALL = 1e-13

# A quadratic form: the entries (v, w, P_vw) that are not 0.
Form = tuple[tuple[int, int, float], ...]
_Forms = Sequence[Form]


def invariant_forms(values: Representation) -> np.ndarray:
    """Find the symmetric P `(form, n, n)` with v^T P v invariant: A^T P + P A = 0 and g^T P g = P.

    Raises
    ------
    ValueError
        If there is none: scalings and most linear actions keep no length to gate by.
    """
    allowed = equivariant_matrices(values, values.dual)
    forms = allowed.basis.T.reshape(allowed.dim, *allowed.shape)
    _, sizes, rows = np.linalg.svd(
        (forms + forms.transpose(0, 2, 1)).reshape(len(forms), values.dim**2), full_matrices=False
    )
    kept = rows[sizes > 1e-9].reshape(np.count_nonzero(sizes > 1e-9), *allowed.shape)
    if not len(kept):
        raise ValueError(
            "values keep no quadratic form, so no nonlinearity of a norm commutes with them; use LieDerivativePenalty"
        )
    # The first nonzero entry positive, so that a length is a length.
    signs = np.sign([form.flat[np.flatnonzero(np.abs(form) > 1e-9)[0]] for form in kept])
    return kept * (signs * math.sqrt(values.dim))[:, None, None]


class Gate(Tabled):
    """Multiply each piece of the channels by a smooth function of invariants; apply GELU to invariant pieces.

    Invariants are q / sqrt(1 + |q|) for q = sum_s u_s^T P u_s, one for each copy, piece and form P, and the pieces that
    are themselves invariant. Where the values are invariant and parts of space are permuted, this is plain GELU.

    Parameters
    ----------
    copies : int
    values : Representation
    pieces : sequence of int
        Into how many parts of space each piece goes; a space that is permuted is handled as one part, many times.
    permuted : int
        Number of permuted parts of space, 1 if none.

    Raises
    ------
    ValueError
        See `invariant_forms`.
    """

    def __init__(self, copies: int, values: Representation, pieces: Sequence[int], permuted: int = 1):
        super().__init__()
        still = values.dim == 1 and not (np.any(values.generators) or np.any(values.elements != 1))
        self.pieces, self.n, self.copies, self.still, self.permuted = tuple(pieces), values.dim, copies, still, permuted
        normed = len(self.pieces) - still
        if not normed:
            return
        self.forms = tuple(_entries(form) for form in invariant_forms(values))
        count = copies * (normed * len(self.forms) + still)
        self.weight = nn.Parameter(torch.randn(len(self.pieces) * copies, count) / math.sqrt(count))
        self.bias = nn.Parameter(torch.zeros(len(self.pieces) * copies))

    @full_precision
    def forward(self, u: Tensor) -> Tensor:
        """Gate fields `(batch, s * m * v, *grid)`."""
        if len(self.pieces) == 1 and self.still:
            return gelu(u)
        x = u.reshape(len(u) * self.permuted, sum(self.pieces), self.copies, self.n, -1)
        given = (x, self.weight, self.bias, self.forms, self.pieces, self.still)
        # A compiler fuses the plain formula by itself.
        moved = gated(*given)[0] if torch.compiler.is_compiling() else _Gated.apply(*given)[0]
        return moved.reshape(u.shape)


def gated(x: Tensor, weight: Tensor, bias: Tensor, forms: Sequence[Form], pieces: Sequence[int], still: bool):
    """Compute the gate, and the quantities that its derivative reuses.

    Parameters
    ----------
    x : Tensor, `(batch, s, m, v, point)`
    weight, bias : Tensor, `(piece * m, invariant * m)` and `(piece * m,)`
    forms, pieces, still : see `Gate`
        `still`: the first piece is invariant.

    Returns
    -------
    moved : Tensor, like x
        With z = weight r + bias: gelu(x + z) for the invariant piece, 2 sigmoid(z) x for the others.
    invariants : Tensor, `(batch, invariant * m, point)`
        r = q w of all pieces that have a length, then the invariant piece.
    scales : Tensor, `(batch, form * m, point)`
        w = 1 / sqrt(1 + |q|).
    *switches : Tensor, `(batch, m, point)`, one per piece
        x + z of the invariant piece, 2 sigmoid(z) of the others.
    """
    invariants, scales, *switches = _switches(x, weight, bias, forms, pieces, still)
    parts = x.split(pieces, dim=1)
    moved = [part * _aligned(switch) for part, switch in list(zip(parts, switches, strict=True))[int(still) :]]
    if still:
        moved.insert(0, functional.gelu(_aligned(switches[0])))
    return _joined(moved), invariants, scales, *switches


def _switches(
    x: Tensor, weight: Tensor, bias: Tensor, forms: _Forms, pieces: Sequence[int], still: bool
) -> tuple[Tensor, ...]:
    """Compute all that `gated` returns but the field itself."""
    parts = x.split(pieces, dim=1)
    q = _joined([_form(part, part, form) for part in parts[int(still) :] for form in forms])
    scales = ((q if _positive(forms) else q.abs()) + 1).rsqrt_()
    invariants = q * scales
    if still:
        invariants = torch.cat([invariants, parts[0].flatten(1, 3)], dim=1)
    steering = torch.baddbmm(bias[:, None], weight.expand(len(x), -1, -1), invariants)
    switches = [2 * z.sigmoid() for z in steering.chunk(len(parts), dim=1)[int(still) :]]
    if still:
        switches.insert(0, parts[0].flatten(1, 3) + steering[:, : x.shape[2]])
    return invariants, scales, *switches


class _Gated(Function):
    """`gated` with derivatives by hand; those of higher order are the automatic ones of `gated`."""

    generate_vmap_rule = True

    @staticmethod
    def forward(
        x: Tensor, weight: Tensor, bias: Tensor, forms: _Forms, pieces: Sequence[int], still: bool
    ) -> tuple[Tensor, ...]:
        return gated(x, weight, bias, forms, pieces, still)

    @staticmethod
    def setup_context(
        ctx: Context,
        inputs: tuple[Tensor, Tensor, Tensor, _Forms, Sequence[int], bool],
        output: tuple[Tensor, ...],
    ) -> None:
        ctx.set_materialize_grads(False)
        ctx.options = inputs[3:]
        ctx.mark_non_differentiable(*output[1:])
        ctx.save_for_backward(*inputs[:3], *output[1:])
        ctx.save_for_forward(*inputs[:3])

    @staticmethod
    def backward(ctx: Context, g: Tensor | None, *_: Tensor | None) -> tuple[Tensor | None, ...]:
        if g is None:
            return (None,) * 6
        x, weight, bias, *known = ctx.saved_tensors
        if torch.is_grad_enabled():  # a derivative of this one is wanted, which what is known does not carry

            def plain(*given: Tensor) -> Tensor:
                return gated(*given, *ctx.options)[0]

            return *torch.func.vjp(plain, x, weight, bias)[1](g), None, None, None
        return *_pulled(g, x, weight, known, *ctx.options), None, None, None

    @staticmethod
    def jvp(
        ctx: Context, dx: Tensor | None, dweight: Tensor | None, dbias: Tensor | None, *_: None
    ) -> tuple[Tensor | None, ...]:
        x, weight, bias = ctx.saved_tensors
        return _pushed((x, weight, bias), (dx, dweight, dbias), *ctx.options), *[None] * (2 + len(ctx.options[1]))


def _pulled(
    g: Tensor, x: Tensor, weight: Tensor, known: Sequence[Tensor], forms: _Forms, pieces: Sequence[int], still: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Compute the gradients by x, weight and bias from that by the gated field."""
    invariants, scales, *switches = known
    parts, slopes = x.split(pieces, dim=1), g.split(pieces, dim=1)
    dx = [slope * _aligned(switch) for slope, switch in zip(slopes, switches, strict=True)][int(still) :]
    # Of the switch t = 2 sigmoid(z), dt / dz = t − t^2 / 2.
    dz = [
        _product(slope, part).mul_(torch.addcmul(switch, switch, switch, value=-0.5))
        for slope, part, switch in list(zip(slopes, parts, switches, strict=True))[int(still) :]
    ]
    if still:
        dz.insert(0, torch.ops.aten.gelu_backward(slopes[0].flatten(1, 3), switches[0]))
    dz = _joined(dz)
    dr = torch.bmm(weight.T.expand(len(x), -1, -1), dz)
    lengths = scales.shape[1]
    dq = dr.narrow(1, 0, lengths) * _slope(invariants[:, :lengths], scales, forms)
    each = iter(dq.chunk(len(dx) * len(forms), dim=1))
    for part, change in zip(parts[int(still) :], dx, strict=True):
        for form in forms:
            along = next(each).unsqueeze(1)
            for v, w, size in form:
                change[:, :, :, v].addcmul_(part[:, :, :, w], along, value=2 * size)
    if still:
        dx.insert(0, _aligned(dz.narrow(1, 0, x.shape[2]) + dr.narrow(1, lengths, x.shape[2])))
    return _joined(dx), torch.bmm(dz, invariants.mT).sum(dim=0), dz.sum(dim=(0, 2))


def _pushed(
    point: tuple[Tensor, Tensor, Tensor],
    direction: tuple[Tensor | None, Tensor | None, Tensor | None],
    forms: _Forms,
    pieces: Sequence[int],
    still: bool,
) -> Tensor:
    """Compute the derivative of the gated field along a change of x, weight and bias; any may be None."""
    (x, weight, bias), (dx, dweight, dbias) = point, direction
    dx = torch.zeros_like(x) if dx is None else dx
    invariants, scales, *switches = _switches(x, weight, bias, forms, pieces, still)
    parts, changes = x.split(pieces, dim=1), dx.split(pieces, dim=1)
    normed = list(zip(parts, changes, switches, strict=True))[int(still) :]
    dq = _joined([2 * _form(part, change, form) for part, change, _ in normed for form in forms])
    dr = _slope(invariants[:, : scales.shape[1]], scales, forms) * dq
    if still:
        dr = torch.cat([dr, changes[0].flatten(1, 3)], dim=1)
    dz = torch.matmul(weight, dr)
    if dweight is not None:
        dz = dz + torch.matmul(dweight, invariants)
    if dbias is not None:
        dz = dz + dbias[:, None]
    steered = dz.chunk(len(parts), dim=1)
    pushed = []
    for (part, change, switch), z in zip(normed, steered[int(still) :], strict=True):
        along = torch.addcmul(switch, switch, switch, value=-0.5) * z
        pushed.append(torch.addcmul(change * _aligned(switch), part, _aligned(along)))
    if still:
        slope = gelu_tangent(changes[0].flatten(1, 3) + steered[0], switches[0])
        pushed.insert(0, _aligned(slope))
    return _joined(pushed)


def _slope(r: Tensor, w: Tensor, forms: _Forms) -> Tensor:
    """Compute dr / dq = w (1 − |r| w / 2) of r = q w, w = (1 + |q|)^-1/2."""
    return torch.addcmul(w, (r if _positive(forms) else r.abs()) * w, w, value=-0.5)


def _positive(forms: _Forms) -> bool:
    return all(v == w and size > 0 for form in forms for v, w, size in form)


def _form(a: Tensor, b: Tensor, form: Form) -> Tensor:
    """Compute sum_s a_s^T P b_s at every point, `(batch, m, point)`."""
    terms = [(a[:, s, :, v], b[:, s, :, w], size) for s in range(a.shape[1]) for v, w, size in form]
    x, y, size = terms[0]
    total = x * y if size == 1 else x * y * size
    for x, y, size in terms[1:]:
        total = torch.addcmul(total, x, y, value=size)
    return total


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Compute sum_sv a_sv b_sv at every point, `(batch, m, point)`."""
    return _form(a, b, tuple((v, v, 1.0) for v in range(a.shape[3])))


def _aligned(z: Tensor) -> Tensor:
    """Align numbers of each copy `(batch, m, point)` with all parts of space and values."""
    return z.unsqueeze(1).unsqueeze(3)


def _joined(parts: Sequence[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


def _entries(form: np.ndarray) -> Form:
    """List the entries of a form that are not 0; those of a plain length are 1, to the last digit."""
    rounded = np.where(np.abs(form - np.rint(form)) < _SMALL, np.rint(form), form)
    kept = np.argwhere(np.abs(rounded) > _SMALL * np.abs(rounded).max())
    return tuple((int(v), int(w), float(rounded[v, w])) for v, w in kept)
