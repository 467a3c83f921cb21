"""Runs as the build keeps them: with kernels, records in raw memory."""

from persistence.record import Record, Run
from queues.tail import NodeMemory, QueueMemory, Tail


def in_memory(records: list[Record], skipped_count: int = 0) -> Run:
    """Return a run of these records, which came through a queue's memory.

    The first ones may be left out, so that the run does not begin where its memory does.
    """
    tail = Tail(QueueMemory(NodeMemory()))
    tail.append(records, 0)
    if skipped_count:
        tail.take(skipped_count, 1 << 30, 0)
    batch = tail.take(len(records), 1 << 30, 0)
    assert batch is not None, "there must be one"
    return batch.records
