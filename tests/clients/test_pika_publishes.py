"""pika, blocking: confirms, returns and transactions."""

import pytest
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import NackError, UnroutableError
from pika.spec import Basic, BasicProperties

from tests.clients.support.deadlines import wait_until
from tests.clients.support.inbox import process_until
from tests.clients.support.names import Names
from tests.clients.support.pika_calls import (
    fill,
    get,
    ready_count,
)


@pytest.fixture
def queue(pika_channel: BlockingChannel, names: Names) -> str:
    name = names.queue()
    pika_channel.queue_declare(name)
    return name


def test_a_confirmed_publish_returns_once_the_queue_has_it(
    pika_channel: BlockingChannel, names: Names
) -> None:
    queue = names.queue("durable")
    pika_channel.queue_declare(queue, durable=True)
    pika_channel.confirm_delivery()

    for number in range(10):
        properties = BasicProperties(delivery_mode=2)
        pika_channel.basic_publish("", queue, b"%d" % number, properties, mandatory=True)

    assert ready_count(pika_channel, queue) == 10


def test_a_confirmed_mandatory_publish_to_nowhere_raises_unroutable(
    pika_channel: BlockingChannel, names: Names
) -> None:
    pika_channel.confirm_delivery()

    with pytest.raises(UnroutableError) as caught:
        pika_channel.basic_publish("amq.direct", names.prefix, b"lost", mandatory=True)

    (returned,) = caught.value.messages
    assert (returned.method.reply_code, returned.method.reply_text) == (312, "NO_ROUTE")
    assert (returned.method.exchange, returned.method.routing_key) == ("amq.direct", names.prefix)
    assert returned.body == b"lost"


def test_a_full_queue_that_rejects_publishes_nacks_them(
    pika_channel: BlockingChannel, names: Names
) -> None:
    queue = names.queue("full")
    arguments = {"x-max-length": 1, "x-overflow": "reject-publish"}
    pika_channel.queue_declare(queue, arguments=arguments)
    pika_channel.confirm_delivery()
    pika_channel.basic_publish("", queue, b"fits")

    with pytest.raises(NackError):
        pika_channel.basic_publish("", queue, b"does not")

    assert ready_count(pika_channel, queue) == 1


def test_a_mandatory_publish_to_nowhere_comes_back_to_the_callback(
    pika_channel: BlockingChannel, names: Names
) -> None:
    returned: list[tuple[int | None, str | None, bytes]] = []

    def on_return(_: object, method: Basic.Return, __: BasicProperties, body: bytes) -> None:
        returned.append((method.reply_code, method.routing_key, body))

    pika_channel.add_on_return_callback(on_return)  # type: ignore[arg-type] # stub lacks arguments
    pika_channel.basic_publish("amq.fanout", names.prefix, b"back", mandatory=True)
    process_until(pika_channel, lambda: returned, "the returned message")

    assert returned == [(312, names.prefix, b"back")]


def test_a_transaction_shows_nothing_before_its_commit_nor_after_a_rollback(
    pika_connection: BlockingConnection, pika_channel: BlockingChannel, queue: str
) -> None:
    transaction = pika_connection.channel()
    transaction.tx_select()

    transaction.basic_publish("", queue, b"undone")
    transaction.tx_rollback()
    transaction.basic_publish("", queue, b"done")
    assert ready_count(transaction, queue) == 0
    transaction.tx_commit()

    wait_until(lambda: ready_count(pika_channel, queue) == 1, "the committed publish")
    got = get(pika_channel, queue)
    assert got is not None
    assert got.body == b"done"


def test_an_ack_that_is_rolled_back_leaves_the_message_with_its_consumer(
    pika_channel: BlockingChannel, queue: str
) -> None:
    fill(pika_channel, queue, b"kept")
    pika_channel.tx_select()
    got = get(pika_channel, queue, auto_ack=False)
    assert got is not None

    pika_channel.basic_ack(got.tag)
    pika_channel.tx_rollback()
    pika_channel.basic_nack(got.tag, requeue=True)
    pika_channel.tx_commit()

    wait_until(lambda: ready_count(pika_channel, queue) == 1, "the requeued message")
