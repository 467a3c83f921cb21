"""What a declare must pass, whatever the metadata store holds: its arguments and names.

Source: RabbitMQ, rabbit_amqqueue and rabbit_exchange, for the order of the checks.
"""

from amqp_server.broker.arguments.declare import (
    ExchangeProperties,
    QueueProperties,
    validate_exchange,
    validate_queue,
)
from amqp_server.broker.clustered.refusing import (
    refuse_local_retention,
    refuse_remembering,
)
from amqp_server.broker.errors import BrokerError, PreconditionFailedError
from amqp_server.broker.names import check_unreserved
from amqp_server.wire.tables import matched_table
from exchanges.errors import InvalidExchangeError
from exchanges.kinds import make_kind


def why_no_queue(name: str, vhost: str, properties: QueueProperties) -> BrokerError | None:
    """Return why a queue that is not exclusive cannot be created; None: nothing is against it.

    Args:
        name: of the queue; whether it is reserved is not looked at.
        vhost: of the queue.
        properties: of the queue.
    """
    try:
        validate_queue(
            name,
            vhost,
            properties.arguments,
            durable=properties.durable,
            exclusive=False,
            auto_delete=properties.auto_delete,
        )
        refuse_local_retention(name, vhost, properties)
    except BrokerError as error:
        return error
    return None


def why_no_exchange(name: str, vhost: str, properties: ExchangeProperties) -> BrokerError | None:
    """Return why an exchange of a known type cannot be created; None: nothing is against it.

    Args:
        name: of the exchange.
        vhost: of the exchange.
        properties: of the exchange.
    """
    try:
        validate_exchange(name, vhost, properties.arguments)
        check_unreserved("exchange", name)
        make_kind(properties.exchange_type, matched_table(properties.arguments))
        refuse_remembering(name, vhost, properties.exchange_type, properties.arguments)
    except BrokerError as error:
        return error
    except InvalidExchangeError as error:
        return PreconditionFailedError(str(error))
    return None
