"""The way of a front half to a queue that is led on another node: frames over a pipe.

The queue is opened first. Nothing else is said before the leader has said that it serves. Where it
does not, or not any more, the way is over; whoever knows of leaders finds the next one.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from cluster.fronts.errors import FrontError
from cluster.fronts.followed_handle import FollowedHandle
from cluster.fronts.frames import (
    Ask,
    Barred,
    Close,
    Confirmed,
    Consuming,
    Counts,
    Deliver,
    Gap,
    Got,
    NotServing,
    Open,
    Opened,
    Publish,
    Purged,
    Question,
    Refused,
    Settle,
    Settlement,
    ToFront,
    ToLeader,
)
from cluster.fronts.limits import FrontLimits
from cluster.fronts.questions import Answer
from cluster.fronts.remote_consumers import RemoteConsumers
from cluster.fronts.submissions import Submissions, Submitted
from queues.batch import Batch
from queues.consumer_port import ConsumerHandle, Lane
from queues.ports import QueueEngine


class LeaderPipe(Protocol):
    """The connection to a leader's node: ordered, and it may end at any moment."""

    def put(self, frame: ToLeader) -> None:
        """Let a frame leave."""

    def fail(self, reason: str) -> None:
        """End the connection, because what came over it makes no sense."""

    def is_shut(self, queue: str) -> bool:
        """Return whether there is no room for more of a queue now; it is told when there is."""


class Hearer(Protocol):
    """The front half, as it hears of its leader."""

    def way_opened(self, epoch: int) -> None:
        """The leader serves, in this epoch."""

    def way_lost(self) -> None:
        """The leader does not serve, or not any more."""

    def consumer_answered(self, handle: ConsumerHandle, *, is_there: bool) -> None:
        """A consumer was added, or barred."""

    def answered(self, answer: Answer) -> bool:
        """Take an answer; return False where nobody waits for it."""


class RemoteWay:
    """One opening of the queue on a connection.

    Args:
        queue: the id.
        pipe: the connection.
        limits: of the front half.
        submissions: its publishes.
        hearer: the front half.
        base: is added to the numbers of deliveries where consumers see them.
        opening: number of the opening, which no other one of this front half has.
    """

    gives_messages: Final = True
    """The leader keeps what it cannot answer yet."""

    def __init__(
        self,
        queue: str,
        pipe: LeaderPipe,
        limits: FrontLimits,
        submissions: Submissions,
        hearer: Hearer,
        *,
        base: int,
        opening: int,
    ) -> None:
        self.engine: QueueEngine | None = None
        self.is_open = False
        self.next_position = 1
        self.pipe = pipe
        self._queue = queue
        self._submissions = submissions
        self._hearer = hearer
        self._base = base
        self._opening = opening
        self._is_over = False
        self._consumers = RemoteConsumers(queue, limits, self, base)
        self._settlement = Settlement.ACK
        self._numbers: list[range] = []
        self._refills_count = 0
        self._requeued: list[range] = []

    def begin(self, epoch: int) -> None:
        """Ask the leader whether it serves, in this epoch or a later one."""
        self.pipe.put(Open(self._queue, epoch, self._opening))

    # -- frames ---------------------------------------------------------------------------------

    def put(self, frame: ToLeader) -> None:
        """Let a frame leave, behind the settlements before it."""
        if self._numbers:
            self._put_settled()
        self.pipe.put(frame)

    def receive(self, frame: ToFront, now_ms: int) -> None:
        """Take a frame of the leader's; the connection fails if it makes no sense."""
        if self._is_over or (
            isinstance(frame, Opened | NotServing) and frame.opening != self._opening
        ):
            return
        try:
            if self.is_open:
                self._take(frame)
            else:
                self._take_first(frame)
        except FrontError as error:
            self.pipe.fail(f"the leader half of {self._queue} {error}")
            self._hearer.way_lost()
        del now_ms

    def _take_first(self, frame: ToFront) -> None:
        """Before it is open, what comes is of an earlier opening."""
        if isinstance(frame, NotServing):
            self._hearer.way_lost()
        elif isinstance(frame, Opened):
            self.is_open = True
            self._hearer.way_opened(frame.epoch)

    def _take(self, frame: ToFront) -> None:
        match frame:
            case Deliver():
                self._note_delivered(frame.batch)
                self._consumers.arrived(frame.consumers, frame.batch)
            case Confirmed() | Refused() | Gap():
                self._take_published(frame)
            case Consuming() | Barred():
                is_there = isinstance(frame, Consuming)
                handle = self._consumers.answered(frame.consumer, is_there=is_there)
                if isinstance(handle, FollowedHandle) and isinstance(frame, Consuming):
                    handle.began_at(frame.begins - 1)
                if handle is not None:
                    self._hearer.consumer_answered(handle, is_there=is_there)
            case Got():
                self._take_got(frame)
            case Purged() | Counts():
                self._hearer.answered(frame)
            case NotServing():
                self._hearer.way_lost()
            case Opened():
                raise FrontError("opens a queue that is open")

    def _take_published(self, frame: Confirmed | Refused | Gap) -> None:
        if isinstance(frame, Confirmed):
            self._submissions.confirm(frame.number)
        elif isinstance(frame, Refused):
            self._submissions.refuse(frame.first, frame.last)
        else:
            self._submissions.gap(frame.number)

    def _take_got(self, got: Got) -> None:
        batch = got.batch
        if batch is not None:
            self._note_delivered(batch)
            numbers = batch.positions
            placed = range(numbers.start + self._base, numbers.stop + self._base)
            batch = Batch(
                placed,
                batch.records,
                None,
                batch.delivery_count,
                redelivered=batch.redelivered,
            )
        answer = Got(got.queue, got.number, batch, got.ready_count)
        if not self._hearer.answered(answer) and got.batch is not None:
            self.settle_as(Settlement.UNSEEN, got.batch.positions)

    def _note_delivered(self, batch: Batch) -> None:
        numbers = batch.positions
        if numbers.start != self.next_position or numbers.step != 1:
            raise FrontError(f"delivers {numbers}, and {self.next_position} is next")
        self.next_position = numbers.stop

    # -- what the front half asks for --------------------------------------------------------------

    @property
    def is_shut(self) -> bool:
        """Whether the connection has no room for publishes now; the front half is told of it."""
        return self.pipe.is_shut(self._queue)

    def submit(self, submitted: Submitted, now_ms: int) -> None:
        """Submit a run."""
        del now_ms
        numbers = submitted.first, submitted.below, submitted.attempt
        self.put(Publish(self._queue, *numbers, submitted.run))

    def consume(self, handle: ConsumerHandle, now_ms: int) -> None:
        """Have a consumer added; the leader says whether it is barred."""
        del now_ms
        self._consumers.consume(handle, handle.arguments)

    def cancel(self, handle: ConsumerHandle, now_ms: int) -> None:
        """Remove a consumer."""
        del now_ms
        self._consumers.cancel(handle)

    def settle(self, positions: range, body_bytes: int) -> int:
        """Note that delivered messages were acked; nothing is promised."""
        del body_bytes
        self.settle_as(Settlement.ACK, positions)
        return 0

    def give_back(self, settlement: Settlement, batches: Sequence[Batch], now_ms: int) -> None:
        """Requeue delivered messages, or reject them; while more are on their way, they wait."""
        del now_ms
        if settlement is Settlement.REQUEUE and self._refills_count:
            self._requeued += [batch.positions for batch in batches]
            return
        for batch in batches:
            self.settle_as(settlement, batch.positions)

    def refill(self, *, begins: bool) -> None:
        """Keep what is requeued until all is back: the leader takes it as one."""
        self._refills_count += 1 if begins else -1
        if not self._refills_count:
            numbers, self._requeued = self._requeued, []
            for each in numbers:
                self.settle_as(Settlement.REQUEUE, each)

    def settle_as(self, settlement: Settlement, numbers: range) -> None:
        """Settle deliveries, with the next frame or at the end of the turn."""
        if self._numbers:
            last = self._numbers[-1]
            if settlement is not self._settlement:
                self._put_settled()
            elif last.step == numbers.step == 1 and last.stop == numbers.start:
                self._numbers[-1] = range(last.start, numbers.stop)
                return
        self._settlement = settlement
        self._numbers.append(numbers)

    def ask(self, number: int, question: Question, now_ms: int) -> None:
        """Ask the leader."""
        del now_ms
        self.put(Ask(self._queue, number, question))

    def credit_regained(self, handle: ConsumerHandle) -> None:
        """A consumer has room in its own prefetch again."""
        self._consumers.credit_regained(handle)

    def lane_opened(self, lane: Lane) -> None:
        """The consumers of a lane may be served again."""
        self._consumers.lane_opened(lane)

    def drain(self, now_ms: int, max_messages: int) -> bool:
        """Show what came, and grant credit."""
        del now_ms
        has_more = self._consumers.drain(max_messages)
        if self._numbers:
            self._put_settled()
        return has_more

    def deadline_ms(self) -> int | None:
        """Return None: the front half keeps the deadlines."""
        return None

    def expire(self, now_ms: int) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Leave the queue on this connection; the leader takes all back."""
        if not self._is_over:
            self.put(Close(self._queue))
            self.lost()

    def lost(self) -> None:
        """The leader has ended it: there is nobody to tell."""
        self.is_open, self._is_over = False, True
        self._numbers.clear()

    def _put_settled(self) -> None:
        numbers, self._numbers = tuple(self._numbers), []
        self.pipe.put(Settle(self._queue, self._settlement, numbers))
