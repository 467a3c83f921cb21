"""The port of a queue that may be led on another node: what is asked there, and how it answers."""

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple, Protocol, cast

from queues.batch import Batch
from queues.consumer_port import ConsumerHandle
from queues.ports import QueueEngine


class GetAnswer(NamedTuple):
    """The answer to a get: a message, or None where none is ready; how many are still ready."""

    batch: Batch | None
    ready_count: int


class CountsAnswer(NamedTuple):
    """How many messages are ready, how many consumers there are, and how much is unacked."""

    ready_count: int
    consumer_count: int
    unacked_count: int


class ConsumeAnswer(Enum):
    """Whether a consumer is there, is kept out by another one, or nobody can say in time."""

    THERE = "there"
    BARRED = "barred"
    NO_ANSWER = "no answer"


class AskedQueue(Protocol):
    """The engine of a queue that may be led on another node; then its answers come later.

    Each ``then`` is called once, at once or in a turn to come; with None where there was no answer
    in time.
    """

    @property
    def answers_at_once(self) -> bool:
        """Whether the counts are right now, so that nothing is asked."""

    @property
    def gives_at_once(self) -> bool:
        """Whether ``get`` and ``purge`` are right now: they are here, and may be delivered."""

    @property
    def here(self) -> QueueEngine | None:
        """The engine itself where the queue is led on this node; None elsewhere."""

    def engine_to_read(self) -> QueueEngine | None:
        """Return the engine that readers of a stream may be served by on this node.

        That of the leader, or of a mirror; None where they have to go elsewhere.
        """

    def ask_get(self, then: Callable[[GetAnswer | None], None], now_ms: int) -> None:
        """Ask for a message; it is to be settled, also by who needs no ack."""

    def ask_purge(self, then: Callable[[int | None], None], now_ms: int) -> None:
        """Have ready messages forgotten; the answer is how many, once no leader has them."""

    def ask_counts(self, then: Callable[[CountsAnswer | None], None], now_ms: int) -> None:
        """Ask how many messages and consumers there are."""

    def ask_consume(
        self, handle: ConsumerHandle, then: Callable[[ConsumeAnswer], None], now_ms: int
    ) -> None:
        """Add a consumer; who asks cancels it where it is not there, or wanted no more."""

    def give_back_unseen(self, batch: Batch) -> None:
        """Return a message that was got for nobody: that is no requeue."""


class GivingQueue(Protocol):
    """The engine of a mirrored queue on its leader, which at times gives no message away."""

    @property
    def gives_messages(self) -> bool:
        """Whether ``get`` and ``purge`` take what is there: not while nothing may be delivered."""

    def when_it_gives(self, call: Callable[[], None]) -> None:
        """Call this in the next drain in which it gives messages; nothing that takes any itself."""

    def tell_no_more(self, call: Callable[[], None]) -> None:
        """Do not call this."""


def as_giving(engine: object) -> GivingQueue | None:
    """Return an engine that gives no message away now; None where it does, as most always do."""
    if getattr(engine, "gives_messages", True):
        return None
    return cast("GivingQueue", engine)


def waiting_count(engine: QueueEngine) -> int:
    """Return how many messages wait in a queue: whether it is empty is not a matter of this moment.

    Ready ones, and those that a mirrored queue has committed while nothing may be delivered.
    """
    led = getattr(engine, "here", None) or engine
    return engine.ready_count + cast("int", getattr(led, "entering_count", 0))


def as_asked(engine: object) -> AskedQueue | None:
    """Return an engine as one that may be led on another node; None where it never is."""
    return cast("AskedQueue", engine) if hasattr(engine, "ask_counts") else None
