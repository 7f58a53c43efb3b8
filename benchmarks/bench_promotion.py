"""CPU of promotion against cvxpy with SCS: `python benchmarks/bench_promotion.py` (needs cvxpy and scs).

One solve a row of min |M(w)|_* subject to design @ w = target, on problems of the published grid (seed 0), in one
process with one thread. The peer is the published formulation: the tensor of Lie derivatives at the sample points,
`norm(., "nuc")`, SCS with max_iters=2500 and its own tolerances. Its seconds are those of `Problem.solve`, which
include the making of the cone program; the tensor is given to it for nothing. Ours are those of everything from
generators and samples on: exact maps, Gram matrix, metric, factorisation, iterations to a certified gap of 1e-6, and
the singular values of the answer. Medians over repeats for solves below a second.

Also: what an iteration costs over the time that its dense products take at the speed of dgemm, with an
eigendecomposition counted as 9 q^3 operations, and the memory of the two largest problems.
"""

import argparse
import os
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from symdyn.functions.features import Polynomial, monomials
from symdyn.lie.candidates import se, translations
from symdyn.promotion.promote import promote
from symdyn.promotion.protocol import recovery_problem, threefry_uniform
from symdyn.promotion.solver.lie_maps import lie_maps, sample_gram
from symdyn.promotion.solver.nuclear_penalty import as_penalty
from symdyn.promotion.solver.promotion_fit import Metric, interpolation
from symdyn.promotion.solver.proximal_solver import Problem, minimise

# algebra, m, degree, samples, least ratio asked for
CASES = (
    ("se", 10, 2, 25, 15),
    ("se", 10, 2, 40, 15),
    ("se", 12, 2, 30, 15),
    ("se", 12, 2, 50, 15),
    ("se", 15, 2, 34, 15),
    ("se", 15, 2, 63, 15),
    ("se", 6, 4, 100, 60),
    ("se", 6, 4, 171, 60),
    ("se", 10, 3, 43, 60),
    ("se", 10, 3, 74, 60),
    ("se", 11, 3, 60, 60),
    ("se", 12, 3, 60, 60),
    ("se", 7, 4, 150, 60),
    ("se", 8, 4, 160, 60),
    ("se", 8, 4, 264, 60),
    ("t", 25, 2, 49, 5),
    ("t", 25, 2, 78, 5),
    ("t", 30, 2, 60, 5),
    ("t", 30, 2, 100, 5),
    ("t", 12, 3, 100, 15),
    ("t", 12, 3, 180, 15),
    ("t", 8, 4, 150, 15),
    ("t", 8, 4, 270, 15),
    ("t", 10, 4, 310, 15),
    ("t", 10, 4, 531, 15),
)
LARGE = (("se", 9, 4, 250, 300), ("se", 14, 3, 100, 300))
COSTS = (
    ("se", 10, 2, 40),
    ("se", 15, 2, 40),
    ("se", 25, 2, 80),
    ("se", 30, 2, 110),
    ("se", 10, 3, 74),
    ("se", 16, 3, 270),
    ("se", 8, 4, 264),
    ("se", 10, 4, 420),
    ("t", 10, 4, 310),
)
FEW = (("se", 10, 2, 25, 15), ("se", 10, 2, 40, 15), ("se", 6, 4, 100, 60), ("t", 25, 2, 49, 5), ("t", 12, 3, 100, 15))


def generators(algebra, m):
    """Candidates, each of unit Frobenius norm."""
    found = se(m) if algebra == "se" else translations(m)
    return found.combine(np.diag(1 / np.linalg.norm(found.coefficients, axis=(1, 2))))


def ours(algebra, m, degree, seed, design, target):
    """Everything from generators on."""
    maps = lie_maps(Polynomial(degree), generators(algebra, m))
    gram = sample_gram(maps.exponents, threefry_uniform(seed, (len(maps.exponents) + 1, m)))
    return promote(maps, design, target, gram=gram)


def peer(tensor, design, target):
    """CPU seconds of the solve, coefficients, iterations, status."""
    import cvxpy as cp

    w = cp.Variable(design.shape[1])
    n_maps, n_samples, n_features = tensor.shape
    derivative = cp.reshape(tensor.reshape(-1, n_features) @ w, (n_maps, n_samples), order="C")
    problem = cp.Problem(cp.Minimize(cp.norm(derivative, "nuc")), [design @ w == target])
    spent, _ = timed(lambda: problem.solve(solver=cp.SCS, max_iters=2500), 0)
    return spent, w.value, problem.solver_stats.num_iters, problem.status


def tensor_of(algebra, m, degree, seed):
    """Values of L(v_k, x^a) at the sample points `(map, sample, feature)`."""
    maps = lie_maps(Polynomial(degree), generators(algebra, m))
    values = monomials(threefry_uniform(seed, (len(maps.exponents) + 1, m)), maps.exponents)
    return np.stack([(maps[k].T @ values.T).T for k in range(len(maps))])


def timed(call, at_most=5):
    """Median CPU seconds of up to `at_most` repeats, as long as they are short."""
    spent, began = [], time.process_time()
    while True:
        start = time.process_time()
        result = call()
        spent.append(time.process_time() - start)
        if len(spent) >= at_most or time.process_time() - began > 1.0:
            return float(np.median(spent)), result


def compare(algebra, m, degree, count, least, seed):
    """One row of the table."""
    import warnings

    given = recovery_problem("ortho", algebra, m, 1, degree, seed)
    design, target = given.design[:count], given.target[:count]
    mine, found = timed(lambda: ours(algebra, m, degree, seed, design, target))
    tensor = tensor_of(algebra, m, degree, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, other, iterations, status = peer(tensor, design, target)
    objective = np.linalg.svd(tensor @ other, compute_uv=False).sum()
    recovered = np.abs(found.coefficients - given.truth).max() < 5e-3 * np.abs(given.truth).max()
    violated = [np.abs(design @ w - target).max() for w in (found.coefficients, other)]
    print(
        f"{algebra:2} m={m:2} d={degree} k={count:3} n={len(given.truth):4} {'yes' if recovered else 'no':3} | "
        f"{theirs:8.2f} {iterations:5d} {violated[1]:.0e} {status[:9]:9} | "
        f"{mine:7.3f} {found.n_iter:5d} {violated[0]:.0e} {found.gap:.1e} | "
        f"{found.objective / objective - 1:+.1e} | {theirs / mine:6.0f} ({least})",
        flush=True,
    )
    return theirs / mine


def iteration_cost(algebra, m, degree, count, seed):
    """Seconds of an iteration, and of its dense products at the speed of dgemm."""
    given = recovery_problem("ortho", algebra, m, 1, degree, seed)
    penalty = as_penalty(given.maps, given.gram)
    metric = Metric.build(penalty.metric, given.design[:count])
    problem = Problem(penalty, interpolation(metric, given.design[:count], given.target[:count]))
    n_iter = max(int(2e10 / (penalty.n_maps * len(penalty.gram) ** 2 * 8)), 40)
    n_iter = min(n_iter, 400)
    spent, _ = timed(lambda: minimise(problem, tol=1e-300, max_iter=n_iter), 1)
    q, r, n = penalty.n_maps, len(penalty.gram), penalty.n_unknowns
    operations = 2 * q * r * r + 6 * q * q * r + 9 * q**3 + 2 * n * n
    square = np.random.default_rng(0).standard_normal((1500, 1500))
    speed = 2 * 1500**3 / timed(lambda: square @ square, 3)[0]
    print(
        f"{algebra} m={m} d={degree}: {1e3 * spent / n_iter:.2f} ms an iteration, certificates included, "
        f"{operations / 1e6:.0f} MFlop: {spent / n_iter * speed / operations:.1f} times the time at "
        f"{speed / 1e9:.0f} GFlop/s"
    )


def peak():
    """MB that this process has held at most; `getrusage` would also count the process that started it."""
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024


def memory(algebra, m, degree, count, seed):
    """MB above import, at the peak, in a process of its own."""
    code = (
        "import sys; sys.path.insert(0, 'benchmarks'); import bench_promotion as b; before = b.peak();"
        f"given = b.recovery_problem('ortho', {algebra!r}, {m}, 1, {degree}, {seed}); n = {count};"
        f"b.ours({algebra!r}, {m}, {degree}, {seed}, given.design[:n], given.target[:n]); print(b.peak() - before)"
    )
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    print(f"{algebra} m={m} d={degree} k={count}: {float(done.stdout):.0f} MB above import (target 150)")


def main():
    """All tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", action="store_true", help="five small problems only")
    parser.add_argument("--large", action="store_true", help="also problems on which the peer takes minutes")
    parser.add_argument("--no-peer", action="store_true", help="iteration cost and memory only")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if not options.no_peer:
        try:
            versions = version("cvxpy"), version("scs")
        except PackageNotFoundError as error:
            print(f"the peer is missing, {error.name}: pip install cvxpy scs (or --no-peer)")
            return 1
        print(f"cvxpy {versions[0]}, SCS {versions[1]}; seed {options.seed}, r = 1")
        print(
            "problem                 recovered | SCS CPU s, its, |Dw - y| | ours, its, |Dw - y|, gap | "
            "objective | ratio (target)"
        )
        cases = FEW if options.few else CASES + (LARGE if options.large else ())
        ratios = [(case, compare(*case, options.seed)) for case in cases]
        for name, chosen in (
            ("SE, degree >= 3", [x for c, x in ratios if c[0] == "se" and c[2] > 2]),
            ("SE, degree 2", [x for c, x in ratios if c[0] == "se" and c[2] == 2]),
            ("T, degree >= 3", [x for c, x in ratios if c[0] == "t" and c[2] > 2]),
            ("T, degree 2", [x for c, x in ratios if c[0] == "t" and c[2] == 2]),
        ):
            print(f"{name}: median {np.median(chosen):.0f}, least {min(chosen):.0f} times faster")
    for case in COSTS:
        iteration_cost(*case, options.seed)
    for case in (("se", 10, 4, 420), ("se", 30, 2, 110)):
        memory(*case, options.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
