"""A start: the disk is compared with the store, and both are told as what it takes part (R19)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from cluster.liveness.live_key import NameTakenError, decode_live
from cluster.metadata.errors import (
    MetadataError,
    OtherStoreError,
    RecordFormatError,
    StoreWentBackError,
)
from cluster.metadata.keys import FEATURE_LEVEL, SECRET_CHECK, KeySpace
from cluster.metadata.port import (
    Absent,
    Comparison,
    Done,
    Empty,
    Item,
    MetadataStore,
    ModRevision,
    Put,
    Read,
    Transaction,
    end_of_key,
    end_of_prefix,
)
from cluster.metadata.records import (
    FEATURE_LEVELS,
    decode_level,
    decode_member,
    encode_member,
)
from cluster.node.fitting import Fitted, NodeFrozenError, Start, fitted
from cluster.node.pauses import Pauses
from cluster.node.ports import KeptIdentity, NodeDisk
from cluster.replication.identity import DiskIdentity
from cluster.replication.rules import Rules

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Joined:
    """As what a node takes part.

    Attributes:
        identity: of its disk.
        member: the value of its ``member`` record.
        secret_check: that the store had then; empty: there is no secret to compare.
    """

    identity: DiskIdentity
    member: bytes
    secret_check: bytes = b""


class Joining:
    """One start of a node.

    Args:
        store: of the cluster.
        keys: of the cluster.
        node: its name.
        zone: where it stands.
        patience_ms: how long it waits for a node of the same name on another disk to be gone.
        now_ms: the monotonic clock.
        disk: of the node.
        committed: returns when all that was made or dropped on the disk so far is so after a crash.
        new_disk: draws a name for a disk.
        pauses: before the store is asked again.
        secret_check: see ``secret_check_of``; empty: there is no secret to compare.
        levels: the least and the greatest feature level that this node knows.
    """

    def __init__(
        self,
        store: MetadataStore,
        keys: KeySpace,
        *,
        node: str,
        zone: str,
        patience_ms: int,
        now_ms: Callable[[], int],
        disk: NodeDisk,
        committed: Callable[[], Awaitable[None]],
        new_disk: Callable[[], str],
        pauses: Pauses,
        secret_check: bytes = b"",
        levels: tuple[int, int] = FEATURE_LEVELS,
    ) -> None:
        self._store = store
        self._key = keys.key("member", node)
        self._levels = levels
        self._level_key = keys.key("meta", FEATURE_LEVEL)
        self._secret_check = secret_check
        self._check_key = keys.key("meta", SECRET_CHECK)
        self._checks_seen: set[bytes] = set()
        self._all_live = keys.prefix_of("live")
        self._live_key = keys.key("live", node)
        self._node = node
        self._patience_ms = patience_ms
        self._now_ms = now_ms
        self._ends_at_ms = 0
        self._zone = zone
        self._disk = disk
        self._committed = committed
        self._new_disk = new_disk
        self._pauses = pauses

    async def join(self) -> Joined:
        """Return as what the node takes part, once disk and store say so; waits for the store.

        Raises:
            NodeFrozenError: it must not take part.
            NameTakenError: another node of this name runs, and stays. Nothing was changed.
            IdentityDamagedError, OSError: of the disk.
        """
        self._ends_at_ms = self._now_ms() + self._patience_ms
        while True:
            try:
                joined = await self._tried()
            except (OtherStoreError, StoreWentBackError) as error:
                raise NodeFrozenError(f"node {self._node!r} does not take part: {error}") from error
            except NameTakenError:
                raise
            except MetadataError as error:
                log.warning("the node waits for the metadata store: %s", error)
                joined = None
            if joined is not None:
                return joined
            await self._pauses.wait()

    async def _tried(self) -> Joined | None:
        """Return None where the store was not told, or where nobody knows."""
        keys = (self._key, self._live_key, self._level_key, self._check_key)
        found = await self._store.transact(Transaction(then=tuple(map(Read, keys))))
        if not isinstance(found, Done):
            return None
        item, live, level, check = found.reads
        self._require_known(level)
        await self._require_same_secret(check)
        kept = self._disk.identity()
        if live is not None and self._is_of_another(live, kept):
            return None
        start = Start(
            self._node,
            kept,
            len(self._disk.lost_replicas()),
            None if item is None else decode_member(item.value),
            found.revision,
        )
        fit = fitted(start, Rules(), self._new_disk(), self._zone)
        if fit.is_new_disk:
            await self._begin_anew(fit)
        else:
            await self._keep(fit.identity, is_begun=True)
        unchanged = tuple(map(_unchanged, keys, found.reads))
        if not await self._told(unchanged, check, fit):
            return None
        identity = replace(fit.identity, raising=False)
        await self._keep(identity, is_begun=True)
        return Joined(identity, encode_member(fit.member), self._secret_check)

    async def _begin_anew(self, fit: Fitted) -> None:
        """Forget replicas of an earlier identity, before the store knows of the new one (R3)."""
        # Were they dropped first, a crash would leave a disk that is a member without its records.
        await self._keep(fit.identity, is_begun=False)
        queue_ids = [*self._disk.replicas(), *self._disk.lost_replicas()]
        if queue_ids:
            log.warning("%d replicas are of an earlier disk, and are dropped", len(queue_ids))
        for queue_id in queue_ids:
            self._disk.drop_replica(queue_id, is_gone=False)
        await self._committed()

    def _is_of_another(self, live: Item, kept: KeptIdentity | None) -> bool:
        """Return whether a ``live`` key is that of another disk; it may end with its lease.

        The record of a node that runs must not be touched: it would not believe the store any more.
        """
        disk = decode_live(live.value).disk
        if kept is not None and kept.is_begun and kept.identity.disk == disk:
            return False
        if self._now_ms() >= self._ends_at_ms:
            raise NameTakenError(
                f"a node of the name {self._node!r} runs on another disk ({disk}): give this node"
                " another name"
            )
        return True

    def _require_known(self, level: Item | None) -> None:
        """Refuse to take part in what this release cannot read.

        Raises:
            NodeFrozenError: the cluster writes forms that it does not know.
        """
        least, greatest = self._levels
        try:
            found = 1 if level is None else decode_level(level.value)
        except RecordFormatError:
            found = 0
        if not least <= found <= greatest:
            raise NodeFrozenError(
                f"node {self._node!r} does not take part: this release knows the feature levels"
                f" {least} to {greatest}, and the cluster has {found or 'one in another form'}."
                " Start a release that knows it; nothing was changed"
            )

    async def _require_same_secret(self, check: Item | None) -> None:
        """Refuse to join nodes that would refuse the links of this one.

        Where no other node runs, the secret may have been changed on all of them. But of nodes that
        start at the same time only those with one secret may join: who sees that it was put, or
        changed, during its own start has lost. A node that has joined and does not run yet notices
        as it registers.

        Raises:
            NodeFrozenError: the secret is another one.
        """
        seen = b"" if check is None else check.value
        self._checks_seen.add(seen)
        if check is None or not self._secret_check or check.value == self._secret_check:
            return
        if len(self._checks_seen) > 1:
            raise NodeFrozenError(
                f"node {self._node!r} does not take part: a node with another secret started at the"
                " same time. Give all nodes the same secret_file"
            )
        start = self._all_live
        running = await self._store.read_range(start, end_of_prefix(start), limit=2)
        if any(item.key != self._live_key for item in running.items):
            raise NodeFrozenError(
                f"node {self._node!r} does not take part: its secret is not that of the nodes that"
                " run. Copy the secret_file of one of them; to change it, stop all nodes first."
                " Nothing was changed"
            )
        log.warning("the secret of the cluster is another one from now on")

    async def _told(
        self, unchanged: tuple[Comparison, ...], check: Item | None, fit: Fitted
    ) -> bool:
        puts = [Put(self._key, encode_member(fit.member))]
        value = self._secret_check
        if value and (check is None or check.value != value):
            puts.append(Put(self._check_key, value))
            if check is not None:
                # Who registers compares the value, so that one of two sees the other.
                start, own = self._all_live, self._live_key
                others = Empty(start, own), Empty(end_of_key(own), end_of_prefix(start))
                unchanged = (*unchanged, *others)
        return isinstance(await self._store.transact(Transaction(unchanged, tuple(puts))), Done)

    async def _keep(self, identity: DiskIdentity, *, is_begun: bool) -> None:
        await asyncio.to_thread(self._disk.keep_identity, KeptIdentity(identity, is_begun))


def _unchanged(key: bytes, item: Item | None) -> Comparison:
    return Absent(key) if item is None else ModRevision(key, item.mod_revision)
