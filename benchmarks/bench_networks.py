"""Symmetries read off trained networks: `python benchmarks/bench_networks.py [--seeds 5] [--only NAME]`.

The problems of LieSD (Hu, Li and Lin, arXiv 2410.09841), on data of our own:

- two bodies, states (q1, v1, q2, v2) in the plane to the state one step later (`systems.two_body`, eccentric orbits):
  a tanh network of width 384 for the change of the state, 10 epochs; candidates are all 2 x 2 matrices that act on
  every vector alike; the rotation is the only symmetry. Published: subspace error .0065 in 42 CPU s.
- moment of inertia of a unit mass, 9 outputs, unknown matrices on both indices: so(3) and two scalings.
- square of the Minkowski norm of a vector (so(1,3): 6), and a normalised product of two vectors (7, with the scaling).

Samples judged are left out of training. The subspace error is the sine of the largest principal angle between the
first directions (as many as there are true generators) and the true span, before any rounding. `found` is what the
verdicts accept at delta, with the name of the algebra; rounded: whether its generators were inside their error bars
rounded to simple numbers, and to the right ones. CPU seconds are those of training and of the search, one thread.
"""

import argparse
import logging
import os
import time
import warnings
from itertools import pairwise

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from torch import nn

import symdyn as sd
from symdyn.lie.constraints.gram import Batch, lie_rows
from symdyn.neural.derivatives.networks import discover_network

MINKOWSKI = torch.diag(torch.tensor([-1.0, 1.0, 1.0, 1.0]))
LOG = logging.getLogger("bench_networks")


class Scaled(nn.Module):
    """A tanh network between standardised inputs and outputs; `residual`: of the change of the state."""

    def __init__(self, x, y, width, depth, residual, groups=1):
        super().__init__()
        target = y - x if residual else y
        scale_in, scale_out = (_block_scale(part, groups) for part in (x, target.reshape(len(y), -1)))
        self.register_buffer("scale_in", scale_in)
        self.register_buffer("scale_out", scale_out)
        self.residual, self.shape = residual, y.shape[1:]
        sizes = [x.shape[1], *[width] * depth]
        layers = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.Tanh())]
        self.net = nn.Sequential(*layers, nn.Linear(width, len(scale_out)))

    def forward(self, x):
        values = self.scale_out * self.net(x / self.scale_in)
        return x + values if self.residual else values.reshape(len(x), *self.shape)


def _block_scale(values, size):
    """Root mean square spread of blocks of `size` columns: no direction within a block is preferred."""
    return values.var(dim=0).reshape(-1, size).mean(dim=1).sqrt().repeat_interleave(size)


def train(net, x, y, *, epochs, batch, rate):
    """Adam with one cycle of the rate."""
    steps = epochs * (len(x) // batch)
    optimizer = torch.optim.Adam(net.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    weight = 1 / net.scale_out.reshape(y.shape[1:])
    for _ in range(epochs):
        for chosen in torch.randperm(len(x)).split(batch)[: len(x) // batch]:
            optimizer.zero_grad()
            ((net(x[chosen]) - y[chosen]) * weight).pow(2).mean().backward()
            optimizer.step()
            schedule.step()
    return net


def two_bodies(seed):
    runs, _ = sd.systems.two_body(rng=seed)
    x, y = (np.concatenate([run[part] for run in runs]) for part in (slice(None, -1), slice(1, None)))
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


def inertia(seed):
    x = torch.randn(20_000, 3)
    return x, x.pow(2).sum(dim=1)[:, None, None] * torch.eye(3) - x[:, :, None] * x[:, None, :]


def _product(p, q):
    return torch.einsum("si,ij,sj->s", p, MINKOWSKI, q)[:, None]


def norm(seed):
    p = torch.randn(20_000, 4)
    return p, _product(p, p)


def ratio(seed):
    p = torch.randn(200_000, 8)
    first, second = p[:, :4], p[:, 4:]
    size = (_product(first, first) ** 2 + _product(second, second) ** 2 + _product(first, second) ** 2).sqrt()
    apart = size[:, 0] > 3  # the group keeps this region; where the size vanishes the ratio has no value
    return p[apart], (_product(first, second) / size)[apart]


def _inertia_truth():
    turns, unit, zero = sd.candidates.so(3).coefficients[:, :, 1:], np.eye(3)[None], np.zeros((1, 3, 3))
    parts = [np.concatenate(p) for p in ((turns, unit, zero), (turns, 2 * unit, unit), (turns, zero, -unit))]
    full = np.zeros((5, 9, 9))
    for block, part in enumerate(parts):
        full[:, 3 * block : 3 * block + 3, 3 * block : 3 * block + 3] = part
    return sd.candidates.from_matrices(full).vectors()


LORENTZ = sd.candidates.lorentz(1, 3)
PROBLEMS = {
    "two bodies": {
        "data": two_bodies,
        "net": {"width": 384, "depth": 2, "residual": True, "groups": 2},
        "train": {"epochs": 10, "batch": 128, "rate": 3e-3},
        "candidates": sd.candidates.gl(2, copies=4),
        "search": {"output": "vector", "increments": True},
        "truth": sd.candidates.so(2, copies=4).vectors(),
    },
    "moment of inertia": {
        "data": inertia,
        "net": {"width": 128, "depth": 2, "residual": False},
        "train": {"epochs": 20, "batch": 128, "rate": 3e-3},
        "candidates": sd.candidates.gl(3),
        "search": {"output": ("linear", "linear")},
        "truth": _inertia_truth(),
    },
    "Minkowski norm": {
        "data": norm,
        "net": {"width": 128, "depth": 2, "residual": False},
        "train": {"epochs": 20, "batch": 128, "rate": 3e-3},
        "candidates": sd.candidates.gl(4),
        "search": {"output": "invariant"},
        "truth": LORENTZ.vectors(),
    },
    "scale-free product": {
        "data": ratio,
        "net": {"width": 256, "depth": 3, "residual": False},
        "train": {"epochs": 10, "batch": 256, "rate": 3e-3},
        "candidates": sd.candidates.gl(4, copies=2),
        "search": {"output": "invariant"},
        "truth": np.concatenate(
            [sd.candidates.lorentz(1, 3, copies=2).vectors(), sd.candidates.from_matrices(np.eye(8)[None]).vectors()]
        ),
    },
}


def subspace_error(found, truth):
    """Sine of the largest angle between the true span and `found` (spans of rows, `found` no smaller)."""
    one, other = np.linalg.qr(found.T)[0], np.linalg.qr(truth.T)[0]
    return float(np.linalg.norm(other - one @ (one.T @ other), 2))


def run(problem, seed, delta):
    """One network: subspace error, verdicts and CPU seconds."""
    torch.manual_seed(seed)
    x, y = problem["data"](seed)
    order = torch.randperm(len(x))
    held, used = order[:4000], order[4000:]
    start = time.process_time()
    net = train(Scaled(x, y, **problem["net"]), x[used], y[used], **problem["train"])
    trained = time.process_time()
    with warnings.catch_warnings():
        # Two bodies about their centre fill half of the eight states only, which is as it should be.
        warnings.simplefilter("ignore")
        found = discover_network(net, x[held], problem["candidates"], targets=y[held], delta=delta, **problem["search"])
    done = time.process_time()
    evidence, truth = found.evidence_, problem["truth"]
    # Candidates, joined by unknown matrices on outputs where there are any.
    batch = Batch(x[:1].numpy(), y[:1].numpy(), np.zeros((*y[:1].shape, x.shape[1])))
    candidates = lie_rows(problem["candidates"], problem["search"]["output"], batch).candidates
    span = evidence.directions[:, : len(truth)].T @ candidates.vectors()
    bounds = evidence.span_bounds
    return {
        "error": subspace_error(span, truth),
        "accuracy": evidence.accuracy,
        "last": bounds[len(truth) - 1],
        "next": bounds[len(truth)] if len(bounds) > len(truth) else np.nan,
        "found": found.algebra_.dim,
        "rounded": _rounded(found, candidates, truth),
        "named": found.algebra_.name,
        "train": trained - start,
        "search": done - trained,
    }


def _rounded(found, candidates, truth):
    """Whether what was accepted was rounded to exact generators, and these are true ones: "right", "wrong" or "no"."""
    algebra = found.algebra_
    if not algebra.dim or not algebra.exact.all():
        return "no"
    vectors = candidates.with_vectors(algebra.basis.vectors()).vectors()
    return "right" if subspace_error(truth, vectors) < 1e-9 else "wrong"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--delta", type=float, default=0.1)
    parser.add_argument("--only", choices=PROBLEMS)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    LOG.info("medians over %d seeds (largest in brackets), delta = %g", options.seeds, options.delta)
    for name in [options.only] if options.only else PROBLEMS:
        rows = [run(PROBLEMS[name], seed, options.delta) for seed in range(options.seeds)]
        errors, cpu = [r["error"] for r in rows], [r["train"] + r["search"] for r in rows]
        found = [f"{r['found']} {r['named']} (rounded: {r['rounded']})" for r in rows]
        middle = {key: np.median([r[key] for r in rows]) for key in ("accuracy", "last", "next", "train", "search")}
        LOG.info(
            "%-19s subspace error %.4f (%.4f), network off by %.3f, violation of the last true direction %.3f, of the "
            "next %.3f; found of %d: %s; CPU s %.1f + %.1f (%.1f)",
            name,
            np.median(errors),
            max(errors),
            middle["accuracy"],
            middle["last"],
            middle["next"],
            len(PROBLEMS[name]["truth"]),
            ", ".join(f"{found.count(text)} x {text}" for text in dict.fromkeys(found)),
            middle["train"],
            middle["search"],
            max(cpu),
        )


if __name__ == "__main__":
    main()
