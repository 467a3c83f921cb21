"""The values behind keys, as versioned JSON: a queue's state, a ``member``, ``gone`` or ``ctl``.

Each has ``"v"``, the version of its form. A version that is not known is refused and not guessed: a
node writes a new form only when all nodes can read it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import orjson

from cluster.metadata.errors import RecordFormatError
from cluster.replication.identity import MemberRecord
from cluster.replication.state import Kept, QueueOptions, QueueState, ReplicaId

QUEUE_STATE_VERSION: Final = 1
MEMBER_VERSION: Final = 1
GONE_VERSION: Final = 1
CONTROLLER_VERSION: Final = 1
LEVEL_VERSION: Final = 1

FEATURE_LEVELS: Final = (1, 1)
"""The least and the greatest feature level that this release knows. A cluster without the key
``meta/feature_level`` has the first level that there ever was, 1. Who adds a form that older
releases cannot read raises the greatest one, and writes that form only at that level."""

Decoded = TypeVar("Decoded")


@dataclass(frozen=True, slots=True)
class StoredQueueState:
    """The value of ``q/<vhost>/<queue>/st``.

    ``queue_id`` tells a queue from another one that had its name before. ``clean`` is false once
    the queue was led by a replica that may lack confirmed records (R18). ``max_priority`` says by
    which lanes each replica stores its messages, as ``persistence.log_state.LogOptions`` has it;
    None: it is no priority queue. It is the same for ever.
    """

    queue_id: str
    state: QueueState
    options: QueueOptions
    clean: bool = True
    max_priority: int | None = None


@dataclass(frozen=True, slots=True)
class StoredMember:
    """The value of ``member/<node>``: its disk and stamp (R19, R20), and where it stands."""

    disk: str
    stamp: int
    zone: str = ""
    state: str = "active"

    def at(self, revision: int) -> MemberRecord:
        """Return it as the core takes it, read at a revision of the store."""
        return MemberRecord(self.disk, self.stamp, revision)


@dataclass(frozen=True, slots=True)
class StoredGone:
    """The value of ``gone/<queue id>``: the queue was deleted.

    It is put with the deletion of the queue's state, in one transaction. ``nodes`` may have a
    replica still; each takes itself out once its own is dropped, and the last one deletes the note.
    None: whoever deleted the queue does not say, so it is all members of the cluster.
    """

    nodes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class StoredController:
    """The value of ``ctl``: who elects leaders, and the incarnation that took it."""

    node: str
    incarnation: int


def encode_queue_state(stored: StoredQueueState) -> bytes:
    """Return the octets of a queue's state; equal states have equal octets."""
    state, options = stored.state, stored.options
    further: dict[str, object] = {} if options.kept is None else {"kept": list(options.kept)}
    if stored.max_priority is not None:
        further["max_priority"] = stored.max_priority
    return orjson.dumps(
        {
            "v": QUEUE_STATE_VERSION,
            "qid": stored.queue_id,
            "leader": state.leader,
            "linc": state.incarnation,
            "epoch": state.epoch,
            "isr": sorted([each.node, each.disk] for each in state.in_sync_set),
            "replicas": list(options.replicas),
            "min_isr": options.min_isr,
            "lease_guard": options.lease_guard,
            "clean": stored.clean,
            **further,
        }
    )


def decode_queue_state(octets: bytes) -> StoredQueueState:
    """Return a queue's state.

    Raises:
        RecordFormatError: it is none, or of another version.
    """
    return _decoded(octets, QUEUE_STATE_VERSION, _queue_state)


def encode_member(member: StoredMember) -> bytes:
    """Return the octets of a ``member`` record; equal records have equal octets."""
    return orjson.dumps(
        {
            "v": MEMBER_VERSION,
            "disk": member.disk,
            "stamp": member.stamp,
            "zone": member.zone,
            "state": member.state,
        }
    )


def decode_member(octets: bytes) -> StoredMember:
    """Return a ``member`` record.

    Raises:
        RecordFormatError: it is none, or of another version.
    """
    return _decoded(octets, MEMBER_VERSION, _member)


def encode_gone(gone: StoredGone) -> bytes:
    """Return the octets of a ``gone`` note."""
    return orjson.dumps({"v": GONE_VERSION, "nodes": gone.nodes})


def decode_gone(octets: bytes) -> StoredGone:
    """Return a ``gone`` note.

    Raises:
        RecordFormatError: it is none, or of another version.
    """
    return _decoded(octets, GONE_VERSION, _gone)


def encode_controller(controller: StoredController) -> bytes:
    """Return the octets of ``ctl``; equal ones have equal octets."""
    return orjson.dumps(
        {"v": CONTROLLER_VERSION, "node": controller.node, "linc": controller.incarnation}
    )


def decode_controller(octets: bytes) -> StoredController:
    """Return who elects leaders.

    Raises:
        RecordFormatError: it is none, or of another version.
    """
    return _decoded(
        octets,
        CONTROLLER_VERSION,
        lambda fields: StoredController(_text(fields["node"]), _number(fields["linc"])),
    )


def encode_level(level: int) -> bytes:
    """Return the octets of ``meta/feature_level``; see ``FEATURE_LEVELS``."""
    return orjson.dumps({"v": LEVEL_VERSION, "level": level})


def decode_level(octets: bytes) -> int:
    """Return which forms of records, frames and data all nodes write.

    Raises:
        RecordFormatError: it is none, or of another version.
    """
    return _decoded(octets, LEVEL_VERSION, lambda fields: _number(fields["level"]))


def _decoded(octets: bytes, version: int, decode: Callable[[dict[str, Any]], Decoded]) -> Decoded:
    try:
        fields = orjson.loads(octets)
        if isinstance(fields, dict) and fields.get("v") != version:
            found = fields.get("v")
            raise RecordFormatError(f"expected a value of version {version}, found {found!r:.40}")
        return decode(fields)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise RecordFormatError(f"expected a value of version {version}: {error!r:.200}") from error


def _queue_state(fields: dict[str, Any]) -> StoredQueueState:
    members = frozenset(ReplicaId(_text(node), _text(disk)) for node, disk in _list(fields["isr"]))
    state = QueueState(
        _text(fields["leader"]), _number(fields["linc"]), _number(fields["epoch"]), members
    )
    kept = None
    if (counts := fields.get("kept")) is not None:
        count, asked_count = map(_number, _list(counts))
        kept = Kept(count, asked_count)
    options = QueueOptions(
        tuple(map(_text, _list(fields["replicas"]))),
        _number(fields["min_isr"]),
        _truth(fields["lease_guard"]),
        kept,
    )
    top = fields.get("max_priority")
    return StoredQueueState(
        _text(fields["qid"]),
        state,
        options,
        _truth(fields["clean"]),
        None if top is None else _number(top),
    )


def _member(fields: dict[str, Any]) -> StoredMember:
    return StoredMember(
        _text(fields["disk"]),
        _number(fields["stamp"]),
        _text(fields["zone"]),
        _text(fields["state"]),
    )


def _gone(fields: dict[str, Any]) -> StoredGone:
    nodes = fields["nodes"]
    return StoredGone(None if nodes is None else tuple(map(_text, _list(nodes))))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, got {value!r:.40}")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"expected a list, got {value!r:.40}")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"expected a number from 0, got {value!r:.40}")
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"expected true or false, got {value!r:.40}")
    return value
