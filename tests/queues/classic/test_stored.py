"""A stretch on the disk, with messages in memory between those."""

from queues.classic.stored import Stored
from tests.support.queue_log import FakeLog
from tests.support.records import run_of


def test_stored_messages_and_others_come_in_order_from_any_position_on() -> None:
    log = FakeLog()
    run = run_of(*[b"%d" % number for number in range(10)])
    log.append(0, run)
    for first, stop in ((0, 4), (6, 10)):
        log.spill(0, [log.slice_of(run[first:stop], range(first, stop))])
    stored = Stored(0, 10, [log.slice_of(run[4:6], range(4, 6))])
    assert not stored.is_over
    for first in range(10):
        slices = stored.slices(log, 0, first)
        positions = [at for each in slices for at in each.positions if at >= first]
        assert positions == list(range(first, 10))
    assert Stored(3, 3).is_over
