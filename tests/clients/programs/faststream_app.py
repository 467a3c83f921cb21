"""FastStream: a topology declared at start, handlers that answer, reject and are asked.

Prints a report in JSON: what came where, in order.
"""

import asyncio
import json
import os

from faststream import AckPolicy, FastStream
from faststream.rabbit import ExchangeType, QueueType, RabbitBroker, RabbitExchange, RabbitQueue

PATIENCE_S = 20
PREFIX = os.environ["NAME_PREFIX"]

broker = RabbitBroker(os.environ["BROKER_URI"], logger=None)
app = FastStream(broker)
topics = RabbitExchange(f"{PREFIX}.topics", type=ExchangeType.TOPIC, durable=True)
dead = RabbitExchange(f"{PREFIX}.dead", type=ExchangeType.FANOUT)
orders = RabbitQueue(f"{PREFIX}.orders", durable=True, routing_key="orders.*.new")
jobs = RabbitQueue(
    f"{PREFIX}.jobs",
    queue_type=QueueType.QUORUM,
    durable=True,
    arguments={"x-dead-letter-exchange": f"{PREFIX}.dead"},
)
totals = RabbitQueue(f"{PREFIX}.totals")
report: dict[str, list[object]] = {"orders": [], "totals": [], "tries": [], "dead": [], "asked": []}
arrived = asyncio.Event()


def note(word: str, value: object) -> None:
    report[word].append(value)
    arrived.set()


@broker.subscriber(orders, topics)
@broker.publisher(queue=totals)
async def on_order(body: dict[str, int]) -> int:
    note("orders", body)
    return body["count"] * body["price"]


@broker.subscriber(totals)
async def on_total(body: int) -> None:
    note("totals", body)


@broker.subscriber(jobs, ack_policy=AckPolicy.REJECT_ON_ERROR)
async def on_job(body: str) -> None:
    note("tries", body)
    raise ValueError(body)


@broker.subscriber(RabbitQueue(f"{PREFIX}.morgue"), dead)
async def on_dead(body: str) -> None:
    note("dead", body)


@broker.subscriber(f"{PREFIX}.question")
async def on_question(body: str) -> str:
    return body.upper()


async def counts(expected: dict[str, int]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while {word: len(report[word]) for word in expected} != expected:
            arrived.clear()
            await arrived.wait()


@app.after_startup
async def play() -> None:
    for number in range(3):
        order = {"count": number, "price": 5}
        await broker.publish(order, exchange=topics, routing_key=f"orders.{number}.new")
    await broker.publish({"count": 9, "price": 9}, exchange=topics, routing_key="orders.old")
    await broker.publish("fails", jobs)
    for word in ("one", "two"):
        answer = await broker.request(word, f"{PREFIX}.question", timeout=PATIENCE_S)
        note("asked", await answer.decode())
    await counts({"orders": 3, "totals": 3, "tries": 1, "dead": 1})
    print(json.dumps(report), flush=True)
    app.exit()


asyncio.run(app.run())
