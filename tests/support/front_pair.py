"""Two ends of a front link in memory; octets move when the test says so."""

from collections.abc import Iterator
from dataclasses import replace

from cluster.fronts.frames import Deliver, Publish
from cluster.fronts.links.connection import FrontLink
from cluster.fronts.links.encoding import Frame
from cluster.fronts.links.node_room import NodeRoom
from cluster.links.envelope import Octets
from cluster.links.handshake import Handshake
from cluster.links.hello import Hello
from cluster.links.kinds import Purpose
from cluster.links.settings import KIB, LinkSettings, Windows
from persistence.record import Record, Run, uniform_run
from queues.batch import Batch
from tests.support.front_frames import plain
from tests.support.linked_pair import TRUST, hello, never
from tests.support.records import HEADER, ROUTE

SMALL = LinkSettings(windows=Windows(64 * KIB, 32 * KIB, 16 * KIB, 8 * 1024 * KIB, 1024 * KIB))


def run_of(count: int, size: int = 12, body: bytes = b"x") -> Run:
    return uniform_run(Record(ROUTE, HEADER, b""), [body * size] * count)


def publish(queue: str, first: int, count: int = 1, size: int = 12) -> Publish:
    return Publish(queue, first, 0, 0, run_of(count, size))


def deliver(queue: str, first: int, count: int = 1, size: int = 12) -> Deliver:
    return Deliver(queue, (1,), Batch(range(first, first + count), run_of(count, size)))


class Hearing:
    """An owner that notes what it hears, and takes at once unless it is told to wait."""

    def __init__(self) -> None:
        self.peer: Hello | None = None
        self.frames: list[Frame] = []
        self.reasons: list[str] = []
        self.rooms: list[str] = []
        self.is_slow = False
        self.owed: list[tuple[str, int]] = []

    def opened(self, link: FrontLink, peer: Hello) -> None:
        self.peer = peer

    def arrived(self, link: FrontLink, frame: Frame, octets: int) -> None:
        self.frames.append(frame)
        self.owed.append((frame.queue, octets))
        if not self.is_slow:
            self.take(link)

    def room(self, link: FrontLink, queue: str) -> None:
        self.rooms.append(queue)

    def closed(self, link: FrontLink, reason: str) -> None:
        self.reasons.append(reason)

    def take(self, link: FrontLink, queue: str | None = None) -> None:
        owed, self.owed = self.owed, []
        for each, octets in owed:
            if queue is None or each == queue:
                link.taken(each, octets)
            else:
                self.owed.append((each, octets))

    def plain(self) -> list[tuple[object, ...]]:
        return [plain(frame) for frame in self.frames]


class FrontPair:
    """A front's node ``a``, which dials, and a leader's node ``b``."""

    def __init__(
        self,
        settings: LinkSettings | None = None,
        *,
        rooms: tuple[NodeRoom, NodeRoom] | None = None,
        owners: tuple[Hearing, Hearing] | None = None,
    ) -> None:
        settings = settings or LinkSettings()
        windows = settings.windows
        self.at_a, self.at_b = owners or (Hearing(), Hearing())
        self.rooms = rooms or (NodeRoom(1 << 40), NodeRoom(1 << 40))
        self.now_ms = 1_000
        hellos = (hello("a", "b", windows=windows), hello("b", windows=windows))
        self.a, self.b = (
            FrontLink(
                (self.at_a, self.at_b)[index],
                Handshake(
                    replace(hellos[index], purpose=Purpose.FRONTS), TRUST, is_dialer=not index
                ),
                settings,
                windows,
                self.rooms[index],
                is_dialer=not index,
                now_ms=self.now_ms,
            )
            for index in range(2)
        )

    def output(self, link: FrontLink, room: int = 1 << 40) -> bytes:
        """All that leaves one end now."""
        parts: list[bytes] = []
        while out := link.output(room, self.now_ms):
            parts += [bytes(each) for each in out]
        return b"".join(parts)

    def give(self, link: FrontLink, octets: Octets) -> int:
        return link.receive(memoryview(bytes(octets)), self.now_ms, never)

    def carry(self) -> None:
        """Carry octets until nothing moves any more."""
        while list(self.carry_once()):
            pass

    def carry_once(self) -> Iterator[int]:
        for source, target in ((self.a, self.b), (self.b, self.a)):
            octets = self.output(source)
            if octets:
                assert self.give(target, octets) == len(octets) or target.reason is not None
                yield len(octets)

    def opened(self) -> "FrontPair":
        self.carry()
        assert self.at_a.peer is not None, self.at_a.reasons + self.at_b.reasons
        assert self.at_b.peer is not None, self.at_b.reasons
        return self

    def is_well(self) -> bool:
        return self.at_a.reasons == self.at_b.reasons == []
