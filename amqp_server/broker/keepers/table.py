"""The keepers of one vhost, by their exchanges; most exchanges have none."""

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias, cast

from amqp_server.broker.backing import Backing
from amqp_server.broker.congestion import Congestion
from amqp_server.broker.counts import DuplicateCounts
from amqp_server.broker.keepers.deduplicator import Deduplicator
from amqp_server.broker.keepers.due_publisher import DuePublisher
from amqp_server.broker.keepers.history import History
from amqp_server.broker.keepers.shared_room import SharedRoom
from amqp_server.broker.keepers.waiting_room import WaitingRoom
from amqp_server.broker.publish import Publisher
from amqp_server.broker.publish_target import PublishTarget
from amqp_server.broker.queue import QueueIdentity
from amqp_server.broker.steps import Steps
from amqp_server.broker.tally import Tally
from amqp_server.broker.turn import Turn
from exchanges.bindings import Destination, DestinationKind
from exchanges.deduplication import Window, window_of
from exchanges.delayed_message import INNER_TYPE
from exchanges.delayed_message import TYPE as DELAYED
from exchanges.keeping import KEEP_COPY, KEEP_INSTEAD, exchange_of_keeper
from exchanges.recent_history import TYPE as RECENT_HISTORY
from exchanges.recent_history import history_length
from exchanges.routing import Router
from queues.deduplication.seen_keys import SeenKeys
from queues.delayed.waiting import WAITING_OPTIONS, WaitingMessages
from queues.delayed.waiting_engine import WAITING
from queues.effects import Effect
from queues.kinds import DEFAULT_KIND
from queues.log_port import QueueLog
from queues.options import Durability, QueueOptions
from queues.ports import EngineParts

_KEY_OPTIONS: Final = QueueOptions()
"""The log of keys is that of a plain queue."""


def stored_options(exchange_type: str, arguments: Mapping[str, object]) -> QueueOptions | None:
    """Return the options of the log in which a durable exchange keeps what survives a restart.

    Args:
        exchange_type: of the exchange.
        arguments: of the exchange, valid, plain values.

    Returns:
        None if it keeps nothing.
    """
    if exchange_type == DELAYED:
        return WAITING_OPTIONS
    window = window_of(exchange_type, arguments)
    return _KEY_OPTIONS if window is not None and window.is_stored else None


def _emit_nothing(_effect: Effect) -> None:
    """Nothing dies where messages wait, and the queue is deleted with its exchange."""


StoredKeeper: TypeAlias = WaitingRoom | Deduplicator


class Keepers:
    """The keepers of one vhost.

    Args:
        vhost_name: of that vhost.
        router: the vhost's.
        turn: the broker's.
        publisher: the vhost's.
        backing: the broker's.
        tally: keeps what exchanges that deduplicate have counted.
        congestion: the broker's.
    """

    def __init__(
        self,
        vhost_name: str,
        router: Router,
        turn: Turn,
        publisher: Publisher,
        backing: Backing,
        tally: Tally[DuplicateCounts],
        *,
        congestion: Congestion,
    ) -> None:
        self._vhost_name = vhost_name
        self._router = router
        self._turn = turn
        self._publisher = publisher
        self._backing = backing
        self._tally = tally
        self._congestion = congestion
        self._histories: dict[str, History] = {}
        self._rooms: dict[str, WaitingRoom | SharedRoom] = {}
        self._deduplicators: dict[str, Deduplicator] = {}

    def find(self, name: str) -> PublishTarget | None:
        """Return the keeper of this name (``exchanges.keeping``); None where there is none."""
        exchange_name = exchange_of_keeper(name, KEEP_INSTEAD)
        if exchange_name is not None:
            return self._rooms.get(exchange_name) or self._deduplicators.get(exchange_name)
        exchange_name = exchange_of_keeper(name, KEEP_COPY)
        return None if exchange_name is None else self._histories.get(exchange_name)

    def room(self, exchange_name: str) -> WaitingRoom | SharedRoom | None:
        """Return where messages of an exchange wait; None where none do."""
        return self._rooms.get(exchange_name)

    def deduplicator(self, exchange_name: str) -> Deduplicator | None:
        """Return what knows the keys that an exchange has seen; None where none does."""
        return self._deduplicators.get(exchange_name)

    def stored(self) -> Iterator[StoredKeeper]:
        """Return all whose ``queue_id`` is that of a log, or 0."""
        rooms = [room for room in self._rooms.values() if isinstance(room, WaitingRoom)]
        return iter((*rooms, *self._deduplicators.values()))

    def queue_id(self, exchange_name: str) -> int:
        """Return under which id the messages of an exchange are stored; 0 where none are."""
        keeper = self._rooms.get(exchange_name) or self._deduplicators.get(exchange_name)
        return 0 if keeper is None else keeper.queue_id

    def open(
        self,
        exchange_name: str,
        type_name: str,
        arguments: Mapping[str, object],
        queue_id: int,
    ) -> None:
        """Make the keepers of a new exchange, where its type has some.

        Args:
            exchange_name: of the exchange.
            type_name: of the exchange.
            arguments: of the exchange, valid, plain values.
            queue_id: under which its messages are stored; 0 stores none.
        """
        window = window_of(type_name, arguments)
        if window is not None:
            deduplicator = self._new_deduplicator(exchange_name, window, queue_id)
            self._deduplicators[exchange_name] = deduplicator
            self._tally.open(deduplicator)
            self._publisher.takes_steps = True
        if type_name == DELAYED:
            is_shared = self._backing.decisions is not None
            make = self._new_shared_room if is_shared else self._new_room
            self._rooms[exchange_name] = make(exchange_name, queue_id)
            type_name = str(arguments[INNER_TYPE])
        if type_name == RECENT_HISTORY:
            self._histories[exchange_name] = History(
                history_length(arguments),
                self._backing.memory,
                self._router.counters_of,
                lambda: self._router.has_bindings_from(exchange_name),
            )

    def join(self, exchange_name: str, queue_name: str, stored_id: str, now_ms: int) -> None:
        """Have the messages of an exchange of a cluster wait in a queue, from now on.

        Args:
            exchange_name: of the exchange; it may be gone again.
            queue_name: of the queue, which no client can name.
            stored_id: its id in the metadata store.
            now_ms: the time.
        """
        room = self._rooms.get(exchange_name)
        if not isinstance(room, SharedRoom):
            return
        backing = self._backing
        options = QueueOptions()
        identity = QueueIdentity(self._vhost_name, queue_name, 0, WAITING, options, stored_id)
        parts = EngineParts(
            queue_name,
            options,
            backing.make_log(identity),
            _emit_nothing,
            room.wake,
            now_ms,
            memory=backing.memory.of_queue(spills_early=True),
            later=self._turn.later,
        )
        room.join(queue_name, backing.make_engine(identity, parts))

    def close(self, exchange_name: str) -> None:
        """Forget the keepers of an exchange that is gone, with what they kept."""
        history = self._histories.pop(exchange_name, None)
        if history is not None:
            history.forget()
        room = self._rooms.pop(exchange_name, None)
        if room is not None:
            room.close()
        deduplicator = self._deduplicators.pop(exchange_name, None)
        if deduplicator is not None:
            self._tally.close(deduplicator)
            deduplicator.close()

    def close_all(self) -> None:
        """Forget all keepers, because the vhost is about to go."""
        for exchange_name in {*self._histories, *self._rooms, *self._deduplicators}:
            self.close(exchange_name)

    def remembers(self, exchange_name: str) -> bool:
        """Return whether an exchange may have something to give to a new binding."""
        return exchange_name in self._histories

    def replaying(self, exchange_name: str, to: Destination, now_ms: int) -> Steps[None]:
        """Give a new binding of an exchange the messages that the exchange remembers."""
        history = self._histories.get(exchange_name)
        for run in [] if history is None else history.remembered():
            if to.kind is DestinationKind.QUEUE:
                self._publisher.publish_to_queue(to.name, run, now_ms)
            else:
                keys = (run[0].routing_key,)
                yield from self._publisher.publishing_to_keys(to.name, keys, run, now_ms)
            yield

    def _new_room(self, exchange_name: str, queue_id: int) -> WaitingRoom:
        backing = self._backing
        identity = QueueIdentity(
            self._vhost_name, exchange_name, queue_id, DEFAULT_KIND, WAITING_OPTIONS
        )
        messages = WaitingMessages(
            cast("QueueLog", backing.make_log(identity)),
            backing.memory.of_queue(spills_early=queue_id != 0),
            is_fsynced=backing.default_durability is Durability.FSYNC,
        )
        publisher = DuePublisher(exchange_name, self._router, self._publisher)
        return WaitingRoom(
            exchange_name, queue_id, messages, self._turn, publisher, self._congestion
        )

    def _new_shared_room(self, exchange_name: str, _queue_id: int) -> SharedRoom:
        publisher = DuePublisher(exchange_name, self._router, self._publisher)
        target_of = self._publisher.target_of
        return SharedRoom(exchange_name, self._turn, publisher, target_of, self._congestion)

    def _new_deduplicator(self, exchange_name: str, window: Window, queue_id: int) -> Deduplicator:
        backing = self._backing
        identity = QueueIdentity(
            self._vhost_name, exchange_name, queue_id, DEFAULT_KIND, _KEY_OPTIONS
        )
        seen = SeenKeys(
            cast("QueueLog", backing.make_log(identity)),
            backing.memory.of_queue(spills_early=False),
            size_max=window.size,
            ttl_ms=window.ttl_ms,
            header=window.header,
            is_fsynced=backing.default_durability is Durability.FSYNC,
        )
        return Deduplicator(
            exchange_name,
            queue_id,
            window,
            seen,
            self._turn,
            self._router,
            target_of=self._publisher.target_of,
        )
