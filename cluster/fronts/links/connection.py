"""One connection between a node that has clients and a node that leads queues, without its socket.

    input  → envelopes → frames, and messages in pieces → owner.arrived
    frames → lines, windows → envelopes → output

The dialer is the front's node. Both sides have a window for each queue and one for all. Who puts
runs or batches asks ``is_shut`` first, and is told with ``room`` when it may go on.
"""

from typing import Final, Protocol

from cluster.fronts.links.credit import IncomingCredit
from cluster.fronts.links.decoding import LEADER_TAKES, Begun, decode, frames_of
from cluster.fronts.links.encoding import Frame, encode
from cluster.fronts.links.large import LARGE_MAX, LargeMessage
from cluster.fronts.links.layout import FRAME, FRAMES, FRAMES_MAX, FRAMES_PER_OUTPUT
from cluster.fronts.links.lines import Lines, Waiting
from cluster.fronts.links.node_room import NodeRoom
from cluster.fronts.links.parting import parted
from cluster.fronts.links.shut import ShutQueues
from cluster.links.decoding import decode_credit, decode_piece
from cluster.links.end import LinkEnd
from cluster.links.envelope import Octets
from cluster.links.errors import LinkError
from cluster.links.handshake import Handshake
from cluster.links.hello import Hello
from cluster.links.kinds import Flag, Kind
from cluster.links.layout import PIECE
from cluster.links.settings import KIB, LinkSettings, Windows
from cluster.links.windows import OutgoingWindow, piece_max
from persistence.codec import decode_run
from persistence.errors import DamagedError

WHOLE_BYTES_MAX: Final = 256 * KIB
"""Octets of records in one envelope; as many as a batch has at most but for its last message."""

_GATHERED_BYTES: Final = 128 * KIB
"""An envelope that has so much takes no further frame."""


class Owner(Protocol):
    """Who hears what a connection has for the node; it may put frames, or close it, meanwhile."""

    def opened(self, link: "FrontLink", peer: Hello) -> None:
        """Both nodes know each other; no queue was spoken of."""

    def arrived(self, link: "FrontLink", frame: Frame, octets: int) -> None:
        """A frame came; ``link.taken(frame.queue, octets)`` follows once its records are taken."""

    def room(self, link: "FrontLink", queue: str) -> None:
        """What ``is_shut`` was asked of is open again; ask again before each run or batch."""

    def closed(self, link: "FrontLink", reason: str) -> None:
        """The connection is over; nothing comes of it any more."""


class FrontLink(LinkEnd):
    """One end of it; ``is_dialer``: this node has the clients."""

    def __init__(
        self,
        owner: Owner,
        handshake: Handshake,
        settings: LinkSettings,
        windows: Windows,
        node_room: NodeRoom,
        *,
        is_dialer: bool,
        now_ms: int,
    ) -> None:
        """Begin with the handshake; ``windows`` are those in this node's hello."""
        super().__init__(handshake, settings, is_dialer=is_dialer, now_ms=now_ms)
        self._owner = owner
        self._windows = windows
        self._node_room = node_room
        self._lines = Lines(settings.waiting_frames_max, WHOLE_BYTES_MAX)
        self._outgoing = OutgoingWindow(windows)
        self._shut = ShutQueues(self._is_queue_shut, self._is_link_shut, self._tell_room)
        self._incoming = IncomingCredit(windows)
        self._numbers_of_peer: dict[str, int] = {}
        self._large: dict[int, tuple[Begun, str, LargeMessage]] = {}

    # ---- what the node hands in ----

    def put(self, frame: Frame) -> None:
        """Let a frame leave in its turn; the connection ends where too many wait.

        Raises:
            ValueError: the arguments of a consumer are no plain values, or too large.
        """
        if self.reason is not None or self.peer is None:
            return
        waiting_bytes = self._lines.waiting_bytes
        try:
            number, told = self._numbers.of(frame.queue)
            if told is not None:
                self._answers.put(Kind.QUEUE, told)
            for part in parted(frame, self._lines.whole_bytes):
                encoded = encode(part, number)
                assert (encoded.kind in LEADER_TAKES) is self.is_dialer, "a frame of the other side"
                if not self._lines.join(frame.queue, encoded):
                    self._lines.put(Waiting(frame.queue, number, encoded))
        except LinkError as error:
            self._end(str(error))
        self._node_room.add(self, self._lines.waiting_bytes - waiting_bytes)
        self.wake()

    def is_shut(self, queue: str) -> bool:
        """Return whether no run and no batch of a queue should be put; then ``room`` follows.

        Frames without records may always be put.
        """
        return self.peer is None or self.reason is not None or self._shut.ask(queue)

    def taken(self, queue: str, octets: int) -> None:
        """The records of a frame that came are where they will stay, or gone."""
        if self.reason is None and octets:
            self._give(self._incoming.taken(queue, octets))

    def fail(self, reason: str) -> None:
        """End it, because what came over it makes no sense to a half; as ``close``."""
        self.close(reason)

    @property
    def waiting_count(self) -> int:
        """How many frames wait to leave."""
        return len(self._lines) + len(self._answers)

    @property
    def waiting_bytes(self) -> int:
        """How many octets of records wait to leave; a large message counts as one piece."""
        return self._lines.waiting_bytes

    # ---- input ----

    def _peer_found(self, peer: Hello) -> None:
        self._outgoing = OutgoingWindow(peer.windows)
        self._lines.whole_bytes = min(WHOLE_BYTES_MAX, piece_max(peer.windows))
        self._node_room.join(self)
        self._owner.opened(self, peer)

    def _take_other(self, kind: int, flags: int, body: memoryview) -> None:
        if flags:
            raise LinkError(f"unknown flags {flags}")
        if kind == FRAMES:
            self._take_frames(body)
        elif kind == Kind.PIECE:
            self._take_piece(*decode_piece(body))
        elif kind == Kind.CREDIT:
            number, octets = decode_credit(body)
            queue = self._numbers.name(number)
            self._outgoing.credit(queue, octets)
            self._lines.credit(queue)
            self._shut.changed(queue)
            self.wake()
        else:
            raise LinkError(f"kind {kind} is none of a front link")

    def _take_frames(self, body: memoryview) -> None:
        for kind, octets in frames_of(body):
            if (kind in LEADER_TAKES) is self.is_dialer:
                raise LinkError(f"a frame of kind {kind} is none of the other half")
            frame = decode(kind, octets, self._names)
            if isinstance(frame, Begun):
                self._begin(frame)
            else:
                self._arrived(frame, 0)
            if self.reason is not None:
                return

    def _begin(self, begun: Begun) -> None:
        number, octets = begun.number, begun.octets
        queue = self._names.of(number)
        self._numbers_of_peer[queue] = number
        self._incoming.came(queue, len(octets))
        if len(octets) == begun.records_bytes:
            try:
                run = decode_run(octets, begun.message_count)
            except DamagedError as error:
                raise LinkError(str(error)) from None
            self._arrived(begun.make(run), len(octets), number)
            return
        if begun.records_bytes > self._windows.run_bytes_max:
            raise LinkError(f"a message of {begun.records_bytes} octets")
        if len(self._large) >= LARGE_MAX or not octets:
            raise LinkError(f"{len(self._large)} messages are not whole, and another one begins")
        self._check_not_open(number)
        large = LargeMessage(begun.records_bytes)
        self._large[number] = begun, queue, large
        large.add(octets)
        self.taken(queue, len(octets))

    def _take_piece(self, number: int, octets: memoryview) -> None:
        opened = self._large.get(number)
        if opened is None:
            raise LinkError(f"a piece for queue {number}, of which no message is open")
        begun, queue, large = opened
        self._incoming.came(queue, len(octets))
        large.add(octets)
        if large.missing_bytes:
            self.taken(queue, len(octets))
            return
        del self._large[number]
        # The last piece keeps its room until the message is taken: it holds the next one back.
        self._arrived(begun.make(large.finish()), len(octets))

    def _arrived(self, frame: Frame, octets: int, number: int = 0) -> None:
        if self._large:
            self._check_not_open(number or self._numbers_of_peer.get(frame.queue, 0))
        self._owner.arrived(self, frame, octets)

    def _check_not_open(self, number: int) -> None:
        if number in self._large:
            raise LinkError("a frame between the pieces of another of its queue")

    def _give(self, given: list[tuple[str, int]]) -> None:
        for queue, octets in given:
            self._answers.put_credit(self._numbers_of_peer[queue], octets)
        if given:
            self.wake()

    # ---- output ----

    def _put_out(self, room_bytes: int, out: list[Octets]) -> None:
        lines, window = self._lines, self._outgoing
        waiting_bytes = lines.waiting_bytes
        gathered: list[Octets] = []
        gathered_bytes = count = 0
        for _ in range(FRAMES_PER_OUTPUT):
            found = lines.next(window) if room_bytes > 0 else None
            if found is None:
                break
            waiting, octets = found
            records = waiting.take(octets) if octets else b""
            if waiting.begun:
                out += (self._seal(Kind.PIECE, Flag.NONE, PIECE.pack(waiting.number), records),)
                out.append(records)
                room_bytes -= octets
            else:
                waiting.begun = True
                head = FRAME.pack(waiting.kind, len(waiting.head) + octets) + waiting.head
                gathered += (head, records)
                gathered_bytes += len(head) + octets
                count += 1
                room_bytes -= len(head) + octets
                if octets < waiting.size or gathered_bytes > _GATHERED_BYTES or count == FRAMES_MAX:
                    self._put_gathered(gathered, out)
                    gathered, gathered_bytes, count = [], 0, 0
            if octets:
                window.sent(waiting.queue, octets)
            lines.left(waiting, octets)
            self._shut.changed(waiting.queue)
        if gathered:
            self._put_gathered(gathered, out)
        self._node_room.add(self, lines.waiting_bytes - waiting_bytes)
        self._shut.tell()

    def _put_gathered(self, gathered: list[Octets], out: list[Octets]) -> None:
        octets = b"".join(gathered)
        out += (self._seal(FRAMES, Flag.NONE, b"", octets), octets)

    # ---- room ----

    def _is_queue_shut(self, queue: str) -> bool:
        lines = self._lines
        octets = lines.bytes_of(queue) + lines.whole_bytes
        return lines.is_held(queue) or not self._outgoing.has_stream_room(queue, octets)

    def _is_link_shut(self) -> bool:
        octets = self._lines.waiting_bytes + self._lines.whole_bytes
        return not self._outgoing.has_shared_room(octets) or self._node_room.is_shut(self)

    def _tell_room(self, queue: str | None) -> None:
        if queue is None:
            self.wake()
        elif self.reason is None:
            self._owner.room(self, queue)

    # ---- time, and the end ----

    def tick(self, now_ms: int) -> None:
        """Give credit that was not worth an envelope, and do what every link does."""
        if self.reason is None and self.peer is not None:
            self._give(self._incoming.all_due())
            self._shut.tell()
        super().tick(now_ms)

    def _ended(self, reason: str) -> None:
        self._node_room.leave(self)
        self._lines.close()
        self._shut.close()
        self._large.clear()
        self._owner.closed(self, reason)
