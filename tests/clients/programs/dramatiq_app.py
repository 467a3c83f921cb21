"""Dramatiq: actors with retries, delays and priorities, and what becomes of a hopeless message.

Prints a report in JSON.
"""

import json
import os
import queue
import time

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker

PATIENCE_S = 20
DELAY_MS = 300
PREFIX = os.environ["NAME_PREFIX"]
JOBS = f"{PREFIX}.jobs"

broker = RabbitmqBroker(url=os.environ["BROKER_URI"], confirm_delivery=True, max_priority=10)
dramatiq.set_broker(broker)
done: queue.Queue[tuple[str, object]] = queue.Queue()


@dramatiq.actor(queue_name=JOBS)
def add(left: int, right: int) -> None:
    done.put(("sum", left + right))


@dramatiq.actor(queue_name=JOBS, max_retries=3, min_backoff=10, max_backoff=50)
def flaky(failures: int) -> None:
    message = dramatiq.middleware.CurrentMessage.get_current_message()
    assert message is not None
    retries = message.options.get("retries", 0)
    if retries < failures:
        raise ValueError(f"try {retries}")
    done.put(("retries", retries))


@dramatiq.actor(queue_name=JOBS)
def clock() -> None:
    done.put(("clock", time.time()))


@dramatiq.actor(queue_name=JOBS, max_retries=0)
def hopeless() -> None:
    done.put(("hopeless", None))
    raise ValueError("always")


def dead_letters() -> int:
    reply = broker.channel.queue_declare(f"{JOBS}.XQ", passive=True)
    return int(reply.method.message_count)


def main() -> None:
    broker.add_middleware(dramatiq.middleware.CurrentMessage())
    published_at_s = time.time()
    clock.send_with_options(delay=DELAY_MS)
    for number in range(10):
        add.send(number, 1)
    flaky.send(2)
    hopeless.send()
    worker = dramatiq.Worker(broker, worker_threads=2, worker_timeout=100)
    worker.start()
    found: dict[str, list[object]] = {}
    for _ in range(13):
        word, value = done.get(timeout=PATIENCE_S)
        found.setdefault(word, []).append(value)
    broker.join(JOBS, timeout=PATIENCE_S * 1_000)
    worker.stop()
    (ran_at_s,) = found.pop("clock")
    assert isinstance(ran_at_s, float)
    report = {
        "sums": sorted(map(str, found["sum"]), key=int),
        "retries": found["retries"],
        "waited": ran_at_s - published_at_s >= DELAY_MS / 1_000,
        "dead": dead_letters(),
        "left": broker.get_queue_message_counts(JOBS)[:2],
    }
    broker.close()
    print(json.dumps(report), flush=True)


main()
