"""Publisher confirms, three ways: one by one, in batches, and as they come in."""

import os
import sys

import pika
from pika.adapters.base_connection import BaseConnection
from pika.adapters.select_connection import IOLoop, SelectConnection
from pika.channel import Channel
from pika.frame import Method
from pika.spec import Basic

COUNT = int(sys.argv[1])
URL = pika.URLParameters(os.environ["AMQP_URL"])


def publish_one_by_one() -> None:
    """Wait for each message's confirm before the next is published."""
    with pika.BlockingConnection(URL) as connection:
        channel = connection.channel()
        queue = channel.queue_declare("", exclusive=True).method.queue or ""
        channel.confirm_delivery()
        for number in range(COUNT):
            channel.basic_publish("", queue, str(number), mandatory=True)
        ready = channel.queue_declare(queue, passive=True).method.message_count
        print(f"one by one: {ready} confirmed")


class Publishing:
    """Publishes ``window`` messages ahead of their confirms; keeps those outstanding."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._outstanding: set[int] = set()
        self._published = 0
        self._channel: Channel | None = None
        self._queue = ""
        self.confirmed = 0
        self.connection = SelectConnection(
            URL, on_open_callback=self._on_open, on_close_callback=self._on_close
        )

    def _on_open(self, connection: "BaseConnection[IOLoop]") -> None:
        connection.channel(on_open_callback=self._on_channel)

    def _on_close(self, _: "BaseConnection[IOLoop]", __: Exception) -> None:
        self.connection.ioloop.stop()

    def _on_channel(self, channel: Channel) -> None:
        self._channel = channel
        channel.confirm_delivery(self._on_confirm)
        channel.queue_declare("", exclusive=True, callback=self._on_queue)

    def _on_queue(self, declared: "Method[pika.spec.Queue.DeclareOk]") -> None:
        self._queue = declared.method.queue or ""
        self._publish()

    def _publish(self) -> None:
        assert self._channel is not None
        while self._published < COUNT and len(self._outstanding) < self._window:
            self._published += 1
            self._outstanding.add(self._published)
            self._channel.basic_publish("", self._queue, str(self._published))

    def _on_confirm(self, frame: "Method[Basic.Ack | Basic.Nack]") -> None:
        assert isinstance(frame.method, Basic.Ack), "nothing here is refused"
        tag = frame.method.delivery_tag or 0
        confirmed = {
            number
            for number in self._outstanding
            if number == tag or (frame.method.multiple and number < tag)
        }
        self._outstanding -= confirmed
        self.confirmed += len(confirmed)
        if self.confirmed == COUNT:
            self.connection.close()
        elif not self._outstanding or self._window >= COUNT:
            self._publish()


publish_one_by_one()
for title, window in (("in batches", 50), ("as they come", COUNT)):
    publishing = Publishing(window)
    publishing.connection.ioloop.start()
    print(f"{title}: {publishing.confirmed} confirmed")
