"""The epoch table of a log: with which index each epoch began (R2, R12).

A table is a tuple of (epoch, index of its first record), both growing. Index 0 is before every
record; epoch 0 stands for a log without records.
"""

EpochTable = tuple[tuple[int, int], ...]


def epoch_at(table: EpochTable, index: int) -> int:
    """Return the epoch that wrote the record at an index; 0 where the table begins later."""
    return max((epoch for epoch, first in table if first <= index), default=0)


def with_epochs(table: EpochTable, spans: EpochTable) -> EpochTable:
    """Return the table after records were appended; ``spans`` say which epochs wrote them."""
    for epoch, first in spans:
        if not table or epoch > table[-1][0]:
            table = (*table, (epoch, first))
    return table


def cut_to(table: EpochTable, last: int) -> EpochTable:
    """Return the table of the log that ends with index ``last``."""
    return tuple(row for row in table if row[1] <= last)


def spans_of(table: EpochTable, after: int, last: int) -> EpochTable:
    """Return which epochs wrote the records after an index up to ``last``."""
    if last <= after:
        return ()
    begun = epoch_at(table, after + 1)
    later = tuple(row for row in table if after + 1 < row[1] <= last)
    return ((begun, after + 1), *later)


def end_of(table: EpochTable, epoch: int, end: int) -> int:
    """Return the last index that an epoch wrote in a log with this end."""
    return min((first - 1 for later, first in table if later > epoch), default=end)


def divergence(mine: EpochTable, my_end: int, other: EpochTable, other_end: int) -> int:
    """Return the last index up to which two logs are equal; 0 where they share no epoch (R12).

    It is the end, in the shorter of the two logs, of the highest epoch that both have. An epoch
    has one writer (R2), so what both hold of it is equal.
    """
    shared = {epoch for epoch, _ in mine} & {epoch for epoch, _ in other}
    if not shared:
        return 0
    last = max(shared)
    return min(end_of(mine, last, my_end), end_of(other, last, other_end))
