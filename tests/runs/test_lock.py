import json
import os
import platform
import subprocess
import sys
import time

import pytest

from symdyn.runs import RunDirectory


def _lock(path, host, age=0.0, pid=1):
    path.mkdir(exist_ok=True)
    (path / "run.lock").write_text(json.dumps({"pid": pid, "host": host}))
    os.utime(path / "run.lock", (time.time() - age,) * 2)


def test_a_second_job_in_one_directory_is_refused_and_the_first_ones_log_stays(tmp_path):
    with RunDirectory(tmp_path, {"seed": 0}, quiet=True) as run:
        run.log.info("at work")
        with (
            pytest.raises(ValueError, match=rf"another job works in .*process {os.getpid()} on {platform.node()}"),
            RunDirectory(tmp_path, {"seed": 1}, quiet=True),
        ):
            pass
        assert "at work" in (run.path / "run.log").read_text()
        assert "seed = 0" in (run.path / "config.toml").read_text()
    assert not (tmp_path / "run.lock").exists()
    with RunDirectory(tmp_path, {"seed": 1}, quiet=True, force=True):
        pass


def test_the_lock_of_a_process_that_was_killed_is_taken_over_and_said_so(tmp_path):
    code = (
        "import os, signal, sys; from symdyn.runs import RunDirectory\n"
        "with RunDirectory(sys.argv[1], {}, quiet=True): os.kill(os.getpid(), signal.SIGKILL)"
    )
    dead = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert dead.returncode == -9 and (tmp_path / "run.lock").exists()
    pid = json.loads((tmp_path / "run.lock").read_text())["pid"]
    with RunDirectory(tmp_path, {}, quiet=True) as run:
        assert f"taken over from process {pid} on {platform.node()}" in (run.path / "run.log").read_text()


def test_a_lock_of_another_host_holds_while_it_shows_signs_of_life(tmp_path):
    _lock(tmp_path, "elsewhere")
    with pytest.raises(ValueError, match="process 1 on elsewhere"), RunDirectory(tmp_path, {}, quiet=True):
        pass
    assert (tmp_path / "run.lock").exists()
    _lock(tmp_path, "elsewhere", age=3600)
    with RunDirectory(tmp_path, {}, quiet=True) as run:
        assert "taken over from process 1 on elsewhere" in (run.path / "run.log").read_text()


def test_a_lock_that_a_dying_process_wrote_half_is_no_lock(tmp_path):
    (tmp_path / "run.lock").write_text('{"pid": 1')
    with RunDirectory(tmp_path, {}, quiet=True):
        assert json.loads((tmp_path / "run.lock").read_text())["pid"] == os.getpid()


def test_a_resumed_run_adds_to_the_log_and_a_new_one_begins_it(tmp_path):
    for resume, expected in ((False, ["a"]), (True, ["a", "b"]), (False, ["c"])):
        with RunDirectory(tmp_path, {}, quiet=True, resume=resume, force=not resume) as run:
            run.log.info(expected[-1])
        assert [line.split()[-1] for line in (tmp_path / "run.log").read_text().splitlines()] == expected
