"""Which state is the velocity of which position: as the data declare it, as names imply it, or as the user says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import xarray as xr

__all__ = ["has_velocities", "paired_states"]


def paired_states(dataset: xr.Dataset, names: Sequence[str]) -> tuple[str, ...]:
    """Return the states of a second-order system, positions first, each velocity in the place of its position.

    The first of these that applies decides: attributes `derivative_of`; names such as `x` and `vx`, `q_dot` or `dq_dt`,
    `theta` and `omega`; the order of the states, where a user gave one (positions, then velocities). The order in which
    variables happen to be stored is not used.

    Parameters
    ----------
    dataset : xr.Dataset
        As `open_trajectories` returns it.
    names : sequence of str
        The states.

    Raises
    ------
    ValueError
        If velocities are missing, or nothing says to which positions they belong.
    """
    names = tuple(names)
    declared = _declared(dataset, names)
    if pairs := _pairs_said(declared, names):
        return (*(position for position, _ in pairs), *(velocity for _, velocity in pairs))
    if len(names) % 2:
        raise ValueError(
            f"a second-order system has a velocity for each position, the states are {', '.join(names)}: add the "
            "rates of the positions, or choose states="
        )
    if not declared and dataset.attrs.get("states_order") != "stored":
        return names
    raise ValueError(
        f"which of the states {', '.join(names)} are velocities, and of what? Give states=[positions, then velocities "
        "in the same order], or each velocity an attribute derivative_of"
    )


def has_velocities(dataset: xr.Dataset, names: Sequence[str]) -> bool:
    """Check whether attributes or names of the states say that one half of them are the rates of the other half."""
    return bool(_pairs_said(_declared(dataset, names), names))


def _declared(dataset: xr.Dataset, names: Sequence[str]) -> list[tuple[str, str]]:
    return [(str(dataset[n].attrs["derivative_of"]), n) for n in names if "derivative_of" in dataset[n].attrs]


def _pairs_said(declared: list[tuple[str, str]], names: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs (position, velocity) of all states in the order of the positions; none where not all are told."""
    others = [name for name in names if not any(name in pair for pair in declared)]
    for pairs in (declared, declared + _by_name(others)):
        if 2 * len(pairs) == len(names) == len({name for pair in pairs for name in pair}):
            return sorted(pairs, key=lambda pair: list(names).index(pair[0]))
    return []


def _by_name(names: Sequence[str]) -> list[tuple[str, str]]:
    """Find pairs (position, velocity) that the names say; those that say more than one thing are left out."""
    held = set(names)
    pairs = [(name, rate) for name in names for rate in dict.fromkeys(_rates(name)) if rate in held]
    told = [name for pair in pairs for name in pair]
    return [pair for pair in pairs if all(told.count(name) == 1 for name in pair)]


def _rates(name: str) -> Iterator[str]:
    """Yield what the velocity of a position may be called."""
    yield from (f"v{name}", f"v_{name}", f"d{name}", f"d{name}_dt", f"d{name}dt", f"{name}_dot", f"{name}dot")
    yield from (f"{name}'", f"vel_{name}", f"velocity_{name}", f"{name}_velocity", f"{name}_t")
    for letters, rates in (("x", "v"), ("q", "v"), ("r", "v"), ("theta", "omega"), ("phi", "omega")):
        index = name.removeprefix(letters)
        if index != name and (not index or index.lstrip("_").isdigit()):
            yield f"{rates}{index}"
