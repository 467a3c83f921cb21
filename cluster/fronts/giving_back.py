"""Settlements of front halves at the queue's engine, in pieces that take about a millisecond."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from operator import attrgetter
from typing import Final, TypeAlias

from cluster.fronts.errors import FrontError
from cluster.fronts.frames import Settle, Settlement
from cluster.fronts.leader_consumer import LeaderConsumer
from cluster.fronts.outstanding import Outstanding
from queues.batch import Batch
from queues.ports import QueueEngine

AT_ONCE_MAX: Final = 2_000
"""Most messages, or acked batches, that are settled without a look at the time."""

PIECE_MAX: Final = 500
"""Batches, or messages that go back, in one piece."""

CONSUMERS_MAX: Final = 32
"""Consumers that are removed in one piece."""

Now: TypeAlias = Callable[[], int]
"""Returns the instant."""

_FIRST_POSITION: Final = attrgetter("positions.start")


def settling(
    engine: QueueEngine, outstanding: Outstanding, asked: Settle, now: Now
) -> Iterator[None]:
    """Settle what a front half has.

    Args:
        engine: the queue.
        outstanding: what the front half has.
        asked: what is to become of which.
        now: returns the instant.

    Raises:
        FrontError: it has not got one of them; those before it are settled.
    """
    found = chain.from_iterable(map(outstanding.settle, asked.numbers))
    if asked.settlement is Settlement.REQUEUE:
        yield from _requeuing(engine, found, now)
    elif asked.settlement is Settlement.UNSEEN:
        yield from _requeuing(engine, map(_unseen, found), now)
    else:
        if asked.settlement is Settlement.ACK and engine.has_lone_readers:
            yield from _settling_readers(engine, outstanding, found)
        while batches := list(islice(found, PIECE_MAX)):
            if asked.settlement is Settlement.ACK:
                for batch in batches:
                    engine.settle(batch.positions, batch.body_bytes)
            else:
                engine.reject(batches, now())
            yield


def _settling_readers(
    engine: QueueEngine, outstanding: Outstanding, found: Iterator[Batch]
) -> Iterator[None]:
    """Ack what readers got: how far one has come counts for that one alone."""
    for number, batch in enumerate(found, 1):
        engine.must_drain_before(outstanding.holder)
        engine.settle(batch.positions, batch.body_bytes)
        if not number % PIECE_MAX:
            yield


def giving_back(
    engine: QueueEngine, consumers: Sequence[LeaderConsumer], outstanding: Outstanding, now: Now
) -> Iterator[None]:
    """Remove the consumers of a front half that is gone, and requeue what it had.

    Nothing is delivered in between but what has come back.
    """
    engine.begin_refill()
    for first in range(0, len(consumers), CONSUMERS_MAX):
        for consumer in consumers[first : first + CONSUMERS_MAX]:
            engine.cancel(consumer, now())
        yield
    yield from _requeuing(engine, iter(outstanding.take_all()), now)
    engine.end_refill()


def _requeuing(engine: QueueEngine, batches: Iterator[Batch], now: Now) -> Iterator[None]:
    """Give messages back: few in the order given, many by position and in pieces.

    What is many goes back as one to the consumers: they get the first of it first. A fault in the
    middle of ``batches`` comes to light once those before it are back.
    """
    pieces: list[Batch] = []
    faults: list[FrontError] = []
    found = _up_to_fault(batches, faults)
    count = 0
    while some := list(islice(found, PIECE_MAX)):
        for batch in some:
            count += len(batch)
            firsts = range(0, len(batch), PIECE_MAX)
            pieces += [batch.part(first, 1, first + PIECE_MAX) for first in firsts]
        yield
    if 0 < count <= PIECE_MAX:
        engine.requeue(pieces, now())
    elif pieces:
        pieces.sort(key=_FIRST_POSITION)
        yield from _requeuing_sorted(engine, pieces, now)
    if faults:
        raise faults[0]


def _requeuing_sorted(engine: QueueEngine, pieces: list[Batch], now: Now) -> Iterator[None]:
    engine.begin_refill()
    at = 0
    while at < len(pieces):
        together, count = [pieces[at]], len(pieces[at])
        at += 1
        while at < len(pieces) and count + len(pieces[at]) <= PIECE_MAX:
            together.append(pieces[at])
            count += len(pieces[at])
            at += 1
        engine.requeue(together, now())
        yield
    engine.end_refill()


def _up_to_fault(batches: Iterator[Batch], faults: list[FrontError]) -> Iterator[Batch]:
    try:
        yield from batches
    except FrontError as error:
        faults.append(error)


def _unseen(batch: Batch) -> Batch:
    """Return a batch that counts as often requeued as before, once it is requeued."""
    return Batch(
        batch.positions,
        batch.records,
        batch.expires_at_ms,
        batch.delivery_count - 1,
        redelivered=batch.redelivered,
        known_body_bytes=batch.body_bytes,
    )
