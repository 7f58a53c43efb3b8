"""`SymmetryDiscovery`: the symmetries of a system from its trajectories, with evidence."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import xarray as xr
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from symdyn.data.moments import Moments, accumulate
from symdyn.data.trajectories import open_trajectories, state_names
from symdyn.data.units import shared_scales
from symdyn.discovery.conclusion import conclude, findings_text
from symdyn.discovery.evidence import Evidence, bracket_forms
from symdyn.discovery.law import fit_law
from symdyn.discovery.scales import Scales, find_scales
from symdyn.discovery.trivial import parallel_violation
from symdyn.discovery.verdicts import judged_table
from symdyn.lie.derivative import LieDerivative, act
from symdyn.lie.features import Features, from_library
from symdyn.lie.fields import Generators, VectorField
from symdyn.lie.prolongation import first_order, prolong

__all__ = ["SymmetryDiscovery"]

# A generator counts as parallel to the flow below this sine of the angle (root mean square over the data). It must be
# small: for a weakly damped oscillator so(2) is 6 degrees from f, and is no trivial symmetry.
_TRIVIAL = 0.02


class SymmetryDiscovery(BaseEstimator):
    """Find the generators v with L(v, f) = 0 for the law f behind trajectories.

    The law is identified from sums over trajectories (weak form, even/odd instruments); the bracket is bilinear, so
    with the law at hand symmetries are a null space over candidates, decided by an upper bound on the violation
    (`symdyn.discovery.evidence`).

    Parameters
    ----------
    candidates : Generators
        Where to look; see `symdyn.candidates`.
    law : Features or pysindy feature library
        Functions of the states that the law is made of.
    kind : {"flow", "second_order"}
        x' = f(x), or q'' = g(q, q'), which is also chosen when the data hold twice as many states as the candidates
        act on (positions, then velocities).
    output : {"vector_field"}
    inputs : None
    delta : float
        Generators are symmetric when the upper bound of the violation is below delta over their whole span, and the
        span closes under brackets.
    alpha : float
        Level of the test that calls a symmetry broken.
    n_bootstrap : int
        Replicates of the law.
    rng : int or numpy Generator
        Seed.

    Attributes
    ----------
    algebra_ : LieAlgebra
        Accepted generators, canonical, without trivial ones.
    trivial_ : LieAlgebra
        Accepted generators that are parallel to the flow.
    verdicts_ : xr.Dataset
        Over `generator`: violation, upper_bound, p_value, signal_to_noise, verdict, exact_rejected, trivial.
    generators_ : Generators
        All combinations of the candidates in the order of the verdicts.
    law_ : VectorField
        The law (the accelerations, for a second-order system).
    law_fit_ : LawFit
        The law with its error and the path of its selection.
    noise_ : xr.DataArray
        Estimated noise `(trajectory, state)`.
    evidence_ : Evidence
    """

    def __init__(
        self,
        candidates: Generators,
        law,
        *,
        kind: str = "flow",
        output: str = "vector_field",
        inputs=None,
        delta: float = 0.1,
        alpha: float = 0.05,
        n_bootstrap: int = 200,
        rng=0,
    ):
        self.candidates = candidates
        self.law = law
        self.kind = kind
        self.output = output
        self.inputs = inputs
        self.delta = delta
        self.alpha = alpha
        self.n_bootstrap = n_bootstrap
        self.rng = rng

    def fit(self, data, y=None) -> SymmetryDiscovery:
        """Discover.

        Parameters
        ----------
        data : xr.Dataset, or tuple (x, t)
            Trajectories in the schema; or an array `(time, state)` or a list of them, with a step, times or a list.

        Raises
        ------
        ValueError
            For options out of range, candidates of another number of states, and data that break the schema.
        """
        self._check_options()
        dataset = data if isinstance(data, xr.Dataset) else open_trajectories(data[0], t=data[1])
        dataset = open_trajectories(dataset)
        names = state_names(dataset)
        setting = _setting(self.candidates, self.law, names, self.kind)
        moments = accumulate(dataset, setting.features, setting.kind)
        scales = find_scales(moments, shared_scales(dataset, names), setting.kind)
        rng = np.random.default_rng(self.rng)
        self.law_fit_ = fit_law(
            moments, setting.features.families(names), scales, n_bootstrap=self.n_bootstrap, rng=rng
        )
        self.law_ = VectorField(setting.features, self.law_fit_.coefficients, tuple(names))
        self.kind_ = setting.kind
        self.noise_ = xr.DataArray(
            moments.noise, dims=("trajectory", "state"), coords={"trajectory": list(moments.labels), "state": names}
        )
        self._judge(setting, moments, scales)
        return self

    def summary(self) -> str:
        """The verdicts as a table."""
        check_is_fitted(self, "verdicts_")
        return findings_text(self.verdicts_, self.algebra_, self.trivial_)

    def judge(self, generators: Generators) -> xr.Dataset:
        """The evidence on given generators, such as rotations about axes of one's own choice.

        Parameters
        ----------
        generators : Generators
            Within the span of the candidates.

        Returns
        -------
        xr.Dataset
            Over `generator`: violation, upper_bound (nothing was searched, so it pays for no search), p_value (not
            adjusted), verdict.

        Raises
        ------
        ValueError
            If a generator lies outside the candidates.
        """
        check_is_fitted(self, "evidence_")
        known = self.candidates.vectors()
        vectors = (generators + self.candidates).vectors()[: len(generators), : known.shape[1]]
        weights = vectors @ np.linalg.pinv(known)
        if not np.allclose(weights @ known, vectors, atol=1e-9 * np.abs(vectors).max()):
            raise ValueError("these generators lie outside the candidates that were searched")
        return judged_table(self.evidence_, weights, generators.texts(), self.alpha)

    def _check_options(self):
        if not isinstance(self.candidates, Generators):
            raise TypeError(f"candidates must come from symdyn.candidates, got {type(self.candidates).__name__}")
        if not 0 < self.delta < np.sqrt(2):
            raise ValueError(f"delta must lie between 0 and sqrt(2), got {self.delta}")
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha must lie between 0 and 1, got {self.alpha}")
        if self.n_bootstrap < 20:
            raise ValueError(f"n_bootstrap must be at least 20 for a 95 % bound, got {self.n_bootstrap}")
        if self.output != "vector_field" or self.inputs is not None:
            raise ValueError("only output='vector_field' without inputs can be discovered from trajectories")

    def _judge(self, setting, moments, scales):
        derivative = LieDerivative.build(
            setting.features, act(setting.candidates, moments.points, setting.kind), moments.points
        )
        weights = 1 / scales.outputs[moments.owner]
        displacement = _displacement(setting, moments, scales, self.law_, weights)
        evidence = Evidence(bracket_forms(derivative, self.law_fit_, weights, displacement), self.delta)
        self.evidence_ = evidence
        found = conclude(
            setting.candidates,
            evidence,
            self.alpha,
            lambda algebra: _parallel(algebra, setting, moments, scales, self.law_),
        )
        self.algebra_, self.trivial_ = found.algebra, found.trivial
        self.verdicts_, self.generators_ = found.verdicts, found.generators


@dataclass(frozen=True)
class _Setting:
    """What the options mean for the data at hand."""

    candidates: Generators
    features: Features
    kind: str


def _setting(candidates, law, names, kind) -> _Setting:
    n, n_candidates = len(names), len(candidates.states)
    if kind not in ("flow", "second_order"):
        raise ValueError(f"kind must be 'flow' or 'second_order', got {kind!r}")
    if kind == "flow" and n == 2 * n_candidates:
        kind = "second_order"
    expected = n // 2 if kind == "second_order" else n
    if n_candidates != expected or (kind == "second_order" and n % 2):
        raise ValueError(f"the candidates act on {n_candidates} states, the data have {n}: {', '.join(names)}")
    return _Setting(candidates.renamed(tuple(names[:n_candidates])), _as_features(law, n), kind)


def _as_features(law, n_states):
    if isinstance(law, Features):
        features = law
    elif hasattr(law, "get_feature_names"):
        features = from_library(copy.deepcopy(law).fit(np.zeros((2, n_states))))
    else:
        raise TypeError(f"law must be Features or a pysindy feature library, got {type(law).__name__}")
    return features


def _displacement(setting, moments: Moments, scales: Scales, law, weights):
    """r_i v_i / s_i `(sample, output, candidate)`: lets translations of states that the law does not feel in."""
    n = len(setting.candidates.states)
    moved = setting.candidates.values(moments.points[:, :n]) / scales.states[moments.owner][:, :n, None]
    rates = np.sqrt(np.mean((law(moments.points) * weights) ** 2, axis=0))
    return moved * rates[None, :, None]


def _parallel(algebra, setting, moments, scales, law):
    """Which accepted generators are parallel to the flow everywhere on the data."""
    if algebra.dim == 0:
        return np.zeros(0, dtype=bool)
    second = setting.kind == "second_order"
    fields = (prolong(algebra.basis) if second else algebra.basis).values(moments.points)
    flow = (first_order(law) if second else law)(moments.points)
    return parallel_violation(fields, flow, scales.states[moments.owner]) < _TRIVIAL
