"""
How many elastic constants does a crystal have?
===============================================

**Question.** The energy of a strained crystal is a quadratic function of six strains: 21 coefficients. The symmetry of
the crystal relates them to one another. How many remain free, and which metals are nearly more symmetric than their
crystal structure requires?

``equivariant_subspace`` answers the first question: it solves exactly for all coefficients that a group allows, here
for point groups and for all rotations. The answers have been in textbooks since Voigt, which makes this a good check.
The second question goes the other way, from the measured constants of ten cubic metals to their symmetry.
"""

import matplotlib.pyplot as plt
import numpy as np

import symdyn as sd
from symdyn.regression import point_group

# Six symmetric matrices, orthonormal: xx, yy, zz, and root 2 times yz, xz, xy.
pairs = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
basis = np.zeros((6, 3, 3))
for k, (i, j) in enumerate(pairs):
    basis[k, i, j] = basis[k, j, i] = 1.0 if i == j else np.sqrt(0.5)
strains = ("e_xx", "e_yy", "e_zz", "e_yz", "e_xz", "e_xy")


def on_strains(group):
    """Carry rotations of space, ``(element, 3, 3)``, to the six strains: e -> R e R^T."""
    moved = np.einsum("gij,kjl,gml->gkim", group.matrices, basis, group.matrices)
    return sd.groups.elements(np.einsum("gkim,nim->gnk", moved, basis), states=strains)


def turning_strains():
    """Carry the generators A of so(3) to the strains: e' = A e + e A^T."""
    generators = sd.LieAlgebra(sd.candidates.so(3)).matrices
    moved = np.einsum("gij,kjl->gkil", generators, basis)
    moved = moved + np.swapaxes(moved, 2, 3)
    return sd.candidates.from_matrices(np.einsum("gkim,nim->gnk", moved, basis), states=strains)


classes = {
    "triclinic (no rotation)": on_strains(point_group("C1")),
    "monoclinic (C2)": on_strains(point_group("C2")),
    "orthorhombic (D2)": on_strains(point_group("D2")),
    "trigonal (D3)": on_strains(point_group("D3")),
    "tetragonal (D4)": on_strains(point_group("D4")),
    "hexagonal (D6)": on_strains(point_group("D6")),
    "cubic (O)": on_strains(point_group("O")),
    "isotropic (so(3))": turning_strains(),
}


def energies(group):
    """Find the invariant functions of the strains of second degree, without those of first degree."""
    quadratic = sd.equivariant_subspace(sd.features.Polynomial(2), group, output="invariant", n_outputs=1)
    linear = sd.equivariant_subspace(sd.features.Polynomial(1), group, output="invariant", n_outputs=1)
    return quadratic, quadratic.dim - linear.dim


for name, group in classes.items():
    print(f"{name:24s} {energies(group)[1]:2d} elastic constants")

# %%
# These are the textbook numbers: 21, 13, 9, 6, 6, 5, 3 and 2. More symmetry leaves fewer constants, but a group with
# twice as many rotations does not halve their number: the hexagonal group has 12 rotations and leaves five, the cubic
# group has 24 and leaves three.
#
# From constants to symmetry
# --------------------------
#
# Every cubic metal has three measured constants C11, C12 and C44 (here in GPa at room temperature, rounded; G. Simmons
# and H. Wang, *Single Crystal Elastic Constants and Calculated Aggregate Properties*, 1971). They define an energy as a
# function of the strains. ``discover_function`` answers whether this function is nearly symmetric under *all*
# rotations.

metals = {
    "W": (522.4, 204.4, 160.8),
    "Al": (108.2, 61.3, 28.5),
    "Pt": (346.7, 250.7, 76.5),
    "Fe": (231.4, 134.7, 116.4),
    "Ni": (246.5, 147.3, 124.7),
    "Pd": (227.1, 176.1, 71.7),
    "Au": (192.3, 163.1, 42.0),
    "Ag": (124.0, 93.4, 46.1),
    "Cu": (168.4, 121.4, 75.4),
    "Pb": (49.5, 42.3, 14.9),
}
points = np.random.default_rng(0).standard_normal((400, 6))


def energy(c11, c12, c44):
    """Build the energy density of a cubic crystal, a function of strains ``(sample, 6)``."""
    stiffness = np.diag([c11 - c12] * 3 + [2 * c44] * 3) + c12 * np.outer([1, 1, 1, 0, 0, 0], [1, 1, 1, 0, 0, 0])
    return lambda e: np.einsum("si,ij,sj->s", e, stiffness, e) / 2


zener, violations, verdicts = [], [], []
for name, (c11, c12, c44) in metals.items():
    found = sd.discover_function(energy(c11, c12, c44), points, turning_strains(), delta=0.02)
    zener.append(2 * c44 / (c11 - c12))
    violations.append(found.verdicts_.violation.values.max())
    verdicts.append(found.algebra_.name)
    print(
        f"{name:2s}  anisotropy 2 C44 / (C11 − C12) = {zener[-1]:.2f}   violation {violations[-1]:.4f}   {verdicts[-1]}"
    )

# %%
# Tungsten is the famous case: nothing in its lattice makes it isotropic, but its constants are isotropic to within 0.3
# per cent. The figure shows the pattern of the 6 by 6 stiffness matrix of each class (equal colours are equal entries,
# white is zero), and the violation of the rotations by the ten metals against Zener's anisotropy. The search does not
# use that number, and the violation vanishes where it is 1. The violation of gold is small for its anisotropy, because
# most of its energy is in compression, which is isotropic in any cubic crystal, and the violation is relative to the
# whole.

rng = np.random.default_rng(5)
figure = plt.figure(figsize=(11, 4.6), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=(1.35, 1))
for ax, (name, group) in zip(left.subplots(2, 4).flat, classes.items(), strict=True):
    subspace, count = energies(group)
    terms = sd.features.Polynomial(2).names(strains)
    drawn = subspace.expand(rng.uniform(1, 2, subspace.dim)).ravel()
    matrix = np.zeros((6, 6))
    for i in range(6):
        for j in range(i, 6):
            term = f"{strains[i]}^2" if i == j else f"{strains[i]} {strains[j]}"
            matrix[i, j] = matrix[j, i] = drawn[terms.index(term)] * (1 if i == j else 0.5)
    sizes, colour = np.unique(matrix.round(9), return_inverse=True)
    ax.imshow(np.ma.masked_where(matrix.round(9) == 0, colour.reshape(6, 6)), cmap="turbo")
    ax.set_title(f"{name.split(' (')[0]}: {count}", fontsize=10)
    ax.set(xticks=[], yticks=[])

ax = right.subplots()
ax.axhline(0.02, color="black", linestyle=":", linewidth=1)
ax.annotate("delta", (3.6, 0.023), fontsize=9)
colours = ["#0b7285" if name == "so(3)" else "#d9480f" for name in verdicts]
ax.scatter(zener, violations, c=colours, zorder=3)
for name, x, y in zip(metals, zener, violations, strict=True):
    ax.annotate(name, (x, y), (4, -12), textcoords="offset points")
ax.set(xlabel="anisotropy 2 C44 / (C11 − C12)", ylabel="violation of so(3)", title="ten cubic metals", xlim=(0.8, 4.5))
plt.show()

# %%
# **What this says.** Counting is exact: for these groups the equations for the coefficients are solved in integers, or
# in floating point to rounding, and the same call serves laws x' = f(x), maps and networks. A model inside the subspace
# has as many free coefficients as the crystal has constants.
#
# **What it does not say.** A violation below delta does not make tungsten isotropic: two per cent was our choice, and
# the verdict is about these constants, at this temperature.
#
# **Try next.** ``sd.intertwiners(a, b)`` counts the linear maps between two representations, such as piezoelectric
# constants: strains in, vectors out. ``SymmetricSINDy(symmetry=...)`` and ``symdyn.neural.constrain`` fit inside a
# subspace.
