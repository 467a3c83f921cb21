"""The load reaches every queue from every node, settles what it published, and drains the rest."""

import random
import threading

import pytest

from load_generator.session import Endpoint, Session
from load_generator.verifying.checker import check
from load_generator.verifying.client import Pace, Publisher
from load_generator.verifying.episode import START_S
from load_generator.verifying.history import Notebook
from load_generator.verifying.run import now_ms
from load_generator.verifying.workload import Shape, Workload
from tests.clients.support.deadlines import wait_until
from tests.support.fault_cluster import NotedCluster

SHAPE = Shape(("load-1", "load-2"), pace=Pace(rate_per_s=200, silence_s=5.0))


def workload_on(cluster: NotedCluster, shape: Shape = SHAPE) -> tuple[Workload, Notebook]:
    notebook = Notebook(now_ms)
    for queue in shape.queues:
        cluster.declare(queue)
    return Workload(cluster, shape, notebook, random.Random(1).randrange), notebook


def test_all_queues_are_served_and_settled(noted: NotedCluster) -> None:
    workload, notebook = workload_on(noted)
    assert not workload.is_serving(0)
    workload.start()
    wait_until(lambda: workload.is_serving(0), "service", START_S)
    assert not workload.is_serving(now_ms() + 60_000)
    workload.stop_publishing()
    assert workload.settle(20.0) == []
    verdict = check(notebook.rows, acks_per_client_max=50)
    assert verdict.is_valid, verdict.text()
    assert len(verdict.confirmed) == len(verdict.attempts)
    assert {value.queue for value in verdict.confirmed} == set(SHAPE.queues)
    assert len({value.publisher for value in verdict.confirmed}) == 4
    assert {row.node for row in notebook.rows} == {"n1", "n2", "n3"}
    assert not notebook.oddities


def test_without_consumers_the_drain_takes_all(noted: NotedCluster) -> None:
    workload, notebook = workload_on(noted, Shape(("load-3",), consumers=0))
    workload.start()
    wait_until(lambda: len(notebook.rows) > 100, "publishes", START_S)
    workload.stop_publishing()
    assert workload.settle(0.0) == ["the queues could not be drained: no time was left to drain"]
    assert workload.settle(20.0) == []
    assert check(notebook.rows, acks_per_client_max=50).is_valid


@pytest.mark.usefixtures("noted")
def test_a_cluster_that_nobody_reaches_is_not_drained() -> None:
    away = NotedCluster(Endpoint("127.0.0.1", 1, "guest", "guest", "/"))
    workload = Workload(away, SHAPE, Notebook(now_ms), random.Random(1).randrange)
    workload.start()
    workload.stop_publishing()
    [said] = workload.settle(0.1)
    assert "refused" in said


def test_a_consumer_that_gets_nothing_is_told_from_a_loss(noted: NotedCluster) -> None:
    workload, notebook = workload_on(noted, Shape(("load-4",), publishers=0))
    workload.start()
    noted.declare("load-5")
    with Session(noted.endpoint("n1")) as session:
        publisher = Publisher(session, "load-5", "n1", notebook, Pace(rate_per_s=0))
        publisher._write(0.0)
        stop = threading.Event()
        stop.set()
        publisher.run(stop)
    workload._shape = Shape(("load-4", "load-5"))
    said = workload.settle(2.0, drain_s=60.0)
    assert said == ["200 messages were ready, and consumers did not get them in 2 s"]
