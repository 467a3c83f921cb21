"""What a broker of the stream protocol says to a load generator, as octets."""

import struct

from load_generator.streams import commands


def answer(key: int, body: bytes = b"", code: int = commands.OK) -> bytes:
    """Return the answer to a request."""
    head = struct.pack(">IH", commands.CORRELATION_ID, code)
    return commands.frame(key | commands.RESPONSE, head + body)


def log_in() -> bytes:
    """Return all that comes before the answer to the first request behind Open."""
    return b"".join(
        (
            answer(commands.PEER_PROPERTIES, bytes(4)),
            answer(commands.SASL_HANDSHAKE, commands.strings(["PLAIN"])),
            answer(commands.SASL_AUTHENTICATE),
            commands.frame(commands.TUNE, struct.pack(">II", 1 << 20, 60)),
            answer(commands.OPEN, bytes(4)),
        )
    )


def confirm(count: int) -> bytes:
    """Return a PublishConfirm of so many ids."""
    return commands.frame(
        commands.PUBLISH_CONFIRM, b"\x00" + struct.pack(">I", count) + bytes(8 * count)
    )


def chunk(first_offset: int, count: int, data: bytes = b"data", kind: int = 0) -> bytes:
    """Return a Deliver; what is behind the header need not fit it."""
    header = struct.pack(">BBHIqQQ", 0x50, kind, count, count, 0, 1, first_offset) + bytes(16)
    return commands.frame(commands.DELIVER, b"\x00" + header + data)
