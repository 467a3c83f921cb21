"""Auto-delete queues that have lost their last consumer, in a cluster: the answer waits for that.

    a consumer goes ─▶ its leader finds the queue unused ─▶ the store ─▶ all tables ─▶ the answer

On a node by itself such a queue is gone before its client hears that the consumer is, and a client
that declares it next makes a new one. In a cluster the store deletes it. So the client's input
waits until the tables of this node have it no more, but not for long: a store that is away deletes
the queue when it is back.

Source: RabbitMQ, rabbit_channel: a queue is told that a consumer goes, and ends, before cancel-ok.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from amqp_server.broker.awaited import Awaited
from amqp_server.broker.queue import Queue
from amqp_server.broker.steps import WaitingSteps
from queues.asked_port import CountsAnswer

PAUSES_MAX: Final = 5
"""So many pauses of a second a client waits for a store that does not answer."""

IN_VAIN_MS: Final = 30_000
"""So long after the begin of a wait in vain nobody waits: a client that leaves a hundred queues,
one after the other, would be held for minutes."""


class _Leaving:
    """The queues that one client waits for; a ``broker.queue.Watcher`` of each.

    Attributes:
        over: is set when all are gone or turn out to be in use, or after the last pause.
        is_in_vain: it was set after the last pause.
    """

    def __init__(self, pause: Callable[[], Awaited[None]]) -> None:
        self.over: Awaited[None] = Awaited()
        self.is_in_vain = False
        self._pause = pause
        self._pauses_left_count = PAUSES_MAX
        self._queues: dict[Queue, None] = {}
        self._has_all = False

    def add(self, queue: Queue, now_ms: int) -> None:
        """Wait for a queue, if it has no consumer any more as far as its leader knows."""
        asked = queue.asked_elsewhere
        if queue.is_deleted or (asked is None and queue.engine.consumer_count):
            return
        self._queues[queue] = None
        queue.watchers[self] = None
        if asked is not None:
            asked.ask_counts(partial(self._counted, queue), now_ms)

    def has_all(self) -> None:
        """No queue is added any more."""
        self._has_all = True
        self._look()
        if not self.over.is_over:
            self._pause().wait(self._pause_is_over)

    def end(self) -> None:
        """Wait no more."""
        queues, self._queues = self._queues, {}
        for queue in queues:
            queue.watchers.pop(self, None)
        self._pauses_left_count = 0

    def queue_deleted(self, queue: Queue) -> None:
        """It is gone."""
        self._leave(queue)

    def queue_led_elsewhere(self, queue: Queue) -> None:
        """Its next leader looks whether it is used."""

    def queue_led_here(self, queue: Queue) -> None:
        """Likewise."""

    def _counted(self, queue: Queue, counts: CountsAnswer | None) -> None:
        if counts is None or counts.consumer_count:
            self._leave(queue)

    def _leave(self, queue: Queue) -> None:
        self._queues.pop(queue, None)
        queue.watchers.pop(self, None)
        self._look()

    def _look(self) -> None:
        if self._has_all and not self._queues and not self.over.is_over:
            self.over.set(None)

    def _pause_is_over(self) -> None:
        self._pauses_left_count -= 1
        if self.over.is_over:
            return
        if self._pauses_left_count > 0:
            self._pause().wait(self._pause_is_over)
        else:
            self.is_in_vain = True
            self.over.set(None)


class UnusedQueues:
    """Waits for the queues that clients of this node have left.

    Args:
        pause: waits a second.
    """

    def __init__(self, pause: Callable[[], Awaited[None]]) -> None:
        self._pause = pause
        self._in_vain_until_ms = 0

    def leaving(self, queues: Iterable[Queue], now_ms: int) -> WaitingSteps[None]:
        """Wait until those of some queues are gone that have lost their last consumer.

        Args:
            queues: auto-delete queues that the store deletes, each of which has just lost a
                consumer.
            now_ms: the instant.
        """
        if now_ms < self._in_vain_until_ms:
            return
        leaving = _Leaving(self._pause)
        try:
            for queue in queues:
                leaving.add(queue, now_ms)
                yield None
            leaving.has_all()
            yield from leaving.over.value()
            if leaving.is_in_vain:
                self._in_vain_until_ms = now_ms + IN_VAIN_MS
        finally:
            leaving.end()
