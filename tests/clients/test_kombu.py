"""kombu over py-amqp, which is how Celery, Airflow and OpenStack speak to a broker."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import kombu
import kombu.pidbox
import kombu.pools
import pytest
from amqp.exceptions import (
    MessageNacked,
)

from tests.clients.support.deadlines import Deadline, wait_until
from tests.clients.support.names import Names

pytestmark = [pytest.mark.clients, pytest.mark.timeout(90)]


@pytest.fixture
def connection(broker_uri: str, names: Names) -> Iterator[kombu.Connection]:
    """A connection, closed before the test's names are deleted."""
    with kombu.Connection(broker_uri, transport_options={"confirm_publish": True}) as opened:
        yield opened


def drain_until(connection: kombu.Connection, condition: Callable[[], object], what: str) -> None:
    """Let kombu read from its connection until ``condition`` holds."""
    deadline = Deadline()
    while not condition():
        deadline.check(what)
        connection.drain_events(timeout=deadline.left_s or 1)


def keep_in(bodies: list[object]) -> Callable[[object, kombu.Message], None]:
    """Return a consumer's callback that keeps each body and acks its message."""

    def keep(body: object, message: kombu.Message) -> None:
        bodies.append(body)
        message.ack()

    return keep


def own_queue(names: Names, word: str = "queue", **options: Any) -> kombu.Queue:  # noqa: ANN401 -- kombu's own
    name = names.queue(word)
    return kombu.Queue(name, kombu.Exchange(names.exchange(word), "direct"), name, **options)


def test_objects_and_text_go_through_every_serializer_and_compression(
    connection: kombu.Connection, names: Names
) -> None:
    queue = own_queue(names)
    sent = {"words": ["år", "b"], "number": 1.5, "none": None}
    ways = [("json", None), ("json", "zlib"), ("yaml", "bzip2"), ("pickle", None)]
    received: list[object] = []
    with (
        connection.Producer() as producer,
        connection.Consumer(
            queue,
            callbacks=[keep_in(received)],
            accept=["json", "yaml", "pickle"],
        ),
    ):
        for serializer, compression in ways:
            producer.publish(
                sent,
                serializer=serializer,
                compression=compression,
                exchange=queue.exchange,
                routing_key=queue.routing_key,
                declare=[queue],
            )
        drain_until(connection, lambda: len(received) == len(ways), "every message")

    assert received == [sent] * len(ways)


def test_a_requeued_message_is_marked_and_a_rejected_one_is_gone(
    connection: kombu.Connection, names: Names
) -> None:
    queue = own_queue(names)
    seen: list[tuple[str, bool]] = []

    def on_message(body: str, message: kombu.Message) -> None:
        seen.append((body, message.delivery_info["redelivered"]))
        if body == "rejected":
            message.reject()
        elif message.delivery_info["redelivered"]:
            message.ack()
        else:
            message.requeue()

    with connection.Producer() as producer:
        for body in ("requeued", "rejected"):
            producer.publish(body, routing_key=queue.name, exchange="", declare=[queue])
    with connection.Consumer(queue, callbacks=[on_message]):
        drain_until(connection, lambda: len(seen) == 3, "two messages, one of them twice")

    assert sorted(seen) == [("rejected", False), ("requeued", False), ("requeued", True)]
    assert queue(connection.default_channel).queue_declare(passive=True).message_count == 0


def test_qos_holds_back_and_a_larger_one_lets_through(
    connection: kombu.Connection, names: Names
) -> None:
    """Celery grows the prefetch of a running consumer when it holds tasks for later (ETA)."""
    queue = own_queue(names)
    held: list[kombu.Message] = []
    with connection.Producer() as producer:
        for number in range(6):
            producer.publish(number, routing_key=queue.name, exchange="", declare=[queue])
    with connection.channel() as channel:
        # As Celery decides: RabbitMQ 3.x shares a limit over the channel by global=true.
        apply_global = not connection.qos_semantics_matches_spec
        channel.basic_qos(0, 2, apply_global)
        consumer = kombu.Consumer(channel, queue, on_message=held.append)
        consumer.consume()
        drain_until(connection, lambda: len(held) == 2, "the first two")
        assert queue(channel).queue_declare(passive=True).message_count == 4

        channel.basic_qos(0, 5, apply_global)

        drain_until(connection, lambda: len(held) == 5, "three more for a larger prefetch")
        assert queue(channel).queue_declare(passive=True).message_count == 1
        assert apply_global, "a RabbitMQ of 3.3 or later, below 4.0"


def test_simple_queues_work_as_a_mailbox(connection: kombu.Connection, names: Names) -> None:
    name = names.queue()
    names.exchange("queue")
    with connection.SimpleQueue(name) as simple:
        simple.put({"n": 1})
        simple.put({"n": 2})
        first = simple.get(timeout=5)
        second = simple.get(timeout=5)
        first.ack()
        second.ack()

        assert (first.payload, second.payload) == ({"n": 1}, {"n": 2})
        with pytest.raises(simple.Empty):
            simple.get_nowait()


def test_confirmed_publishes_raise_when_the_queue_refuses(
    connection: kombu.Connection, names: Names
) -> None:
    queue = own_queue(names, max_length=1, queue_arguments={"x-overflow": "reject-publish"})
    with connection.Producer() as producer:
        producer.publish("fits", routing_key=queue.name, exchange="", declare=[queue])
        with pytest.raises(MessageNacked):
            producer.publish("does not", routing_key=queue.name, exchange="")


def test_an_unroutable_mandatory_message_comes_back(
    connection: kombu.Connection, names: Names
) -> None:
    returned: list[tuple[int, str, str]] = []

    def on_return(
        error: Exception, exchange: str, routing_key: str, message: kombu.Message
    ) -> None:
        returned.append((error.reply_code, exchange, routing_key))  # type: ignore[attr-defined]

    with connection.channel() as channel:
        producer = kombu.Producer(channel, on_return=on_return)
        producer.publish("back", exchange="amq.direct", routing_key=names.prefix, mandatory=True)
        drain_until(connection, lambda: returned, "the returned message")

    assert returned == [(312, "amq.direct", names.prefix)]


def test_expired_messages_are_dead_lettered(connection: kombu.Connection, names: Names) -> None:
    graveyard = own_queue(names, "graveyard")
    queue = own_queue(
        names,
        "source",
        message_ttl=0.05,
        expires=60,
        queue_arguments={
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": graveyard.name,
        },
    )
    dead: list[kombu.Message] = []
    with connection.Producer() as producer, connection.channel() as channel:
        producer.publish("late", routing_key=queue.name, exchange="", declare=[graveyard, queue])
        kombu.Consumer(channel, graveyard, on_message=dead.append).consume()
        drain_until(connection, lambda: dead, "the dead letter")
    (death,) = dead[0].headers["x-death"]

    assert (death["reason"], death["queue"], death["count"]) == ("expired", queue.name, 1)


def test_priorities_order_what_waits(connection: kombu.Connection, names: Names) -> None:
    queue = own_queue(names, max_priority=10)
    bodies: list[object] = []
    with connection.Producer() as producer:
        for priority in (0, 10, 5):
            producer.publish(
                priority, priority=priority, routing_key=queue.name, exchange="", declare=[queue]
            )
    with connection.Consumer(queue, callbacks=[keep_in(bodies)]):
        drain_until(connection, lambda: len(bodies) == 3, "three messages")

    assert bodies == [10, 5, 0]


def test_a_fanout_with_exclusive_queues_reaches_everyone(
    broker_uri: str, connection: kombu.Connection, names: Names
) -> None:
    exchange = kombu.Exchange(names.exchange("news"), "fanout", durable=False, auto_delete=True)
    heard: list[list[object]] = [[], []]
    with kombu.Connection(broker_uri) as other:
        for number, listener in enumerate((connection, other)):
            queue = kombu.Queue("", exchange, exclusive=True, auto_delete=True)
            listener.Consumer(
                queue,
                callbacks=[keep_in(heard[number])],
            ).consume()
        with connection.Producer() as producer:
            producer.publish("hello", exchange=exchange)
        drain_until(connection, lambda: heard[0], "the first listener")
        drain_until(other, lambda: heard[1], "the second listener")

    assert heard == [["hello"], ["hello"]]


def test_a_mailbox_collects_the_replies_of_every_node(
    connection: kombu.Connection, names: Names
) -> None:
    """pidbox is the machinery under Celery's remote control."""
    for exchange in (f"{names.prefix}.pidbox", f"reply.{names.prefix}.pidbox"):
        names.adopt_exchange(exchange)
    mailbox = kombu.pidbox.Mailbox(names.prefix, type="fanout", connection=connection)
    consumers = []
    for number in range(2):
        node = mailbox.Node(
            f"node{number}",
            channel=connection.channel(),
            handlers={"add": lambda state, x, y: x + y},
        )
        consumers.append(node.listen(callback=node.handle_message))

    replies = mailbox.multi_call("add", {"x": 2, "y": 3}, timeout=5, limit=2)
    for consumer in consumers:
        consumer.cancel()

    assert sorted(replies, key=str) == [{"node0": 5}, {"node1": 5}]


def test_pools_hand_out_living_connections(broker_uri: str, names: Names) -> None:
    queue = own_queue(names)
    connections = kombu.Connection(broker_uri).Pool(limit=2)
    producers = kombu.pools.ProducerPool(connections, limit=2)
    for number in range(10):
        with producers.acquire(block=True, timeout=5) as producer:
            producer.publish(
                number, routing_key=queue.name, exchange="", declare=[queue], retry=True
            )
    with connections.acquire(block=True, timeout=5) as reader:
        bound = queue(reader.default_channel)
        wait_until(lambda: bound.queue_declare(passive=True).message_count == 10, "all ten")
    producers.force_close_all()
    connections.force_close_all()


@pytest.mark.parametrize("login_method", ["PLAIN", "AMQPLAIN"])
def test_both_ways_to_log_in_work(broker_uri: str, login_method: str) -> None:
    with kombu.Connection(broker_uri, login_method=login_method) as connection:
        assert connection.connected or connection.connect()
        assert connection.default_channel.queue_declare(exclusive=True).message_count == 0


def test_heartbeats_keep_an_idle_connection_and_none_is_missed(
    broker_uri: str, names: Names
) -> None:
    with kombu.Connection(broker_uri, heartbeat=1) as connection:
        connection.connect()
        transport: Any = connection.connection
        received = []

        def beat() -> bool:
            connection.heartbeat_check(rate=4)
            with contextlib.suppress(TimeoutError):
                connection.drain_events(timeout=0.2)
            received.append(transport.bytes_recv)
            return len(set(received)) >= 4

        wait_until(beat, "heartbeats of the broker over time")
        assert connection.get_heartbeat_interval() == 1
        assert connection.default_channel.queue_declare(exclusive=True).message_count == 0


def test_a_transaction_is_committed_or_undone(connection: kombu.Connection, names: Names) -> None:
    queue = names.queue()
    with kombu.Connection(connection.as_uri(include_password=True)) as plain:
        channel: Any = plain.channel()
        channel.queue_declare(queue, auto_delete=False)
        channel.tx_select()
        for body, end in ((b"undone", channel.tx_rollback), (b"done", channel.tx_commit)):
            channel.basic_publish(channel.prepare_message(body), "", queue)
            end()
        reader: Any = connection.default_channel
        wait_until(
            lambda: reader.queue_declare(queue, passive=True).message_count == 1, "the commit"
        )
        message = reader.basic_get(queue, no_ack=True)

    assert message.body == b"done"


def test_blocked_callbacks_may_be_registered(broker_uri: str, names: Names) -> None:
    signals: list[object] = []
    options = {"on_blocked": signals.append, "on_unblocked": lambda: signals.append(None)}
    queue = own_queue(names)
    with kombu.Connection(broker_uri, transport_options=options) as connection:
        with connection.Producer() as producer:
            producer.publish("passes", routing_key=queue.name, exchange="", declare=[queue])
        bound = queue(connection.default_channel)
        wait_until(lambda: bound.queue_declare(passive=True).message_count == 1, "the message")

    assert signals == []
