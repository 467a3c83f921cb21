"""What a run is published to, and the plain publish: to a few queues that are known.

Source: RabbitMQ, rabbit_channel:deliver_to_queues.
"""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from amqp_server.broker.steps import Steps
from exchanges.counters import ExchangeCounters
from persistence.record import Run
from queues.commits import SAFE_NOW, later_of
from queues.outcomes import ALL_SAFE, PublishOutcome, StillOpen


class PublishTarget(Protocol):
    """A queue, or a substitute for one (direct reply-to)."""

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:
        """Take a run; return the refused messages, and when the rest is safe."""

    def only_appends(self, run: Run, now_ms: int) -> bool:
        """Whether ``publish`` of this run, now, would refuse, drop and deliver nothing."""

    @property
    def keeps_transient(self) -> bool:
        """Whether transient messages are kept as persistent ones are, and confirmed like these."""


class KeeperTarget(PublishTarget, Protocol):
    """A keeper (``exchanges.keeping``), which routes a message once more when it gives it out."""

    def publish_to_keys(self, run: Run, keys: Sequence[str], now_ms: int) -> PublishOutcome:
        """Take a run that is routed by several keys."""

    def publishing(
        self,
        run: Run,
        keys: Sequence[str],
        now_ms: int,
        passed: frozenset[object] = frozenset(),
    ) -> Steps[PublishOutcome]:
        """Take a run in steps.

        Args:
            run: at least one message.
            keys: all of its routing keys; none is its own one.
            now_ms: the time of this turn.
            passed: keepers that it has passed on its way.
        """


Targets: TypeAlias = tuple[PublishTarget, ...]


def enqueue(targets: Targets, run: Run, now_ms: int, counters: ExchangeCounters) -> PublishOutcome:
    """Append a run to each of these.

    Args:
        targets: the router's present answer.
        run: at least one message.
        now_ms: the time of this turn.
        counters: of the exchange that it was published to.
    """
    counters.published_count += len(run)
    if len(targets) == 1:
        return targets[0].publish(run, now_ms)
    count_unlike_most(counters, len(targets), len(run))
    if not targets:
        return PublishOutcome((), SAFE_NOW, range(len(run)))
    return _enqueue_in_all(targets, run, now_ms)


def count_unlike_most(counters: ExchangeCounters, targets_count: int, message_count: int) -> None:
    """Count messages of one route that go to several queues, or to none.

    They are counted as published before.
    """
    if targets_count:
        counters.more_copies_count += (targets_count - 1) * message_count
    else:
        counters.unroutable_count += message_count


def _enqueue_in_all(targets: Targets, run: Run, now_ms: int) -> PublishOutcome:
    rejected: set[int] = set()
    still_open: list[StillOpen] = []
    safe_at = SAFE_NOW
    for target in targets:
        outcome = target.publish(run, now_ms)
        if outcome is not ALL_SAFE:
            rejected.update(outcome.rejected)
            still_open += outcome.still_open
            safe_at = later_of(safe_at, outcome.safe_at)
    if not rejected and safe_at is SAFE_NOW:
        return ALL_SAFE
    return PublishOutcome(sorted(rejected), safe_at, (), tuple(still_open))
