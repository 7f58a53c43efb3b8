"""
A sphere from its points, and how flat it may be
================================================

**Question.** You have points on a surface, and nothing else: a scan, a cloud of states, an attractor. Which motions carry
the surface into itself? And how much must a sphere be flattened before its points show it?

`discover_manifold` estimates a tangent plane at each point from its neighbours, and looks for generators that are tangent
to the surface everywhere. The violation of a generator is the sine of its angle with the tangent planes.
"""

import matplotlib.pyplot as plt
import numpy as np

import symdyn as sd

rng = np.random.default_rng(0)
sphere = rng.standard_normal((1500, 3))
sphere /= np.linalg.norm(sphere, axis=1, keepdims=True)
candidates = sd.candidates.se(3, states=("x", "y", "z"))

search = sd.discover_manifold(sphere, candidates)
print(search.summary())

# %%
# The three rotations are symmetric, the three translations are broken: so(3). The bound of 0.02 is what the tangent planes
# of 1500 points are known to. Nothing but the points went in, not even that they lie on a surface: its dimension is read
# off the neighbours.
#
# A flattened sphere
# ------------------
#
# Now the sphere is squeezed along z. Only the rotation about z should survive. The search is repeated for axis ratios
# from 1 to 0.6.

ratios = np.array([1, 0.99, 0.98, 0.97, 0.96, 0.95, 0.93, 0.9, 0.8, 0.7, 0.6])
searches = [sd.discover_manifold(sphere * [1, 1, ratio], candidates) for ratio in ratios]
for ratio, result in zip(ratios, searches, strict=True):
    table = result.verdicts_
    print(f"axis ratio {ratio:.2f}   {result.algebra_.name:6s} bounds {np.sort(table.upper_bound.values)[:3].round(3)}")

# %%
# The same squeezed sphere has again three symmetries if we ask a larger question. Among affine maps an ellipsoid is a
# sphere: squeeze, rotate, stretch back. **The candidates are part of the question**, and the two answers do not contradict
# each other.

affine = sd.discover_manifold(sphere * [1, 1, 0.6], sd.candidates.affine(3, states=("x", "y", "z")))
print(affine.algebra_)

# %%
# A torus keeps one rotation, and among the reflections of its axes all of them. Its points are drawn uniformly in area,
# with two per cent of noise.

angle, around, height = rng.uniform(0, 1, (3, 4000)) * np.array([[2 * np.pi], [2 * np.pi], [1]])
inside = height < (2 + 0.8 * np.cos(around)) / 2.8
angle, around = angle[inside], around[inside]
radius = 2 + 0.8 * np.cos(around)
torus = np.stack([radius * np.cos(angle), radius * np.sin(angle), 0.8 * np.sin(around)], axis=1)
torus += 0.02 * rng.standard_normal(torus.shape)
ring = sd.discover_manifold(torus, candidates + sd.groups.sign_flips(3, states=("x", "y", "z")))
print(ring)

# %%
# The figure shows the two surfaces with the generators that were found, and what flattening does to the rotations about x
# and y.

figure = plt.figure(figsize=(10, 3.6), layout="constrained")
for place, points, result, title in ((1, sphere, search, "sphere: so(3)"), (2, torus, ring, "torus: so(2)")):
    axes = figure.add_subplot(1, 3, place, projection="3d")
    axes.scatter(*points[::2].T, s=1.5, color="#9aa5b1", linewidths=0)
    for field, colour in zip(result.algebra_, ("#0b7285", "#d9480f", "#5f3dc4"), strict=False):
        shown = points[rng.choice(len(points), 60, replace=False)]
        axes.quiver(*shown.T, *field(shown).T, length=0.25, color=colour, linewidth=0.9)
    axes.set(title=title, box_aspect=(1, 1, 1), xticks=[], yticks=[], zticks=[])
    axes.set_aspect("equal")

axes = figure.add_subplot(1, 3, 3)
bounds = np.array([np.sort(result.verdicts_.upper_bound.values)[:3] for result in searches])
sizes = np.array([np.sort(result.verdicts_.violation.values)[:3] for result in searches])
exact = np.array([search_ratio for search_ratio in ratios])
axes.plot(1 - ratios, bounds[:, 0], "o-", color="#0b7285", label="about z")
axes.plot(1 - ratios, bounds[:, 1:].mean(axis=1), "o-", color="#d9480f", label="about x and y")
axes.set(xlabel="flattening, 1 − axis ratio", ylabel="95 % bound of the violation", title="squeezed along z")
axes.legend(frameon=False)
plt.show()
