"""What is done to a cluster from one of its nodes: the other half of ``broker.cluster.Cluster``.

    state of a node, promotion      in the metadata store, from any node
    leader and replicas of a queue  by the core that leads it: ``queue_commands`` asks its node

Each ends within ``PATIENCE_S``.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, Final, TypeVar

from amqp_server.broker.awaited import Awaited
from amqp_server.broker.broker import Broker
from amqp_server.broker.cluster import (
    ACTIVE,
    DRAINING,
    LEAVING,
    Promotion,
    StoreAwayError,
    UnknownOutcomeError,
)
from amqp_server.broker.errors import BrokerError, NotFoundError
from amqp_server.broker.groups.single_active import ConsumerGroups
from amqp_server.broker.stream_numbers import Numbers
from amqp_server.clustering.cluster_look import ClusterLook
from amqp_server.clustering.draining import Draining
from amqp_server.clustering.forgetting import Forgetting
from amqp_server.clustering.group_links import GroupLinks
from amqp_server.clustering.levels import raise_level
from amqp_server.clustering.peers import Peers
from amqp_server.clustering.promoting import Promoting
from amqp_server.clustering.queue_commands import QueueCommands
from amqp_server.clustering.rebalancing import Rebalancing
from amqp_server.clustering.restoring import NOTHING_WANTED, WantedOf
from amqp_server.clustering.stream_questions import StreamQuestions
from cluster.metadata.errors import MetadataError
from cluster.metadata.port import Done, ModRevision, Put, Read, Transaction, Unknown
from cluster.metadata.records import decode_member, encode_member
from cluster.node.node import ClusterNode
from cluster.placement.nodes import NodeStanding

T = TypeVar("T")

PATIENCE_S: Final = 10.0
RETRY_S: Final = 0.01
"""Before the core is asked once more for what it may not do in this moment."""


class ClusterCommands(ClusterLook):
    """A ``broker.cluster.Cluster``; see ``ClusterLook`` for its arguments.

    Args:
        peers: the other nodes.
        wanted_of: says how a queue is to be replicated.

    Attributes:
        forgetting: takes nodes out of the cluster.
    """

    def __init__(
        self,
        node: ClusterNode,
        broker: Broker,
        standings: Callable[[], list[NodeStanding]],
        peers: Peers,
        wanted_of: WantedOf = NOTHING_WANTED,
    ) -> None:
        self._on_queues = QueueCommands(node, standings, peers, wanted_of)
        self._draining = Draining(node, standings)
        self._promoting = Promoting(node, peers)
        self.forgetting = Forgetting(node)
        self._on_streams = StreamQuestions(node, broker, peers)
        self._groups = GroupLinks(
            node.options.node,
            node,
            lambda: node.incarnation,
            broker,
            peers,
            self._on_streams.offsets_stored,
        )
        self._rebalancing = Rebalancing(
            node.view, standings, self.kind_of, self._on_queues.move_leader
        )
        self._under_way: set[asyncio.Task[None]] = set()
        super().__init__(node, broker, standings)

    async def stop(self) -> None:
        """End what is under way; who waits for it is gone by then."""
        await self._draining.stop()
        await self._rebalancing.stop()
        await self.forgetting.stop()
        await self._on_streams.stop()
        await self._groups.stop()
        running = tuple(self._under_way)
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def nodes_changed(self, names: tuple[str, ...]) -> None:
        """Note who runs, and whether this node is to lead nothing."""
        super().nodes_changed(names)
        self.forgetting.nodes_changed(names)
        if self._node.options.node in names:
            self._draining.look()

    def leaders_changed(self, queue_ids: tuple[str, ...]) -> None:
        """Members of groups go where their streams are led."""
        self._groups.leaders_changed(queue_ids)

    # -- queues -----------------------------------------------------------------------------------

    def move_leader(self, vhost: str, name: str, node: str) -> Awaited[str]:
        """Have another member lead a queue (R22); return which."""
        return self._begun(self._on_queues.move_leader(vhost, name, node))

    def add_replica(self, vhost: str, name: str, node: str) -> Awaited[None]:
        """Have a node get a replica of a queue."""
        return self._begun(self._on_queues.add_replica(vhost, name, node))

    def remove_replica(self, vhost: str, name: str, node: str) -> Awaited[None]:
        """Have a node give its replica of a queue up."""
        return self._begun(self._on_queues.remove_replica(vhost, name, node))

    def promotion(self, vhost: str, name: str, node: str) -> Awaited[Promotion]:
        """Ask what a promotion with accepted loss would mean."""
        return self._begun(self._promoting.ask(vhost, name, node))

    def promote(self, vhost: str, name: str, node: str) -> Awaited[int]:
        """Have a replica lead that is no member of the in-sync set; return the new epoch."""
        return self._begun(self._promoted(vhost, name, node))

    # -- streams ----------------------------------------------------------------------------------

    def stream_numbers(
        self, vhost: str, name: str, what: str, reference: bytes
    ) -> Awaited[Numbers]:
        """Ask the leader of a stream for numbers."""
        return self._begun(self._on_streams.numbers(vhost, name, what, reference))

    def stream_served(self, vhost: str, name: str) -> Awaited[None]:
        """Wait for a stream that this node is to lead, or nobody leads."""
        return self._begun(self._on_streams.served(vhost, name))

    def store_offset(self, vhost: str, name: str, reference: bytes, offset: int) -> None:
        """Have the leader of a stream store how far a consumer has come."""
        self._on_streams.store_offset(vhost, name, reference, offset)

    @property
    def consumer_groups(self) -> ConsumerGroups:
        """The groups of single active consumers of streams."""
        return self._groups.shared

    # -- nodes ------------------------------------------------------------------------------------

    def drain(self, node: str) -> Awaited[None]:
        """Have a node lead nothing; it moves its leaders itself when it hears of that."""
        return self._begun(self._putting_state(node, DRAINING))

    def undrain(self, node: str) -> Awaited[None]:
        """Have a node lead queues again."""
        return self._begun(self._putting_state(node, ACTIVE))

    def forget(self, node: str) -> Awaited[None]:
        """Have a node leave that does not run; it is no member once its replicas are elsewhere."""
        return self._begun(self.forgetting.forget(node))

    def rebalance(self, kind: str, vhost_pattern: str, queue_pattern: str) -> Awaited[int]:
        """Spread leaders over the nodes; return how many will move. The moves follow."""
        return self._begun(self._rebalancing.begin(kind, vhost_pattern, queue_pattern))

    def finalize(self) -> Awaited[int]:
        """Have all nodes write the highest feature level that they can read; return it."""
        return self._begun(raise_level(self._node))

    # -- inside -----------------------------------------------------------------------------------

    @property
    def moves_left(self) -> int:
        """Leaders that this node has still to move."""
        return self._draining.left_count + self._rebalancing.left_count

    async def _promoted(self, vhost: str, name: str, node: str) -> int:
        epoch = await self._promoting.promote(vhost, name, node)
        self.promotions_count += 1
        return epoch

    async def _putting_state(self, name: str, state: str) -> None:
        """Change where a node stands, by compare-and-set: its stamp is raised all the time."""
        node, key = self._node, self._node.keys.key("member", name)
        while True:
            found = await node.store.transact(Transaction(then=(Read(key),)))
            item = found.reads[0] if isinstance(found, Done) else None
            if isinstance(found, Unknown):
                raise StoreAwayError(found.reason)
            if item is None:
                raise NotFoundError(f"no node {name} in the cluster")
            member = decode_member(item.value)
            if member.state == state or (member.state, state) == (LEAVING, DRAINING):
                # Who leaves leads nothing anyway, and goes on to leave.
                # What it was read from may be older than the copy, which says so itself.
                await node.follower.wait_for(item.mod_revision)
                return
            put = Put(key, encode_member(replace(member, state=state)), item.lease)
            outcome = await node.store.transact(
                Transaction((ModRevision(key, item.mod_revision),), (put,))
            )
            if isinstance(outcome, Unknown):
                # Another read tells, or another write of the same state does.
                await asyncio.sleep(RETRY_S)

    def _begun(self, work: Coroutine[Any, Any, T]) -> Awaited[T]:
        awaited: Awaited[T] = Awaited()
        task = asyncio.get_running_loop().create_task(_finishing(work, awaited))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return awaited


async def _finishing(work: Coroutine[Any, Any, T], awaited: Awaited[T]) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            value = await work
    except BrokerError as error:
        awaited.fail(error)
    except TimeoutError:
        text = f"it had not come to an end after {PATIENCE_S:g} s: look whether it was done"
        awaited.fail(UnknownOutcomeError(text))
    except MetadataError as error:
        awaited.fail(StoreAwayError(f"the metadata store does not answer: {error}"))
    except Exception as error:  # noqa: BLE001 - raised in the steps that wait
        awaited.fail(error)
    else:
        awaited.set(value)
