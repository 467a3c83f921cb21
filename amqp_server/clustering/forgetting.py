"""A node that will not come back is taken out of the cluster, once nothing needs it.

    forget ──▶ its record says ``leaving`` ──▶ leaders give its replicas to others (``restoring``)
                                           └─▶ no queue names it: the controller deletes its record

A node whose record is gone takes no part, whatever its disk has: it ends, and its start is refused.
Where only it has all that was confirmed of a queue nothing is done, as nobody could lead the queue.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from amqp_server.broker.cluster import LEAVING
from amqp_server.broker.errors import NotFoundError, PreconditionFailedError
from amqp_server.clustering.levels import require_known_level
from cluster.definitions.waiting_queues import shown_name
from cluster.metadata.errors import MetadataError
from cluster.metadata.paging import read_whole
from cluster.metadata.port import (
    OPERATIONS_MAX,
    Absent,
    Comparison,
    CreateRevision,
    Delete,
    Done,
    Item,
    ModRevision,
    Put,
    Read,
    Transaction,
    end_of_prefix,
)
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


class _Others(NamedTuple):
    """The other nodes: who leaves and does not run, and what holds while no further one leaves."""

    leaving: Collection[str]
    compare: Sequence[Comparison]


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
            MetadataError: the store did not answer.
        """
        node = self._node
        key, live = node.keys.key("member", name), node.keys.key("live", name)
        while True:
            found, running = await self._read("member"), await self._read("live")
            item = found.get(key)
            if item is None:
                raise NotFoundError(f"no node {name} in the cluster")
            if live in running:
                raise PreconditionFailedError(f"{name} runs: drain it and stop it first")
            await node.follower.wait_for(max(each.mod_revision for each in found.values()))
            member = decode_member(item.value)
            others = self._others(name, found, running)
            await self._require_all_elsewhere(name, others.leaving)
            if member.state == LEAVING:
                return
            put = Put(key, encode_member(replace(member, state=LEAVING)))
            compare = (ModRevision(key, item.mod_revision), Absent(live), *others.compare)
            outcome = await node.store.transact(Transaction(compare, (put,)))
            if isinstance(outcome, Done):
                log.warning("node=%s leaves the cluster", name)
                await node.follower.wait_for(outcome.revision)
                return
            await asyncio.sleep(RETRY_S)

    def _others(
        self, name: str, found: Mapping[bytes, Item], running: Mapping[bytes, Item]
    ) -> "_Others":
        """Return which others leave, and what holds as long as no further one does.

        Two commands may ask for two nodes at once that have all of a queue together. Only who does
        not run can leave: so a node that runs has to go on, and the record of any other to stay.
        """
        keys = self._node.keys
        leaving: set[str] = set()
        away: list[Comparison] = []
        there: list[Comparison] = []
        for key, item in found.items():
            place = keys.place_of(key)
            if place is None or place.names[0] == name:
                continue
            live = running.get(keys.key("live", place.names[0]))
            if live is not None:
                there.append(CreateRevision(live.key, live.create_revision))
                continue
            away.append(ModRevision(key, item.mod_revision))
            if decode_member(item.value).state == LEAVING:
                leaving.add(place.names[0])
        return _Others(leaving, [*away, *there][: OPERATIONS_MAX - 2])

    async def _read(self, kind: str) -> dict[bytes, Item]:
        """Return all records of nodes, by their keys.

        Raises:
            MetadataError: the store did not answer.
        """
        start = self._node.keys.prefix_of(kind)
        _, items = await read_whole(self._node.store, start, end_of_prefix(start))
        return {each.key: each for each in items}

    async def _require_all_elsewhere(self, name: str, leaving: Collection[str]) -> None:
        """Refuse where only the node, or it and others that leave, have all of a queue.

        All is what was confirmed: nobody else could lead the queue then, and nobody would leave.
        """
        view = self._node.view
        going = {name, *leaving}
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
                    names.append(f"'{shown_name(known.name)}' in vhost '{known.vhost}'")
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
