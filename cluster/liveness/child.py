"""The node's side of the process that renews its lease: it starts the process and hears it.

    node ── address, HOLD, BEAT … ─────────▶ process ── keep-alive ─▶ etcd
         ◀─ READY, RENEWED, GONE, AWAY … ───

The signs of life are given by the node's own loop: when it hangs there are none, and its lease
ends. A process that died or says nothing is ended and started again; meanwhile the lease lasts.
"""

import asyncio
import logging
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from cluster.liveness.frames import LENGTH, Frame, FrameReader, Kind
from cluster.liveness.plan import BEATS, beat_interval_ms, use_ms_of
from cluster.metadata.etcd.address import EtcdAddress
from cluster.metadata.port import Lease

log = logging.getLogger(__name__)

BACKOFF_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
"""How long to wait before the process is started again; the last one from then on."""
GOODBYE_S: Final = 1.0
UNHEARD_BEATS_MAX: Final = 2 * BEATS
"""Signs of life without any answer; a loop that hangs gives none, and blames nobody."""
START_MS: Final = 60_000
"""How long a process may take until it is ready. On a busy machine a start takes many seconds, and
who ends it for that only has it start again."""
_READ_BYTES: Final = 1 << 12
_COMMAND: Final = (sys.executable, "-P", "-m", "cluster.liveness")


class RenewalChild:
    """Renews one lease after another in a process of its own.

    Args:
        address: of etcd.
        ttl_ms: of the leases; an answer of etcd is waited for as long as it is of use.
        now_ms: ``time.monotonic`` in ms, as the process has it.
        renewed: is called with each renewal.
        gone: is called with the id of a lease that the store has not any more.

    Attributes:
        pid: of the process; 0 while there is none.
        starts_count: how often it was started.
        ready: set while there is a process that can renew.
    """

    def __init__(
        self,
        address: EtcdAddress,
        ttl_ms: int,
        now_ms: Callable[[], int],
        renewed: Callable[[Lease], None],
        gone: Callable[[int], None],
    ) -> None:
        self.pid = 0
        self.starts_count = 0
        self.ready = asyncio.Event()
        self._address = replace(address, connect_ms=ttl_ms // 10, answer_ms=use_ms_of(ttl_ms))
        self._ttl_ms = ttl_ms
        self._now_ms = now_ms
        self._told_renewed = renewed
        self._told_gone = gone
        self._held: Lease | None = None
        self._channel: socket.socket | None = None
        self._unheard_beats = 0
        self._began_ms = 0

    def hold(self, lease: Lease) -> None:
        """Renew this lease from now on, and no other."""
        self._held = lease
        self._tell(_hold(lease))

    def release(self) -> None:
        """Renew no lease from now on: the one that was held ends by itself."""
        self._held = None
        self._tell(Frame(Kind.HOLD))

    async def run(self) -> None:
        """Keep a process running until this is cancelled, which ends it."""
        tries = 0
        while True:
            began_ms = self._began_ms = self._now_ms()
            try:
                await self._live()
                log.warning("the process that renews the lease has ended pid=%d", self.pid)
            except (OSError, ValueError) as error:
                log.warning("the process that renews the lease pid=%d: %r", self.pid, error)
            finally:
                self.pid = 0
            tries = 0 if self._now_ms() - began_ms > self._ttl_ms else tries + 1
            await asyncio.sleep(BACKOFF_S[min(tries, len(BACKOFF_S) - 1)])

    async def _live(self) -> None:
        """Start a process; return when it has ended."""
        own, others = socket.socketpair()
        with own, others:
            own.settimeout(0)
            started = _started(others.fileno())
            others.close()
            self.pid = started.pid
            self.starts_count += 1
            beating = asyncio.create_task(self._beat())
            try:
                await self._introduce(own)
                await self._hear(own)
            finally:
                self._channel = None
                self.ready.clear()
                beating.cancel()
                own.close()
                await asyncio.shield(asyncio.to_thread(_end, started))

    async def _introduce(self, channel: socket.socket) -> None:
        octets = self._address.octets()
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(channel, LENGTH.pack(len(octets)) + octets)
        self._channel = channel
        if self._held is not None:
            self._tell(_hold(self._held))

    async def _hear(self, channel: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        reader = FrameReader()
        while octets := await loop.sock_recv(channel, _READ_BYTES):
            self._unheard_beats = 0
            for frame in reader.feed(octets):
                self._take(frame)

    async def _beat(self) -> None:
        self._unheard_beats = 0
        while True:
            self._tell(Frame(Kind.BEAT, at_ms=self._now_ms()))
            self._unheard_beats += self._held is not None
            if self._is_silent() and self._channel is not None:
                log.warning("the process that renews the lease says nothing pid=%d", self.pid)
                self._channel.shutdown(socket.SHUT_RDWR)
            await asyncio.sleep(beat_interval_ms(self._ttl_ms) / 1000)

    def _is_silent(self) -> bool:
        if self.ready.is_set():
            return self._unheard_beats > UNHEARD_BEATS_MAX
        return self._now_ms() - self._began_ms > START_MS

    def _take(self, frame: Frame) -> None:
        if frame.kind is Kind.READY:
            self.ready.set()
            return
        held = self._held
        if held is None or frame.lease != held.id:
            return  # It is about a lease of before.
        if frame.kind is Kind.GONE:
            self._held = None
            self._told_gone(held.id)
        elif frame.kind is Kind.RENEWED:
            if not held.asked_at_ms <= frame.at_ms <= self._now_ms():
                raise ValueError(f"expected a renewal of the past, got {frame}")
            self._held = Lease(held.id, frame.ttl_ms, frame.at_ms)
            self._told_renewed(self._held)

    def _tell(self, frame: Frame) -> None:
        if self._channel is not None:
            # A process that reads nothing is ended for its silence.
            with suppress(OSError):
                self._channel.send(frame.octets())


def _hold(lease: Lease) -> Frame:
    return Frame(Kind.HOLD, lease.id, lease.ttl_ms, lease.asked_at_ms)


def _started(fd: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 -- this program
        [*_COMMAND, str(fd)], stdin=subprocess.DEVNULL, pass_fds=(fd,), start_new_session=True
    )


def _end(started: subprocess.Popen[bytes]) -> None:
    """Wait for a process whose socket is closed, and kill it where it does not end by itself."""
    try:
        started.wait(GOODBYE_S)
    except subprocess.TimeoutExpired:
        started.kill()
        started.wait()
