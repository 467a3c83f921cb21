"""Publishes that are rendered before the clock starts, and sent again and again from one buffer.

    | publish, key 0 | publish, key 1 | … | publish, key n-1 |   and again from the left
      ^ cursor: a write takes a number of whole publishes from here

A single key is repeated until a write can be filled. If latency is measured, the instants at which
messages are due are written into the bodies just before they are sent. Each lane then has its own
ring, because another lane must not change bytes that are not sent yet.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from load_generator import wire
from load_generator.load import INSTANT_BYTES, Load, publishes_per_write
from load_generator.wire import LoadError

RING_BYTES_MAX: Final = 1 << 28
"""Most memory of all rings of a worker together."""


class MessageRing:
    """The publishes of one lane."""

    def __init__(self, messages: Sequence[bytes], tail_bytes: int, count_per_write: int) -> None:
        """Take rendered publishes.

        Args:
            messages: one publish for each key, in the order of sending.
            tail_bytes: from the beginning of the body to the end of a publish.
            count_per_write: most publishes that ``take`` returns.
        """
        assert messages, "there is something to publish"
        row = [*messages] * -(-count_per_write // len(messages))
        self._buffer = bytearray().join(row)
        self._view = memoryview(self._buffer)
        self._edges = [0, *accumulate(map(len, row))]
        self._count = len(self._edges) - 1
        self._tail_bytes = tail_bytes
        self._count_per_write = count_per_write
        self._cursor = 0
        sizes = {len(message) for message in messages}
        self._same_bytes = sizes.pop() if len(sizes) == 1 else 0

    def take(self, count_max: int) -> tuple[memoryview, int]:
        """Return the next whole publishes, and their number.

        Args:
            count_max: most publishes, above 0.
        """
        first = self._cursor
        if not first and count_max >= self._count <= self._count_per_write:
            return self._view, self._count
        stop = min(first + min(count_max, self._count_per_write), self._count)
        self._cursor = stop % self._count
        return self._view[self._edges[first] : self._edges[stop]], stop - first

    def stamp(self, count: int, due_ns: int, interval_ns: float) -> None:
        """Write instants into the ``count`` publishes that were taken last.

        Args:
            count: the number that ``take`` returned.
            due_ns: instant of the first.
            interval_ns: time between two of them; 0 gives all the same instant.
        """
        stop = self._cursor or self._count
        first = stop - count
        if self._same_bytes and not interval_ns:
            self._stamp_alike(first, stop, due_ns)
            return
        for index in range(first, stop):
            at = self._edges[index + 1] - self._tail_bytes
            instant_ns = due_ns + round((index - first) * interval_ns)
            self._buffer[at : at + INSTANT_BYTES] = instant_ns.to_bytes(INSTANT_BYTES, "big")

    def _stamp_alike(self, first: int, stop: int, due_ns: int) -> None:
        """Write one instant into publishes of one size; one slice writes one octet into all."""
        start, end, size = self._edges[first], self._edges[stop], self._same_bytes
        start += size - self._tail_bytes
        for index, octet in enumerate(due_ns.to_bytes(INSTANT_BYTES, "big")):
            self._buffer[start + index : end : size] = bytes((octet,)) * (stop - first)


def rings_of(load: Load, indexes: Sequence[int], frame_max_bytes: int) -> list[MessageRing]:
    """Render the rings of the publishers with these indexes.

    Raises:
        LoadError: a key is too long, or RING_BYTES_MAX is not enough.
    """
    rendered: dict[int, list[bytes]] = {}
    shared: dict[int, MessageRing] = {}
    rings: list[MessageRing] = []
    left_bytes = RING_BYTES_MAX
    for index in indexes:
        keys = load.publisher_keys[index]
        # Publishers of the same keys share the rendered bytes; without instants, also the ring.
        if id(keys) in shared and not load.has_instants:
            rings.append(shared[id(keys)])
            continue
        if id(keys) not in rendered:
            rendered[id(keys)] = _render(load, keys, frame_max_bytes, left_bytes)
        messages = rendered[id(keys)]
        count = publishes_per_write(load, len(messages[0]))
        left_bytes -= sum(map(len, messages)) * -(-count // len(messages))
        if left_bytes < 0:
            raise LoadError(_TOO_LARGE)
        rings.append(MessageRing(messages, _tail_bytes(load, frame_max_bytes), count))
        shared[id(keys)] = rings[-1]
    return rings


_TOO_LARGE: Final = (
    f"the publishes of one process take more than {RING_BYTES_MAX >> 20} MiB when rendered; "
    "use fewer routing keys or smaller bodies, or more processes"
)


def _render(load: Load, keys: Sequence[str], frame_max_bytes: int, left_bytes: int) -> list[bytes]:
    if len(keys) * len(load.body) > left_bytes:
        raise LoadError(_TOO_LARGE)
    return [
        wire.publish(
            load.exchange,
            key,
            load.properties,
            load.body,
            mandatory=load.mandatory,
            frame_max_bytes=frame_max_bytes,
        )
        for key in keys
    ]


def _tail_bytes(load: Load, frame_max_bytes: int) -> int:
    """Return the distance from the body's first octet to the end of the publish."""
    body_frame_count = -(-len(load.body) // (frame_max_bytes - wire.FRAME_OVERHEAD_BYTES))
    overhead_bytes = body_frame_count * wire.FRAME_OVERHEAD_BYTES
    return len(load.body) + overhead_bytes - wire.FRAME_HEAD_BYTES
