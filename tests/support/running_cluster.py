"""Nodes of a cluster in one process: a real etcd, real sockets, disks in folders.

Each node's broker keeps a classic queue over every log that it is handed. A publisher numbers its
messages and submits each until it is confirmed, wherever the queue is led.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from cluster.metadata.etcd.address import EtcdAddress
from cluster.metadata.keys import KeySpace
from cluster.metadata.port import Absent, Delete, Done, ModRevision, Put, Transaction
from cluster.metadata.records import (
    StoredGone,
    StoredQueueState,
    encode_gone,
    encode_queue_state,
)
from cluster.mirrored.log import MirroredLog
from cluster.mirrored.submitting import submit
from cluster.node.node import ClusterNode
from cluster.node.options import ClusterOptions, LinkTls, NodeTimes
from cluster.replication.core import NotServingError
from cluster.replication.publishers import Front, Submission
from cluster.replication.state import QueueOptions, QueueState, ReplicaId
from cluster.replication.timers import Timers
from persistence.queue_recovery import RecoveredQueue
from queues.classic.mirrored_queue import MirroredQueue
from queues.commits import is_safe, wait_for
from queues.log_port import CommittedLog
from queues.options import QueueOptions as Arguments
from queues.ports import EngineParts
from queues.tail import NodeMemory, QueueMemory
from tests.support.etcd_server import EtcdServer
from tests.support.mirrored_machine import NOW_MS, numbers_in
from tests.support.node_disk import DiskInFolder
from tests.support.records import record

PATIENCE_S = 100.0
SECRET = b"of the tests"
TIMERS = Timers(
    lag_max_ms=2_000,
    missing_max_ms=800,
    idle_max_ms=800,
    answer_max_ms=1_500,
    attach_again_ms=50,
)
TIMES = NodeTimes(turn_ms=10, stamp_ms=300, audit_ms=500)
BUDGET_BYTES = 1 << 20


async def _moment() -> None:
    await asyncio.sleep(0.005)


class Served:
    """A queue on its leader; nobody consumes from it."""

    def __init__(self, queue_id: str, log: MirroredLog, found: RecoveredQueue) -> None:
        self.log = log
        memory = QueueMemory(NodeMemory(), BUDGET_BYTES, BUDGET_BYTES)
        parts = EngineParts[CommittedLog](
            queue_id, Arguments(), log, lambda _: None, lambda: None, NOW_MS, memory=memory
        )
        self.engine = MirroredQueue(parts)
        self.engine.recover(found, NOW_MS)


class Serving:
    """A ``Broker``: what it serves, and what each queue began with."""

    def __init__(self) -> None:
        self.queues: dict[str, Served] = {}
        self.began_with: dict[str, list[int]] = {}
        self.changes: list[str] = []

    def serve(self, queue_id: str, log: MirroredLog, found: RecoveredQueue) -> None:
        self.began_with[queue_id] = numbers_in(found)
        self.queues[queue_id] = Served(queue_id, log, found)

    def stop(self, queue_id: str) -> None:
        del self.queues[queue_id]

    def leaders_changed(self, queue_ids: tuple[str, ...]) -> None:
        self.changes += [f"queue {each}" for each in queue_ids]

    def nodes_changed(self, names: tuple[str, ...]) -> None:
        self.changes += [f"node {each}" for each in names]


class Way(NamedTuple):
    """How a node is reached: its socket, its address, contexts of a server and of a client."""

    listening: socket.socket
    address: str
    tls: tuple[ssl.SSLContext, ssl.SSLContext] | None = None


def over_tcp(name: str) -> Way:
    del name
    listening = socket.create_server(("127.0.0.1", 0))
    return Way(listening, f"127.0.0.1:{listening.getsockname()[1]}")


class Running:
    """One start of a node."""

    def __init__(
        self,
        name: str,
        folder: Path,
        etcd: EtcdServer,
        cluster: str,
        way: Callable[[str], Way] = over_tcp,
    ) -> None:
        self.name = name
        self.folder = folder
        self.disk = DiskInFolder(folder)
        self.broker = Serving()
        listening, address, tls = way(name)
        listening.setblocking(False)
        options = ClusterOptions(
            cluster=cluster,
            node=name,
            etcd=EtcdAddress((etcd.url,), connect_ms=500, answer_ms=1_000),
            secret=b"" if tls else SECRET,
            tls=LinkTls(*tls, names_nodes=True) if tls else None,
            listening=(listening,),
            addresses=(
                ("amqp", f"amqp.{name}:5672"),
                ("links", address),
            ),
            zone=f"zone {name}",
            lease_ttl_ms=2_000,
            lease_margin_ms=500,
            timers=TIMERS,
            times=TIMES,
        )
        self.node = ClusterNode(options, self.disk.replicas, self.disk, self.broker)

    async def start(self) -> None:
        await self.node.start()
        self.node.listen(self.broker)

    async def stop(self) -> None:
        await self.node.stop()
        self.disk.close()

    async def kill(self) -> None:
        await self.node.kill()
        self.disk.close()

    @property
    def replica_id(self) -> ReplicaId:
        return self.node.shell.core.node.replica_id


class RunningCluster:
    """Some nodes, and what a client of them knows."""

    def __init__(
        self, folder: Path, etcd: EtcdServer, name: str, way: Callable[[str], Way] = over_tcp
    ) -> None:
        self.folder = folder
        self.way = way
        self.etcd = etcd
        self.name = name
        self.keys = KeySpace(name)
        self.nodes: dict[str, Running] = {}
        self.store = EtcdAddress((etcd.url,), connect_ms=500, answer_ms=1_000).opened(lambda: 0)

    async def start(self, *names: str) -> None:
        for name in names:
            made = Running(name, self.folder / name, self.etcd, self.name, self.way)
            self.nodes[name] = made
        await asyncio.gather(*(self.nodes[name].start() for name in names))

    async def kill(self, name: str) -> None:
        await self.nodes.pop(name).kill()

    async def stop(self, name: str) -> None:
        await self.nodes.pop(name).stop()

    async def end(self) -> None:
        for name in list(self.nodes):
            await self.kill(name)
        await self.store.close()

    async def until(self, holds: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        """Return when something holds; it is looked at in each turn of the loop."""
        async with asyncio.timeout(patience_s):
            while not holds():
                await _moment()

    # -- queues -----------------------------------------------------------------------------------

    async def declare(
        self, queue_id: str, *replicas: str, min_isr: int = 2, name: str = "jobs"
    ) -> None:
        """Put a queue's state, as whoever declares does: all replicas are members, nobody leads."""
        members = frozenset(self.nodes[each].replica_id for each in replicas)
        options = QueueOptions(replicas, min_isr)
        stored = StoredQueueState(queue_id, QueueState("", 0, 0, members), options)
        key = self.keys.queue_state("v", name)
        put = Put(key, encode_queue_state(stored))
        outcome = await self.store.transact(Transaction((Absent(key),), (put,)))
        assert isinstance(outcome, Done)

    async def delete(self, queue_id: str, name: str = "jobs") -> None:
        """Delete a queue, as whoever deletes does: with a note."""
        key = self.keys.queue_state("v", name)
        page = await self.store.read_range(key, key + b"\0")
        outcome = await self.store.transact(
            Transaction(
                (ModRevision(key, page.items[0].mod_revision),),
                (
                    Delete(key),
                    Put(self.keys.key("gone", queue_id), encode_gone(StoredGone())),
                ),
            )
        )
        assert isinstance(outcome, Done)

    def leader(self, queue_id: str) -> Running | None:
        """Return who serves a queue, with the highest epoch."""
        found = [each for each in self.nodes.values() if queue_id in each.broker.queues]
        return max(found, key=lambda each: self.epoch(each, queue_id), default=None)

    def epoch(self, running: Running, queue_id: str) -> int:
        return running.broker.queues[queue_id].log.led.lead.epoch

    async def until_served(self, queue_id: str, *, by: str = "") -> Running:
        await self.until(
            lambda: (found := self.leader(queue_id)) is not None and by in ("", found.name)
        )
        found = self.leader(queue_id)
        assert found is not None
        return found

    async def until_whole(self, queue_id: str, members_count: int = 0) -> None:
        """Return when so many replicas are in sync, or all."""

        def is_whole() -> bool:
            leader = self.leader(queue_id)
            if leader is None:
                return False
            view = leader.node.queue_view(queue_id)
            return view is not None and len(view.in_sync_set) == (
                members_count or len(view.replicas)
            )

        await self.until(is_whole)


class Publisher:
    """Submits messages until they are confirmed."""

    def __init__(self, cluster: RunningCluster, queue_id: str, name: str = "p") -> None:
        self.cluster = cluster
        self.queue_id = queue_id
        self.front = Front(name, 1)
        self.confirmed: set[int] = set()
        self._next = 1

    async def publish(self, count: int, patience_s: float = PATIENCE_S) -> None:
        """Publish so many, each when the one before is confirmed."""
        async with asyncio.timeout(patience_s):
            for _ in range(count):
                number, self._next = self._next, self._next + 1
                while number not in self.confirmed:
                    await self._try(number)

    async def _try(self, number: int) -> None:
        leader = self.cluster.leader(self.queue_id)
        decided = asyncio.Event()
        if leader is not None:
            served = leader.broker.queues[self.queue_id]
            run = [record(b"%d" % number, persistent=True)]
            submission = Submission(self.front, number, 1, 0)
            try:
                taken = submit(served.log, served.engine, submission, run, NOW_MS)
            except NotServingError:
                taken = None
            if taken is not None and number in taken.in_log:

                def note() -> None:
                    if is_safe(taken.safe_at):
                        self.confirmed.add(number)
                    decided.set()

                wait_for(taken.safe_at, note)
                leader.node.shell.carry_out()
        try:
            async with asyncio.timeout(0.2):
                await decided.wait()
        except TimeoutError:
            pass


@asynccontextmanager
async def running_cluster(
    folder: Path, etcd: EtcdServer, *names: str, way: Callable[[str], Way] = over_tcp
) -> AsyncIterator[RunningCluster]:
    cluster = RunningCluster(folder, etcd, folder.name, way)
    try:
        await cluster.start(*names)
        yield cluster
    finally:
        await cluster.end()
