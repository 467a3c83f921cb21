"""A replica is to lead alone: only by command, with loss (R18).

It is no member of the in-sync set, or it leads already and cannot read all that it has.
"""

from dataclasses import replace
from typing import NamedTuple

from amqp_server.broker.cluster import Promotion, StoreAwayError, UnknownOutcomeError
from amqp_server.broker.errors import NotFoundError, PreconditionFailedError
from amqp_server.clustering.peers import Peers
from amqp_server.clustering.replica_questions import Holding, ReplicaQuestions
from cluster.metadata.port import (
    Absent,
    Comparison,
    CreateRevision,
    Done,
    ModRevision,
    Put,
    Read,
    Refused,
    Transaction,
)
from cluster.metadata.records import StoredQueueState, decode_queue_state, encode_queue_state
from cluster.node.node import ClusterNode
from cluster.replication.commands import NotPermittedError, living_members, promotion
from cluster.replication.election import is_due
from cluster.replication.state import QueueState


class _Read(NamedTuple):
    stored: StoredQueueState
    revision: int


class Promoting:
    """Asks for promotions, and carries them out in the metadata store, from any node.

    Args:
        node: the node's part in the cluster.
        peers: the other nodes, which say what they have.
    """

    def __init__(self, node: ClusterNode, peers: Peers) -> None:
        self._node = node
        self._replicas = ReplicaQuestions(node, peers)

    async def ask(self, vhost: str, name: str, node: str) -> Promotion:
        """Return what it would mean, by what all nodes say that have a replica and run.

        Raises:
            NotFoundError: there is no such queue.
            StoreAwayError, MetadataError: the store did not answer.
        """
        stored = (await self._read(vhost, name)).stored
        refusal = ""
        members = tuple(sorted(each.node for each in stored.state.in_sync_set))
        there = [each for each in stored.options.replicas if each in self._node.view.live]
        holdings = await self._replicas.holdings(stored.queue_id, there)
        led = holdings.get(stored.state.leader, Holding(None))
        try:
            self._promoted(stored, node, is_damaged=led.is_damaged)
        except NotPermittedError as error:
            refusal = str(error)
        chosen = holdings.get(node, Holding(None))
        leads = node == stored.state.leader and led.is_damaged and not refusal
        others = [each for each in stored.options.replicas if each != node]
        return Promotion(
            node,
            chosen.end,
            members,
            refusal,
            stored.options.lease_guard,
            chosen.is_damaged,
            chosen.is_emptied,
            _ahead_of(chosen, {each: holdings[each] for each in others if each in holdings}),
            tuple(
                each for each in others if each not in holdings and (leads or each not in members)
            ),
            leads,
        )

    async def promote(self, vhost: str, name: str, node: str) -> int:
        """Have the replica lead alone; return the new epoch. One member is enough from then on.

        Raises:
            NotFoundError: there is no such queue.
            PreconditionFailedError: it cannot be done now, or something changed meanwhile.
            UnknownOutcomeError: it may have been done, or will be.
            StoreAwayError, MetadataError: the store did not answer; nothing was done.
        """
        found = await self._read(vhost, name)
        stored = found.stored
        held = await self._replicas.holdings(stored.queue_id, (stored.state.leader,))
        led = held.get(stored.state.leader, Holding(None))
        try:
            state = self._promoted(stored, node, is_damaged=led.is_damaged)
        except NotPermittedError as error:
            raise PreconditionFailedError(str(error)) from error
        options = replace(stored.options, min_isr=1)
        value = encode_queue_state(replace(stored, state=state, options=options, clean=False))
        key = self._node.keys.queue_state(vhost, name)
        compare = (ModRevision(key, found.revision), *self._lives(stored.state, state))
        outcome = await self._node.store.transact(Transaction(compare, (Put(key, value),)))
        if isinstance(outcome, Refused):
            raise PreconditionFailedError("the queue or a node changed meanwhile: look again")
        if not isinstance(outcome, Done):
            raise UnknownOutcomeError(f"it may have been done, look again: {outcome.reason}")
        await self._node.follower.wait_for(outcome.revision)
        return state.epoch

    def _promoted(self, stored: StoredQueueState, node: str, *, is_damaged: bool) -> QueueState:
        """Return the state that it would be; ``is_damaged`` says so of the leader."""
        if node not in stored.options.replicas:
            raise NotPermittedError(f"{node} has no replica of the queue")
        live, leader = self._node.view.live_nodes(), stored.state.leader
        able = living_members(stored.state, live)
        is_led = not is_due(stored.state, live)
        if is_led and is_damaged and node != leader and {each.node for each in able} == {leader}:
            raise NotPermittedError(
                f"{leader} leads, and cannot read all that it has: promote {leader} itself, which"
                " keeps the rest"
            )
        state = promotion(stored.state, node, live, is_damaged=is_damaged)
        if able and not is_led:
            names = ", ".join(sorted(each.node for each in able))
            raise NotPermittedError(f"{names} has all messages and is about to lead")
        return state

    def _lives(self, before: QueueState, after: QueueState) -> list[Comparison]:
        """Return what must hold in the store: who is to lead lives, and no member came back."""
        node = self._node
        compare: list[Comparison] = [
            CreateRevision(node.keys.key("live", after.leader), after.incarnation)
        ]
        for each in sorted({before.leader, *(member.node for member in before.in_sync_set)}):
            if each and each != after.leader:
                peer, key = node.view.live.get(each), node.keys.key("live", each)
                compare.append(
                    Absent(key) if peer is None else CreateRevision(key, peer.incarnation)
                )
        return compare

    async def _read(self, vhost: str, name: str) -> _Read:
        key = self._node.keys.queue_state(vhost, name)
        found = await self._node.store.transact(Transaction(then=(Read(key),)))
        if not isinstance(found, Done):
            raise StoreAwayError("the metadata store does not answer")
        item = found.reads[0]
        if item is None:
            raise NotFoundError(f"queue '{name}' in vhost '{vhost}' is not mirrored")
        return _Read(decode_queue_state(item.value), item.mod_revision)


def _ahead_of(chosen: Holding, others: dict[str, Holding]) -> tuple[str, ...]:
    """Return who has more than the chosen one, the most first: a later epoch, or a longer log."""

    def rank(holding: Holding) -> tuple[int, int]:
        index, epoch = holding.end or (0, 0)
        return epoch, index

    ahead = [each for each in others if rank(others[each]) > rank(chosen)]
    return tuple(sorted(ahead, key=lambda each: rank(others[each]), reverse=True))
