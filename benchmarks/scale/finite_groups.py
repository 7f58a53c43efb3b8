"""Rows of the scale table on finite groups: all permutations of like oscillators, decided by their generators.

Run: python benchmarks/scale/finite_groups.py
"""

from __future__ import annotations

from functools import partial
from math import factorial

import numpy as np
from measure import interleaved, row
from scipy.linalg import expm

import symdyn as sd
from symdyn.lie.chains import Chain

NOISE = 0.01
SECONDS = 5.0


def oscillators(n: int, first: float = 1.0, samples: int = 400):
    """q_i'' = −w_i q_i + 0.2 (mean of q − q_i), the first with w = `first`, the others with 1; noise on positions."""
    rng = np.random.default_rng(0)
    rates = np.where(np.arange(n) == 0, first, 1.0)
    pull = -np.diag(rates) + 0.2 * (np.full((n, n), 1 / n) - np.eye(n))
    step = 10.0 / samples
    move = expm(step * np.block([[np.zeros((n, n)), np.eye(n)], [pull, np.zeros((n, n))]]))
    states = [rng.uniform(-1.5, 1.5, (5 * n, 2 * n))]
    for _ in range(samples - 1):
        states.append(states[-1] @ move.T)
    clean = np.stack(states, axis=1)
    return list(clean + NOISE * rng.standard_normal(clean.shape)), step


def searched(n: int, first: float) -> sd.SymmetryDiscovery:
    """Search the permutations of n oscillators."""
    data, step = oscillators(n, first)
    return sd.SymmetryDiscovery(sd.groups.permutations(n), "polynomial:1").fit(data, step)


def told(n: int, first: float) -> tuple[int, str]:
    """Give the order of the group that was accepted, and what was said of it."""
    found = searched(n, first)
    order = Chain.of(found.elements_).order if found.elements_.dim else 1
    return order, f"{len(found.element_verdicts_.element)} elements looked at, {order} symmetric"


def main() -> None:
    """Print the rows."""
    told(3, 1.0)  # imports
    cases = {
        "permutations(8), like oscillators": (8, 1.0, factorial(8)),
        "permutations(8), one differs": (8, 1.5, factorial(7)),
        "permutations(6), like oscillators": (6, 1.0, factorial(6)),
        "permutations(12), like oscillators": (12, 1.0, factorial(12)),
    }
    spent = interleaved({name: partial(searched, n, first) for name, (n, first, _) in cases.items()}, repeats=2)
    for name, (n, first, order) in cases.items():
        found, text = told(n, first)
        reached = spent[name] <= SECONDS and found == order
        row(name, f"{spent[name]:.2f} s, {text}", f"<= {SECONDS:g} s, {order} symmetric", reached)


if __name__ == "__main__":
    main()
