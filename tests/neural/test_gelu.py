import pytest

torch = pytest.importorskip("torch")

from torch.autograd import gradcheck, gradgradcheck  # noqa: E402

from symdyn.neural.fourier.gelu import gelu, gelu_tangent  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")


def points(seed=0):
    return (2 * torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))).requires_grad_()


def test_values_and_derivatives_are_those_of_the_function():
    x = points()
    assert torch.equal(gelu(x), torch.nn.functional.gelu(x))
    assert gradcheck(gelu, (x,), check_forward_ad=True) and gradgradcheck(gelu, (x,))


def test_the_tangent_has_the_derivatives_of_its_formula():
    dx, x = points(1), points()
    assert gradcheck(gelu_tangent, (dx, x), check_forward_ad=True) and gradgradcheck(gelu_tangent, (dx, x))
    plain = torch.func.jvp(torch.nn.functional.gelu, (x,), (dx,))[1]
    assert torch.allclose(torch.func.jvp(gelu, (x,), (dx,))[1], plain, atol=1e-14)


def test_it_works_sample_by_sample_and_compiled():
    x = points().detach()
    each = torch.func.vmap(torch.func.grad(lambda one: gelu(one).sum()))(x)
    assert torch.allclose(each, torch.func.grad(lambda all_of: torch.nn.functional.gelu(all_of).sum())(x))
    assert torch.equal(torch.compile(gelu, backend="eager", fullgraph=True)(x), gelu(x))
