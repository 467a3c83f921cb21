"""What one front half has of one queue, on the leader.

Frames are worked off in their order. What a frame can make long is carried on in later turns, and
the frames behind it wait: how many, the window of their connection says. A front half that says
what makes no sense loses its connection; all that it has goes back, as if its node had gone.

While the queue may deliver nothing, gets and purges are kept, and answered when it may again. No
frame waits for them. Those that ask have a time of their own.
"""

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple, Protocol, TypeAlias

from cluster.fronts.errors import FrontError
from cluster.fronts.frames import (
    Ask,
    Barred,
    Cancel,
    Close,
    Confirmed,
    Consume,
    Consuming,
    Counts,
    Credit,
    Deliver,
    Gap,
    Got,
    Open,
    Publish,
    Purged,
    Question,
    Refused,
    Settle,
    Settlement,
    ToFront,
    ToLeader,
)
from cluster.fronts.giving_back import AT_ONCE_MAX, giving_back, settling
from cluster.fronts.leader_consumer import LeaderConsumer, LeaderLane
from cluster.fronts.outstanding import Outstanding
from cluster.fronts.purging import purging
from cluster.fronts.taking import Take, Taking
from cluster.replication.publishers import Front
from queues.asked_port import as_giving, waiting_count
from queues.batch import Batch
from queues.errors import ExclusiveUseError
from queues.ports import Later, QueueEngine

ASKS_KEPT_MAX: Final = 50_000
"""Gets and purges that one front half may have kept; those beyond get no answer."""

ANSWERED_PER_STEP: Final = 50
"""Kept questions that are answered in one piece."""


class Pipe(Protocol):
    """The way back; ``leader_half.FrontPipe``."""

    def put(self, frame: ToFront) -> None:
        """Let a frame leave."""

    def fail(self, reason: str) -> None:
        """End the connection."""

    def is_shut(self, queue: str) -> bool:
        """Return whether there is no room for more of a queue now; it is told when there is."""


Done: TypeAlias = Callable[[], None]
"""Is called when a frame is worked off."""


def nothing() -> None:
    """Do nothing: nobody waits for it."""


class Led(NamedTuple):
    """A queue that this node leads, for its front halves.

    Attributes:
        queue: the id.
        engine: the queue.
        take: takes their publishes.
        later: carries on what takes many turns.
    """

    queue: str
    engine: QueueEngine
    take: Take
    later: Later


class LeaderFront:
    """A front half with its consumers, what it has, and what it submits.

    Attributes:
        pipe: the way back.
        opening: number of the opening.
        taking: its publishes.
        is_over: nothing comes of it any more.
    """

    def __init__(
        self,
        led: Led,
        front: Front,
        pipe: Pipe,
        forget: Callable[["LeaderFront"], None],
        opening: int,
    ) -> None:
        """Begin with nothing.

        Args:
            led: the queue.
            front: whose it is.
            pipe: the way back.
            forget: called with this when it is over.
            opening: number of the opening.
        """
        self._queue, self._engine, take, self._later = led
        self.pipe = pipe
        self.opening = opening
        self._forget = forget
        self._consumers: dict[int, LeaderConsumer] = {}
        self._last_consumer = 0
        self._lanes: dict[int, LeaderLane] = {}
        self._outstanding = Outstanding()
        self._waiting: deque[tuple[ToLeader, Done]] = deque()
        self._work: deque[Iterator[object]] = deque()
        self._is_carried_on = False
        self._kept: deque[Ask] = deque()
        self._now_ms = 0
        self.is_over = False
        self.taking = Taking(front, take, _Told(led.queue, pipe))

    def receive(self, frame: ToLeader, now_ms: int, done: Done = nothing) -> None:
        """Take a frame of this queue; the connection fails if it makes no sense.

        Args:
            frame: what came.
            now_ms: the instant.
            done: called when it is worked off, now or later.
        """
        if self.is_over:
            done()
            return
        if self._work:
            self._waiting.append((frame, done))
            return
        self._now_ms = now_ms
        try:
            self._carry_out(frame, now_ms)
        except FrontError as error:
            self._fail(error, now_ms)
        done()

    def room(self) -> None:
        """There is room on the connection again."""
        for lane in self._lanes.values():
            self._engine.lane_opened(lane)

    def ended(self, now_ms: int) -> None:
        """The connection, or the use of the queue, is over: all goes back."""
        if self.is_over:
            return
        self.stop()
        self._forget(self)
        consumers = list(self._consumers.values())
        self._consumers.clear()
        for consumer in consumers:
            consumer.is_over = True
        self._begin(giving_back(self._engine, consumers, self._outstanding, self._now), now_ms)

    def stop(self) -> None:
        """Say nothing, and take nothing, any more."""
        self.is_over = True
        self.taking.end()
        if self._kept:
            self._forget_kept()
        waiting, self._waiting = self._waiting, deque()
        for _, done in waiting:
            done()

    def deliver(self, consumers: tuple[int, ...], batch: Batch) -> None:
        """Tell of a batch for these consumers, in turn."""
        holder = self._consumers.get(consumers[0]) if self._engine.has_lone_readers else None
        self.pipe.put(Deliver(self._queue, consumers, self._outstanding.add(batch, holder)))

    # -- frames ---------------------------------------------------------------------------------

    def _carry_out(self, frame: ToLeader, now_ms: int) -> None:
        match frame:
            case Publish():
                if not len(frame.run) or not 0 <= frame.open_below < frame.first:
                    text = f"{len(frame.run)} from {frame.first} on above {frame.open_below}"
                    raise FrontError(f"submits {text}")
                self.taking.submit(frame.first, frame.open_below, frame.attempt, frame.run, now_ms)
            case Settle():
                self._settle(frame, now_ms)
            case Credit():
                consumer = self._consumer(frame.consumer)
                consumer.grant(frame.total, frame.total_bytes)
                self._engine.credit_regained(consumer)
            case Consume():
                self._consume(frame, now_ms)
            case Cancel():
                self._cancel(self._consumer(frame.consumer), now_ms)
            case Ask():
                self._ask(frame, now_ms)
            case Close():
                self.ended(now_ms)
            case Open():
                raise AssertionError("a connection begins anew with it")

    def _consumer(self, number: int) -> LeaderConsumer:
        consumer = self._consumers.get(number)
        if consumer is None:
            raise FrontError(f"names consumer {number}, which is not there")
        return consumer

    def _consume(self, asked: Consume, now_ms: int) -> None:
        number = asked.consumer
        if number <= self._last_consumer or asked.credit < 0 or asked.credit_bytes < 0:
            raise FrontError(f"begins consumer {number} after {self._last_consumer}")
        self._last_consumer = number
        lane = self._lanes.get(asked.lane) or LeaderLane(asked.lane, self._is_shut)
        consumer = LeaderConsumer(asked, lane, self)
        try:
            self._engine.consume(consumer, now_ms)
        except ExclusiveUseError:
            self.pipe.put(Barred(self._queue, number))
            return
        self._lanes[asked.lane] = lane
        lane.consumers_count += 1
        self._consumers[number] = consumer
        position = self._engine.state().position_of(consumer)
        begins = 0 if position is None else position.offset + 1
        self.pipe.put(Consuming(self._queue, number, begins))

    def _cancel(self, consumer: LeaderConsumer, now_ms: int) -> None:
        del self._consumers[consumer.number]
        self._engine.cancel(consumer, now_ms)
        consumer.lane.consumers_count -= 1
        if not consumer.lane.consumers_count:
            del self._lanes[consumer.lane.number]

    def _settle(self, frame: Settle, now_ms: int) -> None:
        count = sum(map(len, frame.numbers))
        if frame.settlement is Settlement.ACK and len(frame.numbers) == 1:
            # A stretch of them is a step for each batch, however many messages it has.
            count = min(count, self._outstanding.batches_count)
        steps = settling(self._engine, self._outstanding, frame, self._now)
        if count <= AT_ONCE_MAX:
            for _ in steps:
                pass
        else:
            self._begin(steps, now_ms)

    def _ask(self, asked: Ask, now_ms: int) -> None:
        engine, number = self._engine, asked.number
        match asked.question:
            case Question.COUNTS:
                engine.touch(now_ms)
                unacked_count = engine.counts().unacked_count
                counts = waiting_count(engine), engine.consumer_count, unacked_count
                self.pipe.put(Counts(self._queue, number, *counts))
            case Question.GET | Question.PURGE if self._keeps(asked):
                pass
            case Question.GET:
                self._get(number, now_ms)
            case Question.PURGE:
                self._begin(purging(self._engine, partial(self._tell_purged, number)), now_ms)

    def _get(self, number: int, now_ms: int) -> None:
        got = self._engine.get(now_ms)
        batch = None if got is None else self._outstanding.add(got[0])
        self.pipe.put(Got(self._queue, number, batch, 0 if got is None else got[1]))

    def _keeps(self, asked: Ask) -> bool:
        """Keep what would take messages while none may be delivered; return whether it is so."""
        engine = as_giving(self._engine)
        if engine is None and not self._kept:
            return False
        if len(self._kept) < ASKS_KEPT_MAX:
            self._kept.append(asked)
        if engine is not None:
            engine.when_it_gives(self._gives_again)
        return True

    def _forget_kept(self) -> None:
        self._kept.clear()
        engine = as_giving(self._engine)
        if engine is not None:
            engine.tell_no_more(self._gives_again)

    def _gives_again(self) -> None:
        """Answer what was kept, in turns to come."""
        self._work.append(self._answering())
        if not self._is_carried_on:
            self._is_carried_on = True
            self._later(self)

    def _answering(self) -> Iterator[None]:
        answered_count = 0
        while self._kept:
            engine = as_giving(self._engine)
            if engine is not None:
                engine.when_it_gives(self._gives_again)
                return
            asked = self._kept.popleft()
            if asked.question is Question.PURGE:
                yield from purging(self._engine, partial(self._tell_purged, asked.number))
            else:
                self._get(asked.number, self._now_ms)
            answered_count += 1
            if not answered_count % ANSWERED_PER_STEP:
                yield

    def _tell_purged(self, number: int, count: int) -> None:
        if not self.is_over:
            self.pipe.put(Purged(self._queue, number, count))

    # -- what takes many turns --------------------------------------------------------------------

    def _begin(self, steps: Iterator[object], now_ms: int) -> None:
        """Do the first piece, unless other work is under way; carry on what is left."""
        self._work.append(steps)
        if not self._is_carried_on:
            self._is_carried_on = True
            if not self.step(now_ms):
                self._later(self)

    def step(self, now_ms: int) -> bool:
        """Do a piece of what is under way, then what waits behind it; return whether it is done."""
        self._now_ms = now_ms
        try:
            for _ in self._work[0]:
                return False
        except FrontError as error:
            self._fail(error, now_ms)
        self._work.popleft()
        while self._waiting and not self._work:
            frame, done = self._waiting.popleft()
            self.receive(frame, now_ms, done)
        self._is_carried_on = bool(self._work)
        return not self._work

    def _is_shut(self) -> bool:
        return self.pipe.is_shut(self._queue)

    def _now(self) -> int:
        return self._now_ms

    def _fail(self, error: FrontError, now_ms: int) -> None:
        self.pipe.fail(f"the front half of {self._queue} {error}")
        self.ended(now_ms)


class _Told:
    """A ``taking.Submitter`` at the other end of a pipe."""

    __slots__ = ("_pipe", "_queue")

    def __init__(self, queue: str, pipe: Pipe) -> None:
        self._queue = queue
        self._pipe = pipe

    def confirm(self, number: int) -> None:
        self._pipe.put(Confirmed(self._queue, number))

    def refuse(self, first: int, last: int) -> None:
        self._pipe.put(Refused(self._queue, first, last))

    def gap(self, number: int) -> None:
        self._pipe.put(Gap(self._queue, number))
