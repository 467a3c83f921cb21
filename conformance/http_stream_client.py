"""The client of the stream protocol that the HTTP differential keeps: it writes and reads.

Source: RabbitMQ, stream protocol.
"""

import contextlib
import socket
import struct
import time
from collections.abc import Mapping
from typing import Final

STREAM: Final = "s.log"
REFERENCE: Final = "writer"
PUBLISHER_ID: Final = 3
SUBSCRIPTION_ID: Final = 7
MESSAGE_COUNT: Final = 3
CREDIT: Final = 2
TIMEOUT_S: Final = 30.0

_DECLARE_PUBLISHER: Final = 0x01
_PUBLISH: Final = 0x02
_PUBLISH_CONFIRM: Final = 0x03
_SUBSCRIBE: Final = 0x07
_DELIVER: Final = 0x08
_PEER_PROPERTIES: Final = 0x11
_HANDSHAKE: Final = 0x12
_AUTHENTICATE: Final = 0x13
_TUNE: Final = 0x14
_OPEN: Final = 0x15
_CLOSE: Final = 0x16
_ANSWER: Final = 0x8000
_OK: Final = 1
_HEAD: Final = struct.Struct(">IHH")
_FROM_FIRST: Final = struct.pack(">H", 1)
_FRAME_MAX_BYTES: Final = 1 << 20


def _string(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode()


def _octets(octets: bytes) -> bytes:
    return struct.pack(">I", len(octets)) + octets


def _map(entries: Mapping[str, str]) -> bytes:
    pairs = b"".join(_string(name) + _string(value) for name, value in entries.items())
    return struct.pack(">I", len(entries)) + pairs


class StreamClient:
    """A connection with one publisher and one subscription.

    Args:
        port: of the stream protocol, on 127.0.0.1.
        user: its name, which is its password too.
        vhost: where the stream ``STREAM`` is.

    Raises:
        OSError: no connection, or no answer in time.
        AssertionError: an answer that was not expected.
    """

    def __init__(self, port: int, user: str, vhost: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        self._rest = b""
        self._log_in(user, vhost)
        self._publish()
        self._subscribe()

    def _log_in(self, user: str, vhost: str) -> None:
        self._call(_PEER_PROPERTIES, _map({"product": "differential", "connection_name": "s"}))
        self._call(_HANDSHAKE, b"")
        self._call(_AUTHENTICATE, _string("PLAIN") + _octets(f"\0{user}\0{user}".encode()))
        self._await(_TUNE)
        self._send(_TUNE, struct.pack(">II", _FRAME_MAX_BYTES, 0))
        self._call(_OPEN, _string(vhost))

    def _publish(self) -> None:
        named = bytes([PUBLISHER_ID]) + _string(REFERENCE) + _string(STREAM)
        self._call(_DECLARE_PUBLISHER, named)
        # A message of AMQP 1.0: its data section.
        messages = b"".join(
            struct.pack(">Q", number) + _octets(b"\0\x53\x75\xa0\x01m")
            for number in range(MESSAGE_COUNT)
        )
        head = bytes([PUBLISHER_ID]) + struct.pack(">I", MESSAGE_COUNT)
        self._send(_PUBLISH, head + messages)
        self._await(_PUBLISH_CONFIRM)

    def _subscribe(self) -> None:
        head = bytes([SUBSCRIPTION_ID]) + _string(STREAM) + _FROM_FIRST
        self._call(_SUBSCRIBE, head + struct.pack(">H", CREDIT) + _map({"name": "reader"}))
        self._await(_DELIVER)

    def _send(self, key: int, body: bytes) -> None:
        self._socket.sendall(_HEAD.pack(len(body) + 4, key, 1) + body)

    def _call(self, key: int, body: bytes) -> None:
        self._send(key, struct.pack(">I", 1) + body)
        _, code = struct.unpack_from(">IH", self._await(key | _ANSWER))
        assert code == _OK, f"command {key:#x}: code {code}"

    def _await(self, key: int) -> bytes:
        """Return the body of the next frame of a key; others before it are passed by."""
        deadline_s = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline_s:
            size, got, _ = _HEAD.unpack(self._read(_HEAD.size))
            body = self._read(size - 4)
            if got == key:
                return body
        raise TimeoutError(f"no frame {key:#x}")

    def _read(self, count: int) -> bytes:
        while len(self._rest) < count:
            octets = self._socket.recv(1 << 16)
            assert octets, "the broker ended the connection"
            self._rest += octets
        read, self._rest = self._rest[:count], self._rest[count:]
        return read

    def close(self) -> None:
        """End the connection, if it is still there."""
        with contextlib.suppress(OSError, AssertionError):
            self._call(_CLOSE, struct.pack(">H", 1) + _string("OK"))
        self._socket.close()
