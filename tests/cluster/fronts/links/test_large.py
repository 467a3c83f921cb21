"""A message in pieces is what it was, however it is cut; what is none is refused."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.fronts.links.large import LargeMessage
from cluster.links.errors import LinkError
from persistence.codec import encode_run
from persistence.record import Record, make_route
from tests.support.records import HEADER

RECORD = Record(make_route("an exchange", "a key"), HEADER, b"", 5, 3, 99)


def taken(octets: bytes, cuts: list[int]) -> object:
    large = LargeMessage(len(octets))
    edges = sorted({min(cut, len(octets)) for cut in cuts} | {0, len(octets)})
    for start, stop in pairwise(edges):
        large.add(memoryview(octets)[start:stop])
    assert large.missing_bytes == 0
    return list(large.finish())


@given(st.binary(max_size=200), st.lists(st.integers(0, 300), max_size=8))
@settings(max_examples=200, deadline=None)
def test_it_may_be_cut_anywhere(body: bytes, cuts: list[int]) -> None:
    record = RECORD._replace(body=body)
    assert taken(encode_run([record]), cuts) == [record]


def test_every_octet_by_itself() -> None:
    record = RECORD._replace(body=b"body of it")
    octets = encode_run([record])
    assert taken(octets, list(range(len(octets)))) == [record]


def test_whatever_comes_is_a_record_or_a_link_error() -> None:
    dice = random.Random(3)
    octets = encode_run([RECORD._replace(body=b"b" * 50)])
    refused = 0
    for _ in range(3_000):
        broken = bytearray(octets)
        for _ in range(dice.randint(1, 3)):
            broken[dice.randrange(60)] = dice.choice((0, 1, 255, dice.randrange(256)))
        try:
            taken(bytes(broken), [dice.randrange(100) for _ in range(3)])
        except LinkError:
            refused += 1
    assert refused > 1_000


def test_more_octets_than_announced_are_refused() -> None:
    octets = encode_run([RECORD])
    large = LargeMessage(len(octets))
    with pytest.raises(LinkError, match="more octets"):
        large.add(memoryview(octets + bytes(8)))


def test_padding_must_be_zero() -> None:
    octets = encode_run([RECORD._replace(body=b"x")])
    with pytest.raises(LinkError, match="padding"):
        taken(octets[:-1] + b"\1", [])


def test_a_head_that_is_not_whole_is_no_record() -> None:
    large = LargeMessage(8)
    large.add(memoryview(bytes(8)))
    with pytest.raises(LinkError, match="within its head"):
        large.finish()
