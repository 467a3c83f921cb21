"""Celery: a worker with a prefork pool, its results over RPC, remote control and events.

The worker and `celery inspect` are processes of their own; this one is the publisher.
"""

import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any, Final

import pytest
from celery import chain, group
from celery.exceptions import TaskRevokedError

from tests.clients.programs.celery_tasks import create_app
from tests.clients.support.celery_worker import at_work
from tests.clients.support.deadlines import Deadline, wait_until
from tests.clients.support.names import Names
from tests.clients.support.programs import Program, run
from tests.clients.support.requirements import REPOSITORY

pytestmark = [pytest.mark.clients, pytest.mark.timeout(90)]

PATIENCE_S: Final = 30
LONG_AFTER_S: Final = 3600
WORKER: Final = "worker@tests"


def celery_command(*words: str) -> list[str]:
    return [sys.executable, "-m", "celery", "-A", "tests.clients.programs.celery_worker", *words]


class Site:
    """A publisher's application and the worker that runs its tasks."""

    def __init__(self, broker_uri: str, names: Names) -> None:
        self.env = {"BROKER_URI": broker_uri, "NAME_PREFIX": names.prefix}
        self.app: Any = create_app(broker_uri, names.prefix)
        names.adopt_queue(self.app.thread_oid)
        for exchange in (f"{names.prefix}.pidbox", f"reply.{names.prefix}.pidbox"):
            names.adopt_exchange(exchange)
        names.exchange("events")
        names.exchange("tasks")
        names.queue("tasks")
        names.queue("urgent")
        self.worker = Program(
            celery_command(
                "worker", "-E", "-c", "2", "-n", WORKER, "-l", "INFO", "--without-mingle"
            ),
            self.env,
            REPOSITORY,
        )

    def call(self, task: str, *arguments: object, **options: object) -> Any:  # noqa: ANN401 -- celery has no types
        """Publish a task; return its result to come."""
        return self.app.tasks[task].apply_async(arguments, **options)


@pytest.fixture(scope="module")
def site(broker_uri: str) -> Iterator[Site]:
    """One worker for all tests here."""
    names = Names(f"clients.{uuid.uuid4().hex[:8]}.celery")
    running = Site(broker_uri, names)
    with at_work(running.worker, running.app, names, broker_uri):
        yield running


def test_results_come_back_to_the_caller(site: Site) -> None:
    results = [site.call("add", number, number) for number in range(20)]

    assert [result.get(timeout=PATIENCE_S) for result in results] == [2 * n for n in range(20)]


def test_a_task_is_routed_to_its_own_queue(site: Site) -> None:
    assert site.call("hurry", "up").get(timeout=PATIENCE_S) == "UP"


def test_a_failure_is_raised_at_the_caller(site: Site) -> None:
    with pytest.raises(ValueError, match="no such luck"):
        site.call("fail", "no such luck").get(timeout=PATIENCE_S)


def test_a_task_is_retried_until_it_succeeds(site: Site) -> None:
    assert site.call("flaky", 2).get(timeout=PATIENCE_S) == 2


def test_a_task_with_an_eta_waits_for_it(site: Site) -> None:
    published_at_s = time.time()

    ran_at_s = site.call("clock", countdown=1).get(timeout=PATIENCE_S)

    assert ran_at_s >= published_at_s + 1


def test_tasks_that_wait_for_their_eta_do_not_starve_the_others(site: Site) -> None:
    """The worker holds the waiting ones beyond its prefetch, so it must get a larger one.

    They wait for longer than any test: however slow the machine, the last one overtakes them.
    """
    waiting = [site.call("clock", countdown=LONG_AFTER_S) for _ in range(8)]

    assert site.call("clock").get(timeout=PATIENCE_S) > 0

    assert not any(result.ready() for result in waiting)


def test_chains_and_groups_pass_results_on(site: Site) -> None:
    add = site.app.tasks["add"]

    assert chain(add.s(1, 2), add.s(3), add.s(4))().get(timeout=PATIENCE_S) == 10
    results = group(add.s(number, 1) for number in range(5))()
    assert results.get(timeout=PATIENCE_S) == [1, 2, 3, 4, 5]


def test_a_task_whose_process_died_is_delivered_again(site: Site) -> None:
    assert site.call("crash_once").get(timeout=PATIENCE_S) is True


def test_inspect_ping_finds_the_worker(site: Site) -> None:
    code, output = run(
        celery_command("inspect", "ping", "-d", WORKER, "-t", "10"), site.env, directory=REPOSITORY
    )

    assert code == 0, output
    assert f"{WORKER}: OK" in output
    assert "pong" in output


def test_remote_control_asks_and_commands(site: Site) -> None:
    inspect = site.app.control.inspect([WORKER], timeout=PATIENCE_S)

    queues = {queue["name"] for queue in inspect.active_queues()[WORKER]}
    assert queues == {f"{site.env['NAME_PREFIX']}.{word}" for word in ("tasks", "urgent")}
    assert inspect.stats()[WORKER]["broker"]["transport"] == "amqp"
    (reply,) = site.app.control.broadcast(
        "pool_grow", {"n": 1}, reply=True, destination=[WORKER], timeout=PATIENCE_S
    )
    assert reply == {WORKER: {"ok": "pool will grow"}}


def test_a_revoked_task_is_not_run(site: Site) -> None:
    task_id = str(uuid.uuid4())
    site.app.control.revoke(task_id, reply=True, destination=[WORKER], timeout=PATIENCE_S)

    with pytest.raises(TaskRevokedError):
        site.call("add", 1, 1, task_id=task_id).get(timeout=PATIENCE_S)


def test_events_tell_the_life_of_a_task(site: Site) -> None:
    told: dict[str, list[str]] = {}

    def on_event(event: dict[str, str]) -> None:
        told.setdefault(event.get("uuid", ""), []).append(event["type"])

    with site.app.connection() as connection:
        receiver = site.app.events.Receiver(connection, handlers={"*": on_event})
        with receiver.consumer_context() as (reading, _, _):
            result = site.call("add", 1, 2)
            assert result.get(timeout=PATIENCE_S) == 3
            deadline = Deadline()
            while "task-succeeded" not in told.get(result.id, []):
                deadline.check(f"the task's success; told so far: {told}")
                reading.drain_events(timeout=deadline.left_s or 1)

    assert set(told[result.id]) >= {"task-sent", "task-received", "task-started"}


def test_the_worker_says_that_it_lives(site: Site) -> None:
    beats: list[str] = []
    with site.app.connection() as connection:
        receiver = site.app.events.Receiver(
            connection, handlers={"worker-heartbeat": lambda event: beats.append(event["hostname"])}
        )
        with receiver.consumer_context() as (reading, _, _):

            def heard() -> bool:
                reading.drain_events(timeout=PATIENCE_S)
                return WORKER in beats

            wait_until(heard, "a worker-heartbeat event")
