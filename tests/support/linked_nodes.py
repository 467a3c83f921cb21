"""Nodes with a replication core, a log in memory, and links over real sockets."""

import asyncio
import secrets
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

from cluster.links.connection import LinkConnection
from cluster.links.envelope import Octets
from cluster.links.handshake import Handshake, Trust
from cluster.links.hello import Hello
from cluster.links.payload import HeldOctets
from cluster.links.settings import LinkSettings
from cluster.links.sockets.backoff import Backoff
from cluster.links.sockets.dialer import Address, Dialer, TcpAddress, UnixAddress
from cluster.links.sockets.listener import Listener
from cluster.links.table import LinkTable
from cluster.replication.core import ReplicationCore
from cluster.replication.frames import Append
from cluster.replication.identity import DiskIdentity
from cluster.replication.inputs import (
    Attach,
    Fsynced,
    Input,
    LeaseGranted,
    MirrorConnected,
    RecordsRead,
    StateRead,
    TransactionDone,
)
from cluster.replication.ready import ReadRequest
from cluster.replication.state import QueueOptions, QueueState, StoredReplica
from tests.support.memory_logs import MemoryLog, packed
from tests.support.replicating import INCARNATION, members

SECRET = b"of the tests"
TRUST = Trust(SECRET)
WAIT_S = 30


class Slices:
    """A budget that is spent after some questions, so that slices are the same in each run."""

    def __init__(self, pieces: int = 50) -> None:
        self._pieces = pieces
        self._asked = 0

    def begin(self) -> None:
        self._asked = 0

    def is_spent(self) -> bool:
        self._asked += 1
        return self._asked >= self._pieces


class LinkedNode:
    """One node; ``nodes`` are all of the cluster, by name, itself among them."""

    def __init__(
        self,
        name: str,
        nodes: "dict[str, LinkedNode]",
        queues: dict[str, QueueOptions],
        settings: LinkSettings,
        *,
        tls: tuple[ssl.SSLContext, ssl.SSLContext] | None = None,
        trust: Trust = TRUST,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.name, self.nodes, self.queues = name, nodes, queues
        self.settings, self.trust = settings, trust
        self.tls = tls
        self.logs = {queue: MemoryLog() for queue in queues}
        self.core = ReplicationCore(name, DiskIdentity("0", 1), catch_up_count_max=40)
        for queue, options in queues.items():
            self.core.add_replica(queue, options, StoredReplica())
        self.core.step(LeaseGranted(INCARNATION, 0, 10_000_000))
        self.written = 0
        self.committed: dict[str, int] = {}
        self.revisions = 1
        self.moved = asyncio.Event()
        self.address: Address | None = None
        self.table = LinkTable(self.step, self._after_writing)
        self.held = HeldOctets(settings.held_bytes_max)
        self.listener = Listener(self.loop, self._listening_end, settings, Slices())
        self.dialers: dict[str, Dialer] = {}
        self._is_syncing = False
        self.is_up = True

    # ---- its links ----

    async def listen(self, path: Path | None = None) -> None:
        if path is None:
            listening = socket.create_server(("127.0.0.1", 0))
            client = self.tls[1] if self.tls is not None else None
            self.address = TcpAddress("127.0.0.1", listening.getsockname()[1], client)
        else:
            listening = socket.socket(socket.AF_UNIX)
            listening.bind(str(path))
            listening.listen()
            self.address = UnixAddress(str(path))
        listening.setblocking(False)
        await self.listener.listen([listening], self.tls[0] if self.tls is not None else None)

    def dial(self, *others: str) -> None:
        for other in others:
            self.dialers[other] = Dialer(
                self.loop,
                other,
                lambda other=other: self.nodes[other].address,  # type: ignore[misc]
                lambda names, now_ms, other=other: self._end(other, names, now_ms),  # type: ignore[misc]
                self.settings,
                Slices(),
                backoff=Backoff(self._chance),
            )
            self.dialers[other].start()

    def _chance(self) -> float:
        self.moved.set()
        return 0.0

    async def stop(self) -> None:
        self.is_up = False
        for dialer in self.dialers.values():
            await dialer.stop()
        await self.listener.close()

    def hello(self, meant: str = "") -> Hello:
        nonce = secrets.token_bytes(32)
        windows = self.settings.windows
        return Hello("c", self.name, "0", INCARNATION, meant, nonce, windows)

    def _listening_end(self, names: frozenset[str] | None, now_ms: int) -> LinkConnection:
        return self._end("", names, now_ms)

    def _end(self, meant: str, names: frozenset[str] | None, now_ms: int) -> LinkConnection:
        is_dialer = bool(meant)
        handshake = Handshake(
            self.hello(meant), self.trust, is_dialer=is_dialer, certificate_names=names
        )
        return LinkConnection(
            self.table,
            handshake,
            self.settings,
            self.held,
            self,
            is_dialer=is_dialer,
            now_ms=now_ms,
        )

    def read_run(self, frame: Append) -> Octets | None:
        """The leader's log is read again."""
        log = self.logs[frame.queue]
        return log.block(frame.after, frame.count) if frame.after >= log.base else None

    # ---- its core ----

    def step(self, happened: Input) -> None:
        self.core.step(happened)
        self.take()
        if isinstance(happened, MirrorConnected):
            self.attach(happened.mirror)

    def _after_writing(self, work: Callable[[], None]) -> None:
        self.loop.call_soon(work)

    def attach(self, mirror: str) -> None:
        for queue in self.queues:
            if self.core.may_attach(mirror, queue):
                self.step(Attach(mirror, queue))

    def take(self) -> None:
        ready = self.core.ready()
        for write in ready.writes:
            self.logs[write.queue].write(write)
            self.written = write.number
        self.table.route(ready)
        for queue, committed in ready.committed.items():
            self.committed[queue] = committed.index
        for request in ready.reads:
            self.loop.call_soon(self._read, request)
        for transaction in ready.transactions:
            self.revisions += 1
            self.loop.call_soon(self.step, TransactionDone(transaction.number, self.revisions))
        if (ready.writes or ready.fsync_wanted) and not self._is_syncing:
            self._is_syncing = True
            self.loop.call_soon(self._fsync)
        self.moved.set()

    def _fsync(self) -> None:
        self._is_syncing = False
        self.step(Fsynced(self.written))
        for mirror in self.nodes:
            if self.table.to_mirror(mirror) is not None:
                self.attach(mirror)

    def _read(self, request: ReadRequest) -> None:
        log = self.logs[request.queue]
        if request.snapshot:
            payload, count = log.snapshot(request.after), 0
        elif request.after < log.base:
            return
        else:
            payload, count = log.block(request.after, request.count), request.count
        self.step(RecordsRead(request, count, payload))

    def lead(self, epoch: int, *queues: str) -> None:
        for queue in queues:
            names = self.queues[queue].replicas
            state = QueueState(self.name, INCARNATION, epoch, members(*names))
            self.step(StateRead(queue, state, 1))

    def publish(self, queue: str, records: list[bytes]) -> int:
        index, _ = self.core.append(queue, len(records), packed(records))
        self.take()
        return index


async def until(nodes: dict[str, LinkedNode], is_true: Callable[[], bool]) -> None:
    """Wait until something holds; what moves any of the nodes makes us look again."""
    async with asyncio.timeout(WAIT_S):
        while not is_true():
            for node in nodes.values():
                node.moved.clear()
            waits = [asyncio.ensure_future(node.moved.wait()) for node in nodes.values()]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in waits:
                    each.cancel()
