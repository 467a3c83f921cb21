"""Queues as a turn knows them, and effects that a test follows."""

from collections.abc import Callable, Sequence

from amqp_server.broker.turn import Turn
from queues.effects import Effect, QueueUnused

DELIVERIES_MAX = 10
"""The most that a queue delivers in a turn of these tests."""


class FakeQueue:
    """A ``Drainable`` with a backlog that drains, and a deadline that the test sets."""

    has_lone_readers = False

    def __init__(self, name: str = "q", backlog: int = 0, journal: list[str] | None = None) -> None:
        self.name = name
        self.backlog = backlog
        self.deadline_ms: int | None = None
        self.journal = journal if journal is not None else []
        self.on_drain: Callable[[], None] = lambda: None

    def next_deadline_ms(self) -> int | None:
        return self.deadline_ms

    def expire(self, now_ms: int) -> None:
        self.journal.append(f"expire {self.name} {now_ms}")
        if self.deadline_ms is not None and self.deadline_ms <= now_ms:
            self.deadline_ms = None

    def drain(self, now_ms: int, max_messages: int) -> bool:
        self.journal.append(f"drain {self.name}")
        self.on_drain()
        self.backlog -= min(self.backlog, max_messages)
        return self.backlog > 0


def effect(name: str) -> QueueUnused:
    return QueueUnused(name)


class CarriedOut:
    """Notes effects by queue name; some of them cause others."""

    def __init__(self, turn: Turn, causes: dict[str, Sequence[str]] | None = None) -> None:
        self._turn = turn
        self._causes = causes or {}
        self.names: list[str] = []
        self.times_ms: list[int] = []

    def __call__(self, carried: Effect, now_ms: int) -> None:
        self.names.append(carried.queue_name)
        self.times_ms.append(now_ms)
        for name in self._causes.get(carried.queue_name, ()):
            self._turn.emit(self, effect(name))
