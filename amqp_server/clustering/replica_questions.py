"""What nodes have of a mirrored queue on their disks: each node says it of itself.

An operator is told before a replica leads that is in no in-sync set. Who does not answer in time
may have anything.
"""

import asyncio
import json
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from amqp_server.broker.cluster import PeerAwayError, PeerRefusedError
from amqp_server.clustering.peers import Peers
from cluster.node.node import ClusterNode

SUBJECT: Final = "replica"
WITHIN_S: Final = 3.0
"""How long an operator waits for a node that does not answer."""


class Holding(NamedTuple):
    """What a node has of a queue.

    Attributes:
        end: the index of its last record, and the epoch of that; None: it has no replica.
        is_damaged: some of it cannot be read there, as far as that was found out.
        is_emptied: it was emptied to make room, and has not come back yet.
    """

    end: tuple[int, int] | None
    is_damaged: bool = False
    is_emptied: bool = False


class ReplicaQuestions:
    """The questions of one node, and its answers to others.

    Args:
        node: its part in the cluster.
        peers: the other nodes.
    """

    def __init__(self, node: ClusterNode, peers: Peers) -> None:
        self._node = node
        self._peers = peers
        peers.answer_to(SUBJECT, self._answer)

    async def holdings(self, queue_id: str, nodes: Iterable[str]) -> dict[str, Holding]:
        """Return what nodes have of a queue; those that do not answer are not in it."""
        names = tuple(nodes)
        found = await asyncio.gather(*[self._holding(queue_id, name) for name in names])
        return {name: each for name, each in zip(names, found, strict=True) if each is not None}

    async def _holding(self, queue_id: str, name: str) -> Holding | None:
        if name == self._node.options.node:
            return self._here(queue_id)
        try:
            answer = await self._peers.ask_json(name, SUBJECT, queue_id, WITHIN_S)
        except (PeerAwayError, PeerRefusedError):
            return None
        return _holding_of(answer)

    def _here(self, queue_id: str) -> Holding:
        node = self._node
        is_emptied = queue_id in node.shell.emptying.emptied
        return Holding(node.end_of(queue_id), node.is_damaged(queue_id), is_emptied)

    async def _answer(self, octets: bytes, _node: str) -> bytes:
        try:
            queue_id = json.loads(octets)
        except ValueError:
            queue_id = None
        if not isinstance(queue_id, str):
            raise PeerRefusedError("the question is no queue")
        return json.dumps(self._here(queue_id)._asdict()).encode()


def _holding_of(answer: Any) -> Holding | None:  # noqa: ANN401 -- it is JSON of another node
    """Return what another node says; None where it makes no sense."""
    if not isinstance(answer, dict):
        return None
    match answer.get("end"):
        case None:
            end = None
        case [int(index), int(epoch)]:
            end = index, epoch
        case _:
            return None
    return Holding(end, bool(answer.get("is_damaged")), bool(answer.get("is_emptied")))
