"""Counting what a broker sends without looking at every frame in Python.

All deliveries of a scenario have one size: the delivery tag is eight octets whatever its value,
and tag, names, properties and body do not change. So the first delivery is walked frame by
frame, its size is learned, and what one read brought is counted by division. Strided slices
then check, at the speed of C, that a basic.deliver begins and a frame ends where each should;
and the tag of the last one says that none is missing. Where a check fails, frames are walked.
"""

import struct
from typing import Final

from benchmarks.wire import (
    ACK_FRAME_BYTES,
    BASIC_ACK,
    BASIC_DELIVER,
    FRAME_BODY,
    FRAME_END,
    FRAME_HEADER,
    FRAME_METHOD,
    FRAME_OVERHEAD_BYTES,
    BrokerRefusalError,
    Frame,
    method_of,
    refusal,
    split_frames,
)

_CLASS_AT: Final = 8
_METHOD_AT: Final = 10
_CONSUMER_TAG_AT: Final = 11
_DELIVER_HEAD: Final = bytes((BASIC_DELIVER.class_id, 0, BASIC_DELIVER.method_id))
_TAG: Final = struct.Struct(">Q")
_BODY_SIZE_AT: Final = 4
_ACK: Final = struct.Struct(">BHIHHQBB")


class DeliveryCounter:
    """Counts the deliveries of one channel of one connection.

    Invariant: ``delivery_count`` is the last delivery tag, or this raised: tags begin at 1 and
    none is skipped, repeated or out of order.
    """

    def __init__(self, capacity_bytes: int) -> None:
        self.delivery_count = 0
        self._buffer = bytearray(capacity_bytes)
        self._view = memoryview(self._buffer)
        self._held_bytes = 0
        self._delivery_bytes = 0
        self._tag_at = 0
        self._walked_bytes = 0
        self._body_left_bytes = 0
        self._in_content = False

    def room(self) -> memoryview:
        """Return where the next read goes; it is never empty."""
        if self._held_bytes == len(self._buffer):
            # One frame fills the buffer: the peer sends what no scenario published.
            raise BrokerRefusalError(f"a frame larger than {len(self._buffer)} bytes")
        return self._view[self._held_bytes :]

    def received(self, byte_count: int) -> int:
        """Count what a read of ``byte_count`` bytes into ``room`` brought.

        Returns:
            How many deliveries became complete.

        Raises:
            BrokerRefusalError: anything but deliveries, or a delivery tag out of order.
        """
        before = self.delivery_count
        end = self._held_bytes + byte_count
        start = self._count_alike(0, end)
        if not self._is_torn_delivery(start, end):
            start = self._walk(start, end)
        self._held_bytes = end - start
        if start:
            self._buffer[: self._held_bytes] = self._buffer[start:end]
        return self.delivery_count - before

    def _is_torn_delivery(self, start: int, end: int) -> bool:
        """Tell whether the bytes left may wait for more: the beginning of a known delivery."""
        if not self._delivery_bytes or self._in_content or end - start >= self._delivery_bytes:
            return False
        head = self._buffer[start + _CLASS_AT : min(end, start + _METHOD_AT + 1)]
        return _DELIVER_HEAD.startswith(head)

    def _count_alike(self, start: int, end: int) -> int:
        """Count whole deliveries of the known size; return where they stop."""
        size = self._delivery_bytes
        if not size or self._in_content:
            return start
        count = (end - start) // size
        if not count:
            return start
        stop = start + count * size
        buffer = self._buffer
        (last_tag,) = _TAG.unpack_from(buffer, stop - size + self._tag_at)
        alike = (
            last_tag == self.delivery_count + count
            and buffer[start:stop:size].count(FRAME_METHOD) == count
            and buffer[start + _CLASS_AT : stop : size].count(BASIC_DELIVER.class_id) == count
            and buffer[start + _METHOD_AT : stop : size].count(BASIC_DELIVER.method_id) == count
            and buffer[start + size - 1 : stop : size].count(FRAME_END) == count
        )
        if not alike:
            return start
        self.delivery_count = last_tag
        return stop

    def _walk(self, start: int, end: int) -> int:
        frames, stop = split_frames(self._buffer, start, end)
        for received in frames:
            self._take(received)
        return stop

    def _take(self, received: Frame) -> None:
        if not self._in_content:
            self._begin(received)
            return
        self._walked_bytes += len(received.payload) + FRAME_OVERHEAD_BYTES
        if received.kind == FRAME_HEADER:
            (self._body_left_bytes,) = _TAG.unpack_from(received.payload, _BODY_SIZE_AT)
        elif received.kind == FRAME_BODY:
            self._body_left_bytes -= len(received.payload)
        else:
            raise refusal(received)
        if self._body_left_bytes == 0:
            self._in_content = False
            self._delivery_bytes = self._walked_bytes
            self.delivery_count += 1

    def _begin(self, received: Frame) -> None:
        if method_of(received) != BASIC_DELIVER:
            raise refusal(received)
        # The payload begins with class and method id; the frame head is seven octets longer.
        tag_at = 5 + received.payload[4]
        (delivery_tag,) = _TAG.unpack_from(received.payload, tag_at)
        if delivery_tag != self.delivery_count + 1:
            raise BrokerRefusalError(
                f"delivery tag {delivery_tag} follows {self.delivery_count}",
            )
        self._tag_at = tag_at + _CONSUMER_TAG_AT - 4
        self._in_content = True
        self._walked_bytes = len(received.payload) + FRAME_OVERHEAD_BYTES


class ConfirmCounter:
    """Counts the publishes that a broker confirmed, from acks that are single or multiple.

    Invariant: ``confirmed_count`` is the number of distinct sequence numbers confirmed, and
    every number up to ``_up_to`` is among them.
    """

    def __init__(self) -> None:
        self.confirmed_count = 0
        self._up_to = 0
        self._singles: set[int] = set()
        self._rest = b""

    def received(self, octets: bytes) -> None:
        """Count the acks in what a read brought.

        Raises:
            BrokerRefusalError: a nack, a close, or anything else that is not an ack.
        """
        octets = self._rest + octets
        whole_bytes = len(octets) - len(octets) % ACK_FRAME_BYTES
        if len(octets) != whole_bytes and octets[whole_bytes] != FRAME_METHOD:
            raise BrokerRefusalError("something else than an ack among the confirms")
        for fields in _ACK.iter_unpack(octets[:whole_bytes]):
            if fields[:5] != (FRAME_METHOD, fields[1], 13, *BASIC_ACK):
                raise _first_refusal(octets)
            self._confirm(fields[5], multiple=bool(fields[6]))
        self._rest = octets[whole_bytes:]

    def _confirm(self, tag: int, *, multiple: bool) -> None:
        if not multiple:
            if tag > self._up_to and tag not in self._singles:
                self._singles.add(tag)
                self.confirmed_count += 1
        elif tag > self._up_to:
            earlier = {single for single in self._singles if single <= tag}
            self.confirmed_count += tag - self._up_to - len(earlier)
            self._singles -= earlier
            self._up_to = tag
        while self._up_to + 1 in self._singles:
            self._up_to += 1
            self._singles.remove(self._up_to)


def _first_refusal(octets: bytes) -> BrokerRefusalError:
    """Find the first frame that is not an ack, for its text."""
    frames, _stop = split_frames(octets, 0, len(octets))
    strangers = (received for received in frames if method_of(received) != BASIC_ACK)
    return next(
        (refusal(stranger) for stranger in strangers),
        BrokerRefusalError("a confirm that is cut short"),
    )
