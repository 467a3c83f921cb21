"""Episodes of these tests are on one real node, where nothing is ever killed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from load_generator.session import Endpoint
from load_generator.verifying import episode, workload
from tests.clients.support.deadlines import wait_until
from tests.clients.support.server import Server, accepts
from tests.support.fault_cluster import NotedCluster
from tests.support.ports import free_port

START_S = 30.0
LISTENERS = """\
net:
  listeners:
    - {{address: 127.0.0.1, port: {port}}}
    - {{address: 127.0.0.1, port: {streams}, protocol: stream}}
"""
STREAM_PORTS: dict[int, int] = {}
"""By the port of a node, that for streams."""


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """A node that runs as long as the tests."""
    folder: Path = tmp_path_factory.mktemp("node")
    port, streams = free_port(), free_port()
    server = Server(folder, port, LISTENERS.format(port=port, streams=streams), has_listeners=True)
    try:
        server.wait_until_it_accepts()
        wait_until(lambda: accepts(streams), "the port for streams", START_S)
        STREAM_PORTS[port] = streams
        yield Endpoint("127.0.0.1", server.port, "guest", "guest", "/")
    finally:
        server.stop()


@pytest.fixture
def noted(node: Endpoint, monkeypatch: pytest.MonkeyPatch) -> NotedCluster:
    """A cluster of three names for that node; what waits, waits a moment only."""
    monkeypatch.setattr(episode, "QUIET_MS", (10, 20))
    monkeypatch.setattr(episode, "AFTER_S", 0.05)
    monkeypatch.setattr(workload, "QUIET_S", 0.05)
    monkeypatch.setattr(workload, "PASS_S", 0.01)
    cluster = NotedCluster(node)
    cluster.stream_port = STREAM_PORTS[node.port]
    return cluster
