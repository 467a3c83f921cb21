"""Celery on quorum queues: the broker keeps what waits, in 28 queues of one TTL each."""

import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any, Final

import pika
import pytest

from tests.clients.support.celery_worker import at_work
from tests.clients.support.names import Names
from tests.clients.support.programs import Program
from tests.clients.support.requirements import REPOSITORY

pytestmark = [pytest.mark.clients, pytest.mark.timeout(60)]

PATIENCE_S: Final = 30
MODULE: Final = "tests.clients.programs.celery_quorum_worker"
LEVELS_COUNT: Final = 28


class Site:
    """A publisher's application and the worker that runs its tasks."""

    def __init__(self, broker_uri: str, names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
        env = {"BROKER_URI": broker_uri, "NAME_PREFIX": names.prefix}
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        from tests.clients.programs.celery_quorum_worker import app  # noqa: PLC0415 -- reads them

        self.app: Any = app
        names.adopt_queue(app.thread_oid)
        names.queue("quorum")
        for exchange in ("celery_delayed_delivery", f"{names.prefix}.quorum"):
            names.adopt_exchange(exchange)
        for exchange in (f"{names.prefix}.pidbox", f"reply.{names.prefix}.pidbox"):
            names.adopt_exchange(exchange)
        names.exchange("events")
        for level in range(LEVELS_COUNT):
            names.adopt_queue(f"celery_delayed_{level}")
            names.adopt_exchange(f"celery_delayed_{level}")
        words = ("-A", MODULE, "worker", "-c", "1", "-n", "w@quorum", "-l", "INFO")
        self.worker = Program(
            [sys.executable, "-m", "celery", *words, "--without-mingle"], env, REPOSITORY
        )


@pytest.fixture(scope="module")
def site(broker_uri: str) -> Iterator[Site]:
    """One worker for all tests here."""
    names = Names(f"clients.{uuid.uuid4().hex[:8]}.celery-quorum")
    with pytest.MonkeyPatch.context() as monkeypatch:
        running = Site(broker_uri, names, monkeypatch)
        with at_work(running.worker, running.app, names, broker_uri):
            yield running


def test_a_countdown_is_kept_by_the_broker(site: Site, broker_uri: str) -> None:
    published_at_s = time.time()

    later = site.app.tasks["quorum.clock"].apply_async(countdown=1)

    assert site.app.tasks["quorum.clock"].apply_async().get(timeout=PATIENCE_S) > 0
    assert later.get(timeout=PATIENCE_S) >= published_at_s + 1
    with pika.BlockingConnection(pika.URLParameters(broker_uri)) as connection:
        for level in range(LEVELS_COUNT):
            connection.channel().queue_declare(f"celery_delayed_{level}", passive=True)


def test_a_retry_is_kept_by_the_broker(site: Site) -> None:
    assert site.app.tasks["quorum.flaky"].apply_async((2,)).get(timeout=PATIENCE_S) == 2
