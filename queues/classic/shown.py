"""What a queue shows of itself: numbers, consumers, and messages where they are."""

from queues.classic.backlog import Backlog
from queues.classic.consumers import Consumers
from queues.classic.counting import counts_of, spilled_of
from queues.classic.delivery import Delivery
from queues.classic.looking import look, passing_by
from queues.consumer_port import ConsumerHandle
from queues.counters import QueueCounts
from queues.looking import LOOK_COUNT_MAX, Looked, LookPlace, Passed
from queues.ports import QueueState


class ShownQueue:
    """Reads the attributes of ``ClassicQueue``, and changes none."""

    _backlog: Backlog
    _consumers: Consumers
    _delivery: Delivery

    @property
    def ready_count(self) -> int:
        """Messages that wait for a consumer; also what declare-ok calls message-count."""
        return self._backlog.ready.count

    def counts(self) -> QueueCounts:
        """Return how the queue is, and what happened in it."""
        return counts_of(self._backlog, self._consumers.count)

    @property
    def delivered_below(self) -> int:
        """No message from this position on was ever delivered; a clean stop notes this."""
        return self._backlog.ready.delivered_below

    @property
    def consumer_count(self) -> int:
        """Consumers, waiting ones included."""
        return self._consumers.count

    @property
    def consumers(self) -> tuple[ConsumerHandle, ...]:
        """The consumers in the order in which they came."""
        return tuple(self._consumers)

    def state(self) -> QueueState:
        """Return how its consumers are, none of them is asked, and what it has spilled."""
        count, size_bytes = spilled_of(self._backlog)
        state = self._consumers.state()
        if not count and not self._delivery.is_paused:
            return state  # as nearly all queues are, when ten thousand of them are listed
        return state._replace(
            may_deliver=state.may_deliver and not self._delivery.is_paused,
            spilled_count=count,
            spilled_bytes=size_bytes,
        )

    def look(self, place: LookPlace | None, max_count: int = LOOK_COUNT_MAX) -> Looked:
        """Return the next ready messages behind a place; see the port."""
        return look(self._backlog.ready, place, max_count)

    def passing_by(self, count: int) -> Passed:
        """Return the place behind the first ready messages; see the port."""
        return passing_by(self._backlog.ready, count)
