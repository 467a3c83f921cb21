"""One connection's shell between a fake asyncio transport and a fake sans-IO connection."""

import asyncio
from collections.abc import Iterable
from typing import cast

from amqp_server.connections.peer import Peer
from amqp_server.net.connection import OnOutput
from amqp_server.net.hang_ups import HangUps, OnHangUp
from amqp_server.net.reactor import Reactor
from amqp_server.net.transport import Transport
from tests.support.fake_connection import FakeBroker, FakeConnection
from tests.support.fake_loop import FakeLoop

PEER = Peer("192.0.2.1", 51000, "192.0.2.2", 5672, is_loopback=False)
HIGH_BYTES = 1024
GRACE_MS = 500
READ_BYTES = 4096


class FakeSocketSide:
    """What asyncio gives a protocol: notes writes, and keeps them while the peer does not read."""

    def __init__(self, protocol: Transport, loop: FakeLoop) -> None:
        self._protocol = protocol
        self._loop = loop
        self.is_tls = False
        self.peer_reads = True
        self.writes: list[bytes] = []
        self.unsent_bytes = 0
        self.is_reading = True
        self.has_written_eof = False
        self.has_closed = False
        self.was_aborted = False
        self.high_bytes = self.low_bytes = 0
        self._is_protocol_paused = False
        self._is_lost = False

    def get_extra_info(self, name: str, default: object = None) -> object:
        if name == "socket":
            return self
        return object() if name == "ssl_object" and self.is_tls else default

    def fileno(self) -> int:
        return id(self)

    def set_write_buffer_limits(self, high: int, low: int) -> None:
        self.high_bytes, self.low_bytes = high, low

    def get_write_buffer_size(self) -> int:
        return self.unsent_bytes

    def is_closing(self) -> bool:
        return self.has_closed or self.was_aborted

    def write(self, data: bytes) -> None:
        assert not self.has_written_eof
        assert not self.is_closing()
        self.writes.append(data)
        if not self.peer_reads:
            self.unsent_bytes += len(data)
        if self.unsent_bytes > self.high_bytes and not self._is_protocol_paused:
            self._is_protocol_paused = True
            self._protocol.pause_writing()

    def writelines(self, chunks: Iterable[bytes | memoryview]) -> None:
        self.write(b"".join(chunks))

    def write_eof(self) -> None:
        self.has_written_eof = True

    def pause_reading(self) -> None:
        assert self.is_reading
        self.is_reading = False

    def resume_reading(self) -> None:
        assert not self.is_reading
        self.is_reading = True

    def close(self) -> None:
        self.has_closed = True
        if not self.unsent_bytes:
            self._loop.call_soon(self.lose, None)

    def abort(self) -> None:
        self.was_aborted = True
        self._loop.call_soon(self.lose, None)

    # What the peer does.

    def lose(self, error: Exception | None) -> None:
        if not self._is_lost:
            self._is_lost = True
            self._protocol.connection_lost(error)

    def receive(self, data: bytes) -> None:
        buffer = self._protocol.get_buffer(-1)
        buffer[: len(data)] = data
        self._protocol.buffer_updated(len(data))

    def receive_eof(self) -> None:
        self.is_reading = False
        if not self._protocol.eof_received():
            self.close()

    def take(self, size: int) -> None:
        self.unsent_bytes -= size
        if self._is_protocol_paused and self.unsent_bytes <= self.low_bytes:
            self._is_protocol_paused = False
            self._protocol.resume_writing()


class FakeHangUps(HangUps):
    """Watches nothing, and knows who is to be told."""

    def __init__(self) -> None:
        self.watched: dict[int, OnHangUp] = {}

    def watch(self, descriptor: int, on_hang_up: OnHangUp) -> None:
        self.watched[descriptor] = on_hang_up

    def forget(self, descriptor: int) -> None:
        self.watched.pop(descriptor, None)


class ShellRig:
    """One connection with everything around it."""

    def __init__(self, *, is_tls: bool = False) -> None:
        self.loop = FakeLoop()
        self.broker = FakeBroker()
        self.reactor = Reactor(
            self.loop.as_loop, self.broker, read_buffer_bytes=READ_BYTES, clock=self.loop.now_ms
        )
        self.reactor.hang_ups = self.hang_ups = FakeHangUps()
        self.made_count = 0
        self.lost_count = 0
        self.shell, self.side, self.connection = self.connect(is_tls=is_tls)

    def connect(self, *, is_tls: bool = False) -> tuple[Transport, FakeSocketSide, FakeConnection]:
        made: list[FakeConnection] = []

        def make(peer: Peer, on_output: OnOutput, now_ms: int) -> FakeConnection:
            made.append(FakeConnection(peer, on_output, now_ms))
            return made[0]

        def count(name: str) -> None:
            setattr(self, name, getattr(self, name) + 1)

        shell = Transport(
            self.reactor,
            make,
            lambda ssl_object: PEER,
            lambda shell: count("made_count"),
            lambda shell: count("lost_count"),
            write_high_watermark_bytes=HIGH_BYTES,
            close_grace_ms=GRACE_MS,
        )
        side = FakeSocketSide(shell, self.loop)
        side.is_tls = is_tls
        shell.connection_made(cast("asyncio.Transport", side))
        return shell, side, made[0]

    def is_delivering(self) -> bool:
        return self.connection.is_delivering

    def is_cut_off(self) -> bool:
        return self.side.was_aborted

    def hang_up(self, *, is_reset: bool = False) -> None:
        """Have the kernel tell that the peer has left; it is only asked while nothing is read."""
        self.hang_ups.watched[self.side.fileno()](is_reset)

    def run(self, ms: int = 0) -> None:
        self.loop.run_until(self.loop.time_ms + ms)
