"""Finite elements of networks, and what is trivial in a network that is a field."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from symdyn import candidates, groups  # noqa: E402
from symdyn.neural.derivatives.networks import discover_network  # noqa: E402


def ripple(function, size=0.02):
    """A function with an error that has no symmetry, as a trained network has."""
    return lambda x: function(x) + size * torch.sin(3 * x[:, :1] + 2 * x[:, 1:] + 1)


def bump(x):
    return torch.exp(-x.pow(2).sum(dim=1, keepdim=True) / 2)


def verdicts(found):
    table = found.element_verdicts_
    return dict(zip(table.element.values, table.verdict.values, strict=True))


def test_elements_of_a_network_in_words_sums_and_alone():
    x = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    for given in ("so+sign_flips", groups.sign_flips(2)):
        found = discover_network(ripple(bump), x, given)
        assert set(verdicts(found).values()) == {"symmetric"} and len(found.elements_) == 3
        assert 1e-3 < found.element_verdicts_.violation.max() < 0.1
    lopsided = discover_network(lambda x: torch.exp(x[:, :1]) + x[:, 1:] ** 2, x, groups.sign_flips(2))
    assert verdicts(lopsided)["x1 -> -x1"] == "symmetric" and verdicts(lopsided)["x0 -> -x0"] == "broken"


def test_what_the_error_of_a_network_may_have_broken_is_undetermined():
    x = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    uneven = lambda x: torch.exp(-(x[:, :1] ** 2 + 1.2 * x[:, 1:] ** 2) / 2)  # noqa: E731
    found = discover_network(ripple(uneven, 0.05), x, groups.sign_flips(2) + groups.permutations(2))
    assert verdicts(found)["swap x0, x1"] == "undetermined"
    assert "a network that is closer to its targets" in found.summary()


def test_images_where_a_network_was_not_trained_say_nothing():
    x = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    found = discover_network(bump, x, groups.element(np.eye(2), [5.0, 0.0]))
    assert set(verdicts(found).values()) == {"undetermined"}
    assert found.element_verdicts_.image_outside.item() > 0.9 and "outside the points" in found.summary()


@pytest.mark.parametrize("damping", [0.1, 0.05])
def test_a_weakly_damped_oscillator_keeps_its_rotation(damping):
    def field(x):
        clean = torch.stack([x[:, 1] - damping * x[:, 0], -x[:, 0] - damping * x[:, 1]], dim=1)
        return clean + 0.003 * torch.sin(3 * x + 1)

    x = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    found = discover_network(field, x, candidates.so(2), output="vector_field")
    assert (found.algebra_.dim, found.trivial_.dim) == (1, 0)


def test_a_field_that_is_nearly_among_the_candidates_is_trivial_within_its_error():
    """What an error leaves beside f itself is no symmetry of its own."""

    def field(x):
        return torch.stack([x[:, 1], x[:, 0] - x[:, 0] ** 3], dim=1) + 0.04 * torch.sin(3 * x + 1)

    x = torch.randn(600, 2, generator=torch.Generator().manual_seed(0))
    found = discover_network(field, x, candidates.polynomial(2, 3), output="vector_field", delta=0.05)
    assert found.trivial_.dim == 1 and found.algebra_.dim == 0
