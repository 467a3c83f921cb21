"""Frames of the two halves as octets: a head, and the run whose records follow it."""

from collections.abc import Callable
from struct import pack
from typing import Any, Final, NamedTuple, TypeAlias

from cluster.fronts.frames import (
    Ask,
    Barred,
    Cancel,
    Close,
    Confirmed,
    Consume,
    Consuming,
    Counts,
    Credit,
    Deliver,
    Gap,
    Got,
    NotServing,
    Open,
    Opened,
    Publish,
    Purged,
    Refused,
    Settle,
    ToFront,
    ToLeader,
)
from cluster.fronts.links.layout import (
    ASK,
    BATCH,
    CONSUME,
    DELIVER,
    EXCLUSIVE,
    NO_ACK,
    PUBLISH,
    QUEUE,
    QUEUE_AND_1,
    QUEUE_AND_2,
    QUEUE_AND_3,
    QUEUE_AND_4,
    RANGE,
    REDELIVERED,
    SETTLE,
    TAG_BYTES_MAX,
    FrameKind,
)
from cluster.fronts.links.plain_values import encode_table
from persistence.record import Run, memory_bytes
from queues.batch import Batch

Frame: TypeAlias = ToLeader | ToFront

_PRIORITY_MAX: Final = (1 << 63) - 1


class Encoded(NamedTuple):
    """A frame that may leave.

    Attributes:
        head: all of it but its records.
        run: its records; None where it has none.
        records_bytes: how many octets these have.
    """

    kind: FrameKind
    head: bytes
    run: Run | None = None
    records_bytes: int = 0


def encode(frame: Frame, queue: int) -> Encoded:
    """Return a frame as octets.

    Args:
        frame: of either half.
        queue: the number of its queue on this connection.

    Raises:
        ValueError: the arguments of a consumer are no plain values, or too large.
    """
    return _ENCODERS[type(frame)](frame, queue)


def _publish(frame: Publish, queue: int) -> Encoded:
    run = frame.run
    size = memory_bytes(run)
    head = PUBLISH.pack(queue, frame.first, frame.open_below, frame.attempt, len(run), size)
    return Encoded(FrameKind.PUBLISH, head, run, size)


def _consume(frame: Consume, queue: int) -> Encoded:
    tag = frame.consumer_tag.encode("utf-8", "surrogateescape")
    if len(tag) > TAG_BYTES_MAX:
        raise ValueError(f"a consumer tag of {len(tag)} octets")
    flags = NO_ACK * frame.no_ack | EXCLUSIVE * frame.exclusive
    head = CONSUME.pack(
        queue,
        frame.consumer,
        frame.lane,
        frame.credit,
        frame.credit_bytes,
        min(max(frame.priority, -_PRIORITY_MAX - 1), _PRIORITY_MAX),
        flags,
        len(tag),
    )
    return Encoded(FrameKind.CONSUME, head + tag + encode_table(frame.arguments))


def _settle(frame: Settle, queue: int) -> Encoded:
    ranges = [RANGE.pack(each.start, each.step, len(each)) for each in frame.numbers]
    head = SETTLE.pack(queue, frame.settlement.value)
    return Encoded(FrameKind.SETTLE, head + b"".join(ranges))


def _ask(frame: Ask, queue: int) -> Encoded:
    return Encoded(FrameKind.ASK, ASK.pack(queue, frame.number, frame.question.value))


def _deliver(frame: Deliver, queue: int) -> Encoded:
    consumers = frame.consumers
    head = DELIVER.pack(queue, len(consumers)) + pack(f"<{len(consumers)}Q", *consumers)
    return _with_batch(FrameKind.DELIVER, head, frame.batch)


def _got(frame: Got, queue: int) -> Encoded:
    head = QUEUE_AND_2.pack(queue, frame.number, frame.ready_count)
    if frame.batch is None:
        return Encoded(FrameKind.GOT, head)
    return _with_batch(FrameKind.GOT, head, frame.batch)


def _with_batch(kind: FrameKind, head: bytes, batch: Batch) -> Encoded:
    numbers, run = batch.positions, batch.records
    assert batch.expires_at_ms is None, "no instants on a link"
    assert len(numbers) == numbers[-1] - numbers[0] + 1, "numbers without gaps"
    size = memory_bytes(run)
    flags = REDELIVERED * batch.redelivered
    head += BATCH.pack(flags, batch.delivery_count, numbers[0], len(numbers), size)
    return Encoded(kind, head, run, size)


_LAYOUTS: Final = (QUEUE, QUEUE_AND_1, QUEUE_AND_2, QUEUE_AND_3, QUEUE_AND_4)


def _plain(kind: FrameKind, *fields: str) -> Callable[..., Encoded]:
    """Return the encoder of a frame that is a queue and some numbers."""
    layout = _LAYOUTS[len(fields)]
    pack_head = layout.pack

    def encode_numbers(frame: Frame, queue: int) -> Encoded:
        return Encoded(kind, pack_head(queue, *[getattr(frame, field) for field in fields]))

    return encode_numbers


_ENCODERS: Final[dict[type[Any], Callable[[Any, int], Encoded]]] = {
    Open: _plain(FrameKind.OPEN, "epoch", "opening"),
    Close: _plain(FrameKind.CLOSE),
    Publish: _publish,
    Consume: _consume,
    Credit: _plain(FrameKind.CREDIT, "consumer", "total", "total_bytes"),
    Cancel: _plain(FrameKind.CANCEL, "consumer"),
    Settle: _settle,
    Ask: _ask,
    Opened: _plain(FrameKind.OPENED, "epoch", "opening", "published"),
    NotServing: _plain(FrameKind.NOT_SERVING, "epoch", "opening"),
    Confirmed: _plain(FrameKind.CONFIRMED, "number"),
    Refused: _plain(FrameKind.REFUSED, "first", "last"),
    Gap: _plain(FrameKind.GAP, "number"),
    Consuming: _plain(FrameKind.CONSUMING, "consumer", "begins"),
    Barred: _plain(FrameKind.BARRED, "consumer"),
    Deliver: _deliver,
    Got: _got,
    Purged: _plain(FrameKind.PURGED, "number", "purged_count"),
    Counts: _plain(FrameKind.COUNTS, "number", "ready_count", "consumer_count", "unacked_count"),
}
