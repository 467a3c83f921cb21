"""Counts what a broker sends without looking at every frame in Python.

Most often all deliveries of a load have the same size: the delivery tag is always eight octets, and
names, properties and body have a fixed length. So only the first delivery is walked frame by frame,
which gives the size; the deliveries of later reads are counted by division. Strided slices then
check, at the speed of C, that a basic.deliver begins and a frame ends at the right places. The tag
of the last one shows that none is missing. If a check fails, the frames are walked.
"""

import struct
from collections.abc import Iterable
from typing import Final

from load_generator.histogram import Histogram
from load_generator.load import INSTANT_BYTES
from load_generator.wire import (
    BASIC_DELIVER,
    FRAME_BODY,
    FRAME_END,
    FRAME_HEADER,
    FRAME_METHOD,
    FRAME_OVERHEAD_BYTES,
    BrokerRefusalError,
    refusal,
    split_frames,
)

_FRAME_HEAD_BYTES: Final = 7
_FRAME_SIZE_AT: Final = 3
_CLASS_AT: Final = 8
_METHOD_AT: Final = 10
_CONSUMER_TAG_AT: Final = 11
_BODY_SIZE_AT: Final = 11
_DELIVER_HEAD: Final = struct.pack(">BHH", FRAME_METHOD, *BASIC_DELIVER)
_U32: Final = struct.Struct(">I")
_U64: Final = struct.Struct(">Q")
DELIVERY_BYTES_MAX: Final = 1 << 28
"""Largest delivery that is accepted; RabbitMQ's own limit is a body of 128 MiB."""
SAMPLES_PER_READ_MAX: Final = 64
"""If one read brings more messages, only this many are measured, evenly chosen."""


class DeliveryCounter:
    """Counts the deliveries of one channel of one connection.

    Invariant: if tags are counted, ``delivery_count`` is the last delivery tag. Tags begin at 1;
    one that is skipped, repeated or out of order raises.
    """

    def __init__(
        self,
        capacity_bytes: int,
        latencies: Histogram | None = None,
        *,
        has_counted_tags: bool = True,
    ) -> None:
        """Count from 0.

        Args:
            capacity_bytes: the largest read; grows for a delivery that does not fit.
            latencies: records the instants in the bodies; None does not read them.
            has_counted_tags: False over direct reply-to, where RabbitMQ gives all the same tag.
        """
        self._has_counted_tags = has_counted_tags
        self.delivery_count = 0
        self._latencies = latencies
        self._buffer = bytearray(capacity_bytes)
        self._view = memoryview(self._buffer)
        self._held_bytes = 0
        self._delivery_bytes = 0
        self._tag_at = 0
        self._body_size_at = 0
        self._body_bytes = 0
        self._body_at = 0
        self._header_at = 0
        self._last_stop = 0

    def room(self) -> memoryview:
        """Return the memory for the next read; it is never empty.

        Raises:
            BrokerRefusalError: a delivery larger than DELIVERY_BYTES_MAX.
        """
        if self._held_bytes == len(self._buffer):
            if self._held_bytes >= DELIVERY_BYTES_MAX:
                raise BrokerRefusalError(f"a delivery larger than {DELIVERY_BYTES_MAX} bytes")
            # A queue that existed before the run may hold messages larger than those of the run.
            self._buffer = self._buffer + bytes(self._held_bytes)
            self._view = memoryview(self._buffer)
        return self._view[self._held_bytes :]

    def header(self) -> bytes:
        """Return the payload of the content header of the one delivery that the last read ended.

        Raises:
            BrokerRefusalError: more bytes came after it.
        """
        if self._held_bytes or self._last_stop != self._delivery_bytes:
            raise BrokerRefusalError("more than one delivery at a time")
        return bytes(self._buffer[self._header_at : self._body_at - _FRAME_HEAD_BYTES - 1])

    def received(self, byte_count: int, now_ns: int = 0) -> int:
        """Count the deliveries of a read of ``byte_count`` bytes into ``room``.

        Args:
            byte_count: above 0.
            now_ns: the time at which the read returned; for latencies.

        Returns:
            The number of deliveries that became complete.

        Raises:
            BrokerRefusalError: anything but deliveries, or a delivery tag out of order.
        """
        before = self.delivery_count
        end = self._held_bytes + byte_count
        start = self._count_alike(end)
        if start and self._latencies:
            self._record_alike(self._latencies, start, now_ns)
        while (stop := self._walk_delivery(start, end)) is not None:
            if self._latencies:
                self._record(self._latencies, now_ns, [start + self._body_at])
            start = stop
        self._held_bytes = end - start
        self._last_stop = start
        if start:
            self._buffer[: self._held_bytes] = self._buffer[start:end]
        return self.delivery_count - before

    def _count_alike(self, end: int) -> int:
        """Count whole deliveries of the known size at the front; return where they stop."""
        size = self._delivery_bytes
        count = end // size if size else 0
        if not count:
            return 0
        stop = count * size
        buffer = self._buffer
        (last_tag,) = _U64.unpack_from(buffer, stop - size + self._tag_at)
        # The slices check where deliveries begin, the header that the last one is complete.
        (last_body_bytes,) = _U64.unpack_from(buffer, stop - size + self._body_size_at)
        alike = (
            (last_tag == self.delivery_count + count or not self._has_counted_tags)
            and last_body_bytes == self._body_bytes
            and (self._is_framed(size) if count == 1 else self._are_framed(size, count))
        )
        if not alike:
            return 0
        self.delivery_count += count
        return stop

    def _is_framed(self, size: int) -> bool:
        """Return the same as ``_are_framed`` for one delivery, at less cost."""
        buffer = self._buffer
        return (
            buffer[0] == FRAME_METHOD
            and buffer[_CLASS_AT] == BASIC_DELIVER.class_id
            and buffer[_METHOD_AT] == BASIC_DELIVER.method_id
            and buffer[size - 1] == FRAME_END
        )

    def _are_framed(self, size: int, count: int) -> bool:
        """Return whether a basic.deliver begins, and a frame ends, at each right place."""
        buffer, stop = self._buffer, size * count
        return (
            buffer[:stop:size].count(FRAME_METHOD) == count
            and buffer[_CLASS_AT:stop:size].count(BASIC_DELIVER.class_id) == count
            and buffer[_METHOD_AT:stop:size].count(BASIC_DELIVER.method_id) == count
            and buffer[size - 1 : stop : size].count(FRAME_END) == count
        )

    def _record_alike(self, latencies: Histogram, stop: int, now_ns: int) -> None:
        """Record the deliveries up to ``stop``, or some of them with a weight."""
        size = self._delivery_bytes
        step = -(-stop // size // SAMPLES_PER_READ_MAX)
        self._record(latencies, now_ns, range(self._body_at, stop, step * size), step)

    def _record(
        self, latencies: Histogram, now_ns: int, bodies_at: Iterable[int], weight: int = 1
    ) -> None:
        if self._body_bytes >= INSTANT_BYTES:
            due_ns = [_U64.unpack_from(self._buffer, position)[0] for position in bodies_at]
            latencies.record(now_ns, due_ns, weight)

    def _walk_delivery(self, start: int, end: int) -> int | None:
        """Count the delivery at ``start`` if it is whole; return its end, None if it is not.

        Only frame heads are read, so that a large body that arrives in many reads is not
        copied at each of them.
        """
        method_stop = self._frame_stop(start, end)
        if method_stop is None:
            return None
        tag_at = self._check_tag(start, method_stop)
        stop = self._frame_stop(method_stop, end)
        if stop is None:
            return None
        if self._buffer[method_stop] != FRAME_HEADER:
            raise self._refusal(method_stop, stop)
        (body_bytes,) = _U64.unpack_from(self._buffer, method_stop + _BODY_SIZE_AT)
        head_stop, left_bytes = stop, body_bytes
        while left_bytes:
            body_start, stop = stop, self._frame_stop(stop, end)
            if stop is None:
                return None
            if self._buffer[body_start] != FRAME_BODY:
                raise self._refusal(body_start, stop)
            left_bytes -= stop - body_start - FRAME_OVERHEAD_BYTES
        self.delivery_count += 1
        self._delivery_bytes = stop - start
        self._tag_at = tag_at - start
        self._body_size_at = method_stop + _BODY_SIZE_AT - start
        self._body_bytes = body_bytes
        self._header_at = method_stop - start + _FRAME_HEAD_BYTES
        self._body_at = head_stop - start + _FRAME_HEAD_BYTES
        return stop

    def _check_tag(self, start: int, stop: int) -> int:
        """Return the position of the tag of a basic.deliver; it must be the next tag."""
        head = self._buffer[start : start + 1] + self._buffer[start + 7 : start + 11]
        if head != _DELIVER_HEAD:
            raise self._refusal(start, stop)
        tag_at = start + _CONSUMER_TAG_AT + 1 + self._buffer[start + _CONSUMER_TAG_AT]
        (delivery_tag,) = _U64.unpack_from(self._buffer, tag_at)
        if delivery_tag != self.delivery_count + 1 and self._has_counted_tags:
            raise BrokerRefusalError(f"delivery tag {delivery_tag} follows {self.delivery_count}")
        return tag_at

    def _frame_stop(self, start: int, end: int) -> int | None:
        """Return the end of the frame at ``start``; None if it is not whole."""
        if end - start < FRAME_OVERHEAD_BYTES:
            return None
        (size_bytes,) = _U32.unpack_from(self._buffer, start + _FRAME_SIZE_AT)
        stop: int = start + FRAME_OVERHEAD_BYTES + size_bytes
        if stop > end:
            return None
        if self._buffer[stop - 1] != FRAME_END:
            raise BrokerRefusalError(f"a frame ends in 0x{self._buffer[stop - 1]:02X}, not 0xCE")
        return stop

    def _refusal(self, start: int, stop: int) -> BrokerRefusalError:
        frames, _stop = split_frames(self._buffer, start, stop)
        return refusal(frames[0])
