"""Frames that no event comes of, and what is wrong with them, in RabbitMQ's words.

Source: AMQP 0-9-1 §4.2.3, §4.2.7; RabbitMQ, rabbit_reader, for the texts.
"""

from amqp_server.wire.constants import FRAME_HEAD_BYTES, FRAME_HEARTBEAT, FRAME_OVERHEAD_BYTES
from amqp_server.wire.errors import BrokenFramingError, FrameError, UnexpectedFrameError
from amqp_server.wire.methods import erlang_binary


def check_heartbeat(kind: int, channel: int, payload: bytes) -> None:
    """Pass a heartbeat; raise on a wrong one, and on any unknown type (4.2.3, 4.2.7)."""
    if kind == FRAME_HEARTBEAT and not payload:
        if channel == 0:
            return
        raise UnexpectedFrameError(f"type {kind}, all octets = <<>>")
    raise FrameError(f"type {kind}, all octets = {erlang_binary(payload)}: unknown_frame")


def too_large(kind: int, payload_bytes: int, payload_max_bytes: int) -> BrokenFramingError:
    """Return the error of a frame that is too large, from its head alone."""
    limit = payload_max_bytes - FRAME_OVERHEAD_BYTES
    text = f"type {kind}, all octets = <<>>: {{frame_too_large,{payload_bytes},{limit}}}"
    return BrokenFramingError(text)


def bad_end(buffer: bytes, position: int, end: int) -> BrokenFramingError:
    """Return the error of a payload that no frame-end follows."""
    octets = erlang_binary(buffer[position + FRAME_HEAD_BYTES : end - 1])
    marker = f"{{invalid_frame_end_marker,{buffer[end - 1]}}}"
    return BrokenFramingError(f"type {buffer[position]}, all octets = {octets}: {marker}")
