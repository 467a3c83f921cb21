"""The table of definitions: one row for each kind, in the order in which they are applied.

A row refers only to rows before it. All operations on definitions walk this table: ``parse`` and
``export`` (files), ``references`` and ``apply`` (a broker), ``journal`` and ``restore`` (the
store). A new kind is one more row, and nothing else.

    row                    its key in the store, behind the word      its list in a file
    user                   name                                       users
    vhost                  name                                       vhosts
    permissions            vhost, user                                permissions
    topic permissions      vhost, user, exchange                      topic_permissions
    global parameter       name                                       global_parameters
    parameter              vhost, component, name                     parameters
    vhost limits           vhost                                      parameters
    operator policy        vhost, name                                parameters
    policy                 vhost, name                                policies
    exchange               vhost, name                                exchanges
    queue                  vhost, name                                queues
    binding                vhost, source, queue or exchange,          bindings
                           destination, routing key, digest

Source: RabbitMQ, rabbit_definitions; ADR 25.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from amqp_server.broker.definitions.accounts import PermissionsRow, TopicPermissionsRow, UserRow
from amqp_server.broker.definitions.bindings import BindingRow
from amqp_server.broker.definitions.definition import Definition
from amqp_server.broker.definitions.exchanges import ExchangeRow
from amqp_server.broker.definitions.item import Item
from amqp_server.broker.definitions.parameters import GlobalParameterRow, ParameterRow
from amqp_server.broker.definitions.policies import OperatorPolicyRow, PolicyRow
from amqp_server.broker.definitions.queues import QueueRow
from amqp_server.broker.definitions.records import Key, RecordError, read_value, value_with
from amqp_server.broker.definitions.row import Row
from amqp_server.broker.definitions.target import BrokerTarget
from amqp_server.broker.definitions.vhosts import VhostLimitsRow, VhostRow
from amqp_server.broker.steps import Steps

AnyRow: TypeAlias = Row[Any]
"""A row, whatever its values are."""


class Section:
    """A list of a definitions file, and the rows whose items are in it.

    Args:
        name: of the list.
        rows: in the order of the table.
    """

    def __init__(self, name: str, rows: Iterable[AnyRow]) -> None:
        self.name = name
        self.rows = tuple(rows)
        self._by_component = {row.component: row for row in self.rows}

    def row_of(self, item: Item) -> AnyRow:
        """Return the row that reads an item.

        Raises:
            DefinitionsError: no row takes it.
        """
        if self._by_component.keys() == {None}:
            return self._by_component[None]
        component = item.text("component")
        row = self._by_component.get(component) or self._by_component.get(None)
        if row is None:
            raise item.wrong(f"there is no component '{component}' here")
        return row


class DefinitionTable:
    """Rows, by all that they are looked up by.

    Attributes:
        rows: in the order in which definitions are applied.
        sections: the lists of a definitions file, in the order in which they are read.

    Args:
        rows: of different words and types.
    """

    def __init__(self, rows: Iterable[AnyRow]) -> None:
        self.rows = tuple(rows)
        self._by_word: Mapping[str, AnyRow] = {row.word: row for row in self.rows}
        self._by_type: Mapping[type, AnyRow] = {row.value_type: row for row in self.rows}
        assert len(self._by_word) == len(self._by_type) == len(self.rows), "a row is met twice"
        by_section: dict[str, list[AnyRow]] = {}
        for row in self.rows:
            by_section.setdefault(row.section, []).append(row)
        self.sections = tuple(Section(name, held) for name, held in by_section.items())

    def row_of(self, definition: Definition) -> AnyRow:
        """Return the row of a definition."""
        return self._by_type[type(definition)]

    def row_of_word(self, word: str) -> AnyRow:
        """Return the row whose keys begin with a word."""
        return self._by_word[word]

    def key_of(self, definition: Definition) -> Key:
        """Return what a definition is stored under."""
        row = self._by_type[type(definition)]
        return (row.word, *row.names(definition))

    def value_of(self, definition: Definition) -> bytes:
        """Return what is stored of a definition beside its key."""
        return value_with(self._by_type[type(definition)].encode(definition))

    def definition_of(self, key: Key, value: bytes) -> Definition:
        """Return what was stored.

        Raises:
            RecordError: this version cannot read it; the text says why.
        """
        row = self._by_word.get(key[0]) if key else None
        if row is None:
            raise RecordError("this version knows nothing of this kind")
        return read_value(value, lambda fields: row.decode(key[1:], fields))

    def held(self, broker: BrokerTarget) -> Iterator[Definition]:
        """Return all that a broker has, in the order in which it can be applied elsewhere."""
        for row in self.rows:
            yield from row.held(broker)

    def removing(self, broker: BrokerTarget, definition: Definition, now_ms: int) -> Steps[object]:
        """Remove a definition from a broker, with everything that depends on it.

        Raises:
            BrokerError: the broker refuses it.
        """
        return self._by_type[type(definition)].remove(broker, definition, now_ms)


TABLE: Final = DefinitionTable(
    (
        UserRow(),
        VhostRow(),
        PermissionsRow(),
        TopicPermissionsRow(),
        GlobalParameterRow(),
        ParameterRow(),
        VhostLimitsRow(),
        OperatorPolicyRow(),
        PolicyRow(),
        ExchangeRow(),
        QueueRow(),
        BindingRow(),
    )
)
"""Every kind of definition that there is."""
