"""The port to the metadata store: linearizable keys, transactions, leases, watches.

Source: etcd's v3 API (KV, Lease, Watch). Its terms are kept: every change has a *revision*, one
number for the whole store; an item knows the revisions of its creation and of its last change.
All engines pass ``tests/cluster/metadata/contract.py``.

Keys are octets and are ordered by them. All times are in milliseconds. What an answer says is as
of its revision. Answers may overtake each other, so that whoever keeps what it has read drops what
is of a lower revision (R15).
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final, Protocol

KEY_BYTES_MAX: Final = 4096
VALUE_BYTES_MAX: Final = 512 * 1024
TRANSACTION_BYTES_MAX: Final = 1024 * 1024
"""Of all keys and values of a transaction; etcd refuses a request of 1.5 MiB."""

OPERATIONS_MAX: Final = 128
"""Comparisons, and operations of either branch; etcd's ``--max-txn-ops``."""

PAGE_KEYS_MAX: Final = 256
"""Items in one answer; ``paging`` reads on from there."""


@dataclass(frozen=True, slots=True)
class Item:
    """A key and its value.

    ``lease`` is the id of the lease that it ends with; 0 is none.
    """

    key: bytes
    value: bytes
    create_revision: int
    mod_revision: int
    lease: int = 0


@dataclass(frozen=True, slots=True)
class ModRevision:
    """Compares: the key was last changed at this revision."""

    key: bytes
    revision: int


@dataclass(frozen=True, slots=True)
class CreateRevision:
    """Compares: the key was created at this revision, and is the same one since."""

    key: bytes
    revision: int


@dataclass(frozen=True, slots=True)
class Absent:
    """Compares: there is no such key."""

    key: bytes


@dataclass(frozen=True, slots=True)
class Value:
    """Compares: the key exists and has this value."""

    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Empty:
    """Compares: there is no key in a range, whose first key is ``key``."""

    key: bytes
    end: bytes


Comparison = ModRevision | CreateRevision | Absent | Value | Empty


@dataclass(frozen=True, slots=True)
class Put:
    """Create or change a key; it ends with the lease, or with none where ``lease`` is 0."""

    key: bytes
    value: bytes
    lease: int = 0


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete a key; nothing happens where there is none."""

    key: bytes


@dataclass(frozen=True, slots=True)
class Read:
    """Read a key as it is after the operations before this one."""

    key: bytes


Operation = Put | Delete | Read


@dataclass(frozen=True, slots=True)
class Transaction:
    """Where all comparisons hold, ``then`` is carried out, else ``otherwise``; at one revision.

    Raises:
        ValueError: over a bound, or one branch changes a key twice.
    """

    compare: tuple[Comparison, ...] = ()
    then: tuple[Operation, ...] = ()
    otherwise: tuple[Operation, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what etcd would refuse, before anybody is asked."""
        for part in (self.compare, self.then, self.otherwise):
            if len(part) > OPERATIONS_MAX:
                raise ValueError(f"expected at most {OPERATIONS_MAX} operations, got {len(part)}")
        _require_bounds((*self.compare, *self.then, *self.otherwise))
        for each in self.compare:
            if isinstance(each, Empty):
                require_range(each.key, each.end)
        for branch in (self.then, self.otherwise):
            changed = [each.key for each in branch if not isinstance(each, Read)]
            if len(set(changed)) < len(changed):
                raise ValueError("expected each key to be changed once, got one twice")


@dataclass(frozen=True, slots=True)
class Done:
    """All comparisons held and ``then`` is applied.

    ``revision`` is the store's after it. ``reads`` are the answers to each ``Read`` in order, None
    where there is no key.
    """

    revision: int
    reads: tuple[Item | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """A comparison did not hold: ``then`` is not applied and never will be; ``otherwise`` is."""

    revision: int
    reads: tuple[Item | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """No answer came: it is applied, or will be, or never (R7).

    A later read that shows the old revision decides nothing. Only another change of the compared
    key does; whoever asked forces it by writing that key again, compared with the same revision.
    """

    reason: str


Outcome = Done | Refused | Unknown


@dataclass(frozen=True, slots=True)
class Page:
    """Items of a range in the order of their keys, as of ``revision``.

    ``has_more`` says that the range goes on after the last of them.
    """

    revision: int
    items: tuple[Item, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease, as of a grant or a renewal.

    It lasts at least until ``asked_at_ms + ttl_ms``, on the own monotonic clock: the store counts
    from when it got the request, which was not before it was asked for. ``ttl_ms`` is what the
    store gave, and may be more than was asked for.
    """

    id: int
    ttl_ms: int
    asked_at_ms: int


@dataclass(frozen=True, slots=True)
class Change:
    """A key was put, or deleted where ``item`` is None."""

    key: bytes
    item: Item | None


@dataclass(frozen=True, slots=True)
class Changes:
    """All changes of one revision that are in the range of the watch."""

    revision: int
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """The watch is alive, and the store is at this revision.

    It does not say that all changes up to there were told: etcd before 3.4.25 and 3.5.8 may say it
    too early. A watch is taken up again behind the last ``Changes``. A member that is behind may
    be at a lower revision than the watch begins with; so is a store that was restored, which a
    linearizable read tells (R21).
    """

    revision: int


Told = Changes | Progress


class MetadataStore(Protocol):
    """A store of metadata.

    Each method may raise StoreAwayError, RequestRefusedError and OtherStoreError, and
    AnswerTooLongError where the store is in another process. A method may be cancelled; the
    outcome of a transaction that was is unknown.
    """

    async def read_range(
        self, start: bytes, end: bytes, *, limit: int = PAGE_KEYS_MAX, revision: int = 0
    ) -> Page:
        """Return the first items with ``start <= key < end``, linearizable.

        Args:
            start: the first key.
            end: the first key that is outside.
            limit: items at most; an engine may return fewer, and says that there are more.
            revision: as of this one; 0 is now.

        Raises:
            CompactedError: the store does not keep that revision.
            AnswerTooLongError: a single item is longer than an answer may be.
        """

    async def transact(self, transaction: Transaction) -> Outcome:
        """Compare, and carry out one of the two branches.

        Raises:
            StoreAwayError, RequestRefusedError, LeaseGoneError: it was certainly not carried out.
        """

    async def grant(self, ttl_ms: int) -> Lease:
        """Return a new lease. Where the answer is lost, the lease ends by itself, unused."""

    async def keep_alive(self, lease: int) -> Lease | None:
        """Renew a lease once; None: it is gone, and so is what hung on it."""

    async def revoke(self, lease: int) -> bool:
        """End a lease and delete what hangs on it, at one revision; False: it was gone."""

    async def time_to_live_ms(self, lease: int) -> int | None:
        """Return how long a lease still lasts, in the store's own steps; None: it is gone."""

    def watch(self, start: bytes, end: bytes, from_revision: int) -> AsyncGenerator[Told]:
        """Tell all changes in a range, in their order, each revision whole and once.

        The iterator never ends by itself. Closing it ends the watch.

        Args:
            start: the first key.
            end: the first key that is outside.
            from_revision: the first revision to tell; that of a read, plus one.

        Raises (the iterator):
            CompactedError: changes from there are not kept any more, or are too many at once.
            StoreAwayError: the watch broke; watch again behind the last revision that was told.
        """

    async def close(self) -> None:
        """Let go of what the engine holds; watches end with StoreAwayError. Leases stay."""


def holds(comparison: ModRevision | CreateRevision | Absent | Value, item: Item | None) -> bool:
    """Return whether a comparison of one key holds where the key is as in ``item``; None: none."""
    match comparison:
        case Absent():
            return item is None
        case ModRevision(revision=revision):
            return revision == (item.mod_revision if item else 0)
        case CreateRevision(revision=revision):
            return revision == (item.create_revision if item else 0)
        case Value(value=value):
            return item is not None and item.value == value


def end_of_prefix(prefix: bytes) -> bytes:
    """Return the first key that is behind all keys with a prefix.

    Raises:
        ValueError: nothing is behind it, as it is empty or all 0xFF.
    """
    stem = prefix.rstrip(b"\xff")
    if not stem:
        raise ValueError("expected a prefix with keys behind it, got none")
    return stem[:-1] + bytes([stem[-1] + 1])


def end_of_key(key: bytes) -> bytes:
    """Return the first key that is behind this one."""
    return key + b"\0"


def require_range(start: bytes, end: bytes) -> None:
    """Refuse a range that engines would read in different ways.

    Raises:
        ValueError: a bound of it is empty or too long, or it ends before it begins.
    """
    if not (0 < len(start) <= KEY_BYTES_MAX + 1 and 0 < len(end) <= KEY_BYTES_MAX + 1):
        raise ValueError(f"expected keys of 1 to {KEY_BYTES_MAX} octets")
    if end <= start or end == b"\0":
        raise ValueError("expected a range that ends behind its start")


def _require_bounds(parts: tuple[Comparison | Operation, ...]) -> None:
    total_bytes = 0
    for part in parts:
        value_bytes = len(part.value) if isinstance(part, Put | Value) else 0
        key_bytes_max = KEY_BYTES_MAX + isinstance(part, Empty)  # what is behind a key
        if not 0 < len(part.key) <= key_bytes_max:
            raise ValueError(f"expected a key of 1 to {KEY_BYTES_MAX} octets, got {len(part.key)}")
        if value_bytes > VALUE_BYTES_MAX:
            raise ValueError(f"expected a value of {VALUE_BYTES_MAX} octets, got {value_bytes}")
        total_bytes += len(part.key) + value_bytes
    if total_bytes > TRANSACTION_BYTES_MAX:
        raise ValueError(f"expected at most {TRANSACTION_BYTES_MAX} octets, got {total_bytes}")
