"""A look under way: what it passes by, what it shows, and when it is over."""

import pytest

from amqp_server.broker.messages import looks
from amqp_server.broker.messages.looks import Scan, Wanted
from amqp_server.broker.messages.message_filter import MessageFilter
from queues.looking import LookedMessage, LookPlace
from tests.support.records import record


def see(scan: Scan, position: int, body: bytes = b"0123456789") -> None:
    message = LookedMessage(position, record(body), 900, True, 2, 0)
    scan.see(message, LookPlace(0, position))


def test_messages_are_passed_by_then_numbered_and_shown() -> None:
    scan = Scan(Wanted(2, truncate_bytes=4), 5, 1, 1_000)
    assert scan.wanted_count == 3
    for position in (7, 8, 9):
        see(scan, position)
    assert scan.is_done()
    look = scan.look(30, LookPlace(0, 10))
    assert (look.scanned_count, look.total_count, look.number, look.place) == (2, 30, 8, (0, 10))
    assert [(one.number, one.place) for one in look.messages] == [(6, (0, 8)), (7, (0, 9))]
    first = look.messages[0]
    assert (first.payload, first.payload_bytes, first.expires_at_ms) == (b"0123", 10, 1_900)
    assert (first.redelivered, first.delivery_count, first.timestamp_ms) == (True, 2, None)


def test_a_filter_is_asked_as_far_as_the_scan_goes() -> None:
    scan = Scan(Wanted(9, MessageFilter(text=b"y"), 3), 0, 0, 0)
    for position, body in enumerate((b"x", b"y", b"z")):
        assert not scan.is_done()
        assert scan.wanted_count == 3 - position
        see(scan, position, body)
    assert scan.is_done()
    assert [one.payload for one in scan.look(3, None).messages] == [b"y"]


def test_a_piece_ends_by_count_or_by_octets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "PIECE_MAX", 2)
    scan = Scan(Wanted(), 0, 0, 0)
    ends = []
    for position in range(4):
        see(scan, position)
        ends.append(scan.is_piece_over())
    assert ends == [False, True, False, True]
    monkeypatch.setattr(looks, "PIECE_MAX", 99)
    monkeypatch.setattr(looks, "PIECE_BYTES_MAX", 15)
    scan = Scan(Wanted(9, MessageFilter(text=b"y")), 0, 0, 0)
    see(scan, 0)
    assert not scan.is_piece_over()
    see(scan, 1)
    assert scan.is_piece_over()
