"""Definitions into a broker: from a file, and at a start from the store.

Items are applied in the given order, in which each finds the things that it names. A caller with
other work takes the steps one at a time. Things that exist stay as they are, except for users,
permissions, parameters and policies, which are replaced. Nothing is ever deleted.

Source: RabbitMQ, definitions import: additive, idempotent, what exists is skipped.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from amqp_server.broker.definitions.definition import Definition
from amqp_server.broker.definitions.document import Document
from amqp_server.broker.definitions.references import with_references
from amqp_server.broker.definitions.row import Applying
from amqp_server.broker.definitions.table import TABLE, DefinitionTable
from amqp_server.broker.definitions.target import BrokerTarget
from amqp_server.broker.errors import BrokerError
from exchanges.errors import ExchangeError


class Refused(NamedTuple):
    """A definition that the broker did not take, as the ``number``th of all; and why."""

    number: int
    reason: str


def apply_definitions(
    broker: BrokerTarget, document: Document, now_ms: int, table: DefinitionTable = TABLE
) -> tuple[str, ...]:
    """Add the definitions of a document that the broker does not have.

    Returns:
        What was left out, when the document was read and now: a line each, its path in front.
    """
    document = with_references(document, broker, table)
    steps = application(broker, document, now_ms, table)
    return (*document.left_out, *[line for line in steps if line is not None])


def application(
    broker: BrokerTarget, document: Document, now_ms: int, table: DefinitionTable = TABLE
) -> Iterator[str | None]:
    """Apply a document step by step; each takes one item, or applies policies to one thing.

    Args:
        broker: where to.
        document: as ``with_references`` returned it.
        now_ms: the time.
        table: the kinds that there are.

    Yields:
        After each step None, or a line about an item that the broker refused.
    """
    for refused in applying_each(broker, document.definitions, Applying(now_ms), table):
        if refused is None:
            yield None
        else:
            yield f"{document.placed[refused.number].path}: {refused.reason}"


def applying_each(
    broker: BrokerTarget,
    definitions: Iterable[Definition],
    how: Applying,
    table: DefinitionTable = TABLE,
) -> Iterator[Refused | None]:
    """Apply definitions step by step.

    Yields:
        After each step None, or which definition the broker refused.
    """
    for number, definition in enumerate(definitions):
        row = table.row_of(definition)
        if row.obeys_policies:
            yield from _apply_policies(broker, how)
        try:
            row.apply(broker, definition, how)
        except (BrokerError, ExchangeError) as error:
            yield Refused(number, str(error))
        else:
            yield None
    yield from _apply_policies(broker, how)


def _apply_policies(broker: BrokerTarget, how: Applying) -> Iterator[None]:
    """Apply the policies of vhosts to what is there; to what comes they are applied as it comes."""
    while how.changed_vhosts:
        name = how.changed_vhosts.popitem()[0]
        if broker.has_vhost(name):  # others have their turns in between
            yield from broker.vhost(name).applying_policies(how.now_ms)
