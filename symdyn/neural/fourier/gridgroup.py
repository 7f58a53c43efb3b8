"""Finite groups of a square or cubic grid: quarter turns and reflections, and how channels move with them.

An element R acts on fields by (g u)(x) = rho(g) u(R^-1 x), so a convolution commutes with it iff
M(R k) rho_in(g) = rho_out(g) M(k).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import expm

from symdyn.lie import candidates
from symdyn.neural.representations import Representation

__all__ = ["SPACES", "GridGroup", "grid_group", "plane_rotations"]

SPACES = ("quarter_turns", "reflections", "rotations")


@dataclass(frozen=True, eq=False)
class GridGroup:
    """All elements of a finite group that maps the grid to itself.

    Parameters
    ----------
    matrices : ndarray of int, `(element, d, d)`
        Signed permutations R, the identity first.
    values : ndarray, `(element, n, n)`
        The action of the same elements on n channels.
    generating : tuple of int
        Elements that generate the group.
    """

    matrices: np.ndarray
    values: np.ndarray
    generating: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.matrices)

    @property
    def quotients(self) -> np.ndarray:
        """Index of s^-1 t, `(element s, element t)`."""
        found = {matrix.tobytes(): index for index, matrix in enumerate(self.matrices)}
        products = np.einsum("sji,tjk->stik", self.matrices, self.matrices)
        return np.array([[found[np.ascontiguousarray(p).tobytes()] for p in row] for row in products])

    def regular(self) -> Representation:
        """Represent functions on the group, (g h)(s) = h(g^-1 s), for the generating elements."""
        quotients = self.quotients
        shifts = [np.eye(len(self))[quotients[g]] for g in self.generating]  # row s picks h(g^-1 s)
        return Representation(np.zeros((0, len(self), len(self))), np.array(shifts).reshape(-1, len(self), len(self)))


def grid_group(space: Sequence[str], d: int, values: Representation | None = None) -> GridGroup:
    """Build the group that quarter turns, reflections or both generate.

    Parameters
    ----------
    space : sequence of {"quarter_turns", "reflections"}
    d : int
        Number of axes of space.
    values : Representation, optional
        How channels transform with the grid: one element for each generating element of the grid, quarter turns of the
        planes (0, 1), (0, 2), (1, 2) first, then reflections of the axes; or, for quarter turns, one generator of so(d)
        per plane.

    Raises
    ------
    ValueError
        For quarter turns of a line, and for values that do not represent the group.
    """
    steps = [np.eye(d, dtype=int)[:0]]
    if "quarter_turns" in space:
        if d == 1:
            raise ValueError("quarter_turns needs 2 or 3 axes of space, modes gives 1")
        steps += [np.rint(expm(np.pi / 2 * a)).astype(int) for a in plane_rotations(d)]
    if "reflections" in space:
        steps += [np.diag(np.where(np.arange(d) == axis, -1, 1)) for axis in range(d)]
    steps = steps[1:]
    moved = _value_elements(values, len(steps), "quarter_turns" in space and "reflections" not in space)
    elements = {np.eye(d, dtype=int).tobytes(): (np.eye(d, dtype=int), np.eye(moved.shape[-1]))}
    waiting = list(elements.values())
    for matrix, value in waiting:
        for step, by in zip(steps, moved, strict=True):
            pair = (np.ascontiguousarray(step @ matrix), by @ value)
            known = elements.get(pair[0].tobytes())
            if known is None:
                elements[pair[0].tobytes()] = pair
                waiting.append(pair)
            elif not np.allclose(known[1], pair[1], atol=1e-9):
                raise ValueError(f"values are no representation of {' and '.join(space)}: products of elements differ")
    matrices, images = (np.array(part) for part in zip(*elements.values(), strict=True))
    index = {key: place for place, key in enumerate(elements)}
    return GridGroup(matrices, images, tuple(index[step.tobytes()] for step in steps))


def plane_rotations(d: int) -> np.ndarray:
    """Return the generators of so(d) `(plane, d, d)`, planes (i, j) with i < j in order."""
    if d == 1:
        return np.zeros((0, 1, 1))
    return candidates.so(d).coefficients[:, :, 1:]


def _value_elements(values: Representation | None, n_steps: int, by_turns: bool) -> np.ndarray:
    """Return the matrices of the generating elements on channels, `(element, n, n)`."""
    if values is None:
        return np.ones((n_steps, 1, 1))
    if len(values.elements) == n_steps and not len(values.generators):
        return values.elements
    if by_turns and len(values.generators) == n_steps and not len(values.elements):
        turns = np.array([expm(np.pi / 2 * a) for a in values.generators])
        rounded = np.rint(turns)
        return np.where(np.abs(turns - rounded) < 1e-12, rounded, turns)
    raise ValueError(
        f"joint action: values hold {len(values.generators)} generators and {len(values.elements)} elements, the grid "
        f"is moved by {n_steps} elements; give one element each, in the same order"
    )
