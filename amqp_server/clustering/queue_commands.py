"""Leader and replicas of a queue, changed from any node: the core that leads the queue does it.

    led here       ─▶ the core, until the store has it
    led elsewhere  ─▶ that node is asked, and does the same; it does not ask on

A leader that moves meanwhile is asked anew. Who calls bounds the time of all that.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

from amqp_server.broker.cluster import (
    PeerAwayError,
    PeerRefusedError,
    StoreAwayError,
    UnknownOutcomeError,
)
from amqp_server.broker.errors import BrokerError, NotFoundError, PreconditionFailedError
from amqp_server.clustering.peers import Peers
from amqp_server.clustering.restoring import NOTHING_WANTED, WantedOf
from cluster.node.node import ClusterNode
from cluster.node.view import KnownQueue
from cluster.placement.changing import by_command
from cluster.placement.moving import successors
from cluster.placement.nodes import NodeStanding, by_name

SUBJECT: Final = "queue command"
RETRY_S: Final = 0.01
"""Before the core is asked once more for what it may not do in this moment."""

AGAIN_S: Final = 0.1
"""Before a leader that has moved meanwhile is looked for again."""

LEADER_S: Final = 10.0
"""How long the leader's node may take; who asks waits no longer than its own time."""

_ELSEWHERE: Final = "elsewhere"
_ERRORS: Final[dict[str, type[BrokerError]]] = {
    each.__name__: each
    for each in (NotFoundError, PreconditionFailedError, StoreAwayError, UnknownOutcomeError)
}


class _ElsewhereError(BrokerError):
    """Another node leads the queue."""


class QueueCommands:
    """The commands of one node.

    Args:
        node: its part in the cluster.
        standings: returns the members of the cluster, as placement sees them.
        peers: the other nodes.
        wanted_of: says how a queue is to be replicated.
    """

    def __init__(
        self,
        node: ClusterNode,
        standings: Callable[[], list[NodeStanding]],
        peers: Peers,
        wanted_of: WantedOf = NOTHING_WANTED,
    ) -> None:
        self._node = node
        self._wanted_of = wanted_of
        self._standings = standings
        self._peers = peers
        self._here: dict[str, Callable[[str, str, str], Awaitable[str]]] = {
            "move_leader": self._move,
            "add_replica": self._add,
            "remove_replica": self._remove,
        }
        peers.answer_to(SUBJECT, self._answer)

    async def move_leader(self, vhost: str, name: str, node: str) -> str:
        """Have another member lead a queue (R22); return which. An empty node is any."""
        return await self._done("move_leader", vhost, name, node)

    async def add_replica(self, vhost: str, name: str, node: str) -> None:
        """Have a node get a replica of a queue."""
        await self._done("add_replica", vhost, name, node)

    async def remove_replica(self, vhost: str, name: str, node: str) -> None:
        """Have a node give its replica of a queue up."""
        await self._done("remove_replica", vhost, name, node)

    # -- where it is led ---------------------------------------------------------------------------

    async def _done(self, command: str, vhost: str, name: str, node: str) -> str:
        while True:
            leader = self._queue(vhost, name).stored.state.leader
            try:
                if leader == self._node.options.node:
                    return await self._here[command](vhost, name, node)
                return await self._asked(leader, [command, vhost, name, node])
            except _ElsewhereError:
                await asyncio.sleep(AGAIN_S)

    async def _asked(self, leader: str, question: list[str]) -> str:
        """Have the leader's node do it.

        Raises:
            BrokerError: what that node says, or nothing is known of it.
        """
        if leader not in self._node.view.live:
            raise PreconditionFailedError("nobody leads the queue now")
        try:
            answer = await self._peers.ask_json(leader, SUBJECT, question, LEADER_S)
        except PeerAwayError as error:
            if error.was_asked:
                raise UnknownOutcomeError(f"{error}: look whether it was done") from error
            text = f"{leader}, which leads the queue, cannot be asked: nothing was done"
            raise PreconditionFailedError(text) from error
        except PeerRefusedError as error:
            raise PreconditionFailedError(f"{leader} leads the queue, and says: {error}") from error
        return _value_of(answer)

    async def _answer(self, octets: bytes, _node: str) -> bytes:
        """Do what another node asks for, where this one leads."""
        try:
            command, vhost, name, node = json.loads(octets)
            here = self._here[command]
        except (ValueError, KeyError, TypeError) as error:
            raise PeerRefusedError("it does not know this command") from error
        try:
            async with asyncio.timeout(LEADER_S):
                answer = {"value": await here(vhost, name, node)}
        except TimeoutError:
            text = f"it had not come to an end after {LEADER_S:g} s: look whether it was done"
            answer = {"error": UnknownOutcomeError.__name__, "text": text}
        except _ElsewhereError as error:
            answer = {"error": _ELSEWHERE, "text": str(error)}
        except BrokerError as error:
            answer = {"error": type(error).__name__, "text": str(error)}
        return json.dumps(answer).encode()

    # -- here --------------------------------------------------------------------------------------

    async def _move(self, vhost: str, name: str, wanted: str) -> str:
        is_asked = False
        while True:
            known = self._queue(vhost, name)
            leader = known.stored.state.leader
            if is_asked and leader not in {"", self._node.options.node}:
                return leader
            self._require_led_here(known)
            able = [each.name for each in successors(known.stored, by_name(self._standings()))]
            if not able:
                raise PreconditionFailedError("no other member of the in-sync set runs")
            if wanted not in {"", *able}:
                raise PreconditionFailedError(f"{wanted} is no other member that runs")
            is_asked = self._node.move_leader(known.stored.queue_id, wanted or able[0]) or is_asked
            await asyncio.sleep(RETRY_S)

    async def _add(self, vhost: str, name: str, node: str) -> str:
        known = self._queue(vhost, name)
        standing = by_name(self._standings()).get(node)
        if standing is None or not standing.may_hold():
            raise PreconditionFailedError(f"{node} leaves the cluster, or is not in it")
        replicas = known.stored.options.replicas
        return await self._change(vhost, name, (*(each for each in replicas if each != node), node))

    async def _remove(self, vhost: str, name: str, node: str) -> str:
        known = self._queue(vhost, name)
        state, options = known.stored.state, known.stored.options
        running = {each.replica for each in self._standings() if each.is_live}
        # An idle queue keeps a member that does not run. Whoever takes one out that runs cannot
        # rely on it; where another one goes, nothing is lost.
        is_needed = any(each.node == node for each in state.in_sync_set & running)
        left = state.in_sync_set & running if is_needed else state.in_sync_set
        left_count = sum(each.node != node for each in left)
        if left_count < options.min_isr:
            raise PreconditionFailedError(
                f"{left_count} members would be left, and the queue needs {options.min_isr}"
            )
        if state.leader == node == self._node.options.node:
            # Only a leader changes the list, and it stays in it: another one does the rest.
            leader = await self._move(vhost, name, "")
            raise _ElsewhereError(f"{leader} leads the queue")
        return await self._change(
            vhost, name, tuple(each for each in options.replicas if each != node)
        )

    async def _change(self, vhost: str, name: str, replicas: tuple[str, ...]) -> str:
        """Ask the core until the list of replicas is this one; return who leads."""
        while True:
            known = self._queue(vhost, name)
            options = known.stored.options
            if options.replicas == replicas:
                return known.stored.state.leader
            self._require_led_here(known)
            wanted = self._wanted_of(vhost, name)
            changed = replace(options, replicas=replicas)
            if wanted is not None:
                changed = by_command(options, replicas, wanted.asked, self._standings())
            self._node.change_options(known.stored.queue_id, changed)
            await asyncio.sleep(RETRY_S)

    def _queue(self, vhost: str, name: str) -> KnownQueue:
        queue_id = self._node.queue_id_of(vhost, name)
        known = None if queue_id is None else self._node.view.queues.get(queue_id)
        if known is None:
            raise NotFoundError(f"queue '{name}' in vhost '{vhost}' is not mirrored")
        return known

    def _require_led_here(self, known: KnownQueue) -> None:
        leader = known.stored.state.leader
        if leader != self._node.options.node:
            raise _ElsewhereError(f"{leader} leads the queue" if leader else "nobody leads it")


def _value_of(answer: Any) -> str:  # noqa: ANN401 -- it is JSON of another node
    """Return what another node says that it did.

    Raises:
        BrokerError: it says why it did not.
    """
    if isinstance(answer, dict) and isinstance(answer.get("value"), str):
        return str(answer["value"])
    said = answer if isinstance(answer, dict) else {}
    error, text = str(said.get("error", "")), str(said.get("text", ""))
    if error == _ELSEWHERE:
        raise _ElsewhereError(text)
    raise _ERRORS.get(error, PreconditionFailedError)(text or "another node refuses it")
