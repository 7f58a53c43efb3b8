"""
A rotation from noisy orbits
============================

Forty orbits of a Hopf oscillator are sampled with 5 % noise. Is the law the same in all directions?
"""

# %%
# The data are a list of arrays and a time step. Each orbit spirals onto the limit cycle.

import matplotlib.pyplot as plt

import symdyn as sd

x, t = sd.systems.hopf(noise=0.05, rng=0)
figure, axes = plt.subplots(figsize=(4, 4))
for orbit in x[:8]:
    axes.plot(*orbit.T, lw=0.6)
_ = axes.set(xlabel="$x_0$", ylabel="$x_1$", aspect="equal")

# %%
# All four linear fields are candidates, and the law is a cubic polynomial.

search = sd.SymmetryDiscovery("gl", "polynomial:3").fit(x, t)
print(search.summary())

# %%
# The rotation is accepted: its 95 % bound is far below delta = 0.1.

search.algebra_.texts()
