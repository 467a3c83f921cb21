"""The commands on streams.

Source: RabbitMQ 3.13, rabbit_stream_super_stream_mgmt.
"""

from collections.abc import Mapping, Sequence

from amqp_server.broker.broker import Broker
from amqp_server.broker.queue import NOBODY
from amqp_server.broker.request_rights import OPERATOR, VhostUser
from amqp_server.broker.steps import WaitingSteps
from amqp_server.broker.super_streams import SuperStream, creating


class StreamCommands:
    """The commands on streams; see ``broker.admin``."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def create_super_stream(
        self,
        now_ms: int,
        vhost: str,
        name: str,
        *,
        username: str | None,
        keys: Sequence[str],
        arguments: Mapping[str, str],
    ) -> WaitingSteps[None]:
        """Create a super stream with a partition for each key, named after it.

        Args:
            now_ms: the time.
            vhost: where.
            name: of the super stream.
            username: who asks; None is the operator.
            keys: of the bindings.
            arguments: of each partition; see ``broker.arguments.stream_texts``.
        """
        broker, found = self._broker, self._broker.vhost(vhost)
        asker = OPERATOR if username is None else VhostUser(broker.users, username, found)
        wanted = SuperStream(name, [f"{name}-{key}" for key in keys], keys, arguments)
        yield from creating(broker, found, wanted, asker, NOBODY, now_ms)
