"""The envelope around everything that a link carries.

    0            4      5       6        8            12           16
    | body_bytes | kind | flags | zero   | crc32c     | crc32c     | body
                                           of the body  of 0 to 12

All numbers are little-endian. The second checksum begins with the number of the envelope in its
direction, so that one that is lost, doubled or moved is seen as well as a flipped bit. A length is
believed only after it, and after it was held against the bound.

Both are CRC-32C, as in the log. They find faults. Who may send is for the handshake and TLS.
"""

from struct import Struct
from typing import Final, NamedTuple, TypeAlias

from crc32c import crc32c

from cluster.links.errors import LinkError

Octets: TypeAlias = bytes | bytearray | memoryview

_FIELDS: Final = Struct("<IBBHI")
_CRC: Final = Struct("<I")
_CRC_AT: Final = _FIELDS.size
HEADER_BYTES: Final = _CRC_AT + _CRC.size
_NUMBER_MASK: Final = 0xFFFF_FFFF

BODY_BYTES_MAX: Final = 3 * 1024 * 1024
"""A piece of records, and the largest epoch table beside it."""


class Envelope(NamedTuple):
    """One of the input; ``body`` is a view of it, and ``end`` is where the next one begins."""

    kind: int
    flags: int
    body: memoryview
    end: int


def seal(number: int, kind: int, flags: int, head: bytes, octets: Octets = b"") -> bytes:
    """Return header and head of an envelope; ``octets`` are covered, and follow it on the wire."""
    crc = crc32c(octets, crc32c(head)) if len(octets) else crc32c(head)
    fields = _FIELDS.pack(len(head) + len(octets), kind, flags, 0, crc)
    return fields + _CRC.pack(crc32c(fields, number & _NUMBER_MASK)) + head


def open_envelope(view: memoryview, start: int, number: int, body_max: int) -> Envelope | None:
    """Return the envelope that begins at ``start``; None while it is not whole.

    Raises:
        LinkError: it is broken, or its body is larger than ``body_max``.
    """
    body_at = start + HEADER_BYTES
    if len(view) < body_at:
        return None
    body_bytes, kind, flags, zero, body_crc = _FIELDS.unpack_from(view, start)
    (crc,) = _CRC.unpack_from(view, start + _CRC_AT)
    if crc != crc32c(view[start : start + _CRC_AT], number & _NUMBER_MASK):
        raise LinkError("checksum of a header: the input is damaged, or no link of HareMQ")
    if zero:
        raise LinkError("a reserved field is in use")
    if body_bytes > body_max:
        raise LinkError(f"an envelope of {body_bytes} octets, {body_max} are allowed")
    end = body_at + body_bytes
    if len(view) < end:
        return None
    body = view[body_at:end]
    if body_crc != crc32c(body):
        raise LinkError("checksum of a body: the input is damaged")
    return Envelope(kind, flags, body, end)


def missing_bytes(view: memoryview, start: int) -> int:
    """Return how many octets the envelope at ``start`` has, as its header says; 0 is not known.

    Only after ``open_envelope`` returned None, which has checked the header.
    """
    if len(view) < start + HEADER_BYTES:
        return 0
    return HEADER_BYTES + int(_FIELDS.unpack_from(view, start)[0])
