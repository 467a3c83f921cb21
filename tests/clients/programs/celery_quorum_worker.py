"""What `celery -A` loads: tasks on quorum queues, whose delays the broker keeps."""

import os
import time

from celery import Celery, Task

PREFIX = os.environ["NAME_PREFIX"]

app = Celery("quorum", broker=os.environ["BROKER_URI"], backend="rpc://")
app.conf.update(
    task_default_queue=f"{PREFIX}.quorum",
    task_default_queue_type="quorum",
    task_default_exchange_type="topic",
    worker_detect_quorum_queues=True,
    broker_transport_options={"confirm_publish": True},
    control_exchange=PREFIX,
    event_exchange=f"{PREFIX}.events",
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)


@app.task(name="quorum.clock", shared=False)
def clock() -> float:
    return time.time()


@app.task(name="quorum.flaky", shared=False, bind=True, max_retries=3)
def flaky(task: Task, failures: int) -> int:
    if task.request.retries < failures:
        raise task.retry(countdown=1)
    return int(task.request.retries)
