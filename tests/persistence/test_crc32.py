"""The checksum of chunks, by the twin and by what runs."""

import zlib
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from persistence import crc32

SIZES = st.integers(0, 700) | st.integers(60, 70) | st.integers(125, 135) | st.integers(190, 195)


@given(st.randoms(use_true_random=False), SIZES, st.integers(0, 2**32 - 1), st.integers(0, 3))
def test_every_length_is_that_of_zlib(chance: Random, size: int, before: int, start: int) -> None:
    octets = memoryview(chance.randbytes(size + start))[start:]
    assert crc32.crc32(octets, before) == zlib.crc32(octets, before)


def test_every_length_of_ones_and_zeros() -> None:
    for size in range(300):
        for octets in (bytes(size), b"\xff" * size):
            assert crc32.crc32(octets) == zlib.crc32(octets)
            assert crc32.crc32(octets, zlib.crc32(b"before")) == zlib.crc32(b"before" + octets)


def test_pieces_come_to_the_same_as_the_whole() -> None:
    octets = bytes(range(256)) * 40
    state = 0
    for start in range(0, len(octets), 999):
        state = crc32.crc32(octets[start : start + 999], state)
    assert state == crc32.crc32(octets) == zlib.crc32(octets)


def test_all_that_has_octets_is_taken() -> None:
    octets = bytes(range(200))
    for each in (octets, bytearray(octets), memoryview(octets)):
        assert crc32.crc32(each) == zlib.crc32(octets)
