"""Streams' logs for tests: entries, and the logs that pass the contract."""

from collections.abc import Callable, Collection
from typing import Protocol

from persistence.streams.chunk import CHUNK_HEADER, chunks_in
from persistence.streams.extent import Extent
from persistence.streams.gathering import Appended
from queues.stream.memory_log import MemoryStreamLog
from queues.stream_log import StreamLog

WALL_OFFSET_MS = 1_700_000_000_000


def entry(message: bytes) -> bytes:
    """Return a message as a chunk has it."""
    return len(message).to_bytes(4, "big") + message


def appended(
    *messages: bytes,
    filter_values: Collection[bytes] = (),
    publisher: bytes = b"",
    publishing_id: int = 0,
) -> Appended:
    """Return what appends these messages."""
    count = len(messages)
    return Appended(
        [entry(each) for each in messages], count, count, filter_values, publisher, publishing_id
    )


def messages_of(extent: Extent | None) -> list[tuple[int, bytes]]:
    """Return offset and octets of each message; sub-batches are not expected."""
    found: list[tuple[int, bytes]] = []
    if extent is None:
        return found
    for position, header in chunks_in(extent.octets):
        at = position + header.data_at
        for offset in range(header.first_offset, header.next_offset):
            size_bytes = int.from_bytes(extent.octets[at : at + 4], "big")
            found.append((offset, bytes(extent.octets[at + 4 : at + 4 + size_bytes])))
            at += 4 + size_bytes
    return found


def chunk_sizes(extent: Extent | None) -> list[int]:
    """Return how many messages each chunk has."""
    if extent is None:
        return []
    return [header.record_count for _, header in chunks_in(extent.octets)]


def all_messages(log: StreamLog, max_bytes: int = CHUNK_HEADER.size) -> list[tuple[int, bytes]]:
    """Return offset and octets of each readable message, read extent by extent."""
    found: list[tuple[int, bytes]] = []
    offset = log.first_offset
    while (extent := log.read(offset, max_bytes)) is not None:
        found += messages_of(extent)
        assert extent.next_offset > offset, "reading goes on"
        offset = extent.next_offset
    return found


class LogPlace(Protocol):
    """A log with what it stands on.

    Attributes:
        log: the log.
        is_at_once: whether an append is committed within the call.
    """

    log: StreamLog
    is_at_once: bool

    def commit(self) -> None:
        """Commit everything that was appended."""


class MemoryPlace:
    """A log in memory."""

    is_at_once = True

    def __init__(self) -> None:
        self.log: StreamLog = MemoryStreamLog(lambda: WALL_OFFSET_MS)

    def commit(self) -> None:
        """Do nothing: it is committed."""


PLACES: dict[str, Callable[[], LogPlace]] = {"memory": MemoryPlace}
"""Each kind of log, by its name."""
