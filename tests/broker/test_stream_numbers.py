"""Numbers of a stream by their words."""

import pytest

from amqp_server.broker.stream_numbers import CHUNKS, PUBLISHING_ID, STORED_OFFSET, numbers_of
from persistence.streams.gathering import Appended
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
