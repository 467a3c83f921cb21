"""When a small read waits for others, and when it goes at once."""

from amqp_server.net.gathering import GATHERED_BYTES_MAX, Gathering

AT_ONCE_MAX = 63


def waits(gathering: Gathering, nbytes: int = 1) -> bool:
    """Do what the reactor does at the end of a read: a turn at once, or one put off."""
    if gathering.turns_at_once:
        gathering.turns_at_once -= 1
        return False
    if gathering.waits(nbytes):
        return True
    if gathering.is_waiting:
        gathering.turned()
    return False


def turns_at_once(gathering: Gathering) -> int:
    """Return how many turns of one read go at once before one waits; that one is left open."""
    count = 0
    while not waits(gathering):
        count += 1
    return count


def crowded() -> Gathering:
    gathering = Gathering()
    turns_at_once(gathering)
    waits(gathering)
    gathering.turned()
    return gathering


def test_one_client_is_answered_at_once_at_first() -> None:
    assert turns_at_once(Gathering()) == AT_ONCE_MAX


def test_where_others_were_ready_the_next_read_waits_too() -> None:
    gathering = crowded()
    assert waits(gathering)
    assert waits(gathering)


def test_waiting_alone_is_tried_after_twice_as_many_turns_each_time() -> None:
    gathering = crowded()
    counts = []
    for _ in range(9):
        counts.append(turns_at_once(gathering))
        gathering.turned()
    assert counts == [0, 0, 1, 3, 7, 15, 31, 63, 63]


def test_much_input_does_not_wait() -> None:
    gathering = crowded()
    assert not waits(gathering, GATHERED_BYTES_MAX)
    assert waits(gathering, GATHERED_BYTES_MAX // 2)
    assert not waits(gathering, GATHERED_BYTES_MAX // 2)


def test_a_turn_that_went_for_its_size_counts_from_nothing_again() -> None:
    gathering = crowded()
    assert waits(gathering, GATHERED_BYTES_MAX - 1)
    gathering.turned()
    assert turns_at_once(gathering) == 0
    assert waits(gathering, GATHERED_BYTES_MAX - 2)


def test_a_large_read_alone_says_nothing_about_others() -> None:
    gathering = crowded()
    for _ in range(AT_ONCE_MAX):
        assert not waits(gathering, GATHERED_BYTES_MAX)
    assert waits(gathering)
