"""What every named algebra of candidates keeps: a new one is tested by being listed in ALGEBRAS."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.linalg import expm

from symdyn.lie import candidates
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.prolongation import affine_parts
from symdyn.lie.structure.brackets import closure_error
from symdyn.lie.words import parse_candidates

BUILDERS = {"from_fields", "from_matrices", "with_time"}  # they build what they are given


@dataclass(frozen=True)
class Algebra:
    """A named algebra on n states, `of(*arguments)`: its dimension, its name as an algebra, and the word for it.

    The flows of a linear algebra may keep a `form` G, A^T G + G A = 0. `closes` says whether brackets stay in the span;
    `matrices` whether it is made of matrices: `copies` and `mask` are then options.
    """

    of: str
    arguments: tuple[int, ...]
    dim: int
    name: str
    n: int
    word: str
    form: np.ndarray | None = None
    closes: bool = True
    matrices: bool = True

    def build(self, **options):
        return getattr(candidates, self.of)(*self.arguments, **options)


def listed(of, n, dim, name, form=None):
    return Algebra(of, (n,), dim, name, n, of, form)


MINKOWSKI = np.diag([-1.0, 1.0, 1.0, 1.0])
SYMPLECTIC = np.array([[0.0, 1.0], [-1.0, 0.0]])
ALGEBRAS = [
    listed("translations", 1, 1, "R"),
    listed("translations", 3, 3, "R^3"),
    listed("so", 2, 1, "so(2)", np.eye(2)),
    listed("so", 3, 3, "so(3)", np.eye(3)),
    listed("so", 4, 6, "so(4)", np.eye(4)),
    listed("se", 2, 3, "se(2)"),
    listed("se", 3, 6, "se(3)"),
    listed("gl", 2, 4, "sl(2) + R"),
    listed("gl", 3, 9, "sl(3) + R"),
    listed("affine", 2, 6, "aff(2)"),
    listed("scalings", 2, 2, "R^2"),
    listed("symplectic", 2, 3, "sl(2)", SYMPLECTIC),
    listed("symplectic", 4, 10, "so(2,3)", np.kron(SYMPLECTIC, np.eye(2))),
    Algebra("lorentz", (1, 3), 6, "so(1,3)", 4, "lorentz:1", MINKOWSKI),
    Algebra("polynomial", (2, 1), 6, "aff(2)", 2, "polynomial:1", matrices=False),
    Algebra("polynomial", (1, 2), 3, "sl(2)", 1, "polynomial:2", matrices=False),
    Algebra("polynomial", (1, 3), 4, "", 1, "polynomial:3", matrices=False, closes=False),
    Algebra("polynomial", (2, 2), 12, "", 2, "polynomial:2", matrices=False, closes=False),
]


@pytest.fixture(params=ALGEBRAS, ids=lambda algebra: f"{algebra.word} on {algebra.n}")
def algebra(request):
    return request.param


def same(first, second):
    np.testing.assert_array_equal(first.vectors(), second.vectors())
    return first.states == second.states and first.features == second.features


def test_every_named_algebra_is_listed():
    assert {algebra.of for algebra in ALGEBRAS} == set(candidates.__all__) - BUILDERS


def test_the_dimension_is_as_known_and_no_generator_depends_on_others(algebra):
    generators = algebra.build()
    assert len(generators) == algebra.dim == np.linalg.matrix_rank(generators.vectors())
    assert not generators.time_scaling.any()


def test_brackets_stay_in_the_span_where_it_is_an_algebra(algebra):
    error = closure_error(algebra.build())
    assert error < 1e-10 if algebra.closes else error > 0.01


def test_the_algebra_has_its_name_in_any_basis(algebra):
    if algebra.closes:
        mixture = np.linalg.qr(np.random.default_rng(1).standard_normal((algebra.dim,) * 2))[0]
        for basis in (algebra.build(), algebra.build().combine(mixture)):
            assert LieAlgebra(basis).name == algebra.name


def test_flows_keep_the_form(algebra):
    if algebra.form is not None:
        shifts, matrices = affine_parts(algebra.build())
        assert not shifts.any()
        flow = expm(0.7 * np.einsum("k,kij->ij", np.random.default_rng(0).standard_normal(algebra.dim), matrices))
        np.testing.assert_allclose(flow.T @ algebra.form @ flow, algebra.form, atol=1e-12 * np.abs(flow).max() ** 2)


def test_states_have_the_names_that_are_given(algebra):
    names = tuple(f"s{k}" for k in range(algebra.n))
    generators = algebra.build(states=names)
    assert generators.states == names and algebra.build().states == tuple(f"x{k}" for k in range(algebra.n))
    texts = generators.texts()
    assert len(set(texts)) == algebra.dim and all("∂s" in text for text in texts)
    with pytest.raises(ValueError, match=f"states names {algebra.n + 1} states, the candidates act on {algebra.n}"):
        algebra.build(states=(*names, "t"))


def test_words_stand_for_it(algebra):
    assert same(parse_candidates(algebra.word, algebra.n), algebra.build())


def test_rescaling_of_time_is_one_more_candidate(algebra):
    generators, still = algebra.build(time_scaling=True), algebra.build()
    assert len(generators) == algebra.dim + 1 and not generators.coefficients[-1].any()
    np.testing.assert_array_equal(generators.time_scaling, [*[0] * algebra.dim, 1])
    np.testing.assert_array_equal(generators.coefficients[:-1], still.coefficients)


def test_time_as_a_state_is_moved_by_its_translation_and_by_every_rate(algebra):
    generators, still = algebra.build(time_scaling=True, time_translation=True), algebra.build()
    points = np.random.default_rng(1).standard_normal((5, algebra.n + 1))
    fields = generators.values(points)
    assert generators.states == (*still.states, "t") and len(generators) == algebra.dim + 2
    np.testing.assert_allclose(fields[:, :-1, :-2], still.values(points[:, :-1]), atol=1e-13)
    assert not fields[:, :-1, -2:].any() and not fields[:, -1, : algebra.dim].any()
    np.testing.assert_array_equal(fields[:, -1, -2:], np.column_stack([points[:, -1], np.ones(5)]))


def test_copies_move_every_block_of_states_alike(algebra):
    if algebra.matrices:
        once, twice = algebra.build(), algebra.build(copies=2)
        points = np.random.default_rng(2).standard_normal((5, 2, algebra.n))
        moved = np.stack([once.values(points[:, block]) for block in (0, 1)], axis=1)
        np.testing.assert_allclose(twice.values(points.reshape(5, -1)), moved.reshape(5, 2 * algebra.n, -1), atol=1e-13)
        assert closure_error(twice) < 1e-10


def test_a_mask_keeps_the_generators_inside_it(algebra):
    if algebra.matrices:
        mask = np.tri(algebra.n, dtype=bool).T
        inside = [k for k, matrix in enumerate(affine_parts(algebra.build())[1]) if not matrix[~mask].any()]
        if inside:
            np.testing.assert_array_equal(algebra.build(mask=mask).vectors(), algebra.build().vectors()[inside])
        else:
            with pytest.raises(ValueError, match="leaves no candidate"):
                algebra.build(mask=mask)
