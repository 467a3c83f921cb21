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

    def close_connections_of_user(self, now_ms: int, username: str, *, reason: str) -> Steps[int]:
        """Close all connections of a user with 320 and a reason; return how many there were."""
        count = 0
        for connection in self._broker.connections():
            if connection.username == username:
                connection.shut_down(reason, now_ms)
                count += 1
                yield
        return count
