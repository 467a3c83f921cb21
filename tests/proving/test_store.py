"""What an etcd is asked from outside of the nodes."""

import os
import subprocess
import sys

import pytest

from amqp_server.proving.store import is_well, leader_in, renewing_leases
from cluster.metadata.keys import KeySpace
from cluster.metadata.records import StoredQueueState, encode_queue_state
from cluster.replication.state import QueueOptions, QueueState
from tests.support.ports import free_port
from tests.support.scripted_etcd import etcd_that_says

NAMES = ("n1", "n2", "n3")


def test_the_store_says_who_leads() -> None:
    state = QueueState("n2", 7, 3, frozenset())
    stored = encode_queue_state(StoredQueueState("id", state, QueueOptions(NAMES, 2)))
    key = KeySpace("c").queue_state("/", "orders")
    away = f"http://127.0.0.1:{free_port()}"
    with etcd_that_says("127.0.0.1", {key: stored}) as port:
        urls = [away, f"http://127.0.0.1:{port}"]
        assert leader_in(urls, "c", "orders") == "n2"
        assert leader_in(urls, "c", "others") is None
        assert leader_in(urls, "d", "orders") is None
    assert leader_in([away], "c", "orders") is None


def test_a_store_is_well_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with etcd_that_says("127.0.0.1", {}) as port:
        assert is_well(f"http://127.0.0.1:{port}")
        # A proxy of the user is not asked.
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        assert is_well(f"http://127.0.0.1:{port}")
    assert not is_well(f"http://127.0.0.1:{port}")


def test_processes_that_renew_leases_are_known_by_their_command() -> None:
    program = "import signal; print(1, flush=True); signal.pause()"
    with subprocess.Popen(
        [sys.executable, "-c", program, "cluster.liveness"], stdout=subprocess.PIPE
    ) as renewing:
        assert renewing.stdout is not None
        renewing.stdout.readline()
        assert renewing_leases([os.getpid(), renewing.pid, 1 << 30]) == [renewing.pid]
        renewing.kill()
