"""The way of a front half to a queue that is led on its own node: to the engine, without frames.

Publishes have numbers here too, so that what this leader has appended before it was deposed is not
appended again by the next one. Consumers are handed on through a thin handle, which moves positions
behind those of earlier leaderships.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final, Protocol, Self

from cluster.fronts.frames import Counts, Got, Purged, Question, Settlement
from cluster.fronts.purging import purging
from cluster.fronts.questions import Answer
from cluster.fronts.submissions import Submitted
from cluster.fronts.taking import Taking
from queues.asked_port import as_giving, waiting_count
from queues.batch import Batch
from queues.consumer_port import ConsumerHandle, Lane
from queues.ports import QueueEngine


def placed(batch: Batch, base: int) -> Batch:
    """Return the same messages, at positions that are higher by ``base``."""
    if not base:
        return batch
    found = batch.positions
    return Batch(
        range(found.start + base, found.stop + base, found.step),
        batch.records,
        batch.expires_at_ms,
        batch.delivery_count,
        redelivered=batch.redelivered,
        known_body_bytes=batch.body_bytes,
    )


class LocalHandle:
    """A ``queues.ports.ConsumerHandle`` for the engine, over that of a channel."""

    __slots__ = (
        "_base",
        "arguments",
        "consumer_tag",
        "credit",
        "exclusive",
        "handle",
        "has_own_room",
        "lane",
        "no_ack",
        "priority",
    )

    def __init__(self, handle: ConsumerHandle, base: int) -> None:
        self.handle = handle
        self._base = base
        self.consumer_tag = handle.consumer_tag
        self.priority = handle.priority
        self.no_ack = handle.no_ack
        self.exclusive = handle.exclusive
        self.arguments: Mapping[str, object] = handle.arguments
        self.lane: Lane = handle.lane
        # Bound methods of the channel's own handle: to ask it costs no call more.
        self.credit = handle.credit
        self.has_own_room = handle.has_own_room

    @property
    def shares_credit(self) -> bool:
        """As the channel's handle says now."""
        return self.handle.shares_credit

    @property
    def is_blocked(self) -> bool:
        """As the channel's handle has it."""
        return self.handle.is_blocked

    @is_blocked.setter
    def is_blocked(self, is_blocked: bool) -> None:
        self.handle.is_blocked = is_blocked

    def cancelled(self) -> None:
        """Not called: an engine cancels nobody by itself."""

    def deliver(self, batch: Batch) -> None:
        """Hand a batch on."""
        self.handle.deliver(placed(batch, self._base))

    def deliver_in_turn(self, handles: Sequence[Self], batch: Batch) -> None:
        """Hand a batch for several consumers of the lane on."""
        self.handle.deliver_in_turn([each.handle for each in handles], placed(batch, self._base))


class Answers(Protocol):
    """Takes answers; the front half does."""

    def answered(self, answer: Answer) -> bool:
        """Take an answer to a question; return False where nobody waits for it."""


class LocalWay:
    """The way to an engine on this node.

    Args:
        queue: the id.
        engine: of the queue that is led here.
        taking: what the front half's publishes go to.
        answers: hears the answers to questions.
        base: is added to the positions that consumers see.
    """

    is_open: bool = True
    is_shut: Final = False

    def __init__(
        self, queue: str, engine: QueueEngine, taking: Taking, answers: Answers, base: int
    ) -> None:
        self.engine: QueueEngine | None = engine
        self.taking = taking
        self._queue = queue
        self._led = engine
        self._answers = answers
        self._base = base
        self._handles: dict[ConsumerHandle, LocalHandle] = {}
        self._purges: deque[Iterator[None]] = deque()

    @property
    def gives_messages(self) -> bool:
        """Whether the engine takes messages out now: not while nothing may be delivered."""
        return as_giving(self._led) is None

    @property
    def next_position(self) -> int:
        """No message with this position or above was delivered."""
        return self._led.delivered_below

    def submit(self, submitted: Submitted, now_ms: int) -> None:
        """Have a run taken at once, as far as the leader decides now."""
        self.taking.submit(
            submitted.first, submitted.below, submitted.attempt, submitted.run, now_ms
        )

    def consume(self, handle: ConsumerHandle, now_ms: int) -> None:
        """Add a consumer; see the engine."""
        local = LocalHandle(handle, self._base)
        self._led.consume(local, now_ms)
        self._handles[handle] = local

    def local_of(self, handle: ConsumerHandle) -> LocalHandle | None:
        """Return a consumer as the engine knows it; None where it does not."""
        return self._handles.get(handle)

    def cancel(self, handle: ConsumerHandle, now_ms: int) -> None:
        """Remove a consumer."""
        local = self._handles.pop(handle, None)
        if local is not None:
            self._led.cancel(local, now_ms)

    def settle(self, positions: range, body_bytes: int) -> int:
        """Note that delivered messages were acked."""
        return self._led.settle(positions, body_bytes)

    def give_back(self, settlement: Settlement, batches: Sequence[Batch], now_ms: int) -> None:
        """Requeue delivered messages, or reject them."""
        if settlement is Settlement.REJECT:
            self._led.reject(batches, now_ms)
        else:
            self._led.requeue(batches, now_ms)

    def refill(self, *, begins: bool) -> None:
        """Have only requeued messages be delivered, or all again."""
        if begins:
            self._led.begin_refill()
        else:
            self._led.end_refill()

    def ask(self, number: int, question: Question, now_ms: int) -> None:
        """Answer at once; a purge goes on with drains, and is answered when it is safe."""
        engine = self._led
        match question:
            case Question.COUNTS:
                engine.touch(now_ms)
                unacked_count = engine.counts().unacked_count
                counts = waiting_count(engine), engine.consumer_count, unacked_count
                self._answers.answered(Counts(self._queue, number, *counts))
            case Question.GET:
                got = engine.get(now_ms)
                batch = None if got is None else placed(got[0], self._base)
                answer = Got(self._queue, number, batch, 0 if got is None else got[1])
                if not self._answers.answered(answer) and got is not None:
                    engine.requeue([got[0]], now_ms)
            case Question.PURGE:
                self._purges.append(purging(self._led, partial(self._purged, number)))
                self._purge_on()

    def _purge_on(self) -> None:
        """Do a piece of the first purge."""
        for _ in self._purges[0]:
            return
        self._purges.popleft()

    def _purged(self, number: int, count: int) -> None:
        if self.is_open:
            self._answers.answered(Purged(self._queue, number, count))

    def credit_regained(self, handle: ConsumerHandle) -> None:
        """A consumer has room in its own prefetch again."""
        local = self._handles.get(handle)
        if local is not None:
            self._led.credit_regained(local)

    def lane_opened(self, lane: Lane) -> None:
        """The consumers of a lane may be served again."""
        self._led.lane_opened(lane)

    def drain(self, now_ms: int, max_messages: int) -> bool:
        """Have the engine deliver."""
        if self._purges:
            self._purge_on()
        return self._led.drain(now_ms, max_messages) or bool(self._purges)

    def deadline_ms(self) -> int | None:
        """Return the engine's next deadline."""
        return self._led.next_deadline_ms()

    def expire(self, now_ms: int) -> None:
        """Have the engine do what is due."""
        self._led.expire(now_ms)

    def end(self) -> None:
        """The leadership is over; the engine goes with it."""
        self.is_open = False
        self._purges.clear()
        self.taking.end()
