"""Scripts that are played over the nodes of a cluster: what they leave out."""

from unittest.mock import patch

from conformance.address import Address
from conformance.random import over_nodes, player
from conformance.random.over_nodes import player_over
from conformance.random.script import Script, Step

NODES = [Address.of(f"amqp://127.0.0.1:{port}/%2F") for port in (5672, 5673)]


def test_what_a_cluster_does_otherwise_is_left_out() -> None:
    played: list[Script] = []

    def play(
        script: Script, *addresses: Address, quiet_rounds: int, pause_min_s: float
    ) -> list[player.Seen]:
        assert (list(addresses), quiet_rounds, pause_min_s) == (NODES, 3, over_nodes.PAUSE_S)
        played.append(script)
        return []

    limits = {"x-max-length": 2, "x-overflow": "reject-publish-dlx"}
    drops = {"x-max-length": 2, "x-overflow": "drop-head"}
    script = [
        Step("A1", "queue.declare", {"queue": "q", "exclusive": True, "arguments": limits}),
        Step("B1", "queue.declare", {"queue": "r", "durable": True, "arguments": drops}),
        Step("A1", "basic.consume", {"queue": "q", "exclusive": True}),
    ]
    with patch.object(over_nodes, "play", play):
        assert player_over(NODES)(script, 3) == []
    alike = Step("A1", "queue.declare", {"queue": "q", "arguments": {"x-max-length": 2}})
    assert played == [[alike, *script[1:]]]
