"""Content that arrives frame by frame: one publish a channel at a time.

Content that the scanner found whole never comes here. This module handles bodies of several
frames, content cut by the end of a read, and mistakes.

Source: AMQP 0-9-1 §4.2.6; RabbitMQ, rabbit_command_assembler, for the texts.
"""

import struct
from typing import Final, NamedTuple

from amqp_server.wire.constants import BODY_MAX_BYTES, FRAME_BODY, FRAME_HEADER
from amqp_server.wire.errors import FrameError, UnexpectedFrameError
from amqp_server.wire.methods import erlang_binary
from amqp_server.wire.properties import traits_of
from persistence.record import OpenRecord, Record, Run

_CLASS_AND_WEIGHT: Final = struct.Struct(">HH")
_BODY_SIZE: Final = struct.Struct(">Q")
_PUBLISH_INDEX: Final = 60 << 16 | 40
_BASIC: Final = 60

HEAD_BYTES: Final = 512
"""Memory of unfinished content beside its header and body: its method, route and objects."""


class Content(NamedTuple):
    """A publish with all of its content.

    Attributes:
        method: payload of basic.publish.
        run: the message.
        flags: the record's.
        size_bytes: of the body as announced; larger than the record's when it was not kept.
    """

    method: bytes
    run: Run
    flags: int
    size_bytes: int


class Assembly:
    """The content one channel waits for; idle between publishes.

    Attributes:
        held_bytes: memory taken for the content so far: its header, and the body as it grows.

    A body over ``keep_max_bytes`` is counted but not kept: the channel refuses the message once
    all of it has passed, as RabbitMQ does, without ever having held it.
    """

    __slots__ = (
        "_flags",
        "_keep_max_bytes",
        "_method",
        "_missing_bytes",
        "_record",
        "_size_bytes",
        "held_bytes",
    )

    def __init__(self, keep_max_bytes: int) -> None:
        self._keep_max_bytes = keep_max_bytes
        self._method: bytes | None = None
        self._record: OpenRecord | None = None
        self._flags = 0
        self._missing_bytes = 0
        self._size_bytes = 0
        self.held_bytes = 0

    def start(self, method: bytes) -> None:
        """Wait for the content of this basic.publish."""
        self._method = method

    @property
    def is_idle(self) -> bool:
        """Whether no content is due: a method may come."""
        return self._method is None

    def check_method_may_come(self) -> None:
        """Refuse a method while content is due.

        Raises:
            UnexpectedFrameError: a header or a body frame was expected (505).
        """
        if self._method is None:
            return
        if self._record is None:
            raise _expected_header("non content header frame")
        raise UnexpectedFrameError(
            "expected content body, got non content body frame instead", _PUBLISH_INDEX
        )

    def feed(self, kind: int, payload: bytes) -> Content | None:
        """Take a header or body frame; return the content when it is complete.

        Raises:
            UnexpectedFrameError: not the frame that was due (505).
            FrameError: a header cut short, a body that is too large or larger than announced (501).
            MethodSyntaxError: a property list that does not fit its flags (502).
        """
        if self._method is None:
            raise UnexpectedFrameError("expected method frame, got non method frame instead")
        if self._record is None:
            self._start_body(kind, payload)
        else:
            self._add_body(kind, payload)
        if self._missing_bytes:
            return None
        return self._finish()

    def drop(self) -> None:
        """Forget the content received so far."""
        self._method = self._record = None
        self._missing_bytes = self.held_bytes = 0

    def _start_body(self, kind: int, payload: bytes) -> None:
        if kind != FRAME_HEADER:
            raise _expected_header("non content header frame")
        if len(payload) < _CLASS_AND_WEIGHT.size + _BODY_SIZE.size:
            octets = erlang_binary(payload)
            raise FrameError(f"type {kind}, all octets = {octets}: unknown_frame")
        class_id, weight = _CLASS_AND_WEIGHT.unpack_from(payload)
        if weight:
            raise _expected_header("non content header frame")
        if class_id != _BASIC:
            raise _expected_header(f"one for class {class_id}")
        traits = traits_of(payload)
        (self._size_bytes,) = _BODY_SIZE.unpack_from(payload, _CLASS_AND_WEIGHT.size)
        if self._size_bytes > BODY_MAX_BYTES:
            text = f"content body size {self._size_bytes} exceeds maximum allowed size"
            raise FrameError(f"{text} {BODY_MAX_BYTES}", _PUBLISH_INDEX)
        assert self._method is not None, "content follows a method"
        head = Record(self._method[6:-1], payload, b"", *traits)
        self._record = OpenRecord(head, self._size_bytes)
        self._flags = traits.flags
        self._missing_bytes = self._size_bytes
        self.held_bytes = HEAD_BYTES + len(payload)

    def _add_body(self, kind: int, payload: bytes) -> None:
        if kind != FRAME_BODY:
            raise UnexpectedFrameError(
                "expected content body, got non content body frame instead", _PUBLISH_INDEX
            )
        if len(payload) > self._missing_bytes:
            raise FrameError("content body frame exceeds remaining content size", _PUBLISH_INDEX)
        self._missing_bytes -= len(payload)
        assert self._record is not None, "a body follows a header"
        if self._size_bytes <= self._keep_max_bytes:
            record = self._record
            before_bytes = record.held_bytes
            record.add(payload)
            self.held_bytes += record.held_bytes - before_bytes

    def _finish(self) -> Content:
        assert self._method is not None, "content follows a method"
        assert self._record is not None, "a body follows a header"
        content = Content(self._method, self._record.finish(), self._flags, self._size_bytes)
        self.drop()
        return content


def _expected_header(came: str) -> UnexpectedFrameError:
    return UnexpectedFrameError(
        f"expected content header for class {_BASIC}, got {came} instead", _PUBLISH_INDEX
    )
