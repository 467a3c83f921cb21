"""``python -m conformance.stream_answers``: ask a broker's streams what they make of each message.

What an AMQP client publishes is read by a stream client, and the other way round. The stream client
is rstream, which is asked for plain octets. RabbitMQ 3.10 and its plugin rabbitmq_stream are
started for it, and the answers are written to ``tests/queues/stream/known_answers.json``; where it
closed the connection or the channel, that is the answer.
"""

import argparse
import asyncio
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from pamqp import commands
from rstream import Consumer, ConsumerOffsetSpecification, OffsetType, Producer

from conformance.address import Address
from conformance.client import Channel, Connection
from conformance.events import ClosedByPeerError
from conformance.rabbitmq import RabbitMQ
from conformance.stream_cases import published, stored

ANSWERS = Path("tests/queues/stream/known_answers.json")
EXCHANGE = "answers"
ROUTING_KEY = "a.key"
PUBLISHED_TO = "published"
STORED_IN = "stored"
READ_TIMEOUT_S = 10.0
DELIVERY_TIMEOUT_S = 5.0

Answer = dict[str, Any]


def declare(channel: Channel) -> None:
    """Make both streams; what AMQP publishes goes through an exchange, which a message names."""
    for stream in (PUBLISHED_TO, STORED_IN):
        channel.call(commands.Queue.Delete, queue=stream)
        channel.declare(stream, durable=True, arguments={"x-queue-type": "stream"})
    channel.call(commands.Exchange.Declare, exchange=EXCHANGE, exchange_type="fanout", durable=True)
    channel.call(commands.Queue.Bind, queue=PUBLISHED_TO, exchange=EXCHANGE, routing_key="")


def publish_all(address: Address) -> list[Answer]:
    """Publish each case on a connection of its own, since some are closed for it."""
    answers = []
    for case in published():
        answer: Answer = {
            "name": case.name,
            "properties": case.properties.hex(),
            "body": case.body.hex(),
        }
        with Connection(address) as connection:
            channel = connection.open().channel()
            channel.call(commands.Confirm.Select)
            try:
                channel.publish_confirmed(
                    case.body,
                    exchange=EXCHANGE,
                    routing_key=ROUTING_KEY,
                    raw_properties=case.properties,
                )
            except ClosedByPeerError as error:
                answer["closed"] = error.closed.code
        answers.append(answer)
    return answers


async def read_all(port: int, count: int) -> list[bytes]:
    """Return the messages of the stream that AMQP published to."""
    messages: list[bytes] = []
    is_whole = asyncio.Event()

    def take(message: bytes, _context: object) -> None:
        messages.append(bytes(message))
        if len(messages) == count:
            is_whole.set()

    consumer = Consumer("localhost", port, username="guest", password="guest")
    await consumer.start()
    await consumer.subscribe(
        PUBLISHED_TO,
        take,
        offset_specification=ConsumerOffsetSpecification(OffsetType.FIRST, None),
    )
    await asyncio.wait_for(is_whole.wait(), READ_TIMEOUT_S)
    await consumer.close()
    return messages


async def store_all(port: int) -> None:
    """Publish each case of a stream client, in order: its place is its offset."""
    producer = Producer("localhost", port, username="guest", password="guest")
    await producer.start()
    for case in stored():
        await producer.send_wait(STORED_IN, case.message)
    await producer.close()


def consume_all(address: Address) -> list[Answer]:
    """Consume each case on a connection of its own, from its offset."""
    answers = []
    for offset, case in enumerate(stored()):
        answer: Answer = {"name": case.name, "message": case.message.hex(), "offset": offset}
        with Connection(address) as connection:
            channel = connection.open().channel()
            channel.call(commands.Basic.Qos, prefetch_count=1)
            try:
                channel.consume(STORED_IN, arguments={"x-stream-offset": offset})
                (delivery,) = channel.deliveries(1, DELIVERY_TIMEOUT_S)
                assert isinstance(delivery.method, commands.Basic.Deliver)
                answer |= {
                    "exchange": delivery.method.exchange,
                    "routing_key": delivery.method.routing_key,
                    "properties": delivery.raw_properties.hex(),
                    "body": delivery.body.hex(),
                }
            except ClosedByPeerError as error:
                answer["closed"] = error.closed.code
        answers.append(answer)
    return answers


def ask(address: Address, stream_port: int) -> dict[str, list[Answer]]:
    """Return the answers of a broker, both ways."""
    with Connection(address) as connection:
        declare(connection.open().channel())
    answers = publish_all(address)
    taken = [answer for answer in answers if "closed" not in answer]
    messages = asyncio.run(read_all(stream_port, len(taken)))
    for answer, message in zip(taken, messages, strict=True):
        answer["message"] = message.hex()
    asyncio.run(store_all(stream_port))
    return {"published": answers, "stored": consume_all(address)}


def main() -> int:
    """Ask, and write or compare."""
    parser = argparse.ArgumentParser(prog="python -m conformance.stream_answers")
    parser.add_argument("--port", type=int, default=5699, help="of AMQP [%(default)s]")
    parser.add_argument("--stream-port", type=int, default=5552, help="[%(default)s]")
    parser.add_argument("--running", action="store_true", help="ask the broker that listens there")
    parser.add_argument("--write", action="store_true", help=f"write {ANSWERS}")
    arguments = parser.parse_args()
    broker: contextlib.AbstractContextManager[object] = contextlib.nullcontext()
    if not arguments.running:
        broker = RabbitMQ(arguments.port, stream_port=arguments.stream_port)
    with broker:
        address = Address.of(f"amqp://guest:guest@127.0.0.1:{arguments.port}/%2F")
        answers = ask(address, arguments.stream_port)
    if arguments.write:
        ANSWERS.write_text(json.dumps(answers, indent=1) + "\n")
        return 0
    known = json.loads(ANSWERS.read_text())
    differing = [
        (way, answer["name"])
        for way in answers
        for answer, other in zip(answers[way], known[way], strict=True)
        if answer != other
    ]
    for way, name in differing:
        print(f"{way}: {name}: another answer than in {ANSWERS}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
