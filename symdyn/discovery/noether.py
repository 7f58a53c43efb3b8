"""Noether's pairing: in canonical states (q, p) each conserved quantity h has the symmetry q' = dh/dp, p' = −dh/dq.

For a Hamiltonian law f = J grad H the three are one: {h, H} = 0, h is conserved, the field J grad h commutes with f.
The way back is narrower: a symmetry of f need not be of the form J grad h (scalings are not): it may have no partner.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from symdyn.functions.features import Features, Monomials, Polynomial, Sum, as_features, polynomial_exponents
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.chart import Chart
from symdyn.lie.vectorfields import Generators, VectorField

__all__ = ["NoetherPairing", "noether_pairing"]


@dataclass(frozen=True)
class NoetherPairing:
    """Pair conserved quantities h with the generators J grad h that they make.

    Parameters
    ----------
    generators : Generators
        The fields q' = dh/dp, p' = −dh/dq, one for each conserved quantity.
    partners : ndarray, `(generator, quantity)`
        The combination of quantities from which each generator of the given algebra derives, nan where there is none.

    Examples
    --------
    >>> import symdyn as sd
    >>> spring = sd.candidates.from_matrices([[[0, 1], [-1, 0]]])[0]  # q' = p, p' = -q
    >>> features = sd.features.Polynomial(2)
    >>> turn = sd.LieAlgebra(sd.candidates.so(2))
    >>> sd.noether_pairing(sd.conserved_quantities(spring, features), features, turn)
    NoetherPairing(generators=Generators(1) on (x0, x1): 2 x1 ∂x0 − 2 x0 ∂x1, partners=array([[0.5]]))
    """

    generators: Generators
    partners: np.ndarray


def noether_pairing(
    quantities: xr.Dataset,
    features: Features,
    algebra: LieAlgebra | None = None,
    *,
    law: VectorField | None = None,
    tolerance: float = 0.05,
) -> NoetherPairing:
    """Find the symmetry of each conserved quantity, and the quantity of each symmetry.

    Parameters
    ----------
    quantities : xr.Dataset
        From `conserved_quantities`, the states positions first, then as many momenta; "conserved" ones are paired.
    features : Features, pysindy feature library, or str
        The features that were searched; the quantities must be polynomials (features of other kinds have weight 0).
    algebra : LieAlgebra, optional
        Symmetries acting on all states, to be paired.
    law : VectorField, optional
        Checked to be Hamiltonian in these states.
    tolerance : float
        Largest part of a generator, relative to its coefficients in the chart of the quantities, that these may leave
        unexplained.

    Returns
    -------
    NoetherPairing

    Raises
    ------
    ValueError
        For an odd number of states, quantities that are not polynomials, an algebra on other states, and a law that is
        not Hamiltonian.

    Notes
    -----
    Olver, Applications of Lie groups to differential equations, 1993, section 6.2.

    Examples
    --------
    >>> import symdyn as sd
    >>> law, features = sd.systems.exact_law("duffing"), sd.features.Polynomial(4)
    >>> energy = sd.conserved_quantities(law, features)
    >>> pairs = sd.noether_pairing(energy, features, law=law)
    >>> pairs.generators.texts()  # the energy generates the flow itself
    ['2 y ∂x + 2 x ∂y − 2 x^3 ∂y']
    """
    states = tuple(str(quantities.attrs["states"]).split())
    if len(states) % 2:
        raise ValueError(f"canonical states are positions and as many momenta, got {len(states)}: {', '.join(states)}")
    features = as_features(features, len(states))
    found = quantities.coefficients.values[quantities.verdict.values == "conserved"]
    sizes = np.abs(found) * (quantities.spread.values if "spread" in quantities else 1.0)
    exponents = _exponents(features, len(states), sizes)
    chart = _chart_of(quantities, found, exponents)
    if law is not None:
        _check_hamiltonian(law, chart)
    generators = _hamiltonian_fields(found, exponents, states)
    partners = np.zeros((0, len(found)))
    if algebra is not None:
        if len(algebra.states) != len(states):
            raise ValueError(f"the algebra acts on {len(algebra.states)} states, the quantities on {len(states)}")
        partners = _partners(algebra.basis.renamed(states), generators, chart, tolerance)
    return NoetherPairing(generators, partners)


def _hamiltonian_fields(coefficients: np.ndarray, exponents: np.ndarray, states: tuple[str, ...]) -> Generators:
    """Build J grad h for h = sum_f c_f x^a_f: d x^a / dx_i = a_i x^(a − e_i)."""
    n = len(states)
    degree = max(int(exponents.sum(axis=1).max(initial=0)) - 1, 1)
    place = {tuple(row): k for k, row in enumerate(polynomial_exponents(n, degree).tolist())}
    fields = np.zeros((len(coefficients), n, len(place)))
    for column, row in enumerate(exponents):
        for state in np.flatnonzero(row):
            lowered = row.copy()
            lowered[state] -= 1
            # dh/dp drives q, −dh/dq drives p.
            moved, sign = (state + n // 2, -1) if state < n // 2 else (state - n // 2, 1)
            fields[:, moved, place[tuple(lowered.tolist())]] += sign * row[state] * coefficients[:, column]
    return Generators(Polynomial(degree), fields, np.zeros(len(coefficients)), states)


def _partners(symmetries: Generators, fields: Generators, chart: Chart, tolerance: float) -> np.ndarray:
    """Find weights `(symmetry, field)` with v = sum_k weight_k field_k, nan where there are none.

    Coefficients are compared in the chart: in the units of the states one would outweigh the others.
    """
    vectors = chart.generators(symmetries + fields).vectors()
    wanted, given = vectors[: len(symmetries)], vectors[len(symmetries) :]
    lengths = np.linalg.norm(given, axis=1)
    lengths = np.where(lengths > 0, lengths, 1.0)
    weights = wanted @ np.linalg.pinv(given / lengths[:, None]) / lengths
    left = np.linalg.norm(wanted - weights @ given, axis=1) / np.linalg.norm(wanted, axis=1)
    return np.where((left <= tolerance)[:, None], weights, np.nan)


def _chart_of(quantities: xr.Dataset, coefficients: np.ndarray, exponents: np.ndarray) -> Chart:
    """Return the chart in which the quantities were found, else the scales in which their coefficients are alike.

    A state x_i = s_i y_i turns the coefficient of x^a into s^a times it: a least-squares fit of logarithms.
    """
    if "scale" in quantities.attrs:
        return Chart(tuple(np.ravel(quantities.attrs["centre"])), tuple(np.ravel(quantities.attrs["scale"])))
    sizes = np.abs(coefficients)
    rows, columns = np.nonzero((sizes > 1e-9 * sizes.max(axis=1, initial=0.0, keepdims=True)) & exponents.any(axis=1))
    n = exponents.shape[1]
    if not len(rows):
        return Chart.identity(n)
    design = np.hstack([exponents[columns], np.eye(len(coefficients))[rows]])
    logarithms = np.linalg.lstsq(design, np.log(sizes[rows, columns]), rcond=None)[0][:n]
    return Chart((0.0,) * n, tuple(np.exp(-logarithms)))


def _exponents(features: Features, n_states: int, sizes: np.ndarray) -> np.ndarray:
    """Return exponents `(feature, state)`; zero for features that are no monomials and have no weight.

    `sizes` `(quantity, feature)` are parts of the quantities, in one unit each.
    """
    negligible = 1e-9 * sizes.max(axis=1, initial=0.0, keepdims=True)
    parts = features.parts if isinstance(features, Sum) else (features,)
    rows, first = [], 0
    for part in parts:
        size = part.size(n_states)
        if isinstance(part, Monomials):
            rows.append(np.array(part.exponents, dtype=int))
        elif isinstance(part, Polynomial):
            read = list(range(n_states)) if part.columns is None else list(part.columns)
            rows.append(np.zeros((size, n_states), dtype=int))
            rows[-1][:, read] = polynomial_exponents(len(read), part.degree, part.constant)
        elif np.any(sizes[:, first : first + size] > negligible):
            raise ValueError(f"quantities that hold {type(part).__name__} features are no polynomials: leave them out")
        else:
            rows.append(np.zeros((size, n_states), dtype=int))
        first += size
    return np.concatenate(rows)


def _check_hamiltonian(law: VectorField, chart: Chart) -> None:
    """Check that f = J grad H for some H: exactly when the Jacobian of J^-1 f is symmetric.

    Its entries, second derivatives of H by the states of the chart, are all in the unit of H.
    """
    n, scale = len(chart), np.array(chart.scale)
    if len(law.states) != n or len(law.coefficients) != n:
        raise ValueError(f"the law must be a flow of the {n} states of the quantities")
    slopes = law.jacobian(chart.points_back(np.random.default_rng(0).uniform(0.5, 1.5, (50, n))))
    second = np.concatenate([-slopes[:, n // 2 :], slopes[:, : n // 2]], axis=1) * scale[:, None] * scale
    twist = np.abs(second - np.swapaxes(second, 1, 2)).max()
    if twist > 1e-6 * np.abs(second).max():
        raise ValueError("the law is not Hamiltonian in these states: no function H has q' = dH/dp, p' = −dH/dq")
