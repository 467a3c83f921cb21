"""What channels that wait have in memory, over all connections of a node."""

from amqp_server.broker.waiting_memory import WaitingMemory


def test_there_is_room_up_to_the_limit() -> None:
    memory = WaitingMemory(limit_bytes=100)
    memory.count(60)
    assert (memory.has_room(40), memory.has_room(41)) == (True, False)


def test_what_begins_to_wait_counts_where_there_is_no_room_too() -> None:
    memory = WaitingMemory(limit_bytes=100)
    memory.count(150)
    assert not memory.has_room(1)
    memory.count(-51)
    assert memory.has_room(1)


def test_without_a_limit_there_is_always_room() -> None:
    memory = WaitingMemory()
    memory.count(1 << 50)
    assert memory.has_room(1)
