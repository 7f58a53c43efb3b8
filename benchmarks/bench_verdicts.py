"""Slices of the tables of verdicts: `python benchmarks/bench_verdicts.py dysts --seeds 0-2 --systems Lorenz`.

One row of docs/verdicts.md's tables, smaller or on other seeds; each prints one line a search and then the counts, and
asserts nothing. `make accuracy` runs all rows, with their targets.
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")


def numbers(text):
    """Seeds: "0-2,7" is [0, 1, 2, 7]."""
    found = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def floats(text):
    """Numbers: "0,0.02" is [0.0, 0.02]."""
    return [float(part) for part in text.split(",")]


def words(text):
    """Names: "Lorenz,Rossler" is a list of two."""
    return text.split(",")


def dysts(options):
    """Chaotic flows."""
    import test_accuracy_dysts as row

    done = []
    runs, noises = options.runs or row.RUNS, options.noises or row.NOISES
    for cell in row.cells(
        options.seeds, options.systems, runs=runs, noises=noises, sampling=options.sampling, folder=options.cache
    ):
        done.append(cell)
        print(row.line(cell), flush=True)
    print(row.table(done))


def rigid_body(options):
    """The free rigid body."""
    import test_accuracy_rigid_body as row

    noises = options.noises or row.NOISES
    done = list(row.cells(options.seeds, options.parameters or row.INERTIA, noises))
    for cell in dict.fromkeys((cell.middle, cell.noise) for cell in done):
        print(row.line([one for one in done if (one.middle, one.noise) == cell]))


def ensembles(options):
    """A parameter as a state."""
    import test_accuracy_ensembles as row

    done = list(row.cells(options.seeds, options.systems, noises=options.noises or row.NOISES))
    for cell in dict.fromkeys((cell.name, cell.case, cell.noise) for cell in done):
        print(row.line([one for one in done if (one.name, one.case, one.noise) == cell]))


def short_maps(options):
    """One short run of a map."""
    import test_accuracy_short_maps as row

    done = list(row.cells(options.seeds, noises=options.noises or (0.0,)))
    done += row.cells(options.seeds, row.MAPS, (100,), (0.01,))
    for cell in dict.fromkeys((cell.name, cell.length, cell.noise) for cell in done):
        print(row.line([one for one in done if (one.name, one.length, one.noise) == cell]))


def circular_orbits(options):
    """Two bodies on circular orbits."""
    import test_accuracy_circular_orbits as row

    done = list(row.cells(options.seeds, options.noises or row.NOISES))
    for noise in dict.fromkeys(cell.noise for cell in done):
        print(row.line([one for one in done if one.noise == noise]))


def undetermined(options):
    """Laws that the data do not determine."""
    import test_accuracy_undetermined as row

    done = []
    for cell in row.cells(options.seeds, options.systems or row.KINDS, options.cache):
        done.append(cell)
        print(row.line(cell), flush=True)
    print(row.table(done))


ROWS = {row.__name__: row for row in (dysts, rigid_body, ensembles, short_maps, circular_orbits, undetermined)}


def main():
    """Print one row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("row", choices=ROWS)
    parser.add_argument("--seeds", type=numbers, default=[0], help="such as 0-2,7")
    parser.add_argument("--systems", type=words, help="of dysts or ensembles, kinds of undetermined; all if left out")
    parser.add_argument("--runs", type=numbers, help="dysts: numbers of runs, 6 and 1 if left out")
    parser.add_argument("--noises", type=floats, help="such as 0,0.02; those of the row if left out")
    parser.add_argument("--parameters", type=floats, help="rigid_body: moments I2, such as 1,1.1; all if left out")
    parser.add_argument(
        "--sampling", type=numbers, default=[4000, 1], help="dysts: samples of a run, every how many: 1000,2 is short"
    )
    parser.add_argument("--cache", type=Path, default=Path("runs/dysts-cache"), help="dysts: folder of trajectories")
    options = parser.parse_args()
    start = time.process_time()
    ROWS[options.row](options)
    print(f"{time.process_time() - start:.0f} s of CPU time")


if __name__ == "__main__":
    main()
