"""Debian's rabbitmqadmin on our HTTP API: every command that its users know."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.clients.support.managed import managed_server
from tests.clients.support.server import HOST

PROGRAM: Final = shutil.which("rabbitmqadmin")
COMMAND_TIMEOUT_S: Final = 30

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(PROGRAM is None, reason="Debian's rabbitmq-server is not installed"),
]


class Tool:
    """The program, with the address of a node."""

    def __init__(self, port: int) -> None:
        self._options = ["--host", HOST, "--port", str(port)]

    def __call__(self, *words: str) -> str:
        """Run a command, and return what it says."""
        assert PROGRAM is not None, "it is skipped without"
        done = subprocess.run(
            [PROGRAM, *self._options, *words],
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def rows(self, *words: str) -> Any:  # noqa: ANN401 -- JSON is anything
        """Run a command that lists, and return its rows."""
        return json.loads(self("--format", "raw_json", *words))


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tool]:
    with managed_server(tmp_path_factory.mktemp("node")) as node:
        yield Tool(node.port)


def test_queues_exchanges_and_bindings(tool: Tool) -> None:
    tool("declare", "queue", "name=q", "durable=true", 'arguments={"x-max-length": 5}')
    tool("declare", "exchange", "name=x", "type=topic")
    tool("declare", "binding", "source=x", "destination=q", "routing_key=a.#")
    assert tool.rows("list", "queues", "name", "arguments") == [
        {"arguments": {"x-max-length": 5}, "name": "q"}
    ]
    assert {"name": "x", "type": "topic"} in tool.rows("list", "exchanges", "name", "type")
    (bound,) = [each for each in tool.rows("list", "bindings") if each["source"] == "x"]
    key = f"properties_key={bound['properties_key']}"
    tool("delete", "binding", "source=x", "destination_type=queue", "destination=q", key)
    assert [each["source"] for each in tool.rows("list", "bindings")] == [""]
    tool("delete", "exchange", "name=x")
    tool("delete", "queue", "name=q")
    assert tool.rows("list", "queues") == []


def test_a_message_goes_in_and_out(tool: Tool) -> None:
    tool("declare", "queue", "name=m", "durable=true")
    assert "published" in tool("publish", "routing_key=m", "payload=hello")
    (shown,) = tool.rows("get", "queue=m", "ackmode=ack_requeue_true")
    assert (shown["payload"], shown["redelivered"]) == ("hello", False)
    assert "hello" in tool("get", "queue=m", "ackmode=ack_requeue_false")
    assert "No items" in tool("get", "queue=m")
    tool("publish", "routing_key=m", "payload=hello")
    tool("purge", "queue", "name=m")
    assert tool.rows("list", "queues", "name", "messages") == [{"messages": 0, "name": "m"}]
    tool("delete", "queue", "name=m")


def test_users_vhosts_and_rights(tool: Tool) -> None:
    tool("declare", "vhost", "name=w")
    tool("declare", "user", "name=eve", "password=p", "tags=management")
    tool("declare", "permission", "vhost=w", "user=eve", "configure=.*", "write=.*", "read=.*")
    assert "w" in [each["name"] for each in tool.rows("list", "vhosts", "name")]
    own = tool.rows("--username", "eve", "--password", "p", "list", "vhosts", "name")
    assert own == [{"name": "w"}]
    tool("declare", "vhost_limit", "vhost=w", "name=max-queues", "value=5")
    assert tool.rows("list", "vhost_limits") == [{"value": {"max-queues": 5}, "vhost": "w"}]
    tool("delete", "permission", "vhost=w", "user=eve")
    tool("delete", "user", "name=eve")
    tool("delete", "vhost", "name=w")


def test_policies_and_parameters(tool: Tool) -> None:
    definition = 'definition={"max-length": 5}'
    tool("declare", "policy", "name=p", "pattern=^a", definition, "apply-to=queues")
    tool("declare", "operator_policy", "name=o", "pattern=^a", definition)
    (policy,) = tool.rows("list", "policies")
    assert (policy["name"], policy["definition"]) == ("p", {"max-length": 5})
    assert [each["name"] for each in tool.rows("list", "operator_policies")] == ["o"]
    assert [each["component"] for each in tool.rows("list", "parameters")] == ["operator_policy"]
    tool("delete", "policy", "name=p")
    tool("delete", "operator_policy", "name=o")


def test_definitions_go_out_and_come_back(tool: Tool, tmp_path: Path) -> None:
    tool("declare", "queue", "name=kept", "durable=true")
    file = str(tmp_path / "definitions.json")
    tool("export", file)
    tool("delete", "queue", "name=kept")
    tool("import", file)
    assert [each["name"] for each in tool.rows("list", "queues", "name")] == ["kept"]
    tool("delete", "queue", "name=kept")


def test_the_node_is_shown(tool: Tool) -> None:
    (node,) = tool.rows("list", "nodes", "name", "type", "mem_used")
    assert (node["type"], node["mem_used"] > 0) == ("disc", True)
    assert "rabbitmq_version" in tool("show", "overview")
    for what in ("connections", "channels", "consumers"):
        assert tool.rows("list", what) == []
