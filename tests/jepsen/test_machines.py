"""What the suite reads in the logs of nodes, and where it learns who leads a queue."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from cluster.metadata.keys import KeySpace
from cluster.metadata.records import StoredQueueState, encode_queue_state
from cluster.replication.state import QueueOptions, QueueState
from load_generator.verifying.loopback import Loopback
from tests.jepsen import haremq_nodes
from tests.jepsen.haremq_nodes import CLUSTER, ClusterNodes

LOG = """\
2026-11-30 07:33:53,862 INFO amqp_server.banner starting HareMQ
2026-11-30 07:34:53,862 ERROR cluster.liveness.liveness lease=53377077774073736 was lost
2026-11-30 07:35:53,862 ERROR amqp_server.app an invariant is broken
Traceback (most recent call last):
AssertionError: it was lost
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[ClusterNodes]:
    made = ClusterNodes(tmp_path, 3, 1, Loopback)
    yield made
    made.close()


@contextmanager
def etcd_that_says(address: str, values: dict[bytes, bytes]) -> Iterator[int]:
    """Serve ``/v3/kv/range`` of these keys; yield the port."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            value = values.get(b64decode(asked["key"]))
            found = [] if value is None else [{"value": b64encode(value).decode()}]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"kvs": found} if found else {}).encode())

        def log_message(self, *words: object) -> None:
            """Be silent."""

    with ThreadingHTTPServer((address, 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_errors_and_exceptions_in_logs_are_found(cluster: ClusterNodes) -> None:
    for node in cluster.nodes:
        (cluster.place(node) / "log").write_text(LOG if node == "n2" else "")
    assert cluster.complaints() == [
        "n2: 2026-11-30 07:35:53,862 ERROR amqp_server.app an invariant is broken",
        "n2: Traceback (most recent call last):",
    ]


def test_the_store_says_who_leads(cluster: ClusterNodes, monkeypatch: pytest.MonkeyPatch) -> None:
    state = QueueState("n2", 7, 3, frozenset())
    stored = encode_queue_state(StoredQueueState("id", state, QueueOptions(("n1", "n2", "n3"), 2)))
    key = KeySpace(CLUSTER).queue_state("/", "orders")
    with etcd_that_says(cluster.address("e1"), {key: stored}) as port:
        monkeypatch.setattr(haremq_nodes, "ETCD_PORT", port)
        assert cluster.leader_of("orders") == "n2"
        assert cluster.leader_of("others") is None
    assert cluster.leader_of("orders") is None
