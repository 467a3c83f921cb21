"""The commands on connections."""

from amqp_server.broker.broker import Broker
from amqp_server.broker.errors import NotFoundError
from amqp_server.broker.steps import Steps


class ConnectionCommands:
    """The commands on connections; see ``broker.admin``."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def close_connection(self, now_ms: int, number: int, *, reason: str) -> Steps[None]:
        """Close a connection with 320 and a reason.

        Raises:
            NotFoundError: none of this number is open.
        """
        found = self._broker.numbered.find(number)
        if found is None:
            raise NotFoundError(f"no connection {number}")
        found.shut_down(reason, now_ms)
        yield

    def cancel_consumer(
        self, now_ms: int, number: int, channel_number: int, *, consumer_tag: str
    ) -> Steps[None]:
        """End a consumer, as it ends when its queue is deleted: its client gets basic.cancel.

        Its unacked messages stay with the channel, whose client may still ack them.

        Raises:
            NotFoundError: there is no such consumer.
        """
        found = self._broker.numbered.find(number)
        channel = None if found is None else found.channels.get(channel_number)
        is_open = channel is not None and not channel.is_closing
        if channel is None or not is_open or not channel.end_consumer(consumer_tag, now_ms):
            raise NotFoundError(f"no consumer '{consumer_tag}'")
        yield

    def close_connections_of_user(self, now_ms: int, username: str, *, reason: str) -> Steps[int]:
        """Close all connections of a user with 320 and a reason; return how many there were."""
        count = 0
        for connection in self._broker.connections():
            if connection.username == username:
                connection.shut_down(reason, now_ms)
                count += 1
                yield
        return count
