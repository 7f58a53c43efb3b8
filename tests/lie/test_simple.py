import pytest

from symdyn.lie.structure.simple import simple_name


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ((3, 0, False), "so(3)"),
        ((6, 3, True), "so(1,3)"),
        ((8, 4, False), "su(2,1)"),
        ((10, 6, False), "so(2,3)"),
        ((14, 8, False), "split g2"),
        ((15, 8, False), "so(2,4)"),
        ((16, 8, True), "sl(3, C)"),
        ((24, 14, False), "sl(5)"),
        ((28, 12, False), "so(2,6)"),
    ],
)
def test_signature_and_dimension_name_a_simple_algebra(key, name):
    assert simple_name(*key) == name


@pytest.mark.parametrize(
    "key",
    [
        (21, 12, False),  # so(3,4) and sp(6)
        (21, 0, False),  # so(7) and sp(3)
        (42, 21, True),
        (3, 1, False),
        (4, 0, False),
        (6, 3, False),
    ],
)
def test_what_is_not_decided_by_them_has_no_name(key):
    assert simple_name(*key) is None


@pytest.mark.parametrize("n", [3, 5, 7, 8])
def test_special_linear_algebras_have_the_noncompact_part_of_symmetric_matrices(n):
    assert simple_name(n * n - 1, n * (n + 1) // 2 - 1, False) == f"sl({n})"
