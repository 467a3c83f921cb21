"""What a message costs on a front link between nodes: ``python -m benchmarks.fronts``.

CPU time of this thread, the best of several rounds, of each end by itself: from a run to octets
for the socket, and from these to a run again. Lines, windows, envelopes, checksums and credit are
in it; the socket, and the two halves of the queue, are not.
"""

import time
from collections.abc import Callable

from cluster.fronts.frames import Deliver, Publish
from cluster.fronts.links.connection import FrontLink
from cluster.fronts.links.encoding import Frame
from cluster.fronts.links.node_room import NodeRoom
from cluster.fronts.links.table import FRONT_SETTINGS
from cluster.links.handshake import Handshake, Trust
from cluster.links.hello import Hello
from cluster.links.kinds import Purpose
from persistence.codec import decode_run, encode_run
from persistence.record import Record, Run, make_route, uniform_run
from queues.batch import Batch

FRAMES = 2_000
ROUNDS = 5
RUNS_PER_WRITE = 8
SIZES = ((100, 12), (100, 1_024), (1_000, 12), (1, 12))
HEADER = b"\x00\x3c\x00\x00" + bytes(8) + b"\x10\x00\x01"

MakeFrame = Callable[[int, Run], Frame]


class Counting:
    """An owner that counts, and takes at once."""

    def __init__(self) -> None:
        self.count = 0

    def opened(self, link: FrontLink, peer: Hello) -> None:
        """The link is open."""

    def arrived(self, link: FrontLink, frame: Frame, octets: int) -> None:
        """Count a frame."""
        self.count += 1
        link.taken(frame.queue, octets)

    def room(self, link: FrontLink, queue: str) -> None:
        """Nobody asks."""

    def closed(self, link: FrontLink, reason: str) -> None:
        """Nobody closes."""


def end(owner: Counting, *, is_dialer: bool) -> FrontLink:
    """Return one end of a link."""
    name, meant = ("a", "b") if is_dialer else ("b", "")
    windows = FRONT_SETTINGS.windows
    mine = Hello("c", name, "d", 1, meant, name.encode() * 32, windows, purpose=Purpose.FRONTS)
    return FrontLink(
        owner,
        Handshake(mine, Trust(b"s"), is_dialer=is_dialer),
        FRONT_SETTINGS,
        windows,
        NodeRoom(1 << 40),
        is_dialer=is_dialer,
        now_ms=0,
    )


def no() -> bool:
    """Return no: the turn goes on."""
    return False


def carry(source: FrontLink, target: FrontLink) -> bool:
    """Carry what leaves one end."""
    parts = source.output(1 << 20, 0)
    if parts:
        target.receive(memoryview(b"".join(parts)), 0, no)
    return bool(parts)


def made(count: int, size: int) -> Run:
    """Return a run as the scanner and the queue have it."""
    run = uniform_run(Record(make_route("", "jobs"), HEADER, b""), [bytes(size)] * count)
    return decode_run(encode_run(run), count)


def publish(first: int, run: Run) -> Frame:
    """Return a run that is submitted."""
    return Publish("q", first, 0, 0, run)


def deliver(first: int, run: Run) -> Frame:
    """Return a batch for a consumer."""
    return Deliver("q", (1,), Batch(range(first, first + len(run)), run))


def cost(make: MakeFrame, run: Run, *, by_dialer: bool) -> tuple[float, float]:
    """Return the ns of CPU of one frame: where it is put, and where it comes."""
    best = [float("inf"), float("inf")]
    for _ in range(ROUNDS):
        owners = Counting(), Counting()
        a, b = end(owners[0], is_dialer=True), end(owners[1], is_dialer=False)
        while carry(a, b) or carry(b, a):
            pass
        source, target = (a, b) if by_dialer else (b, a)
        spent = [0, 0]
        for number in range(1, FRAMES + 1, RUNS_PER_WRITE):
            began = time.thread_time_ns()
            for each in range(RUNS_PER_WRITE):
                source.put(make(number + each * len(run), run))
            octets = b"".join(source.output(1 << 24, 0))
            left = time.thread_time_ns()
            target.receive(memoryview(octets), 0, no)
            back = b"".join(target.output(1 << 24, 0))
            came = time.thread_time_ns()
            source.receive(memoryview(back), 0, no)
            spent[0] += left - began + time.thread_time_ns() - came
            spent[1] += came - left
        assert owners[by_dialer].count == FRAMES, owners[by_dialer].count
        best = [min(least, ns / FRAMES) for least, ns in zip(best, spent, strict=True)]
    return best[0], best[1]


def main() -> None:
    """Print the figures."""
    for name, make, by_dialer in (("publish", publish, True), ("deliver", deliver, False)):
        for count, size in SIZES:
            out, back = cost(make, made(count, size), by_dialer=by_dialer)
            print(
                f"{name}, runs of {count} x {size} B: {out / 1000:.1f} us out, {back / 1000:.1f} us"
                f" in; a message {out / count / 1000:.3f} us out, {back / count / 1000:.3f} us in"
            )


if __name__ == "__main__":
    main()
