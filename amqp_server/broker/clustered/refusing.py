"""What a cluster does not have yet, and refuses to declare: what only one node would remember."""

from amqp_server.broker.arguments.declare import QueueProperties
from amqp_server.broker.errors import NotSupportedError
from amqp_server.broker.names import exchange_text, queue_text
from amqp_server.wire.tables import Table, matched_table
from exchanges.deduplication import window_of


def refuse_remembering(name: str, vhost: str, type_name: str, arguments: Table) -> None:
    """Refuse an exchange whose keys would be in the memory of one node.

    Args:
        name: of the exchange.
        vhost: of the exchange.
        type_name: of the exchange.
        arguments: of the exchange, valid.

    Raises:
        NotSupportedError: it tells duplicates (540).
    """
    if window_of(type_name, matched_table(arguments)) is not None:
        what = "exchanges that deduplicate are not there in a cluster yet"
        raise NotSupportedError(f"{exchange_text(vhost, name)}: {what}")


def refuse_local_retention(name: str, vhost: str, properties: QueueProperties) -> None:
    """Refuse a stream that asks for what only its leader's own segments could give.

    Args:
        name: of the queue.
        vhost: of the queue.
        properties: of the queue.

    Raises:
        NotSupportedError: it has such an argument (540).
    """
    argument = "x-stream-compact-key"
    if argument in properties.arguments:
        raise NotSupportedError(
            f"{queue_text(vhost, name)}: streams with '{argument}' are not there in a cluster yet"
        )
