"""How the values of a function move under a generator: invariants, vectors, densities, tensors index by index."""

from __future__ import annotations

import numpy as np

from symdyn.functions.features import Polynomial
from symdyn.lie.actions import Moves
from symdyn.lie.chart import Chart
from symdyn.lie.prolongation import affine_parts
from symdyn.lie.vectorfields import Generators

__all__ = [
    "act_on_pairs",
    "extend_by_outputs",
    "index_actions",
    "index_units",
    "moved_output",
    "output_in_units",
    "value_units",
]

_NAMED = {"invariant": None, "vector": ("vector",), "vector_field": ("vector",), "metric": ("covector", "covector")}
_ACTIONS = ("vector", "covector", "invariant", "linear")


def index_actions(output, n_indices: int) -> tuple[str, ...]:
    """What each index of the values does, one of "vector", "covector", "invariant", "linear".

    Raises
    ------
    ValueError
        For unknown actions, or another number of indices than the values have.
    """
    actions = _NAMED.get(output, output) if isinstance(output, str) else tuple(output)
    if actions is None:
        return ("invariant",) * n_indices
    if isinstance(actions, str) or any(action not in _ACTIONS for action in actions):
        raise ValueError(
            f"output must be one of {(*_NAMED, 'density')}, a tuple of {_ACTIONS}, or matrices, got {output!r}"
        )
    if len(actions) != n_indices:
        raise ValueError(f"output {output!r} is for values with {len(actions)} indices, they have {n_indices}")
    return actions


def value_units(values: np.ndarray, scale: np.ndarray, output, shape: tuple[int, ...]) -> np.ndarray:
    """The unit `(value,)` of each flattened value: products of those of its indices, times one size of all values.

    An index that moves like a state has its scale, one that moves like a covector the inverse; the entries of others
    are sized by the values themselves. Values that mix in ways of their own keep their ratios.

    Parameters
    ----------
    values : ndarray, `(sample, value)`
    scale : ndarray, `(state,)`
    output : see `discover_function`
    shape : tuple of int
        Of a value before it was flattened.
    """
    sizes = _root_mean_square(values).reshape(shape)
    present = sizes > 0
    sizes = np.where(present, sizes, 1.0)
    if not isinstance(output, str | tuple | list) or (isinstance(output, str) and output == "density"):
        return np.full(sizes.size, np.sqrt(np.mean(sizes**2)))
    units, free = np.ones(shape), []
    for index, action in enumerate(index_actions(output, len(shape))):
        if action in ("vector", "covector") and shape[index] == len(scale):
            factor = scale if action == "vector" else 1 / scale
            units = units * np.reshape(factor, [-1 if k == index else 1 for k in range(len(shape))])
        else:
            free.append(index)
    units = units * _products_next_to(sizes / units, present, free)
    return (units * np.sqrt(np.mean((sizes / units)[present] ** 2) if present.any() else 1.0)).ravel()


def _root_mean_square(values):
    """Over samples; squares of small numbers must not vanish."""
    largest = np.abs(values).max(axis=0)
    largest = np.where(largest > 0, largest, 1.0)
    return np.sqrt(np.mean((values / largest) ** 2, axis=0)) * largest


def _products_next_to(sizes, present, free):
    """Products `(...)` of one factor for each entry of the free indices that are next to the sizes `(...)`.

    By least squares of logarithms: they follow the units of the entries, whatever these are. Entries that are not
    `present` `(...)`, because their values vanish, have no say.
    """
    if not free or not sizes.size:
        return np.ones(sizes.shape)
    grid = np.indices(sizes.shape).reshape(sizes.ndim, -1)
    design = np.hstack([np.eye(sizes.shape[index])[grid[index]] for index in free])
    kept = present.ravel()
    logarithms = np.linalg.lstsq(design[kept], np.log(sizes).ravel()[kept], rcond=None)[0]
    return np.exp(design @ logarithms).reshape(sizes.shape)


def output_in_units(output, units: np.ndarray):
    """An action on values as one on values over their `units` `(value,)`: given matrices are conjugated."""
    if isinstance(output, np.ndarray):
        return output * units / units[:, None]
    if isinstance(output, Generators):
        return Chart((0.0,) * len(units), tuple(units)).generators(output)
    return output


def index_units(units: np.ndarray, shape: tuple[int, ...], names) -> np.ndarray:
    """The unit of each extra state of candidates on outputs: `out_0 ...` on all values, `out1_0 ...` on one index."""
    table = units.reshape(shape)
    found = []
    for name in names:
        head, entry = name.rsplit("_", 1)
        if head == "out":
            found.append(units[int(entry)])
            continue
        index = int(head.removeprefix("out"))
        others = tuple(k for k in range(len(shape)) if k != index)
        found.append(np.exp(np.mean(np.log(table), axis=others))[int(entry)])
    return np.array(found)


def moved_output(values: np.ndarray, generators: Generators, points: np.ndarray, output) -> list[np.ndarray]:
    """psi_k f, what the values would change by if they moved along: one part `(sample, ..., generator)` an index.

    Parameters
    ----------
    values : ndarray, `(sample, ...)`
    generators : Generators
    points : ndarray, `(sample, state)`
    output : see `discover_function`
    """
    if isinstance(output, np.ndarray):
        return [_given(values, generators, output)]
    slopes = generators.jacobians(points)
    if isinstance(output, str) and output == "density":
        return [-np.einsum("siik,s...->s...k", slopes, values)]
    parts = []
    for index, action in enumerate(index_actions(output, values.ndim - 1), start=1):
        if action in ("vector", "covector"):
            if values.shape[index] != points.shape[1]:
                raise ValueError(
                    f"index {index - 1} of the values has size {values.shape[index]}, the state {points.shape[1]}"
                )
            # A vector moves by Dv w, a covector by −Dv^T w.
            subscripts = "sopk,sp...->so...k" if action == "vector" else "spok,sp...->so...k"
            sign = 1 if action == "vector" else -1
            front = np.einsum(subscripts, slopes, np.moveaxis(values, index, 1))
            parts.append(sign * np.moveaxis(front, 1, index))
    if isinstance(output, str) and output == "vector_field" and np.any(generators.time_scaling):
        parts.append(-values[..., None] * generators.time_scaling)  # rates, which a faster clock makes smaller
    return parts


def extend_by_outputs(generators, values, transported, carried, output):
    """Candidates joined by one unknown matrix for each index whose action is "linear".

    Returns the generators on states and, for each such index, as many extra states as it has values, with
    `transported` and the parts of `carried` `(sample, ..., generator)` extended alike; all unchanged without one.
    """
    if isinstance(output, np.ndarray) or (isinstance(output, str) and output == "density"):
        return generators, transported, carried
    free = [i for i, a in enumerate(index_actions(output, values.ndim - 1), start=1) if a == "linear"]
    for index in free:
        size = values.shape[index]
        generators = _with_matrix(generators, size, f"out{index - 1}")
        extra = np.stack([_unit_moves(values, index, row, column) for row in range(size) for column in range(size)], -1)
        before = np.zeros(transported.shape)
        transported = np.concatenate([transported, np.zeros_like(extra)], axis=-1)
        carried = [np.concatenate([part, np.zeros_like(extra)], axis=-1) for part in carried]
        carried.append(np.concatenate([before, extra], axis=-1))
    return generators, transported, carried


def act_on_pairs(
    generators: Generators, points: np.ndarray, output, shape: tuple[int, ...]
) -> tuple[Generators, Moves]:
    """How candidates move the pairs (x, y), with y a tensor of `shape`, flattened.

    Parameters
    ----------
    generators : Generators
        On x.
    points : ndarray, `(sample, state)`
    output : str, tuple, array `(generator, output, output)` or Generators
        As in `discover_function`; generators are a class of unknown matrices on the outputs.
    shape : tuple of int

    Returns
    -------
    candidates : Generators
        On x and, where an action on outputs is unknown, on as many extra states.
    action : Moves
    """
    size = int(np.prod(shape))
    if isinstance(output, Generators):
        return _act_by_class(generators, points, output, size)
    units = np.broadcast_to(np.eye(size).reshape(size, *shape), (len(points), size, *shape))
    # The images of the unit tensors are the columns of psi.
    flat = [moved_output(np.ascontiguousarray(units[:, column]), generators, points, output) for column in range(size)]
    parts = [
        np.stack([np.reshape(image[k], (len(points), size, -1)) for image in flat], axis=2) for k in range(len(flat[0]))
    ]
    velocity = generators.values(points)
    candidates = generators
    for index in _free_indices(output, len(shape)):
        moves = _matrix_moves(shape, index)
        candidates = _with_matrix(candidates, shape[index], f"out{index}")
        velocity, parts = _padded(velocity, parts, moves)
    total = sum(parts) if parts else np.zeros((len(points), size, size, velocity.shape[-1]))
    return candidates, Moves(velocity, total, tuple(parts))


def _free_indices(output, n_indices):
    if isinstance(output, np.ndarray) or (isinstance(output, str) and output == "density"):
        return []
    return [i for i, action in enumerate(index_actions(output, n_indices)) if action == "linear"]


def _matrix_moves(shape, index):
    """Every matrix with a single 1, on one index of a tensor, as matrices on the flattened tensor, generator last."""
    before, size, after = int(np.prod(shape[:index])), shape[index], int(np.prod(shape[index + 1 :]))
    units = np.eye(size * size).reshape(-1, size, size)
    return np.stack([np.kron(np.kron(np.eye(before), unit), np.eye(after)) for unit in units], axis=-1)


def _padded(velocity, parts, moves):
    """Actions joined by candidates that move outputs only, by `moves` `(output, output, extra)`."""
    n, extra = len(velocity), moves.shape[-1]
    known = velocity.shape[-1]
    velocity = np.concatenate([velocity, np.zeros((*velocity.shape[:2], extra))], axis=-1)
    parts = [np.concatenate([part, np.zeros((*part.shape[:3], extra))], axis=-1) for part in parts]
    last = np.concatenate([np.zeros((*moves.shape[:2], known)), moves], axis=-1)
    return velocity, [*parts, np.broadcast_to(last, (n, *last.shape))]


def _act_by_class(generators, points, outputs, size):
    _, matrices = affine_parts(outputs)
    if matrices.shape[1] != size:
        raise ValueError(f"output holds matrices on {matrices.shape[1]} values, the data have {size}")
    velocity, parts = _padded(generators.values(points), [], np.moveaxis(matrices, 0, -1))
    candidates = _with_matrix(generators, size, "out", matrices)
    return candidates, Moves(velocity, parts[0], tuple(parts))


def _given(values, generators, matrices):
    if matrices.shape != (len(generators), values.shape[-1], values.shape[-1]):
        raise ValueError(
            f"output matrices must have shape (generator, output, output) = "
            f"{(len(generators), values.shape[-1], values.shape[-1])}, got {matrices.shape}"
        )
    return np.einsum("kop,sp->sok", matrices, values)


def _unit_moves(values, index, row, column):
    """What the matrix with a single 1 at (row, column), acting on one index, makes of the values."""
    moved = np.zeros_like(values)
    target = [slice(None)] * values.ndim
    source = list(target)
    target[index], source[index] = row, column
    moved[tuple(target)] = values[tuple(source)]
    return moved


def _with_matrix(generators, size, name, matrices=None):
    """Generators on more states, with the given matrices on the new ones (all if left out)."""
    n, m = len(generators.states), len(generators)
    if not isinstance(generators.features, Polynomial) or generators.coefficients.shape[2] != n + 1:
        raise ValueError("an unknown linear action on outputs needs affine candidates")
    matrices = np.eye(size * size).reshape(-1, size, size) if matrices is None else matrices
    coefficients = np.zeros((m + len(matrices), n + size, 1 + n + size))
    coefficients[:m, :n, : n + 1] = generators.coefficients
    coefficients[m:, n:, n + 1 :] = matrices
    states = (*generators.states, *(f"{name}_{i}" for i in range(size)))
    rates = np.concatenate([generators.time_scaling, np.zeros(len(matrices))])
    return Generators(Polynomial(1), coefficients, rates, states)
