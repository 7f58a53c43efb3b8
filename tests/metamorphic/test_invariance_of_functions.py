"""Functions, manifolds and elements of functions: units, origin, order and names of states do not change the answer."""

from functools import lru_cache

import dask.array as da
import numpy as np
import pytest

import symdyn as sd
from symdyn.discovery.exact_elements import judge_elements_of_function

CHANGES = {
    "units": ([1e9, 1e-9, 1e3], [0, 0, 0]),
    "units and origin": ([1e-9, 1e6, 1], [1e-6, -3e8, 7]),
}
FAR = ([1e-3, 1, 1e9], [1e3, -1e6, 1e14])
MINKOWSKI = np.array([-1.0, 1.0, 1.0])


def sphere(count=120, seed=11):
    x = np.random.default_rng(seed).standard_normal((count, 3))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def cloud(count=150, seed=12):
    return np.random.default_rng(seed).standard_normal((count, 3)) + [0.3, 0.0, -0.2]


def carried(generators, scale, shift):
    """Affine generators x -> A x + b of the plain states as those of scale x + shift."""
    matrices, shifts = generators.coefficients[:, :, 1:], generators.coefficients[:, :, 0]
    turned = matrices * scale[:, None] / scale
    moved = shifts * scale - turned @ shift
    return sd.candidates.from_matrices(turned, moved, time_scaling=generators.time_scaling)


def square(x):
    return np.sum(x**2, axis=1)


def interval(x):
    return x**2 @ MINKOWSKI


def swirl(x):
    return np.column_stack([x[:, 1], -x[:, 0], x[:, 2]]) * (1 - x[:, :1] ** 2 - x[:, 1:2] ** 2)


def inertia(x):
    return square(x)[:, None, None] * np.eye(3) - x[:, :, None] * x[:, None, :]


def half_space(x):
    """The metric of hyperbolic space above a plane."""
    return np.eye(3) / (x[:, 2, None, None] + 5) ** 2


def bump(x):
    return np.exp(-square(x) / 2)


# the function, the candidates, what values do, and whether the class of the candidates is kept by shifts
PROBLEMS = {
    "invariant": (square, sd.candidates.affine(3), "invariant"),
    "two invariants": (lambda x: np.column_stack([x[:, 2], square(x)]), sd.candidates.affine(3), "invariant"),
    "about the origin": (interval, sd.candidates.gl(3), "invariant"),
    "vector field": (swirl, sd.candidates.affine(3, time_scaling=True), "vector_field"),
    "vectors": (inertia, sd.candidates.affine(3), ("vector", "vector")),
    "covectors": (lambda x: 2 * x, sd.candidates.affine(3), ("covector",)),
    "unknown matrices": (inertia, sd.candidates.gl(3), ("linear", "linear")),
    "density": (bump, sd.candidates.affine(3), "density"),
    "polynomial fields": (half_space, sd.candidates.polynomial(3, 2), "metric"),
    "none": (lambda x: np.sum(np.sin(2 * x) + x**3, axis=1), sd.candidates.affine(3), "invariant"),
}


def changed(name, scale, shift):
    """The same function of scale x + shift, its values in units that follow, and points and candidates."""
    f, candidates, output = PROBLEMS[name]
    scale, shift = np.array(scale, dtype=float), np.array(shift, dtype=float)
    unit = {
        "vector field": scale,
        "vectors": np.multiply.outer(scale, scale),
        "covectors": 1 / scale,
        "two invariants": np.array([1e7, 1e-7]),
        "unknown matrices": np.multiply.outer([1e3, 1, 1e-5], [1, 1e8, 1e-2]),
        "polynomial fields": 1e4 / np.multiply.outer(scale, scale),
    }.get(name, 1e5)
    if np.all(scale == 1) and not np.any(shift):
        unit = 1.0
    if name in ("about the origin", "unknown matrices"):
        candidates = carried(candidates, scale, shift)
    return lambda x: f((x - shift) / scale) * unit, cloud() * scale + shift, candidates, output


def summary(found):
    verdicts = found.verdicts_
    algebras = (found.algebra_.name, found.algebra_.dim, found.trivial_.dim)
    return algebras, list(verdicts.verdict.values), verdicts.violation.values, verdicts.upper_bound.values


@lru_cache
def plain(name):
    f, points, candidates, output = changed(name, [1, 1, 1], [0, 0, 0])
    return sd.discover_function(f, points, candidates, output=output)


def same(first, second, tolerance):
    for one, other in zip(first[:2], second[:2], strict=True):
        assert one == other
    for one, other in zip(first[2:], second[2:], strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def span_of_values(algebras, points, scale):
    """An orthonormal basis of what generators make of all states at some points, in the units of the plain states."""
    rows = np.concatenate([a.basis.values(points).reshape(len(points), len(scale), -1) for a in algebras], axis=2)
    rows = np.concatenate(
        [rows / scale[:, None], np.tile(np.concatenate([a.time_scaling for a in algebras]), (1, 3, 1))]
    )
    return np.linalg.qr(rows.reshape(-1, rows.shape[2]))[0]


def turned(first, second):
    """The sine of the angle between two spans of the same dimension."""
    return np.linalg.norm(second - first @ (first.T @ second), 2) if first.shape[1] else 0.0


def test_the_plain_answers_are_those_of_theory():
    names = {name: plain(name).algebra_.name for name in PROBLEMS}
    assert names["invariant"] == names["density"] == "so(3)" and names["two invariants"] == "so(2)"
    assert names["about the origin"] == "sl(2)" and names["none"] == "0"
    assert names["vectors"] == "so(3) + R" and names["unknown matrices"] == "so(3) + R^2"
    assert names["polynomial fields"] == "so(1,3)"
    assert plain("vector field").trivial_.dim == 0 and plain("vector field").algebra_.dim >= 1


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", PROBLEMS)
def test_units_and_origin_do_not_change_what_is_found(name, change):
    scale, shift = map(np.array, CHANGES[change])
    f, points, candidates, output = changed(name, scale, shift)
    found = sd.discover_function(f, points, candidates, output=output)
    tolerance = 1e-6 if change == "units" else 1e-4
    same(summary(plain(name)), summary(found), tolerance)
    if name not in ("unknown matrices", "none"):  # these act on values, too
        here = span_of_values([plain(name).algebra_, plain(name).trivial_], cloud(40), np.ones(3))
        there = span_of_values([found.algebra_, found.trivial_], cloud(40) * scale + shift, scale)
        assert turned(here, there) < tolerance


@pytest.mark.parametrize("name", PROBLEMS)
def test_far_from_the_origin_nothing_else_is_found(name):
    f, points, candidates, output = changed(name, *FAR)
    found = sd.discover_function(f, points, candidates, output=output)
    assert summary(found)[0] == summary(plain(name))[0]
    assert list(found.verdicts_.verdict.values) == list(plain(name).verdicts_.verdict.values)


def test_where_rounding_hides_differences_nothing_is_called_broken():
    # written out about 0 the same function loses its digits far away
    far = 1e4
    expanded = lambda x: np.sum(x**2, axis=1) - 2 * far * np.sum(x, axis=1) + 3 * far**2  # noqa: E731
    with pytest.warns(UserWarning, match="differences of f tell violations from 0 above"):
        found = sd.discover_function(expanded, cloud() + far, sd.candidates.affine(3))
    assert set(found.verdicts_.verdict.values[:3]) == {"undetermined"}
    assert set(found.verdicts_.verdict.values[3:]) == {"broken"}


def test_a_class_about_the_origin_finds_there_what_is_left_of_rotations_about_another_point():
    found = sd.discover_function(lambda x: square(x - 5), cloud() + 5, sd.candidates.gl(3))
    assert found.algebra_.dim == 1  # about the axis that passes both points
    np.testing.assert_allclose(found.algebra_.matrices[0] @ [1, 1, 1], 0, atol=1e-6)
    affine = sd.discover_function(lambda x: square(x - 5), cloud() + 5, sd.candidates.affine(3))
    assert affine.algebra_.name == "so(3)"


def test_a_constant_added_to_an_invariant_hides_nothing():
    found = sd.discover_function(lambda x: 1e7 + x**2 @ [1.0, 2.0, 2.0], cloud(), sd.candidates.so(3))
    assert found.algebra_.dim == 1


@pytest.mark.parametrize("scale, shift", CHANGES.values(), ids=CHANGES)
def test_a_jacobian_is_carried_along(scale, shift):
    scale, shift = np.array(scale), np.array(shift)
    found = sd.discover_function(
        lambda x: square((x - shift) / scale),
        cloud() * scale + shift,
        sd.candidates.affine(3),
        jacobian=lambda x: 2 * (x - shift) / scale**2,
    )
    assert found.algebra_.name == "so(3)" and found.evidence_.span_bounds[2] < 1e-9


def test_given_matrices_on_values_in_any_units():
    turns, unit = sd.candidates.so(3), np.array([1e4, 1e-6, 1.0])
    matrices = turns.coefficients[:, :, 1:] * unit[:, None] / unit
    scale = np.array([1e3, 1e-3, 1.0, 1e5, 1.0, 1e-5])
    plain = sd.candidates.so(3, copies=2)
    points = np.random.default_rng(3).standard_normal((200, 6))
    cross = lambda x: np.cross(x[:, :3] / scale[:3], x[:, 3:] / scale[3:]) * unit  # noqa: E731
    found = sd.discover_function(cross, points * scale, carried(plain, scale, np.zeros(6)), output=matrices)
    assert found.algebra_.name == "so(3)"


@pytest.mark.parametrize("name", ["invariant", "vector field"])
def test_order_of_states_points_and_chunks_does_not_matter(name):
    f, points, candidates, output = changed(name, [1, 1, 1], [0, 0, 0])
    order = [2, 0, 1]
    back = np.argsort(order)
    back_values = (lambda y: y[:, order]) if output == "vector_field" else (lambda y: y)
    reordered = sd.discover_function(lambda x: back_values(f(x[:, back])), points[:, order], candidates, output=output)
    same(summary(plain(name)), summary(reordered), 1e-6)
    shuffled = sd.discover_function(f, np.random.default_rng(0).permutation(points), candidates, output=output)
    same(summary(plain(name)), summary(shuffled), 1e-6)
    chunked = sd.discover_function(f, da.from_array(points, chunks=(40, 2)), candidates, output=output)
    same(summary(plain(name)), summary(chunked), 1e-6)


def test_what_many_points_show_does_not_depend_on_chunks():
    points = np.random.default_rng(4).standard_normal((5000, 3))
    f = lambda x: np.column_stack([x[:, 0] * square(x), 1e5 * x[:, 2]])  # noqa: E731
    whole, chunked = (
        sd.discover_function(f, p, sd.candidates.gl(3)) for p in (points, da.from_array(points, chunks=(700, 3)))
    )
    same(summary(whole), summary(chunked), 1e-6)


@pytest.mark.parametrize("known", ["level set", "points"])
@pytest.mark.parametrize("change", CHANGES)
def test_manifolds_in_any_units(known, change):
    scale, shift = map(np.array, CHANGES[change])
    x = sphere(240) if known == "points" else sphere()

    def found(scale, shift):
        level = None if known == "points" else lambda x: square((x - shift) / scale) - 1
        return sd.discover_manifold(x * scale + shift, sd.candidates.affine(3), level_set=level, n_bootstrap=10)

    plain, moved = found(np.ones(3), np.zeros(3)), found(scale, shift)
    assert plain.algebra_.name == "so(3)"
    same(summary(plain), summary(moved), 1e-6 if change == "units" else 1e-4)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("output", ["invariant", "vector", ("vector", "vector"), "density"])
def test_elements_of_functions_in_any_units(output, change):
    scale, shift = map(np.array, CHANGES[change])
    f, unit = {
        "invariant": (lambda x: x[:, 0] ** 2 + x[:, 1] * x[:, 2], 1e8),
        "vector": (lambda x: x * square(x)[:, None], scale),
        ("vector", "vector"): (inertia, np.multiply.outer(scale, scale)),
        "density": (bump, 1e-8),
    }[output]
    elements = sd.groups.elements([*sd.groups.sign_flips(3).matrices, *sd.groups.permutations(3).matrices])
    matrices = elements.matrices * scale[:, None] / scale
    moved = sd.groups.elements([sd.groups.element(a, shift - a @ shift) for a in matrices])
    plain = judge_elements_of_function(f, cloud(), elements, output)
    found = judge_elements_of_function(lambda x: f((x - shift) / scale) * unit, cloud() * scale + shift, moved, output)
    assert list(plain.verdict.values) == list(found.verdict.values)
    for column in ("violation", "upper_bound", "image_outside"):
        np.testing.assert_allclose(plain[column], found[column], rtol=1e-6, atol=1e-6)
