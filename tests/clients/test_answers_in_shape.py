"""Every answer of a node that runs is of its shape: with the machine's own numbers and clocks."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from management.routing.route import Route
from tests.clients.support.managed import Managed, managed_server
from tests.clients.support.metrics_traffic import Traffic
from tests.scenarios.test_answers_in_shape import QUERIES, WALKED, faults_of, no_such_number

LOGIN = base64.b64encode(b"guest:guest").decode()
QUEUES = ("a", "dying", "empty", "log", "safe")

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    with managed_server(tmp_path_factory.mktemp("node")) as managed:
        yield managed


def answered(node: Managed, path: str) -> tuple[int, object]:
    request = urllib.request.Request(
        f"http://{node.address}/api/{path}", headers={"Authorization": f"Basic {LOGIN}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, json.loads(reply.read(), parse_constant=no_such_number)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read(), parse_constant=no_such_number)


def names_of(node: Managed) -> dict[str, list[str]]:
    """Return what may stand in a path, by the name of the segment."""

    def listed(path: str) -> list[str]:
        _, rows = answered(node, path)
        assert isinstance(rows, list)
        return [str(each["name"]) for each in rows]

    return {
        "vhost": ["/"],
        "node": listed("nodes"),
        "queue": list(QUEUES),
        "exchange": ["amq.default", "all"],
        "connection": listed("connections"),
        "channel": listed("channels"),
        "user": ["guest"],
        "port": [str(node.server.port)],
    }


def faults_in(node: Managed) -> list[str]:
    """Walk all routes whose names are known; return what is wrong with the answers."""
    names = names_of(node)
    found: list[str] = []
    for route in WALKED:
        for path in paths_of(route, names):
            for query in QUERIES:
                status, body = answered(node, path + query)
                if status == 200:
                    found += faults_of(route, body, path + query)
    return found


def paths_of(route: Route, names: dict[str, list[str]]) -> list[str]:
    paths = [route.path]
    for name, values in names.items():
        segment = f"{{{name}}}"
        if segment in route.path:
            paths = [
                each.replace(segment, quote(value, safe="")) for each in paths for value in values
            ]
    return [each for each in paths if "{" not in each]


@pytest.mark.timeout(120)
def test_a_fresh_node_and_a_busy_one_answer_in_shape(node: Managed) -> None:
    assert faults_in(node) == []
    traffic = Traffic(node.server.port)
    traffic.run()
    assert faults_in(node) == []
    traffic.leave()
    assert faults_in(node) == []
