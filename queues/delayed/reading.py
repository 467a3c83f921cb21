"""Finds messages that wait, by their times and positions: in memory, or in the log."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from persistence.record import Run, detached
from queues.delayed.few import Waiting
from queues.log_port import QueueLog


class Messages(NamedTuple):
    """A ``queues.log_port.QueueSlice``."""

    records: Run
    positions: Sequence[int]
    expires_at_ms: int | Sequence[int]


def within(messages: Iterable[Waiting], bytes_max: int) -> Iterator[Waiting]:
    """Return messages until their bodies have so many bytes, or more with the last one."""
    size_bytes = 0
    for message in messages:
        yield message
        size_bytes += len(message.record.body)
        if size_bytes >= bytes_max:
            return


def reading(
    log: QueueLog,
    kept: Mapping[int, Waiting],
    wanted: Sequence[tuple[int, int]],
    reads_max: int,
    lost: set[int],
) -> Iterator[Waiting]:
    """Return messages by position; some, where the others take more reads.

    Args:
        log: has those that are not in memory, and are not settled.
        kept: those in memory, by position.
        wanted: when each is due, and its position, ascending by position.
        reads_max: chunks that are read at most.
        lost: gets the positions that the disk has lost.

    Raises:
        OSError: the disk could not be read.
    """
    at = reads_count = 0
    while at < len(wanted):
        due_ms, position = wanted[at]
        message = kept.get(position)
        if message is not None:
            at += 1
            yield message
            continue
        if reads_count >= reads_max:
            return
        reads_count += 1
        stop = wanted[-1][1] + 1
        found = log.read_back(0, position, stop).messages
        last = stop if found is None else found.positions[-1]
        there = {} if found is None else dict(zip(found.positions, found.records, strict=True))
        while at < len(wanted) and wanted[at][1] <= last:
            due_ms, position = wanted[at]
            at += 1
            message, record = kept.get(position), there.get(position)
            if message is not None:
                yield message
            elif record is not None:
                yield Waiting(due_ms, position, record)
            else:
                lost.add(position)


def slice_of(messages: Sequence[Waiting]) -> Messages:
    """Return messages that wait as a slice."""
    positions: Sequence[int] = [each.position for each in messages]
    if positions[-1] - positions[0] + 1 == len(positions):
        positions = range(positions[0], positions[-1] + 1)
    run = detached([each.record for each in messages])
    return Messages(run, positions, [each.due_ms for each in messages])
