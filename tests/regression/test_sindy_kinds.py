"""SymmetricSINDy beyond plain flows: maps, control inputs, weak form, other libraries."""

import pickle

import numpy as np
import pysindy as ps
import pytest
from sklearn.base import clone

import symdyn as sd
from symdyn.functions.features import from_library
from symdyn.lie.vectorfields import VectorField
from symdyn.regression import EquivariantOptimizer, SymmetricSINDy
from symdyn.testing import assert_symmetric

ROTATION = sd.LieAlgebra(sd.candidates.so(2))
STLSQ = ps.STLSQ(threshold=0.05)
QUADRATIC = from_library(ps.PolynomialLibrary(2).fit(np.ones((2, 2))))


def iterates(step, start, n=40, noise=0.0, seed=0):
    rng, path = np.random.default_rng(seed), [np.asarray(start, dtype=float)]
    for _ in range(n - 1):
        path.append(step(path[-1]))
    return np.array(path) + noise * rng.standard_normal((n, len(start)))


def turning_map(x):
    return (1.2 - 0.4 * np.sum(x**2)) * np.array([[0.8, -0.5], [0.5, 0.8]]) @ x


MAPS = [
    iterates(turning_map, start, noise=1e-3, seed=k) for k, start in enumerate([(0.3, 0.1), (-0.9, 0.6), (0.1, -1)])
]


def test_a_map_keeps_its_symmetry_and_finds_its_terms():
    model = SymmetricSINDy(STLSQ, ps.PolynomialLibrary(3), symmetry=ROTATION, kind="map").fit(MAPS, 1)
    plain = ps.DiscreteSINDy(STLSQ, ps.PolynomialLibrary(3))
    plain.fit(MAPS, 1)
    features = from_library(model.model_.feature_library)
    assert model.subspace_.dim == 4 and np.count_nonzero(model.coefficients()) == 12
    assert_symmetric(VectorField(features, model.coefficients(), ("x", "y")), ROTATION)
    np.testing.assert_allclose(model.coefficients()[0, 1:3], [0.96, -0.6], atol=0.01)
    np.testing.assert_allclose(model.simulate(MAPS[0][0], 5)[1], turning_map(MAPS[0][0]), atol=0.02)
    assert model.score(MAPS, 1) > 0.99 and model.complexity == 12
    again = pickle.loads(pickle.dumps(clone(model).fit(MAPS, 1)))
    np.testing.assert_array_equal(again.coefficients(), model.coefficients())
    free = SymmetricSINDy(STLSQ, ps.PolynomialLibrary(3), kind="map").fit(MAPS, 1)
    np.testing.assert_allclose(free.coefficients(), plain.coefficients(), atol=1e-12)


def test_the_optimizer_inside_plain_discrete_sindy_gives_the_same_map():
    plain = ps.DiscreteSINDy(
        EquivariantOptimizer(STLSQ, ROTATION, ps.PolynomialLibrary(3), kind="map"), ps.PolynomialLibrary(3)
    )
    plain.fit(MAPS, 1)
    model = SymmetricSINDy(STLSQ, ps.PolynomialLibrary(3), symmetry=ROTATION, kind="map").fit(MAPS, 1)
    np.testing.assert_allclose(plain.coefficients(), model.coefficients(), atol=1e-12)


def test_a_map_that_keeps_translations_is_fitted_by_its_increments():
    """x -> x + (0.3 sin y, ...): with polynomials in y the increment may depend on y alone."""
    start = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    after = start + np.column_stack([0.2 - 0.5 * start[:, 1] ** 2, 0.3 * start[:, 1]])
    shift = sd.candidates.from_matrices(np.zeros((1, 2, 2)), [[1.0, 0.0]])
    model = SymmetricSINDy(STLSQ, ps.PolynomialLibrary(2), symmetry=shift, kind="map")
    model.fit(start, 1, x_next=after, feature_names=["x", "y"])
    expected = np.array([[0.2, 1, 0, 0, 0, -0.5], [0, 0, 1.3, 0, 0, 0]])
    np.testing.assert_allclose(model.coefficients(), expected, atol=1e-3)
    increment = model.coefficients() - np.eye(6)[[1, 2]]
    assert_symmetric(VectorField(QUADRATIC, increment, ("x", "y")), shift, kind="map")
    waves = SymmetricSINDy(STLSQ, ps.FourierLibrary(), symmetry=sd.groups.element(np.eye(2), [np.pi, 0]), kind="map")
    with pytest.raises(ValueError, match="needs the states themselves"):
        waves.fit(start, 1, x_next=after)


def test_weights_of_a_map_belong_to_the_earlier_sample():
    weights = [np.ones(len(run)) for run in MAPS]
    weights[0][10:], weights[1][:] = 0.0, 2.0
    model = SymmetricSINDy(STLSQ, symmetry=ROTATION, kind="map")
    weighted = model.fit(MAPS, 1, sample_weight=weights).coefficients().copy()
    runs = [MAPS[0][:11], MAPS[1], MAPS[1], MAPS[2]]
    np.testing.assert_allclose(weighted, model.fit(runs, 1).coefficients(), atol=1e-10)


def driven(seed=0):
    """x' = −0.5 x + 0.8 J x + 1.5 u − 0.6 |x|^2 u on three runs."""
    rng, runs, controls, rates = np.random.default_rng(seed), [], [], []
    for _ in range(3):
        x, u = rng.standard_normal((100, 2)), rng.standard_normal((100, 2))
        square = np.sum(x**2, axis=1, keepdims=True)
        rate = -0.5 * x + 0.8 * x @ [[0, 1], [-1, 0]] + (1.5 - 0.6 * square) * u
        runs.append(x), controls.append(u), rates.append(rate + 0.01 * rng.standard_normal(x.shape))
    return runs, controls, rates


@pytest.mark.parametrize(
    ("symmetry", "inputs"),
    [(sd.candidates.so(2, copies=2), None), (ROTATION, ROTATION.matrices), ([ROTATION], ROTATION.matrices)],
    ids=["joint", "matrices", "list"],
)
def test_control_inputs_move_with_the_states(symmetry, inputs):
    runs, controls, rates = driven()
    model = SymmetricSINDy(STLSQ, ps.PolynomialLibrary(3), symmetry=symmetry, inputs=inputs)
    model.fit(runs, 0.1, x_dot=rates, u=controls)
    law = VectorField(from_library(model.model_.feature_library), model.coefficients(), ("x", "y", "u", "v"))
    assert_symmetric(law, sd.candidates.so(2, copies=2))
    assert law.coefficients.shape == (2, 35) and np.count_nonzero(law.coefficients) == 2 * (1 + 1 + 1 + 2)
    assert (
        model.predict(runs[0], controls[0]).shape == (100, 2) and model.score(runs, 0.1, x_dot=rates, u=controls) > 0.99
    )
    terms = model.free_terms()
    assert any(term.startswith("u0 in x0'") for term in terms)


def test_invariant_inputs_scale_symmetric_fields():
    """A scalar control under rotations: functions of u times what rotations leave."""
    rng = np.random.default_rng(0)
    x, u = rng.standard_normal((200, 2)), rng.standard_normal((200, 1))
    rates = (1 - 0.5 * u) * x
    mirrored = [ROTATION, sd.groups.sign_flip([1, -1])]
    model = SymmetricSINDy(STLSQ, ps.PolynomialLibrary(2), symmetry=mirrored, inputs="invariant")
    model.fit(x, 0.1, x_dot=rates, u=u)
    assert model.subspace_.dim == 2
    np.testing.assert_allclose(model.coefficients()[0, [1, 6]], [1, -0.5], atol=1e-3)


def test_time_scalings_and_error_bars_go_along_to_inputs():
    growth = sd.LieAlgebra.from_matrices([np.diag([2.0, 1.0])], errors=0.1, time_scaling=[-1.0])
    from symdyn.regression.inputs import on_arguments

    (wide,) = on_arguments(growth, 2, 1, np.array([[[3.0]]]))
    np.testing.assert_array_equal(wide.matrices[0], np.diag([2.0, 1, 3]))
    np.testing.assert_array_equal(wide.time_scaling, [-1.0])
    assert np.count_nonzero(wide.errors) == np.count_nonzero(growth.errors) == 4


@pytest.mark.filterwarnings("ignore::pysindy.utils._axes.AxesWarning")
def test_weak_form_finds_the_normal_form_inside_the_symmetry():
    x, step = sd.systems.hopf(noise=0.02, rng=0, n_trajectories=4, n_times=300)
    times = step * np.arange(300)

    def library():
        np.random.seed(0)  # noqa: NPY002 (pysindy draws windows from the global state)
        inner = ps.PolynomialLibrary(3, include_bias=False)
        return ps.WeakPDELibrary(function_library=inner, spatiotemporal_grid=times, K=60)

    model = SymmetricSINDy(ps.STLSQ(threshold=0.2, alpha=1e-9), library(), symmetry=ROTATION).fit(x, step)
    assert model.subspace_.dim == 4 and np.count_nonzero(model.coefficients()) == 8
    features = from_library(ps.PolynomialLibrary(3, include_bias=False).fit(x[0]))
    assert_symmetric(VectorField(features, model.coefficients(), ("x", "y")), ROTATION)


LIBRARIES = {
    "Fourier": (ps.FourierLibrary(2), sd.groups.sign_flip([-1, -1])),
    "sum": (ps.PolynomialLibrary(2) + ps.FourierLibrary(1), sd.groups.permutation([1, 0])),
    "product": (ps.PolynomialLibrary(1) * ps.FourierLibrary(1), sd.groups.permutation([1, 0])),
    "custom": (
        ps.CustomLibrary([lambda x: np.exp(-(x**2)), lambda x: x**3], [lambda x: f"e({x})", lambda x: f"{x}^3"]),
        sd.groups.sign_flips(2),
    ),
    "central": (sd.features.CentralForce(range(3), columns=(0, 1)).to_library(), sd.candidates.so(2)),
    "generalized": (
        ps.GeneralizedLibrary([ps.PolynomialLibrary(3), ps.FourierLibrary(1)], inputs_per_library=[[0, 1], [0, 1]]),
        sd.groups.cyclic(2),
    ),
}


@pytest.mark.filterwarnings("ignore:the data contradict the given symmetry")  # some of these data do not have it
@pytest.mark.parametrize("name", LIBRARIES)
def test_any_library_with_exact_jacobians_is_kept_symmetric(name):
    library, symmetry = LIBRARIES[name]
    points = np.random.default_rng(0).uniform(-1, 1, (150, 2)) * [1, 1.5] + [0.1, 0]
    rates = np.sin(points) - 0.3 * points[:, ::-1]
    model = SymmetricSINDy(ps.STLSQ(threshold=1e-3), library, symmetry=symmetry).fit(points, 0.1, x_dot=rates)
    law = VectorField(from_library(model.model_.feature_library), model.coefficients(), ("x", "y"))
    assert 0 < model.subspace_.dim < law.coefficients.size and np.any(law.coefficients)
    assert_symmetric(law, symmetry)


def test_gravity_leaves_a_law_that_only_turns_about_it():
    """q'' = −k q − g e_z: not symmetric under all rotations, but under those about the vertical."""
    rng = np.random.default_rng(0)
    q = rng.standard_normal((100, 3))
    rates = -2 * q + [0, 0, -9.81] + 0.01 * rng.standard_normal(q.shape)
    vertical = sd.stabiliser(sd.candidates.so(3), [0, 0, -9.81])
    model = SymmetricSINDy(STLSQ, ps.PolynomialLibrary(1), symmetry=vertical).fit(q, 0.1, x_dot=rates)
    assert model.subspace_.dim == 4 and np.count_nonzero(model.coefficients()) == 4
    np.testing.assert_allclose(model.coefficients()[2], [-9.81, 0, 0, -2], atol=0.01)


@pytest.mark.parametrize(
    ("options", "data", "message"),
    [
        ({"kind": "jump"}, {}, "kind must be one of"),
        ({"kind": "map"}, {"x_dot": MAPS}, "a map has no rates"),
        ({"differentiation_method": ps.FiniteDifference(), "kind": "map"}, {}, "a map has no rates"),
        ({}, {"x_next": MAPS}, "x_next is for maps"),
        ({}, {"u": MAPS}, "control inputs need a representation"),
        ({"inputs": np.eye(3)[None]}, {"u": MAPS}, "inputs must be 'invariant' or an array"),
        ({"inputs": "invariant"}, {}, "the data have 0"),
        ({"inputs": "invariant", "symmetry": sd.candidates.so(4)}, {"u": MAPS}, "acts on 4 of 2 states"),
        ({"symmetry": sd.candidates.so(3)}, {}, "acts on 3 states, the data have 2"),
    ],
)
def test_what_does_not_fit_together_is_named(options, data, message):
    model = SymmetricSINDy(STLSQ, **({"symmetry": ROTATION} | options))
    with pytest.raises(ValueError, match=message):
        model.fit(MAPS, 1, **data)
