import numpy as np
import pytest

torch = pytest.importorskip("torch")

import symdyn as sd  # noqa: E402
from symdyn.neural.fourier.gates import Gate, gated, invariant_forms  # noqa: E402
from symdyn.neural.fourier.gridgroup import plane_rotations  # noqa: E402
from symdyn.neural.representations import as_representation, trivial  # noqa: E402

TURN = as_representation(plane_rotations(2))
# copies, values, pieces, permuted parts of space
CASES = {
    "vectors": (3, TURN, (1,), 1),
    "vectors on a group": (1, TURN, (1,), 4),
    "scalar and vector of space": (2, trivial(1), (1, 2), 1),
    "the same, times vectors": (1, TURN, (1, 3), 1),
    "pairs of vectors, four forms": (1, TURN + TURN, (1,), 1),
    "indefinite form": (2, as_representation(sd.candidates.lorentz(1, 2)), (1,), 1),
    "signs": (2, as_representation(sd.groups.sign_flip([-1, -1])), (1, 2), 1),
}

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")


def gate(case, points=(2, 1)):
    torch.manual_seed(0)
    copies, values, pieces, permuted = CASES[case]
    module = Gate(copies, values, pieces, permuted).double()
    with torch.no_grad():
        module.bias.normal_()
    channels = permuted * sum(pieces) * copies * values.dim
    return module, torch.randn(2, channels, *points, dtype=torch.float64, requires_grad=True)


def of_parameters(module, u):
    names = [name for name, _ in module.named_parameters()]

    def function(u, *given):
        return torch.func.functional_call(module, dict(zip(names, given, strict=True)), (u,))

    return function, (u, *module.parameters())


@pytest.mark.parametrize("case", CASES)
def test_derivatives_are_those_of_differences_in_both_modes(case):
    assert torch.autograd.gradcheck(*of_parameters(*gate(case)), check_forward_ad=True)


@pytest.mark.parametrize("case", ["vectors", "the same, times vectors", "pairs of vectors, four forms"])
def test_second_derivatives_are_those_of_differences(case):
    assert torch.autograd.gradgradcheck(*of_parameters(*gate(case, points=(1,))))


@pytest.mark.parametrize("case", CASES)
def test_the_derivative_of_a_directional_derivative_is_the_automatic_one(case):
    module, u = gate(case)
    v = torch.randn_like(u)

    def plain(u, weight, bias):
        x = u.reshape(len(u) * module.permuted, sum(module.pieces), module.copies, module.n, -1)
        return gated(x, weight, bias, module.forms, module.pieces, module.still)[0].reshape(u.shape)

    def slopes(function):
        arguments = (u, *module.parameters())
        along = torch.func.jvp(lambda u: function(u, *arguments[1:]), (u,), (v,))[1]
        return torch.autograd.grad(along.square().sum(), arguments)

    for found, expected in zip(slopes(of_parameters(module, u)[0]), slopes(plain), strict=True):
        assert torch.allclose(found, expected, rtol=1e-10, atol=1e-10)


def test_the_gate_works_for_each_sample_and_for_several_weights_at_once():
    module, u = gate("the same, times vectors")
    assert torch.allclose(torch.func.vmap(lambda one: module(one[None])[0])(u), module(u))
    function, (_, *given) = of_parameters(module, u)
    twice = [torch.stack([p, 2 * p]) for p in given]
    several = torch.func.vmap(function, in_dims=(None, *[0] * len(twice)))(u, *twice)
    assert torch.allclose(several[1], function(u, *[2 * p for p in given]))
    each = torch.func.vmap(torch.func.grad(lambda one: module(one[None]).square().sum()))(u)
    assert torch.allclose(each, torch.autograd.grad(module(u).square().sum(), u)[0])
    assert torch.allclose(torch.compile(module, backend="eager", fullgraph=True)(u), module(u))


def test_forms_are_invariant_and_lengths_are_lengths():
    assert Gate(1, TURN, (1,)).forms == (((0, 0, 1.0), (1, 1, 1.0)),)
    for form in invariant_forms(TURN + TURN):
        assert np.allclose(form, form.T)
        turn = (TURN + TURN).generators[0]
        assert np.abs(turn.T @ form + form @ turn).max() < 1e-14
    with pytest.raises(ValueError, match="keep no quadratic form"):
        invariant_forms(as_representation(np.eye(2)[None]))
