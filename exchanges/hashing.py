"""Hashes of routing keys, and the choice among many destinations that they lead to.

**MurmurHash3, x86, 32 bits** takes the octets four by four, in little-endian order. It is public
domain, and what the stream clients of RabbitMQ place keys by.

**The choice** is a lottery in which every destination draws a number for every key. The number is a
mixture of the key's hash and of a *salt* that only this destination has. All weights alike, the
greatest number wins. Otherwise a number u between 0 and 1 becomes a waiting time -ln(u) / weight,
and the shortest wins: of such times each is the shortest as often as its weight says. So the
numbers of others make no difference to a destination that was not the winner. When one more takes
part, only the keys that it wins move. When one leaves, only the keys that it had.

This module is the interpreted twin, and the specification, of ``exchanges._hashing``.

Source: A. Appleby, MurmurHash3 and the finalizer of SplitMix64 (S. Vigna); D. Thaler and
C. Ravishankar, highest random weight mapping, 1998.
"""

from collections.abc import Sequence
from math import log
from typing import Final

from persistence.kernels import COMPILED

_MASK_32: Final = (1 << 32) - 1
_MASK_64: Final = (1 << 64) - 1
_FIRST_FACTOR: Final = 0xCC9E2D51
_SECOND_FACTOR: Final = 0x1B873593
_SPREAD: Final = 0x9E3779B97F4A7C15
"""Brings a hash of 32 bits into all 64 bits of a salt."""

_UNIT_BITS: Final = 52
"""A number of this many bits and a half is exact in a float."""


def murmur3_32(octets: bytes, seed: int) -> int:
    """Return the hash of some octets, 0 to 2^32 - 1; the seed is of the same range."""
    value = seed
    whole = len(octets) & ~3
    for start in range(0, whole, 4):
        value ^= _scrambled(int.from_bytes(octets[start : start + 4], "little"))
        value = (value << 13 | value >> 19) & _MASK_32
        value = (value * 5 + 0xE6546B64) & _MASK_32
    if whole < len(octets):
        value ^= _scrambled(int.from_bytes(octets[whole:], "little"))
    value ^= len(octets)
    value = (value ^ value >> 16) * 0x85EBCA6B & _MASK_32
    value = (value ^ value >> 13) * 0xC2B2AE35 & _MASK_32
    return value ^ value >> 16


def winner(
    salts: Sequence[int], weights: Sequence[float] | None, key_hash: int, start: int, stop: int
) -> int:
    """Return the index of the destination that a key goes to; of equal ones the first.

    Args:
        salts: 64 bits for each destination.
        weights: of the destinations, each above 0; None where they are all alike.
        key_hash: 32 bits.
        start: the first index that takes part.
        stop: the end of those that do; above ``start``.
    """
    if weights is None:
        return max(range(start, stop), key=lambda index: _drawn(salts[index], key_hash))
    return min(range(start, stop), key=lambda index: wait(salts[index], weights[index], key_hash))


def wait(salt: int, weight: float, key_hash: int) -> float:
    """Return the waiting time of one destination: of several winners, the shortest wins."""
    number = _drawn(salt, key_hash) >> (64 - _UNIT_BITS)
    return -log((number + 0.5) * 2.0**-_UNIT_BITS) / weight


def _scrambled(block: int) -> int:
    block = block * _FIRST_FACTOR & _MASK_32
    return (block << 15 | block >> 17) * _SECOND_FACTOR & _MASK_32


def _drawn(salt: int, key_hash: int) -> int:
    number = salt ^ key_hash * _SPREAD & _MASK_64
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 & _MASK_64
    number = (number ^ number >> 27) * 0x94D049BB133111EB & _MASK_64
    return number ^ number >> 31


if COMPILED:
    from exchanges import _hashing  # type: ignore[attr-defined]

    murmur3_32 = _hashing.murmur3_32
    winner = _hashing.winner
    wait = _hashing.wait
