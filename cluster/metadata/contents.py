"""What a metadata store holds, as a plain object: keys, their versions, leases, what changed.

Engines that are in this process share it. There is no clock and no file here: ``now_ms`` is an
argument, and ``evaluate`` says what a transaction would change before ``apply`` changes it.

Source: etcd's v3 API, data model.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

from sortedcontainers import SortedDict

from cluster.metadata.errors import CompactedError, LeaseGoneError, RequestRefusedError
from cluster.metadata.leases import Leases
from cluster.metadata.port import (
    Change,
    Changes,
    Comparison,
    Delete,
    Empty,
    Item,
    Operation,
    Page,
    Put,
    Read,
    Transaction,
    holds,
)

FIRST_REVISION: Final = 1
"""Of an empty store, as with etcd; the first change has the next one."""

KEPT_REVISIONS_MAX: Final = 10_000
KEPT_BYTES_MAX: Final = 64 * 1024 * 1024
"""Revisions, and octets of keys and values, that changes are kept of; a watch that is further
behind has to read anew."""


class Version(NamedTuple):
    """What a key was from a revision on; None: it was deleted."""

    revision: int
    item: Item | None


class Evaluation(NamedTuple):
    """What a transaction would do now."""

    succeeded: bool
    changes: tuple[Change, ...]
    reads: tuple[Item | None, ...]


class Contents:
    """Keys with their versions, and the changes of the last revisions.

    Attributes:
        revision: of the last change.
        compacted_revision: the oldest one that can be read; 0: all.
        leases: which there are.
    """

    def __init__(
        self,
        *,
        kept_revisions_max: int = KEPT_REVISIONS_MAX,
        kept_bytes_max: int = KEPT_BYTES_MAX,
    ) -> None:
        self.revision = FIRST_REVISION
        self.compacted_revision = 0
        self.leases = Leases()
        self._kept_revisions_max = kept_revisions_max
        self._kept_bytes_max = kept_bytes_max
        self._kept_bytes = 0
        self._versions: SortedDict[bytes, list[Version]] = SortedDict()
        self._history: deque[Changes] = deque()

    def now(self, key: bytes) -> Item | None:
        """Return a key as it is."""
        versions = self._versions.get(key)
        return versions[-1].item if versions else None

    def items(self) -> Iterable[Item]:
        """Return all there is, in the order of the keys."""
        return [each[-1].item for each in self._versions.values() if each[-1].item is not None]

    def read_range(self, start: bytes, end: bytes, limit: int, revision: int = 0) -> Page:
        """Return the first items of a range; see the port."""
        if revision > self.revision:
            raise RequestRefusedError(f"revision {revision} is in the future")
        as_of = revision or self.revision
        if as_of < self.compacted_revision:
            raise CompactedError(self.compacted_revision)
        found: list[Item] = []
        for key in self._versions.irange(start, end, inclusive=(True, False)):
            item = _as_of(self._versions[key], as_of)
            if item is None:
                continue
            if len(found) == limit:
                return Page(self.revision, tuple(found), has_more=True)
            found.append(item)
        return Page(self.revision, tuple(found), has_more=False)

    def evaluate(self, transaction: Transaction) -> Evaluation:
        """Return what a transaction would change; nothing is changed.

        Raises:
            LeaseGoneError: it puts a key under a lease that does not exist.
        """
        succeeded = all(map(self._holds, transaction.compare))
        branch = transaction.then if succeeded else transaction.otherwise
        for each in branch:
            if isinstance(each, Put) and each.lease and each.lease not in self.leases:
                raise LeaseGoneError(f"there is no lease {each.lease}")
        changed: dict[bytes, Item | None] = {}
        reads: list[Item | None] = []
        for operation in branch:
            self._carry_out(operation, changed, reads)
        changes = tuple(Change(key, item) for key, item in changed.items())
        return Evaluation(succeeded, changes, tuple(reads))

    def ended_with(self, lease: int) -> tuple[Change, ...]:
        """Return what the end of a lease would change."""
        return tuple(Change(key, None) for key in self.leases.keys_of(lease))

    def apply(self, changes: tuple[Change, ...]) -> int:
        """Carry changes out at the next revision, and return it; without changes there is none."""
        if not changes:
            return self.revision
        self.revision += 1
        for change in changes:
            self._versions.setdefault(change.key, []).append(Version(self.revision, change.item))
            self.leases.attach(change.key, change.item.lease if change.item else 0)
        self._history.append(Changes(self.revision, changes))
        self._kept_bytes += _bytes_of(changes)
        while self._is_over():
            self.compact(self._history[(len(self._history) + 1) // 2].revision)
        return self.revision

    def restore(self, item: Item) -> None:
        """Put an item as it was before a restart, with its revisions; nobody is told."""
        self._versions[item.key] = [Version(item.mod_revision, item)]
        self.leases.attach(item.key, item.lease)
        self.revision = max(self.revision, item.mod_revision)

    def begin(self, after_revision: int) -> None:
        """Begin after a restart: at a revision that nothing has, with all before it forgotten."""
        self.revision = max(self.revision, after_revision) + 1
        self.compacted_revision = self.revision

    def compact(self, revision: int) -> None:
        """Forget all that was before a revision; what there was at it stays."""
        self.compacted_revision = max(self.compacted_revision, revision)
        while self._history and self._history[0].revision < revision:
            changes = self._history.popleft().changes
            self._kept_bytes -= _bytes_of(changes)
            for change in changes:
                self._forget(change.key, revision)

    def changes_since(
        self, start: bytes, end: bytes, from_revision: int, limit: int
    ) -> tuple[list[Changes], int]:
        """Return what changed in a range, and the revision to go on from.

        ``limit`` bounds how many revisions are looked at.

        Raises:
            CompactedError: changes from there are not kept any more.
        """
        if from_revision < self.compacted_revision:
            raise CompactedError(self.compacted_revision)
        behind = from_revision
        told: list[Changes] = []
        first = self.revision - len(self._history) + 1
        for index in range(max(0, from_revision - first), len(self._history))[:limit]:
            kept = self._history[index]
            inside = tuple(each for each in kept.changes if start <= each.key < end)
            if inside:
                told.append(Changes(kept.revision, inside))
            behind = kept.revision + 1
        return told, behind

    def _is_over(self) -> bool:
        over = self._kept_bytes > self._kept_bytes_max
        return len(self._history) > 1 and (over or len(self._history) > self._kept_revisions_max)

    def _holds(self, comparison: Comparison) -> bool:
        if isinstance(comparison, Empty):
            span = self._versions.irange(comparison.key, comparison.end, inclusive=(True, False))
            return all(self.now(key) is None for key in span)
        return holds(comparison, self.now(comparison.key))

    def _carry_out(
        self,
        operation: Operation,
        changed: dict[bytes, Item | None],
        reads: list[Item | None],
    ) -> None:
        key = operation.key
        before = changed[key] if key in changed else self.now(key)
        match operation:
            case Read():
                reads.append(before)
            case Delete():
                if before is not None:
                    changed[key] = None
            case Put(value=value, lease=lease):
                created = before.create_revision if before else self.revision + 1
                changed[key] = Item(key, value, created, self.revision + 1, lease)

    def _forget(self, key: bytes, revision: int) -> None:
        versions = self._versions.get(key)
        if versions is None:
            return
        while len(versions) > 1 and versions[1].revision <= revision:
            del versions[0]
        if versions[0].item is None and versions[0].revision < revision:
            del versions[0]
        if not versions:
            del self._versions[key]


def _bytes_of(changes: tuple[Change, ...]) -> int:
    return sum(len(each.key) + (len(each.item.value) if each.item else 0) for each in changes)


def _as_of(versions: list[Version], revision: int) -> Item | None:
    for version in reversed(versions):
        if version.revision <= revision:
            return version.item
    return None
