import numpy as np
import pytest
from catalogue import DEFORMABLE, NAMED, RIGID, constants, in_another_basis, unit
from hypothesis import given, settings
from hypothesis import strategies as st

from symdyn.lie.structure import levi
from symdyn.lie.structure.brackets import killing_form

LEVEL = 1e-8
# Dimensions (radical, centre, derived algebra, last term of the lower central series).
DIMENSIONS = {
    "so(3) + R": (1, 1, 3, 3),
    "se(3)": (3, 0, 6, 6),
    "heis(5)": (5, 1, 1, 0),
    "aff(2)": (3, 0, 5, 5),
    "sl(2) ⋉ heis(3)": (3, 1, 6, 6),
    "e(1,1) + R": (4, 1, 2, 2),
    "gal(3)": (7, 0, 9, 9),
}


def _found(c):
    whole = np.eye(len(c))
    parts = (
        levi.radical(c, LEVEL),
        levi.centre(c, LEVEL),
        levi.bracket_span(c, whole, whole, LEVEL),
        levi.lower_central_series(c, LEVEL)[-1],
    )
    return tuple(part.shape[1] for part in parts)


@pytest.mark.parametrize("name", DIMENSIONS)
def test_dimensions_of_the_parts_do_not_depend_on_the_basis(name):
    c = levi.scaled(in_another_basis(NAMED[name], np.random.default_rng(0), condition=10))
    assert _found(c) == DIMENSIONS[name]


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**31), name=st.sampled_from(["aff(2)", "sl(2) ⋉ heis(3)", "gal(3)", "se(3)", "so(3) + R^3"])
)
def test_levi_subalgebra_closes_and_completes_the_radical(seed, name):
    c = levi.scaled(in_another_basis(NAMED[name], np.random.default_rng(seed), condition=10))
    ideal = levi.radical(c, LEVEL)
    part = levi.levi_subalgebra(c, ideal, LEVEL)
    brackets = np.einsum("ia,jb,ijk->kab", part, part, c)
    np.testing.assert_allclose(np.tensordot(part @ part.T, brackets, 1), brackets, atol=1e-8)
    assert np.linalg.svd(np.hstack([part, ideal]), compute_uv=False).min() > 1e-4
    assert np.abs(np.linalg.eigvalsh(killing_form(levi.restricted(c, part)))).min() > 1e-6


def test_a_complement_of_the_radical_is_not_enough():
    # Rotations about different points close only up to translations.
    c = levi.scaled(in_another_basis(DEFORMABLE["se(3)"], np.random.default_rng(1), condition=5))
    raw = levi.orthogonal_complement(levi.radical(c, LEVEL))
    brackets = np.einsum("ia,jb,ijk->kab", raw, raw, c)
    assert np.linalg.norm(np.tensordot(raw @ raw.T, brackets, 1) - brackets) > 1e-2


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    names=st.sampled_from([("so(4)", [3, 3]), ("so(1,3)", [6]), ("heis(3) + R^2", [1, 1, 3]), ("se(2) + R", [1, 3])]),
)
def test_direct_summands_are_ideals_that_do_not_see_each_other(seed, names):
    name, sizes = names
    c = levi.scaled(in_another_basis(NAMED[name], np.random.default_rng(seed), condition=10))
    parts = levi.direct_summands(c, LEVEL)
    if "R^2" in name and len(parts) == 2:  # a complex pair of eigenvalues keeps two flat directions together
        sizes = [2, 3]
    assert sorted(part.shape[1] for part in parts) == sizes
    for i, first in enumerate(parts):
        for second in parts[:i]:
            np.testing.assert_allclose(np.einsum("ia,jb,ijk->abk", first, second, c), 0, atol=1e-7)


def test_commutant_of_an_irreducible_representation_is_the_multiples_of_one_or_the_complex_numbers():
    rng = np.random.default_rng(0)
    for name, size in (("so(3)", 1), ("sl(3)", 1), ("so(1,3)", 2)):
        c = levi.scaled(RIGID[name])
        found = levi.commutant(levi.adjoint(c), LEVEL, rng)
        assert len(found) == size
        for matrix in found:
            for ad in levi.adjoint(c):
                np.testing.assert_allclose(matrix @ ad, ad @ matrix, atol=1e-10)


def test_derived_series_of_a_solvable_algebra_ends_at_zero():
    c = levi.scaled(constants([unit(3, i, j) for i in range(3) for j in range(i, 3)]))
    assert [part.shape[1] for part in levi.derived_series(c, np.eye(6), LEVEL)] == [6, 3, 1, 0]
