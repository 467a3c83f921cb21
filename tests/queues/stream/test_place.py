"""A place in a stream: batches without gaps, pieces that are shared, what cannot be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.streams.chunk import CHUNK_HEADER
from persistence.streams.chunk_filter import LOOKS_MAX, LOOKS_PER_MASK, LOOKS_PER_MESSAGE
from persistence.streams.extent import Extent
from queues.batch import Batch
from queues.stream import place as module
from queues.stream.filter import Filter
from queues.stream.from_amqp10 import ReadMessages, read_messages
from queues.stream.memory_log import MemoryStreamLog
from queues.stream.place import SHARED_PIECES_MAX, Piece, Pieces, Place
from tests.support.stream_logs import appended

DATA = b"\x00\x53\x75\xa0"


def message(body: bytes) -> bytes:
    return DATA + bytes([len(body)]) + body


def valued(value: bytes, body: bytes) -> bytes:
    """Return a message with a filter value in it."""
    annotation = b"\xa3\x15x-stream-filter-value\xa1" + bytes([len(value)]) + value
    return b"\x00\x53\x72\xc1" + bytes([len(annotation) + 1, 2]) + annotation + message(body)


def log_of(*chunks: list[bytes]) -> MemoryStreamLog:
    log = MemoryStreamLog()
    for bodies in chunks:
        log.append(appended(*map(message, bodies)), 1_000)
    return log


def place_in(log: MemoryStreamLog, offset: int = 0, pieces: Pieces | None = None) -> Place:
    return Place(log, pieces or Pieces(), b"s", offset)


def bodies_of(batch: Batch | None) -> list[bytes]:
    return [] if batch is None else [bytes(record.body) for record in batch.records]


@given(st.lists(st.integers(1, 5), max_size=6), st.integers(1, 4), st.integers(0, 8))
def test_all_messages_come_in_order_whatever_the_chunks_and_credits(
    sizes: list[int], credit: int, first: int
) -> None:
    numbers = iter(range(100))
    log = log_of(*[[b"%d" % next(numbers) for _ in range(size)] for size in sizes])
    place = place_in(log, first)
    found: list[tuple[int, bytes]] = []
    while (batch := place.take(credit)) is not None:
        assert 0 < len(batch) <= credit
        found += zip(batch.positions, bodies_of(batch), strict=True)
    assert found == [(number, b"%d" % number) for number in range(first, sum(sizes))]
    assert place.offset == max(first, sum(sizes))


def test_at_the_end_it_waits_for_more() -> None:
    log = log_of([b"0"])
    place = place_in(log)
    assert bodies_of(place.take(5)) == [b"0"]
    assert place.take(5) is None
    log.append(appended(message(b"1")), 1_000)
    assert bodies_of(place.take(5)) == [b"1"]


def test_readers_at_one_place_share_a_piece() -> None:
    log, pieces = log_of([b"0", b"1"]), Pieces()
    one, two = (place_in(log, 0, pieces).take(9) for _ in range(2))
    assert one is not None
    assert two is not None
    assert one.records is two.records


def test_few_pieces_are_kept_for_others() -> None:
    pieces = Pieces()
    for offset in range(SHARED_PIECES_MAX + 1):
        pieces.keep(offset, Piece((), (), offset + 1))
    assert pieces.get(0) is None
    assert pieces.get(1) is not None
    pieces.clear()
    assert pieces.get(1) is None


def test_a_batch_ends_at_a_gap_of_filtered_messages() -> None:
    log = MemoryStreamLog()
    for value, body in ((b"a", b"0"), (b"a", b"1"), (b"b", b"2"), (b"a", b"3")):
        log.append(appended(valued(value, body), filter_values={value}), 1_000)
    place = Place(log, Pieces(), b"s", 0, Filter(frozenset((b"a",))))
    found = []
    while place.offset < 4:
        batch = place.take(9)
        found += [] if batch is None else list(batch.positions)
    assert found == [0, 1, 3]


def test_a_filter_that_matches_nothing_reads_extent_after_extent() -> None:
    log = MemoryStreamLog()
    for _ in range(3):
        log.append(appended(message(b"x"), filter_values={b"other"}), 1_000)
    place = Place(log, Pieces(), b"s", 0, Filter(frozenset((b"mine",))))
    assert place.take(9) is None
    assert place.offset == 3


def test_a_chunk_that_cannot_be_read_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    log = log_of([b"0"], [b"1"])

    def broken(from_offset: int, max_bytes: int, *, checks: bool = False) -> Extent | None:
        extent = MemoryStreamLog.read(log, from_offset, max_bytes, checks=checks)
        if extent is None or extent.first_offset:
            return extent
        octets = bytearray(extent.octets)
        octets[CHUNK_HEADER.size] = 0x7F
        return extent._replace(octets=bytes(octets))

    log.read = broken  # type: ignore[method-assign]
    place = place_in(log)
    assert place.take(9) is None
    assert bodies_of(place.take(9)) == [b"1"]
    assert "is left out" in caplog.text


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return where the sizes of what is converted are noted."""
    sizes: list[int] = []

    def read(data: bytes, *rest: object) -> ReadMessages:
        sizes.append(len(data))
        return read_messages(data, *rest)  # type: ignore[arg-type] # as they were given

    monkeypatch.setattr(module, "read_messages", read)
    return sizes


def test_small_chunks_that_follow_each_other_are_converted_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = counted(monkeypatch)
    place = place_in(log_of(*[[b"%03d" % number] for number in range(100)]), 30)
    batch = place.take(200)
    assert batch is not None
    assert bodies_of(batch) == [b"%03d" % number for number in range(30, 100)]
    assert batch.positions == range(30, 100)
    assert len(sizes) == 1


def test_chunks_are_joined_up_to_a_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = counted(monkeypatch)
    monkeypatch.setattr(module, "PIECE_COUNT_MAX", 5)
    place = place_in(log_of(*[[b"a", b"b"]] * 5))
    assert [len(place.take(100) or ()) for _ in range(3)] == [4, 4, 2]
    assert len(sizes) == 3


def test_a_gap_ends_what_is_converted_together() -> None:
    log = log_of(*[[b"%d" % number] for number in range(6)])
    read = log.read

    def with_gap(from_offset: int, max_bytes: int, *, checks: bool = False) -> Extent | None:
        extent = read(from_offset, max_bytes, checks=checks)
        if extent is None:
            return None
        chunks = [each for each in extent.chunks if each[1].first_offset != 3]
        return extent._replace(chunks=chunks)

    log.read = with_gap  # type: ignore[method-assign]
    place = place_in(log)
    assert [list((place.take(9) or Batch(range(0), ())).positions) for _ in range(2)] == [
        [0, 1, 2],
        [4, 5],
    ]


def test_one_chunk_that_cannot_be_read_costs_no_other(caplog: pytest.LogCaptureFixture) -> None:
    log = log_of(*[[b"%d" % number] for number in range(5)])
    read = log.read

    def broken(from_offset: int, max_bytes: int, *, checks: bool = False) -> Extent | None:
        extent = read(from_offset, max_bytes, checks=checks)
        if extent is None or extent.first_offset:
            return extent
        octets = bytearray(extent.octets)
        position, header = extent.chunks[2]
        octets[position + header.data_at] = 0x7F
        return extent._replace(octets=bytes(octets))

    log.read = broken  # type: ignore[method-assign]
    place = place_in(log)
    found: list[bytes] = []
    while place.offset < 5:
        found += bodies_of(place.take(9))
    assert found == [b"0", b"1", b"3", b"4"]
    assert "from offset 2 on" in caplog.text
    log.append(appended(message(b"5")), 1_000)
    log.append(appended(message(b"6")), 1_000)
    assert bodies_of(place.take(9)) == [b"5", b"6"], "the next extent is joined again"


def test_small_chunks_are_filtered_and_those_that_are_wanted_joined(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = counted(monkeypatch)
    log = MemoryStreamLog()
    for number in range(9):
        value = b"b" if number in {3, 8} else b"a"
        log.append(appended(valued(value, b"%d" % number), filter_values={value}), 1_000)
    place = Place(log, Pieces(), b"s", 0, Filter(frozenset((b"a",))))
    found: list[bytes] = []
    while place.offset < 9:
        found += bodies_of(place.take(9))
    assert found == [b"%d" % number for number in range(9) if number not in {3, 8}]
    assert len(sizes) == 2


def test_a_chunk_of_many_messages_is_converted_piece_by_piece(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PIECE_COUNT_MAX", 4)
    log = log_of([b"%d" % number for number in range(10)])
    extent = log.read(0, 1 << 20)
    assert extent is not None
    assert len(extent.chunks) == 1
    place = place_in(log, 1)
    assert [len(place.take(100) or ()) for _ in range(3)] == [4, 4, 1]


def test_of_a_chunk_with_values_beside_its_messages_those_without_one_in_them_come_too() -> None:
    log = MemoryStreamLog()
    for body, value in ((b"beside", b"eu"), (b"other", b"us")):
        log.append(appended(message(body), filter_values={value}, has_values_beside=True), 1_000)
    log.append(
        appended(message(b"plain"), valued(b"eu", b"within"), filter_values={b"eu", b""}), 1_000
    )
    place = Place(log, Pieces(), b"s", 0, Filter(frozenset({b"eu"})))
    assert bodies_of(place.take(5)) == [b"beside"]
    assert bodies_of(place.take(5)) == [b"within"]
    assert place.take(5) is None


def test_many_wanted_values_are_looked_for_in_few_chunks_at_once() -> None:
    log = MemoryStreamLog()
    for number in range(12):
        value = b"wanted" if number == 11 else b"other"
        log.append(appended(valued(value, b"%d" % number), filter_values={value}), 1_000)
    values = frozenset([b"wanted", *(b"%d" % number for number in range(LOOKS_MAX // 4))])
    place = Place(log, Pieces(), b"s", 0, Filter(values))
    seen = []
    while (batch := place.take(5)) is None:
        seen.append(place.offset)
        assert place.look_cost <= (LOOKS_MAX + LOOKS_PER_MASK) // LOOKS_PER_MESSAGE
    assert seen[0] == 0, "their bits are found first"
    assert seen[-1] <= 11
    looks = LOOKS_PER_MASK // 4 + 12 // 4
    assert looks - 2 <= len(seen) <= looks + 1, "a set has no order"
    assert bodies_of(batch) == [b"11"]
