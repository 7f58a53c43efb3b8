"""The README's samples run as they stand."""

import re
import warnings
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("readme")  # one process makes what they share

pytest.importorskip("torch")  # the last sample but one

ROOT = Path(__file__).parents[1]
SAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """All samples in order, in a folder of their own, in one namespace."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "datasets").symlink_to(ROOT / "datasets")
    namespace, values = {}, []
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.chdir(folder)
        # Which the sample of a map says it gives.
        warnings.filterwarnings("ignore", message="the law leaves more than")
        for sample in SAMPLES:
            exec(sample, namespace)
            values.append(dict(namespace))
    return values


def test_there_are_samples():
    assert len(SAMPLES) >= 3


def test_the_planets_have_the_symmetry_the_readme_says(outcome):
    assert outcome[0]["search"].algebra_.name == "so(3) + R"


def test_hopf_turns_and_kepler_orbits_keep_what_the_readme_says(outcome):
    names = outcome[3]
    assert names["search"].algebra_.name == "so(2)"
    assert names["search"].elements_.texts() == ["x0 -> -x0, x1 -> -x1"]
    energy = names["energy"]
    assert (energy.verdict == "conserved").sum() == 4


def test_maps_and_pairs_have_the_symmetry_the_readme_says(outcome):
    names = outcome[4]
    assert names["search"].algebra_.name == "so(2)"
    pairs = names["sd"].SymmetryDiscovery(
        names["sd"].candidates.gl(3), names["sd"].features.Polynomial(2), output=("vector", "vector")
    )
    assert pairs.fit((names["points"], names["inertia"])).algebra_.name == "so(3) + R"


def test_functions_and_sets_have_the_symmetry_the_readme_says(outcome):
    names = outcome[5]
    gl, affine = names["sd"].candidates.gl(4), names["sd"].candidates.affine(3)
    assert names["sd"].discover_function(names["interval"], names["points"], gl).algebra_.name == "so(1,3)"
    assert names["sd"].discover_manifold(names["sphere"], affine).algebra_.name == "so(3)"


def test_the_constrained_model_has_four_free_coefficients(outcome):
    model = outcome[1]["model"]
    assert model.subspace_.dim == 4 and model.coefficients().size == 20


def test_a_law_is_found_fitted_and_judged_on_different_trajectories(outcome):
    names = outcome[2]
    assert "20 free numbers, 4 with the symmetry" in names["fit"].summary()
    assert names["law"].coefficients.shape == (2, 10)


def test_burgers_equation_has_five_point_symmetries(outcome):
    search = outcome[6]["search"]
    assert search.algebra_.name == "sl(2) ⋉ R^2" and search.algebra_.exact.all()


def test_a_constrained_layer_keeps_the_turn_and_a_penalty_has_a_gradient(outcome):
    names = next(values for values in outcome if "layer" in values)
    four, points = names["four"], names["torch"].randn(8, 8)
    assert names["equivariance_error"](names["layer"], points, four, four).max() < 1e-6
    assert names["equivariance_error"](names["torch"].nn.Linear(8, 8), points, four, four).max() > 0.1
    names["loss"].backward()
    assert names["operator"](names["torch"].randn(2, 2, 16, 16)).shape == (2, 2, 16, 16)


def test_promotion_keeps_fifteen_of_twentyone(outcome):
    model = outcome[7]["model"]
    assert (model.broken_, model.symmetry_.dim, model.subspace_.dim) == (6, 15, 4)


def test_the_average_over_all_permutations_needs_two_of_them(outcome):
    names = outcome[8]
    order = names["np"].random.default_rng(1).permutation(20)
    names["np"].testing.assert_allclose(
        names["model"].predict(names["angles"][:, order]), names["model"].predict(names["angles"]), rtol=1e-11
    )
    assert names["sample_gain"](names["Sphere"](2), names["turn"], 10_000, smoothness=2).gain == 8


def test_words_stand_for_objects(outcome):
    names = outcome[9]
    assert names["search"].algebra_.name == "so(2)" and names["search"].elements_.dim
    assert list(map(len, names["law"].matters())) == [10, 10] and names["law"].n_terms == 8


def test_one_coefficient_is_left_of_the_second_order_law(outcome):
    names = outcome[10]
    subspace = names["sd"].equivariant_subspace(names["library"], names["algebra"], output="second_order")
    assert subspace.dim == 1
