"""Partial differential equations with known point symmetries."""

from __future__ import annotations

from symdyn.jets.evolution import Evolution

__all__ = ["FIELD_SYSTEMS", "NONLOCAL_SYSTEMS", "field_equations", "field_law", "known_symmetries"]

FIELD_SYSTEMS = (
    "heat",
    "burgers",
    "potential_burgers",
    "kdv",
    "kuramoto_sivashinsky",
    "wave",
    "schroedinger",
    "lambda_omega",
)

# Their terms hold the potential of a field, which is no function of its jets: there is no `field_law`.
NONLOCAL_SYSTEMS = ("vorticity",)

_CUBE = {
    "u": {"u": 1.0, "u^3": -1.0, "u v^2": -1.0, "v^3": 1.0, "u^2 v": 1.0},
    "v": {"v": 1.0, "v^3": -1.0, "u^2 v": -1.0, "u^3": -1.0, "u v^2": -1.0},
}


def field_equations(
    name: str, *, viscosity: float = 0.2, advection: float = 1.0, damping: float = 0.0, drift: float = 0.0
) -> dict[str, dict[str, float]]:
    """Return the coefficients, by field and term, of the right side of u_t = N[u] (u_tt for `"wave"`).

    Parameters
    ----------
    name : str
        One of `FIELD_SYSTEMS` or `NONLOCAL_SYSTEMS`; terms of `"vorticity"` hold psi with Laplacian psi = w.
    viscosity : float
        Coefficient of the second derivatives in the heat, Burgers, lambda-omega and vorticity equations.
    advection : float
        Coefficient in the term −advection u u_x of Burgers, KdV and Kuramoto-Sivashinsky.
    damping : float
        Adds −damping u to the equation of each real field, which breaks scaling and boost of Burgers and KdV.
    drift : float
        Adds −drift u_x to the equation for u, but not to that for v, so that no change of frame removes it.

    Raises
    ------
    ValueError
        For another name.

    Examples
    --------
    >>> import symdyn as sd
    >>> sd.systems.field_equations("burgers", viscosity=0.1)
    {'u': {'u u_x': -1.0, 'u_xx': 0.1}}
    >>> sd.systems.field_equations("vorticity", viscosity=0.01)["w"]
    {'psi_y w_x': 1.0, 'psi_x w_y': -1.0, 'w_xx': 0.01, 'w_yy': 0.01}
    """
    if name not in (*FIELD_SYSTEMS, *NONLOCAL_SYSTEMS):
        raise ValueError(f"name must be one of {', '.join((*FIELD_SYSTEMS, *NONLOCAL_SYSTEMS))}, got {name!r}")
    second = {"u_xx": viscosity}
    tables = {
        "heat": {"u": second},
        "burgers": {"u": {"u u_x": -advection, **second}},
        "potential_burgers": {"u": {"u_x^2": -advection / 2, **second}},
        "kdv": {"u": {"u u_x": -advection, "u_xxx": -1.0}},
        "kuramoto_sivashinsky": {"u": {"u u_x": -advection, "u_xx": -1.0, "u_xxxx": -1.0}},
        "wave": {"u": {"u_xx": 1.0}},
        "schroedinger": {
            "u": {"v_xx": -0.5, "u^2 v": -1.0, "v^3": -1.0},
            "v": {"u_xx": 0.5, "u^3": 1.0, "u v^2": 1.0},
        },
        "lambda_omega": {w: {f"{w}_xx": viscosity, f"{w}_yy": viscosity, **_CUBE[w]} for w in "uv"},
        # The velocity is (−psi_y, psi_x).
        "vorticity": {"w": {"psi_y w_x": 1.0, "psi_x w_y": -1.0, "w_xx": viscosity, "w_yy": viscosity}},
    }
    found = {field: dict(terms) for field, terms in tables[name].items()}
    for field, terms in found.items():
        if damping:
            terms[field] = terms.get(field, 0.0) - damping
    if drift:
        first = next(iter(found))
        found[first][f"{first}_x"] = -drift
    return found


def field_law(name: str, **parameters) -> Evolution:
    r"""Return the law as exact polynomials in jets; parameters as for `field_equations`.

    Raises
    ------
    ValueError
        For an unknown name, and for systems that are not local.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.jets.evolution import exact_symmetries
    >>> from symdyn.jets.pointfields import point_candidates
    >>> affine = point_candidates(1, ["t", "x"], ["u"])
    >>> found = exact_symmetries(sd.systems.field_law("kdv"), affine)
    >>> print(*found.texts(), sep="\n")
    ∂t
    t ∂t + 0.333 x ∂x − 0.667 u ∂u
    ∂x
    t ∂x + ∂u
    """
    if name in NONLOCAL_SYSTEMS:
        raise ValueError(f"{name} is no function of jets: its terms hold the potential of a field")
    equations = field_equations(name, **parameters)
    coordinates = ("t", "x", "y") if name == "lambda_omega" else ("t", "x")
    return Evolution.of(equations, coordinates, time_order=2 if name == "wave" else 1)


def known_symmetries(name: str, *, advection: float = 1.0, viscosity: float = 0.2) -> list[str]:
    """List the known generators of degree up to 2, as text for `symdyn.jets.pointfields.parse_generator`.

    Olver, Applications of Lie groups to differential equations (1993), examples 2.41 to 2.45; Ibragimov, CRC handbook
    of Lie group analysis of differential equations, vol. 1 (1994). The algebras of the heat and wave equations contain
    one generator per solution; the list holds the polynomial ones of degree up to 2. For vorticity, it holds those that
    keep the mean velocity zero; the infinitely many others (boosts, moving frames) act on the potential.

    Parameters
    ----------
    name : str
        One of `FIELD_SYSTEMS` or `NONLOCAL_SYSTEMS`.
    advection, viscosity : float
        As for `field_equations`.

    Examples
    --------
    >>> import symdyn as sd
    >>> sd.systems.known_symmetries("burgers")
    ['∂t', '∂x', '1.0 t ∂x + ∂u', '2 t ∂t + x ∂x − u ∂u', '1.0 t^2 ∂t + 1.0 t x ∂x + x ∂u − 1.0 t u ∂u']
    """
    moves = ["∂t", "∂x"]
    a, nu = advection, viscosity
    tables = {
        "heat": [*moves, "2 t ∂t + x ∂x", f"{2 * nu} t ∂x − x u ∂u", "u ∂u", "∂u", "x ∂u", f"x^2 ∂u + {2 * nu} t ∂u"],
        "burgers": [
            *moves,
            f"{a} t ∂x + ∂u",
            "2 t ∂t + x ∂x − u ∂u",
            f"{a} t^2 ∂t + {a} t x ∂x + x ∂u − {a} t u ∂u",
        ],
        "potential_burgers": [
            *moves,
            "∂u",
            "2 t ∂t + x ∂x",
            f"{a} t ∂x + x ∂u",
            f"{2 * a} t^2 ∂t + {2 * a} t x ∂x + x^2 ∂u + {2 * nu} t ∂u",
        ],
        "kdv": [*moves, f"{a} t ∂x + ∂u", "3 t ∂t + x ∂x − 2 u ∂u"],
        "kuramoto_sivashinsky": [*moves, f"{a} t ∂x + ∂u"],
        "wave": [
            *moves,
            "t ∂t + x ∂x",
            "x ∂t + t ∂x",
            "t^2 ∂t + x^2 ∂t + 2 t x ∂x",
            "2 t x ∂t + t^2 ∂x + x^2 ∂x",
            "u ∂u",
            "∂u",
            "t ∂u",
            "x ∂u",
            "t x ∂u",
            "t^2 ∂u + x^2 ∂u",
        ],
        "schroedinger": [
            *moves,
            "u ∂v − v ∂u",
            "t ∂x + x u ∂v − x v ∂u",
            "2 t ∂t + x ∂x − u ∂u − v ∂v",
        ],
        "lambda_omega": [*moves, "∂y", "x ∂y − y ∂x", "u ∂v − v ∂u"],
        "vorticity": [*moves, "∂y", "x ∂y − y ∂x", "2 t ∂t + x ∂x + y ∂y − 2 w ∂w"],
    }
    return tables[name]
