"""pika's SelectConnection: everything by callbacks, nothing waited for in between."""

from collections.abc import Callable
from typing import Final, cast

import pika
import pytest
from pika.adapters.base_connection import BaseConnection
from pika.adapters.select_connection import IOLoop, SelectConnection
from pika.channel import Channel
from pika.exceptions import ChannelClosedByBroker, ConnectionClosedByBroker
from pika.frame import Method
from pika.spec import Basic, BasicProperties, Queue

from tests.clients.support.names import Names

pytestmark = [pytest.mark.clients, pytest.mark.timeout(90)]

DIALOGUE_TIMEOUT_S: Final = 10
MESSAGE_COUNT: Final = 200


class Dialogue:
    """One connection on a loop of its own, from its opening to its end.

    Give it what to do once the connection is open; ``events`` keeps what was told, in order.
    """

    def __init__(
        self, uri: str, on_open: Callable[["Dialogue"], None], password: str | None = None
    ) -> None:
        self.events: list[object] = []
        self.closed_because: Exception | None = None
        self.failed_because: object = None
        self._timed_out = False
        self._on_open = on_open
        parameters = pika.URLParameters(uri)
        if password is not None:
            parameters.credentials = pika.PlainCredentials("guest", password)
        self.loop = IOLoop()
        self.connection = SelectConnection(
            parameters,
            on_open_callback=self._opened,
            on_open_error_callback=self._failed,
            on_close_callback=self._closed,
            custom_ioloop=self.loop,
        )

    def _opened(self, _: "BaseConnection[IOLoop]") -> None:
        self._on_open(self)

    def _failed(self, _: "BaseConnection[IOLoop]", reason: object) -> None:
        self.failed_because = reason
        self.loop.stop()

    def _closed(self, _: "BaseConnection[IOLoop]", reason: Exception) -> None:
        self.closed_because = reason
        self.loop.stop()

    def _expired(self) -> None:
        self._timed_out = True
        if not self.connection.is_open:
            self.loop.stop()
            return
        self.connection.close()
        self.loop.call_later(1, self.loop.stop)

    def run(self) -> list[object]:
        """Run until the connection has closed; return the events."""
        self.loop.call_later(DIALOGUE_TIMEOUT_S, self._expired)
        self.loop.start()
        self.loop.close()
        assert not self._timed_out, f"no end to the dialogue; so far: {self.events[:20]}"
        return self.events


class Confirming:
    """Publishes ``bodies`` with confirms and consumes them; ends when both are complete."""

    def __init__(self, queue: str, bodies: list[bytes], arguments: dict[str, str | int]) -> None:
        self.acked: set[int] = set()
        self.nacked: set[int] = set()
        self.received: list[bytes] = []
        self.unsettled_max = 0
        self._queue = queue
        self._bodies = bodies
        self._arguments = arguments
        self._channel: Channel | None = None

    def start(self, dialogue: Dialogue) -> None:
        dialogue.connection.channel(on_open_callback=self._opened)

    def _opened(self, channel: Channel) -> None:
        self._channel = channel
        channel.confirm_delivery(self._confirmed)
        channel.queue_declare(self._queue, arguments=self._arguments, callback=self._declared)

    def _declared(self, _: Method[Queue.DeclareOk]) -> None:
        assert self._channel is not None
        for body in self._bodies:
            self._channel.basic_publish("", self._queue, body)

    def _confirmed(self, frame: Method[Basic.Ack | Basic.Nack]) -> None:
        assert self._channel is not None
        confirmed = self.acked if isinstance(frame.method, Basic.Ack) else self.nacked
        tag = frame.method.delivery_tag or 0
        if frame.method.multiple:
            everything = set(range(1, tag + 1))
            confirmed |= everything - self.acked - self.nacked
        else:
            assert tag not in self.acked | self.nacked, "a publish is confirmed once"
            confirmed.add(tag)
        if len(self.acked) + len(self.nacked) == len(self._bodies):
            self._channel.basic_qos(prefetch_count=10)
            self._channel.basic_consume(self._queue, self._received)

    def _received(
        self, channel: Channel, method: Basic.Deliver, _: BasicProperties, body: bytes
    ) -> None:
        self.received.append(body)
        channel.basic_ack(method.delivery_tag or 0)
        if len(self.received) == len(self.acked):
            channel.connection.close()


def test_every_publish_is_confirmed_and_delivered_in_order(broker_uri: str, names: Names) -> None:
    bodies = [b"%d" % number for number in range(MESSAGE_COUNT)]
    confirming = Confirming(names.queue(), bodies, {})

    Dialogue(broker_uri, confirming.start).run()

    assert confirming.acked == set(range(1, MESSAGE_COUNT + 1))
    assert confirming.nacked == set()
    assert confirming.received == bodies


def test_a_full_queue_nacks_the_rest(broker_uri: str, names: Names) -> None:
    bodies = [b"%d" % number for number in range(20)]
    limits: dict[str, str | int] = {"x-max-length": 5, "x-overflow": "reject-publish"}
    confirming = Confirming(names.queue(), bodies, limits)

    Dialogue(broker_uri, confirming.start).run()

    assert confirming.acked.isdisjoint(confirming.nacked)
    assert len(confirming.acked) + len(confirming.nacked) == 20
    assert confirming.nacked, "20 publishes do not fit into a queue of 5"
    assert confirming.received == [bodies[tag - 1] for tag in sorted(confirming.acked)]


def test_a_return_comes_before_the_ack_of_its_message(broker_uri: str, names: Names) -> None:
    def on_open(dialogue: Dialogue) -> None:
        def on_confirm(frame: Method[Basic.Ack | Basic.Nack]) -> None:
            dialogue.events.append(type(frame.method).__name__)
            dialogue.connection.close()

        def on_return(_: Channel, method: Basic.Return, __: BasicProperties, body: bytes) -> None:
            dialogue.events.append((method.reply_code, body))

        def on_channel(channel: Channel) -> None:
            channel.add_on_return_callback(on_return)
            channel.confirm_delivery(on_confirm)
            channel.basic_publish("amq.direct", names.prefix, b"back", mandatory=True)

        dialogue.connection.channel(on_open_callback=on_channel)

    assert Dialogue(broker_uri, on_open).run() == [(312, b"back"), "Ack"]


def test_a_refused_channel_tells_its_reason_and_its_number_is_free_again(
    broker_uri: str, names: Names
) -> None:
    def on_open(dialogue: Dialogue) -> None:
        def on_second(channel: Channel) -> None:
            dialogue.events.append(("open", channel.channel_number))
            dialogue.connection.close()

        def on_close(channel: Channel, reason: Exception) -> None:
            assert isinstance(reason, ChannelClosedByBroker)
            dialogue.events.append(("closed", channel.channel_number, reason.reply_code))
            # Once pika has forgotten the closed channel, which it does after this callback.
            dialogue.loop.call_later(0, open_again)

        def open_again() -> None:
            dialogue.connection.channel(7, on_open_callback=on_second)

        def on_first(channel: Channel) -> None:
            channel.add_on_close_callback(on_close)
            channel.queue_declare(names.prefix, passive=True)

        dialogue.connection.channel(7, on_open_callback=on_first)

    assert Dialogue(broker_uri, on_open).run() == [("closed", 7, 404), ("open", 7)]


def test_a_refused_connection_tells_its_reason(broker_uri: str) -> None:
    def on_open(opened: Dialogue) -> None:
        def on_channel(channel: Channel) -> None:
            channel.basic_qos(prefetch_size=1)

        opened.connection.channel(on_open_callback=on_channel)

    dialogue = Dialogue(broker_uri, on_open)
    dialogue.run()

    reason = dialogue.closed_because
    assert isinstance(reason, ConnectionClosedByBroker)
    assert (reason.reply_code, reason.reply_text) == (
        540,
        "NOT_IMPLEMENTED - prefetch_size!=0 (1)",
    )


def test_a_wrong_password_fails_the_opening(broker_uri: str) -> None:
    dialogue = Dialogue(broker_uri, lambda _: None, password="wrong")
    dialogue.run()

    assert "ACCESS_REFUSED - Login was refused" in str(dialogue.failed_because)


def test_many_channels_are_opened_at_once_and_work_independently(
    broker_uri: str, names: Names
) -> None:
    queue = names.queue()
    count = 50

    def on_open(dialogue: Dialogue) -> None:
        def on_message(
            _: Channel, method: Basic.Deliver, properties: BasicProperties, body: bytes
        ) -> None:
            dialogue.events.append(int(body))
            if len(dialogue.events) == count:
                dialogue.connection.close()

        def on_consuming(_: Method[Basic.ConsumeOk]) -> None:
            for number in range(2, count + 2):
                dialogue.connection.channel(number, on_open_callback=publish)

        def publish(channel: Channel) -> None:
            channel.basic_publish("", queue, b"%d" % channel.channel_number)

        def on_first(channel: Channel) -> None:
            channel.queue_declare(queue)
            channel.basic_consume(queue, on_message, auto_ack=True, callback=on_consuming)

        dialogue.connection.channel(1, on_open_callback=on_first)

    events = Dialogue(broker_uri, on_open).run()

    assert sorted(cast("list[int]", events)) == list(range(2, count + 2))


def test_the_broker_introduces_itself_with_the_capabilities_that_clients_look_for(
    broker_uri: str,
) -> None:
    def on_open(dialogue: Dialogue) -> None:
        dialogue.events.append(dialogue.connection.server_properties)
        dialogue.connection.close()

    (properties,) = cast("list[dict[str, object]]", Dialogue(broker_uri, on_open).run())

    assert properties["product"] == "RabbitMQ"
    assert {"version", "platform", "information", "copyright", "cluster_name"} <= set(properties)
    assert properties["capabilities"] == dict.fromkeys(
        [
            "publisher_confirms",
            "exchange_exchange_bindings",
            "basic.nack",
            "consumer_cancel_notify",
            "connection.blocked",
            "consumer_priorities",
            "authentication_failure_close",
            "per_consumer_qos",
            "direct_reply_to",
        ],
        True,
    )
