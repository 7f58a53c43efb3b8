"""Neural operators that keep, or learn, a symmetry: `python workflows/train_operator.py DATA --symmetry FILE`.

DATA is a netCDF or Zarr file of periodic fields over (trajectory, time, x[, y]), read in blocks; FILE holds an algebra:
`results.nc` of workflows/fields.py or workflows/discover.py, or what `LieAlgebra.save` wrote. Operators from u(t) to
u(t + lead) are trained side by side and tested on other trajectories, as they are and moved by the symmetry. Leaves
report.html, results.nc, models/*/operator.safetensors, config.toml, run.log and figures/ in the run directory.

With `--sweep 16,32,64` every model is trained on so many trajectories, with several seeds; `--scheduler local` runs
them in processes side by side.
"""

from __future__ import annotations

import argparse

from symdyn.runs import add_options, run_command
from symdyn.runs.jobs.train_operator import KINDS, train_operator


def main() -> None:
    parser = add_options(argparse.ArgumentParser(description=__doc__), out="runs/operator")
    parser.add_argument("data", help="file of fields")
    parser.add_argument("--symmetry", required=True, help="file of an algebra")
    parser.add_argument(
        "--model",
        nargs="+",
        choices=KINDS,
        help="one or more (default: plain, and equivariant, or penalty where weights can hold nothing of the symmetry)",
    )
    parser.add_argument(
        "--space",
        default="auto",
        help="what moves the grid, such as quarter_turns,reflections or rotations; none; auto (default): quarter turns "
        "where the symmetry has a rotation",
    )
    for name, default, text in (
        ("modes", 8, "Fourier modes along each axis"),
        ("width", 32, "hidden channels"),
        ("layers", 4, "layers"),
        ("epochs", 50, "epochs"),
        ("batch", 16, "pairs in a step"),
        ("lead", 1, "steps of time from input to target"),
        ("seeds", 3, "seeds of a sweep"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{text} (default {default})")
    parser.add_argument("--rate", type=float, default=3e-3, help="highest learning rate (default 3e-3)")
    parser.add_argument("--weight", type=float, default=0.1, help="of a penalty (default .1)")
    parser.add_argument("--patience", type=int, help="stop after so many epochs without a better validation error")
    parser.add_argument(
        "--train", type=int, metavar="N", help="trajectories to train with (default: all that are left)"
    )
    parser.add_argument("--memory", type=float, default=500, help="megabytes of fields in memory (default 500)")
    parser.add_argument("--device", default="cpu", help="cpu (default), cuda, cuda:1, mps, where there is one")
    parser.add_argument(
        "--precision",
        choices=("float32", "bf16"),
        default="float32",
        help="of the products in a step; bf16 keeps transforms in single and violations in double precision",
    )
    parser.add_argument("--sweep", metavar="SIZES", help="numbers of training trajectories, such as 16,32,64")
    run_command(parser, train_operator)


if __name__ == "__main__":
    main()
