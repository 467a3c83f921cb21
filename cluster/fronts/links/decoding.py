"""Octets of a front link as frames of the two halves.

Each count and length is held against its bound, and against the octets that are there, before it is
used. What does not fit is a ``LinkError``, whatever the octets are.
"""

from collections.abc import Callable, Iterator
from functools import partial
from struct import Struct, unpack_from
from struct import error as StructError  # noqa: N812 -- it is a class
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
    Question,
    Refused,
    Settle,
    Settlement,
)
from cluster.fronts.links.encoding import Frame
from cluster.fronts.links.layout import (
    ASK,
    BATCH,
    CONSUME,
    CONSUMER,
    DELIVER,
    EXCLUSIVE,
    FRAME,
    FRAMES_MAX,
    NO_ACK,
    PUBLISH,
    QUEUE,
    QUEUE_AND_1,
    QUEUE_AND_2,
    QUEUE_AND_3,
    QUEUE_AND_4,
    RANGE,
    RANGES_MAX,
    REDELIVERED,
    SETTLE,
    FrameKind,
)
from cluster.fronts.links.plain_values import decode_table
from cluster.links.decoding import QueueNames
from cluster.links.errors import LinkError
from persistence.codec import RECORD_BYTES_MIN
from persistence.record import Run
from queues.batch import Batch

MakeFrame: TypeAlias = Callable[[Run], Frame]

NUMBER_MAX: Final = 1 << 62
"""Above all numbers of messages: as positions are, so that sums of them have room."""


class Begun(NamedTuple):
    """A frame whose records are not decoded, and maybe not all here.

    Attributes:
        number: of its queue.
        make: returns the frame, once its run is there.
        message_count: how many records there are.
        records_bytes: of all of them.
        octets: those of them that came with the head.
    """

    number: int
    make: MakeFrame
    message_count: int
    records_bytes: int
    octets: memoryview


def frames_of(body: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield kind and octets of each frame of an envelope.

    Raises:
        LinkError: one is longer than what is there, or there are too many, or none.
    """
    at, count, stop = 0, 0, len(body)
    while at < stop or not count:
        begins_at = at + FRAME.size
        if begins_at > stop:
            raise LinkError("an envelope that ends within a frame")
        kind, size = FRAME.unpack_from(body, at)
        at = begins_at + size
        count += 1
        if at > stop or count > FRAMES_MAX:
            raise LinkError(f"frame {count} of an envelope has {size} octets, or is too much")
        yield kind, body[begins_at:at]


def decode(kind: int, body: memoryview, names: QueueNames) -> Frame | Begun:
    """Return a frame, or what is begun of one with records.

    Args:
        kind: of the frame.
        body: its octets; those of records stay where they are.
        names: of the queues that the other side told.

    Raises:
        LinkError: it is broken.
    """
    decoder = _DECODERS.get(kind)
    if decoder is None:
        raise LinkError(f"a frame of kind {kind}")
    return decoder(body, names)


def _publish(body: memoryview, names: QueueNames) -> Begun:
    number, first, open_below, attempt, count, size = _unpack(PUBLISH, body)
    if not first or open_below >= first:
        raise LinkError(f"a publish from {first}, open below it {open_below}")
    make = partial(Publish, names.of(number), first, open_below, attempt)
    return _begun(number, make, count, size, body[PUBLISH.size :])


def _consume(body: memoryview, names: QueueNames) -> Consume:
    number, consumer, lane, credit, credit_bytes, priority, flags, tag_bytes = _unpack(
        CONSUME, body
    )
    table_at = CONSUME.size + tag_bytes
    if flags & ~(NO_ACK | EXCLUSIVE) or len(body) < table_at:
        raise LinkError(f"a consumer with flags {flags} and a tag of {tag_bytes} octets")
    return Consume(
        names.of(number),
        consumer,
        str(body[CONSUME.size : table_at], "utf-8", "surrogateescape"),
        lane,
        priority,
        bool(flags & NO_ACK),
        bool(flags & EXCLUSIVE),
        decode_table(body[table_at:]),
        credit,
        credit_bytes,
    )


def _settle(body: memoryview, names: QueueNames) -> Settle:
    number, settlement = _unpack(SETTLE, body)
    rows = body[SETTLE.size :]
    if len(rows) % RANGE.size or not 0 < len(rows) <= RANGES_MAX * RANGE.size:
        raise LinkError(f"ranges of {len(rows)} octets")
    numbers = tuple([_range(*row) for row in RANGE.iter_unpack(rows)])
    return Settle(names.of(number), _SETTLEMENTS.of(settlement), numbers)


def _ask(body: memoryview, names: QueueNames) -> Ask:
    number, asked, question = _exactly(ASK, body)
    return Ask(names.of(number), asked, _QUESTIONS.of(question))


def _deliver(body: memoryview, names: QueueNames) -> Begun:
    number, count = _unpack(DELIVER, body)
    batch_at = DELIVER.size + count * CONSUMER.size
    if not count or len(body) < batch_at:
        raise LinkError(f"a batch for {count} consumers")
    consumers = unpack_from(f"<{count}Q", body, DELIVER.size)
    begun = _batch(number, partial(Deliver, names.of(number), consumers), body[batch_at:])
    if count > begun.message_count:
        raise LinkError(f"{begun.message_count} messages for {count} consumers")
    return begun


def _got(body: memoryview, names: QueueNames) -> Got | Begun:
    number, asked, ready_count = _unpack(QUEUE_AND_2, body)
    name = names.of(number)
    rest = body[QUEUE_AND_2.size :]
    if not len(rest):
        return Got(name, asked, None, ready_count)

    def make(batch: Batch) -> Got:
        return Got(name, asked, batch, ready_count)

    begun = _batch(number, make, rest)
    if begun.message_count != 1:
        raise LinkError(f"a get of {begun.message_count} messages")
    return begun


def _batch(number: int, make: Callable[[Batch], Frame], body: memoryview) -> Begun:
    flags, delivery_count, first, count, size = _unpack(BATCH, body)
    if flags & ~REDELIVERED:
        raise LinkError(f"a batch with flags {flags}")
    numbers = _range(first, 1, count)
    redelivered = bool(flags & REDELIVERED)

    def make_frame(run: Run) -> Frame:
        return make(Batch(numbers, run, None, delivery_count, redelivered=redelivered))

    return _begun(number, make_frame, count, size, body[BATCH.size :])


def _begun(number: int, make: MakeFrame, count: int, size: int, octets: memoryview) -> Begun:
    if not count or count > size // RECORD_BYTES_MIN or len(octets) > size:
        raise LinkError(f"{count} records in {size} octets, of which {len(octets)} are here")
    if len(octets) < size and count > 1:
        raise LinkError(f"a run of {count} records that is not whole")
    return Begun(number, make, count, size, octets)


def _range(first: int, step: int, count: int) -> range:
    stop = first + step * count
    if not step or not count or stop > NUMBER_MAX:
        raise LinkError(f"{count} numbers from {first} by {step}")
    return range(first, stop, step)


def _unpack(layout: Struct, body: memoryview) -> tuple[Any, ...]:
    try:
        return layout.unpack_from(body)
    except StructError:
        raise LinkError(f"a frame of {len(body)} octets, at least {layout.size} expected") from None


def _exactly(layout: Struct, body: memoryview) -> tuple[Any, ...]:
    try:
        return layout.unpack(body)
    except StructError:
        raise LinkError(f"a frame of {len(body)} octets, {layout.size} expected") from None


class _Choices:
    """Members of an enum by their number."""

    def __init__(self, choices: Any) -> None:  # noqa: ANN401 -- an enum's class
        self._name = choices.__name__
        self._by_value = {each.value: each for each in choices}

    def of(self, value: int) -> Any:  # noqa: ANN401 -- a member of the enum
        found = self._by_value.get(value)
        if found is None:
            raise LinkError(f"{self._name} {value}")
        return found


_SETTLEMENTS: Final = _Choices(Settlement)
_QUESTIONS: Final = _Choices(Question)


def _plain(make: Callable[..., Frame], layout: Struct) -> Callable[..., Frame]:
    """Return the decoder of a frame that is a queue and some numbers."""

    def decode_numbers(body: memoryview, names: QueueNames) -> Frame:
        number, *fields = _exactly(layout, body)
        return make(names.of(number), *fields)

    return decode_numbers


def _refused(queue: str, first: int, last: int) -> Refused:
    if not 0 < first <= last:
        raise LinkError(f"messages {first} to {last} were refused")
    return Refused(queue, first, last)


_DECODERS: Final[dict[int, Callable[[memoryview, QueueNames], Frame | Begun]]] = {
    FrameKind.OPEN: _plain(Open, QUEUE_AND_2),
    FrameKind.CLOSE: _plain(Close, QUEUE),
    FrameKind.PUBLISH: _publish,
    FrameKind.CONSUME: _consume,
    FrameKind.CREDIT: _plain(Credit, QUEUE_AND_3),
    FrameKind.CANCEL: _plain(Cancel, QUEUE_AND_1),
    FrameKind.SETTLE: _settle,
    FrameKind.ASK: _ask,
    FrameKind.OPENED: _plain(Opened, QUEUE_AND_3),
    FrameKind.NOT_SERVING: _plain(NotServing, QUEUE_AND_2),
    FrameKind.CONFIRMED: _plain(Confirmed, QUEUE_AND_1),
    FrameKind.REFUSED: _plain(_refused, QUEUE_AND_2),
    FrameKind.GAP: _plain(Gap, QUEUE_AND_1),
    FrameKind.CONSUMING: _plain(Consuming, QUEUE_AND_2),
    FrameKind.BARRED: _plain(Barred, QUEUE_AND_1),
    FrameKind.DELIVER: _deliver,
    FrameKind.GOT: _got,
    FrameKind.PURGED: _plain(Purged, QUEUE_AND_2),
    FrameKind.COUNTS: _plain(Counts, QUEUE_AND_4),
}

LEADER_TAKES: Final = frozenset(kind for kind in FrameKind if kind <= FrameKind.ASK)
"""Frames of a front half; the others are those of a leader half."""
