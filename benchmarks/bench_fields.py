"""Accuracy on fields: the generators and the laws found, over fresh seeds.

    OMP_NUM_THREADS=1 python benchmarks/bench_fields.py --seeds 10 --only coarse noisy

Prints one table a part: `coarse` (clean data of a difference scheme), `noisy`, `broken` (symmetries that must not be
accepted, and a control), `laws` (support of the identified law), `symmetric` (the same with and without symmetries, by
number of initial conditions). Angles are between the accepted span and the truth, coefficients in the basis of
monomials; Grassmann distance is the root sum of squares of all principal angles. Seconds are CPU seconds, one thread,
of the search without the making of the data.
"""

import argparse
import time
import warnings

import numpy as np
from scipy.linalg import subspace_angles

from symdyn.discovery.point.point_symmetry import PointSymmetryDiscovery
from symdyn.jets.pointfields import parse_generators
from symdyn.regression.pde import PDERegression
from symdyn.systems import fields
from symdyn.systems.fieldlaws import field_equations, known_symmetries

MAKERS = {
    "heat": fields.heat,
    "burgers": fields.burgers,
    "potential_burgers": lambda **options: fields.burgers(potential=True, **options),
    "kdv": fields.kdv,
    "kuramoto_sivashinsky": fields.kuramoto_sivashinsky,
    "wave": fields.wave,
    "schroedinger": fields.schroedinger,
    "lambda_omega": fields.lambda_omega,
}
LINE = {"differences": True, "n_points": 100, "n_times": 1000, "length": 2.0, "largest_step": 0.002}
PLANE = {**LINE, "n_points": (64, 64), "n_times": 100, "length": 1.0}
# Grassmann distance asked for, by system.
COARSE = {
    "heat": 1e-4,
    "kdv": 1e-3,
    "potential_burgers": 1e-3,
    "wave": 1e-3,
    "schroedinger": 5e-3,
    "lambda_omega": 5e-3,
}
# System, noise, largest angles in degrees that are asked for: two steps, direct.
NOISY = [
    ("burgers", 0.05, 0.05, 3.0),
    ("burgers", 0.1, 0.1, None),
    ("burgers", 0.2, 0.2, None),
    ("kdv", 0.05, 0.5, 3.0),
    ("kdv", 0.1, 1.0, 5.0),
    ("kuramoto_sivashinsky", 0.05, None, None),
]
# System, options, generators that may be accepted.
BROKEN = [
    ("burgers", {"damping": 1.0}, {"∂t", "∂x"}),
    ("burgers", {"drift": 0.5}, {"∂t"}),
    ("burgers", {"drift": 0.1}, {"∂t"}),
    ("lambda_omega", {"drift": 0.5, "n_trajectories": 10}, {"∂t", "∂x", "∂y"}),
]
SMALL = {"n_points": 64, "n_times": 50}
# System, noise, options, symmetries that are given.
SYMMETRIC = [
    ("burgers", 1.0, SMALL, ["t ∂x + ∂u", "t ∂t + 0.5 x ∂x - 0.5 u ∂u"]),
    ("kdv", 1.0, SMALL, ["t ∂x + ∂u", "3 t ∂t + x ∂x - 2 u ∂u"]),
    ("kuramoto_sivashinsky", 0.5, SMALL, ["t ∂x + ∂u"]),
    ("schroedinger", 0.5, SMALL, ["v ∂u - u ∂v"]),
    ("lambda_omega", 0.3, {"n_points": (32, 32), "n_times": 24}, ["v ∂u - u ∂v", "-y ∂x + x ∂y"]),
]
STARTS = (16, 8, 4, 2, 1)


def searched(name, seed, truth=None, **options):
    """Principal angles (rad) of the accepted span to the truth (pi / 2 if their ranks differ), the search, seconds."""
    data = MAKERS[name](rng=100 + seed, **options)
    start = time.process_time()
    found = PointSymmetryDiscovery(2).fit(data)
    seconds = time.process_time() - start
    wanted = parse_generators(known_symmetries(name) if truth is None else truth, found.algebra_.states, 2).vectors()
    basis = found.algebra_.basis.vectors()
    angles = subspace_angles(basis.T, wanted.T) if len(basis) == len(wanted) else np.array([np.pi / 2])
    return angles, found, seconds


def counted(values):
    """`5 in all`, or how often each occurs."""
    numbers, times = np.unique(values, return_counts=True)
    if len(numbers) == 1:
        return f"{numbers[0]} in all"
    return ", ".join(f"{n} in {k}" for n, k in zip(numbers, times, strict=True))


def coarse(seeds):
    """Clean data that solve a difference equation; 10 initial conditions."""
    print("system              Grassmann distance: median  largest    asked  generators      CPU s  derivatives")
    for name, asked in COARSE.items():
        rows = [searched(name, seed, **(PLANE if name == "lambda_omega" else LINE)) for seed in seeds]
        distance = [np.linalg.norm(angles) for angles, _, _ in rows]
        dims = counted([found.algebra_.dim for _, found, _ in rows])
        how = " / ".join(sorted({found.derivatives_ for _, found, _ in rows}))
        print(
            f"{name:20s}{np.median(distance):26.1e}  {max(distance):7.1e}  {asked:7.0e}  {dims:14s}"
            f"{np.median([row[2] for row in rows]):7.1f}  {how}",
            flush=True,
        )


def noisy(seeds):
    """24 initial conditions on 256 points and 200 times, degrees."""
    print("system                noise  two steps: median  largest  asked  direct: median  asked  generators  CPU s")
    for name, noise, asked, direct in NOISY:
        rows = [searched(name, seed, noise=noise, n_trajectories=24) for seed in seeds]
        angle = [np.degrees(angles.max()) for angles, _, _ in rows]
        other = np.median([found.agreement_ for _, found, _ in rows])
        dims = counted([found.algebra_.dim for _, found, _ in rows])
        print(
            f"{name:20s}  {noise:5.0%}  {np.median(angle):17.4f}  {max(angle):7.4f}  {asked or '':5}  {other:14.2f}"
            f"  {direct or '':5}  {dims:10s}  {np.median([row[2] for row in rows]):5.1f}",
            flush=True,
        )


def broken(seeds):
    """Laws that break symmetries at 5 % noise: what is accepted, and may be."""
    for name, options, allowed in BROKEN:
        options = {"noise": 0.05, "n_trajectories": 24, **options}
        found = [searched(name, seed, **options)[1] for seed in seeds]
        accepted = [set(one.algebra_.texts()) for one in found]
        wrong = sum(not one <= allowed for one in accepted)
        print(
            f"{name} {options}: broken ones accepted in {wrong} of {len(found)}; accepted "
            f"{counted([len(one) for one in accepted])}; allowed {', '.join(sorted(allowed))}",
            flush=True,
        )
    truth = known_symmetries("burgers", advection=1.1)
    control = [searched("burgers", s, truth, advection=1.1, noise=0.05, n_trajectories=24) for s in seeds]
    dims = counted([found.algebra_.dim for _, found, _ in control])
    worst = max(np.degrees(angles.max()) for angles, _, _ in control)
    print(f"control, u_t = −1.1 u u_x + 0.2 u_xx: generators {dims}, largest angle {worst:.4f} degrees", flush=True)


def exact(name, seed, symmetry=None, **options):
    """Whether the support of the identified law is the true one."""
    truth = {u: set(terms) for u, terms in field_equations(name).items()}
    try:
        fitted = PDERegression(symmetry=symmetry, n_bootstrap=20).fit(MAKERS[name](rng=100 + seed, **options))
    except ValueError:  # no law on these terms, or of this order in time, has the symmetries
        return False
    return {u: set(terms) for u, terms in fitted.law_.equations().items()} == truth


def laws(seeds):
    """10 % noise, 10 initial conditions."""
    for name in MAKERS:
        print(
            f"{name:20s} exact support in {sum(exact(name, s, noise=0.1) for s in seeds)} of {len(seeds)}", flush=True
        )


def symmetric(seeds):
    """Exact supports without and with symmetries, on small grids with much noise."""
    print(f"{'initial conditions':40s}" + "".join(f"{n:>10d}" for n in STARTS))
    for name, noise, options, symmetry in SYMMETRIC:
        for given in (None, symmetry):
            counts = [
                sum(exact(name, s, given, noise=noise, n_trajectories=n, **options) for s in seeds) for n in STARTS
            ]
            label = f"{name}, {noise:.0%}{', with symmetry' if given else ''}"
            print(f"{label:40s}" + "".join(f"{count:6d}/{len(seeds):<3d}" for count in counts), flush=True)


PARTS = {part.__name__: part for part in (coarse, noisy, broken, laws, symmetric)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # a search says what it doubts in its notes, too
    for name in args.only:
        print(f"\n{name}: {PARTS[name].__doc__}", flush=True)
        PARTS[name](range(args.seeds))


if __name__ == "__main__":
    main()
