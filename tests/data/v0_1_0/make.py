"""The files in this folder, as version 0.1.0 wrote them: every kind that it could save, each a few kB.

`tests/data/test_old_files.py` opens them with the symdyn of today. They are never made anew: files of a later version
belong in a folder of their own. Their bytes are those that were written, packed by gzip, since netCDF files are mostly
room kept for more. With symdyn 0.1.0 and its extras `neural` and `test`:

    python tests/data/v0_1_0/make.py FOLDER
"""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pysindy as ps
import torch

import symdyn as sd
from symdyn.functions.features import CentralForce, Fourier, Monomials, Polynomial, Radial
from symdyn.neural import (
    FNO,
    EquivariantFNO,
    EquivariantMLP,
    FieldScale,
    LieDerivativePenalty,
    Ramp,
    ScaledFields,
    SubequivariantMLP,
    save_module,
    train,
)
from symdyn.regression import FittedLaw, SymmetricSINDy, law_of
from symdyn.sums.checkpoint import accumulate_resumable
from symdyn.sums.moments import accumulate
from symdyn.sums.store import save_moments
from symdyn.systems.flows import simulate
from symdyn.systems.laws import polynomial_law

WORKFLOWS = Path(__file__).resolve().parents[3] / "workflows"
TURN = np.array([[[0.0, -1.0], [1.0, 0.0]]])
SMALL = {"noise": 0.01, "rng": 0, "n_trajectories": 8, "n_times": 150}


def main(target: Path) -> None:
    target = target.resolve()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # paths are relative, so that no file knows of the folders of this machine
        for name in ("algebras", "laws", "sums", "networks"):
            Path(name).mkdir()
        for write in (algebras, laws, sums, networks, training, runs):
            write()
        for path in sorted(path for kept in KEPT for path in Path().glob(kept)):
            packed = path.suffix in (".nc", ".safetensors")
            place = target / (f"{path}.gz" if packed else path)
            place.parent.mkdir(parents=True, exist_ok=True)
            content = path.read_bytes()
            place.write_bytes(gzip.compress(content, 9, mtime=0) if packed else content)
        os.chdir(target)


# Pictures, pages and logs are for people: nothing opens them again.
KEPT = (
    *("algebras/*.nc", "laws/*.nc", "sums/**/*.nc", "networks/*.safetensors", "training/*.safetensors"),
    *("discover/results.nc", "fields/results.nc", "fit/results.nc"),
    *("recovery/results.nc", "recovery/*.csv", "recovery/points/*.json"),
)


def hopf(**options):
    x, step = sd.systems.hopf(**{**SMALL, **options})
    return sd.open_trajectories(x, t=step, states=["x", "y"])


def algebras() -> None:
    """Given generators, which are exact; quadratic ones; and one that was found, with error bars."""
    given = sd.LieAlgebra.from_matrices([TURN[0], np.eye(2)], time_scaling=[0, 1.5], states=["x", "y"])
    given.save("algebras/exact.nc")
    quadratic = sd.candidates.from_fields(Polynomial(2), np.eye(3)[:, None, :], states=["s"])  # ∂s, s ∂s, s^2 ∂s
    sd.LieAlgebra(quadratic).save("algebras/quadratic.nc")
    search = sd.SymmetryDiscovery(sd.candidates.gl(2), law=Polynomial(3), rng=0).fit(hopf(n_trajectories=6))
    search.algebra_.save("algebras/found.nc")


def laws() -> None:
    """A fit, and laws of every kind, on features of every kind."""
    x, step = sd.systems.hopf(**SMALL)
    sparse = ps.STLSQ(threshold=0.1, alpha=1e-10)
    model = SymmetricSINDy(sparse, Polynomial(3).to_library(), symmetry=sd.LieAlgebra(sd.candidates.so(2)))
    law_of(model.fit(x, step, feature_names=["x", "y"])).save("laws/fitted.nc")

    # Newton's law with friction: q'' = −q / |q|^3 − v / 10.
    features = CentralForce((0, 3), columns=(0, 1)) + Polynomial(1, constant=False, columns=(2, 3))
    coefficients = np.hstack([np.zeros((2, 2)), -np.eye(2), -0.1 * np.eye(2)])
    FittedLaw(features, coefficients, ("x", "y", "vx", "vy"), "second_order").save("laws/second_order.nc")

    # The standard map as increments: p gains 0.6 sin q, and q gains the new p.
    features = Fourier(1) + Polynomial(1)
    names = features.names(("q", "p"))
    coefficients = np.zeros((2, len(names)))
    coefficients[:, names.index("sin(1 q)")] = 0.6
    coefficients[0, names.index("p")] = 1.0
    FittedLaw(features, coefficients, ("q", "p"), "map").save("laws/map.nc")

    # x' = x y u, y' = 2 / r^2 − y^3, driven by an input u.
    features = Monomials(((1, 1, 1), (0, 3, 0))) + Radial((2,), columns=(0, 1))
    FittedLaw(features, np.array([[1.0, 0, 0], [0, -1, 2]]), ("x", "y", "u")).save("laws/with_input.nc")


def sums() -> None:
    """Sums of features as they are; and along axes, as the parts of a pass that can be resumed."""
    x, step = sd.systems.lotka_volterra(rng=0, n_trajectories=4, n_times=150)
    data = sd.open_trajectories(x, t=step, states=["x", "y"])
    save_moments(accumulate(data.isel(trajectory=[0, 1]), Polynomial(2), n_points=8), "sums/plain.nc")
    chunked = data.chunk(trajectory=2)
    accumulate_resumable(chunked, Polynomial(2), "flow", "sums", "0.1.0", n_points=8, method="qr")


def networks() -> None:
    """Networks with a config, one in units of fields, and one that must be given to load into."""
    torch.manual_seed(0)
    found = sd.LieAlgebra.from_matrices(1.001 * TURN, errors=np.full((1, 2, 2), 1e-3))
    save_module(EquivariantMLP(found, found, hidden=(4,)).double(), "networks/mlp.safetensors")
    operator = EquivariantFNO(TURN, modes=(2,), copies=2, layers=2).double()
    scale = FieldScale(("u", "v"), np.zeros(2), np.array([2.0, 2.0]))
    save_module(ScaledFields(operator, scale), "networks/operator.safetensors")
    save_module(SubequivariantMLP(1, 1, (0.0, 0.0, -1.0), hidden=(4,)).double(), "networks/without_config.safetensors")


def waves():
    """Two fields on 8 points, and the same moved on by a quarter of the period and weaker."""
    x, k = 2 * np.pi * np.arange(8) / 8, np.arange(6)[:, None]
    u = torch.as_tensor(np.stack([np.cos(x + k), np.sin(x - k)], axis=1))
    return u, 0.8 * torch.roll(u, 2, -1)


def training() -> None:
    """A training of four epochs, interrupted after two."""

    def interrupt(done, _):
        if done == 2:
            raise KeyboardInterrupt

    torch.manual_seed(0)
    module = FNO(2, 2, modes=(2,), width=3, layers=1).double()
    penalty = LieDerivativePenalty(TURN, output="map", n_generators=1)
    options = {"epochs": 4, "batch": 3, "rate": 1e-2, "penalty": penalty, "weight": Ramp(0.1, 0, 4), "seed": 3}
    try:
        train(module, waves(), waves(), **options, about="waves", checkpoint="training", progress=interrupt)
    except KeyboardInterrupt:
        pass


def runs() -> None:
    """Results of workflows on a few kB of data."""
    circles = polynomial_law([{"y": 1}, {"x": -1}], "xy")
    x, step = simulate(circles, [(-1, 1)] * 2, length=8.0, **SMALL)
    sd.open_trajectories(x, t=step, states=["x", "y"]).to_netcdf("oscillator.nc", engine="h5netcdf")
    hopf().to_netcdf("hopf.nc", engine="h5netcdf")
    sd.LieAlgebra(sd.candidates.so(2, states="xy")).save("so2.nc")
    kdv = sd.systems.kdv(noise=0.0, n_trajectories=6, n_points=128, n_times=100, rng=100)
    kdv.to_netcdf("kdv.nc", engine="h5netcdf")
    workflow("discover", "oscillator.nc", "--candidates", "gl", "--law", "polynomial:1")
    workflow("fields", "kdv.nc", "--candidates", "translations,scalings")
    workflow("fit", "hopf.nc", "--symmetry", "so2.nc")
    workflow("recovery", "--m", "5", "--r", "1", "--degree", "2", "--seeds", "0-1")


def workflow(name, *options) -> None:
    command = [sys.executable, str(WORKFLOWS / f"{name}.py"), *options, "--out", name, "--quiet"]
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
