"""What a publish does at a limit, part by part, with consumers in between."""

from queues.classic.backlog import Backlog
from queues.classic.limited_publish import publish_at_limit
from queues.options import Overflow, QueueOptions
from tests.support.queue_log import FakeLog
from tests.support.records import run_of

NOW_MS = 1_000


class Place:
    """A backlog whose consumer takes as many of the next messages as it has credit for."""

    def __init__(self, options: QueueOptions, credit: int = 0) -> None:
        self.options = options
        self.backlog = Backlog("jobs", options, FakeLog(), lambda _: None)
        self.credit = credit
        self.delivered: list[bytes] = []

    def deliver(self, now_ms: int, max_messages: int) -> int:
        count = min(self.credit, max_messages)
        batch = self.backlog.ready.take(count, now_ms) if count else None
        if batch is None:
            return 0
        self.credit -= len(batch)
        self.delivered += [record.body for record in batch.records]
        return len(batch)

    def publish(self, *bodies: bytes, expires_at_ms: int | list[int] = 0) -> list[int]:
        outcome = publish_at_limit(
            self.backlog, self.options, self.deliver, run_of(*bodies), expires_at_ms, NOW_MS
        )
        return list(outcome.rejected)

    def ready(self) -> list[bytes]:
        batch = self.backlog.ready.take(100, 0)
        return [] if batch is None else [record.body for record in batch.records]


def test_the_head_goes_until_the_rest_fits() -> None:
    place = Place(QueueOptions(max_length=2))
    assert place.publish(b"a", b"b", b"c") == []
    assert place.ready() == [b"b", b"c"]


def test_what_a_consumer_takes_leaves_room() -> None:
    place = Place(QueueOptions(max_length=1, overflow=Overflow.REJECT_PUBLISH), credit=2)
    assert place.publish(b"a", b"b", b"c", b"d") == [3]
    assert (place.delivered, place.ready()) == ([b"a", b"b"], [b"c"])


def test_a_message_that_never_fits_is_refused_and_smaller_ones_are_not() -> None:
    place = Place(QueueOptions(max_length_bytes=2, overflow=Overflow.REJECT_PUBLISH))
    assert place.publish(b"a", b"four", b"b", b"c") == [1, 3]


def test_what_expires_at_once_is_delivered_now_or_never() -> None:
    place = Place(QueueOptions(max_length=5), credit=1)
    assert place.publish(b"a", b"b", expires_at_ms=NOW_MS) == []
    assert (place.delivered, place.ready()) == ([b"a"], [])


def test_what_was_refused_may_be_dead_lettered() -> None:
    options = QueueOptions(
        max_length=0, overflow=Overflow.REJECT_PUBLISH_DLX, dead_letter_exchange="dlx"
    )
    place = Place(options)
    assert place.publish(b"a", b"b") == [0, 1]
    dying = place.backlog.moves.take(5)
    assert dying is not None
    assert (list(dying.positions), [record.body for record in dying.records]) == ([], [b"a", b"b"])
