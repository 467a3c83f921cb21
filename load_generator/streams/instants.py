"""Where the instants are, from which latencies come: in what is published, and in chunks.

    Publish   head | publisher u8 | count u32 | count x  publishing id u64 | [v2: string] | entry
    entry     size u32 | 00 53 75 a0, size u8  or  00 53 75 b0, size u32 | instant u64 | …
    or        a sub-entry: 11 octets | entries

A body of a load begins with the instant at which it was due. All messages of one Publish are due
when the last of them is, so that the wait for a full batch is not the broker's latency.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Final

from load_generator.load import INSTANT_BYTES
from load_generator.streams.commands import HEAD

SAMPLES_PER_CHUNK_MAX: Final = 64
"""Of a chunk with more entries, only so many are measured, evenly chosen."""

NO_INSTANT: Final = (1 << 64) - 1
"""Stands for a message in which no instant is found: no clock shows it."""

_PUBLISH_HEAD_BYTES: Final = HEAD.size + 5
_ID_BYTES: Final = 8
_SIZE: Final = struct.Struct(">I")
_SUB_ENTRY: Final = struct.Struct(">BHII")
_SUB_ENTRY_BIT: Final = 0x80
_SHORT: Final = b"\x00\x53\x75\xa0"
_LONG: Final = b"\x00\x53\x75\xb0"
_INSTANT: Final = struct.Struct(">Q")


def instant_places(publish: bytes | bytearray | memoryview, *, has_values: bool) -> list[int]:
    """Return where the bodies of a Publish of ours begin."""
    places: list[int] = []
    at = _PUBLISH_HEAD_BYTES
    while at < len(publish):
        at += _ID_BYTES
        if has_values:
            at += 2 + int.from_bytes(publish[at : at + 2], "big")
        stop, _ = _entry_end(publish, at)
        places += _places_in(publish, at, stop)
        at = stop
    return places


def stamp(octets: bytearray, start: int, places: list[int], instant_ns: int) -> None:
    """Write an instant at these places, counted from ``start``."""
    written = _INSTANT.pack(instant_ns)
    for place in places:
        octets[start + place : start + place + INSTANT_BYTES] = written


def record_chunk(
    data: bytes | memoryview, entry_count: int, record: Callable[[list[int], int], None]
) -> None:
    """Look for the instants in the data of a chunk, in all entries or in some of them.

    Args:
        data: of the chunk.
        entry_count: of the chunk.
        record: gets instants, and the number of messages that each of them stands for.
    """
    step = -(-entry_count // SAMPLES_PER_CHUNK_MAX)
    size_bytes, record_count = _entry_end(data, 0)
    if size_bytes * entry_count == len(data) and _are_alike(data, size_bytes * step):
        places = range(0, len(data), size_bytes * step)
        record([_first_instant(data, at) for at in places[:-1]], step * record_count)
        rest = entry_count - step * (len(places) - 1)
        record([_first_instant(data, places[-1])], rest * record_count)
        return
    for number, (at, count) in enumerate(_entries(data)):
        if not number % step:
            record([_first_instant(data, at)], count * min(step, entry_count - number))


def _are_alike(data: bytes | memoryview, stride_bytes: int) -> bool:
    """Return whether entries like the first one begin at such a distance: an array of them."""
    begin = bytes(data[: _SUB_ENTRY.size if data[0] >= _SUB_ENTRY_BIT else _SIZE.size])
    return all(
        data[at : at + len(begin)] == begin for at in range(stride_bytes, len(data), stride_bytes)
    )


def _entries(data: bytes | memoryview) -> Iterator[tuple[int, int]]:
    """Yield where each entry begins, and how many messages it has."""
    at = 0
    while at < len(data):
        stop, record_count = _entry_end(data, at)
        yield at, record_count
        at = stop


def _entry_end(octets: bytes | bytearray | memoryview, at: int) -> tuple[int, int]:
    if octets[at] < _SUB_ENTRY_BIT:
        return at + _SIZE.size + _SIZE.unpack_from(octets, at)[0], 1
    _, record_count, _, size_bytes = _SUB_ENTRY.unpack_from(octets, at)
    return at + _SUB_ENTRY.size + size_bytes, record_count


def _places_in(octets: bytes | bytearray | memoryview, at: int, stop: int) -> Iterator[int]:
    """Yield where the bodies of an entry begin."""
    if octets[at] < _SUB_ENTRY_BIT:
        place = _body_at(octets, at + _SIZE.size)
        assert place is not None, "we have rendered it"
        yield place
        return
    at += _SUB_ENTRY.size
    while at < stop:
        end, _ = _entry_end(octets, at)
        yield from _places_in(octets, at, end)
        at = end


def _first_instant(data: bytes | memoryview, at: int) -> int:
    """Return the instant in the first message of an entry."""
    if data[at] >= _SUB_ENTRY_BIT:
        if data[at] != _SUB_ENTRY_BIT:
            return NO_INSTANT  # It is compressed.
        at += _SUB_ENTRY.size
    place = _body_at(data, at + _SIZE.size)
    if place is None or place + INSTANT_BYTES > len(data):
        return NO_INSTANT
    (instant_ns,) = _INSTANT.unpack_from(data, place)
    return int(instant_ns)


def _body_at(octets: bytes | bytearray | memoryview, at: int) -> int | None:
    """Return where the body of a message begins; None if it is none of ours."""
    form = octets[at : at + len(_SHORT)]
    if form == _SHORT:
        return at + len(_SHORT) + 1
    return at + len(_LONG) + _SIZE.size if form == _LONG else None
