"""
What a symmetry is worth in samples
===================================

**Question.** A quantity on a sphere, say the field of an antenna, does not change under rotations about an axis. By
what factor does building this symmetry into the model reduce the number of measurements: two, a hundred, infinity?

There is an exact answer (Tahmasebi and Jegelka, NeurIPS 2023, arXiv 2303.14269). A function is a sum of eigenfunctions
of the Laplacian, here spherical harmonics. With n noisy samples one can estimate those up to some eigenvalue; the
invariant ones among them are fewer, and the gain is the ratio of the two numbers. ``sample_gain`` counts them. This
page measures the gain as well, with functions whose smoothness is exactly that of the theory.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import eval_legendre

import symdyn as sd
from symdyn.regression import SpectralAveraging, Sphere, Torus, point_group, sample_gain

sphere, smoothness = Sphere(2), 2.0
turns = sd.candidates.from_matrices([[[0, -1, 0], [1, 0, 0], [0, 0, 0]]])  # rotations about z
nothing = sd.groups.element(np.eye(3))

print(sample_gain(sphere, turns, 10_000, smoothness=smoothness))

# %%
# The first line says that 10 000 samples suffice for 64 harmonics, eight of which do not depend on the longitude. The
# symmetry therefore makes 10 000 samples worth 80 000. The hypotheses are printed below, since each of them matters.
#
# Measured
# --------
#
# We draw functions f(z) = sum_l a_l Y_l0 whose energy above each eigenvalue l (l + 1) is that eigenvalue to the power
# of minus two, the worst case that the smoothness allows, and add noise of standard deviation 1, twice that of the
# function. Then we fit with the group and without it, each at its own best cutoff.

degrees = np.arange(1, 41)
energies = (degrees * (degrees + 1.0)) ** -smoothness - ((degrees + 1.0) * (degrees + 2)) ** -smoothness


def pattern(signs, points):
    """Evaluate a function of the latitude with the energies above, ``signs`` ``(degree,)``."""
    harmonics = np.sqrt(2 * degrees + 1) * eval_legendre(degrees, points[:, 2:])
    return harmonics @ (signs * np.sqrt(energies))


fresh = sphere.sample(5000, np.random.default_rng(99))


def risk(n, group, seed):
    """Return the mean square error at fresh points of one fit to n noisy samples."""
    rng = np.random.default_rng([seed, n])
    signs, points = rng.choice([-1.0, 1.0], len(degrees)), sphere.sample(n, rng)
    values = pattern(signs, points) + rng.standard_normal(n)
    affordable = sample_gain(sphere, group, n, smoothness=smoothness).count_total
    model = SpectralAveraging(sphere, group, estimator="lstsq", max_eigs_total=affordable).fit(points, values)
    return np.mean((model.predict(fresh) - pattern(signs, fresh)) ** 2)


sizes = 2 ** np.arange(8, 15)
measured = {"without": nothing, "with": turns}
risks = {name: np.array([[risk(n, group, s) for s in range(6)] for n in sizes]) for name, group in measured.items()}
for k, n in enumerate(sizes):
    print(f"n = {n:5d}   without {risks['without'][k].mean():.4f}   with {risks['with'][k].mean():.4f}")

# %%
# Which groups are worth most?
# ----------------------------
#
# The gain of a finite group is at most its number of elements, and reaches it only if the samples suffice for very many
# functions. A continuous group lowers the dimension, so its gain grows without bound. On a torus of ten angles the 1024
# sign flips are worth a factor of 3.6 with 10 000 samples, because the functions that can be estimated there depend on
# few angles at a time.

many = np.logspace(2, 6, 17).astype(int)
groups = {
    "sphere, rotations about an axis": (sphere, turns, 2.0),
    "sphere, 24 rotations of a cube": (sphere, point_group("O"), 2.0),
    "torus of 2 angles, swap (2)": (Torus(2), sd.groups.permutations(2), 2.0),
    "torus of 10 angles, 1024 flips": (Torus(10), sd.groups.sign_flips(10), 6.0),
}
gains = {
    name: [sample_gain(manifold, group, n, smoothness=s).gain for n in many]
    for name, (manifold, group, s) in groups.items()
}
for name, gain in gains.items():
    print(f"{name:32s} {gain[0]:5.1f} with 100 samples, {gain[8]:5.1f} with 10 000, {gain[16]:5.1f} with a million")

# %%
# The figure shows the measured errors and the gains.

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for name, colour in (("without", "#d9480f"), ("with", "#0b7285")):
    theory = [sample_gain(sphere, measured[name], n, smoothness=smoothness).risk for n in sizes]
    left.plot(sizes, theory, color=colour, label=f"{name} the rotations, theory")
    left.plot(sizes, risks[name], ".", color=colour, alpha=0.35)
    left.plot(sizes, risks[name].mean(axis=1), "o", color=colour, label=f"{name}, measured")
left.set(xscale="log", yscale="log", xlabel="samples", ylabel="mean square error", title="an antenna on the sphere")
left.set_xticks(sizes[::2], [str(n) for n in sizes[::2]])
left.minorticks_off()
left.legend(frameon=False, fontsize=8)
for (name, gain), colour in zip(gains.items(), ("#0b7285", "#d9480f", "#5f3dc4", "#868e96"), strict=True):
    right.plot(many, gain, color=colour, label=name)
right.set(
    xscale="log", yscale="log", xlabel="samples", ylabel="one sample is worth", title="gain, counted", ylim=(0.9, 100)
)
right.set_yticks([1, 2, 4, 8, 16, 32, 64], ["1", "2", "4", "8", "16", "32", "64"])
right.minorticks_off()
right.legend(frameon=False, fontsize=8)
plt.show()

# %%
# **What this says.** The measured errors (large dots: mean of six seeds, small dots: single seeds) follow the counts,
# without any fitted constant. An error that takes 16 384 samples without the symmetry takes some 3000 with it.
#
# **What it does not say.** The samples are independent and uniform on a compact manifold, the symmetry is exact and
# known, and the group acts by isometries. Samples along a trajectory are neither independent nor uniform: there, a
# symmetry may be worth much more (if whole directions are never visited) or nothing.
#
# **Try next.** ``workflows/learning_curves.py`` does this for five groups and leaves a report. If a symmetry holds only
# approximately, use promotion (see its own page) instead of a constraint.
