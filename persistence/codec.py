"""A run of records as octets: the form in log, segment and link.

One record follows another. Numbers are little-endian. Each record begins at a multiple of 8:

    byte 0        8          12           16          18      20        21     24
         | ttl_ms | body     | header     | route     | flags | priority | zero | ...
           i64      u32 size   u32 size     u16 size    u16     u8         3

    24   route | header | body | zeros up to a multiple of 8

The kernel of ``persistence.record`` keeps a run in memory in this form, so it encodes a run by
copying it. A decoded run is copied once, and all kernels then rely on it. So the decoder checks
every length, and that route and header have the shape that ``persistence.record`` draws.

This is the interpreted twin, and the specification of ``persistence._codec``.
"""

import struct
from typing import Final

from persistence.errors import DamagedError
from persistence.files import Octets
from persistence.kernels import COMPILED
from persistence.record import NO_TTL, PERSISTENT, Record, Run

HEAD: Final = struct.Struct("<qIIHHBBH")
HEAD_BYTES: Final = 24
ALIGNMENT_BYTES: Final = 8
HEADER_BYTES_MIN: Final = 14
"""Class, weight, body size and property flags; the property list may be empty (4.2.6.1)."""

ROUTE_BYTES_MIN: Final = 2

assert HEAD.size == HEAD_BYTES, "the drawing above says 24"
assert HEAD_BYTES % ALIGNMENT_BYTES == 0, "what follows a head is padded, and the head is not"

RECORD_BYTES_MIN: Final = HEAD_BYTES + ROUTE_BYTES_MIN + HEADER_BYTES_MIN
_PADS: Final = [bytes(-size_bytes % ALIGNMENT_BYTES) for size_bytes in range(ALIGNMENT_BYTES)]


def encode_run(run: Run) -> bytes:
    """Return the records of a run as octets; the length is a multiple of 8."""
    parts: list[bytes] = []
    for route, header, body, flags, priority, ttl_ms in run:
        size_bytes = len(route) + len(header) + len(body)
        head = HEAD.pack(ttl_ms, len(body), len(header), len(route), flags, priority, 0, 0)
        parts += (head, route, header, body, _PADS[size_bytes % ALIGNMENT_BYTES])
    return b"".join(parts)


def octets_of(run: Run) -> Octets:
    """Return what ``encode_run`` returns; the kernel does not copy a run of one large message.

    The result keeps that message's memory in use.
    """
    return encode_run(run)


def lent_octets(run: Run) -> Octets:
    """Return what ``encode_run`` returns, for one use at once; the kernel does not copy it.

    Nothing can be added to the memory of the run while the result is there.
    """
    return encode_run(run)


def decode_run(octets: Octets, count: int) -> Run:
    """Return the run whose octets these are.

    Args:
        octets: exactly those of the run; they are copied.
        count: how many records there are.

    Raises:
        DamagedError: they are not the result of ``encode_run`` for that many records.
    """
    records: list[Record] = []
    route = header = b""
    position = 0
    for _ in range(count):
        record, position = _decode_record(octets, position)
        if record.route == route and record.header == header:
            # Messages alike share their bytes objects, which the renderer uses.
            record = record._replace(route=route, header=header)
        route, header = record.route, record.header
        records.append(record)
    if position != len(octets):
        raise damaged(position)
    return records


def _decode_record(octets: Octets, position: int) -> tuple[Record, int]:
    """Return the record at a position, and where the next one begins."""
    if len(octets) - position < RECORD_BYTES_MIN:
        raise damaged(position)
    sizes = HEAD.unpack_from(octets, position)
    ttl_ms, body_bytes, header_bytes, route_bytes, flags, priority, *reserved = sizes
    route_at = position + HEAD_BYTES
    header_at = route_at + route_bytes
    body_at = header_at + header_bytes
    end = body_at + body_bytes
    after = end + -end % ALIGNMENT_BYTES
    if after > len(octets) or ttl_ms < NO_TTL or any(reserved) or any(octets[end:after]):
        raise damaged(position)
    route = bytes(octets[route_at:header_at])
    header = bytes(octets[header_at:body_at])
    if not _is_route(route) or header_bytes < HEADER_BYTES_MIN:
        raise damaged(position)
    return Record(route, header, bytes(octets[body_at:end]), flags, priority, ttl_ms), after


def _is_route(route: bytes) -> bool:
    """Return whether these octets are two shortstrs and nothing else."""
    if len(route) < ROUTE_BYTES_MIN:
        return False
    key_at = 1 + route[0]
    return key_at < len(route) and key_at + 1 + route[key_at] == len(route)


def damaged(position: int) -> DamagedError:
    """Return the error for octets that are not a record."""
    return DamagedError(f"expected a record at byte {position} of its run, got something else")


def persistent_ranges(run: Run) -> list[tuple[int, int]]:
    """Return (start, stop) of each stretch of persistent messages, in order.

    ``[(0, len(run))]`` when all messages are persistent, ``[]`` when none is.
    """
    ranges: list[tuple[int, int]] = []
    start = -1
    for index, record in enumerate(run):
        if record.flags & PERSISTENT:
            if start < 0:
                start = index
        elif start >= 0:
            ranges.append((start, index))
            start = -1
    if start >= 0:
        ranges.append((start, len(run)))
    return ranges


if COMPILED:
    from persistence import _codec  # type: ignore[attr-defined]

    encode_run = _codec.encode_run
    octets_of = _codec.octets_of
    lent_octets = _codec.lent_octets
    decode_run = _codec.decode_run
    persistent_ranges = _codec.persistent_ranges
