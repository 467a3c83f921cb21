"""What does not fit into a frame is several frames that say the same."""

from itertools import cycle

from hypothesis import given
from hypothesis import strategies as st

from cluster.fronts.frames import Deliver, Publish, Settle, Settlement
from cluster.fronts.links.layout import RANGES_MAX
from cluster.fronts.links.parting import parted, stretches
from persistence.record import memory_bytes
from queues.batch import Batch
from tests.support.records import run_of

SIZES = st.lists(st.integers(0, 300), min_size=1, max_size=30)


@given(SIZES, st.integers(1, 900))
def test_stretches_cover_a_run_and_are_as_long_as_they_may_be(sizes: list[int], most: int) -> None:
    run = run_of(*[bytes(size) for size in sizes])
    at = 0
    for start, stop in stretches(run, most):
        assert start == at
        assert stop == start + 1 or memory_bytes(run[start:stop]) <= most
        assert stop == len(run) or memory_bytes(run[start : stop + 1]) > most
        at = stop
    assert at == len(run)


@given(SIZES, st.integers(1, 900))
def test_batches_are_parted_with_all_that_belongs_to_a_message(sizes: list[int], most: int) -> None:
    run = run_of(*[bytes(size) for size in sizes])
    numbers, consumers = range(7, 7 + len(run)), tuple(range(min(3, len(run))))
    batch = Batch(numbers, run, None, 2, redelivered=True)
    found: list[tuple[int, bytes, int]] = []
    for part in parted(Deliver("q", consumers, batch), most):
        assert isinstance(part, Deliver)
        assert (part.batch.delivery_count, part.batch.redelivered) == (2, True)
        assert len(part.consumers) <= len(part.batch)
        bodies = [each.body for each in part.batch.records]
        found += zip(part.batch.positions, bodies, cycle(part.consumers), strict=False)
    bodies = [each.body for each in run]
    assert found == list(zip(numbers, bodies, cycle(consumers), strict=False))


def test_what_fits_stays_one_frame() -> None:
    publish = Publish("q", 1, 0, 0, run_of(b"x"))
    assert parted(publish, 1) == (publish,)
    settle = Settle("q", Settlement.ACK, (range(1, 2),) * RANGES_MAX)
    assert parted(settle, 1) == (settle,)


def test_settlements_of_many_ranges_keep_their_order() -> None:
    ranges = tuple(range(start, start + 1) for start in range(2 * RANGES_MAX + 3))
    found = parted(Settle("q", Settlement.REQUEUE, ranges), 1)
    assert len(found) == 3
    assert sum([each.numbers for each in found if isinstance(each, Settle)], ()) == ranges
