"""Nodes of a cluster in one loop, over one store in memory: brokers with clients, no socket."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from itertools import count

from amqp_server.broker.access.rights import VhostPermissions, new_user
from amqp_server.broker.backing import IN_MEMORY
from amqp_server.broker.clustered.applying import Applier
from amqp_server.broker.clustered.decisions import Decisions
from amqp_server.broker.clustered.declaring import Declaring, PlaceQueue
from amqp_server.broker.clustered.last_bindings import last_bindings
from amqp_server.broker.clustered.stored import StoredDefinitions
from amqp_server.broker.definitions.definition import VhostDefinition
from amqp_server.broker.definitions.table import TABLE
from amqp_server.broker.turn import Turn
from amqp_server.deciding_desk import DecidingDesk
from amqp_server.wire.methods import Method
from cluster.definitions.desk import Desk
from cluster.metadata.following.follower import Follower, FollowerTimes
from cluster.metadata.keys import KeySpace
from cluster.metadata.memory import MemoryStore
from cluster.metadata.port import MetadataStore, Put, Transaction
from tests.support.frames import method_frame
from tests.support.peer import Client, MethodT, Node

WAIT_S = 20
"""Nothing here takes so long."""

PATIENCE_MS = 20_000
IMPATIENT_MS = 200
"""How long clients wait for a store that is away; short, where a test waits for the end of it."""

QUICK = FollowerTimes(silent_ms=20_000, retry_ms=1, retry_max_ms=4)
KEYS = KeySpace("c")
STORED = StoredDefinitions(KEYS)


async def until(is_so: Callable[[], bool]) -> None:
    """Let the loop go round until something is so."""
    async with asyncio.timeout(WAIT_S):
        while not is_so():  # noqa: ASYNC110 - many things may bring it about
            await asyncio.sleep(0)


class ClusteredNode(Node):
    """A broker whose definitions are decided by a store, with its clients."""

    def __init__(
        self,
        store: MetadataStore,
        name: str,
        place: PlaceQueue = lambda _queue, _id: None,
        patience_ms: int = PATIENCE_MS,
    ) -> None:
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._is_turn_due = False
        numbers = count()
        clock = lambda: int(loop.time() * 1000)  # noqa: E731
        turn = Turn(4096)
        self.follower = Follower(store, KEYS.prefix, clock, QUICK)
        self.applier = Applier(turn, STORED)
        desk = Desk(store, KEYS, name, "life", clock, patience_ms)
        self.desk = DecidingDesk(desk, self.follower, self.applier, patience_ms)
        self.declaring = Declaring(
            STORED, self.follower.cache.get, lambda: f"{name}-{next(numbers)}", place=place
        )
        self.decisions = Decisions(self.declaring, self.desk, KEYS)
        super().__init__(backing=replace(IN_MEMORY, decisions=self.decisions), turn=turn)

    def begin(self) -> None:
        self.broker.woken_by(self._wake)
        self.decisions.last_bindings = partial(last_bindings, self.broker)
        self.applier.begin(self.broker, self.broker.events, self.follower.cache)
        self.following = asyncio.ensure_future(self.follower.follow())

    async def stop(self) -> None:
        self.following.cancel()
        await asyncio.gather(self.following, return_exceptions=True)
        await self.desk.stop()

    def _wake(self) -> None:
        if not self._is_turn_due:
            self._is_turn_due = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._is_turn_due = False
        self.end_turns()


class Asking:
    """A client of such a node, whose answers may take a while."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.node = client.node

    async def methods(self, count: int = 1) -> list[Method]:
        """Wait for so many methods."""
        found: list[Method] = []

        def are_there() -> bool:
            found.extend(self.client.methods())
            return len(found) >= count

        await until(are_there)
        return found

    async def ask(self, kind: type[Method], channel: int = 1, /, **arguments: object) -> Method:
        """Send a method, and return the only answer."""
        self.client.send(kind, channel, **arguments)
        (answer,) = await self.methods()
        return answer

    async def expect(self, kind: type[MethodT]) -> MethodT:
        (answer,) = await self.methods()
        assert isinstance(answer, kind), answer
        return answer


class Cluster:
    """A store, and nodes on it."""

    def __init__(self, store: MemoryStore, nodes: list[ClusteredNode]) -> None:
        self.store = store
        self.nodes = nodes

    def open(self, number: int) -> Asking:
        """Return a client of a node."""
        return Asking(self.nodes[number].open())

    async def alike(self) -> None:
        """Wait until all nodes have what the store has."""
        page = await self.store.read_range(KEYS.prefix, KEYS.prefix + b"\xff")
        newest = max((each.mod_revision for each in page.items), default=0)
        for each in self.nodes:
            await until(lambda each=each: each.applier.revision >= newest)  # type: ignore[misc]


@asynccontextmanager
async def cluster_of(
    nodes_count: int = 2, store: MemoryStore | None = None, patience_ms: int = PATIENCE_MS
) -> AsyncGenerator[Cluster]:
    """Run nodes with a vhost and the user guest until the end of the block."""
    loop = asyncio.get_running_loop()
    store = store or MemoryStore(lambda: int(loop.time() * 1000))
    user = new_user("guest", "guest", bytes, ())
    rights = VhostPermissions("guest", "/", ".*", ".*", ".*")
    for each in (VhostDefinition("/"), user, rights):
        await store.transact(Transaction(then=(Put(STORED.key_of(each), STORED.value_of(each)),)))
    nodes = [
        ClusteredNode(store, f"n{number}", patience_ms=patience_ms) for number in range(nodes_count)
    ]
    for node in nodes:
        node.begin()
    for node in nodes:
        async with asyncio.timeout(WAIT_S):
            await node.desk.caught_up()
    try:
        yield Cluster(store, nodes)
    finally:
        for node in nodes:
            await node.stop()


def held(node: Node) -> set[object]:
    """Return the keys of all that a node has in its tables."""
    return {TABLE.key_of(each) for each in TABLE.held(node.broker)}


__all__ = ["Asking", "Cluster", "ClusteredNode", "cluster_of", "held", "method_frame", "until"]
