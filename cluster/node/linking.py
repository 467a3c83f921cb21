"""The links of a running node: it listens for the others, and dials every one that lives."""

import asyncio
import secrets
import socket
from collections.abc import Callable, Mapping
from functools import partial

from cluster.links.connection import LinkConnection
from cluster.links.doorway import make_doorway
from cluster.links.envelope import Octets
from cluster.links.handshake import Handshake, Trust
from cluster.links.hello import MIRRORING_VERSION_MAX, NONCE_BYTES, Hello
from cluster.links.kinds import Purpose
from cluster.links.payload import HeldOctets, LogReader
from cluster.links.port import MakeLink
from cluster.links.sockets.backoff import Backoff
from cluster.links.sockets.dialer import Address, Dialer
from cluster.links.sockets.listener import Listener
from cluster.links.sockets.transport import Budget
from cluster.links.table import LinkTable
from cluster.mirrored.node import MirroredNode
from cluster.node.addresses import address_of
from cluster.node.options import LINKS, ClusterOptions
from cluster.node.view import ClusterView
from cluster.replication.frames import Append

_WHOLE_RUN_BYTES = 1 << 62


class LeaderLogs:
    """The logs of queues that this node leads, as its links read them again."""

    def __init__(self, shell: MirroredNode) -> None:
        self._shell = shell

    def read_run(self, frame: Append) -> Octets | None:
        """Return a run as it was appended; None where it is compacted away, or of an old epoch."""
        lead = self._shell.core.lead_of(frame.queue)
        replica = self._shell.replicas().get(frame.queue)
        if lead is None or replica is None or lead.epoch != frame.epoch:
            return None
        if frame.after < replica.base:
            return None
        count, octets = replica.read(frame.after, frame.count, _WHOLE_RUN_BYTES)
        return octets if count == frame.count else None


class Linking:
    """Listener and dialers.

    Args:
        options: of the node.
        disk: the name of its disk.
        incarnation: returns that of its ``live`` key; 0 before it has one.
        table: takes the connections.
        log: the leader's log.
        view: says who lives, and where.
        budget: of a slice in the loop.
        chance: returns a number from 0 to 1.
        makers: of the listener's ends of links for other purposes.
    """

    def __init__(
        self,
        options: ClusterOptions,
        *,
        disk: str,
        incarnation: Callable[[], int],
        table: LinkTable,
        log: LogReader,
        view: ClusterView,
        budget: Budget,
        chance: Callable[[], float],
        makers: Mapping[Purpose, MakeLink],
    ) -> None:
        self._options = options
        self._disk = disk
        self._incarnation = incarnation
        self._table = table
        self._log = log
        self._view = view
        self._budget = budget
        self._chance = chance
        self._loop = asyncio.get_running_loop()
        self._held = HeldOctets(options.links.held_bytes_max)
        tls = options.tls
        self._trust = Trust(options.secret, needs_certificate=tls is not None and tls.names_nodes)
        doorway = make_doorway({**makers, Purpose.MIRRORING: partial(self._end, "")})
        self._listener = Listener(self._loop, doorway, options.links, budget)
        self._dialers: dict[str, tuple[int, Dialer]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        """Accept links from now on."""
        tls, listening = self._options.tls, self._options.listening
        context = None if tls is None else tls.accepting
        over_tcp = [each for each in listening if each.family != socket.AF_UNIX]
        await self._listener.listen(over_tcp, context)
        await self._listener.listen([each for each in listening if each not in over_tcp])

    def note_node(self, name: str) -> None:
        """A node lives or does not any more: dial who lives, leave who is no member any more.

        A link outlives the lease of the other node: it may be the store that is away.
        """
        peer = self._view.live.get(name)
        known = self._dialers.get(name)
        if name == self._options.node:
            return
        if peer is None:
            if known is not None and name not in self._view.members:
                self._leave(name)
            return
        if known is not None and known[0] == peer.incarnation:
            return
        if known is not None and self._table.to_mirror(name) is not None:
            self._dialers[name] = (peer.incarnation, known[1])
            return
        if known is not None:
            # It may be in the middle of a long wait; the new process is there now.
            self._leave(name)
        dialer = Dialer(
            self._loop,
            name,
            partial(self._address_of, name),
            partial(self._end, name),
            self._options.links,
            self._budget,
            backoff=Backoff(self._chance),
        )
        self._dialers[name] = (peer.incarnation, dialer)
        dialer.start()

    def heard_at_ms(self, name: str) -> int | None:
        """Return when a node was heard on the link to it; None: there is no link."""
        link = self._table.to_mirror(name)
        return None if link is None else link.heard_at_ms

    async def close(self, reason: str) -> None:
        """End all links, and tell the other nodes why."""
        for name in list(self._dialers):
            self._leave(name, reason)
        if self._ending:
            await asyncio.wait(self._ending)
        await self._listener.close(reason)

    def _leave(self, name: str, reason: str = "it is no node of the cluster any more") -> None:
        _, dialer = self._dialers.pop(name)
        ending = self._loop.create_task(dialer.stop(reason))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    def _address_of(self, name: str) -> Address | None:
        peer = self._view.live.get(name)
        if peer is None:
            return None
        tls = self._options.tls
        text = dict(peer.record.addresses).get(LINKS, "")
        return address_of(text, None if tls is None else tls.dialing)

    def _end(self, meant: str, names: frozenset[str] | None, now_ms: int) -> LinkConnection:
        """Return one end of a connection: the dialer's where somebody is meant."""
        options = self._options
        hello = Hello(
            options.cluster,
            options.node,
            self._disk,
            self._incarnation(),
            meant,
            secrets.token_bytes(NONCE_BYTES),
            options.links.windows,
            version_max=MIRRORING_VERSION_MAX,
        )
        is_dialer = bool(meant)
        return LinkConnection(
            self._table,
            Handshake(hello, self._trust, is_dialer=is_dialer, certificate_names=names),
            options.links,
            self._held,
            self._log,
            is_dialer=is_dialer,
            now_ms=now_ms,
        )
