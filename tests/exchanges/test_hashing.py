from array import array

import pytest

from exchanges.hashing import murmur3_32, wait, winner

SALTS = array("Q", [0, 1, 0xDEADBEEF, 2**64 - 1, 0x0123456789ABCDEF])
WEIGHTS = array("d", [1.0, 3.0, 1.0, 10_000.0, 2.0])


# Computed with the public definition's reference implementation, as PyPI's mmh3 5.2 wraps it.
@pytest.mark.parametrize(
    ("octets", "with_seed_0", "with_seed_104729"),
    [
        (b"", 0, 3329588566),
        (b"a", 1009084850, 1086686554),
        (b"ab", 2613040991, 398604456),
        (b"abc", 3017643002, 3409700625),
        (b"abcd", 1139631978, 3421720556),
        (b"invoice-1", 2049287484, 1338790866),
        (b"device-00042", 865087326, 1791768838),
        ("Zürich".encode(), 694770001, 2282035033),
        ("兎".encode(), 2674438350, 584044782),
        (b"\xff" * 7, 18685351, 2895585926),
        (b"x" * 255, 2825860012, 3141771761),
    ],
)
def test_the_hash_is_that_of_the_public_definition(
    octets: bytes, with_seed_0: int, with_seed_104729: int
) -> None:
    assert murmur3_32(octets, 0) == with_seed_0
    assert murmur3_32(octets, 104_729) == with_seed_104729


def test_a_seed_may_have_all_its_bits_set() -> None:
    assert murmur3_32(b"", 2**32 - 1) == 0x81F16F39


@pytest.mark.parametrize("key_hash", [0, 1, 77, 2**31, 2**32 - 1])
def test_the_winner_waits_least(key_hash: int) -> None:
    waits = [wait(*each, key_hash) for each in zip(SALTS, WEIGHTS, strict=True)]
    assert winner(SALTS, WEIGHTS, key_hash, 0, 5) == waits.index(min(waits))
    assert winner(SALTS, WEIGHTS, key_hash, 1, 3) == 1 + waits[1:3].index(min(waits[1:3]))


def test_without_weights_the_winner_is_the_same_as_with_equal_ones() -> None:
    equal = array("d", [7.0] * len(SALTS))
    for key_hash in range(500):
        found = winner(SALTS, None, key_hash, 0, len(SALTS))
        assert found == winner(SALTS, equal, key_hash, 0, len(SALTS))


def test_of_equal_ones_the_first_wins() -> None:
    twice = array("Q", [5, 5])
    assert winner(twice, None, 9, 0, 2) == 0
    assert winner(twice, array("d", [2.0, 2.0]), 9, 0, 2) == 0


def test_a_range_of_one_has_its_winner() -> None:
    assert winner(SALTS, None, 1, 4, 5) == 4
    assert winner(SALTS, WEIGHTS, 1, 4, 5) == 4
