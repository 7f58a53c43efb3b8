r"""
Your own CSV in ten lines
=========================

You have a CSV file of measurements. What does it take to find its symmetries, and what is the result? The file of this
page is like one that a camera above a weight on a spring might record: twelve runs in the plane, positions and
velocities, with some noise and rounded to a tenth of a millimetre. (We write it ourselves, from a damped spring that
stiffens when it is stretched.)
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import symdyn as sd
from symdyn.regression import fit_moments

names = ["x", "y", "vx", "vy"]
pull = {"x": -4.0, "x^3": -3.0, "x y^2": -3.0, "vx": -0.1}
push = {"y": -4.0, "y^3": -3.0, "x^2 y": -3.0, "vy": -0.1}
spring = sd.systems.polynomial_law([{"vx": 1.0}, {"vy": 1.0}, pull, push], names)
runs, step = sd.systems.simulate(spring, [(-1, 1)] * 4, length=8.0, noise=0.01, n_trajectories=12, rng=0)

file = Path(tempfile.mkdtemp()) / "spring.csv"
rows = [[run, k * step, *state] for run, states in enumerate(runs) for k, state in enumerate(states)]
header = "trajectory,t [s],x [m],y [m],vx [m/s],vy [m/s]"
np.savetxt(file, rows, fmt=["%d"] + ["%.4f"] * 5, delimiter=",", header=header, comments="")
print(file.read_text()[:170])

# %%
# What does the file hold?
# ------------------------
#
# In a shell: ``symdyn check spring.csv``. It reads the file as every other command does, and says what it found and
# what to run next. This page calls the same command from Python.


def shell(line):
    command = [sys.executable, "-m", *line.split()]
    print(subprocess.run(command, capture_output=True, text=True, cwd=file.parent, check=True).stdout)


shell("symdyn check spring.csv")

# %%
# Ten lines
# ---------
#
# Candidates act on the positions (``kind="second_order"``); velocities follow. The law of the accelerations may be any
# cubic polynomial in positions and velocities, 68 coefficients in all.

data = sd.open_trajectories(file)
search = sd.SymmetryDiscovery("gl+sign_flips", "polynomial:3", kind="second_order", rng=0).fit(data)
print(search.summary())

law = fit_moments(data, "polynomial:3", symmetry=search, layout="second_order")
print(law)

# %%
# The spring is the same in all directions: rotations are *symmetric*, and so are reflections. Stretching x and y,
# together or one by one, is *broken*, which distinguishes a stiffening spring from a linear one. The fit inside the
# symmetry recovers :math:`\ddot q = -4 q - 3 |q|^2 q - 0.1\, \dot q`.
#
# Left: the runs in the file. Middle: a new run that was not used in the fit, and the solution of the law from its first
# sample. Right: the verdicts.

new, step = sd.systems.simulate(spring, [(-1, 1)] * 4, length=8.0, noise=0.01, n_trajectories=1, rng=1)
times = step * np.arange(len(new[0]))
computed = law.simulate(new[0][0], times)

figure, (plane, course, evidence) = plt.subplots(1, 3, figsize=(13, 4), layout="constrained", width_ratios=[1, 1, 1.2])
for run in range(data.sizes["trajectory"]):
    plane.plot(data.x[run], data.y[run], lw=0.6)
plane.set(xlabel="x (m)", ylabel="y (m)", aspect="equal", title="twelve runs")
for state, colour in ((0, "#0b7285"), (1, "#e8a33d")):
    course.plot(times, new[0][:, state], ".", ms=2, color=colour, alpha=0.5, label=f"{names[state]}, measured")
    course.plot(times, computed[:, state], color=colour, lw=1, label=f"{names[state]}, computed")
course.set(xlabel="t (s)", ylabel="position (m)", title="a new run", ylim=(-1.1, 1.5))
course.legend(frameon=False, ncols=2, fontsize=8, loc="upper center")
search.plot(ax=evidence)
plt.show()

# %%
# A page for colleagues
# ---------------------
#
# ``search.report("spring.html")`` writes all this as one self-contained page. So does the command, which also writes
# the results as netCDF and a log; use the command if the file is large.

search.report(file.parent / "spring.html")
shell(
    "symdyn discover spring.csv --kind second_order --candidates gl --law polynomial:3"
    " --elements sign_flips --out runs/spring --quiet"
)
print(*sorted(str(path.relative_to(file.parent)) for path in file.parent.rglob("*.html")), sep="\n")

# %%
# What the verdicts do not say: they hold for deflections up to a metre and speeds up to 2.3 m/s, as the summary states.
#
# **Try next**: ``n_trajectories=8``. The rotation is then *undetermined*, and the summary says that more runs would
# decide it.
