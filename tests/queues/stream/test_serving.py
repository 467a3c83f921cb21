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


def test_what_comes_while_a_reader_is_served_leaves_nobody_behind() -> None:
    serving = Serving()
    waiting, going_on = Reader(0), Reader(2 * SHARE_MAX)
    serving.resume(waiting)
    assert not serving.serve(100, NOW_MS)
    serve = going_on.serve

    def serve_while_more_comes(max_count: int, now_ms: int) -> Served:
        serving.more_came()
        return serve(max_count, now_ms)

    going_on.serve = serve_while_more_comes  # type: ignore[method-assign]
    serving.resume(going_on)
    assert not serving.serve(10 * SHARE_MAX, NOW_MS)
    assert len(waiting.shares) == 3, "once before, and once for each time that more came"
    assert going_on.left == 0


def test_many_who_wait_come_in_their_order() -> None:
    serving = Serving()
    served: list[int] = []

    class Numbered(Reader):
        def serve(self, max_count: int, now_ms: int) -> Served:
            served.append(id(self))
            return super().serve(max_count, now_ms)

    readers = [Numbered(0) for _ in range(1_000)]
    for reader in readers:
        serving.resume(reader)
    serving.serve(10_000, NOW_MS)
    assert serving.more_came()
    serving.serve(10_000, NOW_MS)
    assert served == [id(reader) for reader in readers] * 2
