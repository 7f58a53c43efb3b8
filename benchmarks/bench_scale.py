"""Speed, memory and scale, row by row beside what they are to reach: `python benchmarks/bench_scale.py [NAME ...]`.

Each file of `benchmarks/scale` prints some rows and runs in a process of its own, with one BLAS thread; it can be run
by itself, too. A NAME is that of a file (`sindy`, `store`, ...). Ratios are of CPU seconds within one run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

FILES = Path(__file__).parent / "scale"


def main(names: list[str]) -> None:
    """Run the files named, or all of them, and print their rows as one table."""
    known = sorted(path.stem for path in FILES.glob("*.py") if path.stem != "measure")
    unknown = set(names) - set(known)
    if unknown:
        raise SystemExit(f"no file of rows is called {sorted(unknown)}: {', '.join(known)}")
    rows, failed = [], []
    print("| work | measured | to reach | |\n|---|---|---|---|", flush=True)
    for name in names or known:
        mine, code = rows_of(name)
        rows += mine
        failed += [name] if code else []
    reached = sum(each["reached"] for each in rows)
    print(f"\n{reached} of {len(rows)} rows reached" + (f"; failed: {', '.join(failed)}" if failed else ""))
    raise SystemExit(1 if failed else 0)


def rows_of(name: str) -> tuple[list[dict], int]:
    """Run one file, and print its rows as they come."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "BENCH_SCALE_JSON": "1"}
    command = [sys.executable, str(FILES / f"{name}.py")]
    rows = []
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            if not line.startswith("{"):
                continue
            rows.append(json.loads(line))
            print("| {work} | {measured} | {target} | {} |".format("" if rows[-1]["reached"] else "missed", **rows[-1]))
            sys.stdout.flush()
    return rows, process.returncode


if __name__ == "__main__":
    main(sys.argv[1:])
