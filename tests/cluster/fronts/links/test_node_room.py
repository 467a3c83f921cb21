"""What waits for all nodes has a bound, and only those that hold much of it are shut."""

from cluster.fronts.links.node_room import NodeRoom


class Link:
    waiting_bytes = 0


def test_the_links_that_hold_much_are_shut_and_others_go_on() -> None:
    room, slow, brisk = NodeRoom(100), Link(), Link()
    room.join(slow)
    room.join(brisk)
    room.add(slow, 99)
    assert not room.is_shut(slow)
    room.add(brisk, 1)
    assert room.is_shut(slow)
    assert not room.is_shut(brisk)
    room.add(slow, -60)
    assert not room.is_shut(slow)
    room.leave(slow)
    room.leave(slow)
    assert room.total_bytes == 1
    room.add(slow, 50)
    assert room.total_bytes == 1
