"""What a run costs on a link between nodes: ``python -m benchmarks.links``.

CPU time of this thread, the best of several rounds. Encode and decode are those of the connection:
lanes, windows, envelopes, checksums. The catch-up goes over a loopback socket, both ends in one
loop.
"""

import asyncio
import time

from cluster.links.connection import LinkConnection
from cluster.links.handshake import Handshake, Trust
from cluster.links.hello import Hello
from cluster.links.payload import HeldOctets
from cluster.links.settings import MIB, LinkSettings
from cluster.links.sockets.transport import LinkTransport
from cluster.links.windows import Lane
from cluster.replication.frames import Append, LeaderFrame, MirrorFrame, Tail

RECORDS = 100
RECORD_BYTES = 1_024
RUNS = 2_000
ROUNDS = 5
CATCH_UP_BYTES = 512 * MIB
TAIL_BYTES = MIB
NS_PER_S = 1_000_000_000


class Counting:
    """An owner that counts, and works off at once."""

    def __init__(self) -> None:
        self.count = 0
        self.octets = 0
        self.opening = asyncio.Event()

    def opened(self, link: LinkConnection, peer: Hello) -> None:
        """The links are open."""
        del link, peer
        self.opening.set()

    def arrived(
        self, link: LinkConnection, frame: LeaderFrame | MirrorFrame, lane: Lane, octets: int
    ) -> None:
        """Count a frame."""
        self.count += 1
        if isinstance(frame, Append | Tail):
            self.octets += len(frame.payload)  # type: ignore[arg-type]
        link.worked_off(lane, octets)

    def seen(self, link: LinkConnection, revision: int) -> None:
        """Nobody tells."""

    def closed(self, link: LinkConnection, reason: str) -> None:
        """Nobody closes."""


class NoLog:
    """Nothing is read again."""

    def read_run(self, frame: Append) -> None:
        """Return nothing."""


class Endless:
    """A budget without an end."""

    def begin(self) -> None:
        """Begin."""

    def is_spent(self) -> bool:
        """Return no."""
        return False


def end(owner: Counting, *, is_dialer: bool, now_ms: int = 0) -> LinkConnection:
    """Return one end of a link."""
    name, meant = ("a", "b") if is_dialer else ("b", "")
    mine = Hello("c", name, "d", 1, meant, name.encode() * 32)
    shake = Handshake(mine, Trust(b"s"), is_dialer=is_dialer)
    held = HeldOctets(1 << 40)
    return LinkConnection(
        owner, shake, LinkSettings(), held, NoLog(), is_dialer=is_dialer, now_ms=now_ms
    )


def no() -> bool:
    """Return no: the turn goes on."""
    return False


def carry(source: LinkConnection, target: LinkConnection) -> bool:
    """Carry what leaves one end; the socket would do the join, so it is not counted apart."""
    parts = source.output(256 * 1024, 0)
    if parts:
        target.receive(memoryview(b"".join(parts)), 0, no)
    return bool(parts)


def runs_in_memory(octets: bytes, records: int) -> float:
    """Return the ns of CPU of one run, encoded and decoded."""
    best = float("inf")
    for _ in range(ROUNDS):
        at_b = Counting()
        a, b = end(Counting(), is_dialer=True), end(at_b, is_dialer=False)
        while carry(a, b) or carry(b, a):
            pass
        began = time.thread_time_ns()
        for lsn in range(1, RUNS + 1):
            a.put(Append("q", 1, lsn, 1, records, octets, lsn, 0))
            carry(a, b)
            carry(b, a)
        best = min(best, (time.thread_time_ns() - began) / RUNS)
        assert at_b.count == RUNS, at_b.count
    return best


async def catch_up() -> tuple[float, float]:
    """Return MB/s of a catch-up in tails of 1 MiB: by the wall, and by CPU of both ends."""
    loop = asyncio.get_running_loop()
    at_a, at_b = Counting(), Counting()

    def listening(_names: frozenset[str] | None, now_ms: int) -> LinkConnection:
        return end(at_b, is_dialer=False, now_ms=now_ms)

    def dialing(_names: frozenset[str] | None, now_ms: int) -> LinkConnection:
        return end(at_a, is_dialer=True, now_ms=now_ms)

    server = await loop.create_server(
        lambda: LinkTransport(loop, listening, LinkSettings(), Endless()), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    transport = LinkTransport(loop, dialing, LinkSettings(), Endless())
    await loop.create_connection(lambda: transport, "127.0.0.1", port)
    await at_a.opening.wait()
    a = transport.link
    assert isinstance(a, LinkConnection)
    octets = bytes(TAIL_BYTES)
    began, cpu_began, sent = time.perf_counter_ns(), time.thread_time_ns(), 0
    while at_b.octets < CATCH_UP_BYTES:
        if sent < CATCH_UP_BYTES and a.waiting_count < 4:
            a.put(Tail("q", 1, sent, 0, ((1, sent + 1),), 1_000, octets, 0))
            sent += TAIL_BYTES
        await asyncio.sleep(0)
    wall, cpu = time.perf_counter_ns() - began, time.thread_time_ns() - cpu_began
    a.close("done")
    await transport.ended
    server.close()
    return CATCH_UP_BYTES / wall * 1_000, CATCH_UP_BYTES / cpu * 1_000


def main() -> None:
    """Print the figures."""
    for records, size in ((RECORDS, RECORD_BYTES), (1, RECORD_BYTES), (1, 12)):
        octets = bytes(records * size)
        ns = runs_in_memory(octets, records)
        rate = NS_PER_S / ns
        print(
            f"run of {records} x {size} B: {ns / 1000:.1f} us of CPU both ends,"
            f" {rate:,.0f} frames/s, {rate * len(octets) / 1e6:,.0f} MB/s"
        )
    wall, cpu = asyncio.run(catch_up())
    print(f"catch-up over loopback: {wall:,.0f} MB/s by the wall, {cpu:,.0f} MB/s by CPU")


if __name__ == "__main__":
    main()
