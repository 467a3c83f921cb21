"""aio-pika: plain connections, publisher confirms, settling, transactions and refusals."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import (
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    DeliveryError,
    ProbableAuthenticationError,
    PublishError,
    QueueEmpty,
)
from aiormq.exceptions import (
    ChannelAccessRefused,
    ChannelLockedResource,
    ConnectionNotImplemented,
)
from pamqp.commands import Basic

from tests.clients.support.deadlines import within_patience
from tests.clients.support.names import Names

pytestmark = [pytest.mark.clients, pytest.mark.timeout(90)]


@contextlib.asynccontextmanager
async def open_channel(uri: str, publisher_confirms: bool = True) -> AsyncIterator[AbstractChannel]:
    connection = await aio_pika.connect(uri)
    async with connection:
        channel = await connection.channel(
            publisher_confirms=publisher_confirms, on_return_raises=publisher_confirms
        )
        yield channel


def with_channel(uri: str, act: Callable[[AbstractChannel], Awaitable[None]]) -> None:
    """Run ``act`` with a confirming channel of a connection of its own."""

    async def work() -> None:
        async with open_channel(uri) as channel:
            await act(channel)

    within_patience(work())


def test_properties_arrive_as_they_were_sent(broker_uri: str, names: Names) -> None:
    async def act(channel: AbstractChannel) -> None:
        queue = await channel.declare_queue(names.queue())
        sent = aio_pika.Message(
            b"body",
            headers={
                "number": 1,
                "text": "x",
                "list": [1, "two"],
                "when": datetime(2024, 1, 2, tzinfo=UTC),
            },
            content_type="application/json",
            content_encoding="utf-8",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            priority=3,
            correlation_id="c",
            reply_to="r",
            expiration=60,
            message_id="m",
            timestamp=datetime(2023, 4, 5, tzinfo=UTC),
            type="t",
            user_id="guest",
            app_id="a",
        )
        await channel.default_exchange.publish(sent, queue.name)
        got = await queue.get(no_ack=True)

        assert got.body == b"body"
        assert got.properties == sent.properties
        assert (got.exchange, got.routing_key, got.redelivered) == ("", queue.name, False)

    with_channel(broker_uri, act)


def fail_the_first_time(message: AbstractIncomingMessage) -> None:
    if message.body == b"2" and not message.redelivered:
        raise ValueError("fails the first time")


def test_the_queue_iterator_acks_what_is_processed_and_requeues_what_fails(
    broker_uri: str, names: Names
) -> None:
    seen: list[tuple[bytes, bool | None]] = []

    async def consume(channel: AbstractChannel) -> None:
        queue = await channel.declare_queue(names.queue(), durable=True)
        for body in (b"1", b"2", b"3"):
            await channel.default_exchange.publish(aio_pika.Message(body), queue.name)
        await channel.set_qos(prefetch_count=1)
        async with queue.iterator() as messages:
            async for message in messages:
                with contextlib.suppress(ValueError):
                    async with message.process(requeue=True):
                        seen.append((message.body, message.redelivered))
                        fail_the_first_time(message)
                if message.body == b"3":
                    break
        with pytest.raises(QueueEmpty):
            await queue.get()

    with_channel(broker_uri, consume)

    assert seen == [(b"1", False), (b"2", False), (b"2", True), (b"3", False)]


def test_many_confirms_are_awaited_at_once(broker_uri: str, names: Names) -> None:
    async def act(channel: AbstractChannel) -> None:
        queue = await channel.declare_queue(names.queue(), durable=True)
        confirmations = await asyncio.gather(
            *(
                channel.default_exchange.publish(
                    aio_pika.Message(b"%d" % number, delivery_mode=2), queue.name
                )
                for number in range(300)
            )
        )
        declared = await channel.declare_queue(queue.name, passive=True)

        assert {type(confirmation).__name__ for confirmation in confirmations} == {"Ack"}
        assert declared.declaration_result.message_count == 300

    with_channel(broker_uri, act)


def test_an_unroutable_publish_raises_with_the_message_that_came_back(
    broker_uri: str, names: Names
) -> None:
    async def act(channel: AbstractChannel) -> None:
        exchange = await channel.get_exchange("amq.direct")
        with pytest.raises(PublishError) as caught:
            await exchange.publish(aio_pika.Message(b"back"), names.prefix)
        returned = caught.value.message
        assert returned is not None
        assert isinstance(returned.delivery, Basic.Return)
        assert (returned.body, returned.delivery.reply_code) == (b"back", 312)

    with_channel(broker_uri, act)


def test_a_refused_publish_raises_a_delivery_error(broker_uri: str, names: Names) -> None:
    async def act(channel: AbstractChannel) -> None:
        queue = await channel.declare_queue(
            names.queue(), arguments={"x-max-length": 1, "x-overflow": "reject-publish"}
        )
        await channel.default_exchange.publish(aio_pika.Message(b"fits"), queue.name)
        with pytest.raises(DeliveryError):
            await channel.default_exchange.publish(aio_pika.Message(b"does not"), queue.name)

    with_channel(broker_uri, act)


def test_nack_of_several_requeues_them_in_order(broker_uri: str, names: Names) -> None:
    async def act(channel: AbstractChannel) -> None:
        queue = await channel.declare_queue(names.queue())
        for body in (b"1", b"2", b"3"):
            await channel.default_exchange.publish(aio_pika.Message(body), queue.name)
        held = [await queue.get() for _ in range(3)]
        await held[-1].nack(multiple=True, requeue=True)
        again = [await queue.get(no_ack=True, timeout=5) for _ in range(3)]

        assert [(message.body, message.redelivered) for message in again] == [
            (b"1", True),
            (b"2", True),
            (b"3", True),
        ]

    with_channel(broker_uri, act)


def test_a_transaction_commits_or_undoes_its_publishes(broker_uri: str, names: Names) -> None:
    async def work() -> None:
        async with open_channel(broker_uri, publisher_confirms=False) as channel:
            queue = await channel.declare_queue(names.queue())
            async with channel.transaction():
                await channel.default_exchange.publish(aio_pika.Message(b"done"), queue.name)
            undone = await channel.transaction().__aenter__()
            await channel.default_exchange.publish(aio_pika.Message(b"undone"), queue.name)
            await undone.rollback()

            assert (await queue.get(no_ack=True)).body == b"done"
            assert await queue.get(fail=False) is None

    within_patience(work())


def test_dead_letters_carry_their_history(broker_uri: str, names: Names) -> None:
    async def act(channel: AbstractChannel) -> None:
        graveyard_exchange = await channel.declare_exchange(names.exchange("dead"), "fanout")
        graveyard = await channel.declare_queue(names.queue("graveyard"))
        await graveyard.bind(graveyard_exchange)
        queue = await channel.declare_queue(
            names.queue("source"),
            arguments={
                "x-dead-letter-exchange": graveyard_exchange.name,
                "x-message-ttl": 50,
            },
        )
        arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        await graveyard.consume(arrived.put, no_ack=True)
        await channel.default_exchange.publish(aio_pika.Message(b"late"), queue.name)
        dead = await arrived.get()

        deaths = dead.headers["x-death"]
        assert isinstance(deaths, list)
        death = deaths[0]
        assert isinstance(death, dict)
        assert (dead.body, death["reason"], death["queue"]) == (b"late", "expired", queue.name)
        assert isinstance(death["time"], datetime)

    with_channel(broker_uri, act)


def test_priorities_and_consumer_arguments_pass(broker_uri: str, names: Names) -> None:
    async def act(channel: AbstractChannel) -> None:
        queue = await channel.declare_queue(names.queue(), arguments={"x-max-priority": 9})
        for priority in (1, 9, 5):
            await channel.default_exchange.publish(
                aio_pika.Message(b"%d" % priority, priority=priority), queue.name
            )
        async with queue.iterator(no_ack=True, arguments={"x-priority": 1}) as messages:
            bodies = [(await anext(messages)).body for _ in range(3)]

        assert bodies == [b"9", b"5", b"1"]

    with_channel(broker_uri, act)


def test_headers_and_exchange_bindings_route(broker_uri: str, names: Names) -> None:
    async def act(channel: AbstractChannel) -> None:
        source = await channel.declare_exchange(names.exchange("source"), "headers")
        target = await channel.declare_exchange(
            names.exchange("target"), "fanout", auto_delete=True
        )
        queue = await channel.declare_queue(names.queue(), exclusive=True)
        await target.bind(source, arguments={"x-match": "any", "kind": "a", "size": 1})
        await queue.bind(target)
        await source.publish(aio_pika.Message(b"a", headers={"kind": "a"}), "")
        with pytest.raises(PublishError):
            await source.publish(aio_pika.Message(b"b", headers={"kind": "b"}), "")

        assert (await queue.get(no_ack=True)).body == b"a"

    with_channel(broker_uri, act)


Refused = Callable[[AbstractChannel, str], Awaitable[object]]

REFUSALS: dict[str, tuple[Refused, type[Exception], str]] = {
    "missing queue": (
        lambda channel, x: channel.declare_queue(x, passive=True),
        ChannelNotFoundEntity,
        "NOT_FOUND - no queue '{x}' in vhost '/'",
    ),
    "missing exchange": (
        lambda channel, x: channel.get_exchange(x),
        ChannelNotFoundEntity,
        "NOT_FOUND - no exchange '{x}' in vhost '/'",
    ),
    "reserved name": (
        lambda channel, x: channel.declare_queue("amq.mine"),
        ChannelAccessRefused,
        "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'",
    ),
    "wrong argument": (
        lambda channel, x: channel.declare_queue(x, arguments={"x-max-priority": 999}),
        ChannelPreconditionFailed,
        "PRECONDITION_FAILED - invalid arg 'x-max-priority' for queue '{x}' in vhost '/'",
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_has_the_clients_own_class(broker_uri: str, names: Names, refusal: str) -> None:
    do, kind, text = REFUSALS[refusal]

    async def act(channel: AbstractChannel) -> None:
        with pytest.raises(kind) as caught:
            await do(channel, names.prefix)
        assert text.format(x=names.prefix) in str(caught.value)

    with_channel(broker_uri, act)


def test_an_exclusive_queue_is_locked_for_others(broker_uri: str, names: Names) -> None:
    async def work() -> None:
        async with open_channel(broker_uri) as owner, open_channel(broker_uri) as other:
            queue = await owner.declare_queue(names.queue(), exclusive=True)
            with pytest.raises(ChannelLockedResource, match="RESOURCE_LOCKED - cannot obtain exc"):
                await other.declare_queue(queue.name)

    within_patience(work())


def test_a_refused_connection_has_the_clients_own_class(broker_uri: str) -> None:
    async def work() -> None:
        connection = await aio_pika.connect(broker_uri)
        async with connection:
            channel = await connection.channel()
            with pytest.raises(ConnectionNotImplemented, match="prefetch_size!=0"):
                await channel.set_qos(prefetch_count=1, prefetch_size=10)

    within_patience(work())


def test_a_wrong_password_is_told_as_such(broker_uri: str) -> None:
    async def work() -> None:
        wrong = broker_uri.replace("guest:guest@", "guest:wrong@")
        with pytest.raises(ProbableAuthenticationError, match="ACCESS_REFUSED - Login was refused"):
            await aio_pika.connect(wrong)

    within_patience(work())


def test_a_short_heartbeat_keeps_an_idle_connection(broker_uri: str, names: Names) -> None:
    """The message comes after a TTL of 2.5 s, with not a byte but heartbeats in between."""

    async def work() -> None:
        separator = "&" if "?" in broker_uri else "?"
        connection = await aio_pika.connect(f"{broker_uri}{separator}heartbeat=1")
        async with connection:
            channel = await connection.channel()
            awaited = await channel.declare_queue(names.queue("awaited"))
            delay = await channel.declare_queue(
                names.queue("delay"),
                arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": awaited.name},
            )
            message = aio_pika.Message(b"later", expiration=2.5)
            await channel.default_exchange.publish(message, delay.name)
            async with awaited.iterator(no_ack=True) as messages:
                assert (await anext(messages)).body == b"later"

    within_patience(work())


def test_a_secret_is_renewed_on_a_living_connection(broker_uri: str, names: Names) -> None:
    async def work() -> None:
        connection = await aio_pika.connect(broker_uri)
        async with connection:
            answer = await connection.update_secret("guest", reason="renewed")
            channel = await connection.channel()
            queue = await channel.declare_queue(names.queue())

            assert type(answer).__name__ == "UpdateSecretOk"
            assert queue.declaration_result.message_count == 0

    within_patience(work())
