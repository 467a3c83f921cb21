"""Traffic that moves every counter of messages, and what the endpoint of a broker shows then."""

import urllib.request
from typing import Any, Final

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exchange_type import ExchangeType

from tests.clients.support.deadlines import Deadline, wait_until
from tests.clients.support.server import HOST
from tests.support.scrapes import Scraped, parsed

DLX_LIMIT: Final[dict[str, Any]] = {"x-dead-letter-exchange": "all", "x-max-length": 2}
SAFE_DLX: Final[dict[str, Any]] = {
    "x-queue-type": "quorum",
    "x-dead-letter-exchange": "all",
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
}


def scraped(port: int, path: str = "/metrics") -> Scraped:
    """Return what an endpoint shows."""
    return parsed(text_of(port, path))


def text_of(port: int, path: str = "/metrics") -> str:
    """Return what an endpoint shows, as it was sent."""
    with urllib.request.urlopen(f"http://{HOST}:{port}{path}", timeout=30) as reply:
        octets: bytes = reply.read()
    return octets.decode()


class Traffic:
    """A client that publishes, gets and consumes; what it declared is there until it leaves."""

    def __init__(self, port: int) -> None:
        parameters = pika.ConnectionParameters(
            HOST, port, credentials=pika.PlainCredentials("guest", "guest")
        )
        self._connection = pika.BlockingConnection(parameters)
        self._channel: BlockingChannel = self._connection.channel()

    def run(self) -> None:
        """Make all of the traffic."""
        self._declare()
        self._publish()
        self._get()
        self._die()
        self._consume()

    def leave(self) -> None:
        """Delete what was declared, and close the connection."""
        for queue in ("a", "b", "c", "empty", "dying", "safe", "log"):
            self._channel.queue_delete(queue)
        self._channel.exchange_delete("all")
        self._connection.close()

    def _declare(self) -> None:
        channel = self._channel
        channel.exchange_declare("all", ExchangeType("fanout"))
        for queue in ("a", "b", "c"):
            channel.queue_declare(queue)
            channel.queue_bind(queue, "all")
        channel.queue_declare("empty")
        channel.queue_declare("dying", arguments=DLX_LIMIT)
        channel.queue_declare("safe", durable=True, arguments=SAFE_DLX)
        channel.queue_declare("log", durable=True, arguments={"x-queue-type": "stream"})

    def _publish(self) -> None:
        for _ in range(10):
            self._channel.basic_publish("all", "", b"x" * 50)
        for number in range(7):
            self._channel.basic_publish("", "nowhere", b"x", mandatory=number < 3)
        confirming = self._connection.channel()
        confirming.confirm_delivery()
        for _ in range(5):
            confirming.basic_publish("", "a", b"x" * 50)

    def _get(self) -> None:
        channel = self._channel
        channel.basic_ack(self._got("b"))
        channel.basic_nack(self._got("b"))
        channel.basic_reject(self._got("b"), requeue=False)
        channel.basic_get("b", auto_ack=True)
        channel.basic_get("empty")

    def _die(self) -> None:
        channel = self._channel
        for queue, count in (("dying", 5), ("safe", 3), ("log", 7)):
            for _ in range(count):
                channel.basic_publish("", queue, b"x")
        for _ in range(2):
            channel.basic_reject(self._got("safe"), requeue=False)

    def _got(self, queue: str) -> int:
        """Get a message that may still be on its way to a quorum queue; return its tag."""
        tags: list[int] = []

        def get() -> bool:
            method, _, _ = self._channel.basic_get(queue)
            if method is not None:
                assert method.delivery_tag is not None
                tags.append(method.delivery_tag)
            return bool(tags)

        wait_until(get, f"a message of {queue}")
        return tags[0]

    def _consume(self) -> None:
        channel = self._connection.channel()
        self._deliveries(channel, "c", 10 + 3 + 2, auto_ack=True)
        acking = self._connection.channel()
        acking.basic_qos(prefetch_count=10)
        offset = {"x-stream-offset": "first"}
        for tag in self._deliveries(acking, "log", 7, arguments=offset):
            acking.basic_ack(tag)

    def _deliveries(
        self,
        channel: BlockingChannel,
        queue: str,
        count: int,
        **options: Any,  # noqa: ANN401 -- those of basic.consume
    ) -> list[int]:
        """Consume so many messages; return their tags."""
        tags: list[int] = []
        channel.basic_consume(
            queue, lambda _channel, method, *_: tags.append(method.delivery_tag), **options
        )
        deadline = Deadline()
        while len(tags) < count:
            deadline.check(f"{count} messages of {queue}")
            self._connection.process_data_events(1)  # s
        return tags
