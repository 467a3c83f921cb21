"""The stream client for Node.js: publishing, dedup, sub-entries, offsets, a super stream."""

import json
import uuid

import pytest

from tests.clients.support.programs import run
from tests.clients.support.requirements import PROGRAMS, require_node_package, require_tool
from tests.clients.support.stream_server import StreamBroker

pytestmark = [pytest.mark.clients, pytest.mark.timeout(60)]


def test_a_scene_of_the_stream_client_for_node(stream_server: StreamBroker) -> None:
    stream_server.require((3, 13), "super stream by command")
    node = require_tool("node")
    require_node_package("rabbitmq-stream-js-client")
    env = {"STREAM_PORT": str(stream_server.stream_port), "NAME_PREFIX": uuid.uuid4().hex}
    code, output = run([node, PROGRAMS / "stream_js.mjs"], env)
    assert code == 0, output
    (report,) = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert report == {
        "all": ["number 1", "number 2", "number 3", "sub one", "sub two"],
        "offsets": [0, 1, 2],
        "fromOffset": ["number 2", "number 3"],
        "lastId": 3,
        "stored": 2,
        "firstChunk": 0,
        "partitions": 3,
        "received": list(range(30)),
        "updates": 1,
    }
