"""Two ends of an asking link in memory; octets move when the test says so."""

from cluster.asking.connection import AskingLink
from cluster.asking.table import ASKING_SETTINGS
from cluster.links.handshake import Handshake
from cluster.links.hello import Hello
from cluster.links.kinds import Purpose
from tests.support.linked_pair import TRUST, hello


class AskingHeard:
    """An owner that notes what it hears."""

    def __init__(self) -> None:
        self.peer: Hello | None = None
        self.questions: list[tuple[int, str, bytes]] = []
        self.answers: list[tuple[int, bytes, bool]] = []
        self.reasons: list[str] = []

    def opened(self, link: AskingLink, peer: Hello) -> None:
        del link
        self.peer = peer

    def asked(self, link: AskingLink, number: int, subject: str, octets: bytes) -> None:
        del link
        self.questions.append((number, subject, octets))

    def answered(self, link: AskingLink, number: int, octets: bytes, *, is_refusal: bool) -> None:
        del link
        self.answers.append((number, octets, is_refusal))

    def closed(self, link: AskingLink, reason: str) -> None:
        del link
        self.reasons.append(reason)


class AskingPair:
    """The end of node a, which asks, and that of b."""

    def __init__(self) -> None:
        self.heard = {"a": AskingHeard(), "b": AskingHeard()}
        self.a = self._end("a", "b")
        self.b = self._end("b", "")
        self.move()
        assert self.a.peer is not None
        assert self.b.peer is not None

    def _end(self, name: str, meant: str) -> AskingLink:
        mine = hello(name, meant, purpose=Purpose.ASKING)
        shake = Handshake(mine, TRUST, is_dialer=bool(meant))
        heard = self.heard[name]
        return AskingLink(heard, shake, ASKING_SETTINGS, is_dialer=bool(meant), now_ms=0)

    def step(self, room_bytes: int = 1) -> int:
        """Move about so many octets each way; return how many moved."""
        moved = 0
        for one, other in ((self.a, self.b), (self.b, self.a)):
            octets = b"".join([bytes(each) for each in one.output(room_bytes, 0)])
            moved += len(octets)
            view = memoryview(octets)
            while view and other.reason is None:
                view = view[other.receive(view, 0, lambda: True) :]
        return moved

    def move(self) -> None:
        """Move all that there is."""
        while self.step(1 << 20):
            pass
