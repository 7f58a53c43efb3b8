"""What the rows of `make bench-scale` are measured with: CPU seconds, memory, and one line a row."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import tracemalloc
from collections.abc import Callable
from multiprocessing import get_context
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")


def cpu(call: Callable[[], Any], repeats: int = 3) -> float:
    """Give the least CPU seconds of some calls, children that have ended included."""
    return min(_once(call) for _ in range(repeats))


def interleaved(calls: dict[str, Callable[[], Any]], repeats: int = 3) -> dict[str, float]:
    """Give the least CPU seconds of each call, taken in turn, so that a busy minute falls on all of them."""
    spent = [{name: _once(call) for name, call in calls.items()} for _ in range(repeats)]
    return {name: min(each[name] for each in spent) for name in calls}


def allocated(call: Callable[[], Any]) -> float:
    """Give the megabytes that numpy and Python allocate at the peak of a call, above what was there before."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def apart(call: Callable[..., Any], *arguments: Any) -> tuple[Any, float, float]:
    """Run a function in a fresh process: its result, its CPU seconds, and the growth of the peak resident memory (MB).

    The function is one of a module's own (it is sent by name), and what it gives back is small.
    """
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_told, args=(sender, call, arguments))
    process.start()
    sender.close()
    answer = receiver.recv()
    process.join()
    return answer


def row(work: str, measured: str, target: str, reached: bool) -> None:
    """Print one row of the table: for a person, or for `bench_scale.py`, which asks for lines of JSON."""
    if os.environ.get("BENCH_SCALE_JSON"):
        print(json.dumps({"work": work, "measured": measured, "target": target, "reached": bool(reached)}), flush=True)
    else:
        print(f"{'   ' if reached else 'NOT'}  {work:72s} {measured:40s} {target}", flush=True)


def _once(call: Callable[[], Any]) -> float:
    start = _spent()
    call()
    return _spent() - start


def _spent() -> float:
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def _told(sender: Any, call: Callable[..., Any], arguments: tuple) -> None:
    before, start = _resident(), time.process_time()
    result = call(*arguments)
    sender.send((result, time.process_time() - start, _resident() - before))


def _resident() -> float:
    """Peak resident memory of this process in MB (Linux counts in kB, macOS in bytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
