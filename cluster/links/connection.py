"""One connection from a leader's node to a mirror's, without its socket.

    input  → envelopes → handshake, then frames → owner.arrived
    frames → lanes, windows → envelopes → output

The dialer is the leader's node: its frames go one way, answers come back. What it has in common
with links of another purpose is in ``cluster.links.end``. The owner is told of the end once, and
hands no more to it.
"""

from typing import Final, Protocol

from cluster.links.assembly import MakeAssembly, OpenFrames, in_memory
from cluster.links.decoding import (
    decode_credit,
    decode_leader_frame,
    decode_mirror_frame,
    decode_piece,
    decode_seen,
)
from cluster.links.encoding import encode_leader_frame
from cluster.links.end import LinkEnd
from cluster.links.envelope import Octets
from cluster.links.errors import LinkError
from cluster.links.handshake import Handshake
from cluster.links.hello import FOLLOWS_FROM, LETS_GO_FROM, Hello
from cluster.links.kinds import MIRROR_KINDS, Flag, Kind
from cluster.links.lanes import Lanes, lane_of
from cluster.links.layout import PIECE
from cluster.links.payload import HeldOctets, LogReader, Waiting
from cluster.links.settings import LinkSettings
from cluster.links.windows import BEGUN_MAX, LIVE, IncomingWindow, Lane, OutgoingWindow, piece_max
from cluster.replication.frames import Append, Follow, LeaderFrame, LetGo, MirrorFrame

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

    def seen(self, link: "LinkConnection", revision: int) -> None:
        """The other node has all definitions up to a revision of the metadata store."""

    def closed(self, link: "LinkConnection", reason: str) -> None:
        """The connection is over; nothing comes of it any more."""


class LinkConnection(LinkEnd):
    """One end of it; ``is_dialer``: this node leads."""

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
        super().__init__(handshake, settings, is_dialer=is_dialer, now_ms=now_ms)
        self._owner = owner
        self._log = log
        self._lanes = Lanes(held, settings.piece_bytes, settings.waiting_frames_max)
        self._outgoing = OutgoingWindow(settings.windows)
        self._incoming = IncomingWindow(settings.windows)
        self._open_frames = OpenFrames(settings.windows, make_assembly)
        self._last_lsn = 0

    # ---- what the node hands in ----

    def put(self, frame: LeaderFrame | MirrorFrame) -> None:
        """Let a frame leave in its turn; the connection ends where too many wait."""
        if self.reason is not None or self.peer is None:
            return
        try:
            if isinstance(frame, LeaderFrame):
                assert self.is_dialer, "a listener sends no frames of a leader"
                if isinstance(frame, LetGo) and self._handshake.version < LETS_GO_FROM:
                    return
                self._lanes.put(frame)
            else:
                assert not self.is_dialer, "a dialer sends no frames of a mirror"
                if isinstance(frame, Follow) and self._handshake.version < FOLLOWS_FROM:
                    return
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

    def put_seen(self, revision: int) -> None:
        """Tell that this node has all definitions up to a revision."""
        if self.reason is None and self.peer is not None:
            try:
                self._answers.put_seen(revision)
            except LinkError as error:
                self._end(str(error))
            self.wake()

    @property
    def takes_catch_up(self) -> bool:
        """Whether the shell should read more for catch-ups: few of them wait here."""
        return self._lanes.catch_up_count < BEGUN_MAX

    @property
    def waiting_count(self) -> int:
        """How many frames wait to leave."""
        return len(self._lanes) + len(self._answers)

    # ---- input ----

    def _take_other(self, kind: int, flags: int, body: memoryview) -> None:
        if flags and kind not in {Kind.APPEND, Kind.TAIL}:
            raise LinkError(f"unknown flags {flags}")
        if self.is_dialer:
            self._take_of_mirror(kind, body)
        else:
            self._take_of_leader(kind, flags, body)

    def _peer_found(self, peer: Hello) -> None:
        self._outgoing = OutgoingWindow(peer.windows)
        self._lanes.fit(self._settings.piece_bytes, piece_max(peer.windows))
        self._owner.opened(self, peer)

    def _take_of_mirror(self, kind: int, body: memoryview) -> None:
        if kind not in MIRROR_KINDS:
            raise LinkError(f"kind {kind} is none of a mirror")
        if kind == Kind.SEEN:
            self._owner.seen(self, decode_seen(body))
            return
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

    def _put_out(self, room_bytes: int, out: list[Octets]) -> None:
        while room_bytes > 0 and self.reason is None:
            found = self._lanes.next(self._outgoing)
            if found is None:
                break
            waiting, octets = found
            room_bytes -= self._put_frame_out(waiting, octets, out)

    def _may_put_out(self) -> bool:
        return len(self._lanes) > 0

    def _put_frame_out(self, waiting: Waiting, octets: int, out: list[Octets]) -> int:
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

    def _ended(self, reason: str) -> None:
        self._lanes.close()
        self._open_frames.drop()
        self._owner.closed(self, reason)
