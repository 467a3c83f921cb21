"""Runs, batches and settlements that have no place in one frame, as several in the same order."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from cluster.fronts.frames import Deliver, Publish, Settle
from cluster.fronts.links.encoding import Frame
from cluster.fronts.links.layout import RANGES_MAX
from persistence.record import Run, memory_bytes


def parted(frame: Frame, whole_bytes: int) -> Sequence[Frame]:
    """Return frames that say the same, and are at most so large, or have a single message."""
    if isinstance(frame, Publish):
        if len(frame.run) > 1 and memory_bytes(frame.run) > whole_bytes:
            return tuple(_publishes(frame, whole_bytes))
    elif isinstance(frame, Deliver):
        if len(frame.batch) > 1 and memory_bytes(frame.batch.records) > whole_bytes:
            return tuple(_deliveries(frame, whole_bytes))
    elif isinstance(frame, Settle) and len(frame.numbers) > RANGES_MAX:
        starts = range(0, len(frame.numbers), RANGES_MAX)
        return [
            replace(frame, numbers=frame.numbers[start : start + RANGES_MAX]) for start in starts
        ]
    return (frame,)


def _publishes(frame: Publish, whole_bytes: int) -> Iterator[Publish]:
    """All messages of the run before a part are open: they leave just before it (R23)."""
    for start, stop in stretches(frame.run, whole_bytes):
        first = frame.first + start
        open_below = first - 1 if start else frame.open_below
        yield Publish(frame.queue, first, open_below, frame.attempt, frame.run[start:stop])


def _deliveries(frame: Deliver, whole_bytes: int) -> Iterator[Deliver]:
    """Each part begins with the consumer whose turn it is, and names those that get something."""
    consumers = frame.consumers
    for start, stop in stretches(frame.batch.records, whole_bytes):
        turn = start % len(consumers)
        in_turn = (consumers[turn:] + consumers[:turn])[: stop - start]
        yield Deliver(frame.queue, in_turn, frame.batch.part(start, 1, stop))


def stretches(run: Run, whole_bytes: int) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of parts of a run, each as long as it may be, or a single message."""
    start, count = 0, len(run)
    while start < count:
        least, most = start + 1, count
        while least < most:
            middle = (least + most + 1) // 2
            if memory_bytes(run[start:middle]) <= whole_bytes:
                least = middle
            else:
                most = middle - 1
        yield start, least
        start = least
