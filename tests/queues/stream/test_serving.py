"""Which reader of a stream is served next."""

from queues.stream.serving import SHARE_MAX, Serving
from queues.stream_port import Served, Then

NOW_MS = 1_000


class Reader:
    """A reader with so many messages left."""

    def __init__(self, left: int, then: Then = Then.AT_END) -> None:
        self.left = left
        self.then = then
        self.shares: list[int] = []

    def serve(self, max_count: int, now_ms: int) -> Served:
        count = min(self.left, max_count)
        self.left -= count
        self.shares.append(count)
        return Served(max(count, 1), Then.READY if self.left else self.then)


def test_readers_have_their_turns_one_by_one() -> None:
    serving = Serving()
    one, two = Reader(2 * SHARE_MAX), Reader(2 * SHARE_MAX)
    serving.resume(one)
    serving.resume(two)
    assert serving.serve(3 * SHARE_MAX, NOW_MS)
    assert (one.shares, two.shares) == ([SHARE_MAX] * 2, [SHARE_MAX])
    assert not serving.serve(3 * SHARE_MAX, NOW_MS)


def test_those_at_the_end_are_served_when_more_came() -> None:
    serving = Serving()
    reader, held = Reader(1), Reader(1, Then.HELD)
    serving.resume(reader)
    serving.resume(held)
    assert not serving.serve(100, NOW_MS)
    assert serving.more_came()
    assert not serving.more_came()
    reader.left = 1
    serving.serve(100, NOW_MS)
    assert (len(reader.shares), len(held.shares)) == (2, 1)
    serving.resume(held)
    serving.serve(100, NOW_MS)
    assert len(held.shares) == 2


def test_who_has_left_is_not_served() -> None:
    serving = Serving()
    one, two = Reader(1), Reader(1)
    serving.resume(one)
    serving.serve(100, NOW_MS)
    serving.resume(two)
    serving.leave(one)
    serving.leave(two)
    assert not serving.more_came()
    assert not serving.serve(100, NOW_MS)
    serving.resume(one)
    serving.clear()
    assert not serving.serve(100, NOW_MS)
    assert len(two.shares) == 0
