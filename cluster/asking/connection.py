"""One connection between a node that asks and a node that answers, without its socket.

    ask    → parts → QUESTION envelopes ┄▶ parts → owner.asked
    answer → parts → ANSWER envelopes   ┄▶ parts → owner.answered

What waits to leave is bounded by the questions that may be open. Long answers leave in turn, and no
more of them at once than the other side takes.
"""

from collections import deque
from typing import Protocol

from cluster.asking.layout import (
    ABOUT_BYTES_MAX,
    ANSWER,
    ANSWER_BYTES_MAX,
    COMING_BYTES_MAX,
    OPEN_MAX,
    PART,
    PART_BYTES,
    QUESTION,
    QUESTION_BYTES_MAX,
    State,
)
from cluster.links.end import LinkEnd
from cluster.links.envelope import Octets
from cluster.links.errors import LinkError
from cluster.links.handshake import Handshake
from cluster.links.hello import Hello
from cluster.links.kinds import Flag
from cluster.links.settings import LinkSettings


class Owner(Protocol):
    """Who hears what a connection has for the node."""

    def opened(self, link: "AskingLink", peer: Hello) -> None:
        """Both nodes know each other."""

    def asked(self, link: "AskingLink", number: int, subject: str, octets: bytes) -> None:
        """The other node asks; one ``link.answer(number, ...)`` follows, now or later."""

    def answered(self, link: "AskingLink", number: int, octets: bytes, *, is_refusal: bool) -> None:
        """The other node has answered what this one has asked."""

    def closed(self, link: "AskingLink", reason: str) -> None:
        """The connection is over; what is open has no answer."""


class _Leaving:
    """What leaves in parts."""

    __slots__ = ("at", "last", "number", "octets")

    def __init__(self, number: int, octets: bytes, last: State) -> None:
        self.number = number
        self.octets = memoryview(octets)
        self.last = last
        self.at = 0


class AskingLink(LinkEnd):
    """One end of it; ``is_dialer``: this node asks."""

    def __init__(
        self,
        owner: Owner,
        handshake: Handshake,
        settings: LinkSettings,
        *,
        is_dialer: bool,
        now_ms: int,
    ) -> None:
        """Begin with the handshake."""
        super().__init__(handshake, settings, is_dialer=is_dialer, now_ms=now_ms)
        self._owner = owner
        self._leaving: deque[_Leaving] = deque()
        self._begun_bytes = 0
        self._coming: dict[int, bytearray] = {}
        self._coming_bytes = 0
        self._open: set[int] = set()

    # ---- what the node hands in ----

    @property
    def open_count(self) -> int:
        """How many questions have no answer yet, also those that nobody waits for any more."""
        return len(self._open)

    def ask(self, number: int, subject: str, octets: bytes) -> None:
        """Ask the other node; nothing is asked once the connection is over.

        Args:
            number: of the question; another one for each of the connection.
            subject: what the other node is asked about; ASCII.
            octets: the question.

        Raises:
            ValueError: it is too long, or too many are open.
        """
        if self.reason is not None or self.peer is None:
            return
        name = subject.encode("ascii")
        whole = bytes([len(name)]) + name + octets
        if len(name) > ABOUT_BYTES_MAX or len(whole) > QUESTION_BYTES_MAX:
            raise ValueError(f"a question of {len(whole)} octets")
        if len(self._open) >= OPEN_MAX:
            raise ValueError(f"{OPEN_MAX} questions have no answer")
        self._open.add(number)
        self._put(_Leaving(number, whole, State.LAST))

    def answer(self, number: int, octets: bytes, *, is_refusal: bool = False) -> None:
        """Answer a question of the other node, once; a refusal is a text."""
        if self.reason is not None or number not in self._open:
            return
        if len(octets) > ANSWER_BYTES_MAX:
            octets, is_refusal = f"an answer of {len(octets)} octets".encode(), True
        self._open.discard(number)
        self._put(_Leaving(number, octets, State.LAST_OF_REFUSAL if is_refusal else State.LAST))

    def _put(self, leaving: _Leaving) -> None:
        self._leaving.append(leaving)
        self.wake()

    # ---- input ----

    def _peer_found(self, peer: Hello) -> None:
        self._owner.opened(self, peer)

    def _take_other(self, kind: int, flags: int, body: memoryview) -> None:
        if flags or kind != (ANSWER if self.is_dialer else QUESTION):
            raise LinkError(f"kind {kind}, flags {flags}: none of an asking link in this direction")
        if len(body) < PART.size:
            raise LinkError("a part that is too short")
        number, state = PART.unpack_from(body)
        if state not in State.__members__.values():
            raise LinkError(f"a part in state {state}")
        whole = self._gathered(number, body[PART.size :])
        if state == State.MORE:
            return
        del self._coming[number]
        self._coming_bytes -= len(whole)
        if self.is_dialer:
            self._open.discard(number)
            is_refusal = state == State.LAST_OF_REFUSAL
            self._owner.answered(self, number, bytes(whole), is_refusal=is_refusal)
        else:
            self._open.add(number)
            self._owner.asked(self, number, *_parted(whole))

    def _gathered(self, number: int, part: memoryview) -> bytearray:
        """Return what has come of a question or an answer, with another part of it."""
        whole = self._coming.get(number)
        if whole is None:
            self._check_begins(number)
            whole = self._coming[number] = bytearray()
        most = ANSWER_BYTES_MAX if self.is_dialer else QUESTION_BYTES_MAX
        self._coming_bytes += len(part)
        if len(whole) + len(part) > most or self._coming_bytes > COMING_BYTES_MAX:
            raise LinkError(f"{len(whole) + len(part)} octets for one question or answer")
        whole += part
        return whole

    def _check_begins(self, number: int) -> None:
        if self.is_dialer:
            if number not in self._open:
                raise LinkError(f"an answer to question {number}, which is not open")
            return
        # Who has not read its answers asks no more.
        open_count = len(self._open) + len(self._coming) + len(self._leaving)
        if number in self._open or open_count >= OPEN_MAX:
            raise LinkError(f"question {number}, and {open_count} are open")

    # ---- output ----

    def _put_out(self, room_bytes: int, out: list[Octets]) -> None:
        kind = QUESTION if self.is_dialer else ANSWER
        while room_bytes > 0 and self._leaving:
            leaving = self._leaving.popleft()
            size_bytes = len(leaving.octets)
            if not leaving.at and size_bytes > PART_BYTES:
                if self._begun_bytes + size_bytes > COMING_BYTES_MAX - PART_BYTES:
                    self._leaving.append(leaving)  # others, which have begun, make room for it
                    continue
                self._begun_bytes += size_bytes
            part = leaving.octets[leaving.at : leaving.at + PART_BYTES]
            leaving.at += len(part)
            is_over = leaving.at == size_bytes
            head = PART.pack(leaving.number, leaving.last if is_over else State.MORE)
            out.append(self._seal(kind, Flag.NONE, head, part))
            if len(part):
                out.append(part)
            room_bytes -= len(head) + len(part)
            if not is_over:
                self._leaving.append(leaving)
            elif size_bytes > PART_BYTES:
                self._begun_bytes -= size_bytes

    # ---- the end ----

    def _ended(self, reason: str) -> None:
        self._leaving.clear()
        self._coming.clear()
        self._open.clear()
        self._owner.closed(self, reason)


def _parted(whole: bytearray) -> tuple[str, bytes]:
    """Return subject and octets of a question."""
    size = whole[0] if whole else ABOUT_BYTES_MAX + 1
    if size > ABOUT_BYTES_MAX or len(whole) < 1 + size:
        raise LinkError("a question without a subject")
    try:
        return whole[1 : 1 + size].decode("ascii"), bytes(whole[1 + size :])
    except UnicodeDecodeError:
        raise LinkError("a subject that is not ASCII") from None
