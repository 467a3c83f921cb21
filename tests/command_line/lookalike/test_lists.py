"""Lists, with the columns that users name."""

from command_line.lookalike.lists import pid_of
from tests.support.typed_commands import Tool, Typed


def test_queues(tool: Tool, typed: Typed) -> None:
    typed("queues", "declare", "q", "--type", "quorum", "-a", "x-max-length=5")
    assert tool("rabbitmqctl list_queues").out == (
        "Timeout: 60.0 seconds ...\nListing queues for vhost / ...\nname\tmessages\nq\t0\n"
    )
    row = tool("rabbitmqctl list_queues -s name arguments,type policy owner_pid").out
    assert row.startswith("q\t[{") and row.endswith("\tquorum\t\t\n")  # noqa: PT018
    assert tool("rabbitmqctl list_queues --offline -s").out == ""
    assert tool("rabbitmqctl list_queues -p none -s").out == ""
    wrong = tool("rabbitmqctl list_queues bogus name zork")
    assert (wrong.status, "Info key(s) bogus,zork are not" in wrong.err) == (64, True)
    assert tool("rabbitmqctl list_unresponsive_queues -s").out == ""


def test_exchanges_and_bindings(tool: Tool, typed: Typed) -> None:
    typed("queues", "declare", "q")
    assert "amq.topic\ttopic" in tool("rabbitmqctl list_exchanges").out
    assert tool("rabbitmqctl list_bindings -s").out == "\texchange\tq\tqueue\tq\t[]\n"


def test_clients_of_a_node_without_any(tool: Tool) -> None:
    for name in ("connections", "channels", "consumers"):
        said = tool(f"rabbitmqctl list_{name}")
        assert (said.status, said.out.count("\n")) == (0, 1)


def test_a_name_does_not_drive_the_terminal(tool: Tool, typed: Typed) -> None:
    typed("queues", "declare", "\x1b[2J")
    for form in ("", "--formatter csv", "--formatter json"):
        assert "\x1b" not in tool(f"rabbitmqctl list_queues -s name {form}").out


def test_a_connection_is_one_word() -> None:
    assert pid_of("1.2.3.4:5 -> 6.7.8.9:10", "n@h") == "<n@h.1.2.3.4:5-6.7.8.9:10>"
