"""Judges what the readers of a stream saw: offsets keep their messages, confirmed ones are read.

inconsistent  an offset at which two readers, or one at two times, found different messages
lost          confirmed, and not read, though somebody read to the end
skipped       an offset that a reader jumped over, and at which another one found a message
backwards     an offset that did not ascend within one reading
unexpected    read without having been published
refused_read  nacked, and read all the same                                      counted
duplicated    found at more than one offset                                      counted
recovered     read, though its confirm never came                                counted
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from load_generator.verifying.history import Action, Kind, Row, Value

INVALID: Final = ("inconsistent", "lost", "skipped", "backwards", "unexpected")


class Reading(NamedTuple):
    """One message as a reader found it.

    Attributes:
        reader: number of one subscription; it reads ascending offsets.
        offset: of the message in the stream.
        value: what was there.
    """

    reader: int
    offset: int
    value: Value


@dataclass(frozen=True, slots=True)
class StreamVerdict:
    """The result: offsets of the first, third and fourth kind, values of the others."""

    confirmed_count: int
    read_count: int
    inconsistent: tuple[int, ...]
    lost: tuple[Value, ...]
    skipped: tuple[int, ...]
    backwards: tuple[int, ...]
    unexpected: tuple[Value, ...]
    refused_read: tuple[Value, ...]
    duplicated: tuple[Value, ...]
    recovered: tuple[Value, ...]

    @property
    def is_valid(self) -> bool:
        """Whether nothing happened that must not."""
        return not any(getattr(self, name) for name in INVALID)


def check_stream(
    history: Sequence[Row], readings: Sequence[Reading], *, reads_in_order: bool = True
) -> StreamVerdict:
    """Judge a stream.

    Args:
        history: its publishes; other rows are not looked at.
        readings: in the order in which they were read; one reader at the end has read all.
        reads_in_order: no reader filters, so that it sees every offset from its first one on.
    """
    outcome: dict[Value, Kind] = {
        row.value: row.kind
        for row in history
        if row.action is Action.ENQUEUE and row.value is not None
    }
    places: dict[int, set[Value]] = defaultdict(set)
    offsets: dict[Value, set[int]] = defaultdict(set)
    for reading in readings:
        places[reading.offset].add(reading.value)
        offsets[reading.value].add(reading.offset)
    backwards, jumped = _walks(readings)
    confirmed = {value for value, kind in outcome.items() if kind is Kind.OK}
    read = set(offsets)
    refused = {value for value, kind in outcome.items() if kind is Kind.FAIL}
    return StreamVerdict(
        confirmed_count=len(confirmed),
        read_count=len(read),
        inconsistent=tuple(sorted(at for at, values in places.items() if len(values) > 1)),
        lost=_sorted(confirmed - read),
        skipped=tuple(sorted(_within(places, jumped))) if reads_in_order else (),
        backwards=tuple(sorted(backwards)),
        unexpected=_sorted(read - set(outcome)),
        refused_read=_sorted(read & refused),
        duplicated=_sorted({value for value, found in offsets.items() if len(found) > 1}),
        recovered=_sorted((read & set(outcome)) - confirmed - refused),
    )


def _sorted(values: Collection[Value]) -> tuple[Value, ...]:
    return tuple(sorted(values))


def _walks(readings: Sequence[Reading]) -> tuple[set[int], list[range]]:
    """Return the offsets that did not ascend, and the stretches that readers jumped over."""
    last: dict[int, int] = {}
    backwards: set[int] = set()
    jumped: list[range] = []
    for reading in readings:
        before = last.get(reading.reader)
        if before is not None:
            if reading.offset <= before:
                backwards.add(reading.offset)
            elif reading.offset > before + 1:
                jumped.append(range(before + 1, reading.offset))
        last[reading.reader] = max(reading.offset, before if before is not None else -1)
    return backwards, jumped


def _within(places: Collection[int], jumped: Sequence[range]) -> set[int]:
    """Return the known offsets in some stretches; a stretch may be far longer than those."""
    return {
        offset
        for stretch in jumped
        for offset in (stretch if len(stretch) <= len(places) else places)
        if offset in stretch and offset in places
    }
