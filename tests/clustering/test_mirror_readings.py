"""An engine for each stream that is read at a mirror, as long as it has readers."""

from collections.abc import Callable

import pytest

from amqp_server.broker.awaited import Awaited
from amqp_server.broker.cluster import PeerAwayError
from amqp_server.broker.stream_numbers import BEGIN, Numbers
from amqp_server.clustering.mirror_readings import MirrorReadings
from cluster.fronts.mirror_readers import MirrorReading
from cluster.mirrored.mirror_stream_log import MirrorStreamLog
from queues.offset_spec import NEXT, OffsetKind, OffsetSpec
from queues.options import QueueOptions
from queues.ports import EngineParts
from queues.stream.mirror_stream import MirrorStream
from tests.support.consumer import FakeConsumer
from tests.support.mirrored_machine import NOW_MS
from tests.support.peer import Node
from tests.support.quiet_streams import QuietStreams


class End:
    """An ``EndOfReading``."""

    def __init__(self) -> None:
        self.lost_count = 0
        self.is_unread = True

    def lost(self) -> None:
        self.lost_count += 1

    def unread(self) -> bool:
        return self.is_unread


class Place:
    """The readings of a node, its mirror, and the leader as the test answers for it."""

    def __init__(self) -> None:
        self.node = Node()
        self.log: MirrorStreamLog | None = QuietStreams().read()
        self.followed: list[str] = []
        self.asked: list[tuple[str, str, str, bytes]] = []
        self.answer: Awaited[Numbers] = Awaited()
        self.end = End()
        self.readings = MirrorReadings(self.node.broker.turn)
        self.readings.mirrors = self
        self.readings.ask = self.ask

    def follow(self, queue_id: str) -> MirrorStreamLog | None:
        self.followed.append(queue_id)
        return self.log

    def unfollow(self, queue_id: str) -> None:
        self.followed.remove(queue_id)

    def ask(self, vhost: str, name: str, what: str, reference: bytes) -> Awaited[Numbers]:
        self.asked.append((vhost, name, what, reference))
        return self.answer

    def find(self) -> MirrorReading | None:
        log = self.log or QuietStreams().read()
        parts = EngineParts("s", QueueOptions(), log, lambda _: None, lambda: None, NOW_MS)
        return self.readings.find("id", "/", parts, self.end)


def found(place: Place) -> MirrorReading:
    reading = place.find()
    assert reading is not None
    return reading


def test_a_node_without_a_mirror_serves_nobody() -> None:
    place = Place()
    place.log = None
    assert place.find() is None
    assert not place.readings.leave("id")


def test_the_leader_is_asked_where_a_reader_begins() -> None:
    place = Place()
    reading, told = found(place), list[int | None]()
    then: Callable[[int | None, int], None] = lambda offset, _: told.append(offset)  # noqa: E731
    reading.ask_begin(NEXT, then)
    place.node.end_turns()
    assert place.asked == [("/", "s", BEGIN, b"NEXT 0")]
    place.answer.set((41,))
    place.node.end_turns()
    assert told == [41]
    place.answer = Awaited()
    reading.ask_begin(OffsetSpec(OffsetKind.AGE, 0), then)
    place.node.end_turns()
    assert place.asked[-1][3].startswith(b"TIMESTAMP "), "an age is one from now"
    place.answer.fail(PeerAwayError("nobody leads it", was_asked=False))
    place.node.end_turns()
    assert told == [41, None]


def test_the_mirror_is_let_go_with_its_last_reader() -> None:
    place = Place()
    engine = found(place).engine
    assert isinstance(engine, MirrorStream)
    consumer = FakeConsumer()
    engine.consume(consumer, NOW_MS)
    assert place.followed == ["id"]
    place.end.is_unread = False
    engine.cancel(consumer, NOW_MS)
    assert place.followed == ["id"], "somebody is about to read"
    place.end.is_unread = True
    engine.consume(consumer, NOW_MS)
    engine.cancel(consumer, NOW_MS)
    assert place.followed == []


def test_a_mirror_that_is_lost_is_told_once() -> None:
    place = Place()
    found(place)
    assert place.log is not None
    place.log.lose()
    place.log.lose()
    assert place.end.lost_count == 1
    assert place.followed == []


@pytest.mark.parametrize("has_left", [True, False])
def test_an_engine_of_before_says_nothing(has_left: bool) -> None:
    place = Place()
    engine = found(place).engine
    assert isinstance(engine, MirrorStream)
    if has_left:
        assert place.readings.leave("id")
    found(place)
    engine.on_unread()
    assert len(place.followed) == (1 if has_left else 2)
