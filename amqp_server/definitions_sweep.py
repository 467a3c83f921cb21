"""Deletes what is left in the metadata store of things that ended with what they needed.

A queue's bindings end with it, whether or not they are there; what is left of them takes part in
nothing. The sweep takes it away: after each delete that this node's copy is told of, and over and
over by the controller. Each deletion is compared and carried out once (R7), so that several may
sweep.

It also places queues that came into the store without replicas: see ``clustered.unplaced``.
"""

import asyncio
import logging
from collections.abc import Callable
from itertools import islice
from typing import Final

from amqp_server.broker.clustered.declaring import Declaring
from amqp_server.broker.clustered.unplaced import is_unplaced
from amqp_server.broker.errors import BrokerError
from cluster.definitions.desk import Desk
from cluster.definitions.inquiry import Inquiry
from cluster.definitions.references import References
from cluster.metadata.errors import MetadataError
from cluster.metadata.following.cache import Cache, News
from cluster.metadata.keys import KeySpace
from cluster.metadata.port import end_of_key, end_of_prefix
from cluster.metadata.watching import Bell

log = logging.getLogger(__name__)

KEYS_PER_PIECE: Final = 32
"""Keys that are looked at before others have the loop: about a millisecond."""

PAUSE_S: Final = 1.0
"""Between two sweeps at least: many deletes are swept after together."""

PAUSE_PER_SWEEP: Final = 20
"""So many times as long as a sweep took is the pause behind it: all keys are looked at, and in some
clusters something is deleted all the time."""

LOOK_MS: Final = 5_000
"""How often a node that has something to sweep asks whether it has become its task, if no news
comes: that of the controller's key may come before the node knows that it won."""

PAUSE_MAX_S: Final = 60.0
"""Also where a sweep took long because the store did not answer."""


class DefinitionsSweep:
    """Sweeps while ``run`` runs.

    Args:
        desk: carries deletions out.
        declaring: makes their inquiries.
        keys: of the cluster.
        cache: this node's copy.
        is_sweeper: whether it is for this node to do; asked before each sweep.
        placing: gives the queue of a key its first state; None: that is left to others.
    """

    def __init__(
        self,
        desk: Desk,
        declaring: Declaring,
        keys: KeySpace,
        cache: Cache,
        is_sweeper: Callable[[], bool],
        placing: Callable[[bytes], Inquiry[bool]] | None = None,
    ) -> None:
        self._keys = keys
        self._placing = placing
        self._desk = desk
        self._declaring = declaring
        self._references = References(keys)
        self._span = (keys.prefix, end_of_prefix(keys.prefix))
        self._cache = cache
        self._is_sweeper = is_sweeper
        self._is_due = True
        self._bell = Bell()

    async def run(self) -> None:
        """Sweep once, and after each delete, until cancelled."""
        loop = asyncio.get_running_loop()
        self._cache.listen(self._hear)
        try:
            while True:
                while not (self._is_due and self._is_sweeper()):
                    await self._bell.wait(LOOK_MS if self._is_due else None)
                self._is_due = False
                begun_s = loop.time()
                try:
                    await self.sweep()
                except MetadataError:
                    self._is_due = True  # the store is away, or others were faster
                await asyncio.sleep(pause_behind(loop.time() - begun_s))
        finally:
            self._cache.leave(self._hear)

    async def sweep(self) -> int:
        """Delete what does not hold, as far as this node's copy says; return how many keys.

        Raises:
            MetadataError: the store did not answer.
        """
        start, end = self._span
        swept_count = 0
        while piece := list(islice(self._cache.between(start, end), KEYS_PER_PIECE)):
            for each in piece:
                if not self._references.holds(each, self._cache.get):
                    swept_count += bool(await self._desk.run(self._declaring.sweeping(each.key)))
                elif is_unplaced(self._keys, each, self._cache.get):
                    await self._place(each.key)
            start = end_of_key(piece[-1].key)
            await asyncio.sleep(0)
        return swept_count

    async def _place(self, key: bytes) -> None:
        if self._placing is None:
            return
        try:
            await self._desk.run(self._placing(key))
        except (BrokerError, ValueError) as error:
            log.warning("a queue waits for its replicas key=%r error=%s", key, error)
            self._is_due = True

    def _hear(self, news: News) -> None:
        copy = self._cache.get
        if any(
            each.after is None or is_unplaced(self._keys, each.after, copy)
            for each in news.differences
        ):
            self._is_due = True
        if self._is_due:
            self._bell.ring()  # whoever became the controller sweeps what the one before left


def pause_behind(sweep_s: float) -> float:
    """Return how long to wait after a sweep that took so long, in seconds."""
    return min(max(PAUSE_S, PAUSE_PER_SWEEP * sweep_s), PAUSE_MAX_S)
