"""A search as the command line describes it, completed by the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import xarray as xr

from symdyn.data.trajectories import names_with_role, state_names
from symdyn.functions.features import Features
from symdyn.functions.words import parse_features
from symdyn.lie.actions import action_of
from symdyn.lie.vectorfields import Generators
from symdyn.lie.words import parse_candidates, parse_elements
from symdyn.runs.parsing import names

__all__ = ["SearchWords", "Sought"]


class Sought(NamedTuple):
    """Generators and finite elements to look for, features of the law, names of inputs."""

    candidates: list
    law: Features
    inputs: list[str]


@dataclass(frozen=True)
class SearchWords:
    """What is looked for, as a command line writes it.

    Parameters
    ----------
    kind : {"flow", "map", "second_order"}
    law : str
        Features, such as `"polynomial:3"`, `"central:0-5"`, `"fourier:2"`.
    candidates : str
        Generators, such as `"affine"`, `"se+scalings"`, `"polynomial:3"`.
    elements : str
        Finite elements, such as `"sign_flips+permutations"`, `"cyclic"`, `"none"`.
    time_scaling, time_translation : bool
        Whether generators rescale time, too, and whether the law depends on time.
    inputs : str, optional
        Names separated by commas; by default the variables with the role of an input.
    """

    kind: str = "flow"
    law: str = "polynomial:3"
    candidates: str = "affine"
    elements: str = "none"
    time_scaling: bool = False
    time_translation: bool = False
    inputs: str | None = None

    def on(self, data: xr.Dataset) -> Sought:
        """Read the words for as many states and inputs as the data have.

        Raises
        ------
        ValueError
            For unknown words.
        """
        given = names(self.inputs)
        inputs = list(names_with_role(data, "input")) if given is None else given
        n_states = len([name for name in state_names(data) if name not in inputs])
        n = n_states // 2 if action_of(self.kind).has_velocities else n_states + len(inputs)
        time = {"time_scaling": self.time_scaling, "time_translation": self.time_translation}
        generators: Generators = parse_candidates(self.candidates, n, **time)
        elements = parse_elements(self.elements, len(generators.states))
        law = parse_features(self.law, n_states + len(inputs) + self.time_translation)
        return Sought([generators] if elements is None else [generators, elements], law, inputs)
