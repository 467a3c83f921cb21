"""What a leader reads for mirrors that are behind: records, or its messages part by part (R14).

    the core asks for records   ─▶ one read, one frame
    … of a stream               ─▶ a piece, which is a snapshot; the core asks again
    the core asks for messages  ─▶ a part without octets; the mirror says what it has; parts, some
                                   of them under way at a time; then the snapshot, which answers

Nothing is pinned. What a part has stays right while the queue goes on, and the snapshot, of the
last moment, has the rest and all that is settled by then. A link that is full is not read for.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from cluster.mirrored.damages import Damages
from cluster.replication.core import ReplicationCore
from cluster.replication.frames import Part, Want
from cluster.replication.inputs import Compact, RecordsRead
from cluster.replication.ready import ReadRequest
from cluster.replication.rules import Mode
from persistence.errors import DamagedError, is_shortage
from persistence.replicas.log import ReplicaLog
from persistence.replicas.taking import TAKEN_BYTES_MAX, UnreadableChunkError, take

log = logging.getLogger(__name__)

PARTS_MAX: Final = 4
"""Parts on their way to a mirror, of one queue; fewer where a message makes a part longer."""

HELD_QUEUES_MAX: Final = 16
"""Queues whose records are kept for longer, until a mirror with a snapshot has those too."""

BUSY_BYTES_PER_MS: Final = 64 << 10
"""While clients publish to queues that are led here, so much is read: 64 MiB a second."""

BURST_BYTES_MAX: Final = 4 << 20
"""So much at a time, if less was read before."""

AGAIN_MS: Final = 1_000
"""What could not be read is tried again so much later."""

_UNLIMITED_BYTES: Final = 1 << 62


@dataclass(slots=True)
class _Snapshot:
    """One that a mirror is getting.

    Attributes:
        request: the read that it answers.
        at: the position that the next part begins with; None: the mirror has not said what it has.
        under_way: where the parts begin that it has not answered, and their octets.
    """

    request: ReadRequest
    at: int | None = None
    under_way: deque[tuple[int, int]] = field(default_factory=deque)

    def is_full(self, taken_bytes_max: int) -> bool:
        """Return whether the mirror has to answer before more of it leaves."""
        under_way_bytes = sum([size_bytes for _, size_bytes in self.under_way])
        return len(self.under_way) >= PARTS_MAX or under_way_bytes >= PARTS_MAX * taken_bytes_max


class _Mirror:
    """What one mirror lacks: reads that wait, and snapshots of which a part may leave."""

    __slots__ = ("due", "is_turn_of_due", "reads", "snapshots")

    def __init__(self) -> None:
        self.reads: deque[ReadRequest] = deque()
        self.snapshots: dict[str, _Snapshot] = {}
        self.due: dict[str, None] = {}
        self.is_turn_of_due = False


class CatchUps:
    """The reads of a node's core, until they are answered.

    Args:
        core: of this node.
        replicas: what it has of each queue.
        damages: takes what cannot be read.

    Attributes:
        is_asked: a mirror may lack something; without that ``go_on`` need not be called.
    """

    def __init__(
        self, core: ReplicationCore, replicas: Mapping[str, ReplicaLog], damages: Damages
    ) -> None:
        self._core = core
        self._replicas = replicas
        self._damages = damages
        self._refused: deque[tuple[int, str, ReadRequest | str]] = deque()
        self._mirrors: dict[str, _Mirror] = {}
        self._held: dict[str, set[str]] = {}
        self.taken_bytes_max = TAKEN_BYTES_MAX
        self._left_bytes = _UNLIMITED_BYTES
        self._allowed_at_ms = self._last_lsn = 0
        self.is_asked = False
        self.has_room: Callable[[str], bool] = _always
        """Returns whether the link to a mirror takes more; the shell's owner puts it there."""

    def ask(self, requests: Iterable[ReadRequest]) -> None:
        """Answer these in their turn."""
        for request in requests:
            mirror = self._mirrors.setdefault(request.mirror, _Mirror())
            mirror.reads.append(request)
            self.is_asked = True

    def hear(self, name: str, want: Want) -> None:
        """Go on with a snapshot behind what the mirror has."""
        mirror = self._mirrors.get(name)
        snapshot = mirror.snapshots.get(want.queue) if mirror is not None else None
        if mirror is None or snapshot is None or snapshot.request.number != want.number:
            return
        under_way = snapshot.under_way
        if want.anew:
            under_way.clear()
            snapshot.at = self._begin_at(want)
        while under_way and under_way[0][0] < want.position:
            under_way.popleft()
        mirror.due[want.queue] = None
        self.is_asked = True

    def come_to(self, queue: str) -> int:
        """Return a number that grows while mirrors of a queue that is led here get on.

        It is about what they have that are in no in-sync set; 0 where none is attached.
        """
        lead = self._core.lead_of(queue)
        if lead is None:
            return 0
        come_to = 0
        for name, progress in lead.mirrors.items():
            if progress.replica not in lead.state.in_sync_set:
                mirror = self._mirrors.get(name)
                snapshot = None if mirror is None else mirror.snapshots.get(queue)
                come_to += progress.got + ((snapshot and snapshot.at) or 0)
        return come_to

    def forget_mirror(self, name: str) -> None:
        """The connection to a mirror is over: it will attach anew."""
        self._mirrors.pop(name, None)

    def forget_queue(self, queue: str) -> None:
        """The queue is gone."""
        self._held.pop(queue, None)
        for mirror in self._mirrors.values():
            mirror.reads = deque([each for each in mirror.reads if each.queue != queue])
            mirror.snapshots.pop(queue, None)
            mirror.due.pop(queue, None)

    def holds_records(self, queue: str) -> bool:
        """Return whether a mirror that has a snapshot still needs the records behind it."""
        mirrors, lead = self._held.get(queue), self._core.lead_of(queue)
        if mirrors is None:
            return False
        for name in list(mirrors):
            progress = lead.mirrors.get(name) if lead is not None else None
            if progress is None or progress.mode is not Mode.CATCH_UP:
                mirrors.discard(name)
        if not mirrors:
            del self._held[queue]
        return bool(mirrors)

    def tick(self) -> None:
        """Allow more to be read: without a limit where nobody publishes, else a share of the time.

        A part costs the node about 2 ms per MiB, which publishers would have to give up.
        """
        self._try_again()
        node = self._core.node
        elapsed_ms, self._allowed_at_ms = node.now_ms - self._allowed_at_ms, node.now_ms
        is_busy, self._last_lsn = node.last_lsn != self._last_lsn, node.last_lsn
        if is_busy:
            left_bytes = max(min(self._left_bytes, BURST_BYTES_MAX), -BURST_BYTES_MAX)
            self._left_bytes = min(left_bytes + elapsed_ms * BUSY_BYTES_PER_MS, BURST_BYTES_MAX)
        else:
            self._left_bytes = _UNLIMITED_BYTES

    def go_on(self) -> bool:
        """Do one read; return whether there was anything that could be read."""
        if self._left_bytes <= 0:
            return False
        for name, mirror in list(self._mirrors.items()):
            if not (mirror.reads or mirror.due) or not self.has_room(name):
                continue
            del self._mirrors[name]
            self._mirrors[name] = mirror
            mirror.is_turn_of_due = not mirror.is_turn_of_due
            first, second = self._read_next, self._go_on_with
            if mirror.is_turn_of_due:
                first, second = second, first
            if first(name, mirror) or second(name, mirror):
                return True
        self.is_asked = any([each.reads or each.due for each in self._mirrors.values()])
        return False

    def _read_next(self, name: str, mirror: _Mirror) -> bool:
        while mirror.reads:
            request = mirror.reads.popleft()
            if not self._is_awaited(request):
                continue
            try:
                read = self._read(request)
            except (DamagedError, OSError) as error:
                self._refuse(name, request.queue, request, error)
                continue
            if read is None:
                number = request.number
                mirror.snapshots[request.queue] = _Snapshot(request)
                self._pass(name, Part(request.queue, request.epoch, number, 0, 0, 0, 0, b""))
            else:
                self._core.step(read)
            return True
        return False

    def _read(self, request: ReadRequest) -> RecordsRead | None:
        """Return the answer to a read; None where it goes part by part.

        Raises:
            DamagedError, OSError: what is asked for cannot be read here.
        """
        replica = self._replicas[request.queue]
        if not request.snapshot and request.after >= replica.base:
            count, octets = replica.read(request.after, request.count)
            self._left_bytes -= len(octets)
            return RecordsRead(request, count, octets)
        if replica.stream.content is None:
            return None
        behind = request.behind if request.snapshot else request.after
        index, octets = replica.stream_piece(behind)
        self._left_bytes -= len(octets)
        return RecordsRead(replace(request, after=index, snapshot=True), 0, octets)

    def _go_on_with(self, name: str, mirror: _Mirror) -> bool:
        while mirror.due:
            queue = next(iter(mirror.due))
            del mirror.due[queue]
            snapshot = mirror.snapshots.get(queue)
            if snapshot is None or snapshot.at is None:
                continue
            if not self._is_awaited(snapshot.request):
                del mirror.snapshots[queue]
            elif self._give(name, mirror, snapshot, snapshot.at):
                return True
        return False

    def _give(self, name: str, mirror: _Mirror, snapshot: _Snapshot, at: int) -> bool:
        """Have a part of a snapshot leave, or the snapshot itself; return whether one did.

        What nobody can read any more is left out of the next one.
        """
        request, replica = snapshot.request, self._replicas[snapshot.request.queue]
        if snapshot.is_full(self.taken_bytes_max):
            return False
        try:
            taken = take(replica.state, at, self.taken_bytes_max)
        except UnreadableChunkError as error:
            if self._damages.keeps(request.queue, error) or self._may_be_elsewhere(
                request.queue, error.row.last_position
            ):
                self._refuse(name, request.queue, request.queue, error)
                return False
            # As in a queue that is not mirrored, it is lost, and the rest goes on.
            replica.state.lose(error.row, error)
            mirror.due[request.queue] = None
            return True
        except OSError as error:
            self._refuse(name, request.queue, request.queue, error)
            return False
        base = replica.base
        if not taken.is_rest:
            epoch = self._core.node.replicas[request.queue].epoch_at(base)
            chunks = taken.chunks()
            snapshot.under_way.append((at, len(chunks)))
            snapshot.at = taken.stop
            mirror.due[request.queue] = None
            self._left_bytes -= len(chunks)
            number = request.number
            part = Part(request.queue, request.epoch, number, at, taken.stop, base, epoch, chunks)
            self._pass(name, part)
            return True
        if snapshot.under_way:
            # It is taken anew, and may be more, when the mirror has all before it.
            return False
        del mirror.snapshots[request.queue]
        if len(self._held) < HELD_QUEUES_MAX:
            self._held.setdefault(request.queue, set()).add(name)
        octets = replica.content(at, taken).encode()
        self._core.step(RecordsRead(replace(request, after=base, snapshot=True), 0, octets))
        return True

    def _may_be_elsewhere(self, queue: str, position: int) -> bool:
        """Return whether any other replica may have the message at a position.

        One that is away may, and so may one that has not said that it lacks it.
        """
        node, lead = self._core.node, self._core.lead_of(queue)
        others = () if lead is None else lead.replica.options.replicas
        for name in others:
            mirror = self._mirrors.get(name)
            snapshot = mirror.snapshots.get(queue) if mirror is not None else None
            at = None if snapshot is None else snapshot.at
            if name != node.name and (at is None or at > position):
                return True
        return False

    def _refuse(
        self, name: str, queue: str, asked: ReadRequest | str, error: DamagedError | OSError
    ) -> None:
        """What a mirror needs cannot be read here; a read, or the next part, is tried again."""
        if isinstance(error, OSError) and is_shortage(error):
            log.warning("nothing is read for %s of queue %s: %s", name, queue, error)
        else:
            self._damages.note(queue, error)
        self._refused.append((self._core.node.now_ms, name, asked))

    def _try_again(self) -> None:
        refused = self._refused
        while refused and self._core.node.now_ms - refused[0][0] >= AGAIN_MS:
            _, name, asked = refused.popleft()
            mirror = self._mirrors.get(name)
            self.is_asked = True
            if mirror is not None and isinstance(asked, str):
                mirror.due[asked] = None
            elif mirror is not None and isinstance(asked, ReadRequest):
                mirror.reads.append(asked)

    def _begin_at(self, want: Want) -> int:
        """Return from where on a mirror needs messages; 0 where it has none that can be trusted."""
        log = self._core.node.replicas[want.queue]
        lead = self._core.lead_of(want.queue)
        if lead is None or want.index > log.end or log.epoch_at(want.index) != want.index_epoch:
            return 0
        if log.base < want.index:
            # What is settled must be said as of a place that is not before this one.
            if want.index > lead.commit:
                return 0
            self._core.step(Compact(want.queue, want.index))
        return want.position

    def _is_awaited(self, request: ReadRequest) -> bool:
        """Return whether a read is still of use."""
        lead = self._core.lead_of(request.queue)
        progress = lead.mirrors.get(request.mirror) if lead is not None else None
        return progress is not None and progress.awaited_read == request.number

    def _pass(self, mirror: str, part: Part) -> None:
        self._core.node.ready.to_mirrors.append((mirror, part))


def _always(_mirror: str) -> bool:
    return True
