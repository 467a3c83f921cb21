"""Where a key goes in a super stream, as the Java, Go and .NET clients decide it.

Source: RabbitMQ, stream Java client, HashRoutingStrategy; A. Appleby, MurmurHash3 (x86, 32 bits).
"""

from typing import Final

SEED: Final = 104_729
_MASK: Final = 0xFFFF_FFFF


def partition_of(key: str, partition_count: int) -> int:
    """Return the number of a key's partition."""
    return murmur3(key.encode(), SEED) % partition_count


def murmur3(octets: bytes, seed: int) -> int:
    """Return the 32-bit MurmurHash3."""
    value = seed
    whole = len(octets) & ~3
    for at in range(0, whole, 4):
        value ^= _mixed(int.from_bytes(octets[at : at + 4], "little"))
        value = (_rotated(value, 13) * 5 + 0xE654_6B64) & _MASK
    value ^= _mixed(int.from_bytes(octets[whole:], "little")) ^ len(octets)
    value = (value ^ value >> 16) * 0x85EB_CA6B & _MASK
    value = (value ^ value >> 13) * 0xC2B2_AE35 & _MASK
    return value ^ value >> 16


def _mixed(word: int) -> int:
    return _rotated(word * 0xCC9E_2D51 & _MASK, 15) * 0x1B87_3593 & _MASK


def _rotated(word: int, count: int) -> int:
    return (word << count | word >> (32 - count)) & _MASK
