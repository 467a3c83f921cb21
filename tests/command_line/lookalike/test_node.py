"""What is said of a node."""

import os
from pathlib import Path

import pytest

from command_line.errors import CommandError
from command_line.lookalike.node import breakdown, breakdown_lines
from command_line.transport import Answer
from tests.support.typed_commands import Scripted, Tool, Typed

STATUS_KEYS = {
    "rabbitmq_version",
    "product_name",
    "product_version",
    "erlang_version",
    "pid",
    "uptime",
    "run_queue",
    "processes",
    "memory",
    "listeners",
    "alarms",
    "disk_free",
    "disk_free_limit",
    "vm_memory_high_watermark_limit",
    "data_directory",
    "config_files",
    "log_files",
    "active_plugins",
    "totals",
    "is_under_maintenance",
}


def test_status(tool: Tool) -> None:
    found = tool("rabbitmqctl status --formatter json").json
    assert set(found) >= STATUS_KEYS
    assert (found["totals"]["virtual_host_count"], found["alarms"]) == (1, [])
    text = tool("rabbitmqctl status").out
    assert text.startswith("Status of node rabbit@")
    assert "RabbitMQ version: 3.13.7\n" in text


def test_cluster_status(tool: Tool) -> None:
    found = tool("rabbitmqctl cluster_status --formatter json").json
    assert len(found["running_nodes"]) == 1
    assert "Flag: quorum_queue, state: enabled" in tool("rabbitmqctl cluster_status").out


def test_life(tool: Tool) -> None:
    assert tool("rabbitmqctl version").out == "3.13.7\n"
    assert tool("rabbitmqctl ping -q").out == "Ping succeeded\n"
    assert tool("rabbitmqctl await_startup").out == ""
    assert "Health check passed" in tool("rabbitmqctl node_health_check").out


def test_waiting_for_a_process(tool: Tool, typed: Typed, tmp_path: Path) -> None:
    assert tool(f"rabbitmqctl wait --pid {os.getpid()} -t 2").status == 0
    file = tmp_path / "pid"
    gone = tool(f"rabbitmqctl wait {file} -t 2")
    assert (gone.status, len(typed.naps) > 0) == (75, True)
    file.write_text("x")
    assert tool(f"rabbitmqctl wait {file} -t 2", files={str(file): f"{os.getpid()}\n"}).status == 0
    assert tool("rabbitmqctl wait").status == 64


def test_waiting_for_a_node_that_is_not_there() -> None:
    typed = Typed(way=Scripted(CommandError("not there", 69)))
    said = Tool(typed)("rabbitmqctl await_startup -t 2")
    assert (said.status, len(typed.naps)) == (75, 2)
    typed = Typed(way=Scripted(Answer(401, {}, b"")))
    assert Tool(typed)("rabbitmqctl await_startup -t 2").status == 77


def test_a_breakdown_of_memory() -> None:
    memory = {
        "binary": 1_000_000,
        "code": 3_000_000,
        "strategy": "rss",
        "total": {"rss": 4_000_000},
    }
    assert breakdown_lines(memory, "mb") == ["code: 3.0 mb (75.00%)", "binary: 1.0 mb (25.00%)"]
    assert breakdown(memory)["code"] == {"bytes": 3_000_000, "percentage": 0.75}
    with pytest.raises(CommandError):
        breakdown_lines(memory, "zork")
