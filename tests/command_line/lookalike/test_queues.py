"""Replicas of queues."""

from tests.support.typed_commands import Tool, Typed


def test_a_quorum_queue_has_one_leader(tool: Tool, typed: Typed) -> None:
    typed("queues", "declare", "qq", "--type", "quorum")
    typed("queues", "declare", "q")
    [row] = tool("rabbitmq-queues quorum_status qq --formatter json").json
    assert (row["Raft State"], row["Term"]) == ("leader", 1)
    classic = tool("rabbitmq-queues quorum_status q")
    assert (classic.status, "of a classic queue" in classic.err) == (69, True)
    assert tool("rabbitmq-queues quorum_status nope").err == "Error:\nnot_found\n"


def test_the_only_node_is_critical_for_nothing(tool: Tool) -> None:
    said = tool("rabbitmq-queues check_if_node_is_quorum_critical -q")
    assert "only one in a single node cluster" in said.out
    assert tool("rabbitmq-queues check_if_node_is_mirror_sync_critical -s").out == ""
    assert tool("rabbitmq-queues rebalance all").status == 0
    assert tool("rabbitmq-queues grow a b").status == 64
