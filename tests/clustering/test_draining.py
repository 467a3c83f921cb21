"""A node that is to lead nothing: which queues go, and when it stops."""

import asyncio
from typing import Any

from amqp_server.clustering.draining import MOVES_AT_ONCE, Draining
from cluster.metadata.records import StoredMember
from tests.support.cluster_views import stored
from tests.support.looked_cluster import LookedNode, standings_of

PATIENCE_S = 20


class Moving(LookedNode):
    """A node that moves the leader of a queue at the second time that it is asked to."""

    def __init__(self) -> None:
        super().__init__("a")
        self.asked: dict[str, int] = {}
        self.changed = asyncio.Event()

    def move_leader(self, queue_id: str, target: str) -> bool:
        self.asked[queue_id] = self.asked.get(queue_id, 0) + 1
        if self.asked[queue_id] < 2:
            return False
        number = int(queue_id[1:])
        self.told.queue(stored(queue_id, target, 6, 4), f"jobs{number}")
        if not self.view.led_count("a"):
            self.changed.set()
        return True


def test_all_go_once_each_may_and_it_ends_when_it_is_taken_back() -> None:
    async def scenario() -> None:
        node = Moving()
        for at, name in enumerate("abc"):
            node.told.member(name, StoredMember(f"disk {name}", 1))
            node.told.live(name, 5 + at)
        count = MOVES_AT_ONCE + 10
        for number in range(count):
            node.told.queue(stored(f"q{number}", "a", 5, 3), f"jobs{number}")
        made: Any = Draining
        draining: Draining = made(node, lambda: standings_of(node))
        draining.look()
        assert not node.asked
        node.told.member("a", StoredMember("disk a", 1, state="draining"))
        draining.look()
        draining.look()
        async with asyncio.timeout(PATIENCE_S):
            await node.changed.wait()
        assert set(node.asked.values()) == {2}
        assert abs(node.view.led_count("b") - node.view.led_count("c")) <= 2
        node.told.member("a", StoredMember("disk a", 1))
        await draining.stop()
        await draining.stop()

    asyncio.run(scenario())
