"""Looks at the messages of a stream where they are; see ``queues.looking``."""

from persistence.record import body_bytes
from queues.looking import LOOK_BYTES_MAX, Looked, LookedSlice, LookPlace, Passed
from queues.stream.amqp10 import MalformedMessageError
from queues.stream.from_amqp10 import Wanted, read_messages
from queues.stream.place import EXTENT_BYTES_MAX
from queues.stream_log import StreamLog


def look(log: StreamLog, queue_name: bytes, place: LookPlace | None, max_count: int) -> Looked:
    """Return the next messages of a stream, from one read of its log.

    Args:
        log: of the stream.
        queue_name: routing key of messages that have none.
        place: the offset to begin at; None is the first message that is kept.
        max_count: the most to return.

    Raises:
        OSError: the disk could not be read.
    """
    offset = log.first_offset if place is None else place.position
    extent = log.read(offset, EXTENT_BYTES_MAX, checks=True)
    if extent is None:
        return Looked((), None)
    slices: list[LookedSlice] = []
    left, left_bytes = max_count, LOOK_BYTES_MAX
    offset = max(offset, extent.first_offset)
    for position, header in extent.chunks:
        if left <= 0 or left_bytes <= 0:
            break
        at = position + header.data_at
        data = bytes(extent.octets[at : at + header.data_bytes])
        first = max(offset, header.first_offset)
        try:
            wanted = Wanted(first, left, left_bytes)
            read = read_messages(data, 0, header.first_offset, queue_name, wanted)
        except MalformedMessageError:
            offset = max(header.next_offset, offset)
            continue
        # The last entry may be a sub-batch with more messages than are wanted.
        offsets, run = read.offsets[:left], read.run[:left]
        if offsets:
            slices.append(LookedSlice(run, offsets, timestamp_ms=header.timestamp_ms))
            left -= len(offsets)
            left_bytes -= body_bytes(run)
        if len(offsets) < len(read.offsets):
            offset = offsets[-1] + 1
        else:
            offset = header.next_offset if read.position >= len(data) else read.next_offset
    return Looked(slices, LookPlace(0, offset))


def passing_by(log: StreamLog, count: int) -> Passed:
    """Return the place behind the first messages of a stream; gaps between offsets count too."""
    offset = log.first_offset + count
    return Passed(LookPlace(0, offset) if offset < log.readable_offset else None, 0)
