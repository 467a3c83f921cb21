"""Reads a broker's answers to publishes: acks, nacks and returns, from reads of any size."""

import struct
from typing import Final

from load_generator import wire
from load_generator.wire import (
    ACK_FRAME_BYTES,
    BASIC_ACK,
    BASIC_NACK,
    BASIC_RETURN,
    CONNECTION_BLOCKED,
    CONNECTION_UNBLOCKED,
    FRAME_BODY,
    FRAME_END,
    FRAME_HEAD_BYTES,
    FRAME_HEADER,
    FRAME_METHOD,
    FRAME_OVERHEAD_BYTES,
    BrokerRefusalError,
)

_ACK: Final = struct.Struct(">BHIHHQBB")
"""Acks and nacks have the same length; only the method id differs, and a flag that we ignore."""
_ANSWER_HEAD: Final = [FRAME_METHOD, 1, ACK_FRAME_BYTES - FRAME_OVERHEAD_BYTES]
"""Type, channel and size of their frames."""
_ACK_HEAD: Final = wire.ack(0, multiple=False)[:11]
_TAG: Final = struct.Struct(">Q")
_MULTIPLE: Final = 1
_UNASKED: Final = (BASIC_RETURN, CONNECTION_BLOCKED, CONNECTION_UNBLOCKED)
_BLOCKED: Final = struct.pack(">HH", *CONNECTION_BLOCKED)
_OF_ALARMS: Final = (_BLOCKED, struct.pack(">HH", *CONNECTION_UNBLOCKED))
_METHOD_STOP: Final = FRAME_HEAD_BYTES + 4


class ConfirmCounter:
    """Counts the publishes of one channel that a broker answered.

    Invariant: ``confirmed_count + nacked_count`` is the number of distinct sequence numbers
    answered, and every number up to ``_up_to`` is among them.

    Attributes:
        confirmed_count: publishes that the broker confirmed.
        nacked_count: publishes that it refused.
        returned_count: messages that it returned.
        highest_tag: the largest sequence number answered.
        is_blocked: ``connection.blocked`` came, and no ``connection.unblocked`` since.
    """

    def __init__(self) -> None:
        self.highest_tag = 0
        self.confirmed_count = 0
        self.nacked_count = 0
        self.returned_count = 0
        self.is_blocked = False
        self._up_to = 0
        self._singles: set[int] = set()
        self._rest = b""
        self._returned = b""

    @property
    def answered_count(self) -> int:
        """Publishes that the broker has confirmed or refused."""
        return self.confirmed_count + self.nacked_count

    def received(self, octets: bytes) -> None:
        """Count the answers in the bytes of a read.

        Raises:
            BrokerRefusalError: a close, or anything else that is no answer to a publish.
        """
        if len(octets) == ACK_FRAME_BYTES and self._is_next_ack(octets):
            return
        octets = self._rest + octets
        position = 0
        began: int | None = None
        while True:
            answered_at = self._count_answers(octets, position)
            if answered_at > position:
                position, began = answered_at, None
            position = self._count_alike_returns(octets, position)
            stop = _skip_returned(octets, position)
            if stop is None:
                break
            called = octets[position + FRAME_HEAD_BYTES : position + _METHOD_STOP]
            if octets[position] == FRAME_METHOD and called in _OF_ALARMS:
                self.is_blocked = called == _BLOCKED
                began = None
            elif octets[position] == FRAME_METHOD:
                self.returned_count += 1
                if began is not None:
                    self._returned = octets[began:position]
                began = position
            position = stop
        self._rest = octets[position:]

    def _is_next_ack(self, octets: bytes) -> bool:
        """Count the ack of the next publish, if the read brought nothing else, as many do."""
        tag = self._up_to + 1
        (acked_tag,) = _TAG.unpack_from(octets, len(_ACK_HEAD))
        if (
            acked_tag != tag
            or self.highest_tag >= tag
            or self._rest
            or octets[-1] != FRAME_END
            or not octets.startswith(_ACK_HEAD)
        ):
            return False
        self._up_to = self.highest_tag = tag
        self.confirmed_count += 1
        return True

    def _count_alike_returns(self, octets: bytes, start: int) -> int:
        """Count returns with the same octets as the last one; return their end."""
        alike, position = self._returned, start
        while alike and octets.startswith(alike, position):
            position += len(alike)
            self.returned_count += 1
        return position

    def _count_answers(self, octets: bytes, start: int) -> int:
        """Count the acks and nacks that follow each other from ``start``; return their end."""
        whole_bytes = (len(octets) - start) // ACK_FRAME_BYTES * ACK_FRAME_BYTES
        position = start
        for *head, class_id, method_id, tag, flags, frame_end in _ACK.iter_unpack(
            memoryview(octets)[start : start + whole_bytes]
        ):
            called = (class_id, method_id)
            is_ack = called == BASIC_ACK
            if head != _ANSWER_HEAD or frame_end != FRAME_END:
                break
            if not is_ack and called != BASIC_NACK:
                break
            count = self._answer(tag, multiple=bool(flags & _MULTIPLE))
            if is_ack:
                self.confirmed_count += count
            else:
                self.nacked_count += count
            position += ACK_FRAME_BYTES
        return position

    def _answer(self, tag: int, *, multiple: bool) -> int:
        """Return the number of sequence numbers that had no answer before this one."""
        count = 0
        self.highest_tag = max(self.highest_tag, tag)
        if not multiple:
            if tag > self._up_to and tag not in self._singles:
                self._singles.add(tag)
                count = 1
        elif tag > self._up_to:
            earlier = {single for single in self._singles if single <= tag}
            count = tag - self._up_to - len(earlier)
            self._singles -= earlier
            self._up_to = tag
        while self._up_to + 1 in self._singles:
            self._up_to += 1
            self._singles.remove(self._up_to)
        return count


def _skip_returned(octets: bytes, start: int) -> int | None:
    """Return the end of a frame of a returned message or of an alarm; None if it is not whole.

    Raises:
        BrokerRefusalError: another frame.
    """
    if len(octets) - start < FRAME_OVERHEAD_BYTES:
        return None
    (size_bytes,) = struct.unpack_from(">I", octets, start + 3)
    if size_bytes > wire.FRAME_MAX_BYTES:
        raise BrokerRefusalError("bytes that are no frame among the confirms")
    stop = start + FRAME_OVERHEAD_BYTES + int(size_bytes)
    if stop > len(octets):
        return None
    (received,), _stop = wire.split_frames(octets, start, stop)
    if received.kind not in {FRAME_HEADER, FRAME_BODY} and (
        wire.method_of(received) not in _UNASKED
    ):
        raise wire.refusal(received)
    return stop
