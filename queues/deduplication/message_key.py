"""The deduplication key of a message: the value of one of its headers.

A text, an octet string, an integer, a boolean, a float or a timestamp is a key. Integers are the
same key whatever their width, and so are a text and an octet string of the same octets. A message
without the header has no key, nor has one whose header is a table, an array, a decimal or a void,
or whose headers cannot be decoded. A long key is replaced by its digest, so that keys are bounded.

Only the names and sizes of the fields before the header are looked at, without recursion.

Source: RabbitMQ's community plugin rabbitmq-message-deduplication; LavinMQ, which names the header
by an argument. The plugin takes all voids for one key.
"""

import struct
from hashlib import blake2b
from typing import Final, NamedTuple

from persistence.record import BODY_SIZE_STOP, HAS_HEADERS

HEADER: Final = "x-deduplication-header"
"""The header whose value is the key, unless an argument of this name names another one."""

TTL: Final = "x-cache-ttl"
"""The header of a message that says for how many ms its key is remembered."""

KEY_BYTES_MAX: Final = 255
"""A longer key is replaced by its digest."""

TTL_MAX_MS: Final = 315_360_000_000
"""Ten years; a longer one counts as so long."""

_TABLE_AT: Final = BODY_SIZE_STOP + 2
_BEFORE_HEADERS: Final = (15, 14)
_U32: Final = struct.Struct(">I")
_TTL_NAME: Final = TTL.encode()
_DIGEST_BYTES: Final = 32
_TEXTS: Final = b"Sx"
_SIGNED: Final = b"bsIlL"
_UNSIGNED: Final = b"Bui"
_FLOATS: Final = {ord("f"): struct.Struct(">f"), ord("d"): struct.Struct(">d")}
_SIZES: Final = {
    **dict.fromkeys(b"tbB", 1),
    **dict.fromkeys(b"su", 2),
    **dict.fromkeys(b"Iif", 4),
    **dict.fromkeys(b"lLdT", 8),
    ord("D"): 5,
    ord("V"): 0,
}
_SIZED: Final = frozenset(b"SxAF")


class Keyed(NamedTuple):
    """What a message says of itself.

    Attributes:
        key: with the kind of the value; None is no key.
        ttl_ms: for how long the key is to be remembered; None leaves it to the window.
    """

    key: bytes | None
    ttl_ms: int | None


NOT_KEYED: Final = Keyed(None, None)


class KeyFinder:
    """Finds the key that a header of a given name has."""

    __slots__ = ("_name",)

    def __init__(self, name: str = HEADER) -> None:
        self._name = name.encode("utf-8", "surrogateescape")

    def find(self, header: bytes) -> Keyed:
        """Return what the content header of a message says."""
        if self._name not in header or not header[BODY_SIZE_STOP] << 8 & HAS_HEADERS:
            return NOT_KEYED
        wants_ttl = _TTL_NAME in header
        try:
            return self._find(header, wants_ttl=wants_ttl)
        except (IndexError, struct.error, KeyError):
            return NOT_KEYED

    def _find(self, header: bytes, *, wants_ttl: bool) -> Keyed:
        flags = header[BODY_SIZE_STOP] << 8 | header[BODY_SIZE_STOP + 1]
        at = _TABLE_AT
        for bit in _BEFORE_HEADERS:
            if flags >> bit & 1:
                at += 1 + header[at]
        end = at + 4 + _U32.unpack_from(header, at)[0]
        at += 4
        key: bytes | None = None
        ttl_ms: int | None = None
        if end > len(header):
            return NOT_KEYED
        while at < end:
            name = header[at + 1 : at + 1 + header[at]]
            at += 1 + header[at]
            kind = header[at]
            at += 1
            if kind in _SIZED:
                size = _U32.unpack_from(header, at)[0]
                at += 4
            else:
                size = _SIZES[kind]
            value = header[at : at + size]
            at += size
            if at > end:
                return NOT_KEYED
            if name == self._name and key is None:
                key = _key_of(kind, value)
            elif name == _TTL_NAME:
                ttl_ms = _ttl_of(kind, value)
            if key is not None and (ttl_ms is not None or not wants_ttl):
                break
        return Keyed(key, ttl_ms)


def _key_of(kind: int, value: bytes) -> bytes | None:
    if kind in _TEXTS:
        return b"S" + value if len(value) <= KEY_BYTES_MAX else b"#" + _digest(value)
    number = _integer(kind, value)
    if number is not None:
        return b"I%d" % number
    if kind in _FLOATS:
        return b"D" + _FLOATS[ord("d")].pack(_FLOATS[kind].unpack(value)[0])
    return bytes((kind,)) + value if kind in b"tT" else None


def _digest(value: bytes) -> bytes:
    return blake2b(value, digest_size=_DIGEST_BYTES).digest()


def _ttl_of(kind: int, value: bytes) -> int | None:
    number = _integer(kind, value)
    return None if number is None or number < 0 else min(number, TTL_MAX_MS)


def _integer(kind: int, value: bytes) -> int | None:
    if kind not in _SIGNED and kind not in _UNSIGNED:
        return None
    return int.from_bytes(value, "big", signed=kind in _SIGNED)
