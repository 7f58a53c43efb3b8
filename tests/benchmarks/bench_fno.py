"""CPU cost of a training step, equivariant over plain Fourier neural operator of the same size.

    OMP_NUM_THREADS=1 python tests/benchmarks/bench_fno.py --width 32 --modes 8 --batch 16 --grid 32

Forward, backward and Adam, float32, one thread, the two operators in turns; medians of process time. The plain
operator has the same modes, layers and number of channels.
"""

import argparse
import time

import numpy as np
import torch

from symdyn.neural import EquivariantFNO
from symdyn.neural.gridgroup import plane_rotations

TURN = plane_rotations(2)
CASES = {
    "so(2) on values": ({"values": TURN}, 2),
    "quarter turns": ({"space": "quarter_turns", "in_channels": 2, "out_channels": 2}, 4),
    "quarter turns, reflections": (
        {"space": ("quarter_turns", "reflections"), "in_channels": 2, "out_channels": 2},
        8,
    ),
    "quarter turns, vector field": ({"values": TURN, "space": "quarter_turns", "joint": True}, 4),
    "quarter turns, and so(2) on values": ({"values": TURN, "space": "quarter_turns"}, 8),
    "rotations, vector field": ({"values": TURN, "space": "rotations", "joint": True}, 3),
}


def stepper(module, u, target):
    """One training step, which returns its CPU seconds."""
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)

    def step():
        start = time.process_time()
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(module(u), target).backward()
        optimizer.step()
        return time.process_time() - start

    return step


def main():
    parser = argparse.ArgumentParser()
    for name, default in {"width": 32, "modes": 8, "batch": 16, "grid": 32, "steps": 15}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    u, target = torch.randn(2, args.batch, 2, args.grid, args.grid)
    print(f"{'symmetry':36s} width  ms equivariant  ms plain  ratio")
    for name, (options, unit) in CASES.items():
        module = EquivariantFNO(**options, modes=(args.modes,) * 2, copies=max(round(args.width / unit), 1))
        steps = stepper(module, u, target), stepper(module.plain(), u, target)
        times = np.median([[step() for step in steps] for _ in range(args.steps)][3:], axis=0) * 1e3
        print(
            f"{name:36s} {module.width:5d}  {times[0]:14.1f}  {times[1]:8.1f}  {times[0] / times[1]:5.2f}", flush=True
        )


if __name__ == "__main__":
    main()
