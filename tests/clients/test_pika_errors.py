"""The broker's refusals as pika raises them: the class, the code and the text."""

from collections.abc import Callable

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import (
    ChannelClosedByBroker,
    ConnectionClosedByBroker,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
)
from pika.spec import BasicProperties

from tests.clients.support.inbox import Inbox
from tests.clients.support.names import Names
from tests.clients.support.pika_calls import connect, declare_exchange, fill, get, ready_count

pytestmark = [pytest.mark.clients, pytest.mark.timeout(90)]

Act = Callable[[BlockingChannel, str], object]


def do_and_meet_the_answer(channel: BlockingChannel, do: Act, name: str) -> None:
    """Act, then call the next method: a publish or an ack has no answer of its own."""
    do(channel, name)
    channel.basic_qos()


# What a client does with the name {x}, which nothing has, and what it is told.
ABOUT_WHAT_IS_MISSING: dict[str, tuple[Act, str]] = {
    "passive queue": (
        lambda channel, x: channel.queue_declare(x, passive=True),
        "NOT_FOUND - no queue '{x}' in vhost '/'",
    ),
    "passive exchange": (
        lambda channel, x: channel.exchange_declare(x, passive=True),
        "NOT_FOUND - no exchange '{x}' in vhost '/'",
    ),
    "consume": (
        lambda channel, x: channel.basic_consume(x, lambda *_: None),
        "NOT_FOUND - no queue '{x}' in vhost '/'",
    ),
    "get": (
        lambda channel, x: channel.basic_get(x),
        "NOT_FOUND - no queue '{x}' in vhost '/'",
    ),
    "purge": (
        lambda channel, x: channel.queue_purge(x),
        "NOT_FOUND - no queue '{x}' in vhost '/'",
    ),
    "publish": (
        lambda channel, x: channel.basic_publish(x, "", b""),
        "NOT_FOUND - no exchange '{x}' in vhost '/'",
    ),
    "bind": (
        lambda channel, x: channel.queue_bind(x, "amq.direct", "key"),
        "NOT_FOUND - no queue '{x}' in vhost '/'",
    ),
}


@pytest.mark.parametrize("act", ABOUT_WHAT_IS_MISSING)
def test_what_is_missing_is_a_404_with_its_name(
    pika_connection: BlockingConnection, pika_channel: BlockingChannel, names: Names, act: str
) -> None:
    do, text = ABOUT_WHAT_IS_MISSING[act]

    with pytest.raises(ChannelClosedByBroker) as caught:
        do_and_meet_the_answer(pika_channel, do, names.prefix)

    assert (caught.value.reply_code, caught.value.reply_text) == (404, text.format(x=names.prefix))
    assert pika_connection.channel().is_open, "only the channel was closed"


# What a client does with the queue {x}, which exists without arguments, holds one message and
# has one consumer; then code and text.
ABOUT_A_QUEUE: dict[str, tuple[Act, int, str]] = {
    "another durability": (
        lambda channel, x: channel.queue_declare(x, durable=True),
        406,
        (
            "PRECONDITION_FAILED - inequivalent arg 'durable' for queue '{x}' in vhost '/': "
            "received 'true' but current is 'false'"
        ),
    ),
    "another argument": (
        lambda channel, x: channel.queue_declare(x, arguments={"x-max-length": 9}),
        406,
        (
            "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue '{x}' in vhost '/': "
            "received the value '9' of type 'signedint' but current is none"
        ),
    ),
    "delete if unused": (
        lambda channel, x: channel.queue_delete(x, if_unused=True),
        406,
        "PRECONDITION_FAILED - queue '{x}' in vhost '/' in use",
    ),
    "delete if empty": (
        lambda channel, x: channel.queue_delete(x, if_empty=True),
        406,
        "PRECONDITION_FAILED - queue '{x}' in vhost '/' not empty",
    ),
    "exclusive consumer": (
        lambda channel, x: channel.basic_consume(x, lambda *_: None, exclusive=True),
        403,
        "ACCESS_REFUSED - queue '{x}' in vhost '/' in exclusive use",
    ),
}


@pytest.mark.parametrize("act", ABOUT_A_QUEUE)
def test_what_does_not_fit_an_existing_queue_is_refused(
    pika_connection: BlockingConnection, pika_channel: BlockingChannel, names: Names, act: str
) -> None:
    do, code, text = ABOUT_A_QUEUE[act]
    queue = names.queue()
    pika_channel.queue_declare(queue)
    holder = pika_connection.channel()
    holder.basic_qos(prefetch_count=1)
    inbox = Inbox(holder, queue)
    fill(pika_channel, queue, b"held", b"ready")
    inbox.wait_for(1)

    with pytest.raises(ChannelClosedByBroker) as caught:
        do(pika_channel, queue)

    assert (caught.value.reply_code, caught.value.reply_text) == (code, text.format(x=queue))


ABOUT_ANYTHING: dict[str, tuple[Act, int, str]] = {
    "unknown tag": (
        lambda channel, x: channel.basic_ack(77),
        406,
        "PRECONDITION_FAILED - unknown delivery tag 77",
    ),
    "reserved queue": (
        lambda channel, x: channel.queue_declare("amq.mine"),
        403,
        "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'",
    ),
    "reserved exchange": (
        lambda channel, x: channel.exchange_declare("amq.mine"),
        403,
        "ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*'",
    ),
    "system exchange": (
        lambda channel, x: channel.exchange_delete("amq.topic"),
        403,
        "ACCESS_REFUSED - deletion of system exchange 'amq.topic' in vhost '/' not allowed",
    ),
    "default exchange": (
        lambda channel, x: channel.exchange_delete(""),
        403,
        "ACCESS_REFUSED - operation not permitted on the default exchange",
    ),
    "commit without a transaction": (
        lambda channel, x: channel.tx_commit(),
        406,
        "PRECONDITION_FAILED - channel is not transactional",
    ),
    "another's user id": (
        lambda channel, x: channel.basic_publish("", x, b"", BasicProperties(user_id="mallory")),
        406,
        (
            "PRECONDITION_FAILED - user_id property set to 'mallory' but authenticated user was "
            "'guest'"
        ),
    ),
    "bad expiration": (
        lambda channel, x: channel.basic_publish("", x, b"", BasicProperties(expiration="soon")),
        406,
        "PRECONDITION_FAILED - invalid expiration 'soon': no_integer",
    ),
    "second reply consumer": (
        lambda channel, x: [
            channel.basic_consume("amq.rabbitmq.reply-to", lambda *_: None, auto_ack=True)
            for _ in range(2)
        ],
        406,
        "PRECONDITION_FAILED - reply consumer already set",
    ),
    "negative ttl": (
        lambda channel, x: channel.queue_declare(x, arguments={"x-message-ttl": -1}),
        406,
        (
            "PRECONDITION_FAILED - invalid arg 'x-message-ttl' for queue '{x}' in vhost '/': "
            "{{value_negative,-1}}"
        ),
    ),
}


@pytest.mark.parametrize("act", ABOUT_ANYTHING)
def test_other_refusals_close_the_channel_with_their_reason(
    pika_connection: BlockingConnection, pika_channel: BlockingChannel, names: Names, act: str
) -> None:
    do, code, text = ABOUT_ANYTHING[act]

    with pytest.raises(ChannelClosedByBroker) as caught:
        do_and_meet_the_answer(pika_channel, do, names.prefix)

    assert (caught.value.reply_code, caught.value.reply_text) == (code, text.format(x=names.prefix))
    assert pika_connection.channel().is_open, "only the channel was closed"


def test_mixing_confirms_and_transactions_is_refused(
    pika_connection: BlockingConnection,
) -> None:
    confirming, transactional = pika_connection.channel(), pika_connection.channel()
    confirming.confirm_delivery()
    transactional.tx_select()

    with pytest.raises(ChannelClosedByBroker, match="cannot switch from confirm to tx mode"):
        confirming.tx_select()
    with pytest.raises(ChannelClosedByBroker, match="cannot switch from tx to confirm mode"):
        transactional.confirm_delivery()


def test_an_internal_exchange_takes_nothing_from_a_client(
    pika_channel: BlockingChannel, names: Names
) -> None:
    exchange = names.exchange("internal")
    declare_exchange(pika_channel, exchange, "fanout", internal=True)

    with pytest.raises(ChannelClosedByBroker, match="cannot publish to internal") as caught:
        do_and_meet_the_answer(
            pika_channel, lambda channel, x: channel.basic_publish(x, "", b"refused"), exchange
        )

    assert caught.value.reply_code == 403


def test_an_exchange_redeclared_with_another_type_is_refused(
    pika_channel: BlockingChannel, names: Names
) -> None:
    exchange = names.exchange()
    declare_exchange(pika_channel, exchange, "fanout")

    with pytest.raises(ChannelClosedByBroker) as caught:
        declare_exchange(pika_channel, exchange, "topic")

    assert caught.value.reply_text == (
        f"PRECONDITION_FAILED - inequivalent arg 'type' for exchange '{exchange}' in vhost '/': "
        "received 'topic' but current is 'fanout'"
    )


def test_an_unsettled_get_is_requeued_when_the_channel_is_closed_for_an_error(
    pika_connection: BlockingConnection, pika_channel: BlockingChannel, names: Names
) -> None:
    queue = names.queue()
    pika_channel.queue_declare(queue)
    fill(pika_channel, queue, b"held")
    assert get(pika_channel, queue, auto_ack=False) is not None

    with pytest.raises(ChannelClosedByBroker):
        pika_channel.queue_declare(names.prefix, passive=True)
    channel = pika_connection.channel()
    (delivery,) = Inbox(channel, queue).wait_for(1)

    assert (delivery.body, delivery.redelivered) == (b"held", True)
    assert ready_count(channel, queue) == 0


def test_what_hits_the_whole_connection_closes_it(broker_uri: str, names: Names) -> None:
    """prefetch_size is one of the few things that RabbitMQ does not implement."""
    connection = connect(broker_uri)

    with pytest.raises(ConnectionClosedByBroker) as caught:
        connection.channel().basic_qos(prefetch_size=10)

    assert (caught.value.reply_code, caught.value.reply_text) == (
        540,
        "NOT_IMPLEMENTED - prefetch_size!=0 (10)",
    )
    assert connection.is_closed


def test_a_wrong_password_is_told_as_such(broker_uri: str) -> None:
    parameters = pika.URLParameters(broker_uri)
    parameters.credentials = pika.PlainCredentials("guest", "wrong")

    with pytest.raises(ProbableAuthenticationError) as caught:
        pika.BlockingConnection(parameters)

    assert "(403) 'ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN." in str(
        caught.value
    )


def test_a_missing_vhost_is_told_as_such(broker_uri: str) -> None:
    parameters = pika.URLParameters(broker_uri)
    parameters.virtual_host = "nowhere"

    with pytest.raises((ProbableAccessDeniedError, ConnectionClosedByBroker)) as caught:
        pika.BlockingConnection(parameters)

    assert "(530) 'NOT_ALLOWED - vhost nowhere not found'" in str(caught.value)
