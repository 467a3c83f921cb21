"""The publishes of one connection that are not safe yet, and their confirms.

    append ── LSN 12: publisher 3, ids 1..100 ── LSN 15: publisher 0, ids 7, 8 ── ...
              committed ──▶ PublishConfirm(3, [1..100])

Source: RabbitMQ, stream protocol, PublishConfirm and PublishError.
"""

import struct
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from amqp_server.broker.protocol_counts import ProtocolCounters
from amqp_server.broker.turn import Turn
from amqp_server.connections.outbox import Outbox
from amqp_server.stream_protocol.fields import I32, U8, U16
from amqp_server.stream_protocol.frames import SIZE, frame
from amqp_server.stream_protocol.keys import VERSION_1, Code, CommandKey
from queues.commits import CommitGroup

ID_BYTES: Final = 8
IDS_PER_FRAME_MAX: Final = 8_000
_CONFIRM_HEAD: Final = struct.Struct(">IHHBi")
"""Size, key and version of the frame, publisher and count."""
_ERROR_BYTES: Final = ID_BYTES + U16.size


class Counted:
    """The entries of one publisher, counted.

    Attributes:
        publisher_id: its number on its connection.
        published, confirmed, errored: entries that came, that are safe, and that were refused.
        is_lost: whether its stream is not led here any more: its client is told that, once.
    """

    __slots__ = ("confirmed", "errored", "is_lost", "published", "publisher_id")

    def __init__(self, publisher_id: int) -> None:
        self.publisher_id = publisher_id
        self.is_lost: Callable[[], bool] = _is_here
        self.published = self.confirmed = self.errored = 0


class _Waiting(NamedTuple):
    lsn: int
    counted: Counted
    ids: bytes


class AwaitedConfirms:
    """The publishes of a connection that wait for their commit.

    Where a group fails, nobody knows what became of them. Those of a stream that another node leads
    by then are not answered: the client hears of the stream (MetadataUpdate), and publishes there
    what was not confirmed. So failed ones wait until this node knows what it leads: a ``Job``.

    Attributes:
        count: entries that wait.

    Invariant: a line's LSNs do not fall; while it has one, a call is due.
    """

    __slots__ = ("_counters", "_failed", "_lines", "_on_fewer", "_outbox", "_turn", "count")

    def __init__(
        self, outbox: Outbox, on_fewer: Callable[[], None], counters: ProtocolCounters, turn: Turn
    ) -> None:
        """Begin with none.

        Args:
            outbox: where confirms go.
            on_fewer: called when ``count`` has fallen.
            counters: of the protocol.
            turn: the broker's.
        """
        self._turn = turn
        self._failed: list[tuple[Counted, bytes]] = []
        self._outbox = outbox
        self._counters = counters
        self._on_fewer = on_fewer
        self._lines: dict[CommitGroup, deque[_Waiting]] = {}
        self.count = 0

    def confirm(self, counted: Counted, ids: bytes, group: CommitGroup, lsn: int) -> bool:
        """Confirm these once the group has committed the LSN; at once if it has.

        Returns:
            False where the group has failed already.
        """
        if lsn <= group.committed_lsn:
            self._counters.confirmed_count += len(ids) // ID_BYTES
            counted.confirmed += len(ids) // ID_BYTES
            write_confirms(self._outbox, counted.publisher_id, ids)
            return True
        line = self._lines.setdefault(group, deque())
        line.append(_Waiting(lsn, counted, ids))
        self.count += len(ids) // ID_BYTES
        if len(line) == 1:
            group.wait(lsn, lambda: self._decided(group))
        return self._lines.get(group) is line

    def forget(self) -> None:
        """End with the connection."""
        self._lines.clear()
        self._failed.clear()
        self.count = 0
        self._on_fewer = _nobody_waits

    def _decided(self, group: CommitGroup) -> None:
        line = self._lines.get(group)
        if not line:
            return
        committed_lsn = group.committed_lsn
        has_failed = line[0].lsn > committed_lsn
        gathered: dict[Counted, list[bytes]] = {}
        while line and (has_failed or line[0].lsn <= committed_lsn):
            _, counted, ids = line.popleft()
            gathered.setdefault(counted, []).append(ids)
        for counted, parts in gathered.items():
            ids = b"".join(parts)
            if has_failed:
                self._fail(counted, ids)
            else:
                self.count -= len(ids) // ID_BYTES
                self._counters.confirmed_count += len(ids) // ID_BYTES
                counted.confirmed += len(ids) // ID_BYTES
                write_confirms(self._outbox, counted.publisher_id, ids)
        if line:
            group.wait(line[0].lsn, lambda: self._decided(group))
        else:
            del self._lines[group]
        self._on_fewer()

    def _fail(self, counted: Counted, ids: bytes) -> None:
        if not self._failed:
            self._turn.resume(self)
        self._failed.append((counted, ids))

    def step(self, _now_ms: int) -> bool:
        """Answer what has failed, but for streams that are led elsewhere; see ``Job``."""
        failed, self._failed = self._failed, []
        for counted, ids in failed:
            self.count -= len(ids) // ID_BYTES
            counted.errored += len(ids) // ID_BYTES
            self._counters.note_error(Code.STREAM_NOT_AVAILABLE.name)
            if not counted.is_lost():
                write_errors(self._outbox, counted.publisher_id, ids, Code.STREAM_NOT_AVAILABLE)
        self._on_fewer()
        return True


def _is_here() -> bool:
    return False


def _nobody_waits() -> None:
    """Replaces the connection once it is over, so that neither keeps the other in memory."""


def write_confirms(outbox: Outbox, publisher_id: int, ids: bytes) -> None:
    """Write PublishConfirm for these ids."""
    for start in range(0, len(ids), IDS_PER_FRAME_MAX * ID_BYTES):
        part = ids[start : start + IDS_PER_FRAME_MAX * ID_BYTES]
        head = _CONFIRM_HEAD.pack(
            _CONFIRM_HEAD.size - SIZE.size + len(part),
            CommandKey.PUBLISH_CONFIRM,
            VERSION_1,
            publisher_id,
            len(part) // ID_BYTES,
        )
        outbox.write(head + part)


def write_errors(outbox: Outbox, publisher_id: int, ids: bytes, code: Code) -> None:
    """Write PublishError with this code for these ids."""
    for start in range(0, len(ids), IDS_PER_FRAME_MAX * ID_BYTES):
        part = ids[start : start + IDS_PER_FRAME_MAX * ID_BYTES]
        count = len(part) // ID_BYTES
        errors = bytearray(U16.pack(code).rjust(_ERROR_BYTES) * count)
        for octet in range(ID_BYTES):
            errors[octet::_ERROR_BYTES] = part[octet::ID_BYTES]
        head = U8.pack(publisher_id) + I32.pack(count)
        outbox.write(frame(CommandKey.PUBLISH_ERROR, head + errors))
