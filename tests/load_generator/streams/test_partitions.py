"""Keys go where other clients put them."""

import pytest

from load_generator.streams.partitions import SEED, murmur3, partition_of


@pytest.mark.parametrize(
    ("octets", "seed", "value"),
    [
        (b"", 0, 0),
        (b"", 1, 0x514E28B7),
        (b"test", 0x9747B28C, 0x704B81DC),
        (b"Hello, world!", 0x9747B28C, 0x24884CBA),
        (b"a", 0x9747B28C, 0x7FA09EA6),
    ],
)
def test_published_vectors(octets: bytes, seed: int, value: int) -> None:
    assert murmur3(octets, seed) == value


def test_a_partition_is_the_remainder() -> None:
    assert partition_of("key", 7) == murmur3(b"key", SEED) % 7
