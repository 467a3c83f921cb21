"""The filter of a chunk: which filter values its messages may have (a Bloom filter).

A reader that wants some values leaves out the chunks that have none of them. A filter may say yes
where the answer is no, and never the other way round, so what it lets through is looked at again.
Its octets stay on disk, so the hash may not change.
"""

import zlib
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Final

from persistence.files import Octets

FILTER_BYTES_DEFAULT: Final = 16
FILTER_BYTES_MIN: Final = 16
FILTER_BYTES_MAX: Final = 255

UNFILTERED: Final = b""
"""Stands for the messages without a filter value."""

LOOKS_PER_MESSAGE: Final = 2
"""Filter values that are looked for in the time of a message."""

LOOKS_PER_MASK: Final = 16
"""Filter values that are looked for in the time in which the bits of a new one are found."""

LOOKS_PER_CHUNK: Final = 32
"""Filter values that are looked for in the time that it takes to come to the next chunk."""

LOOKS_MAX: Final = 4_096
"""Values that a reader looks for in one go, over all chunks: half a millisecond at most."""

_VALUES_PER_BYTE_MAX: Final = 16
_SECOND_SEED: Final = 0x9E37_79B9


def draw_filter(values: Collection[bytes], size_bytes: int) -> bytes:
    """Return the filter of a chunk.

    Args:
        values: of its messages; ``UNFILTERED`` if some have none.
        size_bytes: of the filter. Twice as many values as it has bits would set nearly all of
            them, so with more it says yes to everything, and a client's 65,535 cost no time.
    """
    if len(values) > size_bytes * _VALUES_PER_BYTE_MAX:
        return b"\xff" * size_bytes
    bits = 0
    for value in values:
        bits |= _mask_of(value, size_bytes * 8)
    return bits.to_bytes(size_bytes, "little")


class WantedValues:
    """The filter values that one reader wants. It looks for them a few at a time.

    A client may want tens of thousands. Their bits are found when they are first looked for.

    Attributes:
        looks_count: what the last ``may_be_in`` took, in looks; at least ``LOOKS_PER_CHUNK``.
    """

    __slots__ = (
        "_asked_offset",
        "_at",
        "_bit_count",
        "_masks",
        "_match_unfiltered",
        "_values",
        "_without_mask",
        "looks_count",
    )

    def __init__(self, values: Collection[bytes], *, match_unfiltered: bool) -> None:
        """Begin with some values.

        Args:
            values: that the reader wants; not one that wants all.
            match_unfiltered: it also wants messages without a value.
        """
        self._values = [*values, UNFILTERED] if match_unfiltered else [*values]
        self._match_unfiltered = match_unfiltered
        self._masks: list[int] = []
        self._without_mask: Iterator[bytes] = iter(())
        self._bit_count = 0
        self._asked_offset = self._at = 0
        self.looks_count = 0

    def may_be_in(self, chunk_filter: Octets, chunk_offset: int, looks_max: int) -> bool | None:
        """Return whether a chunk may have a message that the reader wants.

        Args:
            chunk_filter: of the chunk; empty if none of its messages has a value.
            chunk_offset: its first offset.
            looks_max: values to look for.

        Returns:
            None: it is not known yet, and the next call for the same chunk goes on.
        """
        self.looks_count = LOOKS_PER_CHUNK
        if not len(chunk_filter):
            return self._match_unfiltered
        if len(chunk_filter) * 8 != self._bit_count:
            self._bit_count = len(chunk_filter) * 8
            self._masks, self._without_mask = [], iter(self._values)
            self._at = 0
        if chunk_offset != self._asked_offset:
            self._asked_offset, self._at = chunk_offset, 0
        answer = self._look(int.from_bytes(chunk_filter, "little"), looks_max)
        if answer is not None:
            self._at = 0
        return answer

    def _look(self, bits: int, looks_max: int) -> bool | None:
        masks, left = self._masks, looks_max
        while True:
            stop = min(self._at + left, len(masks))
            left -= stop - self._at
            is_found = any(mask & bits == mask for mask in masks[self._at : stop])
            self._at = stop
            self.looks_count = max(looks_max - left, LOOKS_PER_CHUNK)
            if is_found:
                return True
            if left <= 0:
                return None
            values = list(islice(self._without_mask, left // LOOKS_PER_MASK + 1))
            if not values:
                return False
            masks += [_mask_of(value, self._bit_count) for value in values]
            left -= len(values) * LOOKS_PER_MASK


def _mask_of(value: bytes, bit_count: int) -> int:
    """Return three bits of a value: double hashing, as Kirsch and Mitzenmacher have it."""
    at = zlib.crc32(value)
    step = zlib.crc32(value, _SECOND_SEED) | 1
    return 1 << at % bit_count | 1 << (at + step) % bit_count | 1 << (at + 2 * step) % bit_count
