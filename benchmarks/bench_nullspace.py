"""CPU and memory of the null space of the Lie derivative: `python benchmarks/bench_nullspace.py`.

A field on 10 states, all 110 affine candidates, the Jacobian given; points, values and derivatives are in memory and
count as the data. Compared with numpy's SVD of the stacked matrix (sample * state, candidate), at a size at which that
matrix fits in memory; the time to fill the matrix is not counted. Medians of CPU seconds, one BLAS thread.
"""

import argparse
import os
import sys
import time
import tracemalloc

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from symdyn import candidates
from symdyn.discovery.charted_candidates import in_given_candidates, posed
from symdyn.discovery.function import discover_function, exact_evidence
from symdyn.discovery.sampled_function import Sampled

N_STATES = 10


class Recorded:
    """The field f = (K − x^T Q x) x with its values and derivatives kept, so that calling it costs nothing.

    K is skew with distinct frequencies. With Q the identity five affine fields commute with f, the odd powers of K;
    with another Q, that is the identity on the first plane only, the rotation of that plane.
    """

    def __init__(self, count, rng, several):
        self.points = rng.standard_normal((count, N_STATES))
        skew = np.zeros((N_STATES, N_STATES))
        for pair in range(0, N_STATES, 2):
            skew[pair, pair + 1], skew[pair + 1, pair] = 1.0 + pair, -1.0 - pair
        turn = np.linalg.qr(rng.standard_normal((N_STATES, N_STATES)))[0]
        weights = np.ones(N_STATES) if several else np.array([1.0, 1.0, *rng.uniform(0.5, 2, N_STATES - 2)])
        self.linear, self.form = turn @ skew @ turn.T, turn @ np.diag(weights) @ turn.T
        self.values, self.slopes = np.empty_like(self.points), np.empty((count, N_STATES, N_STATES))
        for start in range(0, count, 10_000):
            here = slice(start, start + 10_000)
            self.values[here], self.slopes[here] = self.exact(self.points[here])

    def exact(self, points):
        """Values and derivatives computed."""
        turned = points @ self.form
        square = np.sum(points * turned, axis=1)
        slopes = self.linear - square[:, None, None] * np.eye(N_STATES) - 2 * points[:, :, None] * turned[:, None, :]
        return points @ self.linear.T - square[:, None] * points, slopes

    def lookup(self, points):
        """Where in the data a batch lies, None if it is no view of them."""
        offset = points.__array_interface__["data"][0] - self.points.__array_interface__["data"][0]
        start = offset // self.points.strides[0]
        inside = 0 <= start <= len(self.points) - len(points) and points.strides == self.points.strides
        return slice(start, start + len(points)) if inside else None

    def __call__(self, points):
        here = self.lookup(points)
        return self.exact(points)[0] if here is None else self.values[here]

    def jacobian(self, points):
        """Derivatives `(sample, state, state)`."""
        here = self.lookup(points)
        return self.exact(points)[1] if here is None else self.slopes[here]


def null_space(data, fields):
    """Forms and refined spectrum, as `discover_function` takes them."""
    samples = Sampled(data, data.jacobian, data.points, fields, "vector_field", np.random.default_rng(0))
    problem = posed(fields, "vector_field", samples.chart, samples.units.scale, samples.first)
    return exact_evidence(problem, samples, 1e-6)[0], problem.mixture


def stacked(data, fields):
    """The matrix whose null space is looked for."""
    n = N_STATES
    matrix = np.empty((len(data.points), n, n, n + 1))
    matrix[..., 0] = data.slopes
    np.multiply(data.slopes[..., None], data.points[:, None, None, :], out=matrix[..., 1:])
    for i in range(n):
        matrix[:, i, i, 1:] -= data.values
    order = fields.coefficients.reshape(len(fields), -1).argmax(axis=1)
    return matrix.reshape(-1, n * (n + 1))[:, order]


def timed(call, repeats):
    """Median CPU seconds, and the last result."""
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        result = call()
        spent.append(time.process_time() - start)
    return float(np.median(spent)), result


def peer(matrix, repeats):
    """CPU seconds of numpy's SVD, and the right singular vectors."""
    return timed(lambda: np.linalg.svd(matrix, full_matrices=False)[2], repeats)


def peak_of(call):
    """Bytes allocated at the peak, above what was there before."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def compare(data, fields, repeats):
    """Print the CPU of both ways, and the angle between their null spaces."""
    ours, (evidence, mixture) = timed(lambda: null_space(data, fields), repeats)
    theirs, right = peer(stacked(data, fields), max(repeats // 2, 1))
    rank = evidence.rank
    found = np.linalg.qr(in_given_candidates(evidence, mixture).directions[:, :rank])[0]
    angle = np.linalg.norm(found - right[-rank:].T @ (right[-rank:] @ found), 2)
    print(f"{len(data.points)} samples, null space of dimension {rank}: {ours:.3f} CPU s,")
    print(f"  numpy's SVD of the stacked matrix {theirs:.3f} CPU s: {theirs / ours:.1f} times as much (target 12)")
    print(f"  angle between the two null spaces {angle:.1e} (target 1e-7)")


def measure(data, fields, repeats):
    """Print CPU and memory where the stacked matrix does not fit."""
    ours, (evidence, _) = timed(lambda: null_space(data, fields), repeats)
    whole, found = timed(
        lambda: discover_function(data, data.points, fields, jacobian=data.jacobian, output="vector_field"), repeats
    )
    peak = peak_of(lambda: null_space(data, fields))
    print(f"{len(data.points)} samples, null space of dimension {evidence.rank}: {ours:.2f} CPU s (target 1.5),")
    print(f"  peak {peak / 1e6:.0f} MB above the data (target 100);")
    print(f"  all of discover_function, algebra named {found.algebra_.name!r}: {whole:.2f} CPU s")


def main():
    """Both sizes, for one generator and for several."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=float, default=1e6)
    parser.add_argument("--peer-samples", type=float, default=1e5)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng, fields = np.random.default_rng(options.seed), candidates.affine(N_STATES)
    null_space(Recorded(2000, rng, True), fields)  # what is loaded on first use is not counted
    for several in (False, True):
        compare(Recorded(int(options.peer_samples), rng, several), fields, options.repeats)
        measure(Recorded(int(options.samples), rng, several), fields, options.repeats)
    return 0


if __name__ == "__main__":
    sys.exit(main())
