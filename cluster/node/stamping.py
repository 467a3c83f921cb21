"""The stamp is raised every few seconds: first on the disk, then in the store (R20)."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from cluster.metadata.errors import MetadataError
from cluster.metadata.port import Done, MetadataStore, Put, Read, Refused, Transaction, Value
from cluster.metadata.records import decode_member, encode_member
from cluster.node.evidence import Evidence
from cluster.node.ports import KeptIdentity, NodeDisk
from cluster.replication.identity import Identity
from cluster.replication.inputs import Input, StampRaised

log = logging.getLogger(__name__)


class Stamping:
    """Raises the stamp of a running node.

    Args:
        store: of the cluster.
        member_key: of the node's record.
        disk: of the node.
        identity: the core's.
        evidence: of the own record.
        step: hands an input to the core.
        interval_ms: between two raises.
    """

    def __init__(
        self,
        store: MetadataStore,
        member_key: bytes,
        *,
        disk: NodeDisk,
        identity: Identity,
        evidence: Evidence,
        step: Callable[[Input], None],
        interval_ms: int,
    ) -> None:
        self._store = store
        self._key = member_key
        self._disk = disk
        self._identity = identity
        self._evidence = evidence
        self._step = step
        self._interval_ms = interval_ms

    async def run(self) -> None:
        """Raise it again and again, until cancelled; a node that is frozen raises nothing."""
        while True:
            await asyncio.sleep(self._interval_ms / 1000)
            if not self._identity.frozen:
                await self.raise_once()

    async def raise_once(self) -> None:
        """Raise it by one, or try again what is not known of the last raise."""
        if not self._identity.disk.raising:
            disk = self._identity.disk
            raised = replace(disk, stamp=disk.stamp + 1, raising=True)
            try:
                await asyncio.to_thread(
                    self._disk.keep_identity, KeptIdentity(raised, is_begun=True)
                )
            except OSError as error:
                # It may be on the disk all the same: one ahead of the store is allowed.
                log.warning("the stamp is not raised on the disk: %s", error)
                return
            self._step(StampRaised(raised.stamp, stored=False))
        try:
            await self._tell()
        except MetadataError as error:
            log.debug("the stamp is not raised in the metadata store: %s", error)

    async def _tell(self) -> None:
        stamp = self._identity.disk.stamp
        asked = self._evidence.asked()
        before = self._evidence.member
        after = encode_member(replace(decode_member(before), stamp=stamp))
        outcome = await self._store.transact(
            Transaction(
                (Value(self._key, before),),
                (Put(self._key, after), Read(self._key)),
                (Read(self._key),),
            )
        )
        if not isinstance(outcome, Done | Refused):
            return
        self._step(self._evidence.seen(asked, outcome.revision, outcome.reads[0]))
        if not self._identity.frozen and decode_member(self._evidence.member).stamp == stamp:
            self._step(StampRaised(stamp, stored=True))
