"""One queue of the classic kind, or of the quorum kind by its rules: the state machine.

A message is *ready*, then *unacked* once an acking consumer or get took it, then settled; a
requeue makes it ready again at its old place. A publish delivers nothing. It asks for a ``drain``
before the turn ends, so that one drain serves many publishes. There is one exception: a queue at
its limit, or one that gets a message that expires at once, delivers first to find out which
messages remain.
"""

from collections.abc import Sequence
from typing import Final

from persistence.record import Run, has_ttl
from queues.batch import Batch
from queues.classic.backlog import DROPPED_PER_CALL_MAX, Backlog
from queues.classic.consumers import Consumers
from queues.classic.counting import note_get
from queues.classic.delivery import Delivery
from queues.classic.lifetime import Lifetime, tell_nobody, wake_nobody
from queues.classic.limited_publish import LimitedPublish
from queues.classic.nacks import Nacks
from queues.classic.removing import remove
from queues.classic.rules import CLASSIC_RULES, SharingRules
from queues.classic.shown import ShownQueue
from queues.commits import CommitGroup
from queues.consumer_port import ConsumerHandle, Lane
from queues.counters import QueueCounters
from queues.effects import QueueExpired, QueueUnused
from queues.log_port import QueueLog, RecoveredMessages
from queues.looking import LookedMessage
from queues.moves import Dying, Moves
from queues.options import QueueOptions
from queues.outcomes import PublishOutcome, PurgeOutcome, all_taken
from queues.ports import EngineParts, Positions

EXPIRED_PER_GET_MAX: Final = 100_000
"""A get skips at most this many expired messages; behind more it finds the queue empty."""


class ClassicQueue(ShownQueue):
    """The messages of one queue and their consumers.

    Invariant: a message is ready, unacked or dying, and never two of these; a settled one is none.
    Invariant: ready messages are within the limits after every call, with two exceptions:
        reject-publish let a requeue exceed them, or the excess is so large that the next drains go
        on dropping it.
    Invariant: a deleted queue accepts settlements, which have no effect, and no publish.
    """

    keeps_transient: Final = False
    has_lone_readers: Final = False

    # Many queues need neither of these, so each is made for the first call.
    _limited: LimitedPublish | None = None
    _nacks: Nacks | None = None
    _settled_by: tuple[object, int] | None = None
    _is_deleted: bool = False

    def __init__(
        self,
        parts: EngineParts[QueueLog],
        rules: SharingRules = CLASSIC_RULES,
    ) -> None:
        """Make an empty queue of these parts; consumers share it by these rules."""
        name, options, log, emit, wake_up, now_ms, auto_delete, memory, _ = parts
        self.name = name
        self.options = options
        self._rules = rules
        self._keeps_all = options.keeps_all
        self._sorts = options.max_priority is not None
        self._backlog = Backlog(name, options, log, emit, memory)
        self._emit = emit
        self._wake_up = wake_up
        self._consumers = Consumers(options, rules)
        self._delivery = Delivery(self._backlog, self._consumers)
        self._lifetime = Lifetime(options.expires_ms, now_ms, auto_delete)

    def recover(self, found: RecoveredMessages, now_ms: int) -> None:
        """Take the messages that a restart found; see ``Backlog.recover``."""
        self._backlog.recover(found, now_ms)
        self._wake_up()

    # -- in ---------------------------------------------------------------------------------

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:
        """Enqueue a run (at least one message) behind everything else.

        Past a limit the queue delivers as much as it can before it counts. So a queue of max-length
        1 with a ready consumer loses no message.
        """
        assert not self._is_deleted, "nothing is routed to a deleted queue"
        if self._keeps_all and not has_ttl(run):
            if self._consumers.count:
                if self._sorts and not self._consumers.all_are_blocked:
                    limited = self._limited or self._limited_publish()
                    return limited.publish_to_waiting(run, 0, now_ms)
                self._wake_up()
            backlog = self._backlog
            ready = backlog.ready
            lsn = backlog.log.append(ready.append(run), run)
            if ready.is_over:
                backlog.make_room()
            return all_taken(backlog.log.commit_group, lsn)
        self._wake_up()
        return (self._limited or self._limited_publish()).publish(run, now_ms)

    def only_appends(self, run: Run, now_ms: int) -> bool:
        """Whether ``publish`` of this run, now, would refuse, drop and deliver nothing."""
        if self._sorts and self._consumers.count and not self._consumers.all_are_blocked:
            return False
        if self._keeps_all and not has_ttl(run):
            return True
        return (self._limited or self._limited_publish()).only_appends(run, now_ms)

    def requeue(self, batches: Sequence[Batch], now_ms: int) -> None:
        """Take messages back to their old places; see ``Nacks``.

        An auto-delete queue that its last consumer has left takes no message back, because it will
        be deleted with all its messages.
        """
        if not (self._is_deleted or self._lifetime.is_over) and batches:
            (self._nacks or self._taking_nacks()).requeue(batches, now_ms)
            self._wake_up()

    def begin_refill(self) -> None:
        """Deliver only requeued messages until ``end_refill``, because more are on their way."""
        self._delivery.refills_count += 1

    def end_refill(self) -> None:
        """Deliver as usual again: all requeued messages are back."""
        if not self._is_deleted:
            self._delivery.refills_count -= 1
            self._ask_for_drain()

    def pause(self, *, is_on: bool) -> None:
        """Deliver nothing to consumers from now on, or deliver again; a get is not kept out."""
        self._delivery.pause(is_on=is_on)
        self._ask_for_drain()

    # -- out --------------------------------------------------------------------------------

    def drain(self, now_ms: int, max_messages: int) -> bool:
        """Deliver to the consumers that have credit, in turn.

        Args:
            now_ms: messages that expired by then are not delivered.
            max_messages: the most to deliver, or to drop as expired.

        Returns:
            True when it stopped at ``max_messages`` and more can be delivered now.
        """
        if self._is_deleted:
            return False
        backlog = self._backlog
        left = max_messages
        if backlog.ready.head_expires_at_ms:
            left -= backlog.drop_expired(now_ms, max_messages)
        if backlog.is_over:
            backlog.drop_excess()
        left -= self._delivery.deliver(now_ms, left)
        if backlog.is_over and backlog.has_room:
            return True
        if left > 0 or not backlog.ready.count or self._delivery.refills_count:
            return False
        sole = self._consumers.sole
        return sole.credit() > 0 if sole is not None else bool(self._consumers.next_round(1)[0])

    def get(self, now_ms: int, *, no_ack: bool = False) -> tuple[Batch, int] | None:
        """Take one message off the head: basic.get; it counts as use of the queue.

        Returns:
            The message and how many are still ready; None when no message is ready.
        """
        self._lifetime.renew(now_ms)
        for _ in range(0, EXPIRED_PER_GET_MAX, DROPPED_PER_CALL_MAX):
            if not self._backlog.drop_expired(now_ms, DROPPED_PER_CALL_MAX):
                break
        batch = None
        if not self._delivery.refills_count or self._delivery.may_be_got:
            batch = self._backlog.ready.take(1, now_ms)
        note_get(self._delivery.counters, batch, no_ack=no_ack)
        if batch is None:
            return None
        self._delivery.account(batch, 1, no_ack=no_ack)
        self._backlog.drop_expired(now_ms, DROPPED_PER_CALL_MAX)
        self._wake_up()
        return batch, self._backlog.ready.count

    def settle(self, positions: Positions, settled_body_bytes: int) -> int:
        """Forget unacked messages: they were acknowledged.

        Args:
            positions: a range with any step, or distinct positions in any order.
            settled_body_bytes: sum of their bodies.

        Returns:
            LSN of the settlement.
        """
        if self._is_deleted or not positions:
            return self._backlog.log.committed_lsn
        consumers, backlog = self._consumers, self._backlog
        self._delivery.forget(len(positions), settled_body_bytes)
        if isinstance(positions, range):
            lsn = backlog.log.settle(positions)
        else:
            lsn = backlog.settle(positions)
        if consumers.count and backlog.ready.count:
            self._wake_up()
        return lsn

    def reject(self, batches: Sequence[Batch], now_ms: int) -> None:
        """Drop unacked messages for good: rejected without requeue; see ``Nacks``."""
        if not self._is_deleted and batches:
            (self._nacks or self._taking_nacks()).reject(batches, now_ms)
            self._ask_for_drain()

    @property
    def commit_group(self) -> CommitGroup:
        """The commit group of this queue's log."""
        return self._backlog.log.commit_group

    @property
    def moves(self) -> Moves:
        """Messages that died and are to be moved; code that takes some must call ``moved``."""
        return self._backlog.moves

    def moved(self, dying: Dying) -> None:
        """Settle messages taken from ``moves``, whose copies are in the logs of their queues."""
        if self._is_deleted:
            return
        self._backlog.moved(dying)
        if self._backlog.may_drop_more:
            self._wake_up()

    def purge(self) -> PurgeOutcome:
        """Forget ready messages, dead-lettering none; of priorities some only."""
        return self._backlog.purge()

    def remove(self, lane: int, messages: Sequence[LookedMessage]) -> int:
        """Forget ready messages that a look has just returned; return the LSN. See the port."""
        lsn = remove(self._backlog, lane, messages)
        self._wake_up()
        return lsn

    # -- consumers --------------------------------------------------------------------------

    def consume(self, handle: ConsumerHandle, now_ms: int) -> None:
        """Add a consumer; it is served from the next drain on.

        Raises:
            ExclusiveUseError: this consumer, or one that is there, wants exclusive use.
        """
        if self._consumers.sole is not None and self._backlog.ready.count:
            # Consumers that cannot be served by now come after the newcomer.
            self._consumers.next_round(1)
        self._consumers.add(handle)
        self._lifetime.renew(now_ms)
        self._delivery.let_successor_in()
        self._ask_for_drain()

    def cancel(self, handle: ConsumerHandle, now_ms: int) -> None:
        """Remove a consumer; its deliveries stay unacked. An unknown one is ignored."""
        if self._is_deleted or not self._consumers.remove(handle):
            return
        if not self._consumers.count:
            # A drain that does nothing would keep other queues waiting.
            if self._lifetime.last_consumer_left(now_ms):
                self._emit(QueueUnused(self.name))
            elif self._lifetime.deadline_ms is not None:
                self._wake_up()
            return
        self._wake_up()

    def credit_regained(self, handle: ConsumerHandle) -> None:
        """A consumer that ``is_blocked`` has room in its own window again."""
        self._consumers.credit_regained(handle)
        self._ask_for_drain()

    def lane_opened(self, lane: Lane) -> None:
        """The consumers of a lane may be served again: it was shut when one was to be."""
        self._consumers.lane_opened(lane)
        self._ask_for_drain()

    def serves(self, lane: Lane) -> bool:
        """Whether any consumer of this lane is here."""
        return self._consumers.serves(lane)

    def must_drain_before(self, holder: object) -> bool:
        """Note whose messages are settled next; see the port."""
        if self._consumers.count <= 1:
            return False
        ready = self._backlog.ready
        before, self._settled_by = self._settled_by, (holder, ready.next_position)
        has_due = ready.count > 0 and not self._consumers.all_are_blocked
        return has_due and (holder is None or before != self._settled_by)

    # -- the queue itself -------------------------------------------------------------------

    def touch(self, now_ms: int) -> None:
        """The queue was declared again, passively or not; the rules say whether this is use."""
        if self._rules.declare_is_use:
            self._lifetime.renew(now_ms)
        self._backlog.drop_expired(now_ms, DROPPED_PER_CALL_MAX)

    def expire(self, now_ms: int) -> None:
        """Drop expired messages at the head; emit an effect if the queue expired. For timers."""
        if self._is_deleted:
            return
        self._backlog.drop_expired(now_ms, DROPPED_PER_CALL_MAX)
        if self._delivery.ask_disk_at_ms is not None and self._delivery.ask_disk_at_ms <= now_ms:
            self._delivery.ask_disk_at_ms = None
            self._ask_for_drain()
        if not self._consumers.count and self._lifetime.fires(now_ms):
            self._emit(QueueExpired(self.name))

    def next_deadline_ms(self) -> int | None:
        """Return when ``expire`` must be called next; None while nothing can expire."""
        backlog = self._backlog
        head_ms = backlog.deadline_ms if backlog.ready.head_expires_at_ms else None
        unused_ms = None if self._consumers.count else self._lifetime.deadline_ms
        if self._delivery.ask_disk_at_ms is not None:
            return min(self._delivery.ask_disk_at_ms, unused_ms or self._delivery.ask_disk_at_ms)
        if head_ms is None or unused_ms is None:
            return unused_ms if head_ms is None else head_ms
        return min(head_ms, unused_ms)

    def reconfigure(self, options: QueueOptions, now_ms: int) -> None:
        """Apply changed policies; limits hold at once, a TTL holds for later messages.

        Options that only an argument can set (priorities, single active consumer) stay.
        """
        assert options.max_priority == self.options.max_priority, "a queue keeps its priorities"
        assert options.single_active_consumer is self.options.single_active_consumer, "and rule"
        if options.expires_ms != self.options.expires_ms:
            self._lifetime.change(options.expires_ms, now_ms)
        self.options = options
        self._limited = self._nacks = None
        self._keeps_all = options.keeps_all
        self._backlog.reconfigure(options)
        self._backlog.drop_excess()
        self._wake_up()

    def delete(self) -> None:
        """Forget everything; consumers may still settle unacked messages, without effect."""
        self._backlog.ready.clear()
        self._backlog.log.drop()
        self._consumers = Consumers(self.options, self._rules)
        self._backlog.counters = QueueCounters()
        self._delivery = Delivery(self._backlog, self._consumers)
        self._limited = self._nacks = None
        self._settled_by = None
        self._is_deleted = True
        # These callables refer to the queue. It must be freed without the cyclic collector.
        self._wake_up = wake_nobody
        self._emit = self._backlog.emit = tell_nobody

    def check_invariants(self) -> None:
        """Assert the invariants; costs a walk over every message."""
        self._backlog.check_invariants()
        counters = self._delivery.counters
        assert counters.unacked_count >= 0, "no message is settled twice"
        assert counters.unacked_bytes >= 0, "a settlement says the bytes that were delivered"
        assert counters.unacked_count or not counters.unacked_bytes, "no message, no bytes"
        if self.options.single_active_consumer:
            assert bool(self._consumers.count) is (self._consumers.active is not None), "one active"

    # -- inside -----------------------------------------------------------------------------

    def _limited_publish(self) -> LimitedPublish:
        self._limited = made = LimitedPublish(
            self._backlog, self._delivery, self._consumers, self.options, self._wake_up
        )
        return made

    def _taking_nacks(self) -> Nacks:
        self._nacks = made = Nacks(self._backlog, self._delivery, self.options)
        return made

    def _ask_for_drain(self) -> None:
        if self._consumers.count and self._backlog.ready.count:
            self._wake_up()
