"""The front half of a mirrored queue: what the channels of a node use, whoever leads it.

    channels ─▶ FrontQueue ─▶ a way ─▶ the engine here │ frames to the leader's node │ nobody
                 │ publishes, numbered and kept until they are decided
                 │ consumers, in the order in which they came
                 └ open questions

When the leader changes, another way takes the place of the last one. Consumers are added there
again, in their old order, and publishes that are open are submitted again. The positions that
channels see grow with each way, so that the settlement of an older delivery is known by its
position, and swallowed: the new leader has made all messages ready again.
"""

from collections.abc import Sequence
from typing import Final

from cluster.fronts.asking_front import AskingFront
from cluster.fronts.consumers_kept import KeptConsumers
from cluster.fronts.frames import Question, Settlement, ToFront
from cluster.fronts.limits import FrontNode
from cluster.fronts.local_way import LocalWay, placed
from cluster.fronts.questions import Answer, Questions, Then
from cluster.fronts.remote_way import LeaderPipe, RemoteWay
from cluster.fronts.submissions import Submissions
from cluster.fronts.taking import Take, Taking
from cluster.fronts.ways import NoWay, Way
from persistence.record import Run
from queues.batch import Batch
from queues.commits import CommitPoint
from queues.consumer_port import ConsumerHandle, Lane
from queues.errors import ExclusiveUseError
from queues.options import QueueOptions
from queues.outcomes import PublishOutcome, StillOpen, kept_out
from queues.ports import Positions, QueueEngine, WakeUp

POSITIONS_APART: Final = 1 << 24
"""Between the positions of two ways: further than two deliveries that are settled as one range."""

SUBMITTED_PER_DRAIN: Final = 64
"""Runs that are submitted in one drain, where many wait."""

CONSUMERS_PER_DRAIN: Final = 500
"""Consumers that are added in one drain, where many wait."""


class FrontQueue(AskingFront):
    """A ``queues.ports.QueueEngine`` for one mirrored queue on one node.

    Whoever makes it tells it who leads, and hands on what comes over the pipe.

    Args:
        queue: the id.
        options: from arguments and policies.
        node: what all front halves of the node share.
        wake_up: asks for a ``drain`` before this turn ends; also the local engine's.
    """

    def __init__(self, queue: str, options: QueueOptions, node: FrontNode, wake_up: WakeUp) -> None:
        super().__init__(options)
        self.queue = queue
        self.epoch = 0
        self._node = node
        self._wake_up = wake_up
        self._submissions = Submissions(queue, node)
        self._consumers = KeptConsumers()
        self._questions = Questions()
        self._way: Way = NoWay()
        self._remote: RemoteWay | None = None
        self._base = 0
        self._openings_count = 0
        self._open_again_at_ms: int | None = None
        self._refills_count = 0
        self._is_deleted = False
        self._now_ms = 0

    # -- who leads ------------------------------------------------------------------------------

    def lead_here(self, engine: QueueEngine, take: Take, epoch: int) -> None:
        """This node leads: the engine is the queue."""
        self._leave()
        self.epoch = max(self.epoch, epoch)
        taking = Taking(self._node.front, take, self._submissions, self._wake_up)
        self._way = LocalWay(self.queue, engine, taking, self, self._base)
        self.way_opened(epoch)

    def lead_there(self, pipe: LeaderPipe, epoch: int) -> None:
        """The node at the other end of a pipe leads, as far as is known."""
        self._leave()
        self.epoch = max(self.epoch, epoch)
        self._open(pipe)

    def lead_nowhere(self) -> None:
        """Nobody leads, or there is no connection to who does."""
        self._leave()

    def receive(self, frame: ToFront, pipe: LeaderPipe, now_ms: int) -> None:
        """Take a frame of a leader's that came over a pipe."""
        self._now_ms = now_ms
        if self._remote is not None and self._remote.pipe is pipe:
            self._remote.receive(frame, now_ms)
            self._wake_up()

    def pipe_ended(self, pipe: LeaderPipe) -> None:
        """A pipe has ended: what was on its way is lost."""
        if self._remote is not None and self._remote.pipe is pipe:
            self._remote.lost()
            self._leave()

    def room(self, pipe: LeaderPipe) -> None:
        """There is room on a pipe for more of this queue."""
        if self._remote is not None and self._remote.pipe is pipe:
            self._wake_up()

    def go_on(self) -> None:
        """This node leads, and publishes may be admitted again (R22)."""
        if isinstance(self._way, LocalWay):
            self._way.taking.go_on()
            self._wake_up()

    # -- in -------------------------------------------------------------------------------------

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:
        """Take a run, unless too much is open."""
        assert not self._is_deleted, "nothing is routed to a deleted queue"
        has_unsent = self._submissions.has_unsent
        submitted = self._submissions.add(run, now_ms)
        count = len(run)
        if submitted is None:
            return kept_out(count)
        if has_unsent or not self._way.is_open:
            self._wake_up()
        else:
            self._submit(1, now_ms)
        safe_at = CommitPoint(submitted.group, submitted.last)
        still_open = (StillOpen(range(count), submitted),)
        refused = submitted.refused
        rejected = [at for some in refused for at in some] if refused else ()
        return PublishOutcome(rejected, safe_at, (), still_open)

    # -- out ------------------------------------------------------------------------------------

    def drain(self, now_ms: int, max_messages: int) -> bool:
        """Begin anew what waits for the way, then have it deliver."""
        self._now_ms, way = now_ms, self._way
        if not way.is_open:
            self._asked_consumers.tell_cancelled()
            return False
        has_more = self._consume_waiting(now_ms)
        if self._submissions.has_unsent:
            self._submit(SUBMITTED_PER_DRAIN, now_ms)
        has_more |= self._ask_waiting(now_ms)
        has_more |= way.drain(now_ms, max_messages)
        self._asked_consumers.tell_cancelled()
        has_more |= self._submissions.has_unsent and not way.is_shut
        return has_more and self._way is way and way.is_open

    # -- questions to the leader ----------------------------------------------------------------

    def ask(self, question: Question, then: Then, now_ms: int) -> None:
        """Ask the leader, as soon as there is one; the answer is None where that takes too long.

        A message that was got is to be settled, also by who needs no ack.
        """
        self._questions.add(question, then, now_ms)
        self._ask_waiting(now_ms)
        self._wake_up()

    def answered(self, answer: Answer) -> bool:
        """Hand the answer to a question on."""
        return self._questions.answer(answer)

    # -- settlements ----------------------------------------------------------------------------

    def settle(self, positions: Positions, settled_body_bytes: int) -> int:
        """Note that delivered messages were acked; those of an earlier way say nothing."""
        if isinstance(positions, range):
            if len(positions) and positions[0] >= self._base and self._way.is_open:
                self._wake_up()
                start, stop = positions.start - self._base, positions.stop - self._base
                return self._way.settle(range(start, stop, positions.step), settled_body_bytes)
            return 0
        for position in positions:
            self.settle(range(position, position + 1), settled_body_bytes)
            settled_body_bytes = 0
        return 0

    def reject(self, batches: Sequence[Batch], now_ms: int) -> None:
        """Note that delivered messages were rejected for good."""
        self.give_back(Settlement.REJECT, batches, now_ms)

    def requeue(self, batches: Sequence[Batch], now_ms: int) -> None:
        """Have delivered messages go back."""
        self.give_back(Settlement.REQUEUE, batches, now_ms)

    def begin_refill(self) -> None:
        """More of what is requeued is on its way."""
        self._refills_count += 1
        self._way.refill(begins=True)

    def end_refill(self) -> None:
        """All that is requeued is back; what was begun on an earlier way has ended with it."""
        if self._refills_count:
            self._refills_count -= 1
            self._way.refill(begins=False)
            self._wake_up()

    # -- consumers ------------------------------------------------------------------------------

    def consume(self, handle: ConsumerHandle, now_ms: int) -> None:
        """Add a consumer; it stays, whoever leads.

        Raises:
            ExclusiveUseError: another consumer keeps it out; from another node this comes later.
        """
        if self._way.engine is not None and not self._consumers.has_waiting:
            self._way.consume(handle, now_ms)
            self._consumers.add(handle, is_there=True)
            self._asked_consumers.there(handle)
        else:
            self._consumers.add(handle, is_there=False)
        self._wake_up()

    def cancel(self, handle: ConsumerHandle, now_ms: int) -> None:
        """Remove a consumer; its deliveries stay unacked."""
        self._asked_consumers.forget(handle)
        if self._consumers.remove(handle):
            self._way.cancel(handle, now_ms)
            self._wake_up()

    def credit_regained(self, handle: ConsumerHandle) -> None:
        """A consumer has room in its own prefetch again."""
        self._way.credit_regained(handle)
        self._wake_up()

    def lane_opened(self, lane: Lane) -> None:
        """The consumers of a lane may be served again."""
        self._way.lane_opened(lane)
        self._wake_up()

    def serves(self, lane: Lane) -> bool:
        """Whether any consumer of this lane is here."""
        return self._consumers.serves(lane)

    def consumer_answered(self, handle: ConsumerHandle, *, is_there: bool) -> None:
        """The leader has added a consumer, or has barred it."""
        if is_there:
            self._asked_consumers.there(handle)
        else:
            self._consumers.remove(handle)
            self._asked_consumers.barred(handle)

    # -- the queue itself -----------------------------------------------------------------------

    def expire(self, now_ms: int) -> None:
        """Do what is due."""
        self._now_ms = now_ms
        self._submissions.expire(now_ms)
        self._questions.expire(self._node.limits.hold_ms, now_ms)
        for handle in self._asked_consumers.expire(now_ms):
            self.cancel(handle, now_ms)
        again_at_ms = self._open_again_at_ms
        if again_at_ms is not None and again_at_ms <= now_ms and self._remote is not None:
            pipe = self._remote.pipe
            self._leave()
            self._open(pipe)
        self._way.expire(now_ms)

    def next_deadline_ms(self) -> int | None:
        """Return when ``expire`` must be called next."""
        deadlines = (
            self._submissions.deadline_ms(),
            self._questions.deadline_ms(self._node.limits.hold_ms),
            self._open_again_at_ms,
            self._asked_consumers.deadline_ms(),
            self._way.deadline_ms(),
        )
        return min([each for each in deadlines if each is not None], default=None)

    def delete(self) -> None:
        """The queue is gone everywhere: what is open fails."""
        engine = self._way.engine
        self._leave()
        if engine is not None:
            engine.delete()
        self._is_deleted = True
        self._submissions.end()
        self._questions.end()
        self._asked_consumers.end()
        self._consumers.clear()

    # -- as a way sees it -----------------------------------------------------------------------

    def way_opened(self, epoch: int) -> None:
        """A leader serves; one of an epoch below another that was seen is not the last."""
        if epoch < self.epoch:
            self._lose(opens_again=True)
            return
        self.epoch = epoch
        self._wake_up()

    def way_lost(self) -> None:
        """The leader does not serve, or not any more: ask again, until another one is known."""
        if self._remote is not None:
            self._remote.lost()
        self._lose(opens_again=True)

    # -- inside ---------------------------------------------------------------------------------

    def _open(self, pipe: LeaderPipe) -> None:
        self._openings_count += 1
        self._way = self._remote = RemoteWay(
            self.queue,
            pipe,
            self._node.limits,
            self._submissions,
            self,
            base=self._base,
            opening=self._openings_count,
        )
        self._remote.begin(self.epoch)

    def _lose(self, *, opens_again: bool) -> None:
        """Nothing goes over the way any more; it may be opened again in a while."""
        remote = self._remote
        self._leave()
        if opens_again and remote is not None:
            self._remote = remote
            self._open_again_at_ms = self._now_ms + self._node.limits.again_ms
        self._wake_up()

    def _leave(self) -> None:
        """End the way: what it delivered is not ours any more, what is open waits for the next."""
        way = self._way
        way.end()
        self._base += way.next_position + POSITIONS_APART if way.next_position else 0
        self._way, self._remote, self._open_again_at_ms = NoWay(), None, None
        self._refills_count = 0
        self._submissions.way_ended()
        self._questions.way_ended()
        self._asked_consumers.cancel_later(self._consumers.way_ended())
        self._wake_up()

    def _submit(self, max_count: int, now_ms: int) -> None:
        """Submit runs that wait, as long as the way is there."""
        way, submissions = self._way, self._submissions
        for _ in range(max_count):
            if not way.is_open or way.is_shut or (submitted := submissions.next()) is None:
                return
            way.submit(submitted, now_ms)

    def _ask_waiting(self, now_ms: int) -> bool:
        """Ask, but not before what was published before; return whether more may be asked now."""
        may_ask = self._way.is_open and not self._submissions.has_unsent
        return may_ask and self._questions.ask_over(self._way, now_ms)

    def _consume_waiting(self, now_ms: int) -> bool:
        """Add consumers that wait for the way; return whether more of them wait."""
        way = self._way
        for _ in range(CONSUMERS_PER_DRAIN):
            handle = self._consumers.next_waiting()
            if handle is None:
                return False
            self._begin_consumer(way, handle, now_ms)
        return self._consumers.has_waiting

    def _begin_consumer(self, way: Way, handle: ConsumerHandle, now_ms: int) -> None:
        try:
            way.consume(handle, now_ms)
        except ExclusiveUseError:
            self._consumers.remove(handle)
            self._asked_consumers.barred(handle)
        else:
            if way.engine is not None:
                self._asked_consumers.there(handle)

    def give_back(self, settlement: Settlement, batches: Sequence[Batch], now_ms: int) -> None:
        """Give batches back, but for those that were delivered on an earlier way."""
        if not self._way.is_open:
            return
        ours = [placed(batch, -self._base) for batch in batches if batch.positions[0] >= self._base]
        if ours:
            self._way.give_back(settlement, ours, now_ms)
            self._wake_up()

    @property
    def here(self) -> QueueEngine | None:
        """The engine, where the queue is led here."""
        return self._way.engine

    @property
    def base(self) -> int:
        """What is added to the positions of the way."""
        return self._base

    @property
    def consumers_here_count(self) -> int:
        """How many consumers there are on this node."""
        return len(self._consumers)
