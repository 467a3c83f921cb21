"""The exchanges of one vhost by name: declare, delete, bind.

``protocol.methods`` has checked the user's rights before. This module checks the request itself.

A deleted exchange is gone at once. Its bindings go after it, one by one, in steps, because there
may be any number of them. Until the last one has gone the name is *leaving*. A client that declares
it again helps to finish this first.

Source: RabbitMQ, rabbit_exchange and rabbit_binding, for rules and texts.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from amqp_server.broker.arguments.declare import (
    ExchangeProperties,
    check_equivalent_exchange,
    validate_exchange,
)
from amqp_server.broker.arguments.options import alternate_exchange
from amqp_server.broker.binding_arguments import (
    arguments_key_of,
    made_binding,
    typed_arguments,
)
from amqp_server.broker.definitions.definition import BindingDefinition, ExchangeDefinition
from amqp_server.broker.definitions.journal import NO_JOURNAL, Journal
from amqp_server.broker.errors import (
    AccessRefusedError,
    NotFoundError,
    PreconditionFailedError,
)
from amqp_server.broker.events import EventKind, Events
from amqp_server.broker.keepers.table import Keepers, stored_options
from amqp_server.broker.names import (
    DEFAULT_EXCHANGE,
    PREDECLARED,
    RESERVED_PREFIX,
    check_not_default_exchange,
    check_unreserved,
    exchange_text,
)
from amqp_server.broker.ordered_keys import OrderedKeys
from amqp_server.broker.steps import Steps, finish
from amqp_server.wire.tables import Table, matched_table
from exchanges.bindings import Binding, Destination, DestinationKind
from exchanges.errors import InvalidBindingError, InvalidExchangeError
from exchanges.kinds import KIND_NAMES, make_kind
from exchanges.ports import ExchangeKind
from exchanges.random_choice import RandomBytes
from exchanges.routing import Exchange, Router

# A member of an enum costs a search at each bind.
_QUEUE: Final = DestinationKind.QUEUE
_BOUND: Final = EventKind.BINDING_CREATED
_UNBOUND: Final = EventKind.BINDING_DELETED


class ExchangeTable:
    """Exchanges and bindings of one vhost.

    Args:
        vhost_name: for the texts.
        router: holds exchanges and bindings in the form that routes.
        policy_of: the merged policy definition for an exchange name.
        is_stored_queue: whether a queue of this name exists and survives a restart.
        journal: makes durable exchanges survive, and bindings whose both ends do.
        events: gets the events of exchanges and bindings; None gets none.
        random_bytes: the chance of random exchanges; the default always chooses the same binding.
        keepers: what keeps messages behind exchanges.
        is_shared: the store of a cluster decides which exchanges are unused, and not this table.

    Attributes:
        names: of all exchanges, for views.
    """

    def __init__(
        self,
        vhost_name: str,
        router: Router,
        policy_of: Callable[[str], Mapping[str, object]],
        is_stored_queue: Callable[[str], bool],
        journal: Journal = NO_JOURNAL,
        events: Events | None = None,
        *,
        random_bytes: RandomBytes = bytes,
        keepers: Keepers,
        is_shared: bool = False,
    ) -> None:
        self._vhost_name = vhost_name
        self._router = router
        self._policy_of = policy_of
        self._is_stored_queue = is_stored_queue
        self._journal = journal
        self._events = Events() if events is None else events
        self._random_bytes = random_bytes
        self._keepers = keepers
        self._is_shared = is_shared
        self._properties: dict[str, ExchangeProperties] = {}
        self._leaving: dict[str, Steps[None]] = {}
        self.names = OrderedKeys(router.exchanges)
        for name, kind, internal in PREDECLARED:
            self.add_predeclared(name, kind, internal=internal)

    def add_predeclared(self, name: str, kind: str, *, internal: bool) -> None:
        """Add an exchange with a reserved name, which is neither stored nor exported."""
        properties = ExchangeProperties(kind, True, False, internal, {})  # noqa: FBT003
        self._add(name, properties, make_kind(kind))

    def get(self, name: str) -> Exchange:
        """Return an exchange.

        Raises:
            NotFoundError: there is none of this name (404).
        """
        exchange = self._router.exchanges.get(name)
        if exchange is None:
            raise NotFoundError(f"no {exchange_text(self._vhost_name, name)}")
        return exchange

    def check_may_publish(self, name: str) -> Exchange | None:
        """Return the exchange that clients may publish to; None is the default one.

        Raises:
            NotFoundError: there is none of this name (404).
            AccessRefusedError: it is internal (403).
        """
        if name == DEFAULT_EXCHANGE:
            return None
        found = self.get(name)
        if found.internal:
            what = exchange_text(self._vhost_name, name)
            raise AccessRefusedError(f"cannot publish to internal {what}")
        return found

    def exists(self, name: str) -> bool:
        """Whether there is an exchange of this name."""
        return name in self._router.exchanges

    def declare(self, name: str, properties: ExchangeProperties, *, queue_id: int = 0) -> None:
        """Create an exchange, or check that the one that exists is equivalent.

        Args:
            name: of the exchange.
            properties: the requested properties.
            queue_id: under which what it keeps was stored; 0 takes a new one, if it must be.

        Raises:
            PreconditionFailedError: an unknown type, an invalid argument, or it exists with other
                properties (406).
            AccessRefusedError: a reserved name (403).
        """
        check_not_default_exchange(name)
        finish(self.finishing(name))
        if properties.exchange_type not in KIND_NAMES:
            raise PreconditionFailedError(f"unknown exchange type '{properties.exchange_type}'")
        existing = self._properties.get(name)
        if existing is not None:
            check_equivalent_exchange(name, self._vhost_name, existing, properties)
            return
        validate_exchange(name, self._vhost_name, properties.arguments)
        check_unreserved("exchange", name)
        kind = self._kind_of(properties)
        plain_arguments = matched_table(properties.arguments)
        if properties.durable and stored_options(properties.exchange_type, plain_arguments):
            queue_id = queue_id or self._journal.new_queue_id()
        if properties.durable:
            self._journal.save(self._definition(name, properties, queue_id))
        self._add(name, properties, kind, queue_id)
        self._note(EventKind.EXCHANGE_CREATED, name)

    def is_leaving(self, name: str) -> bool:
        """Whether an exchange of this name was deleted, and not all of its bindings are gone."""
        return name in self._leaving

    def finishing(self, name: str) -> Steps[None]:
        """Finish the delete of an exchange, so that its name can be used again."""
        leaving = self._leaving.get(name)
        if leaving is not None:
            for _ in leaving:  # another caller may continue it in between
                yield

    def deleting(self, name: str, *, if_unused: bool) -> Steps[None]:
        """Delete an exchange with its bindings; one that does not exist is deleted already.

        Raises:
            AccessRefusedError: the default exchange or one of the ``amq.`` set (403).
            PreconditionFailedError: ``if_unused`` and it has bindings from it (406).
        """
        check_not_default_exchange(name)
        if name.startswith(RESERVED_PREFIX):
            what = exchange_text(self._vhost_name, name)
            raise AccessRefusedError(f"deletion of system {what} not allowed")
        yield from self.finishing(name)
        if name not in self._router.exchanges:
            return
        if if_unused and self._router.has_bindings_from(name):
            raise PreconditionFailedError(f"{exchange_text(self._vhost_name, name)} in use")
        yield from self._removing([name])

    def bind(self, source: str, destination: Destination, routing_key: str, table: Table) -> bool:
        """Bind an existing destination to an exchange; return False if it was bound already.

        Raises:
            NotFoundError: no such exchange (404).
            PreconditionFailedError: the exchange's type refuses key or arguments (406).
        """
        self.get(source)
        binding = made_binding(source, destination, routing_key, table)
        try:
            is_new = self._router.bind(binding)
        except InvalidBindingError as error:
            raise PreconditionFailedError(str(error)) from error
        if is_new and self._is_stored(binding):
            self._journal.save(self._binding_definition(binding))
        if is_new:
            self._note(_BOUND, source, binding)
        return is_new

    def is_bound(
        self, source: str, destination: Destination, routing_key: str, table: Table
    ) -> bool:
        """Return whether exactly this binding exists."""
        arguments_key = arguments_key_of(table)
        found = self._router.bindings.find(source, destination, routing_key, arguments_key)
        return found is not None

    def unbinding(
        self, source: str, destination: Destination, routing_key: str, table: Table
    ) -> Steps[None]:
        """Remove a binding; a missing one is no error.

        An auto-delete exchange goes with the last binding from it, and may take others along.
        """
        arguments_key = arguments_key_of(table)
        removed = self._router.unbind(source, destination, routing_key, arguments_key)
        if removed is not None:
            unused: list[str] = []
            self._note_forgotten(removed, unused)
            yield from self._removing(unused)

    def forgetting_queue(self, name: str) -> Steps[None]:
        """Take away all bindings to a queue that is gone, and exchanges that lose their last."""
        unused: list[str] = []
        destination = Destination(_QUEUE, name)
        for binding in self._router.bindings.of_destination(destination):
            self._forget(binding, unused)
            yield
        yield from self._removing(unused)

    def forgetting_all(self) -> Steps[None]:
        """Forget everything stored of the vhost, which is about to go as a whole."""
        for binding in tuple(self._router.bindings):
            if self._is_stored(binding):
                self._journal.forget(self._binding_definition(binding))
            yield
        for definition in self.definitions():
            if definition.durable:
                self._journal.forget(definition)
            yield

    def applying_policies(self) -> Steps[None]:
        """Give every exchange its present alternate exchange, by arguments and policies."""
        for name, exchange in tuple(self._router.exchanges.items()):
            if name in self._router.exchanges:
                alternate = self._alternate(name)
                if alternate != exchange.alternate_exchange:
                    self._router.set_alternate_exchange(name, alternate)
                yield

    def properties_of(self, name: str) -> ExchangeProperties:
        """Return the properties that an exchange was declared with."""
        return self._properties[name]

    def definitions(self) -> Iterator[ExchangeDefinition]:
        """Return all exchanges except the predeclared ones; transient ones too."""
        for name, properties in tuple(self._properties.items()):
            if not name.startswith(RESERVED_PREFIX):
                yield self._definition(name, properties, self._keepers.queue_id(name))

    def binding_definitions(self) -> Iterator[BindingDefinition]:
        """Return all bindings, those of transient ends too."""
        return map(self._binding_definition, tuple(self._router.bindings))

    def _alternate(self, name: str) -> str | None:
        return alternate_exchange(self._properties[name].arguments, self._policy_of(name))

    def _kind_of(self, properties: ExchangeProperties) -> ExchangeKind:
        arguments = matched_table(properties.arguments)
        try:
            return make_kind(properties.exchange_type, arguments, self._random_bytes)
        except InvalidExchangeError as error:
            raise PreconditionFailedError(str(error)) from error

    def _add(
        self, name: str, properties: ExchangeProperties, kind: ExchangeKind, queue_id: int = 0
    ) -> None:
        self._properties[name] = properties
        arguments = matched_table(properties.arguments)
        self._keepers.open(name, properties.exchange_type, arguments, queue_id)
        self._router.add_exchange(
            Exchange(
                name=name,
                type=properties.exchange_type,
                durable=properties.durable,
                auto_delete=properties.auto_delete,
                internal=properties.internal,
                arguments=arguments,
                alternate_exchange=self._alternate(name),
                kind=kind,
            )
        )
        self.names.note_added(name)

    def _removing(self, names: list[str]) -> Steps[None]:
        """Remove exchanges, and auto-delete exchanges that lose their last binding with them.

        This is a loop and not a recursion, because clients may make a chain of any length.
        """
        for name in names:  # the list grows meanwhile
            if name in self._router.exchanges:
                leaving = self._leaving[name] = self._taking_out(name, names)
                for _ in leaving:  # another caller may continue it in between
                    yield

    def _taking_out(self, name: str, unused: list[str]) -> Steps[None]:
        bindings = self._router.bindings
        self._router.withdraw_exchange(name)
        self.names.note_removed(name)
        self._note(EventKind.EXCHANGE_DELETED, name)
        for binding in bindings.of_source(name):
            self._forget(binding, unused)
            yield
        for binding in bindings.of_destination(Destination(DestinationKind.EXCHANGE, name)):
            self._forget(binding, unused)
            yield
        properties = self._properties.pop(name)
        if properties.durable:
            self._journal.forget(self._definition(name, properties))
        self._keepers.close(name)
        del self._leaving[name]

    def _note(self, kind: EventKind, name: str, binding: Binding | None = None) -> None:
        self._events.note(kind, self._vhost_name, name, binding)

    def _forget(self, binding: Binding, unused: list[str]) -> None:
        if self._router.forget(binding):
            self._note_forgotten(binding, unused)

    def _note_forgotten(self, binding: Binding, unused: list[str]) -> None:
        """Forget a stored binding; note an auto-delete exchange that has no other."""
        if self._is_stored(binding):
            self._journal.forget(self._binding_definition(binding))
        self._note(_UNBOUND, binding.source, binding)
        source = self._router.exchanges.get(binding.source)
        if (
            source is not None
            and source.auto_delete
            and not self._is_shared
            and not self._router.has_bindings_from(source.name)
        ):
            unused.append(source.name)

    def _is_stored(self, binding: Binding) -> bool:
        """Whether both ends of a binding survive a restart, so that it does."""
        if not self._properties[binding.source].durable:
            return False
        kind, name = binding.destination
        if kind is _QUEUE:
            return self._is_stored_queue(name)
        return self._properties[name].durable

    def _definition(
        self, name: str, properties: ExchangeProperties, queue_id: int = 0
    ) -> ExchangeDefinition:
        return ExchangeDefinition(
            name,
            self._vhost_name,
            properties.exchange_type,
            properties.durable,
            properties.auto_delete,
            properties.internal,
            properties.arguments,
            queue_id,
        )

    def _binding_definition(self, binding: Binding) -> BindingDefinition:
        kind, name = binding.destination
        return BindingDefinition(
            binding.source,
            self._vhost_name,
            name,
            "queue" if kind is _QUEUE else "exchange",
            binding.routing_key,
            typed_arguments(binding),
        )
