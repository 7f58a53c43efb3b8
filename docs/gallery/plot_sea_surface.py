"""
The sea surface of the Pacific: a refusal explained
===================================================

**Question.** Does the sea surface temperature along the equator follow a law that is the same at all positions and
times? If so, ∂t and ∂x are symmetries of that law.

The data are measured: monthly anomalies from 160 E to 90 W, April 2006 to September 2010 (OSTIA, Met Office; British
Crown copyright, Open Government Licence), 54 months by 133 positions. They include the El Niño of 2009/10 and the La
Niña of 2007/08. The search accepts nothing, not even ∂t. This page shows how to read such an answer, and how to find
out whether the data are too few or the question is wrong.
"""

from textwrap import fill

import matplotlib.pyplot as plt

import symdyn as sd

sea = sd.datasets.sea_surface()
options = {"direct": False, "finite_flow": False}  # the verdicts from the law alone, which are cheaper
search = sd.PointSymmetryDiscovery(1, **options).fit(sea)
print(search.algebra_)
print(search.verdicts_.verdict.to_series().value_counts().to_string())
for note in search.notes_[:2]:
    print(fill(note, 96, initial_indent="- ", subsequent_indent="  "))

# %%
# The first note is the reason. A law of the library (u, its powers, its derivatives along the equator, and products of
# these) leaves three quarters of the rates of change unexplained, and at least 0.46 of them with 95 % confidence,
# beyond what noise explains. Every bound includes this residual, since the missing part may have no symmetry at all.
# The verdict is *undetermined*, and rightly not *broken*: a law that does not describe the data cannot refute a
# symmetry either.
#
# Are the data too few?
# ---------------------
#
# A control answers this. We simulate Burgers' equation on the same grid, one run of 54 times and 133 positions with 5 %
# noise, and ask the same question.

grid = {"n_trajectories": 1, "n_times": 54, "n_points": 133, "noise": 0.05, "rng": 1}
control = sd.PointSymmetryDiscovery(1, **options).fit(sd.systems.burgers(**grid))
print(control.law_)
print(control.algebra_)

# %%
# One run on this grid is enough to find Burgers' equation to a per cent and three of its symmetries, ∂t and ∂x among
# them. So the number of samples is not the reason.
#
# Is something missing?
# ---------------------
#
# A second control: two fields u and v that drive each other (a nonlinear Schroedinger equation), first with both of
# them in the file, then with v left out. The sea may be like the second case: its temperature is driven by the depth of
# the warm layer and by the wind, and neither is in the file.

both = sd.PointSymmetryDiscovery(1, **options).fit(sd.systems.schroedinger(**grid))
hidden = sd.PointSymmetryDiscovery(1, **options).fit(sd.systems.schroedinger(**grid, hidden=("v",)))
print("u and v:", both.algebra_.texts())
print("u alone:", hidden.algebra_.texts())
print(fill(hidden.notes_[0], 96))

# %%
# With v in the file the equations and three symmetries are found. With u alone the answer resembles that of the sea:
# the law leaves most of the rates unexplained, and nothing is accepted. The figure compares all four, and shows in
# addition what the sea data themselves say about ∂x: anomalies vary by 0.5 K in the west and by 1.2 K in the middle and
# the east. A law with the symmetry ∂x and without coasts could not prefer any position.

figure, axes = plt.subplots(1, 3, figsize=(11, 4.2), layout="constrained", width_ratios=(1.2, 1, 1.2))
left, middle, right = axes
image = left.pcolormesh(sea.x / 1000, sea.time / 365.25 + 2006.29, sea.u[0], cmap="RdBu_r", vmin=-3, vmax=3)
figure.colorbar(image, ax=left, label="anomaly, K")
left.set(xlabel="distance east of 160 E, 1000 km", ylabel="year", title="measured")
left.set_yticks(range(2007, 2011))

middle.plot(sea.x / 1000, sea.u[0].std("time"), color="#0b7285")
middle.set(xlabel="distance east of 160 E, 1000 km", ylabel="standard deviation in time, K", ylim=(0, 1.6))
middle.set_title("amplitude by position")

cases = {"Burgers": control, "u and v": both, "u, v hidden": hidden, "sea surface": search}
for row, result in enumerate(cases.values()):
    residual = result.residual_
    colour = "#0b7285" if result.algebra_.dim else "#868e96"
    right.plot(
        [max(residual.lower, 1e-4), residual.upper], [row, row], color=colour, linewidth=6, solid_capstyle="butt"
    )
    beside = 1.2 * max(residual.upper, search.delta)
    right.annotate(f"{result.algebra_.dim} accepted", (beside, row), va="center", fontsize=8)
right.axvline(search.delta, color="black", linestyle=":", linewidth=1)
right.annotate("delta", (search.delta * 1.1, 3.4), fontsize=8)
right.set(xscale="log", xlim=(1e-4, 20), ylim=(-0.6, 3.7), xlabel="fraction of the rates (95 % interval)")
right.set_yticks(range(4), list(cases))
right.set_title("residual of the law")
plt.show()

# %%
# **What the verdicts say.** No law of this library, with coefficients that depend neither on time nor on position,
# describes these data, and therefore nothing about its symmetries is known.
#
# **What they do not say.** They do not say that the sea has no such symmetry. The atmosphere and the deeper water may
# account for all of the difference.
#
# **Try next.** Supply the missing fields: a file with the temperature and the depth of the warm layer as two fields is
# searched by the same two lines. For your own file, look at ``search.notes_`` first, then repeat this page's controls
# on its grid.
