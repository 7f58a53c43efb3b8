"""CPU of the bootstrap against the pass over the data: `python benchmarks/bench_bootstrap.py`.

Two problems at a million samples: a cubic law of 3 states with affine candidates, and a library of 126 features for 8
outputs with 16 candidates. The bootstrap is everything that 200 replicates cost after the pass: reweighted laws, their
brackets, bounds and verdicts.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import symdyn as sd
from symdyn.discovery.problem import set_up
from symdyn.evidence.evidence import Evidence, bracket_forms
from symdyn.evidence.findings import View, conclude, flow_among
from symdyn.laws.law_fit import fit_law, law_families
from symdyn.lie.vectorfields import VectorField
from symdyn.sums.moments import accumulate


def attractor(n_trajectories, n_times):
    x, step = sd.systems.lorenz(noise=0.01, n_trajectories=n_trajectories, n_times=n_times, length=0.01 * n_times)
    return x, step, sd.candidates.affine(3), sd.features.Polynomial(3)


def oscillators(n_trajectories, n_times):
    """Four oscillators, whose library reads five of their eight states."""
    rng = np.random.default_rng(0)
    times = 0.05 * np.arange(n_times)
    rates = np.array([1.0, 0.7, 0.4, 0.3])
    x = []
    for _ in range(n_trajectories):
        angles = rng.uniform(0, 2 * np.pi, 4) + times[:, None] * rates
        waves = rng.uniform(0.5, 1.5, 4) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        x.append(waves.reshape(n_times, 8) + 0.01 * rng.standard_normal((n_times, 8)))
    candidates = sd.candidates.gl(8).combine(np.eye(64)[:16])
    return x, 0.05, candidates, sd.features.Polynomial(4, columns=range(5))


def measure(name, problem, n_trajectories, n_times, n_bootstrap=200):
    x, step, candidates, features = problem(n_trajectories, n_times)
    dataset = sd.open_trajectories(x, t=step)
    given = set_up(dataset, candidates, features, "flow", "vector_field", None)
    clock = [time.process_time()]
    moments = accumulate(dataset, features, given.layout)
    clock.append(time.process_time())
    setting, rng = given.in_chart(moments.chart), np.random.default_rng(0)
    scales, names = setting.scales(dataset, moments), setting.layout.arguments
    families = law_families(setting.features, names)
    fit = fit_law(moments, families, scales, n_bootstrap=n_bootstrap, rng=rng)
    clock.append(time.process_time())
    law = VectorField(setting.features, fit.coefficients, names)
    candidates, derivative = setting.derivative(moments.points)
    weights = 1 / scales.outputs[moments.owner]
    forms = bracket_forms(derivative, fit, weights, setting.displacement(moments, scales, law, len(candidates)))
    clock.append(time.process_time())
    conclude(
        candidates,
        Evidence(forms, 0.1),
        0.05,
        lambda algebra: setting.parallel(algebra, moments, scales, law),
        flow_among(candidates, law, moments.points),
        View(setting.candidate_chart(candidates), given.candidates.features, candidates),
    )
    clock.append(time.process_time())
    of_pass, of_law, of_brackets, of_verdicts = np.diff(clock)
    total = of_law + of_brackets + of_verdicts
    print(
        f"{name}: {n_trajectories} x {n_times} samples, pass {of_pass:.2f} s, {n_bootstrap} replicates {total:.2f} s "
        f"(laws {of_law:.2f}, brackets {of_brackets:.2f}, verdicts {of_verdicts:.2f}), ratio {total / of_pass:.2f}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trajectories", type=int, default=200)
    parser.add_argument("--times", type=int, default=5000)
    options = parser.parse_args()
    measure("cubic law, 3 states, 12 candidates", attractor, options.trajectories, options.times)
    measure("126 features, 8 outputs, 16 candidates", oscillators, options.trajectories, options.times)


if __name__ == "__main__":
    main()
