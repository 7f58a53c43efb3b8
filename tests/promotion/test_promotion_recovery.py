"""The published recovery experiment, in its own random streams."""

import csv
from pathlib import Path

import numpy as np
import pytest

from symdyn.functions.features import monomials, polynomial_exponents
from symdyn.promotion import recovery
from symdyn.promotion.promote import promote
from symdyn.promotion.protocol import recovery_problem, threefry, threefry_uniform
from symdyn.promotion.recovery import PUBLISHED, SMALL, recovery_row

TABLE = Path(__file__).parents[2] / "benchmarks" / "published_recovery.csv"


def published():
    """n_recover of ten seeds for each (family, algebra, m, r, degree)."""
    with TABLE.open() as file:
        cells = list(csv.reader(line for line in file if not line.startswith("#")))[1:]
    return {(*cell[:2], *map(int, cell[2:5])): np.array(cell[5:], dtype=int) for cell in cells}


def test_published_rows_come_out():
    cells = [
        ("ortho", "t", 5, 1, 2),
        ("ortho", "t", 5, 3, 2),
        ("ortho", "t", 6, 1, 3),
        ("ortho", "t", 5, 2, 4),
        ("ortho", "se", 5, 1, 2),
        ("ortho", "se", 5, 2, 2),
        ("ortho", "se", 6, 3, 3),
        ("quad", "se", 5, 1, 1),
        ("quad", "se", 5, 2, 2),
    ]
    rows = [[recovery_row(*cell, seed) for seed in range(10)] for cell in cells]
    fewer = [published()[cell] - [row["n_recover"] for row in group] for cell, group in zip(cells, rows, strict=True)]
    # Near the threshold the error that a solver leaves decides; rows that differ were solved again (docs/accuracy.md).
    assert np.min(fewer) == 0 and np.max(fewer) <= 1 and np.mean(np.equal(fewer, 0)) >= 0.9
    assert all(0 <= row["gap"] < 1e-5 for group in rows for row in group)
    assert [group[0]["n_lib"] for group in rows] == [21, 21, 84, 126, 21, 21, 84, 21, 126]


def test_fewer_samples_than_published_are_certified():
    # Published is 17. From 16 the minimum is not at the polynomial, but within the published limit of 5e-3.
    given = recovery_problem("ortho", "t", 5, 2, 2, 4)
    found = promote(given.maps, given.design[:16], given.target[:16], gram=given.gram, tol=1e-10)
    error = np.abs(found.coefficients - given.truth).max() / np.abs(given.truth).max()
    assert published()["ortho", "t", 5, 2, 2][4] == 17
    assert found.converged and 4e-3 < error < 5e-3


@pytest.mark.parametrize(
    ("key", "counter", "words"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_threefry_gives_the_known_answers(key, counter, words):
    first, second = (np.array([c], dtype=np.uint32) for c in counter)
    assert tuple(int(word[0]) for word in threefry(key, first, second)) == words


def test_the_uniform_stream_is_that_of_jax():
    """jax.random.uniform(PRNGKey(3), (7, 5), float64, -1, 1), non-partitionable."""
    known = [0.60405644, -0.58481417, 0.4884844, -0.14883213, -0.41716009]
    np.testing.assert_allclose(threefry_uniform(3, (7, 5))[0], known, atol=1e-8)


@pytest.mark.parametrize(("family", "degree"), [("ortho", 3), ("quad", 2)])
def test_the_truth_is_the_composed_polynomial(family, degree):
    given = recovery_problem(family, "se", 4, 2, degree, 5)
    stream = np.random.RandomState(5)
    phi = stream.rand(len(polynomial_exponents(2, degree)))
    points = np.random.default_rng(0).uniform(-1, 1, (50, 4))
    if family == "ortho":
        inner = points @ np.linalg.svd(stream.normal(size=(4, 2)))[0][:2].T
    else:
        centres = stream.uniform(-1, 1, 8).reshape(2, 4)
        inner = np.sum((points[:, None] - centres) ** 2, axis=2)
    total = degree * (1 if family == "ortho" else 2)
    values = monomials(points, polynomial_exponents(4, total)) @ given.truth
    np.testing.assert_allclose(values, monomials(inner, polynomial_exponents(2, degree)) @ phi, rtol=1e-10)
    assert given.design.shape == (len(given.truth) + 1, len(given.truth))


def test_one_set_up_serves_every_number_of_samples():
    given = recovery_problem("ortho", "se", 5, 2, 2, 3)
    search = recovery._Search.build(given, 1e-7, 5000)
    for count in (1, 9, 15, 21):
        direct = promote(given.maps, given.design[:count], given.target[:count], gram=given.gram, tol=1e-7)
        fit = search.samples.first(given.target[:count])
        shared = recovery.minimise(recovery.Problem(search.penalty, fit), tol=1e-7)
        assert shared.objective == pytest.approx(direct.objective, rel=3e-7, abs=1e-9)


def test_the_exact_inner_product_needs_fewer_samples():
    sampled = [recovery_row("ortho", "se", 5, 1, 2, seed)["n_recover"] for seed in range(4)]
    exact = [recovery_row("ortho", "se", 5, 1, 2, seed, inner="box")["n_recover"] for seed in range(4)]
    assert sum(exact) <= sum(sampled)


def test_the_grid_is_the_published_one():
    assert sum(10 * len(cell["m"]) * len(cell["r"]) for cell in PUBLISHED) == 1680
    assert sum(10 * len(cell["m"]) * len(cell["r"]) for cell in SMALL) == 60


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cubic", "se", 5, 1, 2, 0), "family must be one of"),
        (("ortho", "so", 5, 1, 2, 0), "algebra must be"),
        (("ortho", "se", 5, 6, 2, 0), "r at most m"),
        (("ortho", "se", 5, 1, 0, 0), "must be at least 1"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        recovery_problem(*arguments)
