"""What a mirror gets for snapshots, and keeps until they are whole.

A few queues of a node get parts at a time; the others wait for their turn. Where the disk has no
room the mirror asks for nothing more, and asks again later, so other queues go on. What came
outlives the link and the leader it came from: the next leader is told how far this replica is.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from cluster.replication.core import ReplicationCore
from cluster.replication.frames import Part, Refused, Snapshot, Want
from cluster.replication.ready import InstallWrite
from persistence.errors import DamagedError, is_shortage
from persistence.replicas.building import Building
from persistence.replicas.content import Content, decode_content
from persistence.replicas.log import ReplicaLog
from persistence.stream_operations import stream_snapshot

log = logging.getLogger(__name__)

ACTIVE_MAX: Final = 8
"""Queues of a node that get parts at a time."""

PAUSE_MS: Final = 1_000
"""After a shortage of the disk the mirror asks again so much later."""


KEPT_MS: Final = 600_000
"""So long what came is kept where no leader goes on: the next one may have had records instead."""


@dataclass(slots=True)
class _Getting:
    """What a leader gives of a queue, on one connection."""

    leader: str
    epoch: int
    number: int
    is_active: bool = False
    is_short: bool = False
    asked_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Installation:
    """The payload of a snapshot that can be installed.

    Attributes:
        content: the messages.
        building: has those of them that are in chunks; None: none is.
    """

    content: Content
    building: Building | None


class Buildings:
    """The snapshots that a node is getting.

    Args:
        core: of this node.
        replicas: what it has of each queue.
    """

    def __init__(self, core: ReplicationCore, replicas: Mapping[str, ReplicaLog]) -> None:
        self._core = core
        self._replicas = replicas
        self._getting: dict[str, _Getting] = {}
        self._built: dict[str, Building] = {}
        self._left_at_ms: dict[str, int] = {}
        self._active_count = 0

    def hear(self, leader: str, part: Part) -> None:
        """Take a part, and ask for the next."""
        queue = part.queue
        if queue not in self._replicas or not self._is_obeyed(leader, queue, part.epoch):
            return
        getting = self._getting.get(queue)
        # A leader that was started again counts its reads anew, in another epoch.
        given = leader, part.epoch, part.number
        if getting is None or (getting.leader, getting.epoch, getting.number) != given:
            self._end(queue)
            self._left_at_ms.pop(queue, None)
            self._getting[queue] = _Getting(leader, part.epoch, part.number)
            self._go_on()
            return
        building = self._built.get(queue)
        if building is None or getting.is_short:
            return
        if not part.start and building.next_position:
            building = self._begin(queue, 0, 0, 0)
        if part.start == building.next_position and len(_octets_of(part)):
            self._add(getting, building, part)

    def complete(self, leader: str, snapshot: Snapshot) -> Snapshot | None:
        """Return a snapshot as it can be installed; None: it cannot, and its leader is told."""
        queue = snapshot.queue
        if queue not in self._replicas or not self._is_obeyed(leader, queue, snapshot.epoch):
            return snapshot
        payload = snapshot.payload
        assert isinstance(payload, bytes | bytearray | memoryview), "it came on a link"
        try:
            if stream_snapshot(payload) is not None:
                self.forget(queue)
                self._go_on()
                return snapshot
            rest = decode_content(self._replicas[queue].queue_id, payload)
            building = self._built.get(queue)
            if building is None or (not rest.since and building.next_position):
                building = self._begin(queue, 0, 0, 0)
            content = building.content(rest)
        except DamagedError as error:
            self._refuse(leader, queue, error)
            return None
        del self._built[queue]
        self._end(queue)
        self._go_on()
        return replace(snapshot, payload=Installation(content, building))

    def forget(self, queue: str) -> None:
        """Give up what came of a queue: it is gone, or led here."""
        self._end(queue)
        self._left_at_ms.pop(queue, None)
        building = self._built.pop(queue, None)
        if building is not None:
            self._replicas[queue].give_up(building)

    def tick(self) -> None:
        """End what no leader gives any more, and ask again where there was no room."""
        now_ms = self._core.node.now_ms
        while self._left_at_ms:
            queue, left_at_ms = next(iter(self._left_at_ms.items()))
            if now_ms - left_at_ms < KEPT_MS:
                break
            self.forget(queue)
        if not self._getting:
            return
        for queue, getting in list(self._getting.items()):
            if not self._is_obeyed(getting.leader, queue, getting.epoch):
                self._end(queue)
            elif getting.is_short and now_ms - getting.asked_at_ms >= PAUSE_MS:
                getting.is_short = False
                self._ask(queue, getting, anew=True)
        self._go_on()

    def _add(self, getting: _Getting, building: Building, part: Part) -> None:
        try:
            building.add(_octets_of(part), part.stop, part.index, part.index_epoch)
        except DamagedError as error:
            self._refuse(getting.leader, part.queue, error)
        except OSError as error:
            if not is_shortage(error):
                raise
            if not getting.asked_at_ms:
                log.warning("no room for a snapshot queue=%s error=%s", part.queue, error)
            getting.is_short = True
            getting.asked_at_ms = self._core.node.now_ms
        else:
            self._ask(part.queue, getting)

    def _ask(self, queue: str, getting: _Getting, *, anew: bool = False) -> None:
        building = self._built.get(queue)
        replica = self._replicas[queue]
        if building is None or not building.fits(replica.state):
            epoch = self._core.node.replicas[queue].epoch_at(replica.base)
            building = self._begin(queue, replica.state.next_position, replica.base, epoch)
        place = building.next_position, building.index, building.epoch
        want = Want(queue, getting.epoch, getting.number, *place, anew)
        self._core.node.ready.to_leaders.append((getting.leader, want))

    def _begin(self, queue: str, since: int, index: int, epoch: int) -> Building:
        replica, before = self._replicas[queue], self._built.pop(queue, None)
        if before is not None:
            replica.give_up(before)
        building = self._built[queue] = replica.build(since, index, epoch)
        return building

    def _go_on(self) -> None:
        """Have the next queues get parts."""
        if self._active_count >= ACTIVE_MAX:
            return
        for queue, getting in self._getting.items():
            if not getting.is_active:
                getting.is_active = True
                self._active_count += 1
                self._ask(queue, getting, anew=True)
                if self._active_count >= ACTIVE_MAX:
                    return

    def _end(self, queue: str) -> None:
        getting = self._getting.pop(queue, None)
        if getting is not None and getting.is_active:
            self._active_count -= 1
        if getting is not None and queue in self._built:
            self._left_at_ms[queue] = self._core.node.now_ms

    def _refuse(self, leader: str, queue: str, error: Exception) -> None:
        """Have the leader attach again, from what is here."""
        log.error("a snapshot is refused queue=%s leader=%s error=%s", queue, leader, error)
        self.forget(queue)
        node = self._core.node
        node.from_leaders[leader].attached.pop(queue, None)
        refused = Refused(queue, node.replicas[queue].promised)
        node.ready.to_leaders.append((leader, refused))

    def _is_obeyed(self, leader: str, queue: str, epoch: int) -> bool:
        """Return whether the core obeys this leader on the present connection."""
        node = self._core.node
        link, replica = node.from_leaders.get(leader), node.replicas.get(queue)
        return (
            link is not None
            and replica is not None
            and link.attached.get(queue) == epoch
            and replica.promised <= epoch
        )


def install(replica: ReplicaLog, write: InstallWrite) -> int:
    """Install a snapshot as ``Buildings.complete`` has returned it; return the LSN."""
    made = write.payload
    if isinstance(made, Installation):
        return replica.install(write.position, write.table, made.content, made.building)
    assert isinstance(made, bytes | bytearray | memoryview), "the piece of a stream came on a link"
    return replica.install_stream(write.position, write.table, made)


def _octets_of(part: Part) -> bytes | bytearray | memoryview:
    assert isinstance(part.payload, bytes | bytearray | memoryview), "it came on a link"
    return part.payload
