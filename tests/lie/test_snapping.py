"""Exact algebras inside error bars: what is snapped is exact, what is not exact of a kind is left alone."""

import numpy as np
import pytest

from symdyn.lie import candidates
from symdyn.lie.canonical.canonical_form import Ensemble, canonical_vectors
from symdyn.lie.canonical.frames import Frame
from symdyn.lie.structure.brackets import closure_error, structure_constants
from symdyn.lie.structure.naming import exact_name

TURN = np.array([[0.0, 1.0], [-1.0, 0.0]])
KEPLER = candidates.so(3) + candidates.from_matrices(np.eye(3)[None], time_scaling=[1.5])


def unit(i, j, n):
    matrix = np.zeros((n, n))
    matrix[i, j] = 1.0
    return matrix


def fields(*matrices, shift=None, tau=0.0):
    """Linear fields, the first with a constant part and a rate of time."""
    shifts = np.zeros((len(matrices), len(matrices[0])))
    shifts[0] = 0.0 if shift is None else shift
    return candidates.from_matrices(matrices, shifts, time_scaling=[tau] + [0.0] * (len(matrices) - 1))


SCREW = unit(0, 1, 3) - unit(1, 0, 3)
# Algebras with the candidates among which they are sought.
ALGEBRAS = {
    "so(2)": (candidates.so(2), candidates.affine(2)),
    "so(2) in space": (fields(SCREW), candidates.affine(3)),
    "so(2) on copies": (candidates.so(2, copies=2), candidates.affine(4)),
    "so(1,1)": (candidates.lorentz(1, 1), candidates.affine(2)),
    "so(3)": (candidates.so(3), candidates.affine(3)),
    "so(3) + R": (KEPLER, candidates.affine(3, time_scaling=True)),
    "so(1,2)": (candidates.lorentz(1, 2), candidates.affine(3)),
    "se(2)": (candidates.se(2), candidates.affine(2)),
    "gl(2)": (candidates.gl(2), candidates.affine(2)),
    "heis(3)": (fields(unit(0, 1, 3), unit(1, 2, 3), unit(0, 2, 3)), candidates.affine(3)),
    "scaling 1 : 2": (fields(np.diag([1.0, 2.0])), candidates.affine(2)),
    "scalings": (candidates.scalings(3), candidates.affine(3)),
    "drift": (fields(np.zeros((3, 3)), shift=[1.0, 1.0, 0.0]), candidates.affine(3)),
    "translations": (candidates.translations(3).combine(np.eye(3)[:2]), candidates.affine(3)),
    "shear": (fields(unit(0, 1, 2)), candidates.affine(2)),
    "screw": (fields(SCREW, shift=[0, 0, 1.0]), candidates.affine(3)),
    "sl(2)": (candidates.polynomial(1, 2), candidates.polynomial(1, 3)),
}
# One invariant of each is a number that is not simple.
INEXACT = {
    "a rotation that grows": (fields(TURN + 0.05 * np.eye(2)), candidates.affine(2)),
    "rates 1 and 0.93": (fields(np.diag([1.0, 0.93])), candidates.affine(2)),
    "two rotations": (
        fields(np.kron(np.diag([1.0, 0.0]), TURN) + np.kron(np.diag([0.0, np.sqrt(2)]), TURN)),
        candidates.affine(4),
    ),
    "tau 1.4": (
        candidates.so(3) + fields(np.eye(3), tau=1.4),
        candidates.affine(3, time_scaling=True),
    ),
    "a scaling beside another": (fields(np.diag([1.0, 0.93, 0.0]), unit(2, 2, 3)), candidates.affine(3)),
}


def some_frame(n, seed):
    """Ratios of scales and a centre as they are in a chart."""
    rng = np.random.default_rng(seed)
    return Frame(np.diag(np.exp(0.15 * rng.standard_normal(n))), 0.3 * rng.standard_normal(n))


def estimate(algebra, searched, frame, error, seed, count=200):
    """What a search makes of an algebra in a frame: the true span, an estimated basis, and its ensemble.

    Every coefficient of the candidates has the same error, in a mixed basis of unit length.
    """
    rng = np.random.default_rng(seed)
    wide = (algebra + searched).combine(np.eye(len(algebra) + len(searched))[: len(algebra)])
    true = wide.vectors() @ frame.vector_map(wide.features)
    directions = np.linalg.qr(searched.vectors().T)[0].T
    mixture = np.linalg.qr(rng.standard_normal((len(true),) * 2))[0]

    def noise():
        return error * rng.standard_normal((len(true), len(directions))) @ directions

    span = mixture @ np.linalg.qr(true.T)[0].T + noise()
    ensemble = Ensemble(span, np.stack([span + noise() for _ in range(count)]), np.eye(span.shape[1]))
    return true, searched.with_vectors(span), ensemble


def distance(first, second):
    """The sine of the largest angle between two spans."""
    bases = [np.linalg.qr(rows.T)[0] for rows in (first, second)]
    return np.linalg.norm(bases[0] - bases[1] @ (bases[1].T @ bases[0]), 2)


def spectrum(basis, vector):
    """Eigenvalues of the linear part over the largest, sorted, their sign left open."""
    values = np.linalg.eigvals(basis.with_vectors(vector[None]).coefficients[0, :, 1 : 1 + len(basis.states)])
    values /= np.abs(values).max()
    values *= 1.0 if values.real.sum() >= 0 else -1.0
    return values[np.lexsort(np.round([values.imag, values.real], 9))]


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", ALGEBRAS)
def test_what_is_snapped_closes_exactly_has_the_true_constants_and_is_as_near_as_the_error(name, seed):
    algebra, searched = ALGEBRAS[name]
    frame = some_frame(len(searched.states), seed)
    true, basis, ensemble = estimate(algebra, searched, frame, 1e-3, seed)
    found = canonical_vectors(basis, ensemble)
    snapped = basis.with_vectors(found.vectors)
    assert found.exact.all()
    assert closure_error(snapped) < 1e-12
    assert distance(found.vectors, true) < 6e-3
    names = [exact_name(structure_constants(basis.with_vectors(rows)), 1e-9) for rows in (true, found.vectors)]
    assert names[0] == names[1]


@pytest.mark.parametrize("name", ["so(2)", "so(2) in space", "so(2) on copies", "so(1,1)", "scaling 1 : 2", "shear"])
@pytest.mark.parametrize("mixed", [False, True])
def test_a_single_generator_has_the_exact_spectrum_in_every_linear_mixture_of_the_states(name, mixed):
    algebra, searched = ALGEBRAS[name]
    n = len(searched.states)
    frame = some_frame(n, 3)
    if mixed and name != "shear":  # a nilpotent matrix has no eigenvectors to start from
        turned = np.linalg.qr(np.random.default_rng(5).standard_normal((n, n)))[0]
        frame = Frame(turned @ np.diag(np.linspace(1.0, 2.0, n)) @ turned.T @ frame.matrix, frame.centre)
    true, basis, ensemble = estimate(algebra, searched, frame, 1e-3, 4)
    found = canonical_vectors(basis, ensemble)
    assert found.exact.all() and distance(found.vectors, true) < 1e-2
    if name != "shear":
        np.testing.assert_allclose(spectrum(basis, found.vectors[0]), spectrum(basis, true[0]), atol=1e-12)


@pytest.mark.parametrize("name", ["so(3)", "so(3) + R"])
def test_rotations_in_a_mixture_of_the_states_are_exact_in_an_inner_product_that_is_found(name):
    algebra, searched = ALGEBRAS[name]
    mixture = np.array([[1.0, 0.6, 0.0], [0.0, 1.0, -0.4], [0.3, 0.0, 1.0]])
    true, basis, ensemble = estimate(algebra, searched, Frame(mixture, np.array([0.2, 0.0, -0.3])), 1e-3, 0)
    found = canonical_vectors(basis, ensemble)
    assert found.exact.all() and closure_error(basis.with_vectors(found.vectors)) < 1e-12
    assert distance(found.vectors, true) < 1e-2


@pytest.mark.parametrize("error", [1e-4, 1e-3])
@pytest.mark.parametrize("name", INEXACT)
def test_what_is_not_exact_of_a_kind_stays_as_it_came_out(name, error):
    algebra, searched = INEXACT[name]
    for seed in range(3):
        _, basis, ensemble = estimate(algebra, searched, some_frame(len(searched.states), seed), error, seed)
        found = canonical_vectors(basis, ensemble)
        assert not found.exact.any()
        assert distance(found.vectors, ensemble.span) < 1e-12
        assert found.centre is None and found.frame is None


@pytest.mark.parametrize("name", ["so(2)", "shear", "so(1,1)", "so(3)", "scaling 1 : 2", "se(2)"])
def test_error_bars_that_hold_two_types_snap_to_none(name):
    """A rotation with a tenth of its size for an error may be a shear."""
    algebra, searched = ALGEBRAS[name]
    for seed in range(4):
        _, basis, ensemble = estimate(algebra, searched, some_frame(len(searched.states), seed), 0.15, seed)
        assert not canonical_vectors(basis, ensemble).exact.any()


def test_wild_replicates_make_nothing_acceptable():
    """A growing rotation, one replicate in ten of which is anything."""
    algebra, searched = INEXACT["a rotation that grows"]
    _, basis, ensemble = estimate(algebra, searched, some_frame(2, 0), 1e-3, 0)
    replicates = ensemble.replicates.copy()
    replicates[::10] = np.random.default_rng(1).standard_normal(replicates[::10].shape)
    wild = Ensemble(ensemble.span, replicates, ensemble.metric)
    assert not canonical_vectors(basis, wild).exact.any()


CHANGES = {
    "units and origin": Frame(np.diag([3.0, 0.4, 1.3]), np.array([0.5, -1.0, 0.2])),
    "order": Frame(np.eye(3)[[2, 0, 1]], np.zeros(3)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["so(3)", "so(3) + R", "heis(3)", "drift", "so(2) in space"])
def test_a_change_of_units_origin_or_order_carries_the_snapped_span_along(name, change):
    algebra, searched = ALGEBRAS[name]
    _, basis, ensemble = estimate(algebra, searched, some_frame(3, 1), 1e-3, 1)
    carry = CHANGES[change].vector_map(basis.features)
    back = np.linalg.inv(carry)
    moved = Ensemble(ensemble.span @ carry, ensemble.replicates @ carry, back @ ensemble.metric @ back.T)
    found = canonical_vectors(basis, ensemble)
    again = canonical_vectors(basis.with_vectors(moved.span), moved)
    assert found.exact.all() and again.exact.all()
    assert distance(found.vectors @ carry, again.vectors) < 1e-8


@pytest.mark.parametrize("name", ["so(3)", "se(2)", "so(1,2)", "heis(3)", "so(3) + R"])
def test_another_basis_of_the_span_gives_the_same_algebra(name):
    algebra, searched = ALGEBRAS[name]
    _, basis, ensemble = estimate(algebra, searched, some_frame(len(searched.states), 2), 1e-3, 2)
    mixture = np.random.default_rng(3).standard_normal((len(algebra),) * 2)
    other = Ensemble(mixture @ ensemble.span, mixture @ ensemble.replicates, ensemble.metric)
    found, again = canonical_vectors(basis, ensemble), canonical_vectors(basis.with_vectors(other.span), other)
    assert found.exact.all() and again.exact.all()
    assert distance(found.vectors, again.vectors) < 1e-8


def test_errors_are_those_of_centre_and_scales():
    """Over 40 estimates of a rotation, deviations over error bars have mean square 1, and the centre is found."""
    algebra, searched = ALGEBRAS["so(2)"]
    frame = some_frame(2, 0)
    squares, centres = [], []
    for seed in range(40):
        true, basis, ensemble = estimate(algebra, searched, frame, 2e-3, seed)
        found = canonical_vectors(basis, ensemble)
        if not found.exact.all():
            continue
        matter = np.diag(found.covariance) > 1e-12
        truth = true[0] / true[0][np.abs(true[0]) > 0.9 * np.abs(true[0]).max()].__abs__().mean()
        truth *= np.sign(truth @ found.vectors[0])
        squares.append((found.vectors[0] - truth)[matter] ** 2 / np.diag(found.covariance)[matter])
        centres.append((found.centre - frame.centre) / found.centre_error)
    assert len(squares) >= 36
    assert 0.5 < np.mean(np.concatenate(squares)) < 1.8
    assert 0.5 < np.mean(np.square(centres)) < 1.8


def test_tied_scales_about_a_given_origin_leave_nothing_free():
    origin = np.array([0.7, -0.2, 0.1])
    frame = Frame(np.eye(3), origin)
    linear = candidates.gl(3, time_scaling=True)
    searched = linear.with_vectors(linear.vectors() @ frame.vector_map(linear.features))
    true, basis, ensemble = estimate(KEPLER, searched, frame, 3e-3, 0)
    found = canonical_vectors(basis, ensemble, origin=origin, ties=[[0, 1, 2]])
    assert found.exact.all()
    assert distance(found.vectors, true) < 1e-12
    np.testing.assert_array_equal(found.covariance, 0)
    np.testing.assert_array_equal(found.centre, origin)
    np.testing.assert_array_equal(found.centre_error, 0)
    scaling = found.vectors[np.argmax(np.abs(found.vectors[:, -1]))]
    assert scaling[-1] / scaling[1] == 1.5


def test_the_centre_is_undetermined_along_an_axis_and_for_translations():
    algebra, searched = ALGEBRAS["so(2) in space"]
    _, basis, ensemble = estimate(algebra, searched, some_frame(3, 0), 1e-3, 0)
    found = canonical_vectors(basis, ensemble)
    assert np.isfinite(found.centre_error).tolist() == [True, True, False]
    for name in ("translations", "se(2)"):
        algebra, searched = ALGEBRAS[name]
        _, basis, ensemble = estimate(algebra, searched, some_frame(len(searched.states), 0), 1e-3, 0)
        found = canonical_vectors(basis, ensemble)
        assert found.exact.all() and found.centre is None


def test_data_that_object_are_asked_before_anything_is_snapped():
    algebra, searched = ALGEBRAS["so(2)"]
    _, basis, ensemble = estimate(algebra, searched, some_frame(2, 0), 1e-3, 0)
    asked = []
    found = canonical_vectors(basis, ensemble, accept=lambda vectors: bool(asked.append(vectors)))
    assert asked and not found.exact.any()


def test_generators_keep_inside_the_candidates():
    """Rotations among candidates that hold no constant terms stay about 0."""
    true, basis, ensemble = estimate(
        candidates.so(2), candidates.gl(2), Frame(np.diag([1.2, 1.0]), np.zeros(2)), 2e-3, 0
    )
    found = canonical_vectors(basis, ensemble)
    assert found.exact.all() and distance(found.vectors, true) < 1e-2
    np.testing.assert_allclose(found.vectors[0][[0, 3]], 0, atol=1e-15)
