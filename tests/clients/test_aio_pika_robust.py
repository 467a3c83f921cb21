"""aio-pika's robust connection over a link that breaks, and its RPC and worker patterns."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage, AbstractRobustConnection
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, MessageProcessError
from aio_pika.patterns import RPC, Master, NackMessage

from tests.clients.support.deadlines import within_patience
from tests.clients.support.link import Link
from tests.clients.support.names import Names

pytestmark = [pytest.mark.clients, pytest.mark.timeout(90)]


@pytest.fixture
def link(broker_uri: str, names: Names) -> Iterator[Link]:
    """A link to the broker, closed before the test's names are deleted."""
    address = urlsplit(broker_uri)
    with Link(address.hostname or "127.0.0.1", address.port or 5672) as breakable:
        yield breakable


def through(link: Link, uri: str) -> str:
    address = urlsplit(uri)
    return uri.replace(f"{address.hostname}:{address.port}", f"127.0.0.1:{link.port}")


@asynccontextmanager
async def robust(uri: str) -> AsyncIterator[AbstractRobustConnection]:
    connection = await aio_pika.connect_robust(uri, reconnect_interval=0.05)
    async with connection:
        yield connection


async def publish_elsewhere(uri: str, queue: str, *bodies: bytes) -> None:
    """Publish over a connection of its own, which no test cuts."""
    connection = await aio_pika.connect(uri)
    async with connection:
        channel = await connection.channel()
        for body in bodies:
            await channel.default_exchange.publish(aio_pika.Message(body), queue)


def test_a_consumer_goes_on_after_its_link_was_cut(
    broker_uri: str, names: Names, link: Link
) -> None:
    queue_name = names.queue()

    async def work() -> None:
        arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        async with robust(through(link, broker_uri)) as connection:
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=1)
            queue = await channel.declare_queue(queue_name, durable=True)
            await queue.consume(arrived.put)
            await publish_elsewhere(broker_uri, queue_name, b"held", b"next")
            held = await arrived.get()
            assert (held.body, held.redelivered) == (b"held", False)

            link.cut()

            again = await arrived.get()
            assert (again.body, again.redelivered) == (b"held", True)
            await again.ack()
            following = await arrived.get()
            assert following.body == b"next"
            await following.ack()

    within_patience(work())

    assert link.connection_count >= 2


def test_what_died_with_the_connection_is_declared_and_bound_again(
    broker_uri: str, names: Names, link: Link
) -> None:
    """An exclusive queue and an auto-delete exchange are gone after the cut."""
    exchange_name, queue_name = names.exchange(), names.queue()

    async def work() -> None:
        arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        async with robust(through(link, broker_uri)) as connection:
            channel = await connection.channel()
            exchange = await channel.declare_exchange(exchange_name, "topic", auto_delete=True)
            queue = await channel.declare_queue(queue_name, exclusive=True)
            await queue.bind(exchange, "a.*")
            await queue.consume(arrived.put, no_ack=True)
            await exchange.publish(aio_pika.Message(b"before"), "a.b")
            assert (await arrived.get()).body == b"before"

            link.cut()

            while arrived.empty():
                with suppress(*CONNECTION_EXCEPTIONS, TimeoutError):
                    await connection.ready()
                    await exchange.publish(
                        aio_pika.Message(b"after"), "a.c", mandatory=False, timeout=1
                    )
                await asyncio.sleep(0.05)
            assert (await arrived.get()).body == b"after"

    within_patience(work())

    assert link.connection_count >= 2


class OwnRpc(RPC):
    """The pattern as it is, with an exchange for expired calls that no other test uses."""


@asynccontextmanager
async def rpc_pair(uri: str, names: Names) -> AsyncIterator[tuple[RPC, RPC]]:
    """A server and a client of one RPC exchange, each with a connection of its own."""
    OwnRpc.DLX_NAME = names.exchange("rpc.dlx")
    exchange = names.exchange("rpc")
    async with robust(uri) as server_connection, robust(uri) as client_connection:
        server = await OwnRpc.create(await server_connection.channel(), exchange=exchange)
        client = await OwnRpc.create(await client_connection.channel(), exchange=exchange)
        yield server, client
        await client.close()
        await server.close()


async def multiply(*, x: int, y: int) -> int:
    return x * y


async def refuse(*, why: str) -> None:
    raise ValueError(why)


def test_remote_calls_are_answered_each_to_its_caller(broker_uri: str, names: Names) -> None:
    async def work() -> None:
        async with rpc_pair(broker_uri, names) as (server, client):
            await server.register("multiply", multiply, auto_delete=True)
            products = await asyncio.gather(
                *(client.call("multiply", {"x": x, "y": 7}) for x in range(50))
            )
            assert products == [x * 7 for x in range(50)]
            assert await client.proxy.multiply(x=6, y=9) == 54

    within_patience(work())


def test_a_remote_exception_is_raised_at_the_caller(broker_uri: str, names: Names) -> None:
    async def work() -> None:
        async with rpc_pair(broker_uri, names) as (server, client):
            await server.register("refuse", refuse, auto_delete=True)
            with pytest.raises(ValueError, match="not today"):
                await client.call("refuse", {"why": "not today"})

    within_patience(work())


def test_a_call_of_what_nobody_serves_comes_back(broker_uri: str, names: Names) -> None:
    async def work() -> None:
        async with rpc_pair(broker_uri, names) as (_, client):
            with pytest.raises(MessageProcessError, match="returned"):
                await client.call("nothing", {})

    within_patience(work())


def test_a_call_that_waits_too_long_is_dead_lettered_back_to_its_caller(
    broker_uri: str, names: Names
) -> None:
    """The method's queue is there and nobody consumes; the call's expiration brings it back."""

    async def work() -> None:
        async with rpc_pair(broker_uri, names) as (server, client):
            assert server.rpc_exchange is not None
            queue = await server.channel.declare_queue(
                names.queue("slow"), arguments={"x-dead-letter-exchange": OwnRpc.DLX_NAME}
            )
            await queue.bind(server.rpc_exchange, f"{server.rpc_exchange.name}::slow")
            with pytest.raises(TimeoutError, match="timed-out"):
                await client.call("slow", {}, expiration=1)

    within_patience(work())


def test_tasks_of_a_master_reach_its_workers_and_a_nack_brings_one_back(
    broker_uri: str, names: Names
) -> None:
    queue_name = names.queue("tasks")

    async def work() -> None:
        done: asyncio.Queue[int] = asyncio.Queue()
        refused: list[int] = []

        async def do(*, number: int) -> None:
            if number == 3 and number not in refused:
                refused.append(number)
                raise NackMessage(requeue=True)
            await done.put(number)

        async with robust(broker_uri) as connection:
            master = Master(await connection.channel())
            workers = [await master.create_worker(queue_name, do, durable=True) for _ in range(2)]
            for number in range(10):
                await master.create_task(queue_name, {"number": number})
            finished = [await done.get() for _ in range(10)]
            for worker in workers:
                await worker.close()

        assert sorted(finished) == list(range(10))
        assert refused == [3]

    within_patience(work())
