"""A node that has dropped its replica of a deleted queue takes itself out of the queue's note.

The last one deletes the note. Until then a node that was down finds it, and drops what it has.
Notes are changed one after the other, and a note that another node has changed meanwhile comes
again with the follower's news.
"""

import asyncio
import logging
from collections.abc import Collection

from cluster.metadata.errors import MetadataError
from cluster.metadata.keys import KeySpace
from cluster.metadata.port import (
    Delete,
    Done,
    MetadataStore,
    ModRevision,
    Put,
    Refused,
    Transaction,
)
from cluster.metadata.records import StoredGone, encode_gone
from cluster.node.pauses import Pauses
from cluster.node.view import ClusterView, KnownGone

log = logging.getLogger(__name__)


def cleaned(
    key: bytes, known: KnownGone, node: str, members: Collection[str]
) -> Transaction | None:
    """Return the note without a node; None where that changes nothing.

    Nodes that are no members of the cluster any more have nothing to drop either. A node that
    became a member after the queue was deleted never had a replica.
    """
    nodes = known.note.nodes
    named = sorted(members) if nodes is None else nodes
    left = tuple(each for each in named if each != node and each in members)
    if left == nodes and left:
        return None
    change = Put(key, encode_gone(StoredGone(left))) if left else Delete(key)
    return Transaction((ModRevision(key, known.revision),), (change,))


class GoneNotes:
    """The notes that this node has done what they ask of it."""

    def __init__(
        self, store: MetadataStore, keys: KeySpace, node: str, view: ClusterView, pauses: Pauses
    ) -> None:
        """Begin with none; ``pauses`` are for a store that is away."""
        self._store = store
        self._keys = keys
        self._node = node
        self._view = view
        self._pauses = pauses
        self._due: dict[str, None] = {}
        self._news = asyncio.Event()

    def dropped(self, queue_id: str) -> None:
        """This node has no replica of a queue that is gone, also after a crash."""
        self._due[queue_id] = None
        self._news.set()

    async def run(self) -> None:
        """Clean notes up, until cancelled."""
        while True:
            while not self._due:
                self._news.clear()
                await self._news.wait()
            queue_id = next(iter(self._due))
            if await self._clean(queue_id):
                self._due.pop(queue_id, None)
            else:
                await self._pauses.wait()

    async def _clean(self, queue_id: str) -> bool:
        """Return whether nothing is left to do until there is news of the note."""
        known = self._view.gone.get(queue_id)
        request = None
        if known is not None:
            key = self._keys.key("gone", queue_id)
            request = cleaned(key, known, self._node, self._view.members)
        if request is None:
            return True
        try:
            outcome = await self._store.transact(request)
        except MetadataError as error:
            log.debug("the note of a queue that is gone stays: %s", error)
            return False
        return isinstance(outcome, Done | Refused)
