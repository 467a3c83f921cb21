"""What a front half says of its queue: where it is led here, what the engine says.

Elsewhere it knows what it holds itself, and no more. Who wants the numbers of the queue asks the
leader.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import cast

from cluster.fronts.local_way import LocalHandle
from queues.consumer_port import ConsumerHandle
from queues.counters import QueueCounts
from queues.looking import LOOK_COUNT_MAX, Looked, LookedMessage, LookPlace, Passed
from queues.options import QueueOptions
from queues.ports import EmptiedQueue, QueueEngine, QueueState


class LedElsewhereError(OSError):
    """The messages are on another node, and cannot be read here."""

    def __init__(self) -> None:
        super().__init__(0, "its leader is on another node")


class ShownFront(ABC):
    """The questions of a ``queues.ports.QueueEngine`` that change nothing."""

    _options: QueueOptions

    @property
    @abstractmethod
    def here(self) -> QueueEngine | None:
        """The engine, where the queue is led here."""

    @property
    @abstractmethod
    def consumers_here_count(self) -> int:
        """How many consumers there are on this node."""

    @property
    def options(self) -> QueueOptions:
        """Its present options."""
        return self._options

    @property
    def ready_count(self) -> int:
        """The message-count of declare-ok; 0 where it is led elsewhere."""
        engine = self.here
        return 0 if engine is None else engine.ready_count

    @property
    def consumer_count(self) -> int:
        """The consumer-count of declare-ok; elsewhere those on this node."""
        engine = self.here
        return self.consumers_here_count if engine is None else engine.consumer_count

    @property
    def delivered_below(self) -> int:
        """Return 0: replicas note what was delivered by themselves."""
        return 0

    def counts(self) -> QueueCounts:
        """Return how the queue is; elsewhere the consumers of this node only."""
        engine = self.here
        if engine is None:
            return QueueCounts(consumer_count=self.consumers_here_count)
        return engine.counts()

    def state(self) -> QueueState:
        """Return how its consumers are; a consumer of another node is nobody here."""
        engine = self.here
        if engine is None:
            return QueueState()
        state = engine.state()
        return state._replace(
            active_consumer=_here(state.active_consumer),
            exclusive_consumer=_here(state.exclusive_consumer),
        )

    def look(self, place: LookPlace | None, max_count: int = LOOK_COUNT_MAX) -> Looked:
        """Return the next messages behind a place.

        Raises:
            LedElsewhereError: they are on another node.
        """
        return self._led().look(place, max_count)

    def passing_by(self, count: int) -> Passed:
        """Return the place behind the first messages.

        Raises:
            LedElsewhereError: they are on another node.
        """
        return self._led().passing_by(count)

    def touch(self, now_ms: int) -> None:
        """Bring the counts up to date, where the queue is led here."""
        engine = self.here
        if engine is not None:
            engine.touch(now_ms)

    def remove(self, lane: int, messages: Sequence[LookedMessage]) -> int:
        """Forget ready messages that a look has just returned.

        Raises:
            LedElsewhereError: they are on another node.
        """
        return cast("EmptiedQueue", self._led()).remove(lane, messages)

    def _led(self) -> QueueEngine:
        engine = self.here
        if engine is None:
            raise LedElsewhereError
        return engine


def _here(consumer: object) -> ConsumerHandle | None:
    """Return a consumer as its channel knows it; None where it is on another node."""
    return consumer.handle if isinstance(consumer, LocalHandle) else None
