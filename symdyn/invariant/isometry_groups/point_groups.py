"""Point groups of three dimensions by their generators."""

from __future__ import annotations

import re

import numpy as np

from symdyn.lie.groups import Elements, element, elements

__all__ = ["point_group", "rotation"]

_GOLDEN = (1 + np.sqrt(5)) / 2


def rotation(fold: int, axis=(0.0, 0.0, 1.0)) -> Elements:
    """Return the rotation by 2 pi / fold about an axis `(3,)`, which generates a cyclic group of that order."""
    axis = np.asarray(axis, dtype=float)
    if axis.shape != (3,) or not np.linalg.norm(axis) > 0:
        raise ValueError(f"axis must be three numbers, not all zero, got {axis.tolist()}")
    if not isinstance(fold, int | np.integer) or fold < 1:
        raise ValueError(f"fold must be a whole number of at least 1, got {fold!r}")
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = 2 * np.pi / fold
    return element(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


def point_group(name: str) -> Elements:
    """Return generators of a point group acting on three coordinates.

    Parameters
    ----------
    name : str
        `C4`, `D3` (rotations about z, and half turns about x), `T`, `O`, `I` (rotations of the tetrahedron, the cube,
        the icosahedron); an `i` at the end adds the inversion x -> −x (`Oi` are all symmetries of the cube).

    Raises
    ------
    ValueError
        For any other name.

    Examples
    --------
    >>> import numpy as np
    >>> from symdyn.invariant import InvariantKernelRidge, point_group
    >>> point_group("D4").texts()
    ['x0 -> -x1, x1 -> x0', 'x1 -> -x1, x2 -> -x2']
    >>> groups = [point_group(name) for name in ("T", "O", "Oi", "I")]
    >>> models = [InvariantKernelRidge(group=group).fit(np.eye(3), [0, 0, 1]) for group in groups]
    >>> [model.n_elements_ for model in models]  # the orders of the groups
    [12, 24, 48, 60]
    """
    found = re.fullmatch(r"(?:([CD])([1-9]\d*)|([TOI]))(i?)", name)
    if found is None:
        raise ValueError(f"name must be C or D with a number, T, O or I, with an i for inversion, got {name!r}")
    family, fold, solid, inversion = found.groups()
    if solid:
        parts = {
            "T": [rotation(2), rotation(3, (1, 1, 1))],
            "O": [rotation(4), rotation(3, (1, 1, 1))],
            "I": [rotation(5, (0, 1, _GOLDEN)), rotation(3, (1, 1, 1))],
        }[solid]
    else:
        parts = [rotation(int(fold))] + ([rotation(2, (1, 0, 0))] if family == "D" else [])
    if inversion:
        parts.append(element(-np.eye(3)))
    return elements(parts)
