"""CPU cost of a training step with the Lie penalty over one without: `python benchmarks/bench_penalty.py`.

Forward, backward and Adam, float32, one thread, the steps in turns; medians of process time. One generator a step
(the penalty draws a direction where the algebra has several), at all samples of a batch, and at half of them.
"""

import argparse
import os
import time
import warnings
from itertools import pairwise

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

import symdyn as sd
from symdyn.neural import FNO, EquivariantFNO, EquivariantMLP, LieDerivativePenalty
from symdyn.neural.fourier.gridgroup import plane_rotations

TURN, BODIES = plane_rotations(2), sd.candidates.so(3, copies=4)
STATES, FIELDS = torch.Size((256, 12)), torch.Size((16, 2, 32, 32))


def mlp(width):
    """A plain network for the rates of 12 states."""
    layers = [part for n in pairwise((12, width, width)) for part in (torch.nn.Linear(*n), torch.nn.SiLU())]
    return torch.nn.Sequential(*layers, torch.nn.Linear(width, 12))


CASES = {
    "FNO, width 32, turn of values": (lambda: FNO(2, 2, modes=(8, 8)), FIELDS, TURN),
    "equivariant FNO, the same": (lambda: EquivariantFNO(TURN, modes=(8, 8)), FIELDS, TURN),
    "MLP, width 512, so(3)": (lambda: mlp(512), STATES, BODIES),
    "MLP, width 128, so(3)": (lambda: mlp(128), STATES, BODIES),
    "equivariant MLP, so(3)": (lambda: EquivariantMLP(BODIES, BODIES), STATES, BODIES),
}


def stepper(module, u, target, penalty):
    """One training step, which returns its CPU seconds."""
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)

    def step():
        start = time.process_time()
        optimizer.zero_grad()
        if penalty is None:
            loss = torch.nn.functional.mse_loss(module(u), target)
        else:
            value, violation = penalty.value_and_penalty(module, u)
            loss = torch.nn.functional.mse_loss(value, target) + 0.1 * violation
        loss.backward()
        optimizer.step()
        return time.process_time() - start

    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    # Forward mode of torch loads its own deprecated scripts.
    warnings.filterwarnings("ignore", ".*torch.jit.script", DeprecationWarning)
    print(f"{'network':32s}  ms plain  ms penalty  ratio  at half of the samples", flush=True)
    for name, (build, shape, algebra) in CASES.items():
        module, u, target = build(), torch.randn(shape), torch.randn(shape)
        options = {"n_generators": 1, "output": "map" if len(shape) > 2 else "vector_field"}
        halves = LieDerivativePenalty(algebra, n_samples=len(u) // 2, **options)
        penalties = None, LieDerivativePenalty(algebra, **options), halves
        steps = [stepper(module, u, target, penalty) for penalty in penalties]
        count = args.steps if len(shape) > 2 else 5 * args.steps
        times = np.median([[step() for step in steps] for _ in range(count)][3:], axis=0) * 1e3
        ratios = times / times[0]
        print(f"{name:32s}  {times[0]:8.1f}  {times[1]:10.1f}  {ratios[1]:5.2f}  {ratios[2]:5.2f}", flush=True)


if __name__ == "__main__":
    main()
