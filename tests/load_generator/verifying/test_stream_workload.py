"""The load reaches every stream from every node, and reads all of it through each at the end."""

import random

import pytest

from load_generator.session import Endpoint, Session
from load_generator.verifying import stream_workload as module
from load_generator.verifying.client import Pace
from load_generator.verifying.episode import START_S
from load_generator.verifying.history import Action, Kind, Notebook, Row
from load_generator.verifying.run import now_ms
from load_generator.verifying.stream_checker import check_streams
from load_generator.verifying.stream_workload import StreamBook, StreamWorkload
from load_generator.verifying.workload import Shape
from tests.clients.support.deadlines import wait_until
from tests.support.fault_cluster import NotedCluster

SHAPE = Shape((), pace=Pace(rate_per_s=200, silence_s=5.0))


def book_on(cluster: NotedCluster, *bases: str) -> StreamBook:
    book = StreamBook(bases, Notebook(now_ms))
    book.declare(cluster)
    return book


def workload_on(cluster: NotedCluster, book: StreamBook) -> StreamWorkload:
    return StreamWorkload(cluster, SHAPE, book, random.Random(1).randrange)


def has_queue(cluster: NotedCluster, queue: str) -> bool:
    with Session(cluster.endpoint("n1")) as session:
        return session.has_queue(queue)


def test_all_streams_are_served_and_read_whole(noted: NotedCluster) -> None:
    book = book_on(noted, "flow-1", "flow-2")
    workload = workload_on(noted, book)
    assert not workload.is_serving(0)
    workload.start()
    wait_until(lambda: workload.is_serving(0), "service", START_S)
    assert not workload.is_serving(now_ms() + 60_000)
    everybody = 2 * (SHAPE.publishers + 2)
    wait_until(lambda: len(publishers(book.notebook.rows)) == everybody, "all publishers", START_S)
    workload.stop_publishing()
    assert workload.settle(20.0) == []
    rows = book.notebook.rows
    verdict, _ = check_streams(rows)
    assert verdict.is_valid, verdict.text()
    assert verdict.confirmed == verdict.read
    assert {value.queue for value in verdict.confirmed} == {"flow-1.1", "flow-2.1"}
    ends = [row.node for row in rows if row.action is Action.END]
    assert sorted(ends) == ["n1", "n1", "n1", "n1", "n2", "n2", "n3", "n3"], "by either protocol"
    assert {row.node for row in rows if row.action is Action.DELIVER} == {"n1", "n2", "n3"}
    assert not book.notebook.oddities
    assert {value.publisher for value in verdict.confirmed} == publishers(rows)
    assert len(publishers(rows)) == everybody + 2
    for bookmarks in book.bookmarks.values():
        assert len(bookmarks) == 2 * len(noted.nodes)
        assert len({each.next_offset for each in bookmarks}) == 1


def publishers(rows: list[Row]) -> set[int]:
    """Of each stream two of AMQP, one with a name and one without one, and of each attempt one."""
    return {row.client for row in rows if row.action is Action.ENQUEUE}


@pytest.mark.usefixtures("noted")
def test_a_stream_that_nobody_reaches_is_not_read_whole(noted: NotedCluster) -> None:
    book = book_on(noted, "flow-3")
    away = NotedCluster(Endpoint("127.0.0.1", 1, "guest", "guest", "/"))
    away.stream_port = 1
    workload = workload_on(away, book)
    workload.start()
    workload.stop_publishing()
    [said] = workload.settle(0.1)
    assert said.startswith("flow-3.1 could not be read whole: through n")
    assert "refused" in said
    assert not [row for row in book.notebook.rows if row.kind is Kind.OK]


def test_a_reader_that_does_not_come_to_the_end_is_told(
    noted: NotedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StreamWorkload, "_keep_reading", lambda *_: None)
    noted.stream_port = None
    book = book_on(noted, "flow-4")
    workload = workload_on(noted, book)
    workload.start()
    workload.stop_publishing()
    said = workload.settle(0.5)
    assert len(said) == len(noted.nodes)
    assert "has come to 0, and not to" in said[0]


def test_a_long_stream_is_replaced_by_another(
    noted: NotedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MESSAGES_MAX", 1)
    book = book_on(noted, "flow-5")
    book.turn_over(noted)
    assert book.names == ("flow-5.1",)
    workload = workload_on(noted, book)
    workload.start()
    wait_until(lambda: workload.is_serving(0), "service", START_S)
    workload.stop_publishing()
    assert workload.settle(20.0) == []
    _, book.past = check_streams(book.notebook.rows)
    numbers = {one.number for one in book.bookmarks["flow-5.1"]}
    book.turn_over(noted)
    assert book.names == ("flow-5.2",)
    assert not book.past.places
    assert not numbers & {one.number for one in book.bookmarks["flow-5.2"]}
    assert has_queue(noted, "flow-5.2")
    assert not has_queue(noted, "flow-5.1")
