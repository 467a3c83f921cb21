"""A snapshot as octets and back."""

import pytest

from persistence.errors import DamagedError
from persistence.front_numbers import FrontNumber, Published
from persistence.operations import encode_settle
from persistence.queue_row import QueueSnapshot
from persistence.replicas.content import Content, decode_content
from persistence.settled import PositionSet
from persistence.slices import Slice
from tests.support.records import record


def content() -> Content:
    settled = PositionSet()
    settled.add(range(3))
    few = [Slice([record(b"a"), record(b"b")], range(7, 9), 1_000)]
    messages = QueueSnapshot(5, 9, 0, 4, settled, (), [(7, 2)], few)
    return Content(7, messages, (Published(0, FrontNumber("n1", 3, 8), 20),))


def test_it_comes_back_as_it_was() -> None:
    found = decode_content(5, content().encode())
    assert (found.since, found.published) == (7, list(content().published))
    assert found.messages.encode() == content().messages.encode()
    assert [bytes(each.body) for each in found.messages.few[0].records] == [b"a", b"b"]


def test_octets_that_are_none_are_damage() -> None:
    octets = content().encode()
    for stop in (0, 15, 40, len(octets) - 8):
        with pytest.raises(DamagedError):
            decode_content(5, octets[:stop])
    with pytest.raises(DamagedError, match="how far a front end is"):
        decode_content(5, _with_another_end(octets))


def _with_another_end(octets: bytes) -> bytes:
    """Replace the rows of front ends by an operation of another kind."""
    kept = len(octets) - int.from_bytes(octets[8:16], "little")
    settle = encode_settle(0, range(1))
    return octets[:8] + len(settle).to_bytes(8, "little") + octets[16:kept] + settle
