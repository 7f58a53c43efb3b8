"""SINDy constrained by a symmetry: pysindy with one more argument."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
import pysindy as ps
import xarray as xr
from pysindy.differentiation.base import BaseDifferentiation
from pysindy.feature_library.base import BaseFeatureLibrary
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from symdyn.data.arrays import upright_runs
from symdyn.data.numbers import real_runs
from symdyn.data.pairs import as_dataset, column_names
from symdyn.data.tasks import on_one_thread
from symdyn.data.trajectories import each_trajectory, names_with_role, state_names
from symdyn.functions.features import Features, as_features
from symdyn.lie.actions import action_of
from symdyn.lie.algebras.symmetries import Part, which_were_found
from symdyn.lie.constraints.equivariance import generic_points, subspace_of_data
from symdyn.lie.constraints.matching import symmetries_on
from symdyn.lie.constraints.subspace import Subspace
from symdyn.regression.compiled import CompiledModel
from symdyn.regression.enforcing.enforcement import Enforcement, SymmetryLike, enforce, named_exactly
from symdyn.regression.enforcing.left_out import FEWEST_RUNS, parts_of_runs
from symdyn.regression.enforcing.parted import GivenRows, PartedRows, parted_rows
from symdyn.regression.enforcing.trials import RowTrials
from symdyn.regression.inputs import on_arguments
from symdyn.regression.model_constraint import left_free, library_features
from symdyn.regression.optimizer import EquivariantOptimizer, acts_in_chart, counts_rows, default_optimizer
from symdyn.regression.streaming.libraries import first_samples, forget_data, is_rowwise
from symdyn.regression.streaming.record import (
    Irregular,
    Record,
    chart_of_runs,
    check_numbers,
    recorded,
    tall_runs,
    uncopied,
)
from symdyn.regression.streaming.reduced import Columns, reduced, sizes_of
from symdyn.regression.streaming.targets import Targets, targets_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from pysindy.utils import AxesArray

__all__ = ["EquivariantOptimizer", "SymmetricSINDy"]

_KINDS = ("flow", "map")
_Runs: TypeAlias = np.ndarray | Sequence[np.ndarray]


class SymmetricSINDy(ps.SINDy):
    """Fit x' = W theta(x, u), or x_{k+1} = W theta(x_k, u_k), with W sparse and respecting a symmetry.

    It is `pysindy.SINDy`, or `DiscreteSINDy`, with one more argument: W is expanded in a basis of the matrices that the
    symmetry allows, so thresholds act on whole tuples of tied coefficients.

    Parameters
    ----------
    optimizer, feature_library, differentiation_method
        As for `pysindy.SINDy`; `fit` changes none of them. The library may also be given in words, such as
        `"polynomial:3"`, or as Features. An optimizer acts in the units of the data; with a symmetry and without an
        optimizer, or with one that penalises nothing, the fit happens in the chart of the data, and depends on neither
        units nor origin (see `fit_moments`).
    symmetry : LieAlgebra, Generators, VectorField, matrices, Elements, Conserved, Subspace, or a list, optional
        What the model respects, acting on the states, or on states and control inputs together. An algebra that acts on
        the first half of the states is prolonged to positions and velocities. None gives plain SINDy. What is given as
        exact is enforced. What was found in data (a search, its algebra, generators with error bars) is enforced only
        where held-out runs (of fewer than five, blocks of time) do not contradict it
        (`regression.enforcing.enforcement`).
    kind : {"flow", "map"}
        x' = f(x, u), or x_{k+1} = F(x_k, u_k) as in `pysindy.DiscreteSINDy`.
    inputs : "invariant" or array `(generator, control, control)`, optional
        How the symmetry moves control inputs, if it is given on the states alone.

    Attributes
    ----------
    model_ : pysindy.SINDy or pysindy.DiscreteSINDy
        The fitted model; `predict`, `simulate`, `score`, `print`, `equations`, `coefficients` are its methods.
    subspace_ : Subspace
        The coefficients that the symmetry allows. For a map whose symmetry contains translations, those of the
        increment F(x) − x.
    optimizer_ : EquivariantOptimizer
        With `symmetries_`, `fallen_terms_` and `violations_`.
    enforced_ : list
        The parts of the symmetry that the model respects exactly.
    promoted_ : list
        The parts towards which the model was pulled.
    dropped_ : list
        The parts that held-out data contradicted.
    enforcement_ : Enforcement
        The same decisions with their numbers.

    Examples
    --------
    >>> import pysindy as ps
    >>> import symdyn as sd
    >>> from symdyn.regression import SymmetricSINDy
    >>> x, step = sd.systems.hopf(noise=0.005, n_trajectories=5, rng=0)
    >>> optimizer, library = ps.STLSQ(threshold=0.1), ps.PolynomialLibrary(3)
    >>> model = SymmetricSINDy(optimizer, library, symmetry="so(2)")  # was ps.SINDy(...)
    >>> model.fit(x, step, feature_names=["x", "y"]).print()
    (x)' =  0.500 x + -1.300 y + -1.000 x^3 + -1.000 x y^2
    (y)' =  1.300 x +  0.500 y + -1.000 x^2 y + -1.000 y^3
    >>> model.subspace_.dim, model.coefficients().size  # 4 free numbers instead of 20
    (4, 20)
    """

    optimizer: Any  # None, too, which pysindy's own class replaces by its default
    feature_library: Any
    _compiled: CompiledModel | None = None  # what `predict` evaluates

    def __init__(
        self,
        optimizer: BaseEstimator | None = None,
        feature_library: BaseFeatureLibrary | Features | str | None = None,
        differentiation_method: BaseDifferentiation | None = None,
        *,
        symmetry: SymmetryLike | None = None,
        kind: str = "flow",
        inputs: str | ArrayLike | None = None,
    ):
        self.optimizer = optimizer
        self.feature_library = feature_library
        self.differentiation_method = differentiation_method
        self.symmetry = symmetry
        self.kind = kind
        self.inputs = inputs

    @on_one_thread
    def fit(
        self,
        x,
        t=None,
        x_dot=None,
        u=None,
        feature_names: Sequence[str] | None = None,
        sample_weight: _Runs | None = None,
        x_next: _Runs | None = None,
    ) -> SymmetricSINDy:
        """Fit the model; see `pysindy.SINDy.fit` and `pysindy.DiscreteSINDy.fit`.

        Parameters
        ----------
        x : array or list of arrays `(time, state)`; or xr.Dataset, path, tables, dict, tuple (x, t)
            As in pysindy; or whatever `SymmetryDiscovery.fit` takes, which brings its own names of states and inputs,
            and its times.
        t : float, array or list of arrays `(time,)`, optional
            The step or the times, where x has none; for a map, the step.
        x_dot : array or list of arrays `(time, state)`, optional
            The rates; by default x is differentiated.
        u : array or list of arrays `(time, control)`, optional
            Control inputs.
        feature_names : sequence of str, optional
            Names of the states, then of the controls.
        sample_weight : array or list of arrays `(time,)`, optional
            Weight of each sample (one array per trajectory, as for x).
        x_next : array or list of arrays `(time, state)`, optional
            For a map, the states one step later; by default the next samples.

        Raises
        ------
        ValueError
            For a symmetry that acts on other states, lacks an action on the control inputs, or leaves no term.

        Examples
        --------
        >>> import pysindy as ps
        >>> import symdyn as sd
        >>> from symdyn.regression import SymmetricSINDy
        >>> x, step = sd.systems.lorenz(n_trajectories=2)
        >>> rates = [sd.systems.exact_law("lorenz")(run) for run in x]  # exact
        >>> model = SymmetricSINDy(ps.STLSQ(threshold=0.1), symmetry=sd.groups.sign_flip([-1, -1, 1]))
        >>> model = model.fit(x, step, x_dot=rates, feature_names=["x", "y", "z"])
        >>> model.enforced_
        [Elements(1) on (x, y, z): x -> -x, y -> -y]
        >>> model.subspace_.dim, model.complexity  # of 30, 14 are free and 7 not 0
        (14, 7)
        """
        self._check(x_dot, x_next)
        if t is None or not _holds_arrays(x):
            x, t, u, feature_names = _pysindy_terms(x, t, u, feature_names)
        check_numbers(x, t=t, x_dot=x_dot, x_next=x_next, u=u, sample_weight=sample_weight)
        x = _upright(x, t, self.feature_library)
        feature_names = column_names(x) if feature_names is None and u is None else feature_names
        x, x_dot, u, x_next = (uncopied(v, n) for v, n in ((x, "x"), (x_dot, "x_dot"), (u, "u"), (x_next, "x_next")))
        names = [f"x{k}" for k in range(_width(x))] if feature_names is None else feature_names
        given = symmetries_on(self.symmetry, names, _width(x))
        symmetry = on_arguments(given, _width(x), 0 if u is None else _width(u), self.inputs)
        plain = symmetry is None or isinstance(symmetry, Subspace)
        library = _library(self.feature_library, _width(x) + (0 if u is None else _width(u)))
        engine = _Engine(self.optimizer, symmetry, library, kind=self.kind)
        if not plain:
            engine.found = which_were_found(self.symmetry, _width(x))
        if not plain and acts_in_chart(self.optimizer):
            engine.optimizer = default_optimizer() if self.optimizer is None else self.optimizer
            engine.chart = chart_of_runs(*[tall_runs(runs) for runs in (x, u) if runs is not None])
        targets = x_next if self._is_map else x_dot
        try:
            record = recorded(x, t, targets, u, sample_weight, discrete=self._is_map)
            self.model_ = self._streamed(engine, record, feature_names)
        except Irregular:
            self.model_ = self._by_rows(engine, (x, t, targets, u), sample_weight, feature_names)
        engine.optimizer = self.optimizer
        self.enforcement_ = engine.enforcement
        self.enforcement_.warn()
        self.enforced_, self.promoted_, self.dropped_ = engine.enforcement.lists
        self.optimizer_, self.subspace_ = engine, engine.subspace_
        self.feature_names = self.model_.feature_names
        self.n_features_in_, self.n_control_features_ = self.model_.n_features_in_, self.model_.n_control_features_
        return self

    def free_terms(self) -> list[str]:
        """Write each free coefficient of the model with the terms it ties.

        Examples
        --------
        >>> import symdyn as sd
        >>> from symdyn.regression import SymmetricSINDy
        >>> x, step = sd.systems.damped_oscillator(n_trajectories=2)
        >>> model = SymmetricSINDy(symmetry="so(2)").fit(x, step, feature_names=["x", "y"])
        >>> sorted(model.free_terms())
        ["x in x', y in y'", "y in x', −x in y'"]
        """
        check_is_fitted(self, "model_")
        assert self.model_.feature_names is not None  # `fit` gives them
        states = self.model_.feature_names[: self.subspace_.shape[0]]
        return self.subspace_.describe(states, self.model_.get_feature_names())

    def coefficients(self) -> np.ndarray:
        """Return the coefficients `(state, feature)`.

        Examples
        --------
        >>> import symdyn as sd
        >>> from symdyn.regression import SymmetricSINDy
        >>> x, step = sd.systems.damped_oscillator(n_trajectories=2)
        >>> model = SymmetricSINDy(symmetry="so(2)").fit(x, step, feature_names=["x", "y"])
        >>> model.get_feature_names()
        ['1', 'x', 'y', 'x^2', 'x y', 'y^2']
        >>> model.coefficients().round(3) + 0.0
        array([[ 0. , -0.1, -1. ,  0. ,  0. ,  0. ],
               [ 0. ,  1. , -0.1,  0. ,  0. ,  0. ]])
        """
        check_is_fitted(self, "model_")
        return self.model_.coefficients()

    def predict(self, x, u=None) -> AxesArray | list[AxesArray]:
        """Predict x' (for a map, the next state) at x `(time, state)`, or a list of these; see `pysindy.SINDy.predict`.

        Examples
        --------
        >>> import numpy as np
        >>> import symdyn as sd
        >>> from symdyn.regression import SymmetricSINDy
        >>> x, step = sd.systems.damped_oscillator(n_trajectories=2)
        >>> model = SymmetricSINDy(symmetry="so(2)").fit(x, step)
        >>> np.asarray(model.predict(np.eye(2))).round(2) + 0.0  # the rates
        array([[-0.1,  1. ],
               [-1. , -0.1]])
        """
        model = getattr(self, "model_", None)
        if model is None:
            check_is_fitted(self, "model_")
        if self._compiled is None or not self._compiled.is_of(model):
            self._compiled = CompiledModel(model)
        found = self._compiled(x, u)
        return self.model_.predict(_floats(x), _floats(u)) if found is None else found

    def simulate(self, x0, t, *args, **options) -> np.ndarray:
        """Compute the solution `(time, state)` from x0 `(state,)` at times t (for a map, t steps).

        See `pysindy.SINDy.simulate`.

        Examples
        --------
        >>> import numpy as np
        >>> import pysindy as ps
        >>> import symdyn as sd
        >>> from symdyn.regression import SymmetricSINDy
        >>> x, step = sd.systems.hopf(n_trajectories=3)
        >>> library = ps.PolynomialLibrary(3)
        >>> model = SymmetricSINDy(feature_library=library, symmetry="so(2)").fit(x, step)
        >>> path = model.simulate([0.5, 0.0], np.linspace(0, 6, 4))
        >>> np.sum(path**2, axis=1).round(2)  # r^2 grows to 1/2, the limit cycle
        array([0.25, 0.44, 0.49, 0.5 ])
        """
        check_is_fitted(self, "model_")
        # pysindy's own loops, around the `predict` of this class.
        simulate: Any = ps.DiscreteSINDy.simulate if self._is_map else ps.SINDy.simulate
        return simulate(self, x0, t, *args, **options)

    @on_one_thread
    def score(self, x, t=None, *args, **options) -> float:
        """Compute R^2 of x' (for a map, of the next state); see `pysindy.SINDy.score`. Data are as for `fit`.

        Examples
        --------
        >>> import pysindy as ps
        >>> import symdyn as sd
        >>> from symdyn.regression import SymmetricSINDy
        >>> x, step = sd.systems.cubic_spiral(n_trajectories=4)
        >>> libraries = [ps.PolynomialLibrary(degree) for degree in (1, 3)]
        >>> models = [SymmetricSINDy(feature_library=one, symmetry="so(2)") for one in libraries]
        >>> [round(model.fit(x[:3], step).score(x[3:], step), 2) for model in models]
        [0.83, 1.0]
        """
        check_is_fitted(self, "model_")
        if t is None or not _holds_arrays(x):
            x, t, options["u"], _ = _pysindy_terms(x, t, options.get("u"), None)
        check_numbers(x, t=t, x_dot=args[0] if args else options.get("x_dot"), u=options.get("u"))
        try:
            return self.model_.score(_upright(x, t, self.feature_library), t, *args, **options)
        finally:
            forget_data(getattr(self.model_, "differentiation_method", None))

    def equations(self, precision: int = 3) -> list[str]:
        """Write the right-hand sides as text.

        Examples
        --------
        >>> import pysindy as ps
        >>> import symdyn as sd
        >>> from symdyn.regression import SymmetricSINDy
        >>> x, step = sd.systems.hopf(n_trajectories=2)
        >>> model = SymmetricSINDy(feature_library=ps.PolynomialLibrary(3), symmetry="so(2)")
        >>> model.fit(x, step, feature_names=["x", "y"]).equations(precision=2)[0]
        ' 0.50 x + -1.30 y + -1.00 x^3 + -1.00 x y^2'
        """
        check_is_fitted(self, "model_")
        return self.model_.equations(precision)

    def print(self, *args, **options) -> None:
        """Print the equations; see `pysindy.SINDy.print`.

        Examples
        --------
        >>> import pysindy as ps
        >>> import symdyn as sd
        >>> from symdyn.regression import SymmetricSINDy
        >>> x, step = sd.systems.damped_oscillator(n_trajectories=2)
        >>> model = SymmetricSINDy(ps.STLSQ(threshold=0.05), symmetry="so(2)")
        >>> model.fit(x, step, feature_names=["x", "v"]).print(precision=2)
        (x)' = -0.10 x + -1.00 v
        (v)' =  1.00 x + -0.10 v
        """
        check_is_fitted(self, "model_")
        self.model_.print(*args, **options)

    def get_feature_names(self) -> list[str]:
        """Return the names of the library's terms.

        Examples
        --------
        >>> import symdyn as sd
        >>> from symdyn.regression import SymmetricSINDy
        >>> x, step = sd.systems.duffing(n_trajectories=2)
        >>> SymmetricSINDy().fit(x, step, feature_names=["x", "v"]).get_feature_names()
        ['1', 'x', 'v', 'x^2', 'x v', 'v^2']
        """
        check_is_fitted(self, "model_")
        return self.model_.get_feature_names()

    # pysindy declares no type, and numpy's count of what is not 0 is another kind of integer.
    @property
    def complexity(self) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The number of non-zero coefficients."""
        check_is_fitted(self, "model_")
        return int(self.model_.optimizer.complexity)  # a pysindy.DiscreteSINDy has none itself

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_compiled"}

    @property
    def _is_map(self) -> bool:
        return action_of(self.kind).increments

    def _check(self, x_dot: _Runs | None, x_next: _Runs | None) -> None:
        if self.kind not in _KINDS:
            raise ValueError(f"kind must be one of {_KINDS}, got {self.kind!r}")
        if self._is_map and (x_dot is not None or self.differentiation_method is not None):
            raise ValueError("a map has no rates: leave out x_dot and differentiation_method, or set kind='flow'")
        if not self._is_map and x_next is not None:
            raise ValueError("x_next is for maps: set kind='map'")

    def _streamed(self, engine: _Engine, record: Record, names: Sequence[str] | None) -> ps.SINDy | ps.DiscreteSINDy:
        """Fit by one pass over runs as they are; pysindy sees two samples, which tell it all shapes.

        Raises
        ------
        Irregular
            For what needs all rows at once, and for data that pysindy may refuse.
        """
        if counts_rows(engine.own) or not is_rowwise(engine.library):
            raise Irregular
        engine.record, engine.source = record, targets_of(record, self.differentiation_method)
        try:
            return self._fitted(engine, first_samples(record), names)
        finally:
            engine.record = engine.source = None

    def _by_rows(
        self, engine: _Engine, data: tuple, sample_weight: _Runs | None, names: Sequence[str] | None
    ) -> ps.SINDy | ps.DiscreteSINDy:
        """Fit to all rows, made by pysindy."""
        x, t, targets, u = data
        x, targets, u = (real_runs(runs, name) for runs, name in ((x, "x"), (targets, "targets"), (u, "u")))
        engine.row_weights, engine.lengths = self._row_weights(x, sample_weight, targets), self._lengths(x, targets)
        try:
            return self._fitted(engine, (x, t, targets, u), names)
        finally:
            engine.row_weights = engine.lengths = None

    def _fitted(self, engine: _Engine, data: tuple, names: Sequence[str] | None) -> ps.SINDy | ps.DiscreteSINDy:
        x, t, targets, u = data
        if self._is_map:
            discrete = ps.DiscreteSINDy(engine, engine.library)
            return discrete.fit(x, t, x_next=targets, u=u, feature_names=names)
        model = ps.SINDy(engine, engine.library, copy.deepcopy(self.differentiation_method))
        model.fit(x, t, x_dot=targets, u=u, feature_names=names)
        forget_data(model.differentiation_method)
        return model

    def _lengths(self, x: _Runs, targets: _Runs | None) -> list[int]:
        """Return how many rows each run has."""
        one = int(self._is_map and targets is None)  # the last sample has no next
        return [len(run) - one for run in (x if isinstance(x, list | tuple) else [x])]

    def _row_weights(self, x: _Runs, sample_weight: _Runs | None, targets: _Runs | None) -> np.ndarray | None:
        if sample_weight is None:
            return None
        several = isinstance(x, list | tuple)
        weights = [np.asarray(one, dtype=float) for one in (sample_weight if several else [sample_weight])]
        if self._is_map and targets is None:
            weights = [one[:-1] for one in weights]  # the last sample has no next
        return np.concatenate(weights)


def _library(given: Any, n_arguments: int) -> BaseFeatureLibrary:
    """Return a private copy of a pysindy library, or one made from words or Features."""
    if given is None:
        return ps.PolynomialLibrary()
    if isinstance(given, str | Features):
        return as_features(given, n_arguments).to_library()
    return copy.deepcopy(given)


def _holds_arrays(x: Any) -> bool:
    """Return whether x is what pysindy takes: an array, or one for each trajectory."""
    named = isinstance(x, xr.Dataset | xr.DataArray | str | os.PathLike | Mapping) or hasattr(x, "columns")
    return not named and not (isinstance(x, list | tuple) and any(hasattr(run, "columns") for run in x))


def _upright(x: Any, t: Any, library: Any) -> Any:
    """Return runs as `upright_runs` does; fields on a grid, which a library of derivatives reads, stay as they are."""
    known = isinstance(library, BaseFeatureLibrary)
    on_grid = known and (library.get_spatial_grid() is not None or hasattr(library, "spatiotemporal_grid"))
    return x if on_grid else upright_runs(x, t)


def _pysindy_terms(
    data: Any, t: Any, u: _Runs | None, names: Sequence[str] | None
) -> tuple[list[np.ndarray], list[np.ndarray], _Runs | None, list[str]]:
    """Return states, times and inputs of each run, and their names, of data in any other form."""
    dataset = as_dataset(data, t)
    if names_with_role(dataset, "target"):
        raise TypeError("x must be trajectories with their times: give rates as x_dot, next states as x_next")
    inputs = list(names_with_role(dataset, "input")) if u is None else []
    states = [name for name in state_names(dataset) if name not in inputs]
    runs = list(each_trajectory(dataset, [*states, *inputs]))
    n = len(states)
    given = [run.states[:, n:] for run in runs] if inputs else u
    found = list(names) if names is not None else [*states, *inputs]
    return [run.states[:, :n] for run in runs], [run.times for run in runs], given, found


class _Engine(EquivariantOptimizer):
    """Carry what pysindy passes to no optimizer: row weights, runs, and x itself where increments are symmetric.

    With a `record`, rows are made from it, block by block, instead of those that pysindy makes. After the fit its
    symmetry is what was enforced.
    """

    library: Any
    row_weights: np.ndarray | None = None
    lengths: list[int] | None = None
    record: Record | None = None
    source: Targets | None = None
    found: list[bool] | None = None
    enforcement = Enforcement()

    def fit(self, x_: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, **reduce_kws: object) -> Self:
        weights = self.row_weights if sample_weight is None else sample_weight
        identity = self._identity(np.shape(y)[1]) if action_of(self.kind).increments else None
        if self.record is None or self.source is None:
            given = self._given(np.asarray(x_), np.asarray(y), identity)
        else:
            given, weights = self._from(self.record, self.source, identity is not None), None
        self._fit_in_chart(given, weights, **reduce_kws)
        if identity is not None:
            self.coef_ = self.coef_ + identity
            self.history_ = [self.coef_]
        return self

    def _given(self, rows: np.ndarray, targets: np.ndarray, identity: np.ndarray | None) -> GivenRows:
        """Return rows of pysindy's in the chart, and targets, with `identity` their increments."""
        if identity is not None:
            targets = targets - rows @ identity.T
        if self.chart is not None:
            rows = rows @ self.chart.forward(library_features(self.library, len(self.chart))).T
        known = np.maximum((~np.isnan(targets)).sum(axis=0), 1)
        return GivenRows(rows, targets, np.nansum(np.square(targets), axis=0) / known, self.lengths or [len(rows)])

    def _from(self, record: Record, source: Targets, increments: bool) -> GivenRows:
        """Reduce a record to few rows: of each part that may be held out, or of all."""
        columns = Columns(library_features(self.library, record.n_arguments), self.chart, increments)
        if self.found is None:
            return GivenRows(*reduced(record, source, columns))
        few = len(record.x) < FEWEST_RUNS
        parts, names = parts_of_runs(record.lengths, [] if few else sizes_of(record, source, columns))
        return GivenRows(*reduced(record, source, columns, parts), names)

    def _fit_in_chart(self, given: GivenRows, weights: ArrayLike | None, **reduce_kws: object) -> None:
        """Fit in the chart if there is one; coefficients are in the units of the data."""
        if self.chart is None:
            self._fit_enforced(given, weights, **reduce_kws)
            return
        features, units = library_features(self.library, len(self.chart)), np.array(self.chart.scale)
        units = units[: len(given.squares)]
        rates = np.mean(given.squares / units**2)
        units = units * (np.sqrt(rates) if rates > 0 else 1.0)
        self._fit_enforced(given._replace(targets=given.targets / units), weights, **reduce_kws)
        self.coef_ = self.chart.law(self.coef_, features, units)
        self.subspace_ = subspace_of_data(self.subspace_, features, self.chart, self.kind)
        self.history_, self.ind_ = [self.coef_], self.coef_ != 0

    def _fit_enforced(self, given: GivenRows, weights: ArrayLike | None, **reduce_kws: object) -> None:
        """Fit inside the parts of the symmetry that held-out data do not contradict."""
        if self.found is None:
            self.enforcement = Enforcement(given=self.symmetry)
            super().fit(given.rows, given.targets, weights, **reduce_kws)
            return
        parted, inner = parted_rows(given, weights), None
        trials = self._trials(parted)
        parts = named_exactly(list(self.symmetry), self.found, trials)
        self.enforcement = enforce(parts, self.found, trials)
        rows, targets = parted.without(compress=not counts_rows(self.own))
        if self.enforcement.promoted:
            self.symmetry = self.enforcement.together
            inner = super().fit(rows, targets, **reduce_kws).coef_
        self.symmetry = self.enforcement.symmetry
        super().fit(rows, targets, **reduce_kws)
        if inner is not None:
            self.coef_ = inner + self.enforcement.weight * (self.coef_ - inner)
            self.history_, self.ind_ = [self.coef_], self.coef_ != 0

    @property
    def own(self) -> BaseEstimator:
        """The optimizer inside."""
        return ps.STLSQ() if self.optimizer is None else self.optimizer

    def _trials(self, parted: PartedRows) -> RowTrials:
        """Set up fits without each part, on the functions of the rows."""
        few = not counts_rows(self.own)

        def space(parts: list[Part]) -> Subspace:
            n_inputs = len(parts[0].states)
            features, shape = library_features(self.library, n_inputs), parted.left_out.shape
            return left_free(features, parts, shape, self.kind, self.chart)

        def law(part: int, inside: Subspace | None) -> np.ndarray:
            rows, targets = parted.without(part, few)
            return EquivariantOptimizer(self.own, inside, self.library, kind=self.kind).fit(rows, targets).coef_

        return RowTrials(parted.left_out, parted.without, law, space, space)

    def _identity(self, n_states: int) -> np.ndarray | None:
        """Return coefficients `(state, feature)` of x; None if the symmetry is linear: F is then symmetric like F − x.

        Raises
        ------
        ValueError
            If the library does not hold the states.
        """
        if self.symmetry is None or isinstance(self.symmetry, Subspace):
            return None
        if not any(np.any(getattr(part, "translations", 0)) for part in self.symmetry):
            return None
        n_inputs = len(self.symmetry[0].states)
        features: Features = library_features(self.library, n_inputs)
        points = generic_points(features, n_inputs, 2 * features.size(n_inputs) + 10, 31)
        values = features(points)
        identity = np.linalg.lstsq(values, points[:, :n_states], rcond=None)[0].T
        identity[np.abs(identity) < 1e-9] = 0.0
        if not np.allclose(values @ identity.T, points[:, :n_states], atol=1e-8):
            raise ValueError("a map that keeps translations needs the states themselves as terms of its library")
        return np.round(identity, 12)


def _floats(given: Any) -> Any:
    """Return integers as floats, of which pysindy would cut off the digits of sines and roots; the rest as it is."""
    if type(given) is list:
        return [_floats(one) for one in given]
    return given.astype(float) if type(given) is np.ndarray and given.dtype.kind in "iu" else given


def _width(runs: _Runs) -> int:
    """Return the number of columns of an array `(time, column)` or `(time,)`, or of the first of a list of these."""
    one = np.asarray(runs[0] if isinstance(runs, list | tuple) else runs)
    return one.shape[-1] if one.ndim > 1 else 1
