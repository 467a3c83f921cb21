"""A node that will not come back is taken out of the cluster, once nothing needs it.

    forget ──▶ its record says ``leaving`` ──▶ leaders give its replicas to others (``restoring``)
                                           └─▶ no queue names it: the controller deletes its record

A node whose record is gone takes no part, whatever its disk has: it ends, and its start is refused.
Where only it has all that was confirmed of a queue nothing is done, as nobody could lead the queue.
"""

import asyncio
import logging
from dataclasses import replace
from typing import Final

from amqp_server.broker.cluster import LEAVING, StoreAwayError
from amqp_server.broker.errors import NotFoundError, PreconditionFailedError
from amqp_server.clustering.levels import require_known_level
from cluster.metadata.errors import MetadataError
from cluster.metadata.port import Absent, Delete, Done, ModRevision, Put, Read, Transaction, Unknown
from cluster.metadata.records import decode_member, encode_member
from cluster.node.fitting import NodeFrozenError
from cluster.node.node import ClusterNode

log = logging.getLogger(__name__)

LOOKS_PER_STEP: Final = 100
"""Queues that are looked at before others have a turn."""

NAMES_MAX: Final = 20
"""Queues that a refusal names."""

LOOK_S: Final = 0.5
"""Before it is looked again whether a node that leaves may go."""

RETRY_S: Final = 0.01


class Forgetting:
    """Takes nodes out; a ``ClusterListener`` of its node.

    Args:
        node: the node's part in the cluster.
    """

    def __init__(self, node: ClusterNode) -> None:
        self._node = node
        self._running: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Begin to look whether nodes that leave may go."""
        self._running = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Take nobody out any more."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    # -- what it is told --------------------------------------------------------------------------

    def leaders_changed(self, queue_ids: tuple[str, ...]) -> None:
        """Do nothing: it is looked again and again."""

    def nodes_changed(self, names: tuple[str, ...]) -> None:
        """End this node if it was taken out of the cluster meanwhile."""
        node = self._node
        name = node.options.node
        key = node.keys.key("member", name)
        if name in names and name not in node.view.members and key not in node.view.unreadable:
            text = f"node {name!r} was taken out of the cluster: give it an empty data directory"
            node.part.fail(NodeFrozenError(text))

    # -- the command ------------------------------------------------------------------------------

    async def forget(self, name: str) -> None:
        """Decide that a node leaves; its replicas are made elsewhere, and then it is no member.

        Raises:
            NotFoundError: there is no such node.
            PreconditionFailedError: it runs, or only it has all messages of a queue.
            StoreAwayError, MetadataError: the store did not answer.
        """
        node = self._node
        key, live = node.keys.key("member", name), node.keys.key("live", name)
        while True:
            found = await node.store.transact(Transaction(then=(Read(key), Read(live))))
            if not isinstance(found, Done):
                raise StoreAwayError("the metadata store does not answer")
            item, lives = found.reads
            if item is None:
                raise NotFoundError(f"no node {name} in the cluster")
            if lives is not None:
                raise PreconditionFailedError(f"{name} runs: drain it and stop it first")
            await node.follower.wait_for(item.mod_revision)
            await self._require_all_elsewhere(name)
            member = decode_member(item.value)
            if member.state == LEAVING:
                return
            put = Put(key, encode_member(replace(member, state=LEAVING)))
            compare = (ModRevision(key, item.mod_revision), Absent(live))
            outcome = await node.store.transact(Transaction(compare, (put,)))
            if isinstance(outcome, Done):
                log.warning("node=%s leaves the cluster", name)
                await node.follower.wait_for(outcome.revision)
                return
            if isinstance(outcome, Unknown):
                await asyncio.sleep(RETRY_S)

    async def _require_all_elsewhere(self, name: str) -> None:
        """Refuse where only the node, or it and others that leave, have all of a queue.

        All is what was confirmed: nobody else could lead the queue then, and nobody would leave.
        """
        view = self._node.view
        leaving = {each for each, member in view.members.items() if member.state == LEAVING}
        going = {name, *leaving.difference(view.live)}
        having = {name}
        names: list[str] = []
        count = 0
        for number, known in enumerate(tuple(view.queues.values()), 1):
            if number % LOOKS_PER_STEP == 0:
                await asyncio.sleep(0)
            members = {each.node for each in known.stored.state.in_sync_set}
            if name in members and members <= going:
                count += 1
                having |= members
                if len(names) < NAMES_MAX:
                    names.append(f"'{known.name}' in vhost '{known.vhost}'")
        if count:
            more = f" and {count - len(names)} more" if count > len(names) else ""
            have = f"{' and '.join(sorted(having))} {'has' if len(having) == 1 else 'have'}"
            raise PreconditionFailedError(
                f"only {have} all messages of {', '.join(names)}{more}: start it again, or"
                " promote another replica of each with its loss (haremq queues promote), or delete"
                " the queue; nothing was done"
            )

    # -- the controller ---------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            require_known_level(self._node)
            try:
                await self.look()
            except MetadataError as error:
                log.debug("nodes that leave stay members: %s", error)

    async def look(self) -> None:
        """As the controller: delete the records of nodes that leave and that no queue names.

        Raises:
            MetadataError: the store did not answer.
        """
        view = self._node.view
        for name in tuple(view.members):
            if self._node.is_controller and self._may_go(name):
                await self._take_out(name)

    def _may_go(self, name: str) -> bool:
        view = self._node.view
        member = view.members.get(name)
        is_leaving = member is not None and member.state == LEAVING and name not in view.live
        # The members of an in-sync set are replicas, too.
        return is_leaving and not view.replicas_count(name) and not view.led_count(name)

    async def _take_out(self, name: str) -> None:
        node = self._node
        key, live = node.keys.key("member", name), node.keys.key("live", name)
        found = await node.store.transact(Transaction(then=(Read(key),)))
        item = found.reads[0] if isinstance(found, Done) else None
        if item is None or decode_member(item.value).state != LEAVING:
            return
        await node.follower.wait_for(item.mod_revision)
        if not self._may_go(name):
            return
        compare = (ModRevision(key, item.mod_revision), Absent(live))
        outcome = await node.store.transact(Transaction(compare, (Delete(key),)))
        if isinstance(outcome, Done):
            log.warning("node=%s is no member of the cluster any more", name)
