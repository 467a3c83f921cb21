"""Chunks that no index knows are found, and octets in messages are not taken for one."""

from collections.abc import Callable

import pytest

from persistence.streams.chunk import ChunkHeader
from persistence.streams.gathering import Gathering
from persistence.streams.scan import scan
from tests.support.fault_fs import FaultFS
from tests.support.stream_logs import appended


def chunk(first_offset: int, *messages: bytes, committed_offset: int = 0) -> bytes:
    gathering = Gathering(first_offset, 0)
    gathering.add(appended(*messages))
    ((_, parts),) = gathering.draw(16, committed_offset)
    return b"".join(parts)


def nothing(_offset: int) -> ChunkHeader | None:
    return None


def offsets(
    octets: bytes,
    known: Callable[[int], ChunkHeader | None] = nothing,
    expected_offset: int = 0,
    *,
    checks: bool = True,
) -> list[int]:
    file = FaultFS().open("s", create=True)
    file.write_at(0, octets)
    found = list(scan(file, 0, len(octets), expected_offset, known, checks=checks))
    return [each.header.first_offset for each in found]


ONE, TWO, THREE = chunk(0, b"a", b"b"), chunk(2, b"c", b"d"), chunk(4, b"e", b"f")


@pytest.mark.parametrize("checks", [True, False])
def test_chunks_stand_behind_each_other(checks: bool) -> None:
    assert offsets(ONE + TWO + THREE, checks=checks) == [0, 2, 4]
    assert offsets(ONE + TWO + THREE[:-1], checks=checks) == [0, 2]
    assert offsets(b"", checks=checks) == []


def test_damage_is_passed_over_by_the_length_that_its_header_says() -> None:
    damaged = bytearray(TWO)
    damaged[60] ^= 1
    assert offsets(ONE + damaged + THREE) == [0, 4]


def test_damage_is_passed_over_by_the_length_that_another_log_knows() -> None:
    header = ChunkHeader(2, 2, 0, 2, 0, len(TWO) - 48 - 16, 16, 0)
    torn = bytes(len(TWO))
    assert offsets(ONE + torn + THREE, {2: header}.get) == [0, 4]


@pytest.mark.parametrize("hole", [b"", b"\x50", b"\x50\x00" * 40, bytes(1_000)])
def test_behind_other_damage_the_next_chunk_is_looked_for(hole: bytes) -> None:
    assert offsets(ONE + hole + TWO + THREE) == [0, 2, 4]


def test_a_message_that_looks_like_a_chunk_is_none() -> None:
    forged = chunk(9, b"forged")
    outer = bytearray(chunk(2, forged))
    outer[0] = 0
    assert offsets(ONE + outer + THREE) == [0, 4]
    assert offsets(ONE + outer) == [0]


def test_lower_offsets_do_not_count() -> None:
    assert offsets(ONE + TWO + ONE + THREE, expected_offset=2) == [2, 4]


def test_a_chunk_says_what_was_committed_when_it_was_drawn() -> None:
    file = FaultFS().open("s", create=True)
    octets = chunk(7, b"a", committed_offset=5)
    file.write_at(0, octets)
    (found,) = scan(file, 0, len(octets), 0, nothing, checks=True)
    assert found.trailer is not None
    assert found.trailer.committed_offset == 5
