"""Batches whose positions may lie across each other: what is next of them, message by message."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import accumulate
from operator import itemgetter

from queues.batch import Batch, QueuedMessage


def merged(batches: Iterable[Batch], first: int, stop: int) -> Iterator[QueuedMessage]:
    """Return the messages of batches in order: those between two positions."""
    return merge(*[_between(batch, first, stop) for batch in batches], key=itemgetter(0))


def _between(batch: Batch, first: int, stop: int) -> Iterator[QueuedMessage]:
    expires, count = batch.expires_at_ms, batch.delivery_count
    for index in range(bisect_left(batch.positions, first), bisect_left(batch.positions, stop)):
        expires_at_ms = 0 if expires is None else expires[index]
        yield QueuedMessage(batch.positions[index], batch.records[index], expires_at_ms, count)


def around(batch: Batch, index: int) -> list[Batch]:
    """Return what is left of a batch without one of its messages."""
    before = [batch.part(0, 1, index)] if index else []
    return [*before, batch.part(index + 1)] if index + 1 < len(batch) else before


def alike_count(batch: Batch, count: int, now_ms: int, max_bytes: int, *, expired: bool) -> int:
    """Return how many of the first messages are all expired, or none of them, and not too large."""
    expires = batch.expires_at_ms
    if expires is None:
        count = 0 if expired else count
    else:
        for index in range(count):
            if (0 < expires[index] <= now_ms) is not expired:
                count = index
                break
    if count and batch.body_bytes > max_bytes:
        sizes = accumulate([len(record.body) for record in batch.records[:count]])
        count = min(bisect_left(list(sizes), max_bytes) + 1, count)
    return count
