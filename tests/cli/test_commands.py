"""The command as a person types it: one run of each kind, and what it says of mistakes."""

import json

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner
from options_of_workflows import ROOT

import symdyn as sd
import symdyn.cli.main as symdyn_main
from symdyn.cli.cost import advice_for_trajectories
from symdyn.cli.main import command

PLANETS = str(ROOT / "datasets" / "planets.nc")


def symdyn(*words):
    return CliRunner().invoke(command, [str(word) for word in words], prog_name="symdyn")


@pytest.fixture(scope="module")
def hopf(tmp_path_factory):
    x, step = sd.systems.hopf(noise=0.02, n_trajectories=8, n_times=150)
    path = tmp_path_factory.mktemp("data") / "hopf.nc"
    data = sd.open_trajectories(x, t=step, states=["x", "y"])
    for name in ("x", "y"):
        data[name].attrs["units"] = "m"
    data.to_netcdf(path)
    return path


@pytest.fixture(scope="module")
def run(hopf, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "hopf"
    done = symdyn("discover", hopf, "--candidates", "gl", "--conserved", "none", "--quiet", "--out", out)
    assert done.exit_code == 0, done.output
    return out


def test_a_discovery_leaves_a_run_directory(run):
    assert {"report.html", "results.nc", "config.toml", "run.log"} <= {path.name for path in run.iterdir()}


def test_results_are_shown_as_text_and_as_json(run):
    done = symdyn("show", run)
    assert done.exit_code == 0, done.output
    assert "algebra so(2) on (x, y)" in done.output and "x' = " in done.output and "verdict" in done.output
    found = json.loads(symdyn("show", run / "results.nc", "--json").output)
    assert found["algebra"]["generators"] == [{"generator": "y ∂x − x ∂y", "exact": True}]
    assert found["provenance"]["job"] == "discover"


def test_saved_algebras_laws_and_sums_are_shown(hopf, tmp_path):
    sd.LieAlgebra(sd.candidates.so(3)).save(tmp_path / "so3.nc")
    assert "algebra so(3) on" in symdyn("show", tmp_path / "so3.nc").output
    done = symdyn("sums", hopf, "--quiet", "--out", tmp_path / "sums")
    assert done.exit_code == 0, done.output
    assert "sums over 8 trajectories, 1200 samples" in symdyn("show", tmp_path / "sums").output


def test_a_report_is_opened(run, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert symdyn("show", run, "--open").exit_code == 0
    assert opened == [(run / "report.html").as_uri()]


def test_a_file_of_trajectories_is_checked():
    done = symdyn("check", PLANETS)
    assert done.exit_code == 0, done.output
    assert "rate of x" in done.output and "au/day" in done.output and "21600" in done.output
    assert f"next: symdyn discover {PLANETS} --kind second_order" in done.output
    found = json.loads(symdyn("check", PLANETS, "--json").output)
    assert found["trajectories"] == 9 and found["problem"] is None and found["cost"]["features"] == 84


def test_gaps_maps_and_missing_units_are_noted(tmp_path):
    rows = ["t,x,y", *(f"{t},{t % 3},{t % 5}" for t in [*range(20), *range(40, 60)])]
    (tmp_path / "map.csv").write_text("\n".join(rows[:21]))
    done = symdyn("check", tmp_path / "map.csv")
    assert (
        "add --kind map" in " ".join(done.output.split())
        and "no units: x, y" in done.output
        and "--law polynomial:1" in done.output
    )
    (tmp_path / "gap.csv").write_text("\n".join(rows))
    assert "1 steps longer than 5 times the median" in symdyn("check", tmp_path / "gap.csv").output


def test_laws_and_candidates_that_fit_are_listed():
    found = json.loads(symdyn("check", PLANETS, "--json").output)
    laws = {one["law"]: one for one in found["laws"]}
    assert laws["polynomial:3"] == {"law": "polynomial:3", "functions": 84, "rows_each": 257, "fits": True}
    assert not laws["polynomial:5"]["fits"] and laws["central:0-5"]["functions"] == 18
    assert found["candidates"]["affine"] == 12 and found["candidates"]["gl+time_scaling"] == 10


def test_angles_and_exchanged_axes_are_suspected(tmp_path):
    t = np.arange(200) * 0.1
    table = np.column_stack([t, np.rad2deg(t) * 3 % 360, (3 * t + 1) % (2 * np.pi), np.sin(t)])
    np.savetxt(tmp_path / "pendulum.csv", table, delimiter=",", header="t,a,b,c", comments="")
    said = symdyn("check", tmp_path / "pendulum.csv").output
    assert "a jumps by 360 between samples" in said and "b jumps by 2 pi" in said and "c jumps" not in said
    np.savez(tmp_path / "runs.npz", x=np.random.default_rng(0).normal(size=(400, 5, 2)), t=np.arange(5.0))
    assert "400 trajectories of 5 samples: are trajectories and times exchanged?" in " ".join(
        symdyn("check", tmp_path / "runs.npz").output.split()
    )


def test_no_line_of_a_check_is_wider_than_a_terminal(hopf):
    lines = symdyn("check", PLANETS).output.splitlines()
    assert all(len(line) <= 80 for line in lines if PLANETS not in line)


def test_fields_are_checked(tmp_path):
    sd.systems.heat(n_trajectories=2, n_times=20, n_points=32).to_netcdf(tmp_path / "heat.nc")
    done = symdyn("check", tmp_path / "heat.nc")
    assert done.exit_code == 0 and "fields over x" in done.output and "next: symdyn fields" in done.output


def test_what_is_wrong_with_a_file_is_one_line(hopf, tmp_path):
    with xr.open_dataset(hopf, engine="h5netcdf") as data:
        data = data.load()
    data["x"].values[2, 10] = np.nan
    data.to_netcdf(tmp_path / "gap.nc")
    done = symdyn("check", tmp_path / "gap.nc")
    assert done.exit_code == 1 and len(done.output.splitlines()) == 1
    assert "variable 'x' of trajectory '2' is not finite at sample 10" in done.output
    done = symdyn("check", tmp_path / "gap.nc", "--json")
    assert done.exit_code == 1 and "sample 10" in json.loads(done.output)["problem"]


def test_few_samples_get_a_law_of_low_degree():
    assert advice_for_trajectories(10_000, 3, "flow").options == []
    assert advice_for_trajectories(100, 3, "map").options == ["--law", "polynomial:2", "--kind", "map"]


def test_words_are_listed():
    assert "lorentz" in symdyn("list", "candidates").output
    found = json.loads(symdyn("list", "--json").output)
    assert set(found) == {"candidates", "elements", "laws", "systems", "datasets"}
    assert {"hopf", "kepler", "burgers"} <= set(found["systems"]) and all(found["systems"].values())


def test_the_demo_is_the_job_of_the_planets_on_the_data_that_ship(tmp_path, monkeypatch):
    called = []
    monkeypatch.setattr(symdyn_main, "run_job_of", lambda *given: called.append(given))
    assert symdyn("demo", "--force", "--out", tmp_path / "demo").exit_code == 0
    where = {"out": tmp_path / "demo", "resume": False, "force": True, "quiet": False}
    assert called == [("planets", {"data": PLANETS, **where})]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("discovr",), 2, "did you mean 'discover'?"),
        (("nothing",), 2, "there are demo, check, discover"),
        (("discover",), 2, "missing argument 'DATA'"),
        (("discover", PLANETS, "--candidate", "gl"), 2, "--candidates"),
        (("discover", PLANETS, "--kind", "flwo"), 2, "did you mean 'flow'?"),
        (("discover", PLANETS.replace("planets", "planet")), 1, f"did you mean '{PLANETS}'?"),
        (("discover", PLANETS, "--candidates", "afine"), 1, "did you mean 'affine'?"),
        (("discover", PLANETS, "--law", "polynomal:2"), 1, "did you mean 'polynomial'?"),
        (("discover", PLANETS, "--inputs", "force"), 1, "input 'force' is not in the data"),
        (("discover", PLANETS, "--states", "x,y,z,vx,vz,v_y"), 1, "did you mean 'vy'?"),
        (("discover", PLANETS, "--delta", "2"), 1, "delta must lie between 0 and sqrt(2)"),
        (("discover", PLANETS, "--scheduler", "thread"), 1, "scheduler must be auto, threads"),
        (("discover", PLANETS, "--resume", "--force"), 2, "--resume and --force exclude one another"),
        (("promote", PLANETS, "--targets", "v_x"), 1, "did you mean 'vx'?"),
        (("promote", PLANETS, "--gamma", "much"), 1, "--gamma must be cv or a number"),
        (("promote", PLANETS, "--output", "invariant"), 1, "name the values with --targets"),
        (("fields", PLANETS), 1, "holds trajectories, no fields"),
        (("fit", PLANETS), 2, "give --symmetry or --discover"),
        (("fit", PLANETS, "--discover", "--symmetry", PLANETS), 2, "exclude one another"),
        (("fit", PLANETS, "--symmetry", "none.nc"), 1, "no such file: none.nc"),
        (("recovery", "--m", "1-"), 2, "'1-' is no list of numbers"),
        (("recovery", "--small", "--m", "6"), 2, "leave out --m"),
        (("planets", "--simulate", "some"), 2, "'some' is not a valid integer"),
        (("planets", "--simulate", "0"), 1, "at least 2 bodies"),
        (("discover", PLANETS, "--quite"), 2, "no such option: --quite; did you mean '--quiet'?"),
        (("discover", PLANETS, "--scheduler", "slurm"), 1, "there is no sbatch on this machine"),
        (("sweep", ROOT / "README.md"), 1, "README.md is no TOML file"),
        (("fit", PLANETS, "--symmetry", ROOT / "README.md"), 1, "README.md holds no algebra: it is no netCDF file"),
        (("show", ROOT / "README.md"), 1, "it is no netCDF file; for data there is: symdyn check"),
        (("show", ROOT / "docs"), 1, "it is no run directory"),
        (("list", "candidats"), 2, "did you mean 'candidates'?"),
        (("show", PLANETS), 1, "holds no result of symdyn"),
        (("check", ROOT / "README.md"), 1, "unknown kind of file"),
    ],
)
def test_a_mistake_is_told_in_one_line(words, code, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")  # there may be a queue on this machine
    done = symdyn(*words)
    assert done.exit_code == code, done.output
    assert len(done.output.strip().splitlines()) == 1 and done.output.startswith("error: ")
    assert message in done.output
    assert not list(tmp_path.iterdir())


def test_debug_shows_where_an_error_arose(tmp_path):
    done = symdyn("discover", PLANETS, "--inputs", "force", "--quiet", "--debug", "--out", tmp_path / "run")
    assert done.exit_code == 1 and "Traceback" in done.output and "symdyn/" in done.output


def test_an_error_is_printed_once(hopf, tmp_path, monkeypatch):
    def fails(*_, **__):
        raise ValueError("the law is\nno law")

    monkeypatch.setattr("symdyn.runs.jobs.discover.SymmetryDiscovery.fit", fails)
    done = symdyn("discover", hopf, "--out", tmp_path / "run")
    assert done.exit_code == 1 and done.output.splitlines()[-1] == "error: the law is no law"
    assert done.output.count("no law") == 1
    assert "stopped: " in (tmp_path / "run" / "unfinished" / "run.log").read_text()


def test_a_result_is_printed_as_json_beside_the_log(hopf, run, tmp_path):
    found = json.loads(symdyn("show", run, "--json").output)
    assert found["report"] == str(run / "report.html") and found["title"] == "Symmetries in hopf.nc"
    assert found["findings"][0].startswith("The data show the symmetry so(2), generated by y ∂x − x ∂y.")
    done = symdyn("fit", hopf, "--symmetry", run / "results.nc", "--json", "--out", tmp_path / "law")
    assert done.exit_code == 0, done.output
    fitted = json.loads(done.stdout)
    assert fitted["law"][0].startswith("x' = ") and fitted["provenance"]["job"] == "fit" and "report: " in done.stderr


def test_a_folder_that_holds_a_run_asks_in_one_line(hopf, run):
    before = {path.name: path.stat().st_mtime_ns for path in run.iterdir()}
    done = symdyn("discover", hopf, "--out", run)
    assert done.exit_code == 1 and len(done.output.splitlines()) == 1
    assert "holds a finished run: --resume goes on with it, --force replaces it" in done.output
    assert {path.name: path.stat().st_mtime_ns for path in run.iterdir()} == before


@pytest.fixture(scope="module")
def energies(tmp_path_factory):
    """Points and an energy that turns about c leave as it is."""
    a, b, c, noise = np.random.default_rng(0).normal(size=(4, 400))
    path = tmp_path_factory.mktemp("data") / "energy.csv"
    columns = np.column_stack([a, b, c, 0.5 * (a**2 + b**2) + 0.3 * c * (a**2 + b**2) + 0.01 * noise])
    np.savetxt(path, columns, delimiter=",", header="a [m],b [m],c [m],E", comments="")
    return path


def test_columns_of_points_and_values_are_promoted(energies, tmp_path):
    done = symdyn("promote", energies, "--targets", "E", "--json", "--quiet", "--out", tmp_path / "run")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["algebra"]["generators"] == [{"generator": "b ∂a − a ∂b", "exact": True}]
    errors = {row[0]: float(row[1]) for row in found["tables"]["validation"]["rows"]}
    assert errors["promoted"] < 0.02 and errors["mean"] > 0.5
    assert any("candidate symmetries are broken" in text for text, _ in found["warnings"])
    assert sd.LieAlgebra.load(tmp_path / "run" / "results.nc").name == "so(2)"


@pytest.mark.parametrize("output", ["vector_field", "map"])
def test_rates_and_steps_of_trajectories_are_promoted(hopf, output, tmp_path):
    words = ("--output", output, "--candidates", "so", "--quiet", "--out", tmp_path / "run")
    done = symdyn("promote", hopf, *words)
    assert done.exit_code == 0, done.output
    found = json.loads(symdyn("show", tmp_path / "run", "--json").output)
    assert found["algebra"]["generators"] == [{"generator": "y ∂x − x ∂y", "exact": True}]


def test_a_fault_of_symdyn_is_one_line_too(monkeypatch):
    monkeypatch.setattr(sd.datasets, "path", lambda name: 1 / 0)
    done = symdyn("demo")
    assert done.exit_code == 1 and "ZeroDivisionError" in done.output and "Traceback" not in done.output
    assert "--debug" in done.output


def test_a_list_may_follow_its_option(monkeypatch):
    asked = []
    monkeypatch.setattr("symdyn.cli.job_commands.run_job_of", lambda workflow, values: asked.append(values["model"]))
    train = ("train", PLANETS, "--symmetry", PLANETS)
    assert symdyn(*train, "--model", "plain", "penalty", "--lead", "2").exit_code == 0
    assert symdyn(*train, "--model", "plain", "--model", "penalty").exit_code == 0
    assert symdyn("train", "--model", "plain", "penalty", "--symmetry", PLANETS, PLANETS).exit_code == 0
    assert asked == [("plain", "penalty")] * 3
