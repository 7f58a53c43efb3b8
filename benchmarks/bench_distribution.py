"""Symmetries of distributions: size, power and cost, `python benchmarks/bench_distribution.py [--seeds N]`.

Rings in a plane, sheared and beside normal numbers in the other states: all round, with a gap of 5 %, a sector, and in
5 to 9 clumps; and normal clouds. Of each, the rotation of the plane is judged, and the turn by one clump or by one
radian. Verdicts are counted over seeds; the last row is a pass over 1e6 points in eight states with 64 candidates.
"""

import argparse
import os
import time
import tracemalloc
from collections import Counter

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import symdyn as sd

CLOUDS = {
    "ring": {},
    "normal": {"normal": True},
    "gap of 5 %": {"arc": 0.95},
    "sector of 108 degrees": {"arc": 0.3},
    **{f"{k} clumps": {"folds": k} for k in (5, 7, 9)},
}


def cloud(n, n_states, rng, *, arc=1.0, folds=0, normal=False):
    """Points `(sample, state)`."""
    angles = 2 * np.pi * arc * rng.uniform(size=n)
    if folds:
        angles = 2 * np.pi / folds * rng.integers(folds, size=n) + 1.2 / folds * rng.standard_normal(n)
    radii = 1 + 0.1 * rng.standard_normal(n)
    points = rng.standard_normal((n, n_states))
    if not normal:
        points[:, :2] = radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return points


def in_plane(block, n_states):
    """A matrix that acts on the first two states alone."""
    matrix = np.eye(n_states) if block[0][0] else np.zeros((n_states, n_states))
    matrix[:2, :2] = block
    return matrix


def verdicts(n, n_states, seed):
    """Verdicts on the rotation and on the turn, with the p value of the rotation, of each cloud."""
    rng, found = np.random.default_rng(seed), {}
    shear = np.eye(n_states) + 0.3 * np.random.default_rng(5).standard_normal((n_states, n_states))
    back = np.linalg.inv(shear)
    for name, how in CLOUDS.items():
        angle = 2 * np.pi / how["folds"] if "folds" in how else 1.0
        turn = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        rotation = sd.LieAlgebra.from_matrices([shear @ in_plane([[0, 1], [-1, 0]], n_states) @ back])
        element = sd.groups.element(shear @ in_plane(turn, n_states) @ back)
        result = sd.discover_distribution(cloud(n, n_states, rng, **how) @ shear.T, [rotation, element])
        row = result.verdicts_
        found[name] = (row.verdict.item(), result.element_verdicts_.verdict.item(), row.p_value.item())
    return found


def counted(words):
    """Verdicts as text."""
    return ", ".join(f"{count} {word}" for word, count in sorted(Counter(words).items()))


def main(seeds, first):
    """Print the table."""
    for n_states in (2, 4, 8):
        for n in (1000, 5000, 20_000):
            rows = [verdicts(n, n_states, first + seed) for seed in range(seeds)]
            for name in CLOUDS:
                rotation, turn, p = zip(*(row[name] for row in rows), strict=True)
                rejected = np.mean(np.array(p) < 0.05)
                head = f"{n_states} states, {n:6d} points, {name:22s}"
                print(
                    f"{head} p < 0.05: {rejected:4.0%}; rotation {counted(rotation)}; turn {counted(turn)}", flush=True
                )
    points = cloud(1_000_000, 8, np.random.default_rng(first))
    start = time.process_time()
    sd.discover_distribution(points, "gl")
    print(f"1e6 points, 8 states, 64 candidates: {time.process_time() - start:.1f} CPU s (<= 20)", flush=True)
    tracemalloc.start()
    sd.discover_distribution(points, "gl")
    print(f"  {tracemalloc.get_traced_memory()[1] / 1e6:.0f} MB above the points (<= 200)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=7000)
    options = parser.parse_args()
    main(options.seeds, options.first)
