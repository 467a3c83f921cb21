"""What a run appends to a stream: duplicates left out, one publisher in each append."""

import pytest

from conformance import fields
from conformance.fields import Typed
from persistence.record import Record
from persistence.streams.chunk import CHUNK_BYTES_MAX
from persistence.streams.gathering import Appended
from queues.stream.publishing import appends_of
from tests.support.memory_runs import in_memory
from tests.support.stream_messages import record_of


def of(publisher: str, publishing_id: object, body: bytes = b"") -> Record:
    headers = {"x-stream-publisher": publisher, "x-stream-publishing-id": publishing_id}
    return record_of(fields.properties(headers=headers), body)


def plain(body: bytes) -> Record:
    return record_of(fields.properties(), body)


def appended(*records: Record, **known: int) -> list[Appended]:
    def known_of(reference: bytes) -> int | None:
        return known.get(reference.decode())

    return list(appends_of(in_memory(list(records)), known_of))


def told(found: list[Appended]) -> list[tuple[int, str, int]]:
    return [(each.record_count, each.publisher.decode(), each.publishing_id) for each in found]


def test_a_run_without_numbers_is_one_append() -> None:
    assert told(appended(plain(b"1"), plain(b"2"))) == [(2, "", 0)]


def test_a_run_of_one_publisher_is_one_append_with_its_highest_number() -> None:
    assert told(appended(of("a", 5), of("a", 7), a=4)) == [(2, "a", 7)]


def test_the_first_number_of_a_publisher_may_be_0() -> None:
    assert told(appended(of("a", 0), of("a", 0), of("a", 1))) == [(1, "a", 0), (1, "a", 1)]


@pytest.mark.parametrize(
    ("numbers", "found"),
    [
        ([1, 2, 3], []),
        ([1, 5, 2], [(1, "a", 5)]),
        ([4, 3, 5], [(1, "a", 4), (1, "a", 5)]),
        ([3, 4, 5, 5], [(2, "a", 5)]),
    ],
)
def test_duplicates_are_left_out(numbers: list[int], found: list[tuple[int, str, int]]) -> None:
    assert told(appended(*[of("a", number) for number in numbers], a=3)) == found


def test_each_publisher_has_numbers_of_its_own() -> None:
    records = [of("a", 1), of("b", 1), of("b", 2), plain(b""), of("a", 1), of("a", 2)]
    assert told(appended(*records)) == [(1, "a", 1), (2, "b", 2), (1, "", 0), (1, "a", 2)]


@pytest.mark.parametrize("number", [-1, "5", True, Typed("d", 1.5)])
def test_what_is_no_number_makes_no_duplicate(number: object) -> None:
    assert told(appended(of("a", number), of("a", number), a=9)) == [(2, "", 0)]


@pytest.mark.parametrize("tag", "bBsuIilL")
def test_any_integer_is_a_number(tag: str) -> None:
    assert told(appended(of("a", Typed(tag, 5)), a=4)) == [(1, "a", 5)]


def test_a_name_that_is_too_long_makes_no_duplicate() -> None:
    assert told(appended(of("a" * 256, 1))) == [(1, "", 0)]
    assert told(appended(of("a" * 255, 1))) == [(1, "a" * 255, 1)]


def test_what_fits_no_chunk_is_cut_and_each_part_has_its_number() -> None:
    body = bytes(CHUNK_BYTES_MAX // 2)
    records = [of("a", 1, body), of("a", 2, body), of("a", 3, body)]
    assert told(appended(*records)) == [(1, "a", 1), (1, "a", 2), (1, "a", 3)]


def test_the_filter_values_are_those_of_the_append() -> None:
    def valued(number: int, value: str) -> Record:
        headers = {
            "x-stream-publisher": "a",
            "x-stream-publishing-id": number,
            "x-stream-filter-value": value,
        }
        return record_of(fields.properties(headers=headers), b"")

    (found,) = appended(valued(1, "old"), valued(5, "new"), a=3)
    assert found.filter_values == {b"new"}
