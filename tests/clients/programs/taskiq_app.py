"""taskiq over aio-pika: tasks at once and delayed, a retry, and what cannot be done.

Prints a report in JSON.
"""

import asyncio
import json
import os
import time

from taskiq import InMemoryBroker, SimpleRetryMiddleware
from taskiq.api import run_receiver_task
from taskiq_aio_pika import AioPikaBroker, Exchange, Queue

PATIENCE_S = 20
DELAY_S = 1
PREFIX = os.environ["NAME_PREFIX"]

results = InMemoryBroker().result_backend
broker = AioPikaBroker(
    os.environ["BROKER_URI"],
    exchange=Exchange(name=f"{PREFIX}.tasks"),
    task_queues=[Queue(name=f"{PREFIX}.tasks")],
    dead_letter_queue=Queue(name=f"{PREFIX}.dead"),
    delay_queue=Queue(name=f"{PREFIX}.delay"),
).with_result_backend(results)
broker.add_middlewares(SimpleRetryMiddleware(default_retry_count=3))
tries: list[int] = []


@broker.task
async def add(left: int, right: int) -> int:
    return left + right


@broker.task
async def clock() -> float:
    return time.time()


@broker.task(retry_on_error=True)
async def flaky() -> int:
    tries.append(len(tries))
    if len(tries) < 3:
        raise ValueError("not yet")
    return len(tries)


async def main() -> None:
    broker.is_worker_process = True
    await broker.startup()
    stop = asyncio.Event()
    receiver = asyncio.create_task(run_receiver_task(broker, run_startup=False, sync_workers=1))
    published_at_s = time.time()
    delayed = await clock.kicker().with_labels(delay=DELAY_S).kiq()
    sums = [await add.kiq(number, 1) for number in range(10)]
    retried = await flaky.kiq()
    found = [(await each.wait_result(timeout=PATIENCE_S)).return_value for each in sums]
    tried = await retried.wait_result(timeout=PATIENCE_S)
    ran_at_s = (await delayed.wait_result(timeout=PATIENCE_S)).return_value
    report = {
        "sums": found,
        "tries": tried.return_value,
        "waited": ran_at_s - published_at_s >= DELAY_S,
    }
    print(json.dumps(report), flush=True)
    stop.set()
    receiver.cancel()
    await asyncio.gather(receiver, return_exceptions=True)
    await broker.shutdown()


asyncio.run(asyncio.wait_for(main(), 3 * PATIENCE_S))
