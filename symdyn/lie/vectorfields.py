"""Vector fields as features times coefficients: laws and generators are the same type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, overload

import numpy as np
from scipy.integrate import solve_ivp

from symdyn.functions.display import (
    MOST_LINES,
    MOST_TERMS,
    WIDTH,
    html_table,
    joined_text,
    latex_lines,
    listed,
    shortened,
    states_text,
)
from symdyn.functions.equality import ComparedByNumbers
from symdyn.functions.features import Features, Polynomial
from symdyn.functions.printing import equation_latex, equation_lines, field_latex, field_text, state_latex
from symdyn.functions.space import along_samples
from symdyn.show import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from symdyn.lie.chart import Chart

__all__ = ["Charted", "Generators", "VectorField", "of_size_one"]

_LATEX = 12  # generators that are written in LaTeX


@dataclass(frozen=True, eq=False)
class Charted:
    """Hold a field as computed in a chart; far from the origin the coefficients on x alone have lost digits.

    `field` is over y = (x − c) / s, its outputs in the `units` `(output,)`.
    """

    field: VectorField
    chart: Chart
    units: np.ndarray

    def coefficients(self, features: Features) -> np.ndarray:
        """Return the coefficients `(output, feature)` on the functions of x."""
        return self.chart.law(self.field.coefficients, features, self.units)


@dataclass(frozen=True, eq=False, repr=False)
class VectorField(ComparedByNumbers):
    """Represent a vector field f(x) = W theta(x): a law, or a generator.

    Parameters
    ----------
    features : Features
        The functions theta.
    coefficients : ndarray, `(output, feature)`
        The matrix W, in units of the output divided by those of the feature.
    states : tuple of str
        Names of the inputs, in order.
    inside : Charted, optional
        The same field in the chart in which it was computed: it is evaluated there.
    time_scaling : float
        For a generator, the rate tau at which it rescales time, t -> t + eps tau t.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> coefficients = np.array([[0, 0, 1], [0, -1, -0.2]])  # on 1, q, v
    >>> law = sd.VectorField(sd.features.Polynomial(1), coefficients, ("q", "v"))
    >>> law
    VectorField on (q, v)
      f_q = v
      f_v = −q − 0.2 v
    >>> law(np.array([[1.0, 0.0]]))
    array([[ 0., -1.]])
    """

    features: Features
    coefficients: np.ndarray
    states: tuple[str, ...]
    inside: Charted | None = field(default=None, kw_only=True, repr=False, compare=False)
    time_scaling: float = field(default=0.0, kw_only=True)

    def __post_init__(self):
        expected = self.features.size(len(self.states))
        shape = np.shape(self.coefficients)
        if len(shape) != 2 or shape[1] != expected:
            raise ValueError(f"coefficients must have shape (output, {expected}), got {shape}")
        if self.inside is not None and not np.array_equal(self.coefficients, self.inside.coefficients(self.features)):
            object.__setattr__(self, "inside", None)  # coefficients that were changed since are the field

    @classmethod
    def from_chart(cls, inside: Charted, features: Features, **options) -> Self:
        """Build the field over x on `features`, whose images in its chart are the features of `inside`.

        Examples
        --------
        >>> import numpy as np
        >>> import symdyn as sd
        >>> from symdyn.lie.chart import Chart
        >>> from symdyn.lie.vectorfields import Charted
        >>> coefficients = np.array([[0.0, 0, 1], [0, -1, 0]])
        >>> spring = sd.VectorField(sd.features.Polynomial(1), coefficients, ("q", "v"))
        >>> chart = Chart(centre=(0.2, 0.0), scale=(0.001, 1.0))  # q in millimetres about 0.2 m
        >>> metres = Charted(spring, chart, units=np.array([0.001, 1.0]))
        >>> sd.VectorField.from_chart(metres, sd.features.Polynomial(1)).equations()
        ['0.001 v', '200 − 1e+03 q']
        """
        return cls(features, inside.coefficients(features), inside.field.states, inside=inside, **options)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Compute the values `(sample, output)` at points `(sample, state)`."""
        if self.inside is not None:
            return self.inside.field(self.inside.chart.points(points)) * self.inside.units
        return self.features(points) @ self.coefficients.T

    def jacobian(self, points: np.ndarray) -> np.ndarray:
        """Compute the exact derivatives `(sample, output, state)` at points `(sample, state)`.

        Examples
        --------
        >>> import numpy as np
        >>> import symdyn as sd
        >>> law = sd.systems.exact_law("duffing")
        >>> law.jacobian(np.array([[0.0, 0.0]])).astype(int)  # at a saddle
        array([[[0, 1],
                [1, 0]]])
        """
        if self.inside is not None:
            slopes = self.inside.field.jacobian(self.inside.chart.points(points))
            return slopes * self.inside.units[:, None] / self.inside.chart.scale
        return np.einsum("of,sfi->soi", self.coefficients, self.features.jacobian(points))

    def flow(self, start: np.ndarray, times: np.ndarray, *, rtol=1e-10, atol=1e-12) -> np.ndarray:
        """Compute the solution `(time, state)` of x' = f(x) from `start` `(state,)` at the first of `times`.

        Parameters
        ----------
        start : ndarray, `(state,)`
        times : ndarray, `(time,)`
        rtol, atol : float
            Relative and absolute tolerance of the integration (Dormand-Prince of order 8).

        Raises
        ------
        ValueError
            If the field does not map states to states (a second-order law: see `first_order`).
        RuntimeError
            If the solution diverges before the last time.

        Examples
        --------
        >>> import numpy as np
        >>> import symdyn as sd
        >>> turn = sd.candidates.so(2)[0]
        >>> turn.flow(np.array([0.0, 1.0]), [0, np.pi / 6, np.pi / 3]).round(3)
        array([[0.   , 1.   ],
               [0.5  , 0.866],
               [0.866, 0.5  ]])
        """
        if len(self.coefficients) != len(self.states):
            raise ValueError(
                f"flow needs one output a state, got {len(self.coefficients)} outputs and "
                f"{len(self.states)} states; turn a second-order law into a flow by `first_order`"
            )
        solution = solve_ivp(
            lambda _, x: self(x[None])[0],
            (times[0], times[-1]),
            start,
            method="DOP853",
            t_eval=times,
            rtol=rtol,
            atol=atol,
        )
        if not solution.success:
            raise RuntimeError(f"the flow stops at t = {solution.t[-1] if solution.t.size else times[0]}")
        return solution.y.T

    def plot(self, data: Any = None, ax: Axes | None = None, *, over: Any = None, kind: str | None = None) -> Axes:
        """Draw streamlines in a plane of states or, given data, the measured rates against those of the field.

        Parameters
        ----------
        data : xr.Dataset, path, (x, t), or (X, Y), optional
            Trajectories: draw, for each state, the measured rate against the predicted one, averaged over the windows
            in which laws are fitted, with the unexplained fraction.
        ax : matplotlib Axes, optional
            A new figure by default.
        over : xr.Dataset, path, (x, t), or array, optional
            Without `data`: trajectories or points to draw below the streamlines, whose range is that of the axes.
        kind : {"flow", "second_order", "map"}, optional
            What kind of law the field is. A `FittedLaw` knows; any other field is a flow or, with half as many outputs
            as states, a second-order law.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        ValueError
            For data with other variables.

        Examples
        --------
        >>> import symdyn as sd
        >>> law, (x, t) = sd.systems.exact_law("hopf"), sd.systems.hopf(rng=0)
        >>> law.plot(over=(x, t)).get_xlabel()
        '$x$'
        >>> law.plot((x, t)).get_ylabel()
        'measured rate'
        """
        return show("plot_law", self, data, ax, over=over, kind=kind)

    def equations(self, precision: int = 3) -> list[str]:
        """Write one line per output, such as `−y + 0.5 x^3`, with the terms that matter, to `precision` digits.

        Examples
        --------
        >>> import symdyn as sd
        >>> sd.systems.exact_law("lorenz").equations()
        ['−10 x + 10 y', '28 x − y − x z', '−2.67 z + x y']
        """
        shown = np.where(self.matters(), self.coefficients, 0.0)
        return equation_lines(shown, self.features.names(self.states), precision)

    def matters(self, tiny: float = 1e-3) -> np.ndarray:
        """Mark terms `(output, feature)` that somewhere on the data exceed `tiny` times the largest of their output.

        For a field that was not found in data, mark all non-zero coefficients.

        Examples
        --------
        >>> import symdyn as sd
        >>> law = sd.systems.exact_law("van_der_pol")
        >>> law.matters().sum(axis=1)  # terms per equation, of 10
        array([1, 3])
        """
        if self.inside is None:
            return self.coefficients != 0
        sizes = np.abs(self.coefficients) * self.inside.chart.function_sizes(self.features)
        return sizes > tiny * sizes.max(axis=1, keepdims=True)

    @property
    def n_terms(self) -> int:
        """Number of terms that matter, see `matters`."""
        return int(np.count_nonzero(self.matters()))

    def __repr__(self) -> str:
        lines = [f"{left} = {right}" for left, right in self._equations(MOST_LINES)]
        return listed(f"{self._head()} on {states_text(self.states)}", lines, len(self.coefficients))

    def _repr_html_(self) -> str:
        more = len(self.coefficients) - MOST_LINES
        rows = [(left, shortened(right, 4 * WIDTH)) for left, right in self._equations(MOST_LINES)]
        return html_table(f"{self._head()} on {states_text(self.states)}", (), rows, more)

    def _repr_latex_(self) -> str | None:
        shown = np.where(self.matters(), self.coefficients, 0.0)[:MOST_LINES]
        right = equation_latex(shown, self.features, self.states, most=MOST_TERMS)
        pairs = [*zip(self._left_latex(), right, strict=False), *self._motion_of_time(r"{:.3g}\,t")]
        lines = [f"{a} &= {b}" for a, b in pairs]
        return latex_lines(lines, len(self.coefficients))

    def _equations(self, most: int) -> list[tuple[str, str]]:
        """Pair left and right sides of the first equations."""
        shown = np.where(self.matters(), self.coefficients, 0.0)[:most]
        right = equation_lines(shown, self.features.names(self.states))
        return [*zip(self._left(), right, strict=False), *self._motion_of_time("{:.3g} t")]

    def _motion_of_time(self, form: str) -> list[tuple[str, str]]:
        """Return the equation of a time that is no state, where it moves."""
        moves = self.time_scaling and "t" not in self.states
        return [("f_t", form.format(self.time_scaling))] if moves else []

    def _head(self) -> str:
        return type(self).__name__

    def _left(self) -> list[str]:
        """Name the outputs: by the states where there is one for each."""
        n = len(self.coefficients)
        return [f"f_{name}" for name in (self.states if n == len(self.states) else range(n))]

    def _left_latex(self) -> list[str]:
        n = len(self.coefficients)
        names = [state_latex(name) for name in self.states] if n == len(self.states) else range(n)
        return [f"f_{{{name}}}" for name in names]


@dataclass(frozen=True, eq=False, repr=False)
class Generators(ComparedByNumbers):
    """Represent vector fields v_k on shared features, each with a rate of time tau_k (t -> t + eps tau_k t).

    Parameters
    ----------
    features : Features
        The functions of which the components of the fields are combinations.
    coefficients : ndarray, `(generator, state, feature)`
        Components of the fields.
    time_scaling : ndarray, `(generator,)`
        The rates tau_k, 0 where time does not change.
    states : tuple of str
        Names of the states.

    Examples
    --------
    >>> import symdyn as sd
    >>> shifts = sd.candidates.translations(2, states=("x", "y"))
    >>> search = shifts + sd.candidates.so(2, states=("x", "y"))
    >>> search
    Generators(3) on (x, y): ∂x; ∂y; y ∂x − x ∂y
    >>> search[2]
    VectorField on (x, y)
      f_x = y
      f_y = −x
    """

    features: Features
    coefficients: np.ndarray
    time_scaling: np.ndarray
    states: tuple[str, ...]

    def __post_init__(self):
        n_states = len(self.states)
        shape = (len(self.time_scaling), n_states, self.features.size(n_states))
        if np.shape(self.coefficients) != shape:
            raise ValueError(f"coefficients must have shape {shape}, got {np.shape(self.coefficients)}")

    def __len__(self) -> int:
        return len(self.time_scaling)

    @overload
    def __getitem__(self, index: int) -> VectorField: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int] | np.ndarray) -> Generators: ...
    def __getitem__(self, index):
        """Return one generator as a vector field with its rate of time; of a slice or list, these generators."""
        rate = self.time_scaling[index]
        if np.ndim(rate) == 0:
            return VectorField(self.features, self.coefficients[index], self.states, time_scaling=float(rate))
        return Generators(self.features, self.coefficients[index], self.time_scaling[index], self.states)

    def __iter__(self) -> Iterator[VectorField]:
        return (self[k] for k in range(len(self)))

    def __repr__(self) -> str:
        return joined_text(
            f"Generators({len(self)}) on {states_text(self.states)}", self[:MOST_LINES].texts(), len(self)
        )

    def _repr_latex_(self) -> str | None:
        rates = np.zeros(len(self)) if "t" in self.states else self.time_scaling
        return latex_lines(
            [
                field_latex(rows, self.features, self.states, time_scaling=tau)
                for rows, tau in zip(self.coefficients[:_LATEX], rates, strict=False)
            ],
            len(self),
        )

    def __add__(self, other: Generators) -> Generators:
        """Join the generators of both, on the larger of two spaces of polynomials, or on the features of both."""
        if not isinstance(other, Generators):
            return NotImplemented
        if len(self.states) != len(other.states):
            raise ValueError(f"generators act on {len(self.states)} and on {len(other.states)} states")
        sizes = [self.coefficients.shape[2], other.coefficients.shape[2]]
        if self.features == other.features or _nested(self.features, other.features):
            # Polynomial features are ordered by degree, so a lower degree is a leading part.
            features = self.features if sizes[0] >= sizes[1] else other.features
            before, total = [0, 0], max(sizes)
        else:
            features, before, total = self.features + other.features, [0, sizes[0]], sum(sizes)
        padded = [
            np.pad(g.coefficients, ((0, 0), (0, 0), (skipped, total - skipped - size)))
            for g, skipped, size in zip((self, other), before, sizes, strict=True)
        ]
        rates = np.concatenate([self.time_scaling, other.time_scaling])
        return Generators(features, np.concatenate(padded), rates, self.states)

    def values(self, points: np.ndarray) -> np.ndarray:
        """Compute v_k(x) `(sample, state, generator)`.

        Examples
        --------
        >>> import numpy as np
        >>> import symdyn as sd
        >>> sd.candidates.se(2).values(np.array([[2.0, 3.0]]))[0]  # one column per generator
        array([[ 1.,  0.,  3.],
               [ 0.,  1., -2.]])
        """
        return np.einsum("kif,sf->sik", self.coefficients, self.features(points))

    def jacobians(self, points: np.ndarray) -> np.ndarray:
        """Compute D v_k(x) `(sample, output, state, generator)`.

        Examples
        --------
        >>> import numpy as np
        >>> import symdyn as sd
        >>> sd.candidates.so(2).jacobians(np.array([[2.0, 3.0]]))[0, :, :, 0].astype(int)
        array([[ 0,  1],
               [-1,  0]])
        """
        return along_samples(
            lambda slopes: np.einsum("kof,sfi->soik", self.coefficients, slopes), self.features.jacobian(points)
        )

    def combine(self, weights: np.ndarray) -> Generators:
        """Return the fields sum_k weights[m, k] v_k, one for each row of `weights` `(new, generator)`.

        Examples
        --------
        >>> import numpy as np
        >>> import symdyn as sd
        >>> plane = sd.candidates.gl(2, states=("x", "y"))
        >>> plane.combine(np.array([[0, 1, -1, 0], [1, 0, 0, 1]])).texts()
        ['y ∂x − x ∂y', 'x ∂x + y ∂y']
        """
        weights = np.asarray(weights, dtype=float)
        return Generators(
            self.features,
            np.einsum("mk,kif->mif", weights, self.coefficients),
            weights @ self.time_scaling,
            self.states,
        )

    def vectors(self) -> np.ndarray:
        """Return all coefficients of each generator in one row, time last: `(generator, coefficient)`.

        Examples
        --------
        >>> import symdyn as sd
        >>> sd.candidates.so(2).vectors().astype(int)  # on 1, x, y for each state, then of time
        array([[ 0,  0,  1,  0, -1,  0,  0]])
        """
        flat = self.coefficients.reshape(len(self), int(np.prod(self.coefficients.shape[1:])))
        return np.column_stack([flat, self.time_scaling])

    def with_vectors(self, vectors: np.ndarray) -> Generators:
        """Return generators on the same features with the rows of `vectors` as coefficients.

        Examples
        --------
        >>> import numpy as np
        >>> import symdyn as sd
        >>> plane = sd.candidates.so(2, states=("x", "y"))
        >>> plane.with_vectors(np.array([[0.0, 1, 0, 0, 0, 1, 0]])).texts()
        ['x ∂x + y ∂y']
        """
        shape = (len(vectors), *self.coefficients.shape[1:])
        return Generators(self.features, vectors[:, :-1].reshape(shape), vectors[:, -1], self.states)

    def texts(self, precision: int = 3, tiny: float = 5e-4, sizes: np.ndarray | None = None) -> list[str]:
        """Write each generator as a differential operator, such as `y ∂x − x ∂y`; omit terms below `tiny`.

        `sizes` `(coefficient,)` are those of the terms with coefficient 1, time last; they define what is small where
        units differ.

        Examples
        --------
        >>> import symdyn as sd
        >>> sd.candidates.lorentz(1, 2, states=("t", "x", "y")).texts()
        ['x ∂t + t ∂x', 'y ∂t + t ∂y', 'y ∂x − x ∂y']
        """
        names = self.features.names(self.states)
        rates = np.zeros(len(self)) if "t" in self.states else self.time_scaling  # t then moves as a state
        return [
            field_text(rows, names, self.states, time_scaling=tau, precision=precision, tiny=tiny, sizes=sizes)
            for rows, tau in zip(self.coefficients, rates, strict=True)
        ]

    def renamed(self, states: tuple[str, ...]) -> Generators:
        """Return the same generators with new names of the states.

        Examples
        --------
        >>> import symdyn as sd
        >>> sd.candidates.so(2).renamed(("q", "p")).texts()
        ['p ∂q − q ∂p']
        """
        return Generators(self.features, self.coefficients, self.time_scaling, tuple(states))


def of_size_one(given: Generators) -> tuple[Generators, np.ndarray]:
    """Return orthonormal generators of the same span, and their weights `(new, generator)`.

    In a chart, candidates may differ by orders of magnitude, or be nearly parallel: far from the origin x ∂x is nearly
    ∂x. Generators that span all fields on their features are replaced by these themselves, one coefficient each.
    """
    vectors = given.vectors()
    sizes = np.linalg.norm(vectors, axis=1)
    sizes = np.where(sizes > 0, sizes, 1.0)
    used = np.any(vectors != 0, axis=0)
    if len(given) == used.sum() and np.linalg.matrix_rank(vectors[:, used] / sizes[:, None], tol=1e-15) == len(given):
        units = np.eye(vectors.shape[1])[used]
        return given.with_vectors(units), np.linalg.inv(vectors[:, used] / sizes[:, None]) / sizes
    basis, triangle = np.linalg.qr((vectors / sizes[:, None]).T)
    basis[np.abs(basis) < 1e-14] = 0.0  # what a candidate does not move, it does not move
    if np.abs(np.diag(triangle)).min(initial=1.0) < 1e-12:  # not independent: to be told by whoever judges them
        return given.with_vectors(vectors / sizes[:, None]), np.diag(1 / sizes)
    return given.with_vectors(basis.T), np.linalg.inv(triangle).T / sizes


def _nested(first: Features, second: Features) -> bool:
    """Check whether both consist of all polynomials up to some degree."""
    return all(isinstance(f, Polynomial) and f.constant and f.columns is None for f in (first, second))
