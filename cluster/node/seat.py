"""The seat of the controller: the key ``ctl``, under the lease of its holder's ``live`` key."""

import asyncio
import logging

from cluster.metadata.errors import MetadataError
from cluster.metadata.keys import KeySpace
from cluster.metadata.port import Absent, CreateRevision, MetadataStore, Put, Transaction
from cluster.metadata.records import StoredController, encode_controller
from cluster.node.view import ClusterView

log = logging.getLogger(__name__)


class Seat:
    """Takes the seat whenever it is free; the follower's news says who has it.

    An unknown outcome needs no care: only an absent key is put, and the news tells.
    """

    def __init__(self, store: MetadataStore, keys: KeySpace, node: str, view: ClusterView) -> None:
        """Begin without a lease."""
        self._store = store
        self._keys = keys
        self._node = node
        self._view = view
        self._incarnation = 0
        self._lease = 0
        self._look = asyncio.Event()

    @property
    def is_held(self) -> bool:
        """Whether this process is the controller, as far as is known here."""
        held = self._view.controller
        mine = StoredController(self._node, self._incarnation)
        return held == mine and self._incarnation > 0

    def granted(self, incarnation: int, lease: int) -> None:
        """This node has a new ``live`` key."""
        self._incarnation, self._lease = incarnation, lease
        self._look.set()

    def look(self) -> None:
        """The seat may be free."""
        self._look.set()

    async def run(self) -> None:
        """Take it when it is free, until cancelled; whoever calls ``look`` says how often."""
        while True:
            await self._look.wait()
            self._look.clear()
            if self._view.controller is None and self._lease:
                await self._take()

    async def _take(self) -> None:
        key = self._keys.key("ctl")
        value = encode_controller(StoredController(self._node, self._incarnation))
        alive = CreateRevision(self._keys.key("live", self._node), self._incarnation)
        put = Put(key, value, self._lease)
        try:
            await self._store.transact(Transaction((Absent(key), alive), (put,)))
        except MetadataError as error:
            log.debug("the controller's seat stays free: %s", error)
