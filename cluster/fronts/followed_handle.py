"""A consumer of a stream, as its front half knows it: with the place that it has come to.

The next leader is asked to go on there. A consumer whose offset is stored goes on behind what is
stored instead: acks of earlier deliveries are swallowed, and what they would have stored must come
again. Where nothing is stored yet it begins where it has begun.
"""

from collections.abc import Callable, Mapping, Sequence
from struct import Struct
from typing import Final, Self

from cluster.fronts.consumers_kept import CANCEL_ON_FAILOVER
from persistence.record import Record
from queues.batch import Batch
from queues.consumer_port import ConsumerHandle, Lane
from queues.offset_spec import OffsetKind, OffsetSpec

OFFSET: Final = "x-stream-offset"
"""The argument that says where to begin, and the first header of each delivery."""

_STORED_BY: Final = ("x-stream-automatic-offset-tracking", "x-stream-group")
_FIELD: Final = bytes((len(OFFSET),)) + OFFSET.encode() + b"l"
_NUMBER: Final = Struct(">q")
_FLAGS_AT: Final = 12
_SHORT_TEXTS: Final = (0x80, 0x40)
"""Flags of content-type and content-encoding, which stand before the headers."""

_LENGTH_BYTES: Final = 4


def offset_of(record: Record) -> int:
    """Return the offset in the first header of a message that a stream has delivered."""
    header = bytes(record.header)
    at = _FLAGS_AT + 2
    for flag in _SHORT_TEXTS:
        if header[_FLAGS_AT] & flag:
            at += 1 + header[at]
    at += _LENGTH_BYTES
    assert header[at : at + len(_FIELD)] == _FIELD, "a stream puts it first"
    (offset,) = _NUMBER.unpack_from(header, at + len(_FIELD))
    return int(offset)


class FollowedHandle:
    """A ``queues.ports.ConsumerHandle`` over that of a channel.

    Args:
        handle: of the channel.
        forget: called when the queue has removed it.

    Attributes:
        next_offset: where to go on if nothing is stored for it; None before a leader has said where
            it begins.
        reads_anywhere: nothing that its leader alone has is needed to serve it.
    """

    def __init__(self, handle: ConsumerHandle, forget: Callable[[ConsumerHandle], object]) -> None:
        self.handle = handle
        self.next_offset: int | None = None
        self._forget = forget
        self.consumer_tag = handle.consumer_tag
        self.priority = handle.priority
        self.no_ack = handle.no_ack
        self.exclusive = handle.exclusive
        self.lane: Lane = handle.lane
        # Bound methods of the channel's own handle: to ask it costs no call more.
        self.credit = handle.credit
        self.has_own_room = handle.has_own_room
        self._is_stored = any([handle.arguments.get(each) for each in _STORED_BY])
        hears_of_leaders = handle.arguments.get(CANCEL_ON_FAILOVER) is True
        self.reads_anywhere = not self._is_stored and not hears_of_leaders

    @property
    def arguments(self) -> Mapping[str, object]:
        """Its arguments, with the place that it has come to."""
        if self.next_offset is None:
            return self.handle.arguments
        return {
            **self.handle.arguments,
            OFFSET: OffsetSpec(OffsetKind.OFFSET, self.next_offset),
        }

    @property
    def shares_credit(self) -> bool:
        """As the channel's handle says now."""
        return self.handle.shares_credit

    @property
    def is_blocked(self) -> bool:
        """As the channel's handle has it."""
        return self.handle.is_blocked

    @is_blocked.setter
    def is_blocked(self, is_blocked: bool) -> None:
        self.handle.is_blocked = is_blocked

    def began_at(self, offset: int) -> None:
        """Note where a leader has begun with it; a later one is told where to go on."""
        if self.next_offset is None and offset >= 0:
            self.next_offset = offset

    def cancelled(self) -> None:
        """Hear that its queue has removed it."""
        self._forget(self.handle)
        self.handle.cancelled()

    def deliver(self, batch: Batch) -> None:
        """Hand a batch on."""
        if not self._is_stored:
            self.next_offset = offset_of(batch.records[-1]) + 1
        elif self.next_offset is None:
            # In a group a leader does not say at once where it begins.
            self.next_offset = offset_of(batch.records[0])
        self.handle.deliver(batch)

    def deliver_in_turn(self, handles: Sequence[Self], batch: Batch) -> None:
        """Hand a batch for several consumers on; a stream delivers to each alone."""
        self.handle.deliver_in_turn([each.handle for each in handles], batch)
