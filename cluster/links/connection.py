"""One connection from a leader's node to a mirror's, without its socket.

    input  → envelopes → handshake, then frames → owner.arrived
    frames → lanes, windows → envelopes → output

The dialer is the leader's node: its frames go one way, answers come back. Input is worked on as
long as the turn's budget lasts. Output is made when the socket has room, so the choice of what
leaves first is made late.

Any fault of the other side ends the connection with a reason, and nothing else. The owner is told
once, and hands no more to it.
"""

from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

from cluster.links.answers import Answers
from cluster.links.assembly import MakeAssembly, OpenFrames, in_memory
from cluster.links.decoding import (
    QueueNames,
    decode_credit,
    decode_leader_frame,
    decode_mirror_frame,
    decode_piece,
    decode_reason,
)
from cluster.links.encoding import QueueNumbers, encode_leader_frame
from cluster.links.envelope import BODY_BYTES_MAX, Octets, open_envelope, seal
from cluster.links.errors import LinkError, PayloadGoneError
from cluster.links.handshake import Handshake
from cluster.links.hello import HELLO_BYTES_MAX, Hello
from cluster.links.kinds import MIRROR_KINDS, Flag, Kind
from cluster.links.lanes import Lanes, lane_of
from cluster.links.layout import PIECE, REASON_BYTES_MAX
from cluster.links.payload import HeldOctets, LogReader, Waiting
from cluster.links.settings import LinkSettings
from cluster.links.windows import BEGUN_MAX, LIVE, IncomingWindow, Lane, OutgoingWindow, piece_max
from cluster.replication.frames import Append, LeaderFrame, MirrorFrame

IsSpent: TypeAlias = Callable[[], bool]

_JOINED_BYTES_MAX: Final = 4_096
"""Fewer octets of records are copied behind their head: one buffer for the socket."""


class Owner(Protocol):
    """Who hears what a connection has for the node; it may close the connection meanwhile."""

    def opened(self, link: "LinkConnection", peer: Hello) -> None:
        """Both nodes know each other; nothing is known of any queue (R4)."""

    def arrived(
        self, link: "LinkConnection", frame: LeaderFrame | MirrorFrame, lane: Lane, octets: int
    ) -> None:
        """A frame came; ``worked_off(lane, octets)`` follows when its records are in the WAL."""

    def closed(self, link: "LinkConnection", reason: str) -> None:
        """The connection is over; nothing comes of it any more."""


class LinkConnection:
    """One end of it.

    Attributes:
        is_dialer: this node leads.
        peer: the other node; None before it is believed.
        reason: why the connection is over; None while it is not.
        wake: called when there is output, or the connection is over; the shell puts it there.
    """

    def __init__(
        self,
        owner: Owner,
        handshake: Handshake,
        settings: LinkSettings,
        held: HeldOctets,
        log: LogReader,
        *,
        is_dialer: bool,
        now_ms: int,
        make_assembly: MakeAssembly = in_memory,
    ) -> None:
        """Begin with the handshake; the dialer has output at once."""
        self._owner = owner
        self._handshake = handshake
        self._settings = settings
        self._log = log
        self.is_dialer = is_dialer
        self.peer: Hello | None = None
        self.reason: str | None = None
        self.wake: Callable[[], None] = _nobody
        self._answers = Answers(settings.waiting_frames_max)
        self._lanes = Lanes(held, settings.piece_bytes, settings.waiting_frames_max)
        self._outgoing = OutgoingWindow(settings.windows)
        self._incoming = IncomingWindow(settings.windows)
        self._open_frames = OpenFrames(settings.windows, make_assembly)
        self._numbers, self._names = QueueNumbers(), QueueNames()
        self._received_count = self._sent_count = self._last_lsn = 0
        self._begun_at_ms = self._heard_at_ms = self._sent_at_ms = self._looked_at_ms = now_ms
        self._is_heard = True
        for kind, body in handshake.begin():
            self._answers.put(kind, body)

    # ---- what the node hands in ----

    def put(self, frame: LeaderFrame | MirrorFrame) -> None:
        """Let a frame leave in its turn; the connection ends where too many wait."""
        if self.reason is not None or self.peer is None:
            return
        try:
            if isinstance(frame, LeaderFrame):
                assert self.is_dialer, "a listener sends no frames of a leader"
                self._lanes.put(frame)
            else:
                assert not self.is_dialer, "a dialer sends no frames of a mirror"
                self._answers.put_frame(frame, self._numbers)
        except LinkError as error:
            self._end(str(error))
        self.wake()

    def worked_off(self, lane: Lane, octets: int) -> None:
        """Records of a frame are in the WAL: the leader may send more."""
        if self.reason is None and octets:
            credit = self._incoming.worked_off(lane, octets)
            if credit:
                assert isinstance(lane, int), "what comes is known by number"
                self._answers.put_credit(lane, credit)
                self.wake()

    @property
    def takes_catch_up(self) -> bool:
        """Whether the shell should read more for catch-ups: few of them wait here."""
        return self._lanes.catch_up_count < BEGUN_MAX

    @property
    def waiting_count(self) -> int:
        """How many frames wait to leave."""
        return len(self._lanes) + len(self._answers)

    def close(self, reason: str) -> None:
        """End it from this side; the other node is told why if the socket still takes it."""
        self._end(reason)

    def lost(self, reason: str) -> None:
        """The socket is gone."""
        self._answers.clear()
        self._end(reason)
        self._answers.clear()

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
            self._end(str(error))
        return at

    def ended_by_peer(self) -> None:
        """The other side sends nothing any more: half of a link is of no use."""
        self._end("the other node closed the connection")

    def hear(self, *, can_be_heard: bool, now_ms: int) -> None:
        """Count silence, or not: while the socket is not read, silence says nothing."""
        self._is_heard = can_be_heard
        self._heard_at_ms = now_ms

    def _take(self, kind: int, flags: int, body: memoryview) -> None:
        if flags and kind not in {Kind.APPEND, Kind.TAIL}:
            raise LinkError(f"unknown flags {flags}")
        if kind == Kind.GOODBYE:
            self._answers.clear()
            self._end(f"the other node says: {decode_reason(body)}", tell=False)
        elif self.peer is None:
            self._shake_hands(kind, body)
        elif kind == Kind.QUEUE:
            self._names.learn(body)
        elif kind == Kind.HEARTBEAT:
            if len(body):
                raise LinkError("a heartbeat with a body")
        elif self.is_dialer:
            self._take_of_mirror(kind, body)
        else:
            self._take_of_leader(kind, flags, body)

    def _shake_hands(self, kind: int, body: memoryview) -> None:
        for answer, content in self._handshake.take(kind, body):
            self._answers.put(answer, content)
        peer = self._handshake.peer
        if peer is not None:
            self.peer = peer
            self._outgoing = OutgoingWindow(peer.windows)
            self._lanes.piece_bytes = min(self._settings.piece_bytes, piece_max(peer.windows))
            self._owner.opened(self, peer)

    def _take_of_mirror(self, kind: int, body: memoryview) -> None:
        if kind not in MIRROR_KINDS:
            raise LinkError(f"kind {kind} is none of a mirror")
        if kind == Kind.CREDIT:
            number, octets = decode_credit(body)
            self._outgoing.credit(self._numbers.name(number) if number else LIVE, octets)
            return
        frame = decode_mirror_frame(kind, body, self._names)
        self._owner.arrived(self, frame, LIVE, 0)

    def _take_of_leader(self, kind: int, flags: int, body: memoryview) -> None:
        if kind == Kind.PIECE:
            number, octets = decode_piece(body)
            part = self._open_frames.go_on(number, octets)
        else:
            begun = decode_leader_frame(kind, flags, body, self._names)
            octets = begun.octets
            if isinstance(begun.frame, Append):
                if begun.frame.lsn <= self._last_lsn:
                    raise LinkError(f"LSN {begun.frame.lsn} behind {self._last_lsn}")
                self._last_lsn = begun.frame.lsn
            part = self._open_frames.begin(begun)
        if octets:
            self._incoming.took(part.lane, len(octets))
        self.worked_off(part.lane, part.free)
        if part.is_whole:
            self._owner.arrived(self, part.frame, part.lane, part.owed)

    # ---- output ----

    def output(self, room_bytes: int, now_ms: int) -> list[Octets]:
        """Return what leaves now, in order: about ``room_bytes``, and all answers that wait."""
        out: list[Octets] = []
        try:
            while (answer := self._answers.take()) is not None:
                kind, body = answer
                out.append(self._seal(kind, Flag.NONE, body))
                room_bytes -= len(body)
            while room_bytes > 0 and self.reason is None and self.peer is not None:
                found = self._lanes.next(self._outgoing)
                if found is None:
                    break
                waiting, octets = found
                room_bytes -= self._put_out(waiting, octets, out)
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

    def _put_out(self, waiting: Waiting, octets: int, out: list[Octets]) -> int:
        frame = waiting.frame
        number, told = self._numbers.of(frame.queue)
        if told is not None:
            out.append(self._seal(Kind.QUEUE, Flag.NONE, told))
        records = waiting.take(octets, self._log)
        if waiting.begun:
            kind, head = Kind.PIECE, PIECE.pack(number)
        else:
            kind, head = encode_leader_frame(frame, number, waiting.size)
            waiting.begun = True
        flags = Flag.EPOCH_START if waiting.is_start else Flag.NONE
        sealed = self._seal(kind, flags, head, records)
        if octets <= _JOINED_BYTES_MAX:
            out.append(b"".join((sealed, records)))
        else:
            out += (sealed, records)
        self._outgoing.sent(lane_of(frame), octets)
        self._lanes.left(waiting, octets)
        return len(sealed) + octets

    def _seal(self, kind: Kind, flags: Flag, head: bytes, octets: Octets = b"") -> bytes:
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

    def _end(self, reason: str, *, tell: bool = True) -> None:
        if self.reason is not None:
            return
        self.reason = reason
        self._lanes.close()
        self._open_frames.drop()
        if tell:
            self._answers.end(Kind.GOODBYE, reason.encode()[:REASON_BYTES_MAX])
        self._owner.closed(self, reason)
        self.wake()


def _nobody() -> None:
    """Nobody waits for output: it is asked for."""
