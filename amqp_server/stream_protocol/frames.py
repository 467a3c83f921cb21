"""The frames of the stream protocol: cut off the input, and written.

Consecutive Publish frames come off as one run; see ``publish_frame``.

    byte 0      4     6         8
         | size | key | version | body          all numbers big-endian
           u32    u16   u16

``size`` counts what follows it. A request and its answer begin their body with a correlation id
(u32), which the client has chosen; an answer has a code (u16) behind it.

Source: RabbitMQ, stream protocol, Frame Structure.
"""

import struct
from typing import Final, NamedTuple, TypeAlias

from amqp_server.connections.intake import EVENTS_MAX
from amqp_server.stream_protocol.errors import FrameTooLargeError, MalformedFrameError
from amqp_server.stream_protocol.keys import RESPONSE, VERSION_1, Code, CommandKey
from amqp_server.stream_protocol.publish_frame import VERSIONS_OF_PUBLISH, PublishFrames, read_run

SIZE: Final = struct.Struct(">I")
_HEAD: Final = struct.Struct(">IHH")
_ANSWER: Final = struct.Struct(">IHHIH")
_KEY_AND_VERSION_BYTES: Final = 4
_PUBLISH: Final = int(CommandKey.PUBLISH)

HEARTBEAT_FRAME: Final = _HEAD.pack(_KEY_AND_VERSION_BYTES, CommandKey.HEARTBEAT, VERSION_1)


class Frame(NamedTuple):
    """One frame of a client.

    Attributes:
        key: of its command; an answer has the top bit.
        version: of its command.
        body: what follows these two.
    """

    key: int
    version: int
    body: bytes


Event: TypeAlias = Frame | PublishFrames
"""What comes off the input: a frame, or Publish frames."""


def scan(
    buffer: bytes | memoryview, frame_max_bytes: int
) -> tuple[list[Event], int, FrameTooLargeError | MalformedFrameError | None]:
    """Take complete frames off the front of a buffer; see ``connections.intake.Scan``.

    It stops after ``EVENTS_MAX``. A frame that is too large is found by its first four octets, so
    it is never gathered.
    """
    events: list[Event] = []
    at, end = 0, len(buffer)
    while end - at >= SIZE.size and len(events) < EVENTS_MAX:
        (size_bytes,) = SIZE.unpack_from(buffer, at)
        if size_bytes > frame_max_bytes:
            text = f"expected a frame of at most {frame_max_bytes} bytes, got {size_bytes}"
            return events, at, FrameTooLargeError(text)
        if size_bytes < _KEY_AND_VERSION_BYTES:
            return events, at, MalformedFrameError(f"expected a key, got {size_bytes} bytes")
        stop = at + SIZE.size + size_bytes
        if stop > end:
            break
        _, key, version = _HEAD.unpack_from(buffer, at)
        if key == _PUBLISH and version in VERSIONS_OF_PUBLISH:
            run, at = read_run(buffer, at, frame_max_bytes)
            events.append(run)
            continue
        events.append(Frame(key, version, bytes(buffer[at + _HEAD.size : stop])))
        at = stop
    return events, at, None


def frame(key: int, body: bytes, version: int = VERSION_1) -> bytes:
    """Return a frame."""
    return _HEAD.pack(_KEY_AND_VERSION_BYTES + len(body), key, version) + body


def frame_head(key: int, body_bytes: int, version: int = VERSION_1) -> bytes:
    """Return the beginning of a frame whose body is written behind it."""
    return _HEAD.pack(_KEY_AND_VERSION_BYTES + body_bytes, key, version)


def answer(key: int, correlation_id: int, code: Code, body: bytes = b"") -> bytes:
    """Return the answer to a request."""
    size_bytes = _ANSWER.size - SIZE.size + len(body)
    return _ANSWER.pack(size_bytes, key | RESPONSE, VERSION_1, correlation_id, code) + body
