"""Two bodies on circular orbits, unmasked: `python -m pytest benchmarks -m accuracy -k circular_orbits -s`.

The orbits cover a sheet of two dimensions of the four states of the first body, on which most coefficients of a cubic
map are not seen: what is not seen says nothing about the rotation, which is. Cubic law; one 4 x 4 matrix on
(x, y, vx, vy) of each body; 400 runs of 50 samples, one sense; noise a fraction of each standard deviation.
"""

from dataclasses import dataclass

import numpy as np
import pytest
from exact_verdicts import Truth, noisy, search
from kepler_map import increments

import symdyn as sd

NOISES, SEEDS = (0.0, 0.05, 0.1), range(6000, 6010)
CANDIDATES, LAW = sd.candidates.gl(4, copies=2), sd.features.Polynomial(3, columns=range(4))
_PLANE = np.array([[0.0, -1.0], [1.0, 0.0]])
ROTATION = sd.candidates.from_matrices(np.kron(np.eye(2), _PLANE)[None], copies=2)


@dataclass(frozen=True)
class Cell:
    """One search: accepted generators, angles of the first to so(2) in degrees, the verdict on so(2), its bound.

    `angle` is that of the algebra that is reported, `raw_angle` that of the generator as it came out of the evidence.
    """

    noise: float
    seed: int
    failure: str
    dim: int = 0
    angle: float = np.nan
    raw_angle: float = np.nan
    verdict: str = ""
    bound: float = np.nan
    worst: float = 0.0
    notes: tuple[str, ...] = ()


def cells(seeds, noises=NOISES, runs=400):
    """Yield a `Cell` for each search."""
    for seed in seeds:
        clean, step = sd.systems.two_body(rng=seed, circular=True, n_trajectories=runs)
        truth = Truth(increments, clean, most=1000)
        for noise in noises:
            yield _cell(truth, (noisy(clean, noise, [seed, 1]), step), noise, seed)


def _cell(truth, data, noise, seed):
    found = search(truth, data, None, CANDIDATES, LAW, kind="map")
    if found.failure:
        return Cell(noise, seed, found.failure)
    fitted = found.fitted
    judged = fitted.judge(ROTATION)
    reported = fitted.algebra_ if fitted.algebra_.dim else fitted.trivial_  # on circles the flow itself rotates
    return Cell(
        noise, seed, "", fitted.found_.dim, _angle(reported), _angle(fitted.found_), judged.verdict.item(),
        judged.upper_bound.item(), max(found.worst), found.notes,
    )  # fmt: skip


def _angle(algebra):
    if not algebra.dim:
        return np.nan
    vector, target = algebra.basis.vectors()[0], ROTATION.vectors()[0]
    cosine = abs(vector @ target) / np.linalg.norm(vector) / np.linalg.norm(target)
    return float(np.degrees(np.arccos(min(cosine, 1.0))))


def line(done):
    """The counts of one noise."""
    angles = [cell.angle for cell in done if np.isfinite(cell.angle)]
    raw = [cell.raw_angle for cell in done if np.isfinite(cell.raw_angle)]
    verdicts = [cell.verdict for cell in done]
    failures = sorted({cell.failure for cell in done if cell.failure})
    told = (
        f"{np.median(angles):.3f} (largest {max(angles):.3f}, before it is made exact {max(raw):.3f})"
        if raw
        else "none"
    )
    return (
        f"noise {done[0].noise:.0%} of {len(done)}: accepted dimensions {[cell.dim for cell in done]}, angle to so(2) "
        f"{told}; so(2) symmetric "
        f"{verdicts.count('symmetric')}, undetermined {verdicts.count('undetermined')}, broken "
        f"{verdicts.count('broken')}, median bound {np.median([cell.bound for cell in done]):.3g}; largest true eps "
        f"accepted {max(cell.worst for cell in done):.3f}; reasons {sum(bool(cell.notes) for cell in done)} "
        f"{'; '.join(failures)}"
    )


@pytest.mark.accuracy
def test_circular_orbits_show_their_rotation():
    """so(2) within 0.1 degree clean and 0.5 at 5 % (medians); within 1 or undetermined with the reason at 10 %."""
    print("\nTwo bodies on circular orbits, cubic map, one unmasked 4 x 4 matrix")
    every = list(cells(SEEDS))
    for noise, angle in zip(NOISES, (0.1, 0.5, 1.0), strict=True):
        done = [cell for cell in every if cell.noise == noise]
        print(line(done))
        for cell in done:
            assert not cell.failure and cell.verdict != "broken" and cell.dim <= 1
            assert cell.dim == 1 or (noise == 0.1 and cell.notes)
        assert np.nanmedian([cell.angle for cell in done]) <= angle
