"""Streams."""

from tests.support.typed_commands import Tool, Typed


def test_a_stream_has_one_writer(tool: Tool, typed: Typed) -> None:
    typed("queues", "declare", "s", "--type", "stream")
    typed("queues", "declare", "q")
    [row] = tool("rabbitmq-streams stream_status s --formatter json").json
    assert (row["role"], row["readers"]) == ("writer", 0)
    assert tool("rabbitmq-streams stream_status q").status == 69
    assert tool("rabbitmq-streams stream_status s --tracking -q").status == 0


def test_clients_of_a_node_without_any(tool: Tool) -> None:
    for name in ("connections", "consumers", "publishers"):
        assert tool(f"rabbitmq-streams list_stream_{name} --formatter json").json == []
    assert tool("rabbitmq-streams list_stream_consumers bogus").status == 64
