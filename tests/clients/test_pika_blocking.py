"""pika's BlockingConnection: publish, consume, settle, confirm, return, transact."""

import datetime as dt

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import AMQPConnectionError, UnroutableError
from pika.spec import Basic, BasicProperties

from tests.clients.support.deadlines import wait_until
from tests.clients.support.inbox import Inbox, process_until
from tests.clients.support.names import Names
from tests.clients.support.pika_calls import (
    connect,
    declare_exchange,
    fill,
    get,
    is_locked_by_another,
    ready_count,
)

pytestmark = [pytest.mark.clients, pytest.mark.timeout(90)]


@pytest.fixture
def queue(pika_channel: BlockingChannel, names: Names) -> str:
    name = names.queue()
    pika_channel.queue_declare(name)
    return name


def test_every_property_and_header_arrives_as_it_was_sent(
    pika_channel: BlockingChannel, queue: str
) -> None:
    sent = BasicProperties(
        content_type="text/plain",
        content_encoding="utf-8",
        headers={
            "text": "värde",
            "number": 2**40,
            "negative": -1,
            "yes": True,
            "none": None,
            "table": {"inner": {"deep": 1}},
            "array": [1, "two", {"three": 3}],
            "when": dt.datetime(2024, 2, 29, 12, 0, 0, tzinfo=dt.UTC),
        },
        delivery_mode=2,
        priority=7,
        correlation_id="correlation",
        reply_to="reply",
        expiration="60000",
        message_id="message",
        timestamp=1_700_000_000,
        type="type",
        user_id="guest",
        app_id="app",
    )
    pika_channel.basic_publish("", queue, b"body", sent)

    got = get(pika_channel, queue)

    assert got is not None
    assert (got.body, got.routing_key, got.redelivered) == (b"body", queue, False)
    assert got.properties.headers == sent.headers
    assert got.properties.__dict__ == sent.__dict__


@pytest.mark.parametrize("size_bytes", [0, 1, 131_064, 131_065, 1_000_003])
def test_a_body_of_any_number_of_frames_arrives_whole(
    pika_channel: BlockingChannel, queue: str, size_bytes: int
) -> None:
    sent = (b"0123456789abcdef" * (size_bytes // 16 + 1))[:size_bytes]
    pika_channel.basic_publish("", queue, sent)

    (delivery,) = Inbox(pika_channel, queue, auto_ack=True).wait_for(1)

    assert delivery.body == sent


def test_get_says_how_many_are_left_and_when_there_are_none(
    pika_channel: BlockingChannel, queue: str
) -> None:
    fill(pika_channel, queue, b"1", b"2", b"3")

    left = []
    while (method := pika_channel.basic_get(queue, auto_ack=True)[0]) is not None:
        left.append((method.delivery_tag, method.message_count))

    assert left == [(1, 2), (2, 1), (3, 0)]


def test_prefetch_holds_deliveries_back_until_an_ack(
    pika_channel: BlockingChannel, queue: str
) -> None:
    fill(pika_channel, queue, b"0", b"1", b"2", b"3", b"4")
    pika_channel.basic_qos(prefetch_count=2)
    inbox = Inbox(pika_channel, queue)

    inbox.wait_for(2)
    assert ready_count(pika_channel, queue) == 3
    pika_channel.basic_ack(inbox.deliveries[1].tag, multiple=True)
    inbox.wait_for(4)

    assert ready_count(pika_channel, queue) == 1
    assert inbox.bodies == [b"0", b"1", b"2", b"3"]


def test_a_global_prefetch_is_shared_by_the_consumers_of_a_channel(
    pika_channel: BlockingChannel, queue: str
) -> None:
    fill(pika_channel, queue, b"0", b"1", b"2", b"3", b"4")
    pika_channel.basic_qos(prefetch_count=3, global_qos=True)
    inboxes = [Inbox(pika_channel, queue), Inbox(pika_channel, queue)]

    process_until(
        pika_channel, lambda: sum(len(inbox.bodies) for inbox in inboxes) >= 3, "3 deliveries"
    )

    assert ready_count(pika_channel, queue) == 2


def test_nack_and_reject_requeue_or_drop(pika_channel: BlockingChannel, queue: str) -> None:
    fill(pika_channel, queue, b"requeued", b"dropped", b"rejected")
    inbox = Inbox(pika_channel, queue)
    first, second, third = inbox.wait_for(3)[:3]

    pika_channel.basic_reject(third.tag, requeue=False)
    pika_channel.basic_nack(second.tag, requeue=False)
    pika_channel.basic_nack(first.tag, requeue=True)
    again = inbox.wait_for(4)[3]

    assert not first.redelivered
    assert (again.body, again.redelivered) == (b"requeued", True)
    assert ready_count(pika_channel, queue) == 0


def test_recover_gives_the_unacked_again_in_order(
    pika_channel: BlockingChannel, queue: str
) -> None:
    fill(pika_channel, queue, b"1", b"2", b"3")
    inbox = Inbox(pika_channel, queue)
    inbox.wait_for(3)

    pika_channel.basic_recover(requeue=True)
    again = inbox.wait_for(6)[3:]

    assert [(delivery.body, delivery.redelivered) for delivery in again] == [
        (b"1", True),
        (b"2", True),
        (b"3", True),
    ]


def test_what_a_lost_channel_held_is_redelivered_to_the_next(
    pika_connection: BlockingConnection, pika_channel: BlockingChannel, queue: str
) -> None:
    pika_channel.basic_publish("", queue, b"held")
    holder = pika_connection.channel()
    Inbox(holder, queue).wait_for(1)

    holder.close()
    (delivery,) = Inbox(pika_channel, queue).wait_for(1)

    assert (delivery.body, delivery.redelivered) == (b"held", True)


def test_the_consume_generator_yields_until_it_falls_quiet(
    pika_channel: BlockingChannel, queue: str
) -> None:
    fill(pika_channel, queue, b"1", b"2", b"3")

    bodies = []
    for method, _, body in pika_channel.consume(queue, inactivity_timeout=1):
        if method is None:
            break
        bodies.append(body)
        pika_channel.basic_ack(method.delivery_tag or 0)
    requeued = pika_channel.cancel()

    assert (bodies, requeued) == ([b"1", b"2", b"3"], 0)


def test_start_consuming_ends_when_the_callback_says_so(
    pika_channel: BlockingChannel, queue: str
) -> None:
    bodies = []

    def on_message(
        channel: BlockingChannel, method: Basic.Deliver, _: BasicProperties, body: bytes
    ) -> None:
        bodies.append(body)
        channel.basic_ack(method.delivery_tag or 0)
        if body == b"last":
            channel.stop_consuming()

    pika_channel.basic_publish("", queue, b"first")
    pika_channel.basic_publish("", queue, b"last")
    pika_channel.basic_consume(queue, on_message)
    pika_channel.start_consuming()

    assert bodies == [b"first", b"last"]


def test_a_consumer_learns_that_its_queue_was_deleted(
    pika_connection: BlockingConnection, pika_channel: BlockingChannel, queue: str
) -> None:
    cancelled: list[str | None] = []

    def on_cancel(frame: object) -> None:
        cancelled.append(frame.method.consumer_tag)  # type: ignore[attr-defined] # a Method frame

    pika_channel.add_on_cancel_callback(on_cancel)
    inbox = Inbox(pika_channel, queue)
    pika_connection.channel().queue_delete(queue)
    process_until(pika_channel, lambda: cancelled, "basic.cancel from the broker")

    assert cancelled == [inbox.consumer_tag]


def test_a_cancelled_consumer_gets_no_more(pika_channel: BlockingChannel, queue: str) -> None:
    inbox = Inbox(pika_channel, queue, auto_ack=True)
    pika_channel.basic_cancel(inbox.consumer_tag)
    fill(pika_channel, queue, b"later")

    assert ready_count(pika_channel, queue) == 1
    assert inbox.bodies == []


def test_direct_reply_to_answers_the_one_who_asked(
    pika_connection: BlockingConnection, pika_channel: BlockingChannel, queue: str
) -> None:
    answers = Inbox(pika_channel, "amq.rabbitmq.reply-to", auto_ack=True)
    asked = BasicProperties(reply_to="amq.rabbitmq.reply-to", correlation_id="1")
    pika_channel.basic_publish("", queue, b"question", asked)

    server = pika_connection.channel()
    (question,) = Inbox(server, queue, auto_ack=True).wait_for(1)
    reply_to = question.properties.reply_to or ""
    server.basic_publish("", reply_to, b"answer", BasicProperties(correlation_id="1"))
    (answer,) = answers.wait_for(1)

    assert reply_to.startswith("amq.rabbitmq.reply-to.")
    assert (answer.body, answer.properties.correlation_id) == (b"answer", "1")


def test_an_idle_connection_with_a_short_heartbeat_lives_while_it_is_served(
    broker_uri: str,
) -> None:
    with connect(broker_uri, heartbeat_s=1) as connection:
        checker = connection._impl._heartbeat_checker  # type: ignore[attr-defined] # pika's own
        channel = connection.channel()
        process_until(
            channel, lambda: checker._heartbeat_frames_received >= 3, "3 heartbeats of the broker"
        )
        assert connection.is_open


def test_a_connection_that_falls_silent_is_dropped_with_its_exclusive_queue(
    pika_connection: BlockingConnection, broker_uri: str, names: Names
) -> None:
    """The holder never works on its connection, so it sends no heartbeat."""
    silent = connect(broker_uri, heartbeat_s=1)
    queue = names.queue("exclusive")
    silent.channel().queue_declare(queue, exclusive=True)

    assert is_locked_by_another(pika_connection.channel(), queue)
    wait_until(
        lambda: not is_locked_by_another(pika_connection.channel(), queue),
        "the silent connection to be dropped",
        timeout_s=15,
    )

    with pytest.raises(AMQPConnectionError):
        silent.process_data_events()


def test_a_client_may_register_for_blocked_and_renew_its_secret(
    broker_uri: str, names: Names
) -> None:
    """No alarm is raised here, so the callbacks must stay silent while publishes pass."""
    parameters = pika.URLParameters(broker_uri)
    parameters.blocked_connection_timeout = 5
    signals: list[object] = []
    with pika.BlockingConnection(parameters) as connection:
        connection.add_on_connection_blocked_callback(signals.append)
        connection.add_on_connection_unblocked_callback(signals.append)
        connection.update_secret("guest", "renewed")  # type: ignore[attr-defined] # not in the stub
        channel = connection.channel()
        queue = names.queue()
        channel.queue_declare(queue)
        channel.confirm_delivery()
        channel.basic_publish("", queue, b"passes")

        assert ready_count(channel, queue) == 1
        assert signals == []


def test_an_exchange_bound_to_an_exchange_passes_messages_on(
    pika_channel: BlockingChannel, names: Names, queue: str
) -> None:
    source, middle = names.exchange("source"), names.exchange("middle")
    declare_exchange(pika_channel, source, "topic")
    declare_exchange(pika_channel, middle, "fanout")
    pika_channel.exchange_bind(middle, source, "a.#")
    pika_channel.queue_bind(queue, middle)
    pika_channel.confirm_delivery()

    pika_channel.basic_publish(source, "a.b.c", b"passes", mandatory=True)
    with pytest.raises(UnroutableError):
        pika_channel.basic_publish(source, "b.c", b"does not", mandatory=True)
    pika_channel.exchange_unbind(middle, source, "a.#")
    with pytest.raises(UnroutableError):
        pika_channel.basic_publish(source, "a.b.c", b"no more", mandatory=True)

    assert ready_count(pika_channel, queue) == 1
