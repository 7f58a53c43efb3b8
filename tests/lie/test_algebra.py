import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symdyn as sd
from symdyn.lie import candidates
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.structure.brackets import killing_form, structure_constants

KEPLER = LieAlgebra(candidates.so(3) + candidates.from_matrices(np.eye(3)[None], time_scaling=[1.5]))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31), n=st.integers(2, 3))
def test_bracket_is_antisymmetric_and_satisfies_jacobi(seed, n):
    mixture = np.random.default_rng(seed).standard_normal((n * n, n * n))
    c = structure_constants(candidates.gl(n).combine(mixture))
    scale = np.abs(c).max()
    np.testing.assert_allclose(c, -np.swapaxes(c, 0, 1), atol=1e-8 * scale)
    jacobi = np.einsum("ijl,lkm->ijkm", c, c)
    jacobi = jacobi + np.einsum("jkl,lim->ijkm", c, c) + np.einsum("kil,ljm->ijkm", c, c)
    np.testing.assert_allclose(jacobi, 0, atol=1e-7 * scale**2)


def test_brackets_of_linear_fields_are_commutators():
    first, second = np.random.default_rng(0).standard_normal((2, 3, 3))
    basis = candidates.from_matrices([first, second, second @ first - first @ second])
    np.testing.assert_allclose(structure_constants(basis)[0, 1], [0, 0, 1], atol=1e-10)


def test_rotations_and_the_third_law_close_and_are_named_in_any_basis():
    mixture = np.linalg.qr(np.random.default_rng(1).standard_normal((4, 4)))[0]
    for basis in (KEPLER.basis, KEPLER.basis.combine(mixture)):
        assert LieAlgebra(basis).closure_error() < 1e-10 and LieAlgebra(basis).name == "so(3) + R"


def test_a_span_that_is_no_algebra_does_not_close():
    assert LieAlgebra(candidates.so(3).combine(np.eye(3)[:2])).closure_error() > 0.5


def test_a_span_that_is_no_algebra_has_no_name():
    assert LieAlgebra(candidates.so(3).combine(np.eye(3)[:2])).name == "unnamed, dimension 2"
    assert LieAlgebra(candidates.so(4).combine(np.eye(6)[:3])).name == "unnamed, dimension 3"
    assert LieAlgebra(candidates.polynomial(1, 3)).name == "unnamed, dimension 4"


def test_jacobi_residual_is_zero_for_an_algebra_and_not_for_a_span():
    assert LieAlgebra(candidates.affine(2)).jacobi_residual() < 1e-13
    # [e01, e12] leaves the span of e01, e12, e20 + e02: what is left of the bracket is no algebra's.
    matrices = np.zeros((4, 3, 3))
    matrices[0, 0, 1] = matrices[1, 1, 0] = matrices[2, 1, 2] = matrices[3, 2, 0] = 1.0
    assert LieAlgebra.from_matrices(matrices).jacobi_residual() > 0.05
    assert LieAlgebra(candidates.so(2)).subset([]).jacobi_residual() == 0


def test_generators_are_written_in_latex():
    algebra = LieAlgebra(candidates.so(2, states=("x", "y")) + candidates.from_matrices([np.eye(2) / 3], states="xy"))
    assert algebra.to_latex()[0] == r"y\,\partial_x - x\,\partial_y"
    assert algebra.to_latex()[1] == r"\tfrac{1}{3}\,x\,\partial_x + \tfrac{1}{3}\,y\,\partial_y"
    assert KEPLER.to_latex()[3].endswith(r"x_{2}\,\partial_{x_{2}} + \tfrac{3}{2}\,t\,\partial_t")
    measured = LieAlgebra.from_matrices([[[1 / 3]]], errors=0.1, states=["q"])
    assert measured.to_latex(precision=2) == [r"0.33\,q\,\partial_q"]


def test_exact_generators_are_rational_in_sympy_and_measured_ones_are_not():
    sympy = pytest.importorskip("sympy")
    x0, x1, x2 = sympy.symbols("x0 x1 x2")
    components, rate = KEPLER.to_sympy()[3]
    assert components == sympy.Matrix([x0, x1, x2]) and rate == sympy.Rational(3, 2)
    ((measured, still),) = LieAlgebra.from_matrices([[[1 / 3]]], errors=0.1, states=["q"]).to_sympy()
    assert measured[0].atoms(sympy.Float) and still == 0
    ((third, _),) = LieAlgebra.from_matrices([[[1 / 3]]], states=["q"]).to_sympy()
    assert third[0] == sympy.Symbol("q") / 3


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**31), n=st.integers(1, 3), degree=st.integers(0, 3))
def test_sympy_form_has_the_values_of_the_generators(seed, n, degree):
    sympy = pytest.importorskip("sympy")
    rng = np.random.default_rng(seed)
    fields = candidates.polynomial(n, degree)
    algebra = LieAlgebra(fields.combine(rng.standard_normal((2, len(fields)))))
    points = rng.standard_normal((5, n))
    for k, (components, _) in enumerate(algebra.to_sympy()):
        values = sympy.lambdify(sympy.symbols(algebra.states), list(components))
        found = np.array([values(*point) for point in points])
        np.testing.assert_allclose(found, algebra.basis.values(points)[:, :, k], rtol=1e-9, atol=1e-12)


def test_brackets_computed_by_sympy_have_the_structure_constants():
    sympy = pytest.importorskip("sympy")
    algebra = LieAlgebra(candidates.polynomial(1, 2, states=["x"]))  # ∂x, x ∂x, x^2 ∂x: projective maps
    x = sympy.Symbol("x")
    fields = [components[0] for components, _ in algebra.to_sympy()]
    c = algebra.structure_constants()
    for i, v in enumerate(fields):
        for j, w in enumerate(fields):
            bracket = sum(round(c[i, j, k]) * fields[k] for k in range(3))
            assert sympy.expand(v * sympy.diff(w, x) - w * sympy.diff(v, x) - bracket) == 0


def test_sympy_missing_is_an_error_that_names_the_extra(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "sympy", None)
    with pytest.raises(ImportError, match=r"symdyn-workbench\[symbolic\]"):
        LieAlgebra(candidates.so(2)).to_sympy()


def test_killing_form_of_rotations_is_negative():
    assert np.linalg.eigvalsh(killing_form(LieAlgebra(candidates.so(3)).structure_constants())).max() < -1


def _estimated(error, seed=0):
    """Kepler's algebra in a mixed basis, with independent errors in the coefficients."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((4, 4)) @ KEPLER.basis.vectors()
    return LieAlgebra(
        KEPLER.basis.with_vectors(vectors + error * rng.standard_normal(vectors.shape)),
        max(error, 1e-12) ** 2 * np.eye(vectors.size),
    )


def test_canonical_form_recovers_the_algebra_inside_its_error_bars():
    canonical = _estimated(1e-2).canonical()
    assert canonical.exact.all() and canonical.name == "so(3) + R"
    found = {tuple(np.round(v * np.sign(v[np.flatnonzero(v)[0]]), 12)) for v in canonical.basis.vectors()}
    wanted = {tuple(v * np.sign(v[np.flatnonzero(v)[0]])) for v in KEPLER.basis.vectors()}
    assert found == wanted
    assert canonical.closure_error() < 1e-12


def test_nothing_is_rounded_outside_the_error_bars():
    growing = np.array([[0.13, 1.0], [-1.017, -0.12]])
    canonical = LieAlgebra.from_matrices([growing], errors=1e-4).canonical()
    assert not canonical.exact.any()
    ratio = canonical.matrices[0] / canonical.matrices[0][0, 1]
    np.testing.assert_allclose(ratio, growing, rtol=1e-9)


def test_an_exact_algebra_is_its_own_canonical_form():
    assert KEPLER.canonical() is KEPLER


def test_third_law_is_read_off():
    assert KEPLER.time_per_scale() == (1.5, 0.0)
    value, error = LieAlgebra(
        candidates.from_matrices(2 * np.eye(3)[None], time_scaling=[3.0]), 0.01**2 * np.eye(13)
    ).time_per_scale()
    # tau / (trace / 3): variance (s/2)^2 + 3 (1.5/2 * s/3)^2
    assert value == 1.5 and error == pytest.approx(0.01 * np.sqrt(0.25 + 3 * 0.25**2))
    with pytest.raises(ValueError, match="rescales time"):
        LieAlgebra(candidates.so(2)).time_per_scale()


def test_drawn_algebras_have_the_covariance_they_are_drawn_from():
    algebra = LieAlgebra.from_matrices([[[0, 1], [-1, 0]]], errors=[[[0.1, 0.2], [0.0, 0.3]]])
    drawn = np.stack([a.basis.vectors().ravel() for a in algebra.draw(4000, np.random.default_rng(0))])
    np.testing.assert_allclose(drawn.std(axis=0), algebra.errors.ravel(), atol=0.01)
    assert LieAlgebra(candidates.so(2)).draw(1, np.random.default_rng(0))[0].basis.vectors() == pytest.approx(
        candidates.so(2).vectors()
    )


def test_prolongation_moves_velocities_and_carries_error_bars():
    algebra = LieAlgebra(
        candidates.from_matrices(np.eye(2)[None], time_scaling=[1.5]), np.diag([0, 1, 2, 0, 3, 4, 5.0]) ** 2
    )
    prolonged = algebra.prolong()
    np.testing.assert_allclose(prolonged.matrices[0], np.diag([1, 1, -0.5, -0.5]))
    errors = prolonged.basis.with_vectors(prolonged.errors)
    np.testing.assert_allclose(np.diag(errors.coefficients[0, :, 1:]), [1, 4, np.hypot(1, 5), np.hypot(4, 5)])


def test_subset_keeps_error_bars_of_what_it_keeps():
    algebra = _estimated(1e-2)
    part = algebra.subset([2])
    np.testing.assert_array_equal(part.errors, algebra.errors[[2]])
    assert algebra.subset([]).dim == 0 and algebra.subset([]).name == "0"


def test_subset_keeps_correlations_in_the_order_asked_for():
    root = np.random.default_rng(0).standard_normal((21, 21))
    algebra = LieAlgebra(candidates.gl(2).combine(np.eye(4)[:3]), root @ root.T)
    blocks = algebra.covariance.reshape(3, 7, 3, 7)
    part = algebra.subset([2, 0])
    np.testing.assert_array_equal(part.basis.vectors(), algebra.basis.vectors()[[2, 0]])
    np.testing.assert_array_equal(part.covariance.reshape(2, 7, 2, 7)[0, :, 1], blocks[2, :, 0])


def test_rounded_generators_are_drawn_as_they_are_though_error_bars_are_kept():
    sheared = np.array([[0.13, 1.0], [-1.017, -0.13]])  # a rotation in an inner product that is found
    canonical = LieAlgebra.from_matrices([sheared], errors=1e-2).canonical()
    assert canonical.exact.all() and canonical.errors.max() > 1e-3
    for draw in canonical.draw(3, np.random.default_rng(0)):
        np.testing.assert_array_equal(draw.basis.vectors(), canonical.basis.vectors())


def test_representation_of_no_generators_is_empty():
    assert LieAlgebra(candidates.so(2)).subset([]).representation(copies=3).shape == (0, 6, 6)


def test_representation_repeats_the_matrices():
    representation = LieAlgebra(candidates.so(2)).representation(copies=2)
    np.testing.assert_array_equal(representation[0], np.kron(np.eye(2), [[0, 1], [-1, 0]]))
    with pytest.raises(ValueError, match="translations"):
        LieAlgebra(candidates.se(2)).representation()


def test_matrices_of_nonlinear_generators_are_refused():
    with pytest.raises(ValueError, match="not affine"):
        _ = LieAlgebra(candidates.polynomial(2, 2)).matrices


@pytest.mark.parametrize("algebra", [KEPLER, _estimated(1e-2), LieAlgebra(candidates.polynomial(2, 2))])
def test_saved_algebra_is_the_same(algebra, tmp_path):
    algebra.save(tmp_path / "a.nc")
    loaded = sd.LieAlgebra.load(tmp_path / "a.nc")
    np.testing.assert_array_equal(loaded.basis.vectors(), algebra.basis.vectors())
    np.testing.assert_array_equal(loaded.covariance, algebra.covariance)
    np.testing.assert_array_equal(loaded.exact, algebra.exact)
    assert (loaded.states, loaded.basis.features) == (algebra.states, algebra.basis.features)


def test_files_that_hold_no_algebra_are_refused(tmp_path):
    import xarray as xr

    with pytest.raises(FileNotFoundError, match="no such file"):
        LieAlgebra.load(tmp_path / "none.nc")
    xr.Dataset({"x": 1.0}).to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    with pytest.raises(ValueError, match="no algebra"):
        LieAlgebra.load(tmp_path / "other.nc")
    KEPLER.save(tmp_path / "a.nc")
    with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf") as dataset:
        dataset.load().assign_attrs(format_version=99).to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    with pytest.raises(ValueError, match="update symdyn"):
        LieAlgebra.load(tmp_path / "b.nc")


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="covariance must have shape"):
        LieAlgebra(candidates.so(2), np.eye(3))
    with pytest.raises(ValueError, match=r"\(generator, n, n\)"):
        LieAlgebra.from_matrices(np.ones((2, 3)))


def test_objects_with_the_same_numbers_are_equal(tmp_path):
    for make in (lambda n: sd.candidates.so(n), lambda n: sd.LieAlgebra(sd.candidates.so(n)), sd.groups.sign_flips):
        assert make(3) == make(3) and hash(make(3)) == hash(make(3)) and make(3) != make(2)
        assert make(3) != make(3).renamed(("a", "b", "c")) if hasattr(make(3), "renamed") else make(3) != "so(3)"
    algebra = sd.LieAlgebra.from_matrices([[[0, -1], [1, 0]]], errors=0.1)
    algebra.save(tmp_path / "algebra.nc")
    assert sd.LieAlgebra.load(tmp_path / "algebra.nc") == algebra != sd.LieAlgebra(algebra.basis)
    assert algebra in [algebra] and algebra not in [sd.LieAlgebra.from_matrices([[[0, -1], [1, 0]]])]
    assert len({algebra[0], algebra[0]}) == 1 and sd.systems.exact_law("hopf") != sd.systems.exact_law("lorenz")


def test_a_covariance_that_is_one_number_everywhere_is_not_taken_for_none():
    basis = sd.candidates.so(2)
    size = basis.vectors().size
    spread = np.broadcast_to(0.01, (size, size))
    algebra = sd.LieAlgebra(basis, spread)
    np.testing.assert_array_equal(algebra.subset([0]).covariance, spread)
    assert (
        not algebra.exact.any()
        and np.ptp([draw.basis.vectors() for draw in algebra.draw(20, np.random.default_rng(0))], 0).any()
    )
    assert not sd.LieAlgebra(basis).covariance.any() and sd.LieAlgebra(basis).exact.all()
