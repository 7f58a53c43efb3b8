import os
import sys
import time
import warnings

import dask
import pytest
from dask.distributed import Client, LocalCluster

from symdyn.data.tasks import current_client
from symdyn.runs import scheduler, slurm_cluster
from symdyn.runs.collected_warnings import CollectedWarnings
from symdyn.runs.scheduler import resolved


@pytest.fixture(autouse=True)
def no_address(monkeypatch):
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)


def in_process(**options):
    # Not None: that means port 8787, and a warning where some other scheduler on this machine has it.
    return LocalCluster(n_workers=1, processes=False, dashboard_address=":0", **options)


def test_auto_means_threads_and_ends_with_the_block():
    with scheduler("auto") as used:
        assert used == "threads" and dask.config.get("scheduler") == "threads"
    assert dask.config.get("scheduler", None) is None


def test_the_order_is_client_environment_configuration_threads(monkeypatch):
    assert resolved("auto") == "threads"
    with dask.config.set({"symdyn.scheduler": "slurm"}):
        assert resolved("auto") == "slurm" and resolved("local") == "local"
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:1")
        assert resolved("auto") == "tcp://127.0.0.1:1" and resolved("threads") == "threads"
        with in_process() as cluster, Client(cluster):
            assert resolved("auto") == "current"


def warn_twice():
    for number in range(2):
        warnings.warn(f"{number} of 9 runs are short", stacklevel=1)


def test_workers_of_a_local_cluster_keep_freed_memory_and_warn_where_the_job_was_started(monkeypatch, capfd):
    monkeypatch.delenv("MALLOC_TRIM_THRESHOLD_", raising=False)
    kept = CollectedWarnings()
    with kept.collecting(), scheduler("local") as used:
        client = current_client()
        assert "local cluster" in used and client is not None
        found = client.run(lambda: (os.environ.get("MALLOC_TRIM_THRESHOLD_"), os.environ.get("OMP_NUM_THREADS")))
        client.submit(warn_twice).result()
        end = time.monotonic() + 10
        while kept.counted() != [("0 of 9 runs are short", 2)] and time.monotonic() < end:
            time.sleep(0.02)
    assert set(found.values()) == {(None, "1")}
    assert kept.counted() == [("0 of 9 runs are short", 2)] and "Warning" not in capfd.readouterr().err


def test_a_running_client_is_used_and_left_open():
    with in_process() as cluster, Client(cluster) as client:
        with scheduler("auto") as used:
            assert used == "the current Dask client" and current_client() is client
        assert client.status == "running"


def test_a_given_client_goes_before_the_current_one_and_is_left_open():
    with in_process() as cluster, Client(cluster, set_as_default=False) as given, Client(cluster) as current:
        assert current_client() is current
        with scheduler("threads", client=given) as used:
            assert used.startswith("the given Dask client") and current_client() is given
        assert current_client() is current and given.status == "running"


def test_an_address_is_used_as_given_and_from_the_environment(monkeypatch):
    with in_process(protocol="tcp") as cluster:
        with scheduler(cluster.scheduler_address) as used:
            assert used.endswith(cluster.scheduler_address)
            assert dask.delayed(sum)([1, 2]).compute() == 3
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", cluster.scheduler_address)
        with scheduler("auto") as used:
            assert used.endswith(cluster.scheduler_address)
    assert current_client() is None


def test_an_unknown_name_is_an_error_that_says_where_it_came_from():
    with pytest.raises(ValueError, match="scheduler must be"), scheduler("abacus"):
        pass
    with dask.config.set({"symdyn.scheduler": "abacus"}), pytest.raises(ValueError, match="in Dask's configuration"):
        resolved("auto")


def test_an_address_where_nobody_answers_is_named(monkeypatch):
    monkeypatch.setattr(sys.modules["symdyn.runs.scheduler"], "_PATIENCE", "0.2s")
    nobody = "tcp://127.0.0.1:9"
    with pytest.raises(ValueError, match=f"no Dask scheduler answers at {nobody}"), scheduler(nobody):
        pass


def test_slurm_without_its_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    monkeypatch.setitem(sys.modules, "dask_jobqueue.slurm", None)
    with pytest.raises(ImportError, match=r"pip install 'symdyn-workbench\[hpc\]'"):
        slurm_cluster()


def test_slurm_without_a_queue_is_refused_before_anything_starts(monkeypatch):
    pytest.importorskip("dask_jobqueue")
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(ValueError, match="no sbatch on this machine"), scheduler("slurm"):
        pass
