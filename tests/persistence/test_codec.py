"""Runs as octets: what goes in comes out, and nothing else is ever taken for a run."""

import struct
from collections.abc import Callable

import pytest

from persistence import codec, kernels
from persistence.codec import (
    RECORD_BYTES_MIN,
    decode_run,
    encode_run,
    lent_octets,
    octets_of,
    persistent_ranges,
)
from persistence.errors import DamagedError
from persistence.record import NO_TTL, PERSISTENT, OpenRecord, Record, Run, make_route
from tests.support.records import HEADER, ROUTE, run_of
from tests.support.twins import twin_of

MIXED = [
    Record(ROUTE, HEADER, b"", PERSISTENT, 0, NO_TTL),
    Record(make_route("", ""), HEADER + b"list", b"12345", 0xFFFE, 255, 0),
    Record(make_route("e" * 255, "k" * 255), HEADER, b"x" * 70_000, 0xFFFF, 7, 10**11),
]


def test_a_record_is_laid_out_as_drawn() -> None:
    octets = encode_run([Record(b"\x00\x01k", HEADER, b"body!", 0x0801, 9, 60_000)])
    assert octets == (
        struct.pack("<qIIHHB3x", 60_000, 5, 14, 3, 0x0801, 9)
        + (b"\x00\x01k" + HEADER + b"body!")
        + bytes(2)
    )


@pytest.mark.parametrize("run", [[], run_of(b"one"), run_of(b"a", b"bc", b""), MIXED], ids=len)
def test_what_is_encoded_is_decoded(run: Run) -> None:
    octets = encode_run(run)
    assert len(octets) % 8 == 0
    assert list(decode_run(octets, len(run))) == list(run)
    assert encode_run(decode_run(octets, len(run))) == octets


@pytest.mark.parametrize("run", [[], run_of(b"one"), MIXED, MIXED[2:]], ids=len)
def test_octets_are_the_same_where_they_are_not_copied(run: Run) -> None:
    memory = decode_run(encode_run(run), len(run))
    assert octets_of(memory) == octets_of(run) == encode_run(run)


def test_octets_of_a_large_message_with_gaps_that_hold_anything_are_clean() -> None:
    opened = OpenRecord(MIXED[0], 40_001)
    opened.add(b"y" * 39_999)
    opened.add(b"zz")
    run = opened.finish()
    assert octets_of(run) == encode_run(list(run))


@pytest.mark.parametrize("run", [[], run_of(b"one"), MIXED, MIXED[2:]], ids=len)
def test_lent_octets_are_the_same(run: Run) -> None:
    memory = decode_run(encode_run(run), len(run))
    assert bytes(lent_octets(memory)) == bytes(lent_octets(run)) == encode_run(run)


@pytest.mark.parametrize("step", [1, 2, -1])
def test_a_slice_lends_its_own_octets(step: int) -> None:
    run = decode_run(encode_run(MIXED * 3), 9)
    assert bytes(lent_octets(run[::step])) == encode_run(list(run)[::step])
    assert bytes(lent_octets(run[2:5:step])) == encode_run(list(run)[2:5:step])
    assert bytes(lent_octets(run[4:4])) == b""


def test_lent_octets_with_gaps_that_hold_anything_are_clean() -> None:
    opened = OpenRecord(MIXED[0], 40_001)
    opened.add(b"y" * 39_999)
    opened.add(b"zz")
    run = opened.finish()
    assert bytes(lent_octets(run)) == encode_run(list(run))


@pytest.mark.parametrize("step", [1, 2, -1])
def test_a_slice_of_a_run_is_encoded_like_its_records(step: int) -> None:
    run = decode_run(encode_run(MIXED * 3), 9)
    assert encode_run(run[::step]) == encode_run(list(run)[::step])
    assert encode_run(run[2:5]) == encode_run(list(run)[2:5])


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_octets_may_come_in_any_buffer(kind: Callable[[bytes], bytes]) -> None:
    assert list(decode_run(kind(encode_run(MIXED)), 3)) == MIXED


def test_octets_need_not_be_aligned_in_memory() -> None:
    octets = memoryview(b"x" + encode_run(MIXED))[1:]
    assert list(decode_run(octets, 3)) == MIXED


def test_a_decoded_run_does_not_hold_the_octets() -> None:
    octets = bytearray(encode_run(MIXED))
    run = decode_run(octets, 3)
    octets[:] = bytes(len(octets))
    octets.append(0)  # a buffer that is still exported cannot grow
    assert list(run) == MIXED


@pytest.mark.parametrize("count", [-1, 0, 1, 2, 4, 2**40])
def test_another_count_than_there_are_records_is_damage(count: int) -> None:
    with pytest.raises(DamagedError, match="expected a record at byte"):
        decode_run(encode_run(MIXED), count)


def test_no_octets_hold_no_record() -> None:
    assert list(decode_run(b"", 0)) == []
    with pytest.raises(DamagedError, match="byte 0"):
        decode_run(b"", 1)


ONE = encode_run([Record(b"\x00\x01k", HEADER, b"body!", PERSISTENT, 9, NO_TTL)])


@pytest.mark.parametrize("size_bytes", range(len(ONE)))
def test_a_run_cut_anywhere_is_damage(size_bytes: int) -> None:
    with pytest.raises(DamagedError):
        decode_run(ONE[:size_bytes], 1)


@pytest.mark.parametrize(
    ("position", "octets", "what"),
    [
        (0, b"\xfe", "a ttl below none"),
        (8, b"\xff\xff\xff\xff", "a body beyond the end"),
        (8, b"\x04", "padding that is not zero"),
        (12, b"\xff\xff\xff\xff", "a header beyond the end"),
        (12, b"\x0d", "a header too short for its fields"),
        (16, b"\x01", "a route that is no two shortstrs"),
        (16, b"\xff\xff", "a route beyond the end"),
        (21, b"\x01", "an octet that is reserved"),
        (23, b"\x80", "an octet that is reserved"),
        (24, b"\x01", "an exchange name that leaves no routing key"),
        (25, b"\x00", "a routing key shorter than its place"),
        (25, b"\x02", "a routing key longer than its place"),
        (len(ONE) - 1, b"\x01", "padding that is not zero"),
    ],
)
def test_a_field_that_cannot_be_is_damage(position: int, octets: bytes, what: str) -> None:
    bad = bytearray(ONE)
    bad[position : position + len(octets)] = octets
    with pytest.raises(DamagedError, match="byte 0"):
        decode_run(bad, 1)


def test_sizes_whose_sum_overflows_are_damage() -> None:
    bad = struct.pack("<qIIHHB3x", -1, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFF, 0, 0) + bytes(40)
    with pytest.raises(DamagedError):
        decode_run(bad, 1)


def test_the_place_of_the_damage_is_told() -> None:
    octets = bytearray(encode_run(run_of(b"12", b"34")))
    octets[len(octets) // 2 + 21] = 1
    with pytest.raises(DamagedError, match=f"at byte {len(octets) // 2} "):
        decode_run(octets, 2)


def test_the_smallest_record_is_as_small_as_said() -> None:
    assert len(encode_run([Record(b"\0\0", HEADER, b"", 0, 0, NO_TTL)])) == RECORD_BYTES_MIN


@pytest.mark.parametrize(
    ("pattern", "ranges"),
    [
        ("", []),
        ("t", []),
        ("p", [(0, 1)]),
        ("ppp", [(0, 3)]),
        ("ttpptp", [(2, 4), (5, 6)]),
        ("pttp", [(0, 1), (3, 4)]),
    ],
)
def test_persistent_messages_are_found_in_stretches(
    pattern: str, ranges: list[tuple[int, int]]
) -> None:
    flags = [PERSISTENT | 0x1000 if letter == "p" else 0x1000 for letter in pattern]
    run = [Record(ROUTE, HEADER, b"", each, 0, NO_TTL) for each in flags]
    assert persistent_ranges(run) == ranges
    assert persistent_ranges(decode_run(encode_run(run), len(run))) == ranges


def test_messages_alike_share_their_bytes_in_the_twin() -> None:
    twin = twin_of("persistence.codec")
    first, second = twin.decode_run(encode_run(run_of(b"a", b"b")), 2)
    assert first.route is second.route
    assert first.header is second.header


def test_the_build_that_runs_is_the_one_that_was_chosen() -> None:
    is_kernel = codec.encode_run.__module__ == "persistence._codec"
    assert is_kernel is kernels.COMPILED
