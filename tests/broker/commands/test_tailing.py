"""Who may watch, for how long, and what ends it."""

from typing import Any

import pytest
from pamqp import commands

from amqp_server.broker.commands.tailing import Tailing, TailingCommands
from amqp_server.broker.errors import AccessRefusedError, NotFoundError, ResourceLockedError
from amqp_server.broker.steps import finish
from tests.support.peer import Node


class Desk:
    def __init__(self) -> None:
        self.node = Node()
        self.client = self.node.open()
        self.woken: list[None] = []

    def tail(self, name: str = "jobs", place: Any = "queue", vhost: str = "/") -> Tailing:  # noqa: ANN401
        tailing = finish(
            TailingCommands(self.node.broker).tail(
                self.node.now_ms,
                vhost,
                name,
                username="guest",
                place=place,
                rate=100,
                truncate_bytes=100,
                wake=lambda: self.woken.append(None),
            )
        )
        tailing.begin()
        return tailing


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.client.declare()
    return desk


@pytest.mark.parametrize(
    ("name", "place", "exchange"), [("jobs", "queue", ""), ("amq.fanout", "exchange", "amq.fanout")]
)
def test_copies_come_until_the_end(desk: Desk, name: str, place: str, exchange: str) -> None:
    tailing = desk.tail(name, place)
    assert tailing.may_go_on()
    desk.client.publish(b"1", exchange=exchange)
    assert [one.payload for one in tailing.tap.take()[0]] == [b"1"]
    assert desk.woken == [None]
    tailing.end()
    desk.client.publish(b"2", exchange=exchange)
    assert tailing.tap.take() == ([], 0)


def test_the_end_of_the_queue_is_the_end(desk: Desk) -> None:
    tailing = desk.tail()
    desk.client.send(commands.Queue.Delete, queue="jobs")
    desk.client.receive()
    assert tailing.tap.is_ended
    tailing.end()


def test_a_right_that_goes_is_seen(desk: Desk) -> None:
    tailing, of_exchange = desk.tail(), desk.tail("amq.topic", "exchange")
    desk.node.broker.users.set_permissions("guest", "/", ".*", ".*", "^other$")
    assert not tailing.may_go_on()
    assert not of_exchange.may_go_on()
    with pytest.raises(AccessRefusedError):
        desk.tail()


def test_what_is_not_there_cannot_be_watched(desk: Desk) -> None:
    desk.client.declare("mine", exclusive=True)
    for error, given in (
        (NotFoundError, ("nothing", "queue")),
        (NotFoundError, ("nothing", "exchange")),
        (AccessRefusedError, ("", "exchange")),
        (ResourceLockedError, ("mine", "queue")),
    ):
        with pytest.raises(error):
            desk.tail(*given)
    with pytest.raises(NotFoundError):
        desk.tail(vhost="nowhere")


def test_what_never_begins_leaves_nothing(desk: Desk) -> None:
    tailing = desk.tail()
    tailing.end()
    desk.client.send(commands.Queue.Delete, queue="jobs")
    desk.client.receive()
    tailing.begin()
    assert tailing.tap.is_ended
