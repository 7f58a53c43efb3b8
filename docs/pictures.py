"""Draw the pictures of the pages, from symdyn's own systems, searches and imports.

    python docs/pictures.py            all of them, into docs/pictures
    python docs/pictures.py packages   one

They are checked in: read on their own, pages have them, too.
"""

import ast
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from PIL import Image
from scipy.integrate import solve_ivp
from scipy.linalg import expm

import symdyn as sd
from symdyn.reporting.style import ACCENT, GREY, INK, SECOND, VERDICT_COLOURS, clean, new_figure

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "pictures"
PURPOSE = {
    "cli": "the command",
    "runs": "run directories, jobs, schedulers",
    "reporting": "figures, tables, pages",
    "regression": "laws inside a symmetry",
    "invariant": "kernels",
    "promotion": "nuclear norm",
    "neural": "networks",
    "discovery": "the searches",
    "evidence": "bounds and verdicts",
    "laws": "the law and its error",
    "sums": "one pass over the data",
    "rows": "windows, instruments, noise",
    "data": "files, units",
    "datasets": "measured data",
    "flows": "motion along generators",
    "systems": "test problems",
    "jets": "fields u(t, x)",
    "lie": "vector fields, groups, algebras",
    "functions": "libraries of functions",
}


def _arrows(axes: Axes, law, points: np.ndarray) -> None:
    """Draw the directions of a law at points."""
    rates = law(points)
    rates = rates / np.maximum(np.linalg.norm(rates, axis=1, keepdims=True), 1e-12)
    axes.quiver(*points.T, *rates.T, color=GREY, alpha=0.55, width=0.004, scale=26, pivot="mid")


def _bare(axes: Axes, title: str) -> Axes:
    axes.set_title(title, fontsize=10, color=INK, loc="left")
    axes.set(xticks=[], yticks=[], aspect="equal")
    for spine in axes.spines.values():
        spine.set_color(GREY)
    return axes


def _plane(half: float, n: int) -> np.ndarray:
    side = np.linspace(-half, half, n)
    return np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)


def _turned(axes: Axes, law, start: tuple[float, float], length: float, colour: str, half: float) -> None:
    """Draw an orbit, and the same turned by 75 degrees, over the directions of the law."""
    _arrows(axes, law, _plane(half, 15))
    times = np.linspace(0, length, 600)
    orbit = _orbit(law, start, times)
    turn = expm(np.radians(75) * np.array([[0.0, -1.0], [1.0, 0.0]]))
    for points, shade in ((orbit, INK), (orbit @ turn.T, colour)):
        axes.plot(*points.T, color=shade, lw=1.8)
        axes.plot(*points[0], "o", color=shade, ms=5)
    axes.set(xlim=(-half, half), ylim=(-half, half))


def _orbit(law, start, times: np.ndarray) -> np.ndarray:
    return solve_ivp(lambda _, x: law(x[None])[0], times[[0, -1]], start, t_eval=times, rtol=1e-8).y.T


def symmetry() -> Figure:
    """Draw what a symmetry does to solutions: a rotation that holds, one that does not, a flip, a scaling."""
    figure, axes = new_figure(8, 7.6, 2, 2)
    _turned(
        _bare(axes[0, 0], "Hopf oscillator: the turned orbit is an orbit"),
        sd.systems.exact_law("hopf"), (0.15, 0.0), 5.0, ACCENT, 1.05,
    )  # fmt: skip
    _turned(
        _bare(axes[0, 1], "Van der Pol: the turned orbit crosses the flow"),
        sd.systems.exact_law("van_der_pol"), (0.4, 0.0), 9.0, SECOND, 3.4,
    )  # fmt: skip
    panel = _bare(axes[1, 0], "Lorenz: (x, y, z) → (−x, −y, z) swaps the wings")
    states = _orbit(sd.systems.exact_law("lorenz"), (1.0, 1.0, 12.0), np.linspace(0, 12, 4000))[400:, [0, 2]]
    for points, shade in ((states, INK), (states * [-1, 1], ACCENT)):
        panel.plot(*points.T, color=shade, lw=0.9)
    panel.set(aspect="auto", xlabel="x", ylabel="z")
    _kepler(_bare(axes[1, 1], "Kepler: lengths × 2, times × 2$^{3/2}$"))
    return figure


def _kepler(panel: Axes) -> None:
    """Draw one ellipse, the same scaled, and both at equal fractions of the period."""

    def newton(s):
        return np.concatenate([s[:, 2:], -s[:, :2] / np.linalg.norm(s[:, :2], axis=1, keepdims=True) ** 3], axis=1)

    start = np.array([0.6, 0.0, 0.0, np.sqrt(2 / 0.6 - 1)])
    for scale, shade in ((1, INK), (2, ACCENT)):
        times = np.linspace(0, 2 * np.pi * scale**1.5, 601)
        begin = np.concatenate([scale * start[:2], start[2:] / np.sqrt(scale)])
        orbit = _orbit(newton, begin, times)[:, :2]
        panel.plot(*orbit.T, color=shade, lw=1.8)
        panel.plot(*orbit[:-1:50].T, "o", color=shade, ms=4)
    panel.plot(0, 0, "*", color=SECOND, ms=11)


def verdicts() -> Figure:
    """Draw violation and bound of one rotation in five data sets, each with its verdict."""
    cases = (
        ("Hopf, 20 runs, 5 % noise", sd.systems.hopf(noise=0.05, rng=0)),
        ("Hopf, 3 runs, 5 % noise", sd.systems.hopf(noise=0.05, rng=0, n_trajectories=3)),
        ("Hopf, 5 runs, 20 % noise", sd.systems.hopf(noise=0.2, rng=0, n_trajectories=5)),
        ("Hopf with −x³/2, 20 runs, 1 % noise", sd.systems.hopf(noise=0.01, rng=0, breaking=0.5)),
        ("Van der Pol, 2 % noise", sd.systems.van_der_pol(noise=0.02, rng=0)),
    )
    figure, ((axes,),) = new_figure(8, 2.7)
    for row, (_, data) in enumerate(cases):
        found = sd.SymmetryDiscovery("so", "polynomial:3").fit(*data).verdicts_.isel(generator=0)
        verdict, eps, bound = str(found.verdict.values), float(found.violation), float(found.upper_bound)
        colour = VERDICT_COLOURS[verdict]
        axes.plot([eps, bound], [row, row], color=colour, lw=5, solid_capstyle="butt", alpha=0.55)
        axes.plot(eps, row, "o", color=colour, ms=7, clip_on=False, zorder=3)
        axes.annotate(f"{verdict}: {eps:.3g}, bound {bound:.3g}", (1.02, row), xycoords=("axes fraction", "data"),
                      va="center", fontsize=9, color=colour if verdict != "undetermined" else INK)  # fmt: skip
    axes.axvline(0.1, color=INK, lw=1, ls="--")
    axes.annotate("delta = 0.1", (0.1, -0.75), xytext=(4, 0), textcoords="offset points", fontsize=9, color=INK)
    axes.set_xscale("function", functions=(lambda v: np.sqrt(np.abs(v)), np.square))
    axes.set(
        xlim=(0, 1), ylim=(4.5, -1), xticks=[0, 0.01, 0.05, 0.1, 0.2, 0.4, 0.8], xlabel="violation of the rotation"
    )
    axes.set_yticks(range(5), [name for name, _ in cases])
    clean(axes).xaxis.label.set_color(INK)
    return figure


def plots() -> Figure:
    """Draw one search by its own methods: evidence, generator, law, what the symmetry bought."""
    hopf = sd.systems.hopf(noise=0.05, rng=0)
    search = sd.SymmetryDiscovery("gl+sign_flips", "polynomial:3").fit(hopf)
    figure, axes = new_figure(10, 7.6, 2, 2)
    search.plot(ax=axes[0, 0]).set_title("search.plot()", loc="left", fontsize=10, pad=22)
    search.algebra_.plot(hopf, ax=axes[0, 1], generator=0)
    axes[0, 1].set_title("")
    axes[0, 1].set_title("algebra.plot(data)", loc="left", fontsize=10, pad=22)
    search.law_.plot(over=hopf, ax=axes[1, 0]).set_title("law.plot(over=data)", loc="left", fontsize=10)
    fit = sd.regression.discover_then_fit(hopf, "gl", "polynomial:3")
    fit.plot(ax=axes[1, 1]).set_title("fit.plot()", loc="left", fontsize=10)
    return figure


def layers() -> list[tuple[str, ...]]:
    """Return the packages of each layer, from the top, as `tests/test_house.py` holds them to it."""
    tree = ast.parse((ROOT / "tests" / "test_house.py").read_text(encoding="utf-8"))
    floors = next(n.value for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "FLOORS")
    return ast.literal_eval(floors)[::-1]


def places() -> dict[str, tuple[float, float]]:
    """Return where each package is drawn: the largest of a layer in the middle, then one on the right and one left."""
    found = {}
    for depth, layer in enumerate(layers()):
        ordered = sorted(layer, key=lambda name: -len(list((ROOT / "symdyn" / name).rglob("*.py"))))
        for name, side in zip(ordered, (0, 1, -1), strict=False):
            found[name] = 3.4 * side, -float(depth)
    return found


def imports() -> dict[str, set[str]]:
    """Return which packages of symdyn each package imports, at any time but for type checkers and ways up."""
    depths = {name: y for name, (_, y) in places().items()}
    graph: dict[str, set[str]] = {name: set() for name in depths}
    for path in (ROOT / "symdyn").rglob("*.py"):
        package = path.relative_to(ROOT / "symdyn").parts[0]
        if package in graph:
            graph[package] |= {name for name in _imported(path) if depths.get(name, 1) < depths[package]}
    return graph


def _imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[1] for name in names if name.startswith("symdyn.")}


def reduced(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return a graph without the arrows that a path of others implies."""
    reach: dict[str, set[str]] = {}
    for name in TopologicalSorter(graph).static_order():
        reach[name] = set(graph[name]).union(*(reach[other] for other in graph[name]))
    return {
        name: {other for other in others if not any(other in reach[between] for between in others)}
        for name, others in graph.items()
    }


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw an arrow to the layer below; to one further down beside the boxes between, on the left."""
    (x, y), (to_x, to_y) = start, end
    near = y - to_y < 1.5
    if not near and abs(x - to_x) < 1:
        ends, bend = ((x - 1.45, y), (to_x - 1.48, to_y)), 0.35
    else:
        ends, bend = ((x, y - 0.3), (to_x + 0.7 * np.sign(x - to_x), to_y + 0.3)), 0.0
    style = {"arrowstyle": "-|>", "color": GREY, "lw": 1.2, "connectionstyle": f"arc3,rad={bend}"}
    axes.annotate("", ends[1], ends[0], arrowprops=style, zorder=0)


def packages() -> Figure:
    """Draw the layers of packages; an arrow is an import that no path of others implies."""
    figure, ((axes,),) = new_figure(8.4, 9.2)
    where = places()
    for name, others in reduced(imports()).items():
        for other in sorted(others):
            _arrow(axes, where[name], where[other])
    for name, (x, y) in where.items():
        box = FancyBboxPatch((x - 1.45, y - 0.29), 2.9, 0.58, boxstyle="round,pad=0.02", fc="#eef6f8", ec=ACCENT)
        axes.add_patch(box)
        axes.text(x, y + 0.1, name, ha="center", va="center", fontsize=10, weight="bold", color=INK)
        axes.text(x, y - 0.14, PURPOSE.get(name, ""), ha="center", va="center", fontsize=7.5, color=INK)
    axes.set(xlim=(-5, 5), ylim=(-len(layers()) + 0.4, 0.5))
    axes.axis("off")
    return figure


PICTURES = {"symmetry": symmetry, "verdicts": verdicts, "plots": plots, "packages": packages}


def main(names: list[str]) -> None:
    """Draw pictures by name, or all."""
    OUT.mkdir(exist_ok=True)
    for name in names or PICTURES:
        path = OUT / f"{name}.png"
        PICTURES[name]().savefig(path, dpi=130)
        Image.open(path).convert("RGB").quantize(96, dither=Image.Dither.NONE).save(path, optimize=True)
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main(sys.argv[1:])
