"""Promotion under changes that must not matter: units, origin, order and names of states, order of samples."""

import warnings

import numpy as np
import pytest

import symdyn as sd
from symdyn.regression import PromotedRegressor, promote

STEPS = {  # scale and shift of both states, shifts in their spread
    "small and large": ((1e-9, 1e9), (0, 0)),
    "unlike and shifted": ((1e3, 1e-2), (10, -20)),
    "far in other units": ((1e-3, 1e6), (-1e3, 300)),
    "very far": ((1, 1), (1e6, -1e6)),
}


def hopf(x):
    return x * (1 - (x**2).sum(1, keepdims=True)) + np.stack([-x[:, 1], x[:, 0]], axis=1)


def samples(kind, seed=0):
    """Points and outputs; what is kept is the rotation, or the direction (1, −2)."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(-1.3, 1.3, (60, 2)) + [0.1, -0.2]
    noise = rng.standard_normal((60, 2))
    if kind == "vector_field":
        return points, hopf(points) + 0.03 * noise
    if kind == "map":
        return points, points + 0.1 * hopf(points) + 0.003 * noise
    inner = points @ [1.0, 0.5]
    return points, inner + inner**2 + 0.03 * noise[:, 0]


def moved(kind, points, values, change):
    """The same samples in other units, and predictions back in the old ones."""
    scale, shift = np.array(change[0], dtype=float), np.array(change[1]) * 0.75 * change[0]
    if kind == "invariant":
        return points * scale + shift, values, lambda y: y
    origin = shift if kind == "map" else 0.0
    return points * scale + shift, values * scale + origin, lambda y: (y - origin) / scale


def carried(generators, change):
    """Affine generators in the new units: v'(x) = S v((x − b) / S)."""
    scale, shift = np.array(change[0], dtype=float), np.array(change[1]) * 0.75 * change[0]
    constant, matrices = generators.coefficients[:, :, 0], generators.coefficients[:, :, 1:]
    matrices = matrices * scale[:, None] / scale
    return sd.candidates.from_matrices(matrices, constant * scale - matrices @ shift)


def fitted(kind, candidates, points, values, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of broken candidates
        return PromotedRegressor(candidates, sd.features.Polynomial(3), output=kind, **options).fit(points, values)


CASES = {
    "rotation of a field": ("vector_field", sd.candidates.so(2), True),
    "rotation of a map": ("map", sd.candidates.so(2), True),
    "Euclidean motions of a field": ("vector_field", sd.candidates.se(2), True),
    "translations": ("invariant", sd.candidates.translations(2), False),
    "affine motions": ("invariant", sd.candidates.affine(2), False),
}


@pytest.fixture(scope="module")
def references():
    return {name: fitted(kind, fields, *samples(kind)) for name, (kind, fields, _) in CASES.items()}


@pytest.mark.parametrize("change", STEPS)
@pytest.mark.parametrize("case", CASES)
def test_units_and_origin_of_the_states_change_nothing(case, change, references):
    (kind, fields, is_carried), here = CASES[case], references[case]
    points, values = samples(kind)
    there_points, there_values, back = moved(kind, points, values, STEPS[change])
    there = fitted(kind, carried(fields, STEPS[change]) if is_carried else fields, there_points, there_values)
    far = max(np.abs(STEPS[change][1]))
    assert here.broken_ == there.broken_ and here.symmetry_.dim == there.symmetry_.dim > 0
    assert here.symmetry_.name == there.symmetry_.name and here.subspace_.dim == there.subspace_.dim
    close = 1e-6 if far < 1e4 else 1e-4
    np.testing.assert_allclose(there.singular_values_, here.singular_values_, atol=10 * close)
    np.testing.assert_allclose(back(there.predict(there_points)), here.predict(points), atol=close * values.std())


@pytest.mark.parametrize("change", ["small and large", "far in other units"])
@pytest.mark.parametrize("case", CASES)
def test_generators_and_laws_transform_as_they_must(case, change, references):
    (kind, fields, is_carried), here = CASES[case], references[case]
    points, values = samples(kind)
    there_points, there_values, back = moved(kind, points, values, STEPS[change])
    there = fitted(kind, carried(fields, STEPS[change]) if is_carried else fields, there_points, there_values)
    scale = np.array(STEPS[change][0], dtype=float)
    span = [one.symmetry_.basis.values(x) for one, x in ((here, points), (there, there_points))]
    first, second = (np.linalg.qr(v.reshape(-1, v.shape[2]))[0] for v in (span[0], span[1] / scale[:, None]))
    np.testing.assert_allclose(second @ (second.T @ first), first, atol=1e-6)
    by_coefficients = sd.features.Polynomial(3)(there_points) @ np.atleast_2d(there.coef_).T
    by_coefficients = by_coefficients + there_points if kind == "map" else by_coefficients
    lost = 1e-6 if np.abs(STEPS[change][1]).max() == 0 else 1e-4  # powers of what is far away
    found = back(by_coefficients).reshape(here.predict(points).shape)
    np.testing.assert_allclose(found, here.predict(points), atol=lost * values.std())


@pytest.mark.parametrize("case", CASES)
def test_order_of_states_and_unit_of_time_change_nothing(case, references):
    (kind, fields, _), here = CASES[case], references[case]
    points, values = samples(kind)
    turned = values[:, ::-1] if values.ndim == 2 else values
    there = fitted(kind, fields, points[:, ::-1], turned)
    assert (here.broken_, here.symmetry_.name) == (there.broken_, there.symmetry_.name)
    found = there.predict(points[:, ::-1])
    found = found[:, ::-1] if values.ndim == 2 else found
    np.testing.assert_allclose(found, here.predict(points), atol=1e-6 * values.std())
    if kind == "vector_field":
        faster = fitted(kind, fields, points, 1e6 * values)
        np.testing.assert_allclose(faster.predict(points) / 1e6, here.predict(points), atol=1e-6 * values.std())


@pytest.mark.parametrize("case", ["rotation of a field", "translations"])
def test_single_precision_and_order_of_samples_change_no_verdict(case, references):
    (kind, fields, _), here = CASES[case], references[case]
    points, values = samples(kind)
    order = np.random.default_rng(1).permutation(len(points))
    for there in (
        fitted(kind, fields, points.astype("f4"), values.astype("f4")),
        fitted(kind, fields, points[order], values[order]),
    ):
        assert (here.broken_, here.symmetry_.name) == (there.broken_, there.symmetry_.name)


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_accelerations_with_a_rescaled_time_in_any_units(factor):
    """q'' = −q / |q|^2 keeps q -> s q, t -> s t, and rotations."""
    rng = np.random.default_rng(0)
    positions = rng.uniform(0.5, 1.5, (80, 2)) * rng.choice([-1, 1], (80, 2))
    states = np.hstack([positions, rng.standard_normal((80, 2))])
    values = -positions / np.sum(positions**2, axis=1, keepdims=True)
    fields = sd.candidates.so(2) + sd.candidates.from_matrices([np.eye(2)], time_scaling=[1.0])
    library = sd.features.CentralForce((0, 2), (0, 1))
    found = []
    for unit, time in ((1.0, 1.0), (factor, 1.0), (1.0, factor), (factor, 1 / factor)):
        scaled = states * np.repeat([unit, unit / time], 2)
        model = PromotedRegressor(fields, library, output="second_order")
        found.append(model.fit(scaled, values * unit / time**2))
        assert model.broken_ == 0
        np.testing.assert_allclose(model.predict(scaled) * time**2 / unit, values, atol=1e-6)


def test_rotations_about_the_origin_mean_that_origin():
    # so(2) is no candidate about the centre of shifted data: what is kept there about 0 is nothing.
    points, values = samples("vector_field")
    far = fitted("vector_field", sd.candidates.so(2), points + [3.0, 3.0], values)
    assert far.broken_ == 1 and far.symmetry_ is None


@pytest.mark.parametrize("factors", [(1e9, 1.0, 1.0), (1.0, 1e-9, 1.0), (1e6, 1e-6, 1e3)])
def test_promote_follows_the_units_of_target_features_and_rows(factors):
    """Design over d, maps over d times r, target times y: w times y d, the objective times y^2 with gamma y / r."""
    y, d, r = factors
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (40, 2))
    library, fields = sd.features.Polynomial(2), sd.candidates.translations(2)
    values = (points @ [1.0, 0.5]) ** 2 + 0.1 * rng.standard_normal(40)
    # Rows of L(∂_i, F) at the samples.
    maps = [library.jacobian(points)[:, :, k] for k in range(len(fields))]
    here = promote(maps, library(points), values, gamma=0.1, tol=1e-9)
    there = promote([r * rows / d for rows in maps], library(points) / d, y * values, gamma=0.1 * y / r, tol=1e-9)
    assert here.converged and there.converged
    np.testing.assert_allclose(there.coefficients / (y * d), here.coefficients, atol=1e-6)
    np.testing.assert_allclose(there.objective / y**2, here.objective, rtol=1e-6)
