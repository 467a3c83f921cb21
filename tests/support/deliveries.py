"""Deliveries as a broker renders them, for consumers that count octets."""

import struct

from load_generator import wire


def delivery(tag: int, body: bytes = b"x" * 12) -> bytes:
    """Render basic.deliver of channel 1 with its content."""
    names = wire.shortstr("") + wire.shortstr("key")
    method = wire.shortstr("c") + struct.pack(">QB", tag, 0) + names
    content = wire.publish("", "", wire.properties(), body)
    (publish, *_), _ = wire.split_frames(content, 0, len(content))
    publish_bytes = len(publish.payload) + wire.FRAME_OVERHEAD_BYTES
    return wire.method(1, wire.BASIC_DELIVER, method) + content[publish_bytes:]
