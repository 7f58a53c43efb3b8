"""
Reading a symmetry off a trained network
========================================

**Question.** A network has learned a force from data. Has it also learned the symmetry of the force, although nobody
told it about rotations? And can it be found in the network?

``discover_network`` looks for generators v whose Lie derivative along the network vanishes, with automatic
differentiation, at points like those on which the network was trained. We train an ordinary multilayer perceptron on a
force in space that pulls towards the centre and swirls about a tilted axis. Of the nine generators of gl(3), one is a
symmetry of the force: the rotation about that axis. Neither the network nor the search is given the axis. As a control
the same network learns the force without the swirl, which has three symmetries.

The page needs the extra ``neural`` (torch).
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

import symdyn as sd
from symdyn.neural import discover_network, train

torch.set_num_threads(1)
axis = np.array([1.0, 2.0, 2.0]) / 3
candidates = sd.candidates.gl(3, states=("x", "y", "z"))


def force(x, swirl):
    """Evaluate a pull to the centre that saturates, and a swirl about the axis."""
    return -x / (1 + (x**2).sum(axis=1, keepdims=True)) + swirl * np.cross(axis, x)


def perceptron():
    """Build a network from three numbers to three, with two hidden layers."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 3))


epochs = np.array([1, 2, 4, 8, 16, 32, 64])


def learn(swirl):
    """Train in stages, and search after each: networks' errors and what was found."""
    rng, network = np.random.default_rng(0), perceptron()
    x, fresh = rng.standard_normal((3000, 3)), rng.standard_normal((500, 3))
    pairs = [torch.tensor(part, dtype=torch.float32) for part in (x, force(x, swirl))]
    errors, found = [], []
    for stage, more in enumerate(np.diff(epochs, prepend=0)):
        train(network, pairs, epochs=int(more), batch=32, rate=3e-3, schedule="constant", seed=stage)
        with torch.no_grad():
            guess = network(torch.tensor(fresh, dtype=torch.float32)).numpy()
        errors.append(np.sqrt(np.mean((guess - force(fresh, swirl)) ** 2)) / force(fresh, swirl).std())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # after one epoch: that the network misses its targets by more than delta
            search = discover_network(network, fresh, candidates, output="vector", targets=force(fresh, swirl))
        found.append(search)
    return network, errors, found


swirling, errors, found = learn(swirl=0.5)
print(found[-1])

# %%
# One generator of nine is symmetric. It is a rotation, and its axis is the null direction of its matrix.

generator = found[-1].algebra_.matrices[0]
seen = np.linalg.svd(generator)[2][-1]
print(f"axis found {np.round(seen * np.sign(seen[0]), 3)}, true {axis.round(3)}")
print(f"angle between the two: {np.degrees(np.arccos(min(abs(seen @ axis), 1))):.2f} degrees")

# %%
# The control without the swirl keeps all three rotations:

central, control_errors, control = learn(swirl=0.0)
print(control[-1])

# %%
# The figure shows how the symmetry grows while the network is trained. The violation of the first direction falls along
# with the error of the network; those of the other rotations stay at the values that the force determines. Right: the
# learned force at points in space, and circles about the axis that was found.

figure = plt.figure(figsize=(11, 3.8), layout="constrained")
colours = {"symmetric": "#0b7285", "broken": "#d9480f", "undetermined": "#868e96"}
for place, (title, results, misses) in enumerate(
    (("pull and swirl", found, errors), ("pull alone", control, control_errors)), start=1
):
    axes = figure.add_subplot(1, 3, place)
    sizes = np.array([result.verdicts_.violation.values[:4] for result in results])
    axes.plot(epochs, sizes, color="#dee2e6", zorder=1)
    for epoch, result in zip(epochs, results, strict=True):
        first = result.verdicts_.isel(generator=slice(0, 4))
        axes.scatter([epoch] * 4, first.violation, c=[colours[verdict] for verdict in first.verdict.values], s=24)
    axes.plot(epochs, misses, "k--", linewidth=1, label="error of the network")
    axes.axhline(0.1, color="black", linestyle=":", linewidth=1)
    axes.annotate("delta", (30, 0.106), fontsize=8)
    axes.set(xscale="log", yscale="log", xlabel="epochs", title=title, ylim=(0.01, 1.2))
    axes.set_xticks(epochs, [str(epoch) for epoch in epochs])
    axes.minorticks_off()
    for verdict, colour in colours.items():
        axes.scatter([], [], color=colour, s=24, label=verdict)
    if place == 1:
        axes.set_ylabel("violation of the first four directions")
    else:
        axes.legend(frameon=False, fontsize=8, loc="lower left")

axes = figure.add_subplot(1, 3, 3, projection="3d")
points = np.random.default_rng(1).uniform(-1.6, 1.6, (80, 3))
with torch.no_grad():
    arrows = swirling(torch.tensor(points, dtype=torch.float32)).numpy()
axes.quiver(*points.T, *arrows.T, length=0.6, color="#868e96", linewidth=0.8)
field = found[-1].algebra_[0]
period = 2 * np.pi / np.linalg.eigvals(generator).imag.max()
for start in np.array([[1.5, 0, 0], [0, 0, 1.8], [1, 1, 1.5], [-1, -1, -0.6]]):
    axes.plot(*field.flow(start, np.linspace(0, period, 80)).T, color="#0b7285")
axes.plot(*np.outer([-2, 2], seen).T.reshape(3, 2), color="#d9480f", linewidth=2)
axes.set(title="learned force, orbits found", xlim=(-2, 2), ylim=(-2, 2), zlim=(-2, 2))
axes.set_box_aspect((1, 1, 1), zoom=1.35)
axes.set_axis_off()
plt.show()

# %%
# **What the verdicts say.** They are about the network, not about the force behind it. The network was never exactly
# symmetric: a violation of 0.03 remains after training, and delta is 0.1 for this reason.
#
# **What they do not say.** A symmetry of a network may come from its architecture, and a symmetry of the force may have
# been missed; train longer, or compare networks. After one epoch the network misses its targets by more than delta;
# then there is a warning, which this page suppresses.
#
# **Try next.** ``symdyn.neural.constrain`` puts the symmetry that was found into the weights of the next network, and
# ``LieDerivativePenalty`` into its loss.
