"""From an exchange and routing keys to queues: the walk over bound and alternate exchanges.

The walk visits each exchange at most once, so cycles of bindings or of alternate exchanges end,
and names each queue once however many ways lead there. It is a loop and not a recursion, because
clients may make a chain of exchanges of any length.

Clients decide the length of a walk, by the number of matching bindings and of exchanges that are
bound to each other. So a walk can be cut into pieces. A binding that exists all the time is found.
A binding that comes or goes between two pieces may be found or not, as if it had come or gone a
moment earlier or later.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, TypeAlias, cast

from exchanges.basis import Basis
from exchanges.bindings import Binding, BindingTable, Destination, DestinationKind
from exchanges.counters import ExchangeCounters
from exchanges.deduplication import inside_of
from exchanges.delayed_message import past_waiting
from exchanges.keeping import KEEP_INSTEAD, keeper_name
from exchanges.ports import ExchangeKind
from exchanges.route_changes import EVERY_KEY, VISITED_MAX, KeyPart, RouteChanges

DEFAULT_EXCHANGE: Final = ""
_QUEUE: Final = DestinationKind.QUEUE
_KEEPER: Final = DestinationKind.KEEPER
_KEY: Final = Basis.KEY

Properties: TypeAlias = Callable[[], Mapping[str, object]]
"""Returns the properties of a message by name, its headers left out."""

QUEUE_BINDINGS_MAX: Final = 1024
"""When a queue with more bindings goes, all routes change; else only those of its bindings."""


@dataclass(slots=True)
class Exchange:
    """An exchange as declared, and its bindings in the form that its type matches.

    Attributes:
        type: one of ``KIND_NAMES``.
        internal: clients may not publish to it; bindings and alternate exchanges may lead there.
        arguments: as declared, plain values.
        alternate_exchange: name of the exchange that gets what matches no binding here; None for
            none. The effective one: argument or policy. Change it by ``set_alternate_exchange``.
        kind: made by ``make_kind(type)``.
        counters: what went through it.
    """

    name: str
    type: str
    durable: bool
    auto_delete: bool
    internal: bool
    arguments: Mapping[str, object]
    alternate_exchange: str | None
    kind: ExchangeKind
    counters: ExchangeCounters = field(default_factory=ExchangeCounters, compare=False)


class Routing(NamedTuple):
    """Where a message goes.

    Attributes:
        queue_names: each queue once, in the order found.
        basis: unless it is ``KEY``, the same exchange and keys may give another answer for another
            message.
        visited: the exchanges of the walk, existing or not; at most as many as are looked at.
    """

    queue_names: tuple[str, ...]
    basis: Basis
    visited: tuple[str, ...]


class Router:
    """The exchanges and bindings of one vhost.

    Attributes:
        exchanges: by name; all may read it, only the router changes it.
        bindings: every binding; all may read it, only the router changes it.
        generation: an answer of ``route`` by the key alone holds until this changes.
        changes: says whether an older answer still holds.
        default_counters: of the messages that went through the default exchange.

    Invariant: a binding's source exists, and its kind holds exactly the bindings that the table
        holds for that source, or it was withdrawn. The caller sees to it that a destination exists.
    """

    __slots__ = (
        "_has_queue",
        "bindings",
        "changes",
        "default_counters",
        "exchanges",
        "generation",
    )

    def __init__(self, has_queue: Callable[[str], bool]) -> None:
        """Make a router without exchanges.

        Args:
            has_queue: whether a queue of this name exists. The default exchange has an implicit
                binding to each queue (§3.1.3.1).
        """
        self._has_queue = has_queue
        self.exchanges: dict[str, Exchange] = {}
        self.bindings = BindingTable()
        self.changes = RouteChanges()
        self.default_counters = ExchangeCounters()
        self.generation = 0

    def note_queue(self, name: str) -> None:
        """Note that a queue was declared or deleted: routes to its name do not hold any more."""
        bindings = self.bindings.of_destination((_QUEUE, name))
        if bindings:
            if len(bindings) > QUEUE_BINDINGS_MAX:
                self.changes.note_all()
            else:
                for binding in bindings:
                    self._note(binding)
        self.changes.note(DEFAULT_EXCHANGE, (name, False))
        self.generation = self.changes.generation

    def note_all(self) -> None:
        """Note that any route may lead elsewhere: no remembered answer holds any more."""
        self.changes.note_all()
        self.generation = self.changes.generation

    def add_exchange(self, exchange: Exchange) -> None:
        """Add an exchange that is not here yet and has no bindings."""
        assert exchange.name not in self.exchanges, "an exchange is declared once"
        self.exchanges[exchange.name] = exchange
        self._note_keys(exchange.name, (EVERY_KEY,))

    def withdraw_exchange(self, name: str) -> None:
        """Remove an exchange; its bindings lead nowhere, and are removed one by one later.

        Raises:
            KeyError: it does not exist.
        """
        del self.exchanges[name]
        self._note_keys(name, (EVERY_KEY,))

    def set_alternate_exchange(self, name: str, alternate_exchange: str | None) -> None:
        """Change the alternate exchange, for messages that match no binding; None removes it.

        Raises:
            KeyError: the exchange ``name`` does not exist; the alternate one need not.
        """
        self.exchanges[name].alternate_exchange = alternate_exchange
        self._note_keys(name, (EVERY_KEY,))

    def bind(self, binding: Binding) -> bool:
        """Add a binding whose source exists; return False if it was there.

        Raises:
            InvalidBindingError: the exchange's type refuses the key or the arguments.
            KeyError: the source does not exist.
        """
        kind = self.exchanges[binding.source].kind
        kind.validate(binding.routing_key, binding.arguments)
        if not self.bindings.add(binding):
            return False
        kind.bind(binding)
        self._note_keys(binding.source, kind.keys_of(binding.routing_key))
        return True

    def unbind(
        self, source: str, destination: Destination, routing_key: str, arguments_key: bytes
    ) -> Binding | None:
        """Remove a binding and return it; None if there is none, which is no error."""
        binding = self.bindings.remove(source, destination, routing_key, arguments_key)
        if binding is not None:
            self._note_forgotten(binding)
        return binding

    def forget(self, binding: Binding) -> bool:
        """Remove a binding whose source or destination goes; return False if it was removed before.

        An auto-delete exchange may have lost its last binding: see ``has_bindings_from``.
        """
        is_here = self.bindings.discard(binding)
        if is_here:
            self._note_forgotten(binding)
        return is_here

    def counters_of(self, exchange_name: str) -> ExchangeCounters:
        """Return where to count what goes through an exchange; one that is gone has no count."""
        if exchange_name == DEFAULT_EXCHANGE:
            return self.default_counters
        exchange = self.exchanges.get(exchange_name)
        return ExchangeCounters() if exchange is None else exchange.counters

    def has_bindings_from(self, name: str) -> bool:
        """Whether an exchange is in use: if-unused and auto-delete ask for bindings from it."""
        return self.bindings.has_source(name)

    def is_by_message(self, exchange_name: str) -> bool:
        """Whether an exchange decides by more than the key, so that no route can be kept."""
        exchange = self.exchanges.get(exchange_name)
        return exchange is not None and exchange.kind.basis is not _KEY

    def route(
        self,
        exchange_name: str,
        routing_keys: Sequence[str],
        headers: Mapping[str, object] | None,
        properties: Properties = dict,
    ) -> Routing:
        """Return the queues that a message goes to, in one piece of any length; see ``walk``."""
        walk = self.walk(exchange_name, routing_keys, headers, properties)
        while True:
            try:
                next(walk)
            except StopIteration as end:
                return cast("Routing", end.value)

    def walk(
        self,
        exchange_name: str,
        routing_keys: Sequence[str],
        headers: Mapping[str, object] | None,
        properties: Properties = dict,
        find: Callable[[str], Exchange | None] | None = None,
    ) -> Generator[None, None, Routing]:
        """Return the queues that a message goes to, piece by piece.

        Args:
            exchange_name: where it was published; "" is the default exchange. One that does not
                exist leads nowhere. A caller that has to refuse it looks at ``exchanges`` first.
            routing_keys: its routing key, and those of its CC and BCC headers; at least one.
            headers: its headers as plain values; None when it has none.
            properties: its other properties by name; asked for where an exchange looks at them.
            find: returns the exchange of a name; None looks it up.

        Source: RabbitMQ, rabbit_exchange:route: the alternate exchange of an exchange on the way
            is used when that exchange itself matched nothing. The matches of other exchanges make
            no difference, and neither does it whether a match leads to a queue.
        """
        keys = tuple(dict.fromkeys(routing_keys))
        assert keys, "a message has a routing key, if only an empty one"
        if exchange_name == DEFAULT_EXCHANGE:
            names = tuple(filter(self._has_queue, keys))
            return Routing(names, _KEY, visited=(DEFAULT_EXCHANGE,))
        found: dict[str, None] = {}
        to_visit = [exchange_name]
        seen = {exchange_name}
        basis = _KEY
        find = find or self.exchanges.get
        for name in to_visit:  # the list grows meanwhile, so the nearest exchanges come first
            exchange = find(name)
            if exchange is None:
                continue
            kind = exchange.kind
            basis = max(basis, kind.basis)
            looked_at = properties() if kind.basis is Basis.PROPERTIES else headers
            is_matched = False
            for piece in _matched_by(kind, keys, looked_at):
                for destination_kind, destination in piece:
                    if destination_kind is _QUEUE:
                        is_matched = True
                        found[destination] = None
                    elif destination_kind is _KEEPER:
                        is_matched = is_matched or destination == KEEP_INSTEAD.name
                        found[keeper_name(name, destination)] = None
                    else:
                        is_matched = True
                        if destination not in seen:
                            seen.add(destination)
                            to_visit.append(destination)
                yield
            alternate = exchange.alternate_exchange
            if not is_matched and alternate is not None and alternate not in seen:
                seen.add(alternate)
                to_visit.append(alternate)
        # One more than the limit says that there were too many.
        return Routing(tuple(found), basis, tuple(to_visit[: VISITED_MAX + 1]))

    def walk_inside(
        self,
        exchange_name: str,
        routing_keys: Sequence[str],
        headers: Mapping[str, object] | None,
        properties: Properties = dict,
    ) -> Generator[None, None, Routing]:
        """Walk from the exchange that stands behind one that deduplicates; see ``walk``."""
        first = self.exchanges.get(exchange_name)
        if first is not None:
            first = replace(first, kind=inside_of(first.kind))

        def find(name: str) -> Exchange | None:
            return first if name == exchange_name else self.exchanges.get(name)

        return self.walk(exchange_name, routing_keys, headers, properties, find)

    def walk_past_waiting(
        self, exchange_name: str, routing_keys: Sequence[str]
    ) -> Generator[None, None, Routing]:
        """Walk with a message that has waited for its time, and waits nowhere again; see ``walk``.

        Its headers are not asked for: ``Routing.basis`` tells whether they have to be.
        """

        def find(name: str) -> Exchange | None:
            exchange = self.exchanges.get(name)
            kind = None if exchange is None else past_waiting(exchange.kind)
            if exchange is None or kind is None or kind is exchange.kind:
                return exchange
            return replace(exchange, kind=kind)

        return self.walk(exchange_name, routing_keys, None, find=find)

    def queues_of_key(self, exchange_name: str, routing_key: str) -> tuple[str, ...] | None:
        """Return the queues that every message with just this key goes to; None: ask ``route``.

        Most exchanges look at the key alone and lead only to queues, so one match is the whole
        route. Every publish with a new key waits for this. A match that takes long is also left to
        ``walk``.
        """
        if exchange_name == DEFAULT_EXCHANGE:
            return (routing_key,) if self._has_queue(routing_key) else ()
        exchange = self.exchanges.get(exchange_name)
        if exchange is None or exchange.kind.basis is not _KEY:
            return None
        matched = exchange.kind.match(routing_key, None)
        if matched is None:
            return None
        found: dict[str, None] = {}
        for kind, name in matched:
            if kind is not _QUEUE:
                return None
            found[name] = None
        if not found and exchange.alternate_exchange is not None:
            return None
        return tuple(found)

    def _note_forgotten(self, binding: Binding) -> None:
        source = self.exchanges.get(binding.source)
        if source is not None:
            source.kind.unbind(binding)
            self._note(binding)

    def _note(self, binding: Binding) -> None:
        """Note that a binding, or its destination, came or went."""
        source = self.exchanges.get(binding.source)
        if source is not None:
            self._note_keys(source.name, source.kind.keys_of(binding.routing_key))

    def _note_keys(self, exchange_name: str, keys: tuple[KeyPart, ...]) -> None:
        for part in keys:
            self.changes.note(exchange_name, part)
        self.generation = self.changes.generation


def _matched_by(
    kind: ExchangeKind, keys: Sequence[str], looked_at: Mapping[str, object] | None
) -> Iterator[Iterable[Destination]]:
    """Return where one exchange sends a message, in pieces."""
    for key in keys if kind.takes_every_key else keys[:1]:
        at_once = kind.match(key, looked_at)
        if at_once is None:
            yield from kind.pieces(key, looked_at)
        else:
            yield at_once
