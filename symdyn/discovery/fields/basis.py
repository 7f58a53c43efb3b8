"""A readable basis of point symmetries: few terms each, rounded to simple numbers only where the evidence allows it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from symdyn.discovery.conclusion import Findings
from symdyn.discovery.evidence import Evidence
from symdyn.lie.algebra import LieAlgebra
from symdyn.lie.brackets import closure_error
from symdyn.lie.fields import Generators
from symdyn.lie.subspace import pivoted_basis

__all__ = ["readable"]

_DENOMINATORS = (1, 2, 3, 4, 6, 8)
_CLOSED = 1e-9


def readable(found: Findings, pool: Generators, evidence: Evidence, alpha: float) -> Findings:
    """The findings with a basis in which each generator has a monomial of its own, as in books.

    Varimax on the Killing form's blocks, which serves linear generators, mixes ∂t with t^2 ∂t. Pivots are what they are
    named by: ∂t, ∂x, t ∂x + c ∂u. Coefficients are rounded to simple fractions if the evidence accepts the rounded
    generators and does not reject that they are exact, and if they close.
    """
    if found.algebra.dim == 0 or found.trivial.dim or (found.algebra.exact.all() and _simple(found.algebra)):
        return found
    algebra = found.algebra
    vectors = algebra.basis.vectors()
    rows = pivoted_basis(vectors.T, 1e-10)[0].T
    mix = rows @ np.linalg.pinv(vectors)
    width = vectors.shape[1]
    blocks = algebra.covariance.reshape(len(rows), width, len(rows), width)
    covariance = np.einsum("ka,aibj,lb->kilj", mix, blocks, mix).reshape(rows.size, rows.size)
    errors = np.sqrt(np.diag(covariance).clip(0)).reshape(rows.shape)
    rounded = _rounded(rows)
    basis = algebra.basis.with_vectors(rounded)
    if closure_error(basis) < _CLOSED and _accepted(rounded, pool, evidence, alpha):
        named = LieAlgebra(basis, covariance, np.ones(len(rows), dtype=bool))
    else:
        cleaned = np.where(np.abs(rows) < np.maximum(3 * errors, 1e-6), 0.0, rows)
        basis = algebra.basis.with_vectors(cleaned)
        named = LieAlgebra(basis, covariance, np.zeros(len(rows), dtype=bool))
    everything = found.generators.vectors()
    everything[: len(rows)] = named.basis.vectors()
    verdicts = found.verdicts.assign_coords(
        generator=np.array([*named.texts(), *found.verdicts.generator.values[len(rows) :]], dtype=object)
    )
    weights = named.basis.vectors() @ np.linalg.pinv(pool.vectors())
    for name, judge in (
        ("violation", evidence.violation),
        ("upper_bound", lambda w: evidence.upper_bound(w, len(rows))),
        ("p_value", evidence.p_value),
        ("signal_to_noise", evidence.ratio),
    ):
        column = verdicts[name].values.copy()
        column[: len(rows)] = [judge(row) for row in weights]
        verdicts[name] = ("generator", column, verdicts[name].attrs)
    verdicts["exact_rejected"] = ("generator", verdicts.p_value.values < alpha)
    return replace(found, algebra=named, verdicts=verdicts, generators=found.generators.with_vectors(everything))


def _simple(algebra):
    """Whether each generator has a monomial that no other has."""
    basis = algebra.basis.vectors() != 0
    return all(np.any(basis[k] & ~np.delete(basis, k, axis=0).any(axis=0)) for k in range(len(basis)))


def _rounded(rows):
    """Each coefficient as the fraction with the smallest denominator within one percent, if there is one."""
    result = rows.copy()
    for place, value in np.ndenumerate(rows):
        for denominator in _DENOMINATORS:
            near = np.round(value * denominator) / denominator
            if abs(near - value) < 0.01:
                result[place] = near
                break
    return result


def _accepted(rows, pool, evidence, alpha):
    weights = rows @ np.linalg.pinv(pool.vectors())
    inside = np.linalg.norm(weights @ pool.vectors() - rows) < 1e-2 * np.linalg.norm(rows)
    return inside and all(
        evidence.upper_bound(row, len(rows)) < evidence.delta and evidence.p_value(row) >= alpha / len(rows)
        for row in weights
    )
