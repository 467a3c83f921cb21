"""From an exchange and routing keys to queues: the walk over bound and alternate exchanges.

The walk visits each exchange at most once, so cycles of bindings or of alternate exchanges end,
and names each queue once however many ways lead there. It is a loop, not a recursion: a chain of
exchanges may be as long as clients care to make it.

How long a walk is, clients decide: by how many bindings match, by how many exchanges are bound
to each other. So it can be gone in pieces. What is bound all the while is found; what is bound or
unbound between two pieces may be found or not, as if it had come a moment earlier or later.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, cast

from exchanges.bindings import Binding, BindingTable, Destination, DestinationKind
from exchanges.counters import ExchangeCounters
from exchanges.kinds import ExchangeKind
from exchanges.route_changes import EVERY_KEY, VISITED_MAX, KeyPart, RouteChanges

DEFAULT_EXCHANGE: Final = ""
_QUEUE: Final = DestinationKind.QUEUE

QUEUE_BINDINGS_MAX: Final = 1024
"""Bindings of a queue that are looked at as it goes; where it has more, no route holds."""


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
        uses_headers: a headers exchange had its say, so the same exchange and keys may give
            another answer for another message.
        visited: the exchanges on the way, there or not; of many no more than are looked at.
    """

    queue_names: tuple[str, ...]
    uses_headers: bool
    visited: tuple[str, ...]


class Router:
    """The exchanges and bindings of one vhost.

    Attributes:
        exchanges: by name; to be read by all, changed only here.
        bindings: every binding; to be read by all, changed only here.
        generation: an answer of ``route`` that used no headers holds until this changes.
        changes: says whether an older one still does.
        default_counters: what went through the default exchange.

    Invariant: a binding's source exists, and its kind holds exactly the bindings that the table
        holds for that source, or it was withdrawn. Whether a destination exists is the caller's to
        see to.
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
            has_queue: whether a queue of this name exists: to each of them the default exchange
                has an implicit binding (§3.1.3.1).
        """
        self._has_queue = has_queue
        self.exchanges: dict[str, Exchange] = {}
        self.bindings = BindingTable()
        self.changes = RouteChanges()
        self.default_counters = ExchangeCounters()
        self.generation = 0

    def note_queue(self, name: str) -> None:
        """Note that a queue was declared or deleted: what leads there by name does not hold."""
        bindings = self.bindings.of_destination(Destination(_QUEUE, name))
        if len(bindings) > QUEUE_BINDINGS_MAX:
            self.changes.note_all()
        else:
            for binding in bindings:
                self._note(binding)
        self._note_keys(DEFAULT_EXCHANGE, (KeyPart(name, is_prefix=False),))

    def add_exchange(self, exchange: Exchange) -> None:
        """Take in an exchange that is not here yet and has no bindings."""
        assert exchange.name not in self.exchanges, "an exchange is declared once"
        self.exchanges[exchange.name] = exchange
        self._note_keys(exchange.name, (EVERY_KEY,))

    def withdraw_exchange(self, name: str) -> None:
        """Take out an exchange; its bindings stay, to be forgotten one by one, and lead nowhere.

        Raises:
            KeyError: it does not exist.
        """
        del self.exchanges[name]
        self._note_keys(name, (EVERY_KEY,))

    def set_alternate_exchange(self, name: str, alternate_exchange: str | None) -> None:
        """Change where an exchange sends what matches none of its bindings; None is nowhere.

        Raises:
            KeyError: the exchange ``name`` does not exist; the alternate one need not.
        """
        self.exchanges[name].alternate_exchange = alternate_exchange
        self._note_keys(name, (EVERY_KEY,))

    def bind(self, binding: Binding) -> bool:
        """Add a binding whose source exists; False if it was there.

        Raises:
            InvalidBindingError: the exchange's type refuses the key or the arguments.
            KeyError: the source does not exist.
        """
        kind = self.exchanges[binding.source].kind
        kind.validate(binding.routing_key, binding.arguments)
        if not self.bindings.add(binding):
            return False
        kind.bind(binding)
        self._note(binding)
        return True

    def unbind(
        self, source: str, destination: Destination, routing_key: str, arguments_key: bytes
    ) -> Binding | None:
        """Take out a binding and return it; None if there is none, which is no error."""
        binding = self.bindings.remove(source, destination, routing_key, arguments_key)
        if binding is not None:
            self._note_forgotten(binding)
        return binding

    def forget(self, binding: Binding) -> bool:
        """Take out a binding of which an end goes away; False if it went already.

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

    def asks_headers(self, exchange_name: str) -> bool:
        """Whether an exchange looks at headers, so that no key alone says where a message goes."""
        exchange = self.exchanges.get(exchange_name)
        return exchange is not None and exchange.kind.needs_headers

    def route(
        self,
        exchange_name: str,
        routing_keys: Sequence[str],
        headers: Mapping[str, object] | None,
    ) -> Routing:
        """Return the queues that a message goes to, however long that takes; see ``walk``."""
        walk = self.walk(exchange_name, routing_keys, headers)
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
    ) -> Generator[None, None, Routing]:
        """Return the queues that a message goes to, piece by piece.

        Args:
            exchange_name: where it was published; "" is the default exchange. One that does not
                exist leads nowhere: who has to refuse it looks at ``exchanges`` first.
            routing_keys: its routing key, and those of its CC and BCC headers; at least one.
            headers: its headers as plain values; None when it has none.

        Source: RabbitMQ, rabbit_exchange:route: the alternate exchange of an exchange on the way
            is used when that exchange itself matched nothing, even if what others matched, or
            what its matches led to, is no queue.
        """
        keys = tuple(dict.fromkeys(routing_keys))
        assert keys, "a message has a routing key, if only an empty one"
        if exchange_name == DEFAULT_EXCHANGE:
            names = tuple(filter(self._has_queue, keys))
            return Routing(names, uses_headers=False, visited=(DEFAULT_EXCHANGE,))
        found: dict[str, None] = {}
        to_visit = [exchange_name]
        seen = {exchange_name}
        uses_headers = False
        for name in to_visit:  # which grows meanwhile: nearest exchanges first
            exchange = self.exchanges.get(name)
            if exchange is None:
                continue
            kind = exchange.kind
            uses_headers |= kind.needs_headers
            is_matched = False
            for key in keys if kind.needs_routing_key else keys[:1]:
                at_once = kind.match(key, headers)
                for piece in kind.pieces(key, headers) if at_once is None else (at_once,):
                    for destination_kind, destination in piece:
                        is_matched = True
                        if destination_kind is _QUEUE:
                            found[destination] = None
                        elif destination not in seen:
                            seen.add(destination)
                            to_visit.append(destination)
                    yield
            alternate = exchange.alternate_exchange
            if not is_matched and alternate is not None and alternate not in seen:
                seen.add(alternate)
                to_visit.append(alternate)
        # One more than are looked at says that there were too many.
        return Routing(tuple(found), uses_headers, tuple(to_visit[: VISITED_MAX + 1]))

    def queues_of_key(self, exchange_name: str, routing_key: str) -> tuple[str, ...] | None:
        """Return the queues that every message with just this key goes to; None: ask ``route``.

        Most exchanges look at no headers, and lead to queues and to nothing else: one match tells
        all. Whoever publishes with ever new keys waits for this each time. One that takes long is
        for ``walk``, too.
        """
        if exchange_name == DEFAULT_EXCHANGE:
            return (routing_key,) if self._has_queue(routing_key) else ()
        exchange = self.exchanges.get(exchange_name)
        if exchange is None or exchange.kind.needs_headers:
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
        """Note that a binding came or went, or where it leads did."""
        source = self.exchanges.get(binding.source)
        if source is not None:
            self._note_keys(source.name, source.kind.keys_of(binding.routing_key))

    def _note_keys(self, exchange_name: str, keys: tuple[KeyPart, ...]) -> None:
        for part in keys:
            self.changes.note(exchange_name, part)
        self.generation = self.changes.generation
