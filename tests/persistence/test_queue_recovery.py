"""Recovery of one queue's log; ``test_recovery`` has what several queues do."""

from persistence.log_making import StoreLimits
from persistence.log_state import LogOptions
from persistence.operations import Enqueue, Settle, decode_operations, encode_enqueue
from persistence.queue_recovery import QueueRecovery
from persistence.record import PERSISTENT, Record
from persistence.store import Store
from tests.support.fault_fs import FaultFS
from tests.support.records import HEADER, ROUTE


def recovery(damages: list[str]) -> QueueRecovery:
    disk = FaultFS()
    disk.make_directory("queues")
    return QueueRecovery(Store(disk, StoreLimits(), lambda: 0).make_log(1, LogOptions()), damages)


def enqueue(first: int, count: int) -> Enqueue:
    run = [Record(ROUTE, HEADER, b"m", PERSISTENT)] * count
    (operation,) = decode_operations(memoryview(b"".join(encode_enqueue(1, first, run))))
    assert isinstance(operation, Enqueue)
    return operation


def test_operations_are_repeated_once() -> None:
    again = recovery([])
    for _ in range(2):
        again.replay(enqueue(0, 3))
        again.replay(Settle(1, range(1)))
    found = again.finish(was_clean=False)
    assert (found.message_count, found.next_position, found.lost_count) == (2, 3, 0)
    assert found.redeliver_below == 3


def test_messages_that_cannot_be_read_are_counted() -> None:
    damages: list[str] = []
    again = recovery(damages)
    again.replay(enqueue(0, 2)._replace(octets=b"?"))
    found = again.finish(was_clean=False)
    assert (found.message_count, found.lost_count, len(damages)) == (0, 2, 1)
