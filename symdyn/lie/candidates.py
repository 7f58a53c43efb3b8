"""Candidate algebras: the generators among which discovery searches.

Every function returns `Generators`. Linear and affine candidates share the features 1, x_1 ... x_n,
so they add (`translations(2) + so(2)`). Keywords: `copies` (the same matrix acts on several blocks of the state),
`mask` (which entries of the matrix may differ from 0), `time_scaling` (adds the rescaling of time as one more
candidate), `time_translation` (appends the time as a state `t`, and its translation as a candidate), `states` (names).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from symdyn.functions.features import Features, Polynomial, polynomial_exponents
from symdyn.functions.tolerances import without_rounding
from symdyn.lie.vectorfields import Generators

__all__ = [
    "affine",
    "from_fields",
    "from_matrices",
    "gl",
    "lorentz",
    "polynomial",
    "scalings",
    "se",
    "so",
    "symplectic",
    "translations",
    "with_time",
]


def from_matrices(
    matrices,
    translations=None,
    *,
    copies: int = 1,
    mask=None,
    time_scaling=False,
    time_translation: bool = False,
    states=None,
) -> Generators:
    """Build affine generators v_k(x) = A_k x + b_k.

    Parameters
    ----------
    matrices : array_like, `(generator, n, n)`
    translations : array_like, `(generator, n)`, optional
    copies : int
        Number of blocks of n states on which the same generator acts.
    mask : array_like of bool, `(n, n)`, optional
        Generators with a non-zero entry where the mask is False are omitted.
    time_scaling : bool or array_like `(generator,)`
        True appends the pure rescaling of time; an array gives each generator its rate of time.
    time_translation : bool
        True appends a state `t`, which the law may depend on, with the translation ∂t as one more candidate; t moves
        with every rate of time.
    states : sequence of str, optional
        Names of the states; `x0, x1, ...` by default.

    Raises
    ------
    ValueError
        For matrices that are not square, and for a mask of the wrong shape or one that leaves no candidate.

    Examples
    --------
    >>> import symdyn as sd
    >>> turn, stretch = [[0, 1], [-1, 0]], [[1, 0], [0, 1]]
    >>> sd.candidates.from_matrices([turn, stretch], states=("x", "y"))
    Generators(2) on (x, y): y ∂x − x ∂y; x ∂x + y ∂y
    >>> sd.candidates.from_matrices([turn], copies=2, states=("x", "y", "vx", "vy")).texts()
    ['y ∂x − x ∂y + vy ∂vx − vx ∂vy']
    """
    matrices = np.asarray(matrices, dtype=float)
    if matrices.ndim != 3 or matrices.shape[1] != matrices.shape[2]:
        raise ValueError(f"matrices must have shape (generator, n, n), got {matrices.shape}")
    matrices = without_rounding(matrices)
    shifts = np.zeros(matrices.shape[:2]) if translations is None else np.asarray(translations, dtype=float)
    inside = _inside(matrices, mask)
    rates = np.zeros(len(matrices)) if isinstance(time_scaling, bool) else np.asarray(time_scaling, dtype=float)
    matrices, shifts, rates = matrices[inside], shifts[inside], rates[inside]
    size = copies * matrices.shape[1]
    blocks = np.array([np.kron(np.eye(copies), matrix) for matrix in matrices]).reshape(len(matrices), size, size)
    coefficients = np.concatenate([np.tile(shifts, copies)[:, :, None], blocks], axis=2)
    generators = Generators(Polynomial(1), coefficients, rates, _names(states, size))
    return with_time(generators, rescaled=time_scaling is True, translated=time_translation)


def from_fields(features: Features, coefficients, *, time_scaling=None, states=None) -> Generators:
    """Build generators v_k(x) = C_k theta(x) on any features, such as projective or conformal fields.

    Parameters
    ----------
    features : Features
    coefficients : array_like, `(generator, state, feature)`
    time_scaling : array_like `(generator,)`, optional
        Rates of time; 0 by default.
    states : sequence of str, optional

    Raises
    ------
    ValueError
        For coefficients whose shape does not match the features.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> inversion = np.zeros((1, 2, 6))  # on 1, x, y, x^2, x y, y^2: the conformal field along x
    >>> inversion[0, 0, [3, 5]], inversion[0, 1, 4] = (1, -1), 2
    >>> sd.candidates.from_fields(sd.features.Polynomial(2), inversion, states=("x", "y"))
    Generators(1) on (x, y): x^2 ∂x − y^2 ∂x + 2 x y ∂y
    """
    coefficients = np.asarray(coefficients, dtype=float)
    if coefficients.ndim != 3:
        raise ValueError(f"coefficients must have shape (generator, state, feature), got {coefficients.shape}")
    rates = np.zeros(len(coefficients)) if time_scaling is None else np.asarray(time_scaling, dtype=float)
    return Generators(features, coefficients, rates, _names(states, coefficients.shape[1]))


def translations(n: int, **options) -> Generators:
    """Build R^n: the n constant fields; options as for `from_matrices`.

    Examples
    --------
    >>> import symdyn as sd
    >>> sd.candidates.translations(3, states=("x", "y", "z")).texts()
    ['∂x', '∂y', '∂z']
    >>> sd.candidates.translations(1, time_translation=True, states=("q",)).texts()
    ['∂q', '∂t']
    """
    return from_matrices(np.zeros((n, n, n)), np.eye(n), **options)


def so(n: int, **options) -> Generators:
    """Build so(n): the n(n-1)/2 rotations x_j ∂_i − x_i ∂_j; options as for `from_matrices`.

    Examples
    --------
    >>> import symdyn as sd
    >>> sd.candidates.so(3, states=("x", "y", "z"))
    Generators(3) on (x, y, z): y ∂x − x ∂y; z ∂x − x ∂z; z ∂y − y ∂z
    >>> sd.candidates.so(2, copies=2, states=("x", "y", "vx", "vy")).texts()
    ['y ∂x − x ∂y + vy ∂vx − vx ∂vy']
    """
    return lorentz(0, n, **options)


def lorentz(p: int, q: int, **options) -> Generators:
    """Build so(p, q): linear fields that preserve the form diag(−1 ... −1, +1 ... +1) with p minus signs.

    Options as for `from_matrices`.

    Examples
    --------
    >>> import symdyn as sd
    >>> sd.candidates.lorentz(1, 1, states=("t", "x")).texts()
    ['x ∂t + t ∂x']
    >>> len(sd.candidates.lorentz(1, 3))
    6
    """
    form = np.array([-1.0] * p + [1.0] * q)
    return from_matrices(_antisymmetric_under(form), **options)


def se(n: int, **options) -> Generators:
    """Build se(n): translations and rotations; options as for `from_matrices`.

    Examples
    --------
    >>> import symdyn as sd
    >>> sd.candidates.se(2, states=("x", "y"))
    Generators(3) on (x, y): ∂x; ∂y; y ∂x − x ∂y
    """
    rotations = _antisymmetric_under(np.ones(n))
    matrices = np.concatenate([np.zeros((n, n, n)), rotations])
    shifts = np.concatenate([np.eye(n), np.zeros((len(rotations), n))])
    return from_matrices(matrices, shifts, **options)


def gl(n: int, **options) -> Generators:
    """Build gl(n): all linear fields, one for each entry of the matrix; options as for `from_matrices`.

    Examples
    --------
    >>> import symdyn as sd
    >>> sd.candidates.gl(2, time_scaling=True, states=("x", "y"))
    Generators(5) on (x, y): x ∂x; y ∂x; x ∂y; y ∂y; t ∂t
    """
    return from_matrices(_units(n), **options)


def affine(n: int, **options) -> Generators:
    """Build aff(n): translations and all linear fields; options as for `from_matrices`.

    Examples
    --------
    >>> import symdyn as sd
    >>> sd.candidates.affine(1, states=("x",)).texts()
    ['∂x', 'x ∂x']
    >>> [len(sd.candidates.affine(n)) for n in (1, 2, 3)]
    [2, 6, 12]
    """
    matrices = np.concatenate([np.zeros((n, n, n)), _units(n)])
    shifts = np.concatenate([np.eye(n), np.zeros((n * n, n))])
    return from_matrices(matrices, shifts, **options)


def scalings(n: int, **options) -> Generators:
    """Build the n scalings x_i ∂_i; options as for `from_matrices`.

    Examples
    --------
    >>> import symdyn as sd
    >>> sd.candidates.scalings(2, time_scaling=True, states=("q", "v")).texts()
    ['q ∂q', 'v ∂v', 't ∂t']
    """
    return from_matrices(np.stack([np.diag(row) for row in np.eye(n)]), **options)


def symplectic(n: int, **options) -> Generators:
    """Build sp(n), n even: linear fields J S with S symmetric, J the symplectic form of (q, p).

    Options as for `from_matrices`.

    Raises
    ------
    ValueError
        For an odd number of states.

    Examples
    --------
    >>> import symdyn as sd
    >>> sd.candidates.symplectic(2, states=("q", "p")).texts()
    ['−q ∂p', 'q ∂q − p ∂p', 'p ∂q']
    """
    if n % 2:
        raise ValueError(f"symplectic needs an even number of states, got {n}")
    half = np.eye(n // 2)
    form = np.block([[np.zeros_like(half), half], [-half, np.zeros_like(half)]])
    symmetric = []
    for i in range(n):
        for j in range(i, n):
            matrix = np.zeros((n, n))
            matrix[i, j] = matrix[j, i] = 1.0
            symmetric.append(form @ matrix)
    return from_matrices(np.stack(symmetric), **options)


def polynomial(n: int, degree: int, *, time_scaling=False, time_translation: bool = False, states=None) -> Generators:
    """Build all polynomial fields up to `degree`.

    Parameters
    ----------
    n : int
        Number of states.
    degree : int
        Highest total degree of the components.
    time_scaling, time_translation, states
        As for `from_matrices`.

    Examples
    --------
    >>> import symdyn as sd
    >>> sd.candidates.polynomial(1, 3, states=("x",)).texts()
    ['∂x', 'x ∂x', 'x^2 ∂x', 'x^3 ∂x']
    >>> len(sd.candidates.polynomial(2, 2))
    12
    """
    features = Polynomial(degree)
    size = features.size(n)
    coefficients = np.eye(n * size).reshape(n * size, n, size)
    generators = Generators(features, coefficients, np.zeros(n * size), _names(states, n))
    return with_time(generators, rescaled=time_scaling, translated=time_translation)


def _inside(matrices: np.ndarray, mask: ArrayLike | None) -> np.ndarray:
    """Return which matrices vanish outside the mask."""
    if mask is None:
        return np.ones(len(matrices), dtype=bool)
    mask = np.asarray(mask, dtype=bool)
    if mask.shape != matrices.shape[1:]:
        raise ValueError(f"mask must have shape {matrices.shape[1:]}, got {mask.shape}")
    inside = ~np.any(matrices[:, ~mask], axis=1)
    if not inside.any():
        raise ValueError("the mask leaves no candidate")
    return inside


def with_time(generators: Generators, *, rescaled: bool = False, translated: bool = False) -> Generators:
    """Append the rescaling of time as one more generator, and time as a state with its translation as another.

    Parameters
    ----------
    generators : Generators
        They must be polynomial if time is to be a state.
    rescaled : bool
        Append t ∂t alone.
    translated : bool
        Append a state `t` and ∂t.

    Raises
    ------
    ValueError
        If time is to be a state and the states already contain `t`.
    TypeError
        If time is to be a state and the features are not polynomials.

    Examples
    --------
    >>> import symdyn as sd
    >>> turn = sd.candidates.so(2, states=("x", "y"))
    >>> sd.candidates.with_time(turn, rescaled=True, translated=True).texts()
    ['y ∂x − x ∂y', 't ∂t', '∂t']
    """
    n, states = len(generators.states), generators.states
    if rescaled:
        last = generators.combine(np.zeros((1, len(generators))))
        generators = generators + Generators(last.features, last.coefficients, np.ones(1), states)
    if not translated:
        return generators
    if "t" in states:
        raise ValueError("time_translation=True appends the time as a state 't', which these states have already")
    features = generators.features
    if not isinstance(features, Polynomial):
        raise TypeError("time_translation is for polynomial candidates")
    wide = Polynomial(max(features.degree, 1))
    columns = _columns_among(features, wide, n)
    coefficients = np.zeros((len(generators) + 1, n + 1, wide.size(n + 1)))
    coefficients[:-1, :n, columns] = generators.coefficients
    coefficients[:-1, n, n + 1] = generators.time_scaling  # degree 0, then the n states, then t
    coefficients[-1, n, 0] = 1.0
    return Generators(wide, coefficients, np.append(generators.time_scaling, 0.0), (*states, "t"))


def _columns_among(features: Polynomial, wide: Polynomial, n: int) -> list[int]:
    """Find the places of the monomials of n states among those of n states and t."""
    exponents = polynomial_exponents(n, features.degree, features.constant)
    found = {tuple(row): k for k, row in enumerate(polynomial_exponents(n + 1, wide.degree))}
    return [found[(*row, 0)] for row in exponents]


def _units(n: int) -> np.ndarray:
    return np.eye(n * n).reshape(n * n, n, n)


def _antisymmetric_under(form: np.ndarray) -> np.ndarray:
    """Return the matrices A with A^T eta + eta A = 0 for the diagonal form eta."""
    matrices = []
    for i, j in combinations(range(len(form)), 2):
        matrix = np.zeros((len(form), len(form)))
        matrix[i, j], matrix[j, i] = form[i], -form[j]
        matrices.append(matrix * form[i])
    return np.array(matrices).reshape(len(matrices), len(form), len(form))


def _names(states: Sequence[str] | None, n: int) -> tuple[str, ...]:
    names = tuple(states) if states is not None else tuple(f"x{i}" for i in range(n))
    if len(names) != n:
        raise ValueError(f"states names {len(names)} states, the candidates act on {n}")
    return names
