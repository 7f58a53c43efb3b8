"""One prediction of one sample, which a controller or a solver asks for thousands of times."""

from __future__ import annotations

import numpy as np
import pysindy as ps
from measure import interleaved, row

import symdyn as sd
from symdyn.regression import SymmetricSINDy

CALLS, PYSINDY_CALLS = 2000, 20
LIBRARIES = {
    "polynomial of degree 3": ps.PolynomialLibrary(3),
    "polynomial of degree 5": ps.PolynomialLibrary(5),
    "waves": ps.FourierLibrary(2),
    "polynomial and waves": ps.PolynomialLibrary(2) + ps.FourierLibrary(1),
}


def main() -> None:
    x, step = sd.systems.lorenz(n_trajectories=2)
    sample = x[0][:1]
    for name, library in LIBRARIES.items():
        model = SymmetricSINDy(ps.STLSQ(threshold=0.01), library).fit(x, step)
        seconds = interleaved(
            {
                "symdyn": lambda model=model: _repeated(model.predict, sample, CALLS),
                "pysindy": lambda model=model: _repeated(model.model_.predict, sample, PYSINDY_CALLS),
            },
            5,
        )
        own, plain = 1e6 * seconds["symdyn"] / CALLS, 1e6 * seconds["pysindy"] / PYSINDY_CALLS
        row(f"predict one sample, {name}", f"{own:.0f} us (pysindy {plain:.0f} us)", "<= 30 us", own <= 30)


def _repeated(predict, sample: np.ndarray, n: int) -> None:
    for _ in range(n):
        predict(sample)


if __name__ == "__main__":
    main()
