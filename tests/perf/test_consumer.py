"""Consumers settle exactly what they were told to, however reads divide the deliveries."""

import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from amqp_server.perf import wire
from amqp_server.perf.consumer import SETTLERS, dues_ns
from amqp_server.perf.wire import BrokerRefusalError, Frame
from benchmarks.scenarios import Flow, Settle


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
    SETTLERS[Settle.AUTO](Flow("f", "f")).settle(link.socket, 1, 1_000)
    assert link.sent() == b""


def test_an_ack_for_each_covers_every_read(link: Link) -> None:
    settler = SETTLERS[Settle.EACH](Flow("f", "f"))
    for first_tag, last_tag in ((1, 2), (3, 3)):
        settler.settle(link.socket, first_tag, last_tag)
    assert link.sent() == b"".join(wire.ack(tag, multiple=False) for tag in (1, 2, 3))


@pytest.mark.parametrize(
    "reads", [[(1, 250)], [(1, 99), (100, 100), (101, 250)], [(1, 100), (101, 200), (201, 250)]]
)
def test_an_ack_multiple_is_sent_at_every_hundredth(
    link: Link, reads: list[tuple[int, int]]
) -> None:
    settler = SETTLERS[Settle.MULTIPLE](Flow("f", "f", ack_every=100))
    for first_tag, last_tag in reads:
        settler.settle(link.socket, first_tag, last_tag)
    assert link.sent() == wire.ack(100, multiple=True) + wire.ack(200, multiple=True)


def test_instants_are_read_from_bodies() -> None:
    octets = wire.publish("", "", wire.properties(), struct.pack(">Q", 7) + bytes(8))
    (_publish, *content), _ = wire.split_frames(octets, 0, len(octets))
    deliver = Frame(wire.FRAME_METHOD, 1, struct.pack(">HH", *wire.BASIC_DELIVER))
    assert dues_ns([deliver, *content, deliver, *content]) == [7, 7]


def test_what_is_no_delivery_ends_a_paced_window() -> None:
    with pytest.raises(BrokerRefusalError, match="unexpected"):
        dues_ns([Frame(wire.FRAME_METHOD, 1, struct.pack(">HH", *wire.BASIC_ACK))])
