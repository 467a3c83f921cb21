"""Filters of chunks: no false no, and few false yes."""

from hypothesis import given
from hypothesis import strategies as st

from persistence.streams.chunk_filter import (
    FILTER_BYTES_MIN,
    LOOKS_PER_CHUNK,
    LOOKS_PER_MASK,
    UNFILTERED,
    WantedValues,
    draw_filter,
)
from tests.support.stream_logs import may_hold

VALUES = st.sets(st.binary(min_size=1, max_size=20), max_size=40)


@given(VALUES, st.integers(16, 255))
def test_what_is_in_a_filter_is_found(values: set[bytes], size_bytes: int) -> None:
    chunk_filter = draw_filter(values, size_bytes)
    assert len(chunk_filter) == size_bytes
    for value in values:
        assert may_hold(chunk_filter, [b"other", value])


def test_few_others_are_found() -> None:
    chunk_filter = draw_filter([b"value-%d" % number for number in range(8)], FILTER_BYTES_MIN)
    found = [number for number in range(1_000) if may_hold(chunk_filter, [b"another-%d" % number])]
    assert len(found) < 60


def test_messages_without_a_value_are_wanted_or_not() -> None:
    mixed = draw_filter([b"red", UNFILTERED], FILTER_BYTES_MIN)
    pure = draw_filter([b"red"], FILTER_BYTES_MIN)
    assert may_hold(mixed, [b"blue"], match_unfiltered=True)
    assert not may_hold(mixed, [b"blue"])
    assert not may_hold(pure, [b"blue"], match_unfiltered=True)


def test_a_chunk_without_a_filter_has_only_messages_without_a_value() -> None:
    assert may_hold(b"", [b"red"], match_unfiltered=True)
    assert not may_hold(b"", [b"red"])


def test_the_hash_is_the_same_for_ever() -> None:
    assert draw_filter([b"red", b"blue"], 16).hex() == "00a00000000010000240000000000000"


def test_too_many_values_make_a_filter_that_says_yes_to_everything() -> None:
    values = [b"%d" % number for number in range(65_535)]
    assert draw_filter(values, 16) == b"\xff" * 16
    assert draw_filter(values[:3], 16) != b"\xff" * 16


@given(
    VALUES,
    st.lists(st.tuples(VALUES, st.sampled_from([0, 16, 17, 255])), min_size=1, max_size=6),
    st.integers(1, 100),
    st.booleans(),
)
def test_whatever_is_looked_for_at_once_the_answer_is_the_same(
    values: set[bytes],
    chunks: list[tuple[set[bytes], int]],
    looks_max: int,
    match_unfiltered: bool,
) -> None:
    wanted = WantedValues(values, match_unfiltered=match_unfiltered)
    for offset, (within, size_bytes) in enumerate(chunks):
        chunk_filter = draw_filter(within, size_bytes)
        calls_count = 1
        while (answer := wanted.may_be_in(chunk_filter, offset, looks_max)) is None:
            assert 0 < wanted.looks_count <= max(looks_max + LOOKS_PER_MASK, LOOKS_PER_CHUNK)
            calls_count += 1
        assert answer is may_hold(chunk_filter, values, match_unfiltered=match_unfiltered)
        assert calls_count <= 3 + (len(values) + 1) * (1 + LOOKS_PER_MASK) // looks_max


def test_a_chunk_that_is_gone_leaves_nothing_behind() -> None:
    values = [b"%d" % number for number in range(100)]
    wanted = WantedValues(values, match_unfiltered=False)
    other, all_of_them = draw_filter([b"x"], 16), draw_filter(values, 16)
    assert wanted.may_be_in(other, 0, 10) is None
    assert wanted.may_be_in(all_of_them, 7, 10)
