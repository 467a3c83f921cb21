"""Consumers settle exactly what they were told to, however reads divide the deliveries."""

import socket
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from load_generator import wire
from load_generator.acks import SETTLERS, AckRing
from load_generator.load import Load, Settle


class Link(NamedTuple):
    """What a settler needs of a session, and the broker's end of it."""

    socket: socket.socket
    broker: socket.socket

    def sent(self) -> bytes:
        """Return what was written since the last call."""
        self.broker.setblocking(False)
        try:
            return self.broker.recv(1 << 16)
        except BlockingIOError:
            return b""


@pytest.fixture
def link() -> Iterator[Link]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Link(ours, theirs)


def test_auto_ack_settles_nothing(link: Link) -> None:
    SETTLERS[Settle.AUTO](Load()).settle(link.socket, 1, 1_000)
    assert link.sent() == b""


def test_an_ack_for_each_covers_every_read(link: Link) -> None:
    settler = SETTLERS[Settle.EACH](Load())
    for first_tag, last_tag in ((1, 2), (3, 3)):
        settler.settle(link.socket, first_tag, last_tag)
    assert link.sent() == b"".join(wire.ack(tag, multiple=False) for tag in (1, 2, 3))


@pytest.mark.parametrize(
    "reads", [[(1, 250)], [(1, 99), (100, 100), (101, 250)], [(1, 100), (101, 200), (201, 250)]]
)
def test_an_ack_multiple_is_sent_at_every_hundredth(
    link: Link, reads: list[tuple[int, int]]
) -> None:
    settler = SETTLERS[Settle.MULTIPLE](Load(ack_every=100))
    for first_tag, last_tag in reads:
        settler.settle(link.socket, first_tag, last_tag)
    assert link.sent() == wire.ack(100, multiple=True) + wire.ack(200, multiple=True)


def test_a_consumer_that_ends_acks_what_it_still_holds(link: Link) -> None:
    settler = SETTLERS[Settle.MULTIPLE](Load(ack_every=100))
    settler.settle_rest(link.socket, 200)
    assert link.sent() == b""
    settler.settle_rest(link.socket, 201)
    assert link.sent() == wire.ack(201, multiple=True)


@pytest.mark.parametrize(
    ("first_tag", "last_tag"),
    [(1, 3), (65_535, 65_535), (65_530, 65_545), (1 << 33, (1 << 33) + 5)],
)
def test_the_ring_renders_what_single_acks_would_be(first_tag: int, last_tag: int) -> None:
    expected = b"".join(wire.ack(tag, multiple=False) for tag in range(first_tag, last_tag + 1))
    assert b"".join(RING.render(first_tag, last_tag)) == expected


RING = AckRing()
