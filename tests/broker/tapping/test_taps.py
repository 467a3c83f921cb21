"""What is watched in a vhost: publishers notice nothing, and routes are remembered as before."""

import pytest
from pamqp import commands

from amqp_server.broker.tapping.tap import Tap
from amqp_server.broker.tapping.taps import TappedQueue, Taps
from tests.support.peer import Client, Node


class Desk:
    def __init__(self) -> None:
        self.node = Node()
        self.client: Client = self.node.open()
        self.taps: Taps = self.node.vhost.publisher.taps
        self.tap = Tap(1_000, 100, lambda: None)

    def copied(self) -> list[bytes]:
        return [one.payload for one in self.tap.take()[0]]

    def bind(self, queue: str, exchange: str, key: str = "", **arguments: object) -> None:
        self.client.send(
            commands.Queue.Bind,
            queue=queue,
            exchange=exchange,
            routing_key=key,
            arguments=arguments,
        )
        self.client.receive()


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.client.declare()
    desk.client.declare("other")
    return desk


def test_what_comes_to_a_queue_is_copied_while_it_is_watched(desk: Desk) -> None:
    desk.client.publish(b"before")
    desk.taps.add_to_queue("jobs", desk.tap)
    desk.client.publish(b"1", b"2")
    desk.client.publish(b"elsewhere", routing_key="other")
    desk.bind("jobs", "amq.fanout")
    desk.client.publish(b"3", exchange="amq.fanout", routing_key="")
    assert desk.copied() == [b"1", b"2", b"3"]
    desk.taps.remove_from_queue("jobs", desk.tap)
    desk.client.publish(b"after")
    assert desk.copied() == []
    assert [desk.client.get() for _ in range(5)] == [b"before", b"1", b"2", b"3", b"after"]


def test_messages_of_changing_keys_keep_their_order(desk: Desk) -> None:
    desk.taps.add_to_queue("jobs", desk.tap)
    for key in ("a", "b"):
        desk.bind("jobs", "amq.direct", key)
    bodies = [b"%d" % number for number in range(40)]
    for number, body in enumerate(bodies):
        desk.client.publish(body, exchange="amq.direct", routing_key="ab"[number % 2])
    assert desk.copied() == bodies
    assert [desk.client.get() for _ in bodies] == bodies


@pytest.mark.parametrize("exchange", ["amq.direct", "amq.topic", "amq.fanout", "amq.headers"])
def test_what_is_published_to_an_exchange_is_copied_also_without_a_route(
    desk: Desk, exchange: str
) -> None:
    desk.client.publish(b"before", exchange=exchange, routing_key="k")
    desk.taps.add_to_exchange(exchange, desk.tap)
    desk.client.publish(b"1", exchange=exchange, routing_key="k")
    desk.bind("jobs", exchange, "k")
    desk.client.publish(b"2", b"3", exchange=exchange, routing_key="k")
    desk.client.publish(b"past it", routing_key="other")
    assert desk.copied() == [b"1", b"2", b"3"]
    assert [desk.client.get() for _ in range(2)] == [b"2", b"3"]
    desk.taps.remove_from_exchange(exchange, desk.tap)
    desk.client.publish(b"after", exchange=exchange, routing_key="k")
    assert desk.copied() == []
    assert desk.client.get() == b"after"


def test_two_watch_one_queue(desk: Desk) -> None:
    second = Tap(10, 10, lambda: None)
    for tap in (desk.tap, second):
        desk.taps.add_to_queue("jobs", tap)
    desk.client.publish(b"1")
    desk.taps.remove_from_queue("jobs", second)
    desk.client.publish(b"2")
    assert desk.copied() == [b"1", b"2"]
    assert [one.payload for one in second.take()[0]] == [b"1"]


def test_nothing_stands_between_when_nobody_watches(desk: Desk) -> None:
    publisher, engine = desk.node.vhost.publisher, desk.node.vhost.queues.find("jobs")
    assert engine is not None
    route = b"\0\4jobs"
    assert publisher.find_targets("", route, "jobs") == (engine.engine,)
    desk.taps.add_to_queue("jobs", desk.tap)
    (target,) = publisher.find_targets("", route, "jobs") or ()
    assert isinstance(target, TappedQueue)
    assert not target.keeps_transient
    desk.taps.add_to_exchange("", desk.tap)
    assert publisher.find_targets("", route, "jobs") is None
    desk.taps.remove_from_exchange("", desk.tap)
    desk.taps.remove_from_queue("jobs", desk.tap)
    assert publisher.find_targets("", route, "jobs") == (engine.engine,)
