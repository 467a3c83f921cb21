"""Two ends of a link in memory; octets move when the test says so."""

from collections.abc import Iterator

from cluster.links.connection import LinkConnection
from cluster.links.envelope import Octets
from cluster.links.handshake import Handshake, Trust
from cluster.links.hello import Hello
from cluster.links.payload import HeldOctets
from cluster.links.settings import KIB, LinkSettings, Windows
from cluster.links.windows import Lane
from cluster.replication.frames import Append, Fence, LeaderFrame, MirrorFrame, Tail

SECRET = b"a secret of a cluster"
TRUST = Trust(SECRET)
SMALL = LinkSettings(
    windows=Windows(64 * KIB, 32 * KIB, 16 * KIB, 256 * KIB, 1024 * KIB), piece_bytes=4 * KIB
)


def payloads(frames: list[object]) -> list[object]:
    found = [getattr(each, "payload", None) for each in frames]
    return [bytes(each) if isinstance(each, memoryview) else each for each in found]


def hello(node: str, meant: str = "", **said: object) -> Hello:
    """What a node says; its nonce is that of its name."""
    fixed = {"cluster": "c", "disk": "d-" + node, "incarnation": 7, "nonce": node.encode() * 32}
    return Hello(**(fixed | {"node": node, "meant": meant} | said))  # type: ignore[arg-type]


def run(queue: str, lsn: int, octets: Octets = b"records", after: int = 0) -> Append:
    """A run of one record."""
    return Append(queue, 1, after, 1, 1, octets, lsn, 0)


def tail(queue: str, octets: Octets, after: int = 0) -> Tail:
    """A tail of one record."""
    return Tail(queue, 1, after, 0, ((1, after + 1),), 1, octets, 0)


class Hearing:
    """An owner that notes what it hears, and works off at once unless it is told to wait."""

    def __init__(self) -> None:
        self.peer: Hello | None = None
        self.frames: list[LeaderFrame | MirrorFrame] = []
        self.reasons: list[str] = []
        self.revisions: list[int] = []
        self.is_slow = False
        self.owed: list[tuple[Lane, int]] = []

    def opened(self, link: LinkConnection, peer: Hello) -> None:
        self.peer = peer

    def arrived(
        self, link: LinkConnection, frame: LeaderFrame | MirrorFrame, lane: Lane, octets: int
    ) -> None:
        self.frames.append(frame)
        self.owed.append((lane, octets))
        if not self.is_slow:
            self.work_off(link)

    def seen(self, link: LinkConnection, revision: int) -> None:
        self.revisions.append(revision)

    def closed(self, link: LinkConnection, reason: str) -> None:
        self.reasons.append(reason)

    def work_off(self, link: LinkConnection) -> None:
        owed, self.owed = self.owed, []
        for lane, octets in owed:
            link.worked_off(lane, octets)

    def order(self) -> list[str]:
        """The frames as a word each: kind and queue."""
        return [f"{type(each).__name__} {getattr(each, 'queue', '')}" for each in self.frames]


class Log:
    """A leader's log that is read again."""

    def __init__(self) -> None:
        self.runs: dict[tuple[str, int], Octets] = {}
        self.reads_count = 0

    def read_run(self, frame: Append) -> Octets | None:
        self.reads_count += 1
        return self.runs.get((frame.queue, frame.after))


def never() -> bool:
    return False


class LinkedPair:
    """A dialer ``a`` and a listener ``b``."""

    def __init__(
        self,
        settings: LinkSettings | None = None,
        *,
        trusts: tuple[Trust, Trust] = (TRUST, TRUST),
        hellos: tuple[Hello, Hello] | None = None,
        held: HeldOctets | None = None,
    ) -> None:
        settings = settings or LinkSettings()
        self.held = held or HeldOctets(settings.held_bytes_max)
        self.log = Log()
        self.at_a, self.at_b = Hearing(), Hearing()
        self.now_ms = 1_000
        mine, theirs = hellos or (
            hello("a", "b", windows=settings.windows),
            hello("b", windows=settings.windows),
        )
        self.a = LinkConnection(
            self.at_a,
            Handshake(mine, trusts[0], is_dialer=True),
            settings,
            self.held,
            self.log,
            is_dialer=True,
            now_ms=self.now_ms,
        )
        self.b = LinkConnection(
            self.at_b,
            Handshake(theirs, trusts[1], is_dialer=False),
            settings,
            HeldOctets(settings.held_bytes_max),
            self.log,
            is_dialer=False,
            now_ms=self.now_ms,
        )

    def output(self, link: LinkConnection, room: int = 1 << 40) -> bytes:
        """All that leaves one end now."""
        parts: list[bytes] = []
        while out := link.output(room, self.now_ms):
            parts += [bytes(each) for each in out]
        return b"".join(parts)

    def give(self, link: LinkConnection, octets: Octets) -> int:
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

    def opened(self) -> "LinkedPair":
        self.carry()
        assert self.at_a.peer is not None, self.at_a.reasons + self.at_b.reasons
        assert self.at_b.peer is not None, self.at_b.reasons
        return self


def fence(queue: str, epoch: int = 1) -> Fence:
    return Fence(queue, epoch)
