"""The key of a message, which a stream is compacted by, and whether the message is a tombstone.

The key is the routing key of an AMQP publish, or a header: an application property of the message,
or an annotation. Texts and numbers are the same key whatever type they were sent as. A message
without a body, or with an empty one, is a tombstone. What is no AMQP 1.0 message has no key, and
neither has what is in a compressed sub-batch.

Source: HareMQ's own.
"""

import struct
from collections.abc import Iterator
from functools import partial
from hashlib import blake2b
from typing import Final

from persistence.streams.compaction import KEY_BYTES_MAX, FindKeys, Keyed
from queues.stream.amqp10 import (
    APPLICATION_PROPERTIES,
    DATA,
    FILTER_VALUE,
    MESSAGE_ANNOTATIONS,
    SEQUENCE,
    VALUE,
    MalformedMessageError,
    content_of,
    value_end,
)
from queues.stream.fields import BINARIES, TEXTS, count_of, key_of

ROUTING_KEY: Final = "routing-key"
"""Names the routing key of a message, in place of a header."""

_ROUTING_KEY: Final = b"x-routing-key"
_SUB_BATCH: Final = 0x80
_COMPRESSION: Final = 0x70
_SUB_BATCH_HEAD: Final = struct.Struct(">BHII")
_SECTION_BEGIN: Final = b"\x00\x53"
_MAPS: Final = frozenset(b"\xc1\xd1")
_STRINGS: Final = TEXTS | BINARIES
_NULL: Final = 0x40
_UNSIGNED: Final = frozenset(b"\x43\x44\x50\x52\x53\x60\x70\x80")
_SIGNED: Final = frozenset(b"\x51\x54\x55\x61\x71\x81")
_BODIES: Final = frozenset((SEQUENCE, VALUE))


def finder_of(name: str) -> FindKeys:
    """Return what finds the key of this name: ``ROUTING_KEY``, or the name of a header."""
    header = _ROUTING_KEY if name == ROUTING_KEY else name.encode("utf-8", "surrogateescape")
    return partial(find_keys, header)


def find_keys(name: bytes, data: bytes, position: int, count_max: int) -> Keyed:
    """Find keys in the data of a chunk; see ``persistence.streams.compaction.FindKeys``.

    Args:
        name: of the header, or annotation.
        data: of the chunk.
        position: where an entry begins.
        count_max: most entries to look at; at least 1.
    """
    found = _Found(name)
    while position < len(data) and len(found.stops) < count_max:
        position = found.add_next(data, position)
    return Keyed(found.stops, found.counts, found.keys, found.tombstones, found.filter_values)


class _Found:
    """What was found in some entries."""

    def __init__(self, name: bytes) -> None:
        self.stops: list[int] = []
        self.counts: list[int] = []
        self.keys: list[bytes | None] = []
        self.tombstones: list[bool] = []
        self.filter_values: list[bytes] = []
        self._name = name

    def add_next(self, data: bytes, position: int) -> int:
        """Look at an entry; return where it ends."""
        if data[position] < _SUB_BATCH:
            start = position + 4
            stop = start + int.from_bytes(data[position:start])
            count = 1
            if stop <= len(data):
                self._add_message(data, start, stop)
            else:
                stop = len(data)
                self._add_unread(1)
        else:
            stop, count = self._add_sub_batch(data, position)
        self.stops.append(stop)
        self.counts.append(count)
        return stop

    def _add_sub_batch(self, data: bytes, position: int) -> tuple[int, int]:
        start = position + _SUB_BATCH_HEAD.size
        if start > len(data):
            self._add_unread(1)
            return len(data), 1
        kind, count, _, size_bytes = _SUB_BATCH_HEAD.unpack_from(data, position)
        stop = start + size_bytes
        if stop > len(data):
            self._add_unread(1)
            return len(data), 1
        left = count
        if not kind & _COMPRESSION:
            for message_at, message_stop in _messages(data, start, stop, count):
                self._add_message(data, message_at, message_stop)
                left -= 1
        self._add_unread(left)
        return stop, count

    def _add_unread(self, count: int) -> None:
        self.keys += [None] * count
        self.tombstones += [False] * count
        self.filter_values += [b""] * count

    def _add_message(self, data: bytes, start: int, stop: int) -> None:
        try:
            key, is_tombstone, filter_value = look_at(data, start, stop, self._name)
        except MalformedMessageError:
            key, is_tombstone, filter_value = None, False, b""
        self.keys.append(key)
        self.tombstones.append(is_tombstone)
        self.filter_values.append(filter_value)


def _messages(data: bytes, position: int, end: int, count: int) -> Iterator[tuple[int, int]]:
    """Yield where messages of a sub-batch begin and end; a client may have lied about them."""
    for _ in range(count):
        start = position + 4
        if start > end or data[position] >= _SUB_BATCH:
            return
        position = start + int.from_bytes(data[position:start])
        if position > end:
            return
        yield start, position


def look_at(
    octets: bytes, position: int, end: int, name: bytes
) -> tuple[bytes | None, bool, bytes]:
    """Return key, whether it is a tombstone, and filter value of the message in these octets.

    Args:
        octets: with the message.
        position: where it begins.
        end: where it ends.
        name: of the header, or annotation.

    Raises:
        MalformedMessageError: it is no AMQP 1.0 message.
    """
    key: bytes | None = None
    filter_value = b""
    body_bytes = 0
    while position < end:
        if octets[position : position + 2] != _SECTION_BEGIN or position + 3 >= end:
            raise MalformedMessageError("a section has no descriptor that is looked for")
        code, start = octets[position + 2], position + 3
        position = value_end(octets, start, end)
        if code in {MESSAGE_ANNOTATIONS, APPLICATION_PROPERTIES}:
            found, value = _in_map(octets, start, position, name)
            key = found or key
            filter_value = value if code == MESSAGE_ANNOTATIONS else filter_value
        elif code == DATA:
            content_at, stop = content_of(octets, octets[start], start + 1, position)
            body_bytes += stop - content_at
        elif code in _BODIES and octets[start] != _NULL:
            body_bytes += position - start
    return key, not body_bytes, filter_value


def _in_map(octets: bytes, start: int, end: int, name: bytes) -> tuple[bytes | None, bytes]:
    """Return the value of a name as a key, and the filter value, of a map."""
    key: bytes | None = None
    filter_value = b""
    constructor = octets[start]
    if constructor not in _MAPS:
        raise MalformedMessageError("a section is of the wrong type")
    content_at, stop = content_of(octets, constructor, start + 1, end)
    count, position = count_of(octets, constructor, content_at, stop)
    for _ in range(count // 2):
        found, value_at = key_of(octets, position, stop)
        position = value_end(octets, value_at, stop)
        if found == name:
            key = _key(octets, value_at, position)
        if found == FILTER_VALUE and octets[value_at] in _STRINGS:
            content_at, content_stop = content_of(octets, octets[value_at], value_at + 1, position)
            filter_value = octets[content_at:content_stop]
    return key, filter_value


def _key(octets: bytes, start: int, stop: int) -> bytes | None:
    """Return a value as a key: the same for a text or a number of whatever type."""
    constructor = octets[start]
    if constructor == _NULL:
        return None
    if constructor in _STRINGS:
        content_at, _ = content_of(octets, constructor, start + 1, stop)
        key = b"s" + octets[content_at:stop]
    elif constructor in _UNSIGNED or constructor in _SIGNED:
        is_signed = constructor in _SIGNED
        number = int.from_bytes(octets[start + 1 : stop], signed=is_signed)
        key = b"i%d" % number
    else:
        key = b"v" + octets[start:stop]
    # The shorter ones are compared as they are, so that none has the length of a hash.
    if len(key) < KEY_BYTES_MAX:
        return key
    return blake2b(key, digest_size=KEY_BYTES_MAX).digest()
