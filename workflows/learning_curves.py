"""What a symmetry is worth in samples, measured: `python workflows/learning_curves.py --out runs/learning`.

Functions whose energy above each eigenvalue is a power of it are learned from n noisy samples, with and without the
group that leaves them invariant: sign flips on a torus (groups of 1 to 1024 elements), a swap and quarter turns of a
torus, turns of a sphere about an axis and the rotations of a cube. Excess risks against n, the fitted slopes and
offsets, and the theory's. Every finished point is kept; `--resume` goes on.
"""

from __future__ import annotations

import argparse

from symdyn.invariant.learning_experiment import FAMILIES
from symdyn.runs import add_options, run_command
from symdyn.runs.jobs.learning_curves import learning_curves


def main() -> None:
    parser = add_options(argparse.ArgumentParser(description=__doc__), out="runs/learning")
    known = ", ".join(f"'{name}'" for name in FAMILIES)
    parser.add_argument("--family", action="append", metavar="NAME", help=f"one of {known}; may be repeated (all)")
    parser.add_argument("--first", type=int, default=8, help="smallest number of samples, as a power of 2 (default 8)")
    parser.add_argument("--last", type=int, default=15, help="largest number of samples, as a power of 2 (default 15)")
    parser.add_argument("--seeds", type=int, default=8, help="functions and samples drawn at each n (default 8)")
    parser.add_argument("--noise", type=float, default=1.0, help="standard deviation of the noise (default 1)")
    run_command(parser, learning_curves)


if __name__ == "__main__":
    main()
