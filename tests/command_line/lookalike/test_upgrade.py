"""What scripts wait for."""

from tests.support.typed_commands import Tool


def test_the_only_node_waits_for_nobody(tool: Tool) -> None:
    said = tool("rabbitmq-upgrade await_online_quorum_plus_one -t 5")
    assert (said.status, "for 5 seconds..." in said.out) == (0, True)
    assert tool("rabbitmq-upgrade await_online_synchronized_mirror").status == 0
    assert tool("rabbitmq-upgrade post_upgrade").status == 0
