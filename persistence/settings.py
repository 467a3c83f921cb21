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
            "doc": "What confirms wait for: fsync survives a power cut, os a kill. For one queue"
            " the argument x-durability decides, or else the policy key durability."
        },
    )
    settled_sync_interval_ms: int = field(
        default=1_000,
        metadata={
            "min": 10,
            "max": 60_000,
            "doc": "Acks are synced no later than this; a power cut may lose younger ones.",
        },
    )
    wal_file_size_bytes: int = field(
        default=32 * MIB,
        metadata={"min": MIB, "max": 1024 * MIB, "doc": "Length of a file of the write-ahead log."},
    )
    segment_size_bytes: int = field(
        default=16 * MIB,
        metadata={
            "min": MIB,
            "max": 1024 * MIB,
            "doc": "A segment of a queue that has reached this size gets no more messages.",
        },
    )
    unneeded_bytes_max: int = field(
        default=64 * MIB,
        metadata={
            "min": MIB,
            "max": 1024 * 1024 * MIB,
            "doc": "A checkpoint is made when it would free this much of the files.",
        },
    )
    pending_bytes_max: int = field(
        default=64 * MIB,
        metadata={
            "min": 32 * MIB,
            "max": 64 * 1024 * MIB,
            "doc": "Data of the node that may wait for the disk. Above it connections that publish"
            " are not read until half of it is written.",
        },
    )
    open_segments_max: int = field(
        default=256,
        metadata={
            "min": 1,
            "max": 1_000_000,
            "doc": "Descriptors that all long queues together may have for writing; at most an"
            " eighth of the limit of the process.",
        },
    )
    compaction_keys_max: int = field(
        default=250_000,
        metadata={
            "min": 1_000,
            "max": 100_000_000,
            "doc": "Keys that may be in memory while a stream is compacted, about 160 octets each."
            " With more keys it takes several rounds.",
        },
    )
