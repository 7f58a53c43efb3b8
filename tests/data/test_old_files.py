"""Files of version 0.1.0 open and mean what they meant; `v0_1_0/make.py` wrote them."""

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import symdyn as sd
from symdyn.functions.features import CentralForce, Fourier, Monomials, Polynomial, Radial
from symdyn.regression import FittedLaw, fit_moments
from symdyn.sums.moments import joined
from symdyn.sums.store import load_axes, load_moments
from symdyn.testing import assert_symmetric

STORED = Path(__file__).parent / "v0_1_0"
TURN = np.array([[0.0, -1.0], [1.0, 0.0]])
LOTKA_VOLTERRA = [[0, 2 / 3, 0, 0, -4 / 3, 0], [0, 0, -1, 0, 1, 0]]  # of 1, x, y, x^2, x y, y^2


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """The files as they were written, in a folder of their own."""
    folder = tmp_path_factory.mktemp("v0_1_0")
    for path in STORED.rglob("*"):
        if path.suffix in (".gz", ".json", ".csv"):
            place = folder / path.relative_to(STORED)
            place.parent.mkdir(parents=True, exist_ok=True)
            content = path.read_bytes()
            packed = path.suffix == ".gz"
            (place.with_suffix("") if packed else place).write_bytes(gzip.decompress(content) if packed else content)
    return folder


def results(path):
    with xr.open_datatree(path, engine="h5netcdf") as tree:
        return {name: node.to_dataset().load() for name, node in tree.children.items()}


def check_provenance(found, job, data):
    config = json.loads(found.attrs["config"])
    assert (config["job"], config.get("data")) == (job, data)
    assert found.attrs["symdyn_workbench"] == "0.1.0" and len(found.attrs["data_sha256"]) == 64
    assert found.seconds.units == "s" and (found.seconds > 0).all()


def test_given_generators_are_exact(old):
    found = sd.LieAlgebra.load(old / "algebras" / "exact.nc")
    assert (found.dim, found.states, found.name) == (2, ("x", "y"), "R^2")
    assert found.texts() == ["−y ∂x + x ∂y", "x ∂x + y ∂y + 1.5 t ∂t"]
    np.testing.assert_array_equal(found.matrices, [TURN, np.eye(2)])
    np.testing.assert_array_equal(found.time_scaling, [0, 1.5])
    assert found.exact.dtype == bool and found.exact.all() and not found.covariance.any()
    assert found.time_per_scale() == (1.5, 0.0)  # Kepler's third law


def test_quadratic_generators_close_as_they_did(old):
    found = sd.LieAlgebra.load(old / "algebras" / "quadratic.nc")
    assert (found.name, found.states, found.basis.features) == ("sl(2)", ("s",), Polynomial(2))
    assert found.texts() == ["∂s", "s ∂s", "s^2 ∂s"]
    np.testing.assert_array_equal(found.generators[2](np.array([[3.0]])), [[9.0]])
    np.testing.assert_allclose(found.structure_constants()[0, 2], [0, 2, 0], atol=1e-12)  # [∂s, s^2 ∂s] = 2 s ∂s


def test_a_found_generator_keeps_its_error_bars(old):
    found = sd.LieAlgebra.load(old / "algebras" / "found.nc")
    assert (found.dim, found.states, found.name) == (1, ("x", "y"), "so(2)")
    assert found.texts() == ["0.999 y ∂x − x ∂y + 0.00108 y ∂y"] and not found.exact.any()
    expected = [[-3.7507919687106706e-06, 0.99874714715625057], [-1.0012528528437497, 1.0779030787363760e-03]]
    np.testing.assert_array_equal(found.matrices, [expected])
    bars = [0, 0.0006206098124584, 0.001014175721229, 0, 0.000951203158181, 0.0018220758285598, 0]
    np.testing.assert_allclose(found.errors, [bars], rtol=1e-12)
    np.testing.assert_allclose(found.covariance[1, 4], -3.8457206820081276e-07, rtol=1e-12)
    np.testing.assert_array_equal(found.covariance, found.covariance.T)
    assert np.all(np.abs(found.matrices[0] + TURN).ravel() < 4 * found.errors[0][[1, 2, 4, 5]])
    assert [draw.exact.all() for draw in found.draw(2, np.random.default_rng(0))] == [True, True]


def test_a_fitted_law(old):
    law = FittedLaw.load(old / "laws" / "fitted.nc")
    assert (law.kind, law.states, law.features) == ("flow", ("x", "y"), Polynomial(3))
    assert law.equations()[0] == "0.491 x − 1.3 y − 0.982 x^3 − 0.982 x y^2"
    a, w, b = 0.4911556584066927, 1.2977347050366737, 0.981857620100385
    expected = np.array([[0, a, -w, 0, 0, 0, -b, 0, -b, 0], [0, w, a, 0, 0, 0, 0, -b, 0, -b]])
    np.testing.assert_array_equal(law.coefficients, expected)
    assert_symmetric(law, sd.LieAlgebra(sd.candidates.so(2)))
    # It turns at a constant rate, onto the circle where growth ends.
    times = np.array([0.0, 40.0])
    end = np.sqrt(a / b) * np.array([np.cos(40 * w), np.sin(40 * w)])
    np.testing.assert_allclose(law.simulate([1.0, 0.0], times)[-1], end, atol=1e-5)


def test_a_law_of_second_order(old):
    law = FittedLaw.load(old / "laws" / "second_order.nc")
    assert (law.kind, law.states) == ("second_order", ("x", "y", "vx", "vy"))
    friction = Polynomial(1, constant=False, columns=(2, 3))
    assert law.features == CentralForce((0, 3), columns=(0, 1)) + friction
    np.testing.assert_allclose(law.to_function()(np.array([3.0, 4.0, 1.0, 2.0])), [-0.124, -0.232], rtol=1e-12)
    path = law.simulate([1.0, 0.0, 0.0, 1.0], np.linspace(0, 3, 4))
    turning = path[:, 0] * path[:, 3] - path[:, 1] * path[:, 2]
    np.testing.assert_allclose(turning, np.exp(-0.1 * np.arange(4)), rtol=1e-6)


def test_a_law_of_a_map(old):
    law = FittedLaw.load(old / "laws" / "map.nc")
    assert (law.kind, law.states, law.features) == ("map", ("q", "p"), Fourier(1) + Polynomial(1))
    assert law.equations() == ["0.6 sin(1 q) + p", "0.6 sin(1 q)"]
    q, p = 1.0, 0.5
    for found in law.simulate([q, p], np.arange(5)):
        np.testing.assert_allclose(found, [q, p], rtol=1e-12)
        p = p + 0.6 * np.sin(q)
        q = q + p


def test_a_law_with_an_input(old):
    law = FittedLaw.load(old / "laws" / "with_input.nc")
    assert (law.kind, law.states, law.coefficients.shape) == ("flow", ("x", "y", "u"), (2, 3))
    assert law.features == Monomials(((1, 1, 1), (0, 3, 0))) + Radial((2,), columns=(0, 1))
    np.testing.assert_allclose(law.to_function()(np.array([1.0, 2.0, 7.0])), [14, -7.6], rtol=1e-12)


def least_squares(moments):
    """The law that sums of products stand for, by the normal equations."""
    sums = moments.cross.sum(axis=0)
    return np.linalg.solve(sums[:6, :6], sums[:6, 6:]).T


def test_sums_over_trajectories(old):
    found = load_moments(old / "sums" / "plain.nc")
    assert (found.labels, found.n_trajectories, found.axes.shape) == (("0", "1"), 2, (0, 0))
    assert found.products.shape == (4, 8, 8) and list(found.count) == [5] * 4 and list(found.trajectory) == [0, 0, 1, 1]
    np.testing.assert_array_equal(found.products[0, 0, :3], [5.0, 4.153952225677088, 2.656014986948742])
    np.testing.assert_allclose(found.power, [[0.0382105681456406, 0.0110335792305449], [0.28207663804, 0.10856349990]])
    assert found.instrumented.dtype == bool and found.instrumented.all() and list(found.fold) == [-1, -1]
    assert found.points.shape == (8, 2) and list(found.owner) == [0] * 4 + [1] * 4
    np.testing.assert_array_equal(found.points[0], [1.3828348684464724, 0.4697867137638703])
    np.testing.assert_allclose(least_squares(found), LOTKA_VOLTERRA, atol=2e-5)
    law = fit_moments(found, Polynomial(2))
    np.testing.assert_array_equal(law.coefficients != 0, np.array(LOTKA_VOLTERRA) != 0)
    np.testing.assert_allclose(law.coefficients, LOTKA_VOLTERRA, atol=1e-3)


def test_parts_of_an_interrupted_pass_join(old):
    parts = sorted(map(load_moments, (old / "sums" / "partial").glob("*.nc")), key=lambda part: part.labels)
    axes = load_axes(next((old / "sums").glob("axes-*.nc")))
    assert [part.labels for part in parts] == [("0", "1"), ("2", "3")]
    for part in parts:
        np.testing.assert_array_equal(part.axes, axes)
    whole = joined(parts)
    assert (whole.labels, list(whole.trajectory)) == (("0", "1", "2", "3"), [0, 0, 1, 1, 2, 2, 3, 3])
    np.testing.assert_allclose(least_squares(whole), LOTKA_VOLTERRA, atol=2e-5)
    # The first of them are the sums of the same trajectories, turned to the axes.
    plain = load_moments(old / "sums" / "plain.nc")
    np.testing.assert_allclose(parts[0].cross, plain.products, rtol=1e-9)
    np.testing.assert_array_equal(axes[0, :2], [-0.4087143299755693, -0.08939002780578151])
    turned = axes.T @ plain.products[:, :6, :6] @ axes
    np.testing.assert_allclose(parts[0].products[:, :6, :6], turned, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(fit_moments(whole, Polynomial(2)).coefficients, LOTKA_VOLTERRA, atol=1e-3)


def test_the_results_of_a_discovery(old):
    path = old / "discover" / "results.nc"
    algebra, law, groups = sd.LieAlgebra.load(path), FittedLaw.load(path), results(path)
    assert (algebra.name, algebra.texts(), list(algebra.exact)) == ("R", ["x ∂x + y ∂y"], [True])
    assert 1e-6 < algebra.errors.max() < 1e-4
    assert (law.kind, law.states, law.features) == ("flow", ("x", "y"), Polynomial(1))
    np.testing.assert_allclose(law.coefficients, [[0, 0, 1], [0, -1, 0]], atol=1e-3)
    assert law.coefficients[0, 2] == 0.99989123350135334
    names = {"symmetry", "finite symmetries", "conserved quantities", "law", "provenance"}
    assert set(groups) == names
    symmetry, elements = groups["symmetry"], groups["finite symmetries"]
    assert list(symmetry.generator.values[:2]) == ["x ∂x + y ∂y", "y ∂x − x ∂y"]
    assert list(symmetry.verdict.values) == ["symmetric", "symmetric", "broken", "broken"]
    assert symmetry.trivial.dtype == bool and list(symmetry.trivial.values) == [False, True, False, False]
    assert symmetry.attrs["algebra"] == "R" and symmetry.attrs["delta"] == 0.1
    assert list(elements.element.values[elements.verdict.values == "symmetric"]) == ["x -> -x, y -> -y"]
    quantities = groups["conserved quantities"]
    assert list(quantities.quantity.values[quantities.verdict.values == "conserved"]) == ["x^2 + 0.998 y^2"]
    assert list(quantities.feature.values) == ["1", "x", "y", "x^2", "x y", "y^2"]
    energy = quantities.isel(quantity=0)
    assert abs(energy.coefficients[5] - 1) < 3 * energy.errors[5] and energy.coefficients[3] == 1
    assert energy.upper_bound < 0.01 and (quantities.upper_bound[1:] > 1).all()
    check_provenance(groups["provenance"], "discover", "oscillator.nc")


def test_the_results_of_a_discovery_in_fields(old):
    path = old / "fields" / "results.nc"
    algebra, groups = sd.LieAlgebra.load(path), results(path)
    assert (algebra.states, algebra.time_scaling.any()) == (("t", "x", "u"), False)
    assert algebra.texts() == ["∂t", "t ∂t + 0.333 x ∂x − 0.667 u ∂u", "∂x"] and algebra.exact.all()
    assert algebra.closure_error() < 1e-12
    values = algebra.generators[1](np.array([[3.0, 3.0, 3.0]]))
    np.testing.assert_allclose(values, [[3, 1, -2]], rtol=1e-12)
    assert set(groups) == {"symmetry", "law", "provenance"}
    symmetry, law = groups["symmetry"], groups["law"]
    assert list(symmetry.verdict.values) == ["symmetric"] * 3 + ["broken"] * 2
    assert symmetry.sizes["generator"] == 5 and (symmetry.upper_bound[:3] < 1e-6).all()
    terms = dict(zip(law.term.values, law["rate of u"].values, strict=True))
    assert {name for name, value in terms.items() if value} == {"u_xxx", "u u_x"}
    np.testing.assert_allclose([terms["u_xxx"], terms["u u_x"]], -1, atol=1e-5)
    assert law.inclusion.sel(term="u_xxx") == 1 and 0 < law.standard_error.sel(term="u_xxx") < 1e-5
    check_provenance(groups["provenance"], "fields", "kdv.nc")


def test_the_results_of_a_fit(old):
    path = old / "fit" / "results.nc"
    law, groups = FittedLaw.load(path), results(path)
    assert (law.kind, law.states, law.features) == ("flow", ("x", "y"), Polynomial(3))
    np.testing.assert_array_equal(
        law.coefficients[0, [1, 2, 6]], [0.5050905990967274, -1.299934102300939, -1.0098872441942626]
    )
    assert sd.LieAlgebra.load(path).name == "so(2)"
    assert set(groups) == {"validation", "comparison", "models", "samples", "law", "symmetry", "provenance"}
    assert list(groups["comparison"].n_free.values) == [4, 20]
    assert list(groups["law"].output.values) == ["x'", "y'"] and groups["law"].sizes["feature"] == 10
    models = groups["models"]
    assert models.on_front.dtype == bool and bool(models.on_front[0]) and models.symmetry[0] == "y ∂x − x ∂y"
    check_provenance(groups["provenance"], "fit", "hopf.nc")


def test_samples_that_promotion_needs(old):
    """Each row of the table is a point of a sweep, kept in a file of its own."""
    with (old / "recovery" / "ortho_se.csv").open(newline="") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    groups = results(old / "recovery" / "results.nc")
    assert list(rows[0]) == ["m", "r", "d", "seed", "n_recover", "n_lib", "dt", "gap"] == list(groups["ortho_se"])
    for name, column in groups["ortho_se"].items():
        np.testing.assert_array_equal([row[name] for row in rows], column)
    assert [(row["seed"], row["n_recover"], row["n_lib"]) for row in rows] == [(0, 13, 21), (1, 13, 21)]
    points = [json.loads(path.read_text()) for path in (old / "recovery" / "points").glob("*.json")]
    kept = [{name: row[name] for name in points[0]} for row in rows]
    assert list(points[0]) == ["n_recover", "n_lib", "dt", "gap"]
    assert sorted(points, key=lambda point: point["gap"]) == sorted(kept, key=lambda point: point["gap"])
    check_provenance(groups["provenance"], "recovery", None)


class TestNetworks:
    """Weights and trainings, which need torch."""

    @pytest.fixture(autouse=True)
    def torch(self):
        torch = pytest.importorskip("torch")
        pytest.importorskip("safetensors")
        with torch.no_grad():
            yield torch

    @staticmethod
    def field(torch):
        x = 2 * np.pi * torch.arange(8, dtype=torch.float64) / 8
        return torch.stack([torch.cos(x), torch.sin(2 * x)])[None]

    def test_a_network_on_states(self, old, torch):
        from symdyn.neural import EquivariantMLP, load_module

        found = load_module(old / "networks" / "mlp.safetensors")
        assert isinstance(found, EquivariantMLP) and found.hidden == (4,) and found.n_in == 2
        np.testing.assert_array_equal(found.rep_in.generators, [1.001 * TURN])
        assert 5e-4 < np.std(found.rep_in.errors) < 2e-3  # draws from error bars of 1e-3
        x = torch.tensor([[1.0, -0.5]], dtype=torch.float64)
        y = found(x)
        np.testing.assert_allclose(y, [[-0.0808293352598715, 0.0322422917850070]], rtol=1e-9)
        turn = torch.as_tensor(TURN)
        np.testing.assert_allclose(found(x @ turn.T), y @ turn.T, rtol=1e-9)

    def test_an_operator_in_units_of_its_fields(self, old, torch):
        from symdyn.neural import EquivariantFNO, ScaledFields, load_module

        found, u = load_module(old / "networks" / "operator.safetensors"), self.field(torch)
        assert isinstance(found, ScaledFields) and isinstance(found.module, EquivariantFNO)
        assert found.scale.fields == ("u", "v") and list(found.scale.size) == [2, 2] and not found.scale.mean.any()
        values = found(u)
        np.testing.assert_allclose(values[0, :, 0], [-0.0413687166753909, -0.0126484366697748], rtol=1e-9)
        turned = torch.stack([-u[:, 1], u[:, 0]], dim=1)  # the fields turn into one another
        np.testing.assert_allclose(found(turned), torch.stack([-values[:, 1], values[:, 0]], dim=1), atol=1e-12)

    def test_weights_for_a_module_that_is_given(self, old, torch):
        from symdyn.neural import SubequivariantMLP, load_module

        path = old / "networks" / "without_config.safetensors"
        with pytest.raises(ValueError, match="SubequivariantMLP, which has no config: give the module to load into"):
            load_module(path)
        found = load_module(path, SubequivariantMLP(1, 1, (0.0, 0.0, -1.0), hidden=(4,)).double())
        y = found(torch.tensor([[[1.0, 2.0, 3.0]]], dtype=torch.float64))
        np.testing.assert_allclose(y, [[[2.3288985297544769, 4.6577970595089537, 4.6053611871145588]]], rtol=1e-9)

    def test_the_best_weights_of_a_training(self, old, torch):
        from symdyn.neural import FNO, load_module

        found = load_module(old / "training" / "best.safetensors")
        assert isinstance(found, FNO) and (found.modes, found.width, found.layers) == ((2,), 3, 1)
        values = found(self.field(torch))
        np.testing.assert_allclose(values[0, :, 0], [0.1104248432732880, -0.0955047315238612], rtol=1e-9)

    def test_an_interrupted_training_goes_on(self, old, torch, tmp_path):
        from symdyn.neural import FNO, LieDerivativePenalty, Ramp, train
        from symdyn.neural.training.state import read_state

        path = tmp_path / "training.safetensors"
        path.write_bytes((old / "training" / "training.safetensors").read_bytes())
        state, description = read_state(path, {})
        assert description["steps"] == 4 and state["optimizer/6/step"] == 4 and state["random/0"].dtype == torch.uint8
        assert torch.equal(state["best/lift.weight"], state["module/lift.weight"])  # the second epoch was the better
        x, k = 2 * np.pi * np.arange(8) / 8, np.arange(6)[:, None]
        u = torch.as_tensor(np.stack([np.cos(x + k), np.sin(x - k)], axis=1))
        pairs = u, 0.8 * torch.roll(u, 2, -1)
        penalty = LieDerivativePenalty(TURN[None], output="map", n_generators=1)
        options = {"epochs": 4, "batch": 3, "rate": 1e-2, "penalty": penalty, "weight": Ramp(0.1, 0, 4), "seed": 3}
        module, told = FNO(2, 2, modes=(2,), width=3, layers=1).double(), []
        with torch.enable_grad():
            found = train(
                module,
                pairs,
                pairs,
                **options,
                about="waves",
                checkpoint=tmp_path,
                resume=True,
                progress=lambda done, total: told.append((done, total)),
            )
        assert told == [(3, 4), (4, 4)] and found.stopped == "finished"
        history = found.history
        np.testing.assert_array_equal(history.train[:2], [0.3406426804407598, 0.31298635887386195])
        np.testing.assert_array_equal(history.validation[:2], [0.991272793833493, 0.9686445220579315])
        np.testing.assert_array_equal(history.violation[:2], [[0.6036955845304215], [0.5684009648583144]])
        assert history.validation[3] < history.validation[2] < history.validation[1]
