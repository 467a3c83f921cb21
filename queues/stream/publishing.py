"""What a run of AMQP messages appends to a stream, without what was published before.

A message may have two headers: ``x-stream-publisher``, a name of up to 255 octets, and
``x-stream-publishing-id``, a number from 0 that grows with each message of that publisher. A
message whose number is not above the highest that the stream has of its publisher is a duplicate,
as with publishers of the stream protocol, whose names are the same. A dead letter never is one: it
may come out of order.

Source: HareMQ's own; the stream protocol, DeclarePublisher.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from persistence.record import Run
from persistence.streams.chunk import CHUNK_BYTES_MAX, ENTRIES_MAX, REFERENCE_BYTES_MAX
from persistence.streams.gathering import Appended
from queues.stream.to_amqp10 import append_messages

Known: TypeAlias = Callable[[bytes], int | None]
"""Returns the highest publishing id of a publisher; None is none."""

PUBLISHING_ID_MAX: Final = 2**63 - 1

_SIGNED: Final = b"bsIlL"
_UNSIGNED: Final = b"Bui"

_Number: TypeAlias = tuple[bytes, int]
_NONE: Final[_Number] = (b"", 0)


def appends_of(run: Run, known: Known) -> Iterator[Appended]:
    """Yield what is to be appended, in order; nothing if all of it was published before.

    Each append fits a chunk, or is one message, and is of one publisher.

    Args:
        run: of at least one message.
        known: is asked once for each publisher, before its first append.
    """
    entries = bytearray()
    filter_values, numbered = append_messages(entries, run)
    if not numbered:
        yield from _fitting(run, entries, filter_values, ())
        return
    numbers = [_NONE] * len(run)
    for index, publisher, field in numbered:
        publishing_id = _publishing_id(field)
        if publishing_id is not None and len(publisher) <= REFERENCE_BYTES_MAX:
            numbers[index] = (publisher, publishing_id)
    for start, stop in _stretches(numbers, known):
        if stop - start == len(run):
            yield from _fitting(run, entries, filter_values, numbers)
        else:
            yield from _converted(run[start:stop], numbers[start:stop])


def _stretches(numbers: Sequence[_Number], known: Known) -> Iterator[tuple[int, int]]:
    """Yield start and stop of messages of one publisher that stand together and are new."""
    highest: dict[bytes, int] = {}
    start, current = 0, b""
    for index, (publisher, publishing_id) in enumerate(numbers):
        is_new = True
        if publisher:
            if publisher not in highest:
                found = known(publisher)
                highest[publisher] = -1 if found is None else found
            is_new = publishing_id > highest[publisher]
        if publisher != current or not is_new:
            if start < index:
                yield start, index
            start, current = (index if is_new else index + 1), publisher
        if publisher and is_new:
            highest[publisher] = publishing_id
    if start < len(numbers):
        yield start, len(numbers)


def _converted(run: Run, numbers: Sequence[_Number]) -> Iterator[Appended]:
    entries = bytearray()
    filter_values, _ = append_messages(entries, run)
    yield from _fitting(run, entries, filter_values, numbers)


def _fitting(
    run: Run, entries: bytearray, filter_values: set[bytes], numbers: Sequence[_Number]
) -> Iterator[Appended]:
    """Yield messages of one publisher as parts that fit a chunk, or one message each."""
    count = len(run)
    if count == 1 or (len(entries) <= CHUNK_BYTES_MAX and count <= ENTRIES_MAX):
        publisher, publishing_id = numbers[-1] if numbers else _NONE
        values = () if filter_values == {b""} else filter_values
        yield Appended((entries,), count, count, values, publisher, publishing_id)
        return
    half = count // 2
    yield from _converted(run[:half], numbers[:half])
    yield from _converted(run[half:], numbers[half:])


def _publishing_id(field: bytes) -> int | None:
    """Return the number of a field value with its type; None if it is no publishing id."""
    kind, octets = field[0], field[1:]
    if kind not in _SIGNED and kind not in _UNSIGNED:
        return None
    number = int.from_bytes(octets, "big", signed=kind in _SIGNED)
    return number if 0 <= number <= PUBLISHING_ID_MAX else None
