"""Publishes to a queue without room for all messages, or where some expire at once.

The run is enqueued part by part. Between the parts consumers get messages for their credit. Then
messages that are over the limits, or have expired, are dropped.
"""

from collections.abc import Callable
from typing import TypeAlias

from persistence.record import Run
from queues.classic.backlog import DROPPED_PER_CALL_MAX, Backlog
from queues.classic.consumers import Consumers
from queues.classic.delivery import Delivery
from queues.classic.expiry import expires_at, part_of, some_expire_at_once
from queues.classic.passing import pass_by
from queues.classic.priority_ready import PriorityReady
from queues.commits import later_of, point_at
from queues.effects import DeathReason
from queues.options import Overflow, QueueOptions
from queues.outcomes import PublishOutcome, all_taken
from queues.tail import bands_of

Deliver: TypeAlias = Callable[[int, int], int]
"""Delivers live messages at an instant, up to a given number; returns how many."""


class LimitedPublish:
    """Publishes where not every message is just appended, for one queue.

    Attributes:
        options: of the queue; a policy may change them.
    """

    __slots__ = ("_backlog", "_consumers", "_delivery", "_sorts", "_wake_up", "options")

    def __init__(
        self,
        backlog: Backlog,
        delivery: Delivery,
        consumers: Consumers,
        options: QueueOptions,
        wake_up: Callable[[], None],
    ) -> None:
        """Take the parts of a queue.

        Args:
            backlog: its messages.
            delivery: to its consumers.
            consumers: of the queue.
            options: of the queue.
            wake_up: asks for a drain.
        """
        self._backlog = backlog
        self._delivery = delivery
        self._consumers = consumers
        self._sorts = options.max_priority is not None
        self._wake_up = wake_up
        self.options = options

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:
        """Enqueue a run; the queue has asked for a drain."""
        expires = expires_at(run, self.options.message_ttl_ms, now_ms)
        if self._sorts and self._consumers.count and not self._consumers.all_are_blocked:
            return self.publish_to_waiting(run, expires, now_ms)
        return self._publish(run, expires, now_ms)

    def publish_to_waiting(
        self, run: Run, expires_at_ms: int | list[int], now_ms: int
    ) -> PublishOutcome:
        """Publish to consumers that wait, before the messages are sorted by their priorities.

        Args:
            run: at least one message.
            expires_at_ms: when they expire, see ``queues.classic.expiry.expires_at``.
            now_ms: the instant.
        """
        if self.options.overflow is not Overflow.DROP_HEAD:
            self._wake_up()
            return self._publish_at_limit(run, expires_at_ms, now_ms)
        passed, lsn = pass_by(self._backlog, self._delivery, run, expires_at_ms, now_ms)
        group = self._backlog.log.commit_group
        if passed == len(run):
            return all_taken(group, lsn)
        self._wake_up()
        rest = self._publish(run[passed:], part_of(expires_at_ms, passed, len(run)), now_ms)
        assert not rest.rejected, "a queue that drops its head refuses nothing"
        return PublishOutcome((), later_of(point_at(group, lsn), rest.safe_at))

    def enter(self, run: Run, expires_at_ms: int | list[int], now_ms: int) -> None:
        """Take a run that is in the log already, and cannot be refused any more.

        Args:
            run: at least one message.
            expires_at_ms: when they expire, not before ``now_ms``; 0 is never.
            now_ms: the instant.
        """
        backlog, consumers = self._backlog, self._consumers
        if self._sorts and consumers.count and not consumers.all_are_blocked:
            passed, _ = pass_by(backlog, self._delivery, run, expires_at_ms, now_ms)
            if passed == len(run):
                return
            expires_at_ms = part_of(expires_at_ms, passed, len(run))
            run = run[passed:]
        if backlog.fits(run) and not some_expire_at_once(expires_at_ms, now_ms):
            backlog.append(run, expires_at_ms)
            return
        backlog.drop_expired(now_ms, DROPPED_PER_CALL_MAX)
        deliver = self._delivery.deliver
        deliver(now_ms, len(run) + DROPPED_PER_CALL_MAX)
        _drop_head(backlog, self.options, deliver, run, expires_at_ms, now_ms)

    def only_appends(self, run: Run, now_ms: int) -> bool:
        """Whether ``publish`` of this run, now, would find room for it and drop nothing."""
        expires = expires_at(run, self.options.message_ttl_ms, now_ms)
        return self._backlog.fits(run) and not some_expire_at_once(expires, now_ms)

    def _publish(self, run: Run, expires_at_ms: int | list[int], now_ms: int) -> PublishOutcome:
        if self._backlog.fits(run) and not some_expire_at_once(expires_at_ms, now_ms):
            lsn = self._backlog.append(run, expires_at_ms)
            return all_taken(self._backlog.log.commit_group, lsn)
        return self._publish_at_limit(run, expires_at_ms, now_ms)

    def _publish_at_limit(
        self, run: Run, expires_at_ms: int | list[int], now_ms: int
    ) -> PublishOutcome:
        backlog, delivery = self._backlog, self._delivery
        backlog.drop_expired(now_ms, DROPPED_PER_CALL_MAX)
        delivery.deliver(now_ms, len(run) + DROPPED_PER_CALL_MAX)
        return publish_at_limit(backlog, self.options, delivery.deliver, run, expires_at_ms, now_ms)


def publish_at_limit(
    backlog: Backlog,
    options: QueueOptions,
    deliver: Deliver,
    run: Run,
    expires_at_ms: int | list[int],
    now_ms: int,
) -> PublishOutcome:
    """Enqueue the part of a run that may stay; the queue has delivered all that it could before.

    Args:
        backlog: of the queue.
        options: of the queue.
        deliver: delivers to its consumers as far as they have credit.
        run: at least one message.
        expires_at_ms: when they expire, see ``queues.classic.expiry.expires_at``.
        now_ms: the instant.
    """
    if options.overflow is Overflow.DROP_HEAD:
        return _drop_head(backlog, options, deliver, run, expires_at_ms, now_ms)
    return _reject(backlog, options, deliver, run, expires_at_ms, now_ms)


def _drop_head(
    backlog: Backlog,
    options: QueueOptions,
    deliver: Deliver,
    run: Run,
    expires_at_ms: int | list[int],
    now_ms: int,
) -> PublishOutcome:
    step = _step(backlog, run, expires_at_ms, now_ms)
    lsn = first = 0
    while first < len(run):
        part = run[first : first + step]
        lsn = max(lsn, backlog.append(part, part_of(expires_at_ms, first, first + step)))
        first += step
        nobody_waits = _nobody_waits_after(backlog, deliver, now_ms)
        backlog.drop_excess(len(part))
        backlog.drop_expired(now_ms, backlog.ready.count, len(part))
        if nobody_waits and _drops_alike(backlog, options, run, expires_at_ms):
            step = len(run)
    return all_taken(backlog.log.commit_group, lsn)


def _reject(
    backlog: Backlog,
    options: QueueOptions,
    deliver: Deliver,
    run: Run,
    expires_at_ms: int | list[int],
    now_ms: int,
) -> PublishOutcome:
    """Enqueue as many as fit and deliver, again and again; refuse those that never fit.

    Like RabbitMQ it refuses a message larger than the limit even while a consumer waits.
    """
    sizes = [len(record.body) for record in run]
    step = _step(backlog, run, expires_at_ms, now_ms)
    rejected: list[int] = []
    lsn = 0
    index = 0
    while index < len(run):
        count = backlog.fitting_count(sizes, index)
        if count == 0 and backlog.is_full:
            rejected += range(index, len(run))
            break
        if count == 0:
            rejected.append(index)
            index += 1
            continue
        count = min(count, step)
        part = run[index : index + count]
        lsn = max(lsn, backlog.append(part, part_of(expires_at_ms, index, index + count)))
        nobody_waits = _nobody_waits_after(backlog, deliver, now_ms)
        backlog.drop_expired(now_ms, backlog.ready.count, count)
        index += count
        if nobody_waits and expires_at_ms == 0:
            step = len(run)
    backlog.counters.refused_count += len(rejected)
    if rejected and options.overflow is Overflow.REJECT_PUBLISH_DLX:
        refused = [run[index] for index in rejected]
        backlog.die((), refused, DeathReason.MAXLEN, is_prompt=True)
    group = backlog.log.commit_group
    return PublishOutcome(rejected, point_at(group, lsn)) if rejected else all_taken(group, lsn)


def _step(backlog: Backlog, run: Run, expires_at_ms: int | list[int], now_ms: int) -> int:
    """Return how many messages may be enqueued before the queue looks for messages to drop.

    A plain queue keeps the same messages whether it looks after each message or after the run. With
    priorities, or where messages die of two causes, the result would differ.
    """
    if isinstance(backlog.ready, PriorityReady):
        return 1
    if backlog.limits.are_set and some_expire_at_once(expires_at_ms, now_ms):
        return 1
    return len(run)


def _drops_alike(
    backlog: Backlog, options: QueueOptions, run: Run, expires_at_ms: int | list[int]
) -> bool:
    """Whether a priority queue drops the same of the rest of a run, and in the same order, at once.

    By number it keeps those of the lowest priority, the newest of them, however it comes to them.
    Their order is seen only by a dead letter exchange; it is the same where all have one priority.
    """
    if backlog.limits.max_length_bytes is not None or expires_at_ms != 0:
        return False
    if options.dead_letter_exchange is None or options.max_priority is None:
        return True
    bands = bands_of(run, options.max_priority)
    return bands.count(bands[0]) == len(bands)


def _nobody_waits_after(backlog: Backlog, deliver: Deliver, now_ms: int) -> bool:
    """Deliver what was enqueued now, also what expires now: the moment has not passed.

    Returns:
        Whether some are left, so that no consumer has credit for what follows.
    """
    deliver(now_ms - 1, backlog.ready.count)
    return backlog.ready.count > 0 and not backlog.ready.is_stalled
