"""A Celery application as its users write one: tasks, queues and the RPC result backend."""

import os
import time
from collections.abc import Callable
from typing import Any

from celery import Celery
from kombu import Exchange, Queue

RETRIES_MAX = 5


class FlakyError(Exception):
    """What a task raises that is retried."""


def create_app(broker_uri: str, prefix: str) -> Celery:
    """Return the application; all that it names on the broker begins with ``prefix``."""
    app = Celery("tasks", broker=broker_uri, backend="rpc://")
    app.conf.update(
        task_default_queue=f"{prefix}.tasks",
        task_queues=[
            Queue(f"{prefix}.tasks", Exchange(f"{prefix}.tasks"), f"{prefix}.tasks"),
            Queue(f"{prefix}.urgent", Exchange(f"{prefix}.tasks"), f"{prefix}.urgent"),
        ],
        task_default_exchange=f"{prefix}.tasks",
        task_default_routing_key=f"{prefix}.tasks",
        task_routes={"hurry": {"queue": f"{prefix}.urgent"}},
        control_exchange=prefix,
        event_exchange=f"{prefix}.events",
        event_queue_prefix=f"{prefix}.events",
        task_send_sent_event=True,
        worker_send_task_events=True,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        result_expires=60,
        broker_connection_retry_on_startup=True,
        broker_heartbeat=10,
    )
    for name, function, options in TASKS:
        app.task(name=name, **options)(function)
    return app


def add(x: int, y: int) -> int:
    return x + y


def hurry(word: str) -> str:
    return word.upper()


def fail(why: str) -> None:
    raise ValueError(why)


def clock() -> float:
    return time.time()


def flaky(task: Any, failures: int) -> int:  # noqa: ANN401 -- celery has no types
    """Fail as often as asked, then return how many retries that took."""
    retries: int = task.request.retries
    if retries < failures:
        raise FlakyError(f"attempt {retries}")
    return retries


def crash_once(task: Any) -> bool:  # noqa: ANN401 -- celery has no types
    """Take the worker's process down, unless this is the second delivery."""
    redelivered: bool = task.request.delivery_info["redelivered"]
    if not redelivered:
        os._exit(1)
    return redelivered


TASKS: list[tuple[str, Callable[..., object], dict[str, object]]] = [
    ("add", add, {}),
    ("hurry", hurry, {}),
    ("fail", fail, {}),
    ("clock", clock, {}),
    (
        "flaky",
        flaky,
        {
            "bind": True,
            "autoretry_for": (FlakyError,),
            "default_retry_delay": 0.1,
            "max_retries": RETRIES_MAX,
        },
    ),
    (
        "crash_once",
        crash_once,
        {"bind": True, "acks_late": True, "reject_on_worker_lost": True},
    ),
]
