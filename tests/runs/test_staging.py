"""What a run directory holds when a run stops, fails, is killed, is repeated: one run as a whole, never two mixed."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from symdyn.runs import RunOptions, run_job
from symdyn.runs.staging import begin, finish, held, settle


class Killed(BaseException):
    """What nothing in the code catches."""


def job_of(name, *, fails=False):
    """A job that leaves two files with its name, and a part under the folder itself."""

    def job(run, _):
        (run.folder / "partial").mkdir(exist_ok=True)
        (run.folder / "partial" / f"{name}.nc").write_text(name)
        (run.path / "results.nc").write_text(name)
        if fails:
            raise ValueError(f"{name} cannot go on")
        (run.path / "report.html").write_text(name)
        (run.figures / f"{name}.png").write_text(name)

    return job


def run(out, name, *, fails=False, **options):
    run_job(RunOptions(out, quiet=True, **options), {"job": name}, job_of(name, fails=fails))


def contents(out):
    """The files of a folder with what they hold, parts and logs left out."""
    files = (path for path in Path(out).rglob("*") if path.is_file())
    names = {path.relative_to(out).as_posix(): path.read_text() for path in files}
    return {name: text for name, text in names.items() if not name.startswith("partial/") and ".log" not in name}


def whole(name):
    return {"config.toml": f'job = "{name}"\n', f"figures/{name}.png": name, "report.html": name, "results.nc": name}


@pytest.fixture
def out(tmp_path):
    """A folder with the finished run `first`."""
    run(tmp_path / "run", "first")
    return tmp_path / "run"


def files_of(out):
    return {
        name: text for name, text in contents(out).items() if not name.startswith((".run", "run.lock", "unfinished/"))
    }


def test_a_finished_run_is_whole_and_leaves_nothing_aside(out):
    assert files_of(out) == whole("first")
    assert (out / "run.log").exists() and not (out / "unfinished").exists() and not (out / "run.lock").exists()


def test_a_folder_that_holds_a_run_asks_and_stays_as_it_is(out):
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    with pytest.raises(SystemExit, match=r"^error: .*run holds a finished run: --resume .* --force") as stopped:
        run(out, "second")
    assert "\n" not in stopped.value.code
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_force_replaces_a_run_as_a_whole(out):
    run(out, "second", force=True)
    assert files_of(out) == whole("second")


def test_a_failed_rerun_leaves_the_run_before_complete_and_its_own_log_aside(out):
    log = (out / "run.log").read_text()
    with pytest.raises(SystemExit, match="second cannot go on"):
        run(out, "second", fails=True, force=True)
    assert files_of(out) == whole("first") and (out / "run.log").read_text() == log
    assert (out / "unfinished" / "config.toml").read_text() == 'job = "second"\n'
    assert "stopped: ValueError: second cannot go on" in (out / "unfinished" / "run.log").read_text()
    run(out, "third", resume=True)
    assert files_of(out) == whole("third") and not (out / "unfinished").exists()
    assert "second cannot go on" in (out / "run.log").read_text()  # a resumed run adds to the log
    assert (out / "partial" / "second.nc").exists()


def test_parts_of_a_run_that_stopped_ask_too(tmp_path):
    with pytest.raises(SystemExit):
        run(tmp_path / "run", "first", fails=True)
    with pytest.raises(SystemExit, match=r"holds parts of a run that did not finish \(partial\): --resume"):
        run(tmp_path / "run", "first")
    run(tmp_path / "run", "first", resume=True)
    assert files_of(tmp_path / "run") == whole("first")


def test_what_is_refused_before_the_work_touches_nothing(tmp_path):
    def refuse():
        raise ValueError("no such variable")

    with pytest.raises(SystemExit, match="no such variable"):
        run_job(RunOptions(tmp_path / "run", quiet=True), {}, job_of("first"), refuse)
    with pytest.raises(SystemExit, match="scheduler must be"):
        run(tmp_path / "run", "first", scheduler="abacus")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("at", range(7))
def test_a_run_killed_while_its_files_are_moved_is_completed_by_who_comes_next(out, at, monkeypatch):
    """Stopped before each renaming in turn: of the folder aside, of each of its five files, of the list."""
    aside = begin(out, keep_log=False)
    for name, text in {"run.log": "second", **whole("second")}.items():
        (aside / name).write_text(text)
    renamed = []

    def replace(*names):
        if len(renamed) == at:
            raise Killed
        renamed.append(names)
        rename(*names)

    rename = os.replace
    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(Killed):
        finish(out)
    monkeypatch.undo()
    seen = {text for name, text in files_of(out).items() if name in ("results.nc", "report.html")}
    assert len(seen) <= 1  # never of two runs
    settle(out)
    assert files_of(out) == whole("first" if at == 0 else "second")


def test_a_job_killed_in_the_middle_leaves_the_run_before(out):
    code = (
        "import os, signal, sys\nfrom symdyn.runs import RunDirectory\n"
        "with RunDirectory(sys.argv[1], {'job': 'second'}, quiet=True, force=True) as run:\n"
        "    (run.path / 'report.html').write_text('second')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(out)], check=False).returncode == -9
    assert files_of(out) == whole("first")
    run(out, "third", force=True)
    assert files_of(out) == whole("third")


def test_files_of_others_stay(out):
    (out / "notes.txt").write_text("mine")
    (out / "figures" / "mine.png").write_text("mine")
    run(out, "second", force=True)
    assert files_of(out) == whole("second") | {"notes.txt": "mine", "figures/mine.png": "mine"}


def test_a_run_of_an_older_version_is_replaced_as_a_whole(tmp_path):
    (tmp_path / "figures").mkdir()
    for name in ("report.html", "results.nc", "config.toml", "run.log", "figures/old.png"):
        (tmp_path / name).write_text("old")
    assert held(tmp_path) == "a run (report.html)"
    run(tmp_path, "new", force=True)
    assert files_of(tmp_path) == whole("new")


def test_an_empty_folder_holds_nothing_and_one_begun_twice_is_empty(tmp_path):
    assert held(tmp_path) is None
    (begin(tmp_path, keep_log=False) / "report.html").write_text("half")
    assert [path.name for path in begin(tmp_path, keep_log=False).iterdir()] == ["figures"]
    finish(tmp_path)
    assert held(tmp_path) == "a finished run"


def test_resume_and_force_exclude_one_another():
    with pytest.raises(ValueError, match="exclude one another"):
        RunOptions("runs/x", resume=True, force=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_one_line(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(SystemExit, match=r"cannot be written to \(Permission denied\): choose another folder"):
        run(tmp_path / "run", "first")


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(SystemExit, match="is a file: --out names a folder"):
        run(tmp_path / "run", "first")


def test_warnings_are_counted_by_kind_in_the_log_and_told_once(tmp_path, capsys):
    def job(run, _):
        for number in range(3):
            warnings.warn(f"{number} of 9 runs are short", stacklevel=1)
        warnings.warn("1.04 x ∂x − 0.47 y ∂x is not enforced", stacklevel=1)
        warnings.warn("y ∂z + 0.1 vx ∂vy; x ∂x − z ∂x + … is not enforced", stacklevel=1)
        assert run.warnings.counted()[0] == ("0 of 9 runs are short", 3)

    run_job(RunOptions(tmp_path / "run"), {}, job)
    said = capsys.readouterr().err
    lines = [line.split(" ", 1)[1] for line in said.splitlines() if "warning" in line]
    assert lines == [
        "warning (3 times): 0 of 9 runs are short",
        "warning (2 times): 1.04 x ∂x − 0.47 y ∂x is not enforced",
    ]
    log = (tmp_path / "run" / "run.log").read_text()
    assert all(line in log for line in lines)
