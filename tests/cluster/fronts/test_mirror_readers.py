"""Consumers of a stream read at the mirror of their node, and go on elsewhere without a gap."""

from collections.abc import Callable

import pytest

from cluster.fronts.mirror_readers import WAY_BASE
from queues.asked_port import ConsumeAnswer
from queues.offset_spec import FIRST, LAST, NEXT, OffsetKind, OffsetSpec
from queues.options import QueueOptions
from queues.ports import EngineParts
from queues.stream.mirror_stream import MirrorStream
from queues.stream_log import StreamLog
from tests.cluster.fronts.test_stream_front import Rig
from tests.support.consumer import FakeConsumer
from tests.support.led_log import NOW_MS


class Reading:
    """A ``MirrorReading`` whose leader the test answers for."""

    def __init__(self, rig: "MirrorRig") -> None:
        parts: EngineParts[StreamLog] = EngineParts(
            "q", QueueOptions(), rig.mirror_log, lambda _: None, rig._wake_up, NOW_MS
        )
        self.engine = MirrorStream(parts)
        self.asked: list[tuple[OffsetSpec, Callable[[int | None, int], None]]] = []

    def ask_begin(self, spec: OffsetSpec, then: Callable[[int | None, int], None]) -> None:
        self.asked.append((spec, then))


class MirrorRig(Rig):
    """The leader is elsewhere, and a mirror is here; both have the same log."""

    def __init__(self) -> None:
        super().__init__()
        self.mirror_log = self.log
        self.lead("there")
        self.has_mirror = True
        self.reading: Reading | None = None
        self.front.find_mirror = self._find

    def _find(self) -> Reading | None:
        if self.has_mirror:
            self.reading = Reading(self)
            return self.reading
        return None

    @property
    def read(self) -> Reading:
        assert self.reading is not None
        return self.reading


@pytest.fixture
def rig() -> MirrorRig:
    rig = MirrorRig()
    rig.publish(10)
    return rig


def all_read(rig: MirrorRig, consumer: FakeConsumer, first: int = 0) -> None:
    for _ in range(30):
        rig.ack(consumer, 2)
        rig.settle_down()
    assert consumer.bodies == [b"%d" % number for number in range(first, rig.published_count)]


def test_a_consumer_reads_at_the_mirror_and_the_leader_does_not_know_it(rig: MirrorRig) -> None:
    consumer = rig.consume(FIRST)
    rig.settle_down()
    assert consumer.bodies == [b"0", b"1"], "as far as its prefetch goes"
    assert max(consumer.unacked) < WAY_BASE
    assert rig.engine.counts().consumer_count == 0
    assert rig.front.counts().consumer_count == 1
    position = rig.front.state().position_of(consumer)
    assert position is not None
    assert position.offset == 2
    all_read(rig, consumer)
    assert rig.front.serves(consumer.lane)
    assert rig.read.engine.counts().unacked_count == 0
    rig.front.cancel(consumer, NOW_MS)
    assert not rig.front.serves(consumer.lane)


@pytest.mark.parametrize("spec", [NEXT, LAST, OffsetSpec(OffsetKind.OFFSET, -3)])
def test_the_leader_says_where_a_reader_begins(rig: MirrorRig, spec: OffsetSpec) -> None:
    answers: list[ConsumeAnswer] = []
    consumer = FakeConsumer(prefetch=2)
    consumer.arguments = {"x-stream-offset": spec}
    rig.front.ask_consume(consumer, answers.append, NOW_MS)
    rig.settle_down()
    assert not answers, "it is not there before that is known"
    ((asked, then),) = rig.read.asked
    assert asked == spec
    then(7, NOW_MS)
    assert answers == [ConsumeAnswer.THERE]
    all_read(rig, consumer, 7)


def test_where_nobody_leads_it_begins_with_what_is_known_here(rig: MirrorRig) -> None:
    rig.front.lead_nowhere()
    consumer = rig.consume(NEXT)
    rig.read.asked[0][1](None, NOW_MS)
    rig.publish(1)
    rig.settle_down()
    assert consumer.bodies == [b"10"]


def test_who_has_gone_before_that_is_known_is_not_served(rig: MirrorRig) -> None:
    consumer = rig.consume(NEXT)
    rig.front.cancel(consumer, NOW_MS)
    rig.read.asked[0][1](0, NOW_MS)
    rig.settle_down()
    assert not consumer.bodies


@pytest.mark.parametrize("where", ["here", "there"])
def test_readers_go_on_behind_what_they_got_where_the_mirror_ends(
    rig: MirrorRig, where: str
) -> None:
    consumer, waiting = rig.consume(FIRST), rig.consume(NEXT)
    rig.settle_down()
    rig.ack(consumer, 1)
    rig.settle_down()
    assert consumer.bodies == [b"0", b"1", b"2"]
    rig.has_mirror = False
    if where == "here":
        rig.lead("here")
    else:
        rig.front.mirror_lost()
        rig.log.on_readable = rig.engine._more_is_readable
    rig.settle_down()
    rig.publish(2)
    all_read(rig, consumer)
    all_read(rig, waiting, 10)
    assert rig.engine.counts().consumer_count == 2


def test_readers_stay_at_the_mirror_while_leaders_change(rig: MirrorRig) -> None:
    consumer = rig.consume(FIRST)
    rig.settle_down()
    for _ in range(3):
        rig.front.lead_nowhere()
        rig.publish(1)
        rig.ack(consumer, 1)
        rig.settle_down()
        rig.lead("there")
    all_read(rig, consumer)
    assert rig.engine.counts().consumer_count == 0


def test_a_reader_of_a_leader_that_goes_finds_the_mirror(rig: MirrorRig) -> None:
    rig.has_mirror = False
    consumer = rig.consume(FIRST)
    rig.settle_down()
    assert rig.engine.counts().consumer_count == 1
    rig.has_mirror = True
    rig.lead("there")
    all_read(rig, consumer)
    assert rig.engine.counts().consumer_count == 0


@pytest.mark.parametrize("arguments", [{"automatic_offset_tracking": True}, {"group": "g"}])
def test_whose_offset_is_stored_is_served_by_the_leader(
    rig: MirrorRig, arguments: dict[str, object]
) -> None:
    consumer = rig.consume(FIRST, **arguments)
    rig.settle_down()
    assert rig.engine.counts().consumer_count == 1
    all_read(rig, consumer)


def test_a_mirror_without_readers_is_let_go_but_not_before_who_is_about_to_read(
    rig: MirrorRig,
) -> None:
    assert rig.front.engine_to_read() is rig.read.engine
    rig.consume(NEXT)
    assert not rig.front.mirror_unread()
    rig.read.asked[0][1](None, NOW_MS)
    assert not rig.front.mirror_unread()
    first = rig.read
    rig.front.mirror_lost()
    assert rig.front.mirror_unread()
    assert rig.front.engine_to_read() is not first.engine


def test_nothing_is_read_of_a_stream_that_is_gone(rig: MirrorRig) -> None:
    consumer = rig.consume(FIRST)
    rig.settle_down()
    rig.front.delete()
    rig.settle_down()
    assert consumer.bodies == [b"0", b"1"]
