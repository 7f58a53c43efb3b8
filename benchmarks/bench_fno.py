"""CPU cost of a training step, equivariant over plain Fourier neural operator of the same size.

    OMP_NUM_THREADS=1 python benchmarks/bench_fno.py --width 32 --modes 8 --batch 16 --grid 32

Forward, backward and Adam, float32, one thread, the two operators in turns; medians of process time. The plain
operator has the same modes, layers and number of channels. `--peer` puts neuraloperator's FNO beside them (installed
by hand), with the same modes, layers and width and no more parts than these have.

With `--turn`, instead: how far operators for rotations of space are from commuting with a turn by .5, before and after
200 steps of Adam. Fields are five Gaussians near the middle of the period, the target is a step of a nonlinear
diffusion; the error is the largest within 1.5 of the middle, over the largest value there, on fields left out.
"""

import argparse
import time

import numpy as np
import torch

from symdyn.neural import EquivariantFNO
from symdyn.neural.fourier.gridgroup import plane_rotations

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


def published(module):
    """neuraloperator's FNO of the same size: without the networks at each point that it has by default."""
    from neuralop.models import FNO

    return FNO(
        n_modes=tuple(2 * m for m in module.modes),
        in_channels=module.in_channels,
        out_channels=module.out_channels,
        hidden_channels=module.width,
        n_layers=module.layers,
        positional_embedding=None,
        use_channel_mlp=False,
        lifting_channel_ratio=0,
        projection_channel_ratio=1,
    )


def gaussians(n, angle, count, seed):
    """Smooth fields `(sample, 1, n, n)`, and the same turned about the middle."""
    rng = np.random.default_rng(seed)
    centres, sizes = rng.uniform(-0.6, 0.6, (count, 5, 2)), rng.standard_normal((count, 5))
    points, rotation = grid_points(n), turn_by(angle)

    def field(at):
        squares = np.sum((at[:, :, None, None] - centres) ** 2, axis=-1)
        return torch.as_tensor(np.einsum("xysg,sg->sxy", np.exp(-3.0 * squares), sizes)[:, None])

    return field(points), field(points @ rotation)


def grid_points(n):
    """`(n, n, 2)`, with the middle of the period at 0."""
    x = 2 * np.pi * (np.arange(n) - n // 2) / n
    return np.stack(np.meshgrid(x, x, indexing="ij"), axis=-1)


def turn_by(angle):
    """The matrix of a turn."""
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def turned_fourier(u, angle):
    """Band-limited fields `(sample, 1, n, n)` turned about the middle, from their Fourier coefficients."""
    n = u.shape[-1]
    k = np.fft.fftfreq(n, 1 / n)
    at = grid_points(n) @ turn_by(angle) + 2 * np.pi * (n // 2) / n
    first, second = np.exp(1j * at[..., :1] * k), np.exp(1j * at[..., 1:] * k)
    return np.einsum("xyk,skl,xyl->sxy", first, np.fft.fft2(u[:, 0].numpy()) / n**2, second).real[:, None]


def diffused(u, rate=0.05):
    """A step of diffusion, and of a reaction."""
    k = torch.fft.fftfreq(u.shape[-1], 1 / u.shape[-1], dtype=u.dtype)
    decay = torch.exp(-rate * (k[:, None] ** 2 + k[: u.shape[-1] // 2 + 1] ** 2))
    moved = torch.fft.irfft2(torch.fft.rfft2(u) * decay, s=u.shape[2:])
    return moved + 0.3 * (moved - moved**3)


def turn_error(module, n=32, angle=0.5):
    """Departure from commuting with the turn, on fields of another seed."""
    u, moved = gaussians(n, angle, 8, seed=10_000)
    inside = np.linalg.norm(grid_points(n), axis=-1) < 1.5
    with torch.no_grad():
        expected = turned_fourier(module(u), angle)
        return np.abs(module(moved).numpy() - expected)[..., inside].max() / np.abs(expected[..., inside]).max()


def turns(seeds=3, steps=200):
    """Prints the errors before and after training."""
    for seed in range(seeds):
        torch.manual_seed(seed)
        operator = EquivariantFNO(space="rotations", modes=(12, 12), copies=4, layers=3).double()
        for name, module in (("rotations", operator), ("plain", operator.plain().double())):
            before = turn_error(module)
            u = gaussians(32, 0.0, 16, seed)[0]
            step = stepper(module, u, diffused(u))
            for _ in range(steps):
                step()
            with torch.no_grad():
                test = gaussians(32, 0.0, 8, 10_000)[0]
                misfit = ((module(test) - diffused(test)).square().mean() / diffused(test).square().mean()).sqrt()
            print(
                f"seed {seed}  {name:10s} {before:.4f} before, {turn_error(module):.4f} after; test error {misfit:.3f}"
            )


def main():
    parser = argparse.ArgumentParser()
    for name, default in {"width": 32, "modes": 8, "batch": 16, "grid": 32, "steps": 15}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--turn", action="store_true")
    parser.add_argument("--peer", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.turn:
        return turns()
    torch.manual_seed(0)
    u, target = torch.randn(2, args.batch, 2, args.grid, args.grid)
    print(f"{'symmetry':36s} width  ms equivariant  ms plain  ratio" + "  over neuraloperator's" * args.peer)
    for name, (options, unit) in CASES.items():
        module = EquivariantFNO(**options, modes=(args.modes,) * 2, copies=max(round(args.width / unit), 1))
        modules = [module, module.plain(), *([published(module)] if args.peer else [])]
        steps = [stepper(each, u, target) for each in modules]
        times = np.median([[step() for step in steps] for _ in range(args.steps)][3:], axis=0) * 1e3
        over = "".join(f"{times[0] / peer:10.2f} (plain {times[1] / peer:.2f})" for peer in times[2:])
        print(
            f"{name:36s} {module.width:5d}  {times[0]:14.1f}  {times[1]:8.1f}  {times[0] / times[1]:5.2f}{over}",
            flush=True,
        )


if __name__ == "__main__":
    main()
