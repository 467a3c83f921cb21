"""The deliveries of a pika consumer, in their order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import Basic, BasicProperties

from tests.clients.support.deadlines import PATIENCE_S, Deadline

_TURN_S: Final = 1


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as a consumer's callback sees it."""

    tag: int
    redelivered: bool
    routing_key: str
    properties: BasicProperties
    body: bytes


class Inbox:
    """A consumer that keeps what it is given and settles nothing by itself."""

    def __init__(
        self,
        channel: BlockingChannel,
        queue: str,
        auto_ack: bool = False,
        arguments: dict[str, int] | None = None,
    ) -> None:
        self.deliveries: list[Delivery] = []
        self._channel = channel
        self.consumer_tag = channel.basic_consume(
            queue, self._keep, auto_ack=auto_ack, arguments=arguments
        )

    def _keep(
        self,
        channel: BlockingChannel,
        method: Basic.Deliver,
        properties: BasicProperties,
        body: bytes,
    ) -> None:
        assert method.delivery_tag is not None
        self.deliveries.append(
            Delivery(
                method.delivery_tag,
                bool(method.redelivered),
                method.routing_key or "",
                properties,
                body,
            )
        )

    @property
    def bodies(self) -> list[bytes]:
        """The bodies so far, in order of delivery."""
        return [delivery.body for delivery in self.deliveries]

    def wait_for(self, count: int) -> list[Delivery]:
        """Return the deliveries once there are at least ``count``."""
        process_until(
            self._channel,
            lambda: len(self.deliveries) >= count,
            f"{count} deliveries, having {self.bodies[:20]}",
        )
        return self.deliveries


def process_until(
    channel: BlockingChannel,
    condition: Callable[[], object],
    what: str,
    timeout_s: float = PATIENCE_S,
) -> None:
    """Let pika work on its connection until ``condition`` holds.

    Raises:
        DeadlineMissedError: it did not hold within ``timeout_s`` seconds.
    """
    deadline = Deadline(timeout_s)
    while not condition():
        deadline.check(what)
        channel.connection.process_data_events(time_limit=_TURN_S)
