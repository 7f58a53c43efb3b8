"""A fitted law as a light object: fast functions, formulas, solutions, one small file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from scipy.integrate import solve_ivp

from symdyn.functions.printing import state_latex
from symdyn.functions.symbolic import field_sympy
from symdyn.lie.actions import action_of
from symdyn.lie.prolongation import first_order
from symdyn.lie.vectorfields import VectorField
from symdyn.regression.compiled import jacobian_function, value_function
from symdyn.regression.enforcing.enforcement import Enforcement
from symdyn.regression.model_constraint import library_features
from symdyn.sums.store import dataset_to_law, law_to_dataset, save_results

if TYPE_CHECKING:
    import pysindy as ps
    import sympy
    from numpy.typing import ArrayLike

__all__ = ["FittedLaw", "law_of"]

_MARKS = {"flow": "'", "second_order": "''", "map": " step"}
_TEXT_MARKS = {kind: f"{{}}{mark}" for kind, mark in _MARKS.items()} | {"map": "Δ{}"}
_NAMES = {"flow": "flow", "second_order": "second-order law", "map": "map"}
_LATEX_MARKS = {"flow": r"\dot{%s}", "second_order": r"\ddot{%s}", "map": r"\Delta %s"}
_IMPLICIT = ("Radau", "BDF", "LSODA")
_FAR = 1e6  # times the start: a solution that gets there is taken to leave


@dataclass(frozen=True, eq=False, repr=False)
class FittedLaw(VectorField):
    """Hold a law: a `VectorField` that knows whether its values are x', q'' or the increment of x.

    Parameters
    ----------
    features, coefficients, states
        As for `VectorField`.
    kind : {"flow", "second_order", "map"}
        x' = f(x), q'' = f(q, q'), or x_{k+1} = x_k + f(x_k).
    enforcement : Enforcement, optional
        Which parts of a symmetry the fit enforced; not saved.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.regression import fit_moments
    >>> planets = sd.systems.kepler(8, noise=0.001, n_times=200)
    >>> powers = sd.features.CentralForce(range(5))  # q |q|^-k
    >>> law = fit_moments(planets, powers, symmetry="so(3)", layout="second_order")
    >>> law
    FittedLaw of a second-order law on (x, y, z, vx, vy, vz)
      x'' = −x |q|^-3
      y'' = −y |q|^-3
      z'' = −z |q|^-3
    >>> law.kind, law.enforced_[0].texts()
    ('second_order', ['y ∂x − x ∂y', 'z ∂x − x ∂z', 'z ∂y − y ∂z'])
    """

    kind: str = "flow"
    enforcement: Enforcement | None = field(default=None, compare=False, repr=False)

    @property
    def enforced_(self) -> list:
        """The parts of the symmetry that the law respects exactly."""
        return [] if self.enforcement is None else self.enforcement.enforced

    @property
    def promoted_(self) -> list:
        """The parts towards which the law was pulled."""
        return [] if self.enforcement is None else self.enforcement.promoted

    @property
    def dropped_(self) -> list:
        """The parts that held-out data contradicted."""
        return [] if self.enforcement is None else self.enforcement.dropped

    def __post_init__(self):
        super().__post_init__()
        if self.kind not in _MARKS:
            raise ValueError(f"kind must be one of {tuple(_MARKS)}, got {self.kind!r}")

    def _head(self) -> str:
        return f"FittedLaw of a {_NAMES[self.kind]}"

    def _left(self) -> list[str]:
        mark = _TEXT_MARKS[self.kind]
        return [mark.format(state) for state in self.states[: len(self.coefficients)]]

    def _left_latex(self) -> list[str]:
        return [_LATEX_MARKS[self.kind] % state_latex(state) for state in self.states[: len(self.coefficients)]]

    def to_function(self) -> Callable[[np.ndarray], np.ndarray]:
        """Compile f to a plain numpy function of x `(state,)` or `(..., state)`, with only the non-zero terms.

        Examples
        --------
        >>> import numpy as np
        >>> import symdyn as sd
        >>> from symdyn.regression import fit_moments
        >>> law = fit_moments(sd.systems.hopf(n_trajectories=3), "polynomial:3", symmetry="so(2)")
        >>> f = law.to_function()
        >>> f(np.array([1.0, 0.0])).round(2), f(np.zeros((5, 7, 2))).shape
        (array([-0.5,  1.3]), (5, 7, 2))
        """
        return value_function(self)

    def jacobian_function(self) -> Callable[[np.ndarray], np.ndarray]:
        """Compile Df to a plain numpy function: `(..., state)` to `(..., output, state)`, exact.

        Examples
        --------
        >>> import numpy as np
        >>> import symdyn as sd
        >>> from symdyn.regression import fit_moments
        >>> law = fit_moments(sd.systems.hopf(n_trajectories=3), "polynomial:3", symmetry="so(2)")
        >>> jacobian = law.jacobian_function()
        >>> jacobian(np.zeros(2)).round(2)  # at the origin, an unstable focus
        array([[ 0.5, -1.3],
               [ 1.3,  0.5]])
        >>> jacobian(np.zeros((5, 7, 2))).shape
        (5, 7, 2, 2)
        """
        return jacobian_function(self)

    def to_sympy(self) -> sympy.Matrix:
        """Return the components of f as a sympy column `(output, 1)` in symbols named like the states.

        Raises
        ------
        ImportError
            If sympy is missing.
        ValueError
            If the name of a feature is not a formula.

        Examples
        --------
        >>> import symdyn as sd
        >>> from symdyn.regression import fit_moments
        >>> data = sd.systems.damped_oscillator(n_trajectories=3)
        >>> f = fit_moments(data, "polynomial:1", symmetry="so(2)").to_sympy()
        >>> round(float(f.jacobian(["x0", "x1"]).trace()), 3)  # the divergence
        -0.2
        """
        return field_sympy(self.coefficients, self.features, self.states)[0]

    def to_latex(self, precision: int = 3) -> list[str]:
        r"""Write one equation per output in LaTeX, such as `\dot{x} = 0.5 x - 1.3 y`; needs sympy.

        Examples
        --------
        >>> import symdyn as sd
        >>> from symdyn.regression import fit_moments
        >>> law = fit_moments(sd.systems.hopf(n_trajectories=3), "polynomial:3", symmetry="so(2)")
        >>> print(law.to_latex(precision=2)[0])
        \dot{x_{0}} = - x_{0}^{3} - x_{0} x_{1}^{2} + 0.5 x_{0} - 1.3 x_{1}
        """
        rounded = [[float(f"{value:.{precision}g}") for value in row] for row in np.asarray(self.coefficients)]
        column = field_sympy(np.array(rounded), self.features, self.states)[0]
        from sympy import Float, Integer, Symbol, latex

        column = column.xreplace({value: Integer(value) for value in column.atoms(Float) if float(value).is_integer()})
        names = [_LATEX_MARKS[self.kind] % latex(Symbol(state)) for state in self.states]
        return [f"{name} = {latex(formula)}" for name, formula in zip(names, column, strict=False)]

    def simulate(
        self, start: ArrayLike, times: ArrayLike, *, method: str = "LSODA", rtol: float = 1e-8, atol: float = 1e-10
    ) -> np.ndarray:
        """Compute the solution `(time, state)` from `start` `(state,)` at `times`, by `scipy.integrate.solve_ivp`.

        Implicit methods use the exact Jacobian. For a map, `times` only sets the number of steps.

        Raises
        ------
        ValueError
            If the law has inputs, whose values over time are unknown, or `start` has the wrong length.
        RuntimeError
            If the solution diverges before the last time.

        Examples
        --------
        >>> import numpy as np
        >>> import symdyn as sd
        >>> from symdyn.regression import fit_moments
        >>> planets = sd.systems.kepler(8, n_times=200)
        >>> law = fit_moments(planets, "central:3", symmetry="so(3)", layout="second_order")
        >>> start = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]  # a circular orbit about GM = 1
        >>> law.simulate(start, [0.0, np.pi, 2 * np.pi])[:, :3].round(2) + 0.0
        array([[ 1.,  0.,  0.],
               [-1.,  0.,  0.],
               [ 1.,  0.,  0.]])
        """
        start, times = np.asarray(start, dtype=float), np.asarray(times, dtype=float)
        if start.shape != (len(self.states),):
            raise ValueError(f"start must hold one value for each of {', '.join(self.states)}, got {start.shape}")
        action = action_of(self.kind)
        law = first_order(self) if action.has_velocities else self
        if len(law.coefficients) != len(law.states):
            raise ValueError(
                "a law with inputs is simulated with their course: use to_function() in a loop of your own"
            )
        if action.increments:
            return _iterated(value_function(law), start, len(times))
        rates, slopes = value_function(law), jacobian_function(law)
        options = {"jac": lambda _, x: slopes(x)} if method in _IMPLICIT else {}
        found = solve_ivp(
            lambda _, x: rates(x),
            (times[0], times[-1]),
            start,
            method,
            times,
            events=_escape(start),
            rtol=rtol,
            atol=atol,
            **options,
        )
        if not found.success or len(found.t) < len(times):
            raise RuntimeError(
                f"the solution leaves every bound after t = {found.t[-1] if found.t.size else times[0]:g}"
            )
        return found.y.T

    def flow(self, start: ArrayLike, times: ArrayLike, *, rtol: float = 1e-10, atol: float = 1e-12) -> np.ndarray:
        """Compute the solution `(time, state)` by an explicit method of high order, as `VectorField.flow` does.

        Examples
        --------
        >>> import symdyn as sd
        >>> from symdyn.regression import fit_moments
        >>> data = sd.systems.damped_oscillator(n_trajectories=3)
        >>> law = fit_moments(data, "polynomial:1", symmetry="so(2)")
        >>> law.flow([1.0, 0.0], [0.0, 5.0, 10.0]).round(2)
        array([[ 1.  ,  0.  ],
               [ 0.17, -0.58],
               [-0.31, -0.2 ]])
        """
        return self.simulate(start, times, method="DOP853", rtol=rtol, atol=atol)

    def save(self, path: str | Path) -> None:
        """Write to a netCDF file, group `law`, as in the results of a run.

        Raises
        ------
        ValueError
            If the features cannot be saved (libraries with user-defined functions).

        Examples
        --------
        >>> import symdyn as sd
        >>> from symdyn.regression import FittedLaw, fit_moments
        >>> law = fit_moments(sd.systems.hopf(n_trajectories=3), "polynomial:3", symmetry="so(2)")
        >>> law.save("hopf.nc")
        >>> FittedLaw.load("hopf.nc").equations() == law.equations()
        True
        """
        mark, n = _MARKS[self.kind], len(self.coefficients)
        dataset = law_to_dataset(self, [f"{state}{mark}" for state in self.states[:n]])
        save_results({"law": dataset.assign_attrs(kind=self.kind)}, path)

    @staticmethod
    def load(path: str | Path) -> FittedLaw:
        """Read what `save` wrote, or the law in the `results.nc` of a run.

        Raises
        ------
        FileNotFoundError, ValueError
            If the file does not exist, holds no law, or has a newer format.

        Examples
        --------
        >>> import symdyn as sd
        >>> from symdyn.regression import FittedLaw, fit_moments
        >>> data = sd.systems.hopf(n_trajectories=3)
        >>> fit_moments(data, "polynomial:3", symmetry="so(2)").save("hopf.nc")
        >>> FittedLaw.load("hopf.nc")
        FittedLaw of a flow on (x0, x1)
          x0' = 0.5 x0 − 1.3 x1 − x0^3 − x0 x1^2
          x1' = 1.3 x0 + 0.5 x1 − x0^2 x1 − x1^3
        """
        if not Path(path).exists():
            raise FileNotFoundError(f"no such file: {path}")
        try:
            with xr.open_dataset(path, engine="h5netcdf", group="law") as dataset:
                dataset = dataset.load()
        except OSError as error:
            raise ValueError(f"{path} holds no law that can be read: {error}") from error
        if "coefficients" not in dataset:
            raise ValueError(f"{path} holds no law: variable 'coefficients' is missing")
        return FittedLaw(**vars(dataset_to_law(dataset)), kind=dataset.attrs.get("kind", "flow"))


def law_of(model: ps.SINDy | ps.DiscreteSINDy) -> FittedLaw:
    """Return the law of a fitted pysindy model or `SymmetricSINDy` as an object that does not need pysindy.

    For a discrete-time model, x_{k+1} = F(x_k), the law is the increment F(x) − x.

    Parameters
    ----------
    model : SymmetricSINDy, pysindy.SINDy or pysindy.DiscreteSINDy, fitted

    Raises
    ------
    ValueError
        If the model is not fitted, or its library lacks the identity, which is subtracted from F.

    Examples
    --------
    >>> import pysindy as ps
    >>> import symdyn as sd
    >>> from symdyn.regression import law_of
    >>> x, step = sd.systems.damped_oscillator(n_trajectories=2)
    >>> model = ps.SINDy(ps.STLSQ(threshold=0.05), ps.PolynomialLibrary(1))
    >>> law_of(model.fit(x, step, feature_names=["x", "y"]))
    FittedLaw of a flow on (x, y)
      x' = −0.1 x − y
      y' = x − 0.1 y
    """
    inner = getattr(model, "model_", model)
    library = getattr(inner, "feature_library", None)
    if library is None or not hasattr(library, "n_features_in_"):
        raise ValueError("the model is not fitted: call its fit first")
    states = getattr(inner, "feature_names_", None) or inner.feature_names
    law = FittedLaw(library_features(library, len(states)), np.array(inner.coefficients(), dtype=float), tuple(states))
    discrete = any(kind.__name__ == "DiscreteSINDy" for kind in type(inner).__mro__)
    return replace(law, coefficients=_increments(law), kind="map") if discrete else law


def _increments(law: FittedLaw) -> np.ndarray:
    """Compute W − I, where I is the row of coefficients that gives x itself."""
    names, coefficients = law.features.names(law.states), law.coefficients.copy()
    for row, state in zip(coefficients, law.states, strict=False):
        if state not in names:
            raise ValueError(f"the library lacks the term {state}: the increment F(x) − x is not in its span")
        row[names.index(state)] -= 1.0
    return coefficients


def _escape(start: np.ndarray) -> Callable[[float, np.ndarray], float]:
    """Build the event that ends a solution on its way to infinity, before steps shrink without end."""
    bound = _FAR * (1.0 + np.abs(start).max())

    def inside(_: float, x: np.ndarray) -> float:
        return bound - np.abs(x).max()

    vars(inside)["terminal"] = True  # where solve_ivp looks for it
    return inside


def _iterated(step: Callable[[np.ndarray], np.ndarray], start: np.ndarray, n: int) -> np.ndarray:
    path = np.empty((n, len(start)))
    path[0] = start
    for k in range(1, n):
        path[k] = path[k - 1] + step(path[k - 1])
    return path
