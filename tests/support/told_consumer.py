"""A consumer as the broker knows one: it also hears when its queue is gone."""

from amqp_server.broker.queue import Queue
from amqp_server.broker.tracing.traced import Actor
from tests.support.consumer import FakeConsumer


class ToldConsumer(FakeConsumer):
    """A ``broker.queue.Consumer``.

    Attributes:
        told: whether its queue was deleted, each time that it heard so.
    """

    def __init__(self, queue: Queue, *, prefetch: int = 0) -> None:
        super().__init__(prefetch=prefetch)
        self._queue = queue
        self.told: list[bool] = []
        self.is_cancelled = False

    def queue_deleted(self) -> None:
        self.told.append(self._queue.is_deleted)

    @property
    def actor(self) -> Actor:
        return Actor("a -> b", 1, "guest")

    def look_at_tracing(self) -> None:
        """Trace nothing."""

    def consume(self, now_ms: int) -> None:
        self._queue.engine.consume(self, now_ms)
        self._queue.consumers[self] = None
