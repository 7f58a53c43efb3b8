"""Cost of the Lie penalty in a training step: `MALLOC_TOP_PAD_=400000000 python benchmarks/scale/neural.py`.

Forward, backward and Adam in float32 on one thread; the penalty at all samples of the batch, one generator a step.
"""

import sys
from pathlib import Path

from measure import interleaved, row

sys.path.append(str(Path(__file__).parents[1]))

import torch
from bench_penalty import CASES, stepper

from symdyn.neural import LieDerivativePenalty

# The names of bench_penalty.py, the largest ratio allowed, and how often the steps are repeated.
ROWS = {"equivariant FNO, the same": (2.2, 8), "MLP, width 128, so(3)": (2.5, 60)}


def ratio(name, repeats):
    """CPU seconds of a step with the penalty over those of a step without."""
    build, shape, algebra = CASES[name]
    module, u, target = build(), torch.randn(shape), torch.randn(shape)
    penalty = LieDerivativePenalty(algebra, n_generators=1, output="map" if len(shape) > 2 else "vector_field")
    steps = {"plain": stepper(module, u, target, None), "penalty": stepper(module, u, target, penalty)}
    for step in steps.values():
        step()
    spent = interleaved(steps, repeats)
    return spent["penalty"] / spent["plain"]


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for name, (target, repeats) in ROWS.items():
        measured = ratio(name, repeats)
        row(f"Lie penalty, {name}", f"{measured:.2f}", f"<= {target}", measured <= target)


if __name__ == "__main__":
    main()
