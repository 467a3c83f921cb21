"""The ``live`` key of a node: it says that the node runs, and where, as long as its lease lasts.

Source: the replication model, R17 and R19: the create revision of the key is the node's
*incarnation*; the value names the disk, so that a replica is known by node and disk.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final

import orjson

from cluster.metadata.errors import LeaseGoneError, MetadataError, RecordFormatError
from cluster.metadata.port import (
    Absent,
    Delete,
    Done,
    Item,
    Lease,
    MetadataStore,
    ModRevision,
    Put,
    Read,
    Refused,
    Transaction,
    Value,
    holds,
)

VERSION: Final = 1


class NameTakenError(MetadataError):
    """Another node has this name, on another disk."""


@dataclass(frozen=True, slots=True)
class LiveRecord:
    """The value of a ``live`` key.

    Attributes:
        disk: uuid of the node's data directory.
        boot: drawn anew at each start of the node.
        release: of HareMQ.
        wire_versions: least and greatest version of links that the node speaks.
        addresses: ``host:port`` by protocol: ``amqp``, ``stream``, ``http``, ``links``, and those
            of clients with ``-tls`` behind. A node that says less, as an earlier release does, is
            read all the same; what this version does not know is kept.
    """

    disk: str
    boot: str
    release: str = ""
    wire_versions: tuple[int, int] = (1, 1)
    addresses: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Registered:
    """A node is registered: its incarnation, and the lease that this hangs on."""

    incarnation: int
    lease: Lease


def encode_live(record: LiveRecord) -> bytes:
    """Return the octets of a record; equal records have equal octets."""
    return orjson.dumps({"v": VERSION, **asdict(record), "addresses": dict(record.addresses)})


def decode_live(octets: bytes) -> LiveRecord:
    """Return the record of a ``live`` key.

    Raises:
        RecordFormatError: it is none, or of another version.
    """
    try:
        fields = orjson.loads(octets)
        if fields["v"] != VERSION:
            raise RecordFormatError(f"expected version {VERSION}, found {fields['v']!r:.40}")
        low, high = fields["wire_versions"]
        texts = {name: fields[name] for name in ("disk", "boot", "release")}
        addresses = tuple(sorted(dict(fields["addresses"]).items()))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise RecordFormatError(f"expected the record of a live node: {error!r:.200}") from error
    every = [*texts.values(), *(part for pair in addresses for part in pair)]
    if not (all(isinstance(text, str) for text in every) and type(low) is type(high) is int):
        raise RecordFormatError("expected the record of a live node, got other types")
    return LiveRecord(**texts, wire_versions=(low, high), addresses=addresses)


class OtherSecretError(Exception):
    """A node with another secret has joined since this one has, and this one must not run."""


def _leave_it(_lease: Lease) -> None:
    """Hold nothing: the lease is long enough."""


async def register(
    store: MetadataStore,
    key: bytes,
    record: LiveRecord,
    ttl_ms: int,
    hold: Callable[[Lease], None] = _leave_it,
    secret: Value | None = None,
) -> Registered:
    """Put a node's ``live`` key under a new lease.

    A key that an earlier run on the same disk has left is deleted first: the disk is locked by
    this run, so that the other one has ended. An outcome that is unknown is settled by asking
    again, as only an absent key is put (R7).

    Args:
        store: of the cluster.
        key: of the node.
        record: of this run.
        ttl_ms: of the lease; the store may make it longer.
        hold: has a lease renewed from now on, and no other. It is called before the key is put: a
            store that is busy may answer to that when the lease would have ended.
        secret: what tells secrets apart, as it must be in the store; None: that is not looked at.

    Raises:
        OtherSecretError: it is not so in the store. Nothing was put.
        NameTakenError: a node on another disk has this name; it may be gone when its lease ends.
        MetadataError: the store does not answer. Ask again: what was put so far ends by itself.
    """
    value = encode_live(record)
    lease = await store.grant(ttl_ms)
    hold(lease)
    put = _put_of(key, value, lease, secret)
    while True:
        try:
            outcome = await store.transact(put)
        except LeaseGoneError:
            lease = await store.grant(ttl_ms)
            hold(lease)
            put = _put_of(key, value, lease, secret)
            continue
        if isinstance(outcome, Done):
            return Registered(outcome.revision, lease)
        if isinstance(outcome, Refused):
            found = outcome.reads[0]
            if found is not None and found.lease == lease.id:
                return Registered(found.create_revision, lease)
            if secret is not None and not holds(secret, outcome.reads[1]):
                raise OtherSecretError(
                    "a node with another secret started at the same time: give all nodes the same"
                    " secret_file, and start this node again"
                )
            if found is None:
                continue
            _require_earlier_run(found, record)
            await store.transact(
                Transaction((ModRevision(key, found.mod_revision),), (Delete(key),))
            )


def _put_of(key: bytes, value: bytes, lease: Lease, secret: Value | None) -> Transaction:
    more = () if secret is None else (secret,)
    reads = (Read(key), *(Read(each.key) for each in more))
    return Transaction((Absent(key), *more), (Put(key, value, lease.id),), reads)


def _require_earlier_run(found: Item, record: LiveRecord) -> None:
    other = decode_live(found.value)
    if other.disk != record.disk:
        raise NameTakenError(
            f"a node of this name runs on another disk: expected {record.disk}, found {other.disk};"
            " give this node another name, or wait until the lease of the other one has ended"
        )
