"""The process that renews a node's lease: a loop of its own, which nothing of the node can hold up.

It ends when the node's end of the socket is closed, however the node ended. It revokes nothing: the
lease of a node that was killed ends by itself, which is what the others wait for.

A store that answers slowly is not given up: what it says counts from when it was asked. Another
member is asked beside it, as this one may have gone. So the lease lasts while any member answers
within half of its time, and one that says nothing costs a fifth of it.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from cluster.liveness.frames import Frame, FrameReader, Kind
from cluster.liveness.plan import RenewalPlan
from cluster.metadata.errors import MetadataError, StoreAwayError
from cluster.metadata.port import Lease, MetadataStore

log = logging.getLogger(__name__)

ASKED_MAX: Final = 4
"""Renewals that are under way for one lease; the first is given up when the last is asked for."""

_READ_BYTES: Final = 1 << 12


class Renewing:
    """Renews the lease that a node holds.

    Args:
        channel: to the node; not blocking.
        stores: where the lease is: the same store, each by another member first. They are let wait
            as long as an answer is of use.
        now_ms: ``time.monotonic`` in ms.
    """

    def __init__(
        self, channel: socket.socket, stores: Sequence[MetadataStore], now_ms: Callable[[], int]
    ) -> None:
        self._channel = channel
        self._stores = stores
        self._turn = 0
        self._now_ms = now_ms
        self._plan = RenewalPlan()
        self._told = asyncio.Event()

    async def run(self) -> None:
        """Tell the node that this can renew, and renew until the node is gone.

        Raises:
            ValueError: the node said what this version does not know.
        """
        renewing = asyncio.create_task(self._renew())
        reading = asyncio.create_task(self._read())
        try:
            done, _ = await asyncio.wait({renewing, reading}, return_when=asyncio.FIRST_COMPLETED)
            # The socket of a node that was killed may end with a reset.
            with suppress(ConnectionError):
                for task in done:
                    task.result()
        finally:
            for task in (renewing, reading):
                task.cancel()
            await asyncio.gather(renewing, reading, return_exceptions=True)

    async def _read(self) -> None:
        """Take what the node tells; return when it is gone."""
        loop = asyncio.get_running_loop()
        reader = FrameReader()
        while octets := await loop.sock_recv(self._channel, _READ_BYTES):
            for frame in reader.feed(octets):
                if frame.kind is Kind.HOLD:
                    self._plan.hold(Lease(frame.lease, frame.ttl_ms, frame.at_ms))
                elif frame.kind is Kind.BEAT:
                    self._plan.beat(frame.at_ms)
            self._told.set()

    async def _renew(self) -> None:
        await self._tell(Frame(Kind.READY))
        while True:
            self._told.clear()
            now_ms = self._now_ms()
            if self._plan.is_due(now_ms):
                await self._tell(await self._tried(self._plan.lease))
                continue
            wait_ms = self._plan.wait_ms(now_ms)
            try:
                async with asyncio.timeout(None if wait_ms is None else wait_ms / 1000):
                    await self._told.wait()
            except TimeoutError:
                continue

    async def _tried(self, lease: int) -> Frame:
        asked: set[asyncio.Task[Lease | None]] = set()
        try:
            renewed = await self._first_answer(lease, asked)
        except MetadataError as error:
            log.warning("lease=%d not renewed: %s", lease, error)
            self._plan.failed(self._now_ms())
            return Frame(Kind.AWAY, lease)
        finally:
            for each in asked:
                each.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        if renewed is None:
            self._plan.gone(lease)
            return Frame(Kind.GONE, lease)
        self._plan.renewed(renewed)
        return Frame(Kind.RENEWED, lease, renewed.ttl_ms, renewed.asked_at_ms)

    async def _first_answer(
        self, lease: int, asked: set[asyncio.Task[Lease | None]]
    ) -> Lease | None:
        """Ask, and another one beside it each time that nobody has answered for a while.

        Raises:
            MetadataError: nobody answered.
        """
        left = ASKED_MAX
        while True:
            # The loop of the node may have begun to hang meanwhile; then its lease has to end.
            if left == ASKED_MAX or (left and self._plan.is_moving(self._now_ms())):
                left -= 1
                asked.add(asyncio.create_task(self._ask(lease)))
            done, _ = await asyncio.wait(
                asked,
                timeout=self._plan.patience_ms() / 1000,
                return_when=asyncio.FIRST_COMPLETED,
            )
            self._turn += not done
            for each in done:
                asked.discard(each)
                try:
                    return each.result()
                except MetadataError:
                    # It has tried all members; others were asked later, and may have an answer yet.
                    if not asked:
                        raise
            if self._plan.lease != lease:
                raise StoreAwayError("another lease is held now")

    async def _ask(self, lease: int) -> Lease | None:
        store = self._stores[self._turn % len(self._stores)]
        try:
            async with asyncio.timeout(self._plan.use_ms() / 1000):
                return await store.keep_alive(lease)
        except TimeoutError as error:
            raise StoreAwayError("no answer in time") from error

    async def _tell(self, frame: Frame) -> None:
        await asyncio.get_running_loop().sock_sendall(self._channel, frame.octets())
