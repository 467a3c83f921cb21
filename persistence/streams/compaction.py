"""What a compaction of a stream goes by: the key of each message, and when tombstones go.

A compaction keeps the last message of each key. A message with an empty body is a tombstone: it
says that its key is gone, and goes itself after a while. A message without a key stays. What
messages look like is known above this package, which hands in ``FindKeys``.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

TOMBSTONE_AGE_DEFAULT_MS: Final = 86_400_000
"""A tombstone that says nothing else stays for a day."""

KEYS_MAX: Final = 250_000
"""Keys of a node that are in memory for compaction, about 160 octets each."""

KEY_BYTES_MAX: Final = 32
"""What a key takes at most where keys are compared; a longer one is told by a hash."""

PIECE_LENGTH: Final = 64
"""Entries that are looked at in one go."""


class Keyed(NamedTuple):
    """The keys in some entries of a chunk, one behind the other.

    Attributes:
        stops: where in the data each entry ends.
        counts: how many messages each entry has; above 1 for a sub-batch.
        keys: of each message, at most ``KEY_BYTES_MAX`` octets; None for one without, and for each
            of a sub-batch that cannot be looked into.
        tombstones: of each message: whether its body is empty.
        filter_values: of each message; ``b""`` for one without.
    """

    stops: Sequence[int]
    counts: Sequence[int]
    keys: Sequence[bytes | None]
    tombstones: Sequence[bool]
    filter_values: Sequence[bytes]


FindKeys: TypeAlias = Callable[[bytes, int, int], Keyed]
"""Finds keys in the data of a chunk: from the entry at a position on, in at most so many entries.

It never raises: what cannot be read is one entry without a key, up to the end of the data.
"""


class Compaction(NamedTuple):
    """How a stream is compacted.

    Attributes:
        key_name: says which key it is, for those who compare.
        find_keys: finds it.
        tombstone_age_ms: how long a tombstone stays at least, from the compaction on that removed
            the messages before it.
    """

    key_name: bytes
    find_keys: FindKeys
    tombstone_age_ms: int = TOMBSTONE_AGE_DEFAULT_MS
