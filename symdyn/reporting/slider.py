"""The slider of a page: curves as paths of one drawing, for a few lines of script to choose among."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from symdyn.reporting.moving import Motion, Mover
from symdyn.reporting.texts import number

__all__ = ["Drawing", "drawings"]

WIDTH, HEIGHT = 640, 460
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 12, 12, 48
_GHOSTS = (0, 5, 15, 20)  # amounts that are drawn faintly: without a script these are all that is seen
_EVERY = 8  # points of a solution, one dot


@dataclass(frozen=True)
class Drawing:
    """One motion in the pixels of the page.

    `start` is the curve as it was, `ghosts` some of the moved ones; `paths` and `dots` are JSON lists with an entry for
    each amount; ticks are pairs of place and text.
    """

    generator: str
    amounts: str
    start: str
    ghosts: list[str]
    paths: str
    dots: str
    first: int
    ticks_across: list[tuple[int, str]]
    ticks_up: list[tuple[int, str]]
    axes: tuple[str, str]


def drawings(mover: Mover) -> list[Drawing]:
    """Lay out each motion of a slider."""
    return [_drawing(motion, mover.dotted) for motion in mover.motions]


def _drawing(motion: Motion, dotted: bool) -> Drawing:
    frame = _Frame.around(motion)
    middle = len(motion.amounts) // 2
    draw = frame.dots if dotted else frame.path
    curves = [draw(curve) for curve in motion.curves]
    solved = motion.solutions
    dots = [] if solved is None else [frame.dots(curve if dotted else curve[::_EVERY]) for curve in solved]
    return Drawing(
        generator=motion.generator,
        amounts=json.dumps([number(amount) for amount in motion.amounts], ensure_ascii=False),
        start=curves[middle],
        ghosts=[curves[k] for k in _GHOSTS if k < len(curves)],
        paths=json.dumps(curves),
        dots=json.dumps(dots),
        first=middle,
        ticks_across=frame.ticks(0),
        ticks_up=frame.ticks(1),
        axes=motion.axes,
    )


@dataclass(frozen=True)
class _Frame:
    """The box `(axis, end)` of the data that the drawing shows."""

    low: np.ndarray
    high: np.ndarray

    @classmethod
    def around(cls, motion: Motion) -> _Frame:
        """Fit a box about all curves; with one unit, a length is as long across as up."""
        flat = motion.curves.reshape(-1, 2)
        low, high = np.nanmin(flat, axis=0), np.nanmax(flat, axis=0)
        size = np.where(high > low, high - low, 1.0)
        low, high = low - 0.04 * size, high + 0.04 * size
        pixels = np.array([WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM])
        if motion.equal:
            middle, half = (low + high) / 2, pixels * np.max((high - low) / pixels) / 2
            low, high = middle - half, middle + half
        return cls(low, high)

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Return places in the drawing `(point, 2)`, NaN far outside of it."""
        part = (points - self.low) / (self.high - self.low)
        part = np.where(np.abs(part - 0.5) < 2, part, np.nan)
        across = _LEFT + part[:, 0] * (WIDTH - _LEFT - _RIGHT)
        return np.column_stack([across, HEIGHT - _BOTTOM - part[:, 1] * (HEIGHT - _TOP - _BOTTOM)])

    def path(self, points: np.ndarray) -> str:
        """Write a line through points, with gaps where they are not known."""
        text, pen = [], False
        for x, y in self.pixels(points):
            if np.isfinite(x + y):
                text.append(f"{'L' if pen else 'M'}{x:.1f} {y:.1f}")
            pen = bool(np.isfinite(x + y))
        return "".join(text)

    def dots(self, points: np.ndarray) -> str:
        """Write points as lines of no length, which round ends make dots."""
        return "".join(f"M{x:.1f} {y:.1f}h0" for x, y in self.pixels(points) if np.isfinite(x + y))

    def ticks(self, axis: int) -> list[tuple[int, str]]:
        """Return places and texts of round numbers."""
        inside = _round_numbers(float(self.low[axis]), float(self.high[axis]))
        ends = np.full((len(inside), 2), self.low)
        ends[:, axis] = inside
        places = self.pixels(ends)[:, axis]
        return [(round(place), f"{value:g}".replace("-", "−")) for place, value in zip(places, inside, strict=True)]


def _round_numbers(low: float, high: float, most: int = 6) -> list[float]:
    """Return at most so many round numbers between two, or two of them."""
    rough = (high - low) / most
    unit = 10.0 ** np.floor(np.log10(rough))
    step = unit * min(factor for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if factor * unit >= rough * (1 - 1e-9))
    return [float(k * step) for k in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]
