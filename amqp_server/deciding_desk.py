"""Runs the inquiries of a node's clients beside the turns of its loop, and waits for its tables.

broker ── inquiry ──▶ task ──▶ Desk ──▶ store
▲                                      │ changes
└── Awaited ◀── Applier ◀── Follower ◀─┘
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from amqp_server.broker.awaited import Awaited
from amqp_server.broker.clustered.applying import Applier
from cluster.definitions.desk import Desk
from cluster.definitions.inquiry import Inquiry
from cluster.metadata.errors import StoreAwayError
from cluster.metadata.following.follower import Follower

T = TypeVar("T")

PATIENCE_MS: Final = 30_000
"""How long a client waits for a store that is away, as with RabbitMQ's Khepri."""

RETRY_MS: Final = 100
PAUSE_MS: Final = 1_000


class OtherTables(Protocol):
    """The tables of the other nodes; ``amqp_server.clustering.elsewhere`` implements it."""

    def is_there(self, revision: int) -> bool:
        """Return whether they have all changes up to a revision."""

    async def wait(self, revision: int) -> None:
        """Return once they have, or after a moment."""


class DecidingDesk:
    """A ``broker.deciding.Deciding``.

    Args:
        desk: asks the store.
        follower: keeps the copy of this node.
        applier: changes the tables as the copy is told.
        patience_ms: how long to wait for a copy that does not come, or a store that is away.
        elsewhere: waits for the tables of other nodes; None does not.
    """

    def __init__(
        self,
        desk: Desk,
        follower: Follower,
        applier: Applier,
        patience_ms: int = PATIENCE_MS,
        elsewhere: OtherTables | None = None,
    ) -> None:
        self._desk = desk
        self._elsewhere = elsewhere
        self._follower = follower
        self._applier = applier
        self._patience_s = patience_ms / 1000
        self._under_way: set[asyncio.Task[None]] = set()

    def ask(self, inquiry: Inquiry[T]) -> Awaited[T]:
        """Run an inquiry to its end, whether or not anybody waits for it any more."""
        return self._begun(partial(self._desk.run, inquiry))

    def told(self, revision: int) -> Awaited[None]:
        """Wait until the tables of this node, and of the others, have a revision."""
        told, elsewhere = self._applier.told(revision), self._elsewhere
        if told.is_over and (elsewhere is None or elsewhere.is_there(revision)):
            return told
        return self._begun(partial(self._everywhere, told, revision))

    def read_through(self, key: bytes) -> Awaited[None]:
        """Read a key as it is now, and wait until the tables have that."""
        return self._begun(partial(self._reading_through, key))

    def pause(self) -> Awaited[None]:
        """Wait a while, before something is asked once more."""
        return self._begun(partial(asyncio.sleep, PAUSE_MS / 1000))

    def patience(self) -> Callable[[], bool]:
        """Return what says whether half of the patience is over, from now on.

        Whoever has waited for less asks the store itself, and waits for that again.
        """
        time_s = asyncio.get_running_loop().time
        until_s = time_s() + self._patience_s / 2
        return lambda: time_s() >= until_s

    async def caught_up(self) -> None:
        """Return once the tables have all that the copy has: clients may be let in."""
        await self._follower.wait_for(1)
        await _over(self._applier.told(self._follower.cache.revision))

    async def stop(self) -> None:
        """End what is under way; whoever waits for it hears nothing more."""
        under_way = tuple(self._under_way)
        for each in under_way:
            each.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await self._desk.stop()

    async def _everywhere(self, told: Awaited[None], revision: int) -> None:
        await self._in_time(told)
        if self._elsewhere is not None:
            await self._elsewhere.wait(revision)

    async def _in_time(self, told: Awaited[None]) -> None:
        try:
            async with asyncio.timeout(self._patience_s):
                await _over(told)
        except TimeoutError:
            raise StoreAwayError("the change was made, and is not seen here yet") from None

    async def _reading_through(self, key: bytes) -> None:
        try:
            async with asyncio.timeout(self._patience_s):
                item = await self._read(key)
                if item:
                    await _over(self._applier.told(item))
        except TimeoutError:
            raise StoreAwayError("nothing could be read from it") from None

    async def _read(self, key: bytes) -> int:
        """Return the revision of a key; 0 if there is none."""
        while True:
            try:
                item = await self._follower.read_through(key)
            except StoreAwayError:
                await asyncio.sleep(RETRY_MS / 1000)
            else:
                return 0 if item is None else item.mod_revision

    def _begun(self, work: Callable[[], Coroutine[Any, Any, T]]) -> Awaited[T]:
        awaited = Awaited[T]()
        task = asyncio.get_running_loop().create_task(self._finishing(work, awaited))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return awaited

    async def _finishing(
        self, work: Callable[[], Coroutine[Any, Any, T]], awaited: Awaited[T]
    ) -> None:
        try:
            value = await work()
        except Exception as error:  # noqa: BLE001 - raised in the steps that wait
            awaited.fail(error)
        else:
            awaited.set(value)


async def _over(awaited: Awaited[None]) -> None:
    """Wait, beside the turns, for what comes in one."""
    over = asyncio.get_running_loop().create_future()
    awaited.wait(lambda: None if over.done() else over.set_result(None))
    await over
