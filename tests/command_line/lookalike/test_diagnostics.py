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
        "list_node_auth_attempt_stats",
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


def test_logins_are_counted_by_protocol_and_by_source(tool: Tool) -> None:
    said = tool("rabbitmq-diagnostics list_node_auth_attempt_stats")
    first, second, head, *rows = said.out.splitlines()
    assert first == "Listing authentication"
    assert second.startswith(' attempts for node "')
    assert second.endswith('" ...')
    names = "auth_attempts\tauth_attempts_failed\tauth_attempts_succeeded"
    assert head == f"protocol\t{names}"
    counts = {row.split("\t")[0]: [int(each) for each in row.split("\t")[1:]] for row in rows}
    assert counts["http"][0] == counts["http"][1] + counts["http"][2] > 0
    silent = tool("rabbitmq-diagnostics list_node_auth_attempt_stats -s").out
    assert [row.split("\t")[0] for row in silent.splitlines()] == list(counts)
    value = tool("rabbitmq-diagnostics list_node_auth_attempt_stats --formatter json").json
    assert (value["result"], value["attempts"][0].keys()) == (
        "ok",
        {"protocol", "auth_attempts", "auth_attempts_failed", "auth_attempts_succeeded"},
    )
    source = tool("rabbitmq-diagnostics list_node_auth_attempt_stats --by-source -q").out
    assert source.splitlines()[0] == f"protocol\tremote_address\tusername\t{names}"
