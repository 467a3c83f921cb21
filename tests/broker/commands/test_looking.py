"""A look goes piece by piece, and ends where its queue does."""

import pytest
from pamqp import commands

from amqp_server.broker.access.patterns import Pattern
from amqp_server.broker.commands.looking import LookingCommands
from amqp_server.broker.errors import NotFoundError, ResourceLockedError, UnreadableError
from amqp_server.broker.messages import looks
from amqp_server.broker.messages.looks import Look, Wanted
from amqp_server.broker.messages.message_filter import MessageFilter
from amqp_server.broker.steps import Steps, finish
from queues.looking import LookPlace
from tests.support.peer import Client, Node

ALL = Wanted(500)


class Desk:
    def __init__(self) -> None:
        self.node = Node()
        self.client: Client = self.node.open()
        self.commands = LookingCommands(self.node.broker)

    def looking(self, wanted: Wanted = ALL, name: str = "jobs") -> Steps[Look]:
        return self.commands.peek(
            self.node.now_ms, "/", name, username="guest", start=None, number=0, wanted=wanted
        )

    def fill(self, count: int, body: bytes = b"x") -> None:
        self.client.declare()
        for _ in range(count):
            self.client.publish(body)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_look_lets_others_have_a_turn(desk: Desk) -> None:
    desk.fill(300)
    steps = desk.looking(Wanted(1, MessageFilter(text=b"nowhere")))
    assert len(list(steps)) >= 300 // looks.PIECE_MAX
    assert finish(desk.looking(Wanted(1, MessageFilter(text=b"nowhere")))).scanned_count == 300


def test_long_bodies_make_short_pieces(desk: Desk) -> None:
    desk.fill(6, bytes(looks.PIECE_BYTES_MAX))
    steps = desk.looking(Wanted(1, MessageFilter(text=b"nowhere")))
    assert len(list(steps)) >= 6


def test_an_answer_has_a_size(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "SHOWN_BYTES_MAX", 25)
    desk.fill(5, bytes(10))
    look = finish(desk.looking())
    assert [len(one.payload) for one in look.messages] == [10, 10, 5]
    assert (look.number, look.place) == (3, LookPlace(0, 3))
    assert len(finish(desk.looking(Wanted(500, truncate_bytes=2))).messages) == 5


def test_what_is_searched_has_a_size(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "SCANNED_BYTES_MAX", 25)
    desk.fill(5, bytes(10))
    look = finish(desk.looking(Wanted(500, MessageFilter(text=b"x"))))
    assert (look.scanned_count, look.place) == (3, LookPlace(0, 3))
    monkeypatch.setattr(looks, "SCANNED_BYTES_MAX", 1_000)
    monkeypatch.setattr(looks, "SCANNED_MAX", 2)
    assert finish(desk.looking(Wanted(500, scan_count=99))).scanned_count == 2


def test_a_pattern_that_always_takes_too_long_ends_a_look(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "GAVE_UP_MAX", 2)
    desk.fill(5, b"a" * 100)
    look = finish(desk.looking(Wanted(500, MessageFilter(pattern=Pattern("^(a+)+[bc]$", 1_000)))))
    assert (look.scanned_count, look.gave_up_count) == (2, 2)


def test_a_long_look_ends_in_time_and_says_where_to_go_on(desk: Desk) -> None:
    desk.fill(300)
    steps = desk.looking(Wanted(1, MessageFilter(text=b"nowhere")))
    next(steps)
    desk.node.broker.turn.now_ms += looks.LOOK_MS_MAX
    look = finish(steps)
    assert (look.scanned_count, look.place) == (looks.PIECE_MAX, LookPlace(0, looks.PIECE_MAX))


def test_a_look_ends_with_its_queue(desk: Desk) -> None:
    desk.fill(300)
    steps = desk.looking()
    next(steps)
    desk.client.send(commands.Queue.Delete, queue="jobs")
    with pytest.raises(NotFoundError, match="no queue 'jobs' in vhost '/'"):
        finish(steps)


def test_messages_may_go_while_they_are_looked_at(desk: Desk) -> None:
    desk.fill(300)
    steps = desk.looking()
    next(steps)
    desk.client.send(commands.Queue.Purge, queue="jobs")
    look = finish(steps)
    assert look.total_count == 0


def test_a_disk_that_refuses_is_told_as_that(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.fill(1)

    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(desk.node.vhost.queues.get("jobs", None).engine, "look", refuse)
    with pytest.raises(UnreadableError, match="cannot be read now: Input/output error"):
        finish(desk.looking())


def test_a_queue_of_a_connection_is_its_own(desk: Desk) -> None:
    desk.client.declare("mine", exclusive=True)
    with pytest.raises(ResourceLockedError):
        finish(desk.looking(name="mine"))
