"""A queue without room: who publishes to it is to wait, as for one that another node leads."""

from collections.abc import Callable

import pytest

from amqp_server.broker.congestion import Congestion
from persistence.record import Run
from queues.classic.queue import ClassicQueue
from queues.outcomes import PublishOutcome


class FullQueue:
    """Stands before the engine of a queue.

    Attributes:
        count: how many runs it got.
        waiting: who waits for room.
    """

    def __init__(self, congestion: Congestion, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Take the place of the engine.

        Args:
            congestion: the broker's.
            name: of the queue.
            monkeypatch: of the test.
        """
        self.count = 0
        self.waiting: list[Callable[[], None]] = []
        publish = ClassicQueue.publish

        def publish_to(engine: ClassicQueue, run: Run, now_ms: int) -> PublishOutcome:
            if engine.name == name:
                self.count += 1
                congestion.fill(self.waiting.append)
            return publish(engine, run, now_ms)

        monkeypatch.setattr(ClassicQueue, "publish", publish_to)

    def make_room(self) -> None:
        """Let all go on who wait."""
        waiting, self.waiting = self.waiting, []
        for go_on in waiting:
            go_on()
