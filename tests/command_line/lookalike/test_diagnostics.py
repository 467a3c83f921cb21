"""Checks."""

import pytest

from tests.support.typed_commands import Tool


@pytest.mark.parametrize(
    "line",
    [
        "check_running",
        "is_running",
        "is_booting",
        "check_local_alarms",
        "check_alarms",
        "alarms",
        "check_virtual_hosts",
        "check_port_connectivity",
        "check_certificate_expiration --within 2 --unit weeks",
        "listeners",
        "memory_breakdown",
        "server_version",
        "erlang_version",
        "status",
        "list_queues",
    ],
)
def test_a_healthy_node(tool: Tool, line: str) -> None:
    said = tool(f"rabbitmq-diagnostics {line}")
    assert (said.status, said.err) == (0, "")
    assert tool(f"rabbitmq-diagnostics {line} --formatter json").status == 0


def test_a_silent_check_says_nothing(tool: Tool) -> None:
    for name in ("check_alarms", "check_local_alarms", "check_virtual_hosts"):
        assert tool(f"rabbitmq-diagnostics {name} -s").out == ""


def test_listeners_that_are_not_there(tool: Tool) -> None:
    port = tool("rabbitmq-diagnostics check_port_listener 1")
    assert (port.status, "No listener for port 1 is active on node" in port.err) == (69, True)
    protocol = tool("rabbitmq-diagnostics check_protocol_listener mqtt")
    assert (protocol.status, "No listener for protocol mqtt" in protocol.err) == (69, True)
    assert tool("rabbitmq-diagnostics check_port_listener x").status == 64
