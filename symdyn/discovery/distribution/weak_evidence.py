"""Evidence on the symmetries of an ensemble: from the sums of one pass, and of a second one by finer tests.

Bounds come from coarse tests, for which few samples do. What they accept is looked at by finer tests along its own
orbits: where these reject that it is exact, all tests together decide.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from symdyn.discovery.distribution.designed_tests import fine_tests, moved_planes
from symdyn.discovery.distribution.point_blocks import PointBlocks
from symdyn.discovery.distribution.weak_forms import WeakRows, weak_rows
from symdyn.discovery.distribution.weak_sums import Question, WeakSums, weak_sums
from symdyn.evidence.evidence import Evidence
from symdyn.evidence.forms import LawForms
from symdyn.lie.groups import Elements

__all__ = ["WeakEvidence"]

_FINE_LEVEL = 0.01  # of the test by finer tests, over all that is accepted


@dataclass(frozen=True)
class WeakEvidence:
    """What passes over points say of generators and elements.

    `n_coarse` of the tests are coarse, the others fine; `replicates` their number and seed.
    """

    points: PointBlocks
    question: Question
    n_coarse: int
    delta: float
    replicates: tuple[int, int]

    @cached_property
    def sums(self) -> WeakSums:
        """The pass itself."""
        return weak_sums(self.points, self.question)

    @cached_property
    def generators(self) -> Evidence:
        """Evidence on the generators by all tests."""
        return Evidence(self._rows(slice(None)).forms(self._first), self.delta)

    def element(self, place: int) -> Evidence | None:
        """Return the evidence on one of the elements by all tests; None if it moves none of the points."""
        return self._of_element(self._whole, place)

    def refined(self, matrices: np.ndarray) -> WeakEvidence:
        """Return the evidence by coarse tests and finer ones, along what linear maps `(map, axis, axis)` move."""
        fine = fine_tests(moved_planes(matrices), self.question.scatter.sharpening)
        return replace(self, question=replace(self.question, tests=self.question.tests + fine))

    def fine_tests_reject(self, accepted: np.ndarray) -> bool:
        """Check whether the finer tests reject generators `(generator, candidate)`."""
        evidence = Evidence(self._fine.forms(self._first), self.delta)
        return any(evidence.p_value(row) < _FINE_LEVEL / len(accepted) for row in accepted)

    def fine_tests_reject_element(self, place: int, n_accepted: int) -> bool:
        """Check whether the finer tests reject one of the elements, of which `n_accepted` are tried."""
        evidence = self._of_element(self._fine, place)
        return evidence is not None and evidence.p_value(np.ones(1)) < _FINE_LEVEL / n_accepted

    def of_elements(self, elements: Elements) -> WeakEvidence:
        """Return the evidence on other elements of the chart alone, by a pass of its own."""
        nothing = self.question.generators.combine(np.zeros((0, len(self.question.generators))))
        return replace(self, question=replace(self.question, generators=nothing, elements=elements))

    def _of_element(self, rows: WeakRows, place: int) -> Evidence | None:
        forms = rows.forms([len(self.question.generators) + place])
        return _bounded(forms, self.delta) if forms.size[0, 0] > 0 else None

    @property
    def _first(self) -> slice:
        return slice(0, len(self.question.generators))

    @cached_property
    def _whole(self) -> WeakRows:
        return self._rows(slice(None))

    @cached_property
    def _fine(self) -> WeakRows:
        return self._rows(slice(self.n_coarse, None))

    def _rows(self, tests: slice) -> WeakRows:
        count, seed = self.replicates
        return weak_rows(self.sums, self.question, tests, count, np.random.default_rng(seed))


def _bounded(forms: LawForms, delta: float) -> Evidence:
    """Return the evidence on one element, its rows in units of G + R R^T: a density and its image may lie far apart."""
    factor = 1 / (1 + forms.violation[0, 0]) / forms.size[0, 0]
    names = ("violation", "cross", "error", "jackknife")
    scaled = {name: getattr(forms, name) * factor for name in names}
    return Evidence(replace(forms, size=np.eye(1), **scaled), delta)
