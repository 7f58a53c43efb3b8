import dask
import pytest
from dask.distributed import Client, LocalCluster

from symdyn.runs import scheduler


def test_auto_means_threads_and_ends_with_the_block(monkeypatch):
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    with scheduler("auto") as used:
        assert used == "threads" and dask.config.get("scheduler") == "threads"
    assert dask.config.get("scheduler", None) is None


def test_a_running_client_comes_before_the_environment(monkeypatch):
    with LocalCluster(processes=False, dashboard_address=None) as cluster, Client(cluster):
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:1")
        with scheduler("auto") as used:
            assert used == "the current Dask client"


def test_an_address_is_used_as_given_and_from_the_environment(monkeypatch):
    with LocalCluster(n_workers=1, processes=False, protocol="tcp", dashboard_address=None) as cluster:
        with scheduler(cluster.scheduler_address) as used:
            assert used.endswith(cluster.scheduler_address)
            assert dask.delayed(sum)([1, 2]).compute() == 3
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", cluster.scheduler_address)
        with scheduler("auto") as used:
            assert used.endswith(cluster.scheduler_address)


def test_an_unknown_name_is_an_error():
    with pytest.raises(ValueError, match="scheduler must be"), scheduler("abacus"):
        pass
