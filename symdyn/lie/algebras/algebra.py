"""`LieAlgebra`: generators with their error bars."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from symdyn.functions.display import MOST_LINES, html_table, latex_lines, listed, states_text
from symdyn.functions.equality import ComparedByNumbers
from symdyn.functions.features import Features
from symdyn.functions.printing import field_latex
from symdyn.functions.symbolic import field_sympy
from symdyn.lie.algebras.covariances import is_nothing, mapped, nothing
from symdyn.lie.candidates import from_matrices
from symdyn.lie.canonical.canonical_form import Ensemble, canonical_vectors
from symdyn.lie.chart import Chart
from symdyn.lie.chart_texts import MATTERS, charted_texts
from symdyn.lie.prolongation import affine_parts, fixed_point, is_affine, prolong
from symdyn.lie.structure.brackets import bracket_size, closure_error, jacobi_residual, structure_constants
from symdyn.lie.structure.classify import abelian_name, algebra_name, is_rotation
from symdyn.lie.structure.estimated_names import estimated_name
from symdyn.lie.vectorfields import Generators, VectorField
from symdyn.show import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LieAlgebra"]

# Brackets and closure errors below this are rounding, not error.
ROUNDING = 1e-9
_LATEX = 12  # generators that are written in LaTeX
_QUICKLY_NAMED = 6  # generators; a name takes seconds where there are dozens


@dataclass(frozen=True, eq=False, repr=False)
class LieAlgebra(ComparedByNumbers):
    """Represent a Lie algebra by generators v_k(x) with rates of time tau_k, and by the errors of their coefficients.

    Parameters
    ----------
    basis : Generators
        The generators.
    covariance : ndarray, `(generator * coefficient, generator * coefficient)`, optional
        Covariance of `basis.vectors()` (flattened), with norm and sign of each generator held fixed; zero by default.
    exact : ndarray of bool, `(generator,)`, optional
        Generators that later steps may use as they are: given ones, and found ones that were snapped to an exact
        algebra inside their error bars (`canonical`). Their free parameters, such as a centre, still have errors.
    chart : Chart, optional
        Chart of the data in which the algebra was found. Numbers are in the units of the states; brackets, names, draws
        and canonical form are computed in the chart.

    Examples
    --------
    >>> import symdyn as sd
    >>> algebra = sd.LieAlgebra(sd.candidates.so(3, states=("x", "y", "z")))
    >>> algebra
    LieAlgebra so(3) on (x, y, z)
      y ∂x − x ∂y
      z ∂x − x ∂z
      z ∂y − y ∂z
    >>> algebra.dim, algebra.name, algebra.matrices.shape
    (3, 'so(3)', (3, 3, 3))
    >>> algebra[:1].name, algebra[0].equations()
    ('so(2)', ['y', '−x', '0'])
    """

    basis: Generators
    covariance: np.ndarray = field(default=None)  # type: ignore[assignment]
    exact: np.ndarray = field(default=None)  # type: ignore[assignment]
    chart: Chart | None = None

    def __post_init__(self):
        size = self.basis.vectors().size
        if self.covariance is None:
            object.__setattr__(self, "covariance", nothing(size))
        if np.shape(self.covariance) != (size, size):
            raise ValueError(f"covariance must have shape {(size, size)}, got {np.shape(self.covariance)}")
        if self.exact is None:
            certain = self.errors.max(axis=1, initial=0.0) == 0
            object.__setattr__(self, "exact", certain)

    @classmethod
    def from_matrices(cls, matrices, errors=None, *, time_scaling=False, states=None) -> LieAlgebra:
        """Build the algebra of linear fields x' = A_k x.

        Parameters
        ----------
        matrices : array_like, `(generator, n, n)`
        errors : array_like, `(generator, n, n)` or float, optional
            Standard errors of the entries, taken as independent; by default the generators are exact.
        time_scaling : array_like, `(generator,)`, optional
        states : sequence of str, optional

        Examples
        --------
        >>> import symdyn as sd
        >>> turn = [[[0, 1], [-1, 0.02]]]
        >>> sd.LieAlgebra.from_matrices(turn, errors=0.02, states=("x", "y"))
        LieAlgebra of dimension 1 on (x, y), 0 of 1 generators exact
          y ∂x − x ∂y + 0.02 y ∂y
        """
        basis = from_matrices(matrices, time_scaling=time_scaling, states=states)
        if errors is None:
            return cls(basis)
        bars = np.broadcast_to(np.asarray(errors, dtype=float), np.shape(matrices))
        wide = replace(basis, coefficients=np.zeros_like(basis.coefficients), time_scaling=np.zeros(len(basis)))
        wide.coefficients[: len(bars), :, 1:] = bars
        return cls(basis, np.diag(wide.vectors().ravel() ** 2))

    @classmethod
    def from_chart(cls, inside: LieAlgebra, chart: Chart, features: Features) -> LieAlgebra:
        """Convert an algebra found in a chart to the units of the states, on the `features` of the candidates.

        Parameters
        ----------
        inside : LieAlgebra
            On the states of the chart.
        chart : Chart
        features : Features
            Of the candidates, in the units of the states.

        Examples
        --------
        >>> import symdyn as sd
        >>> from symdyn.lie.chart import Chart
        >>> found = sd.LieAlgebra(sd.candidates.so(2, states=("x", "y")))
        >>> chart = Chart(centre=(5.0, 0.0), scale=(1.0, 10.0))
        >>> sd.LieAlgebra.from_chart(found, chart, sd.features.Polynomial(1))
        LieAlgebra so(2) on (x, y)
          0.1 y ∂x − 10 x ∂y about (5, 0)
        """
        basis = chart.generators_back(inside.basis, features)
        covariance = mapped(inside.covariance, inside.dim, turn=chart.vector_map(features))
        found = cls(basis, covariance, inside.exact, chart)
        found.__dict__["inside"] = inside
        return found

    def scaled(self, factors: np.ndarray) -> LieAlgebra:
        """Return the same algebra with each generator times a number, `(generator,)`.

        Examples
        --------
        >>> import symdyn as sd
        >>> sd.LieAlgebra(sd.candidates.so(2, states=("x", "y"))).scaled([2.0]).texts()
        ['2 y ∂x − 2 x ∂y']
        """
        basis = self.basis.with_vectors(self.basis.vectors() * np.asarray(factors)[:, None])
        found = LieAlgebra(basis, mapped(self.covariance, self.dim, weights=np.diag(factors)), self.exact, self.chart)
        if "inside" in self.__dict__ and self.chart is not None:
            found.__dict__["inside"] = self.inside.scaled(factors)
        return found

    @cached_property
    def inside(self) -> LieAlgebra:
        """The same algebra in its chart; itself without one."""
        if self.chart is None:
            return self
        basis = self.chart.generators(self.basis)
        turn = _inverse_map(self.chart, self.basis.features)
        return LieAlgebra(basis, mapped(self.covariance, self.dim, turn=turn), self.exact)

    def in_chart(self, chart: Chart) -> LieAlgebra:
        """Return the same algebra in coordinates of any chart, without one of its own.

        Examples
        --------
        >>> import symdyn as sd
        >>> from symdyn.lie.chart import Chart
        >>> turn = sd.LieAlgebra(sd.candidates.so(2, states=("x", "y")))
        >>> turn.in_chart(Chart(centre=(0.0, 0.0), scale=(1.0, 10.0))).texts()  # y is counted in tens
        ['10 y ∂x − 0.1 x ∂y']
        """
        if self.chart == chart:
            return self.inside
        turn = _inverse_map(chart, self.basis.features)
        return LieAlgebra(chart.generators(self.basis), mapped(self.covariance, self.dim, turn=turn), self.exact)

    def _like(self, inside: LieAlgebra) -> LieAlgebra:
        """Carry what was made of `inside` to the units of the states."""
        return inside if self.chart is None else LieAlgebra.from_chart(inside, self.chart, self.basis.features)

    @property
    def dim(self) -> int:
        """Number of independent generators."""
        return len(self.basis)

    def __len__(self) -> int:
        return self.dim

    @overload
    def __getitem__(self, index: int) -> VectorField: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int] | np.ndarray) -> LieAlgebra: ...
    def __getitem__(self, index):
        """Return one generator, as `generators` does; of a slice or list, these generators with their error bars."""
        chosen = np.arange(self.dim)[index]
        return self.basis[int(chosen)] if chosen.ndim == 0 else self.subset(chosen)

    def __iter__(self) -> Iterator[VectorField]:
        return iter(self.basis)

    def __repr__(self) -> str:
        return listed(self.title, self._first_texts(), self.dim)

    def _repr_html_(self) -> str:
        marks = ["exact" if one else "estimated" for one in self.exact]
        rows = list(zip(self._first_texts(), marks, strict=False))
        return html_table(self.title, ("generator", "coefficients"), rows, self.dim - len(rows))

    def _repr_latex_(self) -> str | None:
        return latex_lines(self[:_LATEX].to_latex(), self.dim)

    @property
    def title(self) -> str:
        """The algebra in one line: by its name if that is known or quickly found, otherwise by its dimension."""
        known = "name" in self.__dict__ or ("inside" in self.__dict__ and "name" in self.inside.__dict__)
        quick = self.dim <= _QUICKLY_NAMED and bool(self.exact.all())
        called = self.name if known or quick else f"of dimension {self.dim}"
        n_exact = int(self.exact.sum())
        how = "" if n_exact == self.dim else f", {n_exact} of {self.dim} generators exact"
        return f"LieAlgebra {called} on {states_text(self.states)}{how}"

    def _first_texts(self) -> list[str]:
        first = self.basis[:MOST_LINES]
        return first.texts() if self.chart is None else charted_texts(first, self.chart)

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states that the generators act on."""
        return self.basis.states

    @property
    def generators(self) -> list[VectorField]:
        """The generators as vector fields."""
        return [self.basis[k] for k in range(self.dim)]

    @property
    def matrices(self) -> np.ndarray:
        """Linear parts `(generator, n, n)`; raises ValueError for generators of degree above 1."""
        return affine_parts(self.basis)[1]

    @property
    def translations(self) -> np.ndarray:
        """Constant parts `(generator, n)`; raises ValueError for generators of degree above 1."""
        return affine_parts(self.basis)[0]

    @property
    def time_scaling(self) -> np.ndarray:
        """Rates of time `(generator,)`."""
        return self.basis.time_scaling

    @property
    def errors(self) -> np.ndarray:
        """Standard errors `(generator, coefficient)` of the rows of `basis.vectors()`, time last."""
        variances = np.diag(self.covariance).clip(0).reshape(self.basis.vectors().shape)
        return np.sqrt(variances)

    @cached_property
    def name(self) -> str:
        """The name of the algebra, such as `so(3) + R`; see `symdyn.lie.structure.classify`."""
        if self.chart is not None:
            return self.inside.name
        if self.dim == 1 and not self.time_scaling.any() and is_affine(self.basis):
            return "so(2)" if is_rotation(self.matrices[0], about=self.translations[0]) else "R"
        vectors = self.basis.vectors()
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)  # in the units of the states they may be anything
        unit = self.basis.with_vectors(vectors / np.where(lengths > 0, lengths, 1.0))
        if self.exact.all() and closure_error(unit) < ROUNDING:
            if bracket_size(unit) < ROUNDING:
                return abelian_name(self.dim)
            return algebra_name(structure_constants(unit))
        draws = self.draw(20, np.random.default_rng(0))
        return estimated_name(self.basis, self.errors, [draw.basis for draw in draws])

    def structure_constants(self) -> np.ndarray:
        """Compute c `(i, j, k)` with [v_i, v_j] = sum_k c_ijk v_k, by least squares.

        Examples
        --------
        >>> import symdyn as sd
        >>> c = sd.LieAlgebra(sd.candidates.so(3)).structure_constants()
        >>> c[0, 1].round(6) + 0.0  # [v_0, v_1] in terms of the three generators
        array([0., 0., 1.])
        """
        return structure_constants(self.inside.basis)

    def closure_error(self) -> float:
        """Compute the part of the brackets outside the span, relative to the scale of the brackets; 0 for an algebra.

        Examples
        --------
        >>> import symdyn as sd
        >>> so3 = sd.LieAlgebra(sd.candidates.so(3))
        >>> round(so3.closure_error(), 2), round(so3[:2].closure_error(), 2)
        (0.0, 1.0)
        """
        return closure_error(self.inside.basis)

    def jacobi_residual(self) -> float:
        """Compute |[[a, b], c] + [[b, c], a] + [[c, a], b]| over |structure constants|^2; 0 for an algebra.

        For a span that closes only approximately, it is about the relative error of the structure constants.

        Examples
        --------
        >>> import symdyn as sd
        >>> round(sd.LieAlgebra(sd.candidates.gl(2)).jacobi_residual(), 6)
        0.0
        """
        return jacobi_residual(self.structure_constants())

    def canonical(self) -> LieAlgebra:
        """Return the same algebra in a readable basis, snapped to an exact one where the error bars allow it.

        Exact generators close under brackets, and have exact structure constants and spectra; an estimated centre and
        estimated ratios of scales stay numbers with errors. Ratios of scales are estimated only between states of
        different units if the algebra was found in data. An algebra given without a chart is first tried in its own
        units, about 0.

        Examples
        --------
        >>> import symdyn as sd
        >>> matrices = [[[0.01, 1], [-0.99, -0.01]]]
        >>> estimated = sd.LieAlgebra.from_matrices(matrices, errors=0.02, states=("x", "y"))
        >>> estimated.texts()
        ['0.01 x ∂x + y ∂x − 0.99 x ∂y − 0.01 y ∂y']
        >>> estimated.canonical().texts(), estimated.canonical().exact
        (['y ∂x − x ∂y'], array([ True]))
        """
        if self.dim == 0 or self.exact.all():
            return self
        if self.chart is None:
            n = len(self.states)
            found = self._snapped(np.zeros(n), (tuple(range(n)),))
            return found if found.exact.all() else self._snapped(None, ())
        # Rounding of what vanishes at 0 in the units of the data is no centre of its own.
        (zero,) = self.chart.points(np.zeros((1, len(self.states))))
        about = fixed_point(self.inside.basis)
        origin = (
            zero if about is not None and np.abs(about - zero).max() < ROUNDING * (1 + np.abs(zero).max()) else None
        )
        return self._like(self.inside._snapped(origin, self.chart.ties))

    def _snapped(self, origin: np.ndarray | None, ties: Sequence[Sequence[int]]) -> LieAlgebra:
        vectors = self.basis.vectors()
        draws = self.draw(200, rng=np.random.default_rng(0))
        ensemble = Ensemble(vectors, np.stack([draw.basis.vectors() for draw in draws]), np.eye(vectors.shape[1]))
        found = canonical_vectors(self.basis, ensemble, origin=origin, ties=ties)
        return LieAlgebra(self.basis.with_vectors(found.vectors), found.covariance, found.exact)

    def draw(self, n_draws: int, rng: np.random.Generator) -> list[LieAlgebra]:
        """Draw algebras from the error bars; generators marked exact stay as they are.

        Parameters
        ----------
        n_draws : int
        rng : numpy Generator

        Examples
        --------
        >>> import numpy as np
        >>> import symdyn as sd
        >>> algebra = sd.LieAlgebra.from_matrices([[[0, 1], [-1, 0]]], errors=0.05)
        >>> draws = algebra.draw(1000, np.random.default_rng(0))
        >>> np.std([draw.matrices for draw in draws], axis=0).round(2)
        array([[[0.05, 0.05],
                [0.05, 0.05]]])
        """
        if self.chart is not None:
            return [self._like(drawn) for drawn in self.inside.draw(n_draws, rng)]
        if is_nothing(self.covariance):
            return [LieAlgebra(self.basis)] * n_draws
        values, vectors = np.linalg.eigh(self.covariance)
        root = vectors * np.sqrt(values.clip(0))
        shape = self.basis.vectors().shape
        moves = (rng.standard_normal((n_draws, len(values))) @ root.T).reshape(n_draws, *shape)
        moves[:, self.exact] = 0.0
        return [LieAlgebra(self.basis.with_vectors(self.basis.vectors() + move)) for move in moves]

    def time_per_scale(self) -> tuple[float, float]:
        """Compute tau / scale of the generator that rescales time, and its standard error: 3/2 for Kepler's third law.

        The scale is the mean rate of growth of the states, trace(A) / n.

        Raises
        ------
        ValueError
            If no generator rescales time.

        Examples
        --------
        >>> import symdyn as sd
        >>> doubled = [[[2, 0], [0, 2]]]  # q -> s^2 q, t -> s^3 t
        >>> third_law = sd.candidates.from_matrices(doubled, time_scaling=[3.0])
        >>> sd.LieAlgebra(third_law).time_per_scale()
        (1.5, 0.0)
        """
        k = int(np.argmax(np.abs(self.time_scaling))) if self.dim else 0
        if not np.any(self.time_scaling):
            raise ValueError("no generator of this algebra rescales time")
        n, tau = len(self.states), self.time_scaling[k]
        scale = np.trace(self.matrices[k]) / n
        slope = self.basis.with_vectors(np.zeros((1, self.basis.vectors().shape[1])))
        slope.coefficients[0, :, 1 : n + 1] = -tau / (n * scale**2) * np.eye(n)
        slope.time_scaling[0] = 1 / scale
        gradient, width = slope.vectors()[0], slope.vectors().shape[1]
        block = self.covariance.reshape(self.dim, width, self.dim, width)[k, :, k]
        return float(tau / scale), float(np.sqrt(max(gradient @ block @ gradient, 0.0)))

    def prolong(self) -> LieAlgebra:
        """Prolong the algebra to positions and velocities: generators (A, A − tau).

        Error bars are carried along for generators that are not exact.

        Examples
        --------
        >>> import symdyn as sd
        >>> third_law = sd.candidates.from_matrices([[[2.0]]], time_scaling=[3.0], states=("q",))
        >>> sd.LieAlgebra(third_law).prolong().texts()
        ['2 q ∂q − vq ∂vq + 3 t ∂t']
        """
        basis = prolong(self.basis)
        jacobian = np.stack([_prolonged_unit(self.basis, unit) for unit in np.eye(self.basis.vectors().shape[1])], 1)
        covariance = mapped(self.covariance, self.dim, turn=jacobian.T)
        chart = None if self.chart is None else self.chart.prolong()
        return LieAlgebra(basis, covariance, self.exact, chart)

    def subset(self, indices) -> LieAlgebra:
        """Return the generators with the given indices, with their error bars.

        Examples
        --------
        >>> import symdyn as sd
        >>> sd.LieAlgebra(sd.candidates.se(2, states=("x", "y"))).subset([2]).name
        'so(2)'
        """
        indices = np.atleast_1d(np.asarray(indices, dtype=int))
        covariance = mapped(self.covariance, self.dim, weights=np.eye(self.dim)[indices])
        basis = self.basis.with_vectors(self.basis.vectors()[indices])
        return LieAlgebra(basis, covariance, self.exact[indices], self.chart)

    def representation(self, copies: int = 1) -> np.ndarray:
        """Return matrices `(generator, copies * n, copies * n)`: the linear parts on `copies` blocks of the state.

        Raises
        ------
        ValueError
            If a generator has a constant part, which no linear representation can hold.

        Examples
        --------
        >>> import symdyn as sd
        >>> sd.LieAlgebra(sd.candidates.so(2)).representation(copies=2)[0].astype(int)
        array([[ 0,  1,  0,  0],
               [-1,  0,  0,  0],
               [ 0,  0,  0,  1],
               [ 0,  0, -1,  0]])
        """
        # Numbers that were found about a centre leave rounding where a generator vanishes at 0.
        reach = np.abs(self.chart.centre) + self.chart.scale if self.chart is not None else np.zeros(len(self.states))
        if np.any(np.abs(self.translations) > 1e-12 * np.abs(self.matrices) @ reach):
            raise ValueError("the algebra contains translations, which have no linear representation")
        size = copies * len(self.states)
        blocks = [np.kron(np.eye(copies), matrix) for matrix in self.matrices]
        return np.array(blocks).reshape(self.dim, size, size)

    def texts(self, precision: int = 3) -> list[str]:
        """Write each generator as a differential operator, such as `y ∂x − x ∂y`.

        For an algebra found in data, only the terms that matter there are written: those above one thousandth of the
        largest over the range of the data. Where it is simpler, generators are written about a centre.

        Examples
        --------
        >>> import symdyn as sd
        >>> sd.LieAlgebra(sd.candidates.symplectic(2, states=("q", "p"))).texts()
        ['−q ∂p', 'q ∂q − p ∂p', 'p ∂q']
        """
        return self.basis.texts(precision) if self.chart is None else charted_texts(self.basis, self.chart, precision)

    def to_latex(self, precision: int = 3) -> list[str]:
        r"""Write each generator as a differential operator in LaTeX, such as `y\,\partial_x - x\,\partial_y`.

        Simple fractions in generators marked exact are written as fractions, other numbers with `precision` digits.

        Examples
        --------
        >>> import symdyn as sd
        >>> print(*sd.LieAlgebra(sd.candidates.se(2, states=("x", "y"))).to_latex(), sep="\n")
        \partial_x
        \partial_y
        y\,\partial_x - x\,\partial_y
        """
        options = {"precision": precision}
        if self.chart is not None:  # the terms that matter on the data, as in `texts`
            options |= {"sizes": self.chart.term_sizes(self.basis), "tiny": MATTERS}
        return [
            field_latex(field.coefficients, field.features, field.states, time_scaling=tau, exact=exact, **options)
            for field, tau, exact in zip(self.generators, self._rates_beside_states, self.exact, strict=True)
        ]

    def to_sympy(self) -> list:
        """Return each generator as a pair (column of components, rate of time) of sympy expressions in the states.

        For (v, tau) the operator on a function F of the states and the time is `sum(v[i] * diff(F, x[i])) + tau * t *
        diff(F, t)`, and `lambdify(x, v)` gives values. If time is among the states, it is a component of v, and tau is
        0. Simple fractions in generators marked exact become rationals.

        Raises
        ------
        ImportError
            If sympy, the extra `symbolic`, is not installed.
        ValueError
            If the name of a feature is not a formula in the states.

        Examples
        --------
        >>> import symdyn as sd
        >>> algebra = sd.LieAlgebra(sd.candidates.so(2, states=("x", "y")))
        >>> components, rate_of_time = algebra.to_sympy()[0]
        >>> list(components), rate_of_time
        ([y, -x], 0)
        """
        return [
            field_sympy(field.coefficients, field.features, field.states, time_scaling=tau, exact=exact)
            for field, tau, exact in zip(self.generators, self._rates_beside_states, self.exact, strict=True)
        ]

    @property
    def _rates_beside_states(self) -> np.ndarray:
        """Rates of time `(generator,)`; 0 where the time moves as a state."""
        return np.zeros(self.dim) if "t" in self.states else self.time_scaling

    def latex(self, precision: int = 3) -> list[str]:
        """Return `to_latex`, under its name in version 0.1."""
        _renamed("latex", "to_latex")
        return self.to_latex(precision)

    def sympy(self) -> list:
        """Return `to_sympy`, under its name in version 0.1."""
        _renamed("sympy", "to_sympy")
        return self.to_sympy()

    def plot(self, data: Any = None, ax: Axes | Sequence[Axes] | None = None, *, generator: int | None = None) -> Any:
        """Draw generators as arrows over the data, each in the plane of the two states that it mixes.

        Other states are held at their median over the data. If a generator moves time, its title says how.

        Parameters
        ----------
        data : xr.Dataset, path, (x, t), or array, optional
            Trajectories, points `(sample, state)`, or fields u(t, x); drawn below the arrows; their range sets the
            axes. Without data, arrows are drawn about the centre of the data in which the algebra was found, or about
            0.
        ax : matplotlib Axes, or a sequence of one for each generator, optional
            A new figure by default.
        generator : int, optional
            Index of the one to draw; all of them by default.

        Returns
        -------
        matplotlib Axes of a single generator, else an array of Axes `(generator,)`

        Raises
        ------
        ValueError
            For an algebra without generators, a wrong number of axes, and data with other variables.

        Examples
        --------
        >>> import symdyn as sd
        >>> rotations = sd.LieAlgebra(sd.candidates.so(3, states="xyz"))
        >>> [f"{ax.get_xlabel()}, {ax.get_ylabel()}" for ax in rotations.plot()]
        ['$x$, $y$', '$x$, $z$', '$y$, $z$']
        """
        return show("plot_algebra", self, data, ax, generator=generator)

    def move(self, data: Any, amount: float | Sequence[float] | np.ndarray, generator: int = 0) -> Any:
        """Move data along the flow of a generator by `amount`, in the units that the generator implies.

        An amount of 1 is one unit of x for ∂x, one radian for a rotation, and a factor e for x ∂x. Affine generators
        act by a matrix exponential, lazily; others are integrated. Times move with the generator; in second-order
        systems velocities follow positions by prolongation.

        Parameters
        ----------
        data : xr.Dataset, path, tuple (x, t), array, or list of arrays
            Trajectories; fields over `(trajectory, time, x[, y])` on which a generator acts as a point symmetry; or
            points x `(..., state)`, velocities included, without their times.
        amount : float, or array `(trajectory,)`
        generator : int
            Index of the generator.

        Returns
        -------
        What `data` is: a Dataset, a tuple (x, t), an array, or a list.

        Raises
        ------
        ValueError
            For data with other variables, and amounts that are not finite.
        IndexError
            For a generator that the algebra does not have.
        RuntimeError
            If a flow that is not affine diverges.

        Examples
        --------
        A quarter of a turn:

        >>> import numpy as np
        >>> import symdyn as sd
        >>> rotation = sd.LieAlgebra(sd.candidates.so(2))
        >>> rotation.move(np.array([[1.0, 0.0], [2.0, 1.0]]), np.pi / 2).round(6) + 0.0
        array([[ 0., -1.],
               [ 1., -2.]])
        """
        from symdyn.flows.moved import moved

        return moved(self, data, amount, generator)

    def save(self, path) -> None:
        """Write the algebra, its error bars and its chart to a netCDF file.

        Examples
        --------
        >>> import symdyn as sd
        >>> sd.LieAlgebra(sd.candidates.so(2, states=("x", "y"))).save("turn.nc")
        >>> sd.LieAlgebra.load("turn.nc")
        LieAlgebra so(2) on (x, y)
          y ∂x − x ∂y
        """
        from symdyn.sums.store import save_algebra

        save_algebra(self, path)

    @staticmethod
    def load(path) -> LieAlgebra:
        """Read an algebra from a netCDF file written by `save`, or from a run's `results.nc`.

        Examples
        --------
        >>> import symdyn as sd
        >>> sd.LieAlgebra.from_matrices([[[0, 1], [-1, 0]]], errors=0.1).save("turn.nc")
        >>> sd.LieAlgebra.load("turn.nc").errors.max().round(3).item()
        0.1
        """
        from symdyn.sums.store import load_algebra

        return load_algebra(path)


def _renamed(old: str, new: str) -> None:
    warnings.warn(f"LieAlgebra.{old} is now LieAlgebra.{new}", DeprecationWarning, stacklevel=3)


def _inverse_map(chart: Chart, features: Features) -> np.ndarray:
    """Invert `Chart.vector_map`: rows of coefficients of x, times the result, are those of y."""
    full = np.zeros((len(chart) * features.size(len(chart)) + 1,) * 2)
    full[:-1, :-1] = np.kron(np.diag(1 / np.array(chart.scale)), chart.back(features))
    full[-1, -1] = 1.0
    return full


def _prolonged_unit(basis: Generators, unit: np.ndarray) -> np.ndarray:
    return prolong(basis.with_vectors(unit[None])).vectors()[0]
