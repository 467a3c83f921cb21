"""The command that lets somebody copy what passes a queue or an exchange."""

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

from amqp_server.broker.access.rights import Permission
from amqp_server.broker.broker import Broker
from amqp_server.broker.errors import NotFoundError
from amqp_server.broker.names import check_not_default_exchange, exchange_text
from amqp_server.broker.queue import NOBODY, Queue
from amqp_server.broker.request_rights import asker_of
from amqp_server.broker.steps import Steps
from amqp_server.broker.tapping.tap import Tap
from amqp_server.broker.vhost import Vhost

Place: TypeAlias = Literal["queue", "exchange"]


class Tailing(NamedTuple):
    """Copies that may begin.

    Attributes:
        tap: gets them.
        may_go_on: whether its user still has the right, and its queue or exchange is still there.
        begin: begins to copy; ``end`` must be called then.
        end: ends that.
    """

    tap: Tap
    may_go_on: Callable[[], bool]
    begin: Callable[[], None]
    end: Callable[[], None]


class _QueueWatcher:
    """A ``broker.queue.Watcher`` that ends a tap with its queue."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap

    def queue_deleted(self, _queue: Queue) -> None:
        """End the tap."""
        self._tap.end()

    def queue_led_elsewhere(self, _queue: Queue) -> None:
        """Go on: what is published here is seen here, whoever leads."""

    def queue_led_here(self, _queue: Queue) -> None:
        """Go on, as above."""


class TailingCommands:
    """The commands on what passes; see ``broker.admin``."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def tail(
        self,
        now_ms: int,  # noqa: ARG002 - the same of all commands
        vhost: str,
        name: str,
        *,
        username: str | None,
        place: Place,
        rate: int,
        truncate_bytes: int,
        wake: Callable[[], None],
    ) -> Steps[Tailing]:
        """Let a user copy messages that come to a queue, or are published to an exchange.

        Messages that a stream client writes, and those that come to an exchange by a binding, are
        not copied.

        Args:
            now_ms: the time.
            vhost: of the queue or exchange.
            name: of it.
            username: who asks, and must have the right to read from it; None is the operator.
            place: which of the two it is.
            rate: see ``Tap``, also for the next ones.
            truncate_bytes: where payloads are cut.
            wake: told that something waits.

        Raises:
            NotFoundError: no such vhost, queue or exchange.
            AccessRefusedError: no right to read, or it is the default exchange.
            ResourceLockedError: the queue belongs to a connection.
        """
        yield from ()
        found = self._broker.vhost(vhost)
        asker_of(self._broker.users, username, found).require(Permission.READ, place, name)
        tap = Tap(rate, truncate_bytes, wake)
        if place == "queue":
            return self._tail_of_queue(found, found.queues.get(name, NOBODY), username, tap)
        check_not_default_exchange(name)
        if not found.exchanges.exists(name):
            raise NotFoundError(f"no {exchange_text(vhost, name)}")
        return self._tail_of_exchange(found, name, username, tap)

    def _tail_of_queue(self, vhost: Vhost, queue: Queue, username: str | None, tap: Tap) -> Tailing:
        taps, watcher = vhost.publisher.taps, _QueueWatcher(tap)

        def begin() -> None:
            if queue.is_deleted:
                tap.end()
            queue.watchers[watcher] = None
            taps.add_to_queue(queue.name, tap)

        def end() -> None:
            queue.watchers.pop(watcher, None)
            taps.remove_from_queue(queue.name, tap)

        return Tailing(tap, lambda: self._may_read(username, vhost.name, queue.name), begin, end)

    def _tail_of_exchange(self, vhost: Vhost, name: str, username: str | None, tap: Tap) -> Tailing:
        taps, exists = vhost.publisher.taps, vhost.exchanges.exists
        return Tailing(
            tap,
            lambda: self._may_read(username, vhost.name, name) and exists(name),
            lambda: taps.add_to_exchange(name, tap),
            lambda: taps.remove_from_exchange(name, tap),
        )

    def _may_read(self, username: str | None, vhost: str, name: str) -> bool:
        broker = self._broker
        has_vhost = broker.has_vhost(vhost)
        if username is None:
            return has_vhost
        return has_vhost and broker.users.allows(username, vhost, Permission.READ, name)
