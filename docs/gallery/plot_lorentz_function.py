"""
The Lorentz group from values of a function
===========================================

**Question.** Someone hands you a function of two energy-momentum vectors, eight numbers in and one number out, and
does not tell you the formula. Which linear changes of its arguments leave it unchanged?

``discover_function`` answers this from values of the function at scattered points. No trajectories and no formula are
needed. Here the function behaves like a squared scattering amplitude: it depends only on Lorentz products of the two
vectors. We test all 16 generators of gl(4), acting in the same way on both vectors, and expect to find so(1,3): three
rotations and three boosts. Then we break it on purpose.
"""

import matplotlib.pyplot as plt
import numpy as np

import symdyn as sd


def product(a, b):
    """Return the Lorentz product of two arrays of energy-momentum vectors, ``(sample, 4)`` each."""
    return a[:, 0] * b[:, 0] - (a[:, 1:] * b[:, 1:]).sum(axis=1)


def amplitude(points):
    """Evaluate a black box on pairs (p, q), ``(sample, 8)``."""
    p, q = points[:, :4], points[:, 4:]
    s, u = product(p + q, p + q), product(p - q, p - q)
    return (s**2 + u**2) / (1 + product(p, p) ** 2 + product(q, q) ** 2)


rng = np.random.default_rng(0)
points = rng.standard_normal((600, 8))
names = ("E1", "x1", "y1", "z1", "E2", "x2", "y2", "z2")
candidates = sd.candidates.gl(4, copies=2, states=names)

search = sd.discover_function(amplitude, points, candidates)
print(search)

# %%
# The six generators span so(1,3). The algebra is named from its structure constants, so nobody had to tell the search
# what a boost is. Derivatives were computed by central differences: the violations of the six are at the level of
# rounding, those of the other ten directions are of order one.
#
# The algebra can now be used. Which quadratic functions of the two vectors does it leave unchanged? Of 45
# coefficients four are free: a constant, the two squared masses, and the product of the vectors.

library = sd.features.Polynomial(2)
kept = sd.equivariant_subspace(library, search.algebra_, output="invariant", n_outputs=1)
for line in kept.describe(["f"], library.names(names)):
    print(line.removesuffix(" in f'"))

# %%
# Break it
# --------
#
# A detector at rest prefers a frame. Let us add a term c (E1 + E2)^2, which rotations leave unchanged and boosts do
# not, and repeat the search while c grows from a ten-millionth to one.

strengths = 10.0 ** np.arange(-7, 1)
found, violations = [], []
for c in strengths:

    def broken(points, c=c):
        """Add a term that singles out the frame of the detector."""
        return amplitude(points) + c * (points[:, 0] + points[:, 4]) ** 2

    result = sd.discover_function(broken, points, candidates)
    found.append(result.algebra_.name)
    violations.append(np.sort(result.verdicts_.violation.values))
    print(f"c = {c:.0e}   {result.algebra_.name:9s} largest violation of the first six: {violations[-1][5]:.1e}")

# %%
# The figure shows both results. On the left are the 16 directions of the unbroken function: nine orders of magnitude
# lie between what is symmetric and what is not, so the answer does not depend on the tolerance. On the right are the
# first six directions of the broken function: the three rotations stay at the level of rounding, and the three boosts
# rise in proportion to c.

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
values = search.verdicts_.violation.values
colours = np.where(search.verdicts_.verdict == "symmetric", "#0b7285", "#d9480f")
left.scatter(np.arange(1, 17), values, c=colours)
left.axhline(1e-6, color="grey", linestyle=":")
left.annotate("delta", (1, 2e-6), color="grey")
left.set(
    yscale="log", xlabel="direction of gl(4)", ylabel="violation", title="invariant function: so(1,3)", ylim=(1e-13, 5)
)
left.annotate("6 symmetric", (3.5, 1e-12), ha="center", color="#0b7285")
left.annotate("10 broken", (11.5, 2e-2), ha="center", color="#d9480f")

violations = np.array(violations)
right.plot(strengths, violations[:, :3], "o-", color="#0b7285", label=["rotations", None, None])
right.plot(strengths, violations[:, 3:6], "o-", color="#d9480f", label=["boosts", None, None])
right.axhline(1e-6, color="grey", linestyle=":")
right.set(
    xscale="log", yscale="log", xlabel="strength c of the preferred frame", title="broken function: so(3) is left"
)
right.legend(frameon=False)
plt.show()

# %%
# **What the verdicts say.** A function has no noise, so a violation is either rounding or real, and delta (dotted) is
# 1e-6 by default. At c = 1e-6 and below the boosts are called symmetric, because their violation is smaller than
# delta; the violations themselves show the difference down to rounding.
#
# **What they do not say.** The answer is about linear generators that act in the same way on both vectors, at points
# like these. A function that is invariant only on the mass shell, or only under separate changes of p and q, is a
# different question, which needs points on the shell, or ``sd.candidates.gl(8)``.
#
# **Try next.** Set ``delta=0.05`` to accept approximate boosts, or find the symmetry of a trained network in the same
# way with ``symdyn.neural.discover_network``.
