"""pika's BlockingConnection and the queues' own features: expiry, length, priority, lifetime."""

import pytest
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import ChannelClosedByBroker
from pika.spec import BasicProperties

from tests.clients.support.deadlines import wait_until
from tests.clients.support.inbox import Inbox
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


def exists(connection: BlockingConnection, queue: str) -> bool:
    channel = connection.channel()
    try:
        channel.queue_declare(queue, passive=True)
    except ChannelClosedByBroker as closed:
        if closed.reply_code != 404:
            raise
        return False
    channel.close()
    return True


def test_a_queue_without_a_name_is_given_one(pika_channel: BlockingChannel) -> None:
    name = pika_channel.queue_declare("", exclusive=True).method.queue
    assert name is not None
    fill(pika_channel, name, b"reached")

    assert name.startswith("amq.gen-")
    got = get(pika_channel, "")
    assert got is not None, "an empty name means the last one declared here"
    assert got.body == b"reached"


def test_an_exclusive_queue_goes_with_its_connection(
    pika_connection: BlockingConnection, broker_uri: str, names: Names
) -> None:
    queue = names.queue()
    with connect(broker_uri) as owner:
        owner.channel().queue_declare(queue, exclusive=True)
        assert is_locked_by_another(pika_connection.channel(), queue)

    assert not exists(pika_connection, queue)


def test_an_auto_delete_queue_goes_with_its_last_consumer(
    pika_connection: BlockingConnection, pika_channel: BlockingChannel, names: Names
) -> None:
    queue = names.queue()
    pika_channel.queue_declare(queue, auto_delete=True)
    assert exists(pika_connection, queue), "nobody has consumed from it yet"
    first, second = Inbox(pika_channel, queue), Inbox(pika_channel, queue)

    pika_channel.basic_cancel(first.consumer_tag)
    assert exists(pika_connection, queue)
    pika_channel.basic_cancel(second.consumer_tag)

    wait_until(lambda: not exists(pika_connection, queue), "the queue to be deleted")


def test_a_queue_that_nobody_uses_expires(
    pika_connection: BlockingConnection, pika_channel: BlockingChannel, names: Names
) -> None:
    queue = names.queue()
    pika_channel.queue_declare(queue, arguments={"x-expires": 300})

    def has_expired() -> bool:
        """Ask by a bind: to declare it again, even passively, would count as a use."""
        channel = pika_connection.channel()
        try:
            channel.queue_bind(queue, "amq.direct", names.prefix)
        except ChannelClosedByBroker as closed:
            if closed.reply_code != 404:
                raise
            return True
        channel.close()
        return False

    assert not has_expired()
    wait_until(has_expired, "the unused queue to expire")


def declare_with_dead_letters(
    channel: BlockingChannel, names: Names, **arguments: str | int
) -> tuple[str, str]:
    """Declare a queue and the queue for its dead letters; return both names."""
    queue, graveyard = names.queue("source"), names.queue("graveyard")
    channel.queue_declare(graveyard)
    dead_letters = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": graveyard}
    given = {name.replace("_", "-"): value for name, value in arguments.items()}
    channel.queue_declare(queue, arguments={**dead_letters, **given})
    return queue, graveyard


def test_a_message_that_outlives_the_queues_ttl_is_dead_lettered(
    pika_channel: BlockingChannel, names: Names
) -> None:
    queue, graveyard = declare_with_dead_letters(pika_channel, names, x_message_ttl=50)
    pika_channel.basic_publish("", queue, b"late", BasicProperties(headers={"own": 1}))

    (dead,) = Inbox(pika_channel, graveyard).wait_for(1)

    headers = dead.properties.headers
    assert headers is not None
    (death,) = headers["x-death"]
    assert dead.body == b"late"
    assert headers["own"] == 1
    assert (death["reason"], death["count"], death["queue"]) == ("expired", 1, queue)
    assert (death["exchange"], death["routing-keys"]) == ("", [queue])
    assert headers["x-first-death-reason"] == "expired"
    assert headers["x-first-death-queue"] == queue
    assert headers["x-first-death-exchange"] == ""


def test_a_messages_own_expiration_is_told_in_its_death(
    pika_channel: BlockingChannel, names: Names
) -> None:
    queue, graveyard = declare_with_dead_letters(pika_channel, names)
    pika_channel.basic_publish("", queue, b"brief", BasicProperties(expiration="30"))

    (dead,) = Inbox(pika_channel, graveyard).wait_for(1)

    assert dead.properties.headers is not None
    assert dead.properties.headers["x-death"][0]["original-expiration"] == "30"
    assert dead.properties.expiration is None


def test_rejects_and_overflow_are_dead_lettered_with_their_reason(
    pika_channel: BlockingChannel, names: Names
) -> None:
    queue, graveyard = declare_with_dead_letters(pika_channel, names, x_max_length=1)
    inbox = Inbox(pika_channel, graveyard)
    fill(pika_channel, queue, b"pushed out", b"refused")
    inbox.wait_for(1)

    refused = get(pika_channel, queue, auto_ack=False)
    assert refused is not None
    pika_channel.basic_reject(refused.tag, requeue=False)
    inbox.wait_for(2)

    reasons = [
        (dead.body, (dead.properties.headers or {})["x-death"][0]["reason"])
        for dead in inbox.deliveries
    ]
    assert reasons == [(b"pushed out", "maxlen"), (b"refused", "rejected")]


def test_a_retry_loop_counts_its_rounds(pika_channel: BlockingChannel, names: Names) -> None:
    """The usual delay queue: reject to a queue with a TTL that dead-letters back."""
    work, delay = names.queue("work"), names.queue("delay")
    to_delay = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": delay}
    to_work = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": work}
    pika_channel.queue_declare(work, arguments=dict(to_delay))
    pika_channel.queue_declare(delay, arguments={**to_work, "x-message-ttl": 20})
    pika_channel.basic_publish("", work, b"again")
    inbox = Inbox(pika_channel, work)

    for round_number in range(1, 4):
        latest = inbox.wait_for(round_number)[-1]
        pika_channel.basic_reject(latest.tag, requeue=False)
    deaths = (inbox.wait_for(4)[-1].properties.headers or {})["x-death"]

    assert [(death["queue"], death["reason"], death["count"]) for death in deaths] == [
        (delay, "expired", 3),
        (work, "rejected", 3),
    ]


def test_higher_priorities_are_delivered_first(pika_channel: BlockingChannel, names: Names) -> None:
    queue = names.queue()
    pika_channel.queue_declare(queue, arguments={"x-max-priority": 5})
    pika_channel.confirm_delivery()
    for priority in (1, 5, 3, 0, 5, 9):
        properties = BasicProperties(priority=priority)
        pika_channel.basic_publish("", queue, b"%d" % priority, properties)

    inbox = Inbox(pika_channel, queue)
    inbox.wait_for(6)

    assert inbox.bodies == [b"5", b"5", b"9", b"3", b"1", b"0"]


def test_a_consumer_of_higher_priority_is_served_while_it_has_credit(
    pika_channel: BlockingChannel, pika_connection: BlockingConnection, names: Names
) -> None:
    queue = names.queue()
    pika_channel.queue_declare(queue)
    preferring = pika_connection.channel()
    preferring.basic_qos(prefetch_count=2)
    ordinary = Inbox(pika_channel, queue, auto_ack=True)
    preferred = Inbox(preferring, queue, arguments={"x-priority": 10})

    fill(pika_channel, queue, b"1", b"2", b"3")
    ordinary.wait_for(1)

    assert (preferred.bodies, ordinary.bodies) == ([b"1", b"2"], [b"3"])


def test_a_single_active_consumer_is_followed_by_the_next(
    pika_channel: BlockingChannel, pika_connection: BlockingConnection, names: Names
) -> None:
    queue = names.queue()
    pika_channel.queue_declare(queue, arguments={"x-single-active-consumer": True})
    active = Inbox(pika_channel, queue, auto_ack=True)
    waiting = Inbox(pika_connection.channel(), queue, auto_ack=True)
    fill(pika_channel, queue, b"1", b"2")
    active.wait_for(2)

    pika_channel.basic_cancel(active.consumer_tag)
    fill(pika_channel, queue, b"3")
    waiting.wait_for(1)

    assert (active.bodies, waiting.bodies) == ([b"1", b"2"], [b"3"])


def test_a_purge_says_how_many_it_took(pika_channel: BlockingChannel, names: Names) -> None:
    queue = names.queue()
    pika_channel.queue_declare(queue)
    fill(pika_channel, queue, b"1", b"2", b"3")

    assert pika_channel.queue_purge(queue).method.message_count == 3
    assert ready_count(pika_channel, queue) == 0


def test_what_an_exchange_cannot_route_goes_to_its_alternate(
    pika_channel: BlockingChannel, names: Names
) -> None:
    exchange, alternate, queue = names.exchange("main"), names.exchange("rest"), names.queue()
    declare_exchange(pika_channel, alternate, "fanout")
    declare_exchange(pika_channel, exchange, "direct", {"alternate-exchange": alternate})
    pika_channel.queue_declare(queue)
    pika_channel.queue_bind(queue, alternate)
    pika_channel.confirm_delivery()

    pika_channel.basic_publish(exchange, "nobody", b"caught", mandatory=True)

    got = get(pika_channel, queue)
    assert got is not None
    assert (got.body, got.routing_key) == (b"caught", "nobody")


@pytest.mark.parametrize(
    ("match", "headers", "is_routed"),
    [
        ("all", {"a": 1, "b": "x"}, True),
        ("all", {"a": 1}, False),
        ("any", {"a": 1}, True),
        ("any", {"a": 2}, False),
    ],
)
def test_a_headers_exchange_routes_by_what_matches(
    pika_channel: BlockingChannel,
    names: Names,
    match: str,
    headers: dict[str, str | int],
    is_routed: bool,
) -> None:
    exchange, queue = names.exchange(), names.queue()
    declare_exchange(pika_channel, exchange, "headers")
    pika_channel.queue_declare(queue)
    pika_channel.queue_bind(queue, exchange, arguments={"x-match": match, "a": 1, "b": "x"})
    pika_channel.confirm_delivery()

    pika_channel.basic_publish(exchange, "", b"body", BasicProperties(headers=headers))

    assert ready_count(pika_channel, queue) == int(is_routed)


def test_cc_routes_too_and_bcc_does_so_unseen(pika_channel: BlockingChannel, names: Names) -> None:
    queues = [names.queue("to"), names.queue("cc"), names.queue("bcc")]
    for queue in queues:
        pika_channel.queue_declare(queue)
    pika_channel.confirm_delivery()
    headers = {"CC": [queues[1]], "BCC": [queues[2]]}
    pika_channel.basic_publish("", queues[0], b"copied", BasicProperties(headers=headers))

    for queue in queues:
        got = get(pika_channel, queue)
        assert got is not None
        assert got.properties.headers == {"CC": [queues[1]]}
