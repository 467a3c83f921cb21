"""Messages with a key, for tests of compaction: ``key=value``.

What has no ``=`` has no key, and what has no value is a tombstone.
"""

import struct
from collections.abc import Mapping, Sequence

from persistence.streams.compaction import Compaction, Keyed
from persistence.streams.gathering import Appended
from queues.stream_log import StreamLog
from tests.support.stream_logs import all_messages, entry

SUB_BATCH = struct.Struct(">BHII")
COMPRESSED = 0x90
PLAIN = 0x80
TOMBSTONE_AGE_MS = 100


def key_of(message: bytes) -> bytes | None:
    """Return the key of a message; None without one."""
    key, equals, _ = message.partition(b"=")
    return key if equals else None


def is_tombstone(message: bytes) -> bool:
    """Return whether a message says that its key is gone."""
    return message.endswith(b"=")


def sub_batch(*messages: bytes, kind: int = PLAIN) -> Appended:
    """Return what appends these messages as one entry."""
    octets = b"".join(map(entry, messages))
    head = SUB_BATCH.pack(kind, len(messages), len(octets), len(octets))
    return Appended([head + octets], 1, len(messages))


def find_keys(data: bytes, position: int, count_max: int) -> Keyed:
    """Find keys; a ``FindKeys``."""
    stops: list[int] = []
    counts: list[int] = []
    messages: list[bytes | None] = []
    while position < len(data) and len(stops) < count_max:
        if data[position] < PLAIN:
            found, position = _messages(data, position, 1)
            messages += found
            counts.append(1)
        else:
            kind, count, _, size_bytes = SUB_BATCH.unpack_from(data, position)
            position += SUB_BATCH.size
            if kind == PLAIN:
                messages += _messages(data, position, count)[0]
            else:
                messages += [None] * count
            position += size_bytes
            counts.append(count)
        stops.append(position)
    return Keyed(
        stops,
        counts,
        [None if each is None else key_of(each) for each in messages],
        [each is not None and is_tombstone(each) for each in messages],
        [b"" if each is None else each[:1] for each in messages],
    )


def _messages(data: bytes, position: int, count: int) -> tuple[list[bytes], int]:
    found = []
    for _ in range(count):
        stop = position + 4 + int.from_bytes(data[position : position + 4], "big")
        found.append(data[position + 4 : stop])
        position = stop
    return found, position


COMPACTION = Compaction(b"test", find_keys, TOMBSTONE_AGE_MS)


def compact(log: StreamLog, now_ms: int, pieces_max: int = 10_000) -> int:
    """Compact until nothing is left to do; return in how many pieces."""
    for number in range(pieces_max):
        if log.compact(now_ms):
            return number + 1
    raise AssertionError("a compaction ends")


def state_of(messages: Sequence[tuple[int, bytes]]) -> Mapping[bytes, bytes]:
    """Return what one who reads these messages knows: the last of each key that is not gone."""
    known: dict[bytes, bytes] = {}
    for _, message in messages:
        key = key_of(message)
        if key is not None:
            known[key] = message
            if is_tombstone(message):
                del known[key]
    return known


def kept(log: StreamLog) -> list[bytes]:
    """Return the messages that are left."""
    return [message for _, message in all_messages(log)]
