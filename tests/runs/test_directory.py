import tomllib

import numpy as np
import pytest
import xarray as xr

from symdyn.runs import RunDirectory, checksum
from symdyn.sums.store import save_results


def _finish(run):
    save_results({"provenance": run.provenance("abc")}, run.path / "results.nc")
    (run.path / "report.html").write_text("page")


def test_configuration_is_written_and_reads_back(tmp_path):
    config = {"job": 'a "quoted" name', "seed": 3, "noise": 0.01, "fast": True, "data": None}
    with RunDirectory(tmp_path, config, quiet=True) as run:
        written = tomllib.loads((run.path / "config.toml").read_text())
    assert written == {"job": 'a "quoted" name', "seed": 3, "noise": 0.01, "fast": True}


def test_a_run_is_finished_only_with_its_own_configuration(tmp_path):
    with RunDirectory(tmp_path, {"seed": 0}, quiet=True) as run:
        assert not run.finished
        _finish(run)
    assert run.finished
    assert not RunDirectory(tmp_path, {"seed": 1}).finished


def test_stages_are_timed_logged_and_kept(tmp_path):
    with RunDirectory(tmp_path, {}, quiet=True) as run:
        with run.stage("think"):
            sum(range(1000))
        provenance = run.provenance("abc")
    assert list(provenance.stage.values) == ["think"]
    assert provenance.attrs["data_sha256"] == "abc" and provenance.attrs["peak_memory_MB"] > 10
    assert "think: " in (tmp_path / "run.log").read_text()


def test_an_error_is_in_the_log(tmp_path):
    with pytest.raises(ValueError, match="no such"), RunDirectory(tmp_path, {}, quiet=True):
        raise ValueError("no such variable")
    assert "stopped: ValueError: no such variable" in (tmp_path / "unfinished" / "run.log").read_text()


def test_checksum_depends_on_values_not_on_chunks():
    data = xr.Dataset({"x": (("trajectory", "time"), [[1.0, 2.0], [3.0, 4.0]])})
    assert checksum(data) == checksum(data.chunk({"trajectory": 1}))
    assert checksum(data) != checksum(data + 1e-15)


def test_checksum_of_texts_is_that_of_what_they_say():
    def data():
        return xr.Dataset({"name": ("body", np.array(["".join(("so", "(3)")), None], dtype=object))})

    assert checksum(data()) == checksum(data())
    assert checksum(data()) != checksum(data().where(False, "so(2)"))
