"""Changes of definitions in a cluster: asked of the store, and there in the tables when they end.

    checks of the request ──▶ ask ──▶ an error is the client's answer
                                └──▶ decided ──▶ wait until the tables have it ──▶ answer

Nothing here changes a table: ``clustered.applying`` does, for all nodes alike.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial

from amqp_server.broker.arguments.declare import ExchangeProperties, QueueProperties
from amqp_server.broker.binding_arguments import made_binding, typed_arguments
from amqp_server.broker.clustered.beginning import is_begun, noting_begun
from amqp_server.broker.clustered.declaring import Declaring
from amqp_server.broker.clustered.last_bindings import LastBindings
from amqp_server.broker.clustered.queue_places import QueuePlaces
from amqp_server.broker.clustered.super_streams import SuperStreams, asked_together
from amqp_server.broker.deciding import Deciding
from amqp_server.broker.definitions.definition import (
    BindingDefinition,
    Definition,
    DestinationWord,
)
from amqp_server.broker.errors import UndecidedError
from amqp_server.broker.queue import Queue
from amqp_server.broker.steps import WaitingSteps
from amqp_server.broker.unused import UnusedQueues
from amqp_server.wire.tables import Table
from cluster.definitions.in_order import Make, in_order
from cluster.definitions.inquiry import Inquiry
from cluster.metadata.errors import MetadataError, OutcomeUnknownError
from cluster.metadata.keys import KeySpace
from exchanges.bindings import Destination, DestinationKind


class Decisions:
    """What clients and management change, as steps that wait for the store.

    Each method raises what a single node would raise, of what the store has, and UndecidedError
    where the store does not answer.

    Args:
        declaring: makes the inquiries of this node.
        desk: runs them.
        keys: of the cluster.
        node: the name of this node.

    Attributes:
        declaring: see above; for ``asking_in_order``.
        places: for declares where the number of queues is limited.
        last_bindings: what may be the last binding of an auto-delete exchange, as the tables of
            this node have it.
    """

    def __init__(
        self, declaring: Declaring, desk: Deciding, keys: KeySpace, node: str = ""
    ) -> None:
        self.declaring = declaring
        self._node = node
        self._desk = desk
        self._keys = keys
        self._super_streams = SuperStreams(declaring, desk)
        self._unused = UnusedQueues(desk.pause)
        self.places = QueuePlaces(desk.patience)
        self.last_bindings: LastBindings = _none_yet

    # ── queues ──

    def declaring_queue(
        self, vhost: str, name: str, properties: QueueProperties, *, may_be_reserved: bool = False
    ) -> WaitingSteps[str]:
        """Create a queue that is not exclusive, or check that the one there is equivalent.

        Returns the id that a new queue has got. One that was there has another one.
        """
        queue_id = self.declaring.new_queue_id()
        yield from self._deciding(
            self.declaring.queue(
                vhost, name, properties, may_be_reserved=may_be_reserved, queue_id=queue_id
            )
        )
        return queue_id

    def creating_queue(
        self, vhost: str, name: str, properties: QueueProperties
    ) -> WaitingSteps[None]:
        """Create a queue that is not exclusive; one of that name is a NameTakenError."""
        return self._deciding(self.declaring.queue(vhost, name, properties, must_be_new=True))

    def creating_super_stream(
        self,
        exchange: ExchangeProperties,
        bindings: Sequence[BindingDefinition],
        properties: QueueProperties,
        later: Callable[[WaitingSteps[None]], None],
    ) -> WaitingSteps[None]:
        """Create a super stream, or nothing; see ``clustered.super_streams``."""
        with _undecided():
            made_at = yield from self._super_streams.creating(exchange, bindings, properties, later)
        yield from self._told(made_at)

    def deleting_super_stream(
        self, vhost: str, name: str, streams: Sequence[tuple[str, str]]
    ) -> WaitingSteps[None]:
        """Delete streams, by name and stored id, and then their exchange."""
        deleting = self.declaring.deleting_queue
        inquiries = (deleting(vhost, stream, stored_id) for stream, stored_id in streams)
        with _undecided():
            answers = yield from asked_together(self._desk, inquiries)
            for each in answers:
                if isinstance(each, Exception):
                    raise each
        yield from self.deleting_exchange(vhost, name, if_unused=False)

    def deleting_queue(self, vhost: str, name: str, stored_id: str = "") -> WaitingSteps[bool]:
        """Delete a queue; none there is no error, nor is another one than ``stored_id`` names.

        Returns whether it was there.
        Auto-delete exchanges whose last bindings were to it go at once, and not with the sweep.
        """
        return self._with_exchanges(
            vhost, name, self.declaring.deleting_queue(vhost, name, stored_id)
        )

    def _with_exchanges(self, vhost: str, name: str, deleting: Inquiry[int]) -> WaitingSteps[bool]:
        last = list(self.last_bindings(vhost, name))
        with _undecided():
            deleted_at = yield from self._desk.ask(deleting).value()
        yield from self._told(deleted_at)
        sweeping = [self._desk.ask(self.declaring.sweeping_binding(each)) for each in last]
        with suppress(UndecidedError):  # else the sweep does it
            for each in sweeping:
                with _undecided():
                    revision = yield from each.value()
                yield from self._told(revision)
        return bool(deleted_at)

    def ending_unused(
        self, vhost: str, name: str, stored_id: str, is_unused: Callable[[], bool]
    ) -> WaitingSteps[None]:
        """Delete a queue that has expired or lost its last consumer, once the store answers.

        A mirrored queue that another node leads by then stays.

        Args:
            vhost: of the queue.
            name: of the queue.
            stored_id: of this queue; another one of its name stays.
            is_unused: whether it still is; asked before each attempt.
        """
        while is_unused():
            try:
                deleting = self.declaring.deleting_queue(vhost, name, stored_id, self._node)
                yield from self._with_exchanges(vhost, name, deleting)
            except UndecidedError:
                yield from self._desk.pause().value()
            else:
                return

    def leaving_unused(self, queues: Iterable[Queue], now_ms: int) -> WaitingSteps[None]:
        """Wait for auto-delete queues that have lost a consumer; see ``broker.unused``."""
        return self._unused.leaving(queues, now_ms)

    # ── exchanges and bindings ──

    def declaring_exchange(
        self, vhost: str, name: str, properties: ExchangeProperties
    ) -> WaitingSteps[None]:
        """Create an exchange, or check that the one there is equivalent."""
        return self._deciding(self.declaring.exchange(vhost, name, properties))

    def deleting_exchange(self, vhost: str, name: str, *, if_unused: bool) -> WaitingSteps[None]:
        """Delete an exchange with its bindings; none there is no error."""
        return self._deciding(self.declaring.deleting_exchange(vhost, name, if_unused=if_unused))

    def binding(self, binding: BindingDefinition) -> WaitingSteps[None]:
        """Bind; what is bound already stays so."""
        return self._deciding(self.declaring.binding(binding))

    def unbinding(self, binding: BindingDefinition) -> WaitingSteps[None]:
        """Remove a binding; a missing one is no error."""
        return self._deciding(self.declaring.unbinding(binding))

    def binding_of(
        self, vhost: str, source: str, to: Destination, routing_key: str, table: Table
    ) -> WaitingSteps[None]:
        """Bind; what is bound already stays so."""
        return self.binding(self.binding_named(vhost, source, to, routing_key, table))

    def unbinding_of(
        self, vhost: str, source: str, to: Destination, routing_key: str, table: Table
    ) -> WaitingSteps[None]:
        """Remove a binding; a missing one is no error."""
        return self.unbinding(self.binding_named(vhost, source, to, routing_key, table))

    @staticmethod
    def binding_named(
        vhost: str, source: str, to: Destination, routing_key: str, table: Table
    ) -> BindingDefinition:
        """Return a binding as the store has it."""
        word: DestinationWord = "queue" if to.kind is DestinationKind.QUEUE else "exchange"
        arguments = typed_arguments(made_binding(source, to, routing_key, table))
        return BindingDefinition(source, vhost, to.name, word, routing_key, arguments)

    # ── several in a row ──

    def asking_in_order(self, makes: Sequence[Make]) -> WaitingSteps[tuple[int, Exception | None]]:
        """Ask for what a client wants in a row; what is behind the first error has no effect.

        Args:
            makes: begin the inquiries of ``declaring``.

        Returns how many were decided, and the error of the next one; None: that is all.
        """
        with _undecided():
            revisions, error = yield from self._desk.ask(in_order(makes)).value()
        yield from self._told(max(revisions, default=0))
        if isinstance(error, MetadataError):
            error = _told_as(error)
        return len(revisions), error

    # ── all other definitions ──

    def saving(self, definition: Definition) -> WaitingSteps[Definition | None]:
        """Create a definition, or replace what has its key; return what was there before."""
        return self.changing(definition, lambda _before: definition)

    def forgetting(self, definition: Definition) -> WaitingSteps[Definition | None]:
        """Delete what has the key of a definition; return what was there, None if nothing was."""
        return self.changing(definition, lambda _before: None)

    def changing(
        self, like: Definition, change: Callable[[Definition | None], Definition | None]
    ) -> WaitingSteps[Definition | None]:
        """Change what has the key of a definition; return what was there before.

        Args:
            like: has the key.
            change: takes what is there, or None, and returns what shall be, or None. It may be
                asked several times, and may raise what the client is told.
        """
        with _undecided():
            before, revision = yield from self._desk.ask(
                self.declaring.changing(like, change)
            ).value()
        yield from self._told(revision)
        return before

    def ending(self, definition: Definition) -> WaitingSteps[None]:
        """Delete what has come to its end by itself, once the store answers."""
        while True:
            try:
                yield from self.forgetting(definition)
            except UndecidedError:
                yield from self._desk.pause().value()
            else:
                return

    def making_first(self, definitions: Iterable[Definition]) -> WaitingSteps[None]:
        """Make what a new cluster begins with; only where no node has done so before.

        A node that is killed on the way leaves no mark, and the next one makes what is missing.
        """
        with _undecided():
            is_done = yield from self._desk.ask(is_begun(self._keys)).value()
        if is_done:
            return
        for each in definitions:
            yield from self.changing(each, partial(_unless_there, each))
        yield from self._deciding(noting_begun(self._keys))

    # ── what this node may lack ──

    def looking_up(
        self, vhost: str, *, queues: Iterable[str] = (), exchanges: Iterable[str] = ()
    ) -> WaitingSteps[None]:
        """Have queues and exchanges in the tables, if the store has them by now."""
        keys = [self._keys.queue_definition(vhost, name) for name in queues if name]
        keys += [self._keys.key("x", vhost, name) for name in exchanges if name]
        yield from self.reading_through(keys)

    def looking_up_named(self, given: Mapping[str, object]) -> WaitingSteps[None]:
        """Have in the tables what the arguments of a command name, if the store has it by now."""
        named = {word: str(name) for word, name in given.items() if isinstance(name, str) and name}
        keys = [self._keys.key(word, named[word]) for word in ("vhost", "user") if word in named]
        if "name" in named:
            keys += [self._keys.key(kind, named["name"]) for kind in ("vhost", "user")]
        if "vhost" in named:
            things = {named[word] for word in ("name", "source", "destination") if word in named}
            for thing in sorted(things):
                keys.append(self._keys.queue_definition(named["vhost"], thing))
                keys.append(self._keys.key("x", named["vhost"], thing))
        yield from self.reading_through(keys)

    def reading_through(self, keys: Iterable[bytes]) -> WaitingSteps[None]:
        """Have keys in the tables as the store has them by now."""
        with _undecided():
            for awaited in [self._desk.read_through(key) for key in keys]:
                yield from awaited.value()

    def _deciding(self, inquiry: Inquiry[int]) -> WaitingSteps[None]:
        with _undecided():
            revision = yield from self._desk.ask(inquiry).value()
        yield from self._told(revision)

    def _told(self, revision: int) -> WaitingSteps[None]:
        if revision:
            with _undecided():
                yield from self._desk.told(revision).value()


def _none_yet(_vhost: str, _queue: str) -> Iterator[BindingDefinition]:
    return iter(())


def _unless_there(definition: Definition, before: Definition | None) -> Definition:
    return definition if before is None else before


@contextmanager
def _undecided() -> Iterator[None]:
    """Raise what a client can be told where the store did not answer."""
    try:
        yield
    except MetadataError as error:
        raise _told_as(error) from error


def _told_as(error: MetadataError) -> UndecidedError:
    if isinstance(error, OutcomeUnknownError):
        return UndecidedError(
            "the metadata store does not answer; whether it made the change is not known"
        )
    return UndecidedError(f"the metadata store does not answer: {error}")
