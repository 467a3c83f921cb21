"""The taps of one vhost, by what they watch.

    queue      its place among the targets of routes is taken by one that copies, then hands on
    exchange   its routes are not remembered, so that each publish to it comes by here

Where nothing is watched nothing looks here: remembered routes lead to the queues themselves.
"""

from typing import Protocol

from amqp_server.broker.publish_target import PublishTarget
from amqp_server.broker.tapping.tap import Tap
from persistence.record import Run
from queues.outcomes import PublishOutcome


class TappedQueue:
    """A ``PublishTarget``: a queue that is watched."""

    def __init__(self, queue: PublishTarget, taps: list[Tap]) -> None:
        self.queue = queue
        self._taps = taps

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:
        """Copy messages for those who watch, and hand them to the queue."""
        for tap in self._taps:
            tap.pass_by(run, now_ms)
        return self.queue.publish(run, now_ms)

    def only_appends(self, run: Run, now_ms: int) -> bool:
        """Whether the queue does no more than append."""
        return self.queue.only_appends(run, now_ms)

    @property
    def keeps_transient(self) -> bool:
        """As the queue."""
        return self.queue.keeps_transient


class RouteNotes(Protocol):
    """Hears that remembered routes do not hold any more; the router."""

    def note_queue(self, name: str) -> None:
        """Note that a queue of this name came or went."""

    def note_all(self) -> None:
        """Note that any route may lead elsewhere."""


class Taps:
    """What is watched in a vhost.

    Attributes:
        exchanges: the taps of each exchange that is watched; always the same mapping.

    Args:
        notes: hears of it when something begins or ends to be watched.
    """

    def __init__(self, notes: RouteNotes) -> None:
        self._notes = notes
        self._queues: dict[str, list[Tap]] = {}
        self._targets: dict[str, TappedQueue] = {}
        self.exchanges: dict[str, list[Tap]] = {}

    def target(self, name: str, queue: PublishTarget) -> PublishTarget:
        """Return what a route leads to: the queue, or what copies for those who watch it."""
        if name not in self._queues:
            return queue
        target = self._targets.get(name)
        if target is None or target.queue is not queue:
            target = self._targets[name] = TappedQueue(queue, self._queues[name])
        return target

    def add_to_queue(self, name: str, tap: Tap) -> None:
        """Copy what comes to a queue from now on."""
        self._queues.setdefault(name, []).append(tap)
        self._notes.note_queue(name)

    def add_to_exchange(self, name: str, tap: Tap) -> None:
        """Copy what is published to an exchange from now on."""
        self.exchanges.setdefault(name, []).append(tap)
        self._notes.note_all()

    def remove_from_queue(self, name: str, tap: Tap) -> None:
        """Copy no more."""
        self._queues[name].remove(tap)
        if not self._queues[name]:
            del self._queues[name]
            self._targets.pop(name, None)
            self._notes.note_queue(name)

    def remove_from_exchange(self, name: str, tap: Tap) -> None:
        """Copy no more."""
        self.exchanges[name].remove(tap)
        if not self.exchanges[name]:
            del self.exchanges[name]
            self._notes.note_all()

    def pass_by(self, exchange: str, run: Run, now_ms: int) -> None:
        """Copy what is published to an exchange, if it is watched."""
        for tap in self.exchanges.get(exchange, ()):
            tap.pass_by(run, now_ms)
