"""The ``persistence`` section: what a confirm promises, and how large files grow.

Each key is declared with its type, default, range and a sentence; see ``settings.schema``.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

MIB = 1024 * 1024

Durability: TypeAlias = Literal["fsync", "os"]
"""When a persistent message in a durable queue is confirmed: after fdatasync, or after write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersistenceSettings:
    """The disk."""

    durability: Durability = field(
        default="fsync",
        metadata={
            "doc": "What confirms wait for: fsync survives a power cut, os a kill. A queue's"
            " x-durability argument, then the policy key durability, say otherwise for that queue."
        },
    )
    settled_sync_interval_ms: int = field(
        default=1_000,
        metadata={
            "min": 10,
            "max": 60_000,
            "doc": "Acks are synced no later than this; a power cut takes back younger ones.",
        },
    )
    wal_file_size_bytes: int = field(
        default=32 * MIB,
        metadata={"min": MIB, "max": 1024 * MIB, "doc": "Length of a file of the log of all."},
    )
    segment_size_bytes: int = field(
        default=16 * MIB,
        metadata={
            "min": MIB,
            "max": 1024 * MIB,
            "doc": "A queue's segment gets no more messages once it is so long.",
        },
    )
    unneeded_bytes_max: int = field(
        default=64 * MIB,
        metadata={
            "min": MIB,
            "max": 1024 * 1024 * MIB,
            "doc": "Files of which so much is of no use any more are made a checkpoint for.",
        },
    )
    pending_bytes_max: int = field(
        default=64 * MIB,
        metadata={
            "min": 32 * MIB,
            "max": 64 * 1024 * MIB,
            "doc": "What may wait for the disk, of the node; beyond it connections that publish are"
            " not read from until half of that is written.",
        },
    )
    open_segments_max: int = field(
        default=256,
        metadata={
            "min": 1,
            "max": 1_000_000,
            "doc": "Descriptors that long queues may have together to write with; an eighth of the"
            " limit of the process at most.",
        },
    )
