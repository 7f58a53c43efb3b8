"""What a symmetry saves in data: plain against constrained Fourier neural operators, and Lie penalties on a line.

    OMP_NUM_THREADS=1 python benchmarks/bench_operators.py                      # quick, under 2 minutes
    OMP_NUM_THREADS=1 python benchmarks/bench_operators.py --full --out DIR     # all; the same again resumes
    python benchmarks/bench_operators.py --full --out DIR --tables --picture plain-constrained.png

In the plane: u(0) -> u(T) for decaying vorticity (T = 1, in turnover times; doing nothing errs by 71 %) and the
reaction and diffusion lambda-omega (T = 2; 165 %), one pair a trajectory, 32 x 32 points, 200 fresh trajectories to
test on. All operators have the same modes, layers and channels, and the same AdamW with one cycle of the rate and the
same number of steps whatever the number of trajectories; no set is held out, the weights that fit best count. Errors
are relative L2 errors, means over the test set, medians over seeds (which draw trajectories and weights).

plain        `EquivariantFNO.plain()`, which commutes with translations only.
constrained  keeps what maps the grid to itself: for vorticity quarter turns and reflections, which change its sign; for
             lambda-omega quarter turns and, independently, the phase of the values.
steerable    keeps all rotations, as far as kernels are narrower than the period, and the phase; no reflections.

isotropic    Gaussian starts without preferred direction: what trajectories are worth.
along        starts four times as long along x as along y, and for lambda-omega with v a third of u: operators are then
             asked about the same turned by a quarter, about starts turned by any angle (drawn anew with that direction,
             since no other turn keeps a periodic square), and about other phases.

On a line: one step from ten trajectories of 20 steps, rolled out for 40 from 50 fresh starts; see `operator_lines`.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from operator_lines import LINES, fit_line
from operator_problems import PROBLEMS, cached, constrained
from operator_tables import tables

from symdyn.neural.training import train
from symdyn.neural.training.errors import relative_error

LOG = logging.getLogger("bench_operators")
TEST_SEED = 1000


@dataclass(frozen=True)
class Settings:
    """Sizes of the operators and of their training."""

    sizes: tuple[int, ...] = (16, 32, 64, 128, 256, 512)
    along: int = 256
    seeds: int = 5
    steps: int = 600
    batch: int = 8
    rate: float = 2e-2
    width: int = 16
    modes: int = 8
    layers: int = 4
    pool: int = 512
    n_test: int = 200
    line_steps: int = 800
    line_width: int = 24
    weight: float = 1.0
    systems: tuple[str, ...] = (*PROBLEMS, *LINES)


QUICK = Settings((16, 64), 16, 1, 150, modes=6, layers=3, pool=64, n_test=32, line_steps=200, line_width=16)


@dataclass(frozen=True)
class Job:
    """One training: on starts of a kind in the plane, or of a model on a line."""

    system: str
    kind: str
    model: str
    size: int
    seed: int

    def run(self, settings: Settings, folder: Path) -> dict:
        """The row of errors."""
        torch.set_num_threads(1)
        begin = time.process_time()
        found = self._line(settings) if self.kind == "line" else self._plane(settings, folder)
        return {**asdict(self), **found, "cpu": round(time.process_time() - begin, 1)}

    def _line(self, settings):
        options = {"steps": settings.line_steps, "width": settings.line_width, "weight": settings.weight}
        return fit_line(LINES[self.system], self.model, self.seed, modes=16, **options)

    def _plane(self, settings, folder):
        problem = PROBLEMS[self.system]
        pool = cached(folder, problem, settings.pool, self.kind, self.seed)
        u, target = (torch.from_numpy(part[: self.size]) for part in pool)
        torch.manual_seed(self.seed)
        options = {"width": settings.width, "modes": settings.modes, "layers": settings.layers}
        module = constrained(self.system, rotations=self.model == "steerable", **options)
        module = module.plain() if self.model == "plain" else module
        fit = train(
            module,
            (u, target),
            epochs=settings.steps * settings.batch // self.size,
            batch=settings.batch,
            rate=settings.rate,
            schedule="one_cycle",
            loss=relative_error,
            seed=self.seed,
        )
        sets = test_sets(folder, self.system, self.kind, settings.n_test)
        with torch.no_grad():
            errors = {name: float(relative_error(module(u), target)) for name, (u, target) in sets.items()}
            if self.kind == "along" and self.seed == 0:
                keep_pictures(folder, self, module, sets)
        weights = sum(p.numel() for p in module.parameters())
        return {**errors, "train": float(fit.history.train[-1]), "weights": weights}


def test_sets(folder, system, kind, n) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Pairs of `kind`, the same turned by a quarter, and for those along x turned by any angle and of other phases."""
    problem = PROBLEMS[system]
    u, target = cached(folder, problem, n, kind, TEST_SEED)
    sets = {"test": (u, target), "quarter": tuple(np.rot90(part, axes=(2, 3)).copy() for part in (u, target))}
    if kind == "along":
        sets["angle"] = cached(folder, problem, n, "turned", TEST_SEED + 1)
        if u.shape[1] == 2:
            angle = np.random.default_rng(TEST_SEED).uniform(0, 2 * np.pi, n)
            turns = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            sets["phase"] = tuple(np.einsum("abn,nbxy->naxy", turns, p).astype(p.dtype) for p in (u, target))
    return {name: (torch.from_numpy(a), torch.from_numpy(b)) for name, (a, b) in sets.items()}


def keep_pictures(folder, job, module, sets):
    """The first fields of two sets and what the operator makes of them, for `--picture`."""
    kept = {
        f"{name}_{part}": values[:4].numpy()
        for name in ("test", "quarter")
        for part, values in zip(("start", "truth", "found"), (*sets[name], module(sets[name][0][:4])), strict=True)
    }
    np.savez(folder / f"fields-{job.system}-{job.model}.npz", **kept)


def jobs_of(settings: Settings) -> list[Job]:
    """All trainings, seed by seed, so that a table of few seeds is there early."""
    jobs = []
    for seed in range(settings.seeds):
        for system in settings.systems:
            if system in LINES:
                jobs += [Job(system, "line", model, 10, seed) for model in ("plain", "augmented", "penalty")]
                continue
            for place, size in enumerate(settings.sizes):
                # The third operator at every other size: it is there for comparison.
                models = ("plain", "constrained", *(["steerable"] if place % 2 == 0 else []))
                jobs += [Job(system, "isotropic", model, size, seed) for model in models]
            jobs += [Job(system, "along", m, settings.along, seed) for m in ("plain", "constrained", "steerable")]
    return jobs


def run_all(settings: Settings, folder: Path, workers: int) -> list[dict]:
    """Rows of all jobs; each is written to DIR/rows.jsonl when it is done, and not run again."""
    path = folder / "rows.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    rows = read_rows(path, settings)
    done = {tuple(row[name] for name in Job.__dataclass_fields__) for row in rows}
    wanted = [job for job in jobs_of(settings) if tuple(asdict(job).values()) not in done]
    with path.open("a", encoding="utf-8") as file:
        for row in finished(wanted, settings, folder, workers):
            rows.append(row)
            file.write(json.dumps({**row, "settings": key_of(settings)}) + "\n")
            file.flush()
            error = row.get("test", row.get("rollout"))
            LOG.info("%-12s %-9s %-11s %4d seed %d: %.4f in %.0f s", *list(row.values())[:5], error, row["cpu"])
    return rows


def finished(jobs, settings, folder, workers):
    """Rows as they are done, in this process or in some."""
    if workers == 1:
        yield from (job.run(settings, folder) for job in jobs)
        return
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for future in as_completed([pool.submit(job.run, settings, folder) for job in jobs]):
            yield future.result()


def key_of(settings: Settings) -> dict:
    """What rows of one table have in common."""
    return {name: value for name, value in asdict(settings).items() if name not in ("sizes", "seeds", "systems")}


def read_rows(path: Path, settings: Settings) -> list[dict]:
    """The rows of a file that were made with these settings."""
    if not path.exists():
        return []
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row.pop("settings") == key_of(settings)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("runs/operators"), help="folder of data and rows")
    parser.add_argument("--system", choices=Settings().systems, action="append")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--sizes", help="such as 16,64,256")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--tables", action="store_true", help="tables of what is there; train nothing")
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    given = {"seeds": options.seeds, "systems": options.system and tuple(options.system)}
    given["sizes"] = options.sizes and tuple(int(size) for size in options.sizes.split(","))
    base = Settings() if options.full else QUICK
    settings = Settings(**{**asdict(base), **{name: value for name, value in given.items() if value}})
    folder = options.out / ("full" if options.full else "quick")
    if options.tables:
        rows = read_rows(folder / "rows.jsonl", settings)
    else:
        rows = run_all(settings, folder, options.workers)
    LOG.info("%s", tables(rows))
    if options.picture:
        from operator_picture import draw

        draw(rows, folder, options.picture)


if __name__ == "__main__":
    main()
