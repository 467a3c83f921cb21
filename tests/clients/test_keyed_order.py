"""pika on the exchanges that share keys out: a key has one queue, and keeps its order there."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import Basic

from tests.clients.support.names import Names

pytestmark = [pytest.mark.clients, pytest.mark.timeout(90)]

KEYS = [f"device-{number}" for number in range(10_000)]
QUEUE_COUNT = 4
ROUNDS = 2

Publish = Callable[[str, bytes], None]


def declare_exchange(
    channel: BlockingChannel, name: str, kind: str, arguments: dict[str, str] | None = None
) -> None:
    # Its type stubs know the types of the standard alone.
    channel.exchange_declare(name, kind, arguments=arguments)  # type: ignore[arg-type]


def declare(channel: BlockingChannel, names: Names, exchange: str) -> list[str]:
    """Declare queues that share the keys of an exchange."""
    queues = [names.queue(f"q{number}") for number in range(QUEUE_COUNT)]
    for number, queue in enumerate(queues):
        channel.queue_declare(queue)
        channel.queue_bind(queue, exchange, "1", {"x-stream-partition-order": number})
    return queues


def received(
    channel: BlockingChannel, queues: Sequence[str], count: int
) -> dict[str, list[tuple[str, int]]]:
    """Consume that many messages; return of each key the queues and rounds, as they came."""
    came: dict[str, list[tuple[str, int]]] = defaultdict(list)
    left = count

    def on_message(queue: str, body: bytes) -> None:
        nonlocal left
        key, number = body.decode().split()
        came[key].append((queue, int(number)))
        left -= 1
        if not left:
            channel.stop_consuming()

    def consumer_of(queue: str) -> Callable[..., None]:
        def act(_: BlockingChannel, __: Basic.Deliver, ___: object, body: bytes) -> None:
            on_message(queue, body)

        return act

    for queue in queues:
        channel.basic_consume(queue, consumer_of(queue), auto_ack=True)
    channel.start_consuming()
    return came


def publish_rounds(publish: Publish, first: int = 0) -> None:
    for number in range(first, first + ROUNDS):
        for key in KEYS:
            publish(key, f"{key} {number}".encode())


@pytest.mark.parametrize("kind", ["x-consistent-hash", "x-modulus-hash", "x-super-stream"])
def test_ten_thousand_keys_are_shared_out_and_each_stays_in_order(
    pika_channel: BlockingChannel, names: Names, kind: str
) -> None:
    exchange = names.exchange()
    declare_exchange(pika_channel, exchange, kind)
    queues = declare(pika_channel, names, exchange)

    publish_rounds(lambda key, body: pika_channel.basic_publish(exchange, key, body))

    came = received(pika_channel, queues, ROUNDS * len(KEYS))
    assert len(came) == len(KEYS)
    shares = Counter(of_key[0][0] for of_key in came.values())
    assert min(shares[queue] for queue in queues) > 0.9 * len(KEYS) / QUEUE_COUNT
    for of_key in came.values():
        assert of_key == [(of_key[0][0], number) for number in range(ROUNDS)]


def test_a_header_may_be_the_key(pika_channel: BlockingChannel, names: Names) -> None:
    exchange = names.exchange()
    declare_exchange(pika_channel, exchange, "x-consistent-hash", {"hash-header": "device"})
    queues = declare(pika_channel, names, exchange)

    def publish(key: str, body: bytes) -> None:
        properties = pika.BasicProperties(headers={"device": key})
        pika_channel.basic_publish(exchange, "the same", body, properties)

    publish_rounds(publish)

    came = received(pika_channel, queues, ROUNDS * len(KEYS))
    shares = Counter(of_key[0][0] for of_key in came.values())
    assert min(shares[queue] for queue in queues) > 0.9 * len(KEYS) / QUEUE_COUNT
    for of_key in came.values():
        assert of_key == [(of_key[0][0], number) for number in range(ROUNDS)]


def test_a_queue_more_takes_its_share_and_moves_no_other_key(
    pika_channel: BlockingChannel, names: Names
) -> None:
    exchange = names.exchange()
    declare_exchange(pika_channel, exchange, "x-consistent-hash")
    queues = declare(pika_channel, names, exchange)

    def publish(key: str, body: bytes) -> None:
        pika_channel.basic_publish(exchange, key, body)

    publish_rounds(publish)
    new = names.queue("new")
    pika_channel.queue_declare(new)
    pika_channel.queue_bind(new, exchange, "1")
    publish_rounds(publish, first=ROUNDS)

    came = received(pika_channel, [*queues, new], 2 * ROUNDS * len(KEYS))
    moved = 0
    for of_key in came.values():
        before = {queue for queue, number in of_key if number < ROUNDS}
        after = {queue for queue, number in of_key if number >= ROUNDS}
        assert len(before) == len(after) == 1
        assert after in (before, {new})
        moved += after == {new}
    share = len(KEYS) / (QUEUE_COUNT + 1)
    assert 0.9 * share < moved < 1.1 * share
