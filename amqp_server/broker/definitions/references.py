"""Checks that the references of a document exist: in the broker, or earlier in the document.

An item with a missing reference is left out with a line. Things that exist in every vhost (the
default exchange, its bindings, the ``amq.`` exchanges) are skipped. The remaining items can be
applied in order without an error.

Source: RabbitMQ, definitions import: what exists stays as it is.
"""

from dataclasses import replace

from amqp_server.broker.definitions.document import Document
from amqp_server.broker.definitions.place import ALREADY_THERE, Place
from amqp_server.broker.definitions.table import TABLE, DefinitionTable
from amqp_server.broker.definitions.target import BrokerTarget
from amqp_server.broker.errors import BrokerError
from amqp_server.broker.steps import Steps, finish
from exchanges.errors import ExchangeError


def with_references(
    document: Document, broker: BrokerTarget, table: DefinitionTable = TABLE
) -> Document:
    """Return the part of a document that can be applied at once; see ``finding_references``."""
    return finish(finding_references(document, broker, table))


def finding_references(
    document: Document, broker: BrokerTarget, table: DefinitionTable = TABLE
) -> Steps[Document]:
    """Return the part of a document that can be applied to a broker; nothing is changed.

    Each step looks at one item.
    """
    place = Place(broker)
    placed = []
    left_out = list(document.left_out)
    for item in document.placed:
        try:
            missing = table.row_of(item.definition).missing(place, item.definition)
        except (BrokerError, ExchangeError) as error:
            missing = f": {error}"
        if missing is None:
            placed.append(item)
        elif missing != ALREADY_THERE:
            left_out.append(f"{item.path}{missing}")
        yield
    return replace(document, placed=tuple(placed), left_out=tuple(left_out))
