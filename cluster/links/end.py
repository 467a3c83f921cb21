"""One end of a connection between nodes: what links of every purpose have in common.

    input  → envelopes → handshake, signs of life, names of queues → the others: _take_other
    output ← envelopes ← answers, and then what _put_out finds

Any fault of the other side ends the connection with a reason, and nothing else. Input is worked on
as long as the turn's budget lasts. Output is made when the socket has room, so the choice of what
leaves first is made late.
"""

from collections.abc import Callable
from typing import Final

from cluster.links.answers import Answers
from cluster.links.decoding import QueueNames, decode_reason
from cluster.links.encoding import QueueNumbers
from cluster.links.envelope import BODY_BYTES_MAX, Octets, open_envelope, seal
from cluster.links.errors import MISFIT, LinkError, PayloadGoneError
from cluster.links.handshake import Handshake
from cluster.links.hello import HELLO_BYTES_MAX, Hello
from cluster.links.kinds import Flag, Kind
from cluster.links.layout import REASON_BYTES_MAX
from cluster.links.port import IsSpent
from cluster.links.settings import LinkSettings

ANSWERS_PER_OUTPUT: Final = 512
"""Answers that leave in one go; the loop looks at its time before the next ones."""


class LinkEnd:
    """Fits ``cluster.links.port.Link``. What a purpose adds is in the methods with one ``_``.

    Attributes:
        is_dialer: this node made the connection.
        peer: the other node; None before it is believed.
        reason: why the connection is over; None while it is not.
        is_misfit: it is over because one side did not understand the other.
        wake: called when there is output, or the connection is over; the shell puts it there.
    """

    def __init__(
        self, handshake: Handshake, settings: LinkSettings, *, is_dialer: bool, now_ms: int
    ) -> None:
        """Begin with the handshake; the dialer has output at once."""
        self._handshake = handshake
        self._settings = settings
        self.is_dialer = is_dialer
        self.peer: Hello | None = None
        self.reason: str | None = None
        self.is_misfit = False
        self.wake: Callable[[], None] = _nobody
        self._answers = Answers(settings.waiting_frames_max)
        self._numbers, self._names = QueueNumbers(), QueueNames()
        self._received_count = self._sent_count = 0
        self._begun_at_ms = self._heard_at_ms = self._sent_at_ms = self._looked_at_ms = now_ms
        self._is_heard = True
        for kind, body in handshake.begin():
            self._answers.put(kind, body)

    # ---- what a purpose adds ----

    def _peer_found(self, peer: Hello) -> None:
        """Both nodes know each other."""
        raise NotImplementedError

    def _take_other(self, kind: int, flags: int, body: memoryview) -> None:
        """Take an envelope of this purpose; LinkError where it is broken or out of place."""
        raise NotImplementedError

    def _put_out(self, room_bytes: int, out: list[Octets]) -> None:
        """Add about ``room_bytes`` of envelopes; may raise LinkError and PayloadGoneError."""
        raise NotImplementedError

    def _may_put_out(self) -> bool:
        """Return whether ``_put_out`` may find something, now or once there is room for it."""
        return True

    def _ended(self, reason: str) -> None:
        """Forget what waits, and tell the owner; called once."""
        raise NotImplementedError

    @property
    def version(self) -> int:
        """What both sides speak, once the other node is known."""
        return self._handshake.version

    @property
    def heard_at_ms(self) -> int:
        """When the other side was heard last, on the own monotonic clock."""
        return self._heard_at_ms

    # ---- the end ----

    def close(self, reason: str) -> None:
        """End it from this side; the other node is told why if the socket still takes it."""
        self._end(reason)

    def lost(self, reason: str) -> None:
        """The socket is gone."""
        self._answers.clear()
        self._end(reason)
        self._answers.clear()

    def ended_by_peer(self) -> None:
        """The other side sends nothing any more: half of a link is of no use."""
        self._end("the other node closed the connection")

    def _end(self, reason: str, *, tell: bool = True) -> None:
        if self.reason is not None:
            return
        self.reason = reason
        if tell:
            told = f"{MISFIT}{reason}" if self.is_misfit else reason
            self._answers.end(Kind.GOODBYE, told.encode()[:REASON_BYTES_MAX])
        self._ended(reason)
        self.wake()

    # ---- input ----

    def receive(self, view: memoryview, now_ms: int, is_spent: IsSpent) -> int:
        """Work on the whole envelopes of the input; return how many octets are done with.

        One at least is worked on. Records are views of ``view``: it must not change any more.
        """
        self._heard_at_ms = now_ms
        at = 0
        try:
            while self.reason is None:
                body_max = HELLO_BYTES_MAX if self.peer is None else BODY_BYTES_MAX
                envelope = open_envelope(view, at, self._received_count, body_max)
                if envelope is None:
                    break
                self._received_count += 1
                at = envelope.end
                self._take(envelope.kind, envelope.flags, envelope.body)
                if is_spent():
                    break
        except LinkError as error:
            self.is_misfit = self.reason is None
            self._end(str(error))
        return at

    def hear(self, *, can_be_heard: bool, now_ms: int) -> None:
        """Count silence, or not: while the socket is not read, silence says nothing."""
        self._is_heard = can_be_heard
        self._heard_at_ms = now_ms

    def _take(self, kind: int, flags: int, body: memoryview) -> None:
        if kind >= Kind.PIECE and self.peer is not None:
            self._take_other(kind, flags, body)
            return
        if flags:
            raise LinkError(f"unknown flags {flags}")
        if kind == Kind.GOODBYE:
            self._answers.clear()
            text = decode_reason(body)
            self.is_misfit = text.startswith(MISFIT)
            self._end(f"the other node says: {text.removeprefix(MISFIT)}", tell=False)
        elif self.peer is None:
            self._shake_hands(kind, body)
        elif kind == Kind.QUEUE:
            self._names.learn(body)
        elif kind == Kind.HEARTBEAT:
            if len(body):
                raise LinkError("a heartbeat with a body")
        else:
            self._take_other(kind, flags, body)

    def _shake_hands(self, kind: int, body: memoryview) -> None:
        for answer, content in self._handshake.take(kind, body):
            self._answers.put(answer, content)
        peer = self._handshake.peer
        if peer is not None:
            self.peer = peer
            self._peer_found(peer)

    # ---- output ----

    def output(self, room_bytes: int, now_ms: int) -> list[Octets]:
        """Return what leaves now, in order: about ``room_bytes``, and answers before all others."""
        out: list[Octets] = []
        try:
            for _ in range(ANSWERS_PER_OUTPUT):
                answer = self._answers.take()
                if answer is None:
                    break
                kind, body = answer
                out.append(self._seal(kind, Flag.NONE, body))
                room_bytes -= len(body)
            if self.reason is None and self.peer is not None and not len(self._answers):
                self._put_out(room_bytes, out)
        except LinkError as error:
            self._end(str(error))
        except PayloadGoneError as error:
            self._end(f"the log does not have any more: {error}")
        if out:
            self._sent_at_ms = now_ms
        return out

    @property
    def has_answers(self) -> bool:
        """Whether output waits that needs no window."""
        return len(self._answers) > 0

    @property
    def may_say_more(self) -> bool:
        """Whether there may be output, also for windows without room; False: there is none."""
        return self.reason is not None or len(self._answers) > 0 or self._may_put_out()

    def _seal(self, kind: int, flags: Flag, head: bytes, octets: Octets = b"") -> bytes:
        number = self._sent_count
        self._sent_count += 1
        return seal(number, kind, flags, head, octets)

    # ---- time ----

    def tick(self, now_ms: int) -> None:
        """Send a sign of life, or give the other node up, where it is time; called often."""
        if self.reason is not None:
            return
        settings = self._settings
        if now_ms - self._looked_at_ms > settings.silence_ms // 2:
            # This node was late itself; what came meanwhile may not be read yet.
            self._heard_at_ms = now_ms
        self._looked_at_ms = now_ms
        if self.peer is None:
            if now_ms >= self._begun_at_ms + settings.handshake_ms:
                self._end("the other node did not say who it is in time")
            return
        if self._is_heard and now_ms >= self._heard_at_ms + settings.silence_ms:
            self._end(f"nothing heard for {now_ms - self._heard_at_ms} ms")
        elif now_ms >= self._sent_at_ms + settings.heartbeat_ms and not len(self._answers):
            self._answers.put(Kind.HEARTBEAT, b"")


def _nobody() -> None:
    """Nobody waits for output: it is asked for."""
