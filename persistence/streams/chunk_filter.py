"""The filter of a chunk: which filter values its messages may have (a Bloom filter).

A reader that wants some values leaves out the chunks that have none of them. A filter may say yes
where the answer is no, and never the other way round, so what it lets through is looked at again.
Its octets stay on disk, so the hash may not change.
"""

import zlib
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Final

from persistence.files import Octets

FILTER_BYTES_DEFAULT: Final = 16
FILTER_BYTES_MIN: Final = 16
FILTER_BYTES_MAX: Final = 255

UNFILTERED: Final = b""
"""Stands for the messages without a filter value."""

LOOKS_PER_MESSAGE: Final = 2
"""Filter values that are looked for in the time of a message."""

LOOKS_MAX: Final = 4_096
"""Values that a reader looks for in one go, over all chunks: half a millisecond at most."""

_UNFILTERED_ALONE: Final = frozenset((UNFILTERED,))
_READERS_MAX: Final = 128
"""Sets of values whose bits are remembered."""

_BITS_PER_VALUE: Final = 3
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
    bits = bytearray(size_bytes)
    for value in values:
        for bit in _bits_of(value, size_bytes):
            bits[bit >> 3] |= 1 << (bit & 7)
    return bytes(bits)


def may_hold(chunk_filter: Octets, values: Collection[bytes], *, match_unfiltered: bool) -> bool:
    """Return whether a chunk may have a message that a reader wants.

    Args:
        chunk_filter: of the chunk; empty if none of its messages has a value.
        values: that the reader wants, best a frozenset; a reader of everything need not ask.
        match_unfiltered: it also wants messages without a value.
    """
    if not len(chunk_filter):
        return match_unfiltered
    bits = int.from_bytes(chunk_filter, "little")
    size_bytes = len(chunk_filter)
    masks = _masks_of(frozenset(values), size_bytes)
    if match_unfiltered:
        masks += _masks_of(_UNFILTERED_ALONE, size_bytes)
    return any(mask & bits == mask for mask in masks)


@lru_cache(maxsize=_READERS_MAX)
def _masks_of(values: frozenset[bytes], size_bytes: int) -> tuple[int, ...]:
    """Return the bits of each value: a reader asks for the same ones of every chunk."""
    return tuple(sum(1 << bit for bit in {*_bits_of(value, size_bytes)}) for value in values)


def _bits_of(value: bytes, size_bytes: int) -> Iterator[int]:
    """Yield the numbers of a value's bits: double hashing, as Kirsch and Mitzenmacher have it."""
    bit_count = size_bytes * 8
    first = zlib.crc32(value)
    step = zlib.crc32(value, _SECOND_SEED) | 1
    for index in range(_BITS_PER_VALUE):
        yield (first + index * step) % bit_count
