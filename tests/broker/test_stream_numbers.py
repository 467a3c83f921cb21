"""Numbers of a stream by their words."""

import pytest

from amqp_server.broker.stream_numbers import (
    BEGIN,
    CHUNKS,
    PUBLISHING_ID,
    STORED_OFFSET,
    numbers_of,
    reference_of,
    spec_of,
)
from persistence.streams.gathering import Appended
from queues.offset_spec import FIRST, LAST, NEXT, OffsetKind, OffsetSpec
from queues.stream.memory_log import MemoryStreamLog


def test_a_stream_has_numbers_by_reference_and_of_its_chunks() -> None:
    log = MemoryStreamLog()
    assert numbers_of(log, STORED_OFFSET, b"me") == (None,)
    assert numbers_of(log, CHUNKS) == (None, None)
    for number in (3, 9):
        log.append(Appended((b"\0\0\0\1m",), 1, 1, (), b"p", number), 1)
    log.store_offset(b"me", 1)
    assert numbers_of(log, STORED_OFFSET, b"me") == (1,)
    assert numbers_of(log, PUBLISHING_ID, b"p") == (9,)
    assert numbers_of(log, PUBLISHING_ID, b"me") == (None,)
    assert numbers_of(log, CHUNKS) == (0, 1)
    with pytest.raises(ValueError, match="a number of a stream"):
        numbers_of(log, "anything")


def test_a_stream_says_where_a_reader_begins() -> None:
    log = MemoryStreamLog()
    for _ in range(3):
        log.append(Appended((b"\0\0\0\1m",), 1, 1), 1)
    specs = {FIRST: 0, LAST: 2, NEXT: 3, OffsetSpec(OffsetKind.OFFSET, 9): 3}
    for spec, offset in specs.items():
        assert spec_of(reference_of(spec)) == spec
        assert numbers_of(log, BEGIN, reference_of(spec)) == (offset,)


@pytest.mark.parametrize("reference", [b"", b"FIRST", b"FIRST x", b"AGE 1", b"LATER 1"])
def test_what_is_no_place_to_begin_is_refused(reference: bytes) -> None:
    with pytest.raises(ValueError, match=r"expected|invalid"):
        spec_of(reference)
