"""Filters of chunks: no false no, and few false yes."""

from hypothesis import given
from hypothesis import strategies as st

from persistence.streams.chunk_filter import FILTER_BYTES_MIN, UNFILTERED, draw_filter, may_hold

VALUES = st.sets(st.binary(min_size=1, max_size=20), max_size=40)


@given(VALUES, st.integers(16, 255))
def test_what_is_in_a_filter_is_found(values: set[bytes], size_bytes: int) -> None:
    chunk_filter = draw_filter(values, size_bytes)
    assert len(chunk_filter) == size_bytes
    for value in values:
        assert may_hold(chunk_filter, [b"other", value], match_unfiltered=False)


def test_few_others_are_found() -> None:
    chunk_filter = draw_filter([b"value-%d" % number for number in range(8)], FILTER_BYTES_MIN)
    found = [
        number
        for number in range(1_000)
        if may_hold(chunk_filter, [b"another-%d" % number], match_unfiltered=False)
    ]
    assert len(found) < 60


def test_messages_without_a_value_are_wanted_or_not() -> None:
    mixed = draw_filter([b"red", UNFILTERED], FILTER_BYTES_MIN)
    pure = draw_filter([b"red"], FILTER_BYTES_MIN)
    assert may_hold(mixed, [b"blue"], match_unfiltered=True)
    assert not may_hold(mixed, [b"blue"], match_unfiltered=False)
    assert not may_hold(pure, [b"blue"], match_unfiltered=True)


def test_a_chunk_without_a_filter_has_only_messages_without_a_value() -> None:
    assert may_hold(b"", [b"red"], match_unfiltered=True)
    assert not may_hold(b"", [b"red"], match_unfiltered=False)


def test_the_hash_is_the_same_for_ever() -> None:
    assert draw_filter([b"red", b"blue"], 16).hex() == "00a00000000010000240000000000000"


def test_too_many_values_make_a_filter_that_says_yes_to_everything() -> None:
    values = [b"%d" % number for number in range(65_535)]
    assert draw_filter(values, 16) == b"\xff" * 16
    assert draw_filter(values[:3], 16) != b"\xff" * 16
