"""One queue is moved: nothing changes on the way, and what fails is at the source still."""

from collections.abc import Sequence
from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from amqp_server.migrating import queue_move
from amqp_server.migrating.queue_move import MoveError, QueueMove, exchange_of
from tests.migrating.conftest import Ends, channel_of

BIG = bytes(range(256)) * 2_000


def declared(source: Ends, target: Ends, **arguments: object) -> BlockingChannel:
    """Declare the queue at both; return a channel of the source."""
    channel_of(target).queue_declare("q", durable=True, arguments=arguments)
    channel = channel_of(source)
    channel.queue_declare("q", durable=True)
    channel.confirm_delivery()
    return channel


def taken(ends: Ends, queue: str = "q") -> Sequence[Any]:
    channel = channel_of(ends)
    found: list[Any] = []
    while True:
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        if method is None:
            return found
        found.append((method.routing_key, properties, body))


def test_messages_keep_their_order_properties_and_routing_keys(source: Ends, target: Ends) -> None:
    channel = declared(source, target)
    channel_of(target).queue_declare("other", durable=True)
    channel.queue_bind("q", "amq.topic", "#")
    sent = []
    for number, body in enumerate([b"", b"small", BIG, b"last"]):
        properties = pika.BasicProperties(
            delivery_mode=2,
            priority=number,
            correlation_id=str(number),
            headers={"n": number, "CC": ["other"]},
        )
        channel.basic_publish("amq.topic", f"key.{number}", body, properties)
        sent.append((f"key.{number}", properties, body))
    move = QueueMove(source.endpoint, target.endpoint, "q")
    move.run()
    assert move.moved_count == 4
    assert taken(target) == sent
    assert taken(target, "other") == [], "CC routes nobody a second time"
    assert taken(source) == []
    with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="NOT_FOUND"):
        channel_of(target).exchange_declare(exchange_of("q"), passive=True)


def names_of_exchanges(ends: Ends) -> set[str]:
    return {str(each["name"]) for each in ends.api.exchanges()}


def test_an_empty_queue_is_moved_at_once(source: Ends, target: Ends) -> None:
    declared(source, target)
    move = QueueMove(source.endpoint, target.endpoint, "q")
    move.run()
    assert move.moved_count == 0


def test_what_the_target_refuses_stays_at_the_source(source: Ends, target: Ends) -> None:
    limits: dict[str, object] = {"x-max-length": 3, "x-overflow": "reject-publish"}
    channel = declared(source, target, **limits)
    for number in range(10):
        channel.basic_publish("", "q", b"%d" % number)
    move = QueueMove(source.endpoint, target.endpoint, "q")
    with pytest.raises(MoveError, match=r"refused a message .*may be full"):
        move.run()
    bodies = [body for _, _, body in taken(target)]
    rest = [body for _, _, body in taken(source)]
    assert sorted([*bodies, *rest]) == [b"%d" % number for number in range(10)], "none is twice"
    assert move.moved_count == len(bodies)
    assert rest == sorted(rest)
    assert queue_move.exchange_of("q") not in names_of_exchanges(target)


@pytest.mark.parametrize("end", ["source", "target"])
def test_a_queue_that_is_missing_is_told(source: Ends, target: Ends, end: str) -> None:
    channel_of(target if end == "source" else source).queue_declare("q", durable=True)
    with pytest.raises(MoveError, match="404"):
        QueueMove(source.endpoint, target.endpoint, "q").run()


def test_a_source_that_holds_messages_back_is_not_waited_for(
    source: Ends, target: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_move, "STUCK_MS", 600)
    channel_of(target).queue_declare("q", durable=True)
    channel = channel_of(source)
    channel.queue_declare("q", durable=True, arguments={"x-single-active-consumer": True})
    channel.basic_qos(prefetch_count=1)
    channel.basic_consume("q", lambda *_: None)
    for _ in range(3):
        channel.basic_publish("", "q", b"m")
    channel.connection.process_data_events(time_limit=1)
    with pytest.raises(MoveError, match="other consumers come first"):
        QueueMove(source.endpoint, target.endpoint, "q").run()


def test_a_broker_that_is_not_there_is_told(source: Ends) -> None:
    nobody = source.endpoint._replace(port=1)
    with pytest.raises(MoveError, match="refused"):
        QueueMove(source.endpoint, nobody, "q").run()
