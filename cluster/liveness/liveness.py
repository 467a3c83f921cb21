"""A node's liveness as a whole: registered, renewed, and registered anew when that was lost."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from cluster.liveness.child import RenewalChild
from cluster.liveness.live_key import LiveRecord, NameTakenError, Registered, register
from cluster.metadata.errors import MetadataError
from cluster.metadata.etcd.address import EtcdAddress
from cluster.metadata.port import Lease, MetadataStore, Value

log = logging.getLogger(__name__)

RETRY_S: Final = 0.5
READY_S: Final = 30.0
"""How long a node waits for the process that renews, before it registers without one."""


class LivenessListener(Protocol):
    """Who wants to know of the lease; for the core these are LeaseGranted and LeaseRenewed."""

    def granted(self, incarnation: int, lease: Lease) -> None:
        """Take that the node is registered, with a new incarnation."""

    def renewed(self, lease: Lease) -> None:
        """Take a good renewal of the lease that was granted last."""


class Liveness:
    """Keeps a node registered until it is cancelled.

    That the lease is lost is not told: its time ends on the own clock before the store ends it.

    Args:
        store: of the cluster.
        address: of the same store, for the process that renews.
        key: the node's ``live`` key.
        record: what it says.
        ttl_ms: of the leases.
        now_ms: ``time.monotonic`` in ms.
        listener: is told of each grant and renewal.
        secret: see ``register``. It is looked at for the first key only: a node that runs does not
            end because another one came while its lease was lost.
    """

    def __init__(
        self,
        store: MetadataStore,
        address: EtcdAddress,
        *,
        key: bytes,
        record: LiveRecord,
        ttl_ms: int,
        now_ms: Callable[[], int],
        listener: LivenessListener,
        secret: Value | None = None,
    ) -> None:
        self._store = store
        self._key = key
        self._record = record
        self._ttl_ms = ttl_ms
        self._listener = listener
        self._secret = secret
        self._lost = asyncio.Event()
        self._lost.set()
        # A lease that is renewed while its key is put; nobody is told of it before the key is.
        self._waiting: Lease | None = None
        self.child = RenewalChild(address, ttl_ms, now_ms, self._take_renewed, self._take_gone)

    async def run(self) -> None:
        """Register, and again whenever the lease was lost. What it leaves ends with its lease.

        Raises:
            NameTakenError: another node has the name; nothing is left running.
            OtherSecretError: a node with another secret started at the same time; the same.
        """
        renewing = asyncio.create_task(self.child.run())
        try:
            while True:
                await self._lost.wait()
                await self._register()
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)

    async def leave(self, lease: int) -> None:
        """End a lease at once, so that the others need not wait for its end; of a clean stop."""
        try:
            await self._store.revoke(lease)
        except MetadataError as error:
            log.warning("lease=%d ends by itself: %s", lease, error)

    async def _register(self) -> None:
        # A lease whose renewal has to start first may end before that, where the CPU is busy.
        with suppress(TimeoutError):
            await asyncio.wait_for(self.child.ready.wait(), READY_S)
        try:
            registered: Registered = await register(
                self._store, self._key, self._record, self._ttl_ms, self._hold, self._secret
            )
        except NameTakenError:
            raise
        except MetadataError as error:
            log.warning("not registered: %s", error)
            self.child.release()
            await asyncio.sleep(RETRY_S)
            self._lost.set()
            return
        self._secret = None
        lease, self._waiting = self._waiting, None
        assert lease is not None, "it was held before the key was put"
        self._listener.granted(registered.incarnation, lease)

    def _hold(self, lease: Lease) -> None:
        self._waiting = lease
        self._lost.clear()
        self.child.hold(lease)

    def _take_renewed(self, lease: Lease) -> None:
        if self._waiting is None:
            self._listener.renewed(lease)
        else:
            # For the listener the present lease is still that of the key before (R17).
            self._waiting = lease

    def _take_gone(self, lease: int) -> None:
        log.error("lease=%d was lost", lease)
        self._lost.set()
