"""A consumer of a mirrored stream gets each message once, in order, whoever leads."""

from collections import deque

import pytest

from cluster.fronts.leader_half import FrontOpenings, LeaderHalf, LedQueues
from cluster.fronts.limits import FrontLimits, FrontNode
from cluster.fronts.stream_front import StreamFront
from cluster.mirrored.submitting import Taken
from cluster.replication.publishers import Submission
from persistence.record import Run
from queues.asked_port import ConsumeAnswer
from queues.offset_spec import FIRST, NEXT, OffsetKind, OffsetSpec
from queues.options import QueueOptions
from queues.ports import EngineParts, Job
from queues.stream.memory_log import MemoryStreamLog
from queues.stream.mirrored_stream import MirroredStream
from queues.stream.publishing import appends_of
from queues.stream_log import StreamLog
from tests.support.consumer import FakeConsumer
from tests.support.half_pair import ALL, Pipe, X
from tests.support.led_log import NOW_MS
from tests.support.records import run_of


def take_nothing(submission: Submission, run: Run, now_ms: int) -> Taken:
    raise AssertionError("nobody publishes through the front half here")


class Engine(MirroredStream):
    """The engine of a stream whose log all leaders share: all of it is committed."""

    def __init__(self, parts: EngineParts[StreamLog]) -> None:
        super().__init__(parts)  # type: ignore[arg-type]


class Rig:
    """A front half, and leaders of the same stream one after another, here or elsewhere."""

    def __init__(self) -> None:
        self.log = MemoryStreamLog()
        self.is_awake = False
        self.jobs: deque[Job] = deque()
        self.front = StreamFront("q", QueueOptions(), FrontNode(X, FrontLimits()), self._wake_up)
        self.epoch = 0
        self.published_count = 0
        self.pipe: Pipe | None = None

    def _wake_up(self) -> None:
        self.is_awake = True

    def lead(self, where: str) -> None:
        """Another leader begins, in place of the last one."""
        self.epoch += 1
        parts: EngineParts[StreamLog] = EngineParts(
            "q", QueueOptions(), self.log, lambda _: None, self._wake_up, NOW_MS
        )
        self.engine = Engine(parts)
        self.pipe = None
        if where == "here":
            self.front.lead_here(self.engine, take_nothing, self.epoch)
        else:
            led = LedQueues()
            half = LeaderHalf("q", self.epoch, self.engine, take_nothing, self.jobs.append)
            led.begin(half)
            self.pipe = Pipe()
            self.link = FrontOpenings(led, X, self.pipe)
            self.front.lead_there(self.pipe, self.epoch)
        self.settle_down()

    def publish(self, count: int) -> None:
        first, self.published_count = self.published_count, self.published_count + count
        for number in range(first, self.published_count):
            for each in appends_of(run_of(b"%d" % number), lambda _: None):
                self.engine.append(each, NOW_MS)

    def consume(self, spec: OffsetSpec, **arguments: object) -> FakeConsumer:
        consumer = FakeConsumer(prefetch=2)
        named = {f"x-stream-{key.replace('_', '-')}": value for key, value in arguments.items()}
        consumer.arguments = {"x-stream-offset": spec, **named}
        self.front.consume(consumer, NOW_MS)
        return consumer

    def ack(self, consumer: FakeConsumer, count: int) -> None:
        """A client acks the first that it has not acked."""
        for position in sorted(consumer.unacked)[:count]:
            message = consumer.unacked.pop(position)
            consumer.prefetch.unacked_count -= 1
            self.front.must_drain_before(consumer)
            self.front.settle(range(position, position + 1), len(message.record.body))
        if consumer.is_blocked:
            self.front.credit_regained(consumer)

    def settle_down(self) -> None:
        for _ in range(1_000):
            moved = self.is_awake
            self.is_awake = False
            pipe = self.pipe
            if pipe is not None:
                moved |= bool(pipe.up or pipe.down)
                while pipe.up:
                    self.link.receive(pipe.up.popleft(), NOW_MS)
                moved |= self.engine.drain(NOW_MS, ALL)
                while pipe.down:
                    self.front.receive(pipe.down.popleft(), pipe, NOW_MS)
            if self.jobs:
                job = self.jobs.popleft()
                moved = True
                if not job.step(NOW_MS):
                    self.jobs.append(job)
            moved |= self.front.drain(NOW_MS, ALL)
            if not moved:
                assert pipe is None or pipe.reason is None, pipe
                return
        raise AssertionError("it never ends")


WAYS = [("here", "there"), ("there", "here"), ("there", "there"), ("here", "here")]


@pytest.mark.parametrize("ways", WAYS)
def test_a_reader_goes_on_behind_the_last_that_it_was_shown(ways: tuple[str, str]) -> None:
    rig = Rig()
    rig.lead(ways[0])
    rig.publish(10)
    consumer = rig.consume(FIRST)
    rig.settle_down()
    assert consumer.bodies == [b"0", b"1"], "as far as its prefetch goes"
    rig.ack(consumer, 1)
    rig.settle_down()
    assert consumer.bodies == [b"0", b"1", b"2"]
    rig.lead(ways[1])
    for _ in range(20):
        rig.ack(consumer, 2)
        rig.settle_down()
    assert consumer.bodies == [b"%d" % number for number in range(10)]


@pytest.mark.parametrize("ways", WAYS)
def test_a_reader_of_what_comes_next_misses_nothing(ways: tuple[str, str]) -> None:
    rig = Rig()
    rig.lead(ways[0])
    rig.publish(3)
    consumer = rig.consume(NEXT)
    rig.settle_down()
    rig.front.lead_nowhere()
    rig.publish(2)
    rig.lead(ways[1])
    assert consumer.bodies == [b"3", b"4"]


@pytest.mark.parametrize("ways", WAYS)
def test_one_whose_offset_is_to_be_stored_begins_anew_where_nothing_is(
    ways: tuple[str, str],
) -> None:
    rig = Rig()
    rig.lead(ways[0])
    rig.publish(3)
    consumer = rig.consume(NEXT, automatic_offset_tracking=True)
    rig.settle_down()
    rig.publish(2)
    rig.settle_down()
    assert consumer.bodies == [b"3", b"4"]
    rig.front.lead_nowhere()
    rig.publish(2)
    rig.lead(ways[1])
    for _ in range(20):
        rig.ack(consumer, 2)
        rig.settle_down()
    assert consumer.bodies[2:] == [b"3", b"4", b"5", b"6"], "its acks were those of the last leader"


@pytest.mark.parametrize("where", ["here", "there"])
def test_acks_of_a_consumer_move_its_stored_offset_and_no_other(where: str) -> None:
    rig = Rig()
    rig.lead(where)
    rig.publish(4)
    one, two = rig.consume(FIRST, group="one"), rig.consume(FIRST, group="two")
    rig.settle_down()
    rig.ack(one, 2)
    rig.ack(two, 1)
    rig.settle_down()
    assert (rig.log.stored_offset(b"one"), rig.log.stored_offset(b"two")) == (1, 0)
    rig.lead(where)
    rig.ack(one, 2)
    rig.settle_down()
    assert one.bodies[:4] == [b"0", b"1", b"2", b"3"]
    rig.front.cancel(two, NOW_MS)
    rig.settle_down()
    assert rig.log.stored_offset(b"two") == 0, "what was not acked is delivered to the next one"


@pytest.mark.parametrize("where", ["here", "there"])
def test_its_place_is_shown_where_it_is_led(where: str) -> None:
    rig = Rig()
    rig.lead(where)
    rig.publish(5)
    consumer = rig.consume(OffsetSpec(OffsetKind.OFFSET, 3))
    rig.settle_down()
    state = rig.front.state()
    position = state.position_of(consumer)
    assert (None if position is None else position.offset) == (5 if where == "here" else None)
    assert state.reads_for_group(consumer) is None


def test_a_consumer_that_is_gone_is_forgotten() -> None:
    rig = Rig()
    consumer = rig.consume(FIRST)
    rig.front.cancel(consumer, NOW_MS)
    rig.front.cancel(consumer, NOW_MS)
    rig.front.credit_regained(consumer)
    rig.lead("here")
    rig.publish(1)
    rig.settle_down()
    assert consumer.bodies == []
    assert not rig.front.must_drain_before(consumer)
    rig.front.delete()


@pytest.mark.parametrize("where", ["here", "there"])
def test_who_asks_for_a_consumer_is_told_that_it_is_there(where: str) -> None:
    rig = Rig()
    rig.lead(where)
    rig.publish(2)
    consumer, told = FakeConsumer(prefetch=2), list[ConsumeAnswer]()
    consumer.arguments = {"x-stream-offset": FIRST}
    rig.front.ask_consume(consumer, told.append, NOW_MS)
    rig.settle_down()
    assert told == [ConsumeAnswer.THERE]
    assert consumer.bodies == [b"0", b"1"]
    rig.ack(consumer, 2)
    rig.lead(where)
    rig.publish(1)
    rig.settle_down()
    assert consumer.bodies == [b"0", b"1", b"2"]


def test_a_consumer_that_waits_for_a_leader_too_long_is_let_in_and_can_go() -> None:
    rig = Rig()
    consumer, told = FakeConsumer(), list[ConsumeAnswer]()
    consumer.arguments = {"x-stream-offset": FIRST}
    rig.front.ask_consume(consumer, told.append, NOW_MS)
    rig.front.expire(NOW_MS + 60_000)
    assert len(told) == 1
    rig.front.cancel(consumer, NOW_MS)
    rig.lead("here")
    rig.publish(1)
    rig.settle_down()
    assert consumer.bodies == []


@pytest.mark.parametrize("where", ["here", "there"])
def test_what_is_rejected_is_of_no_consumer(where: str) -> None:
    rig = Rig()
    rig.lead(where)
    assert not rig.front.must_drain_before(None)
