"""Messages of a replica that cannot be read: kept where another replica may have them."""

import pytest

from persistence.errors import DamagedError
from persistence.lane_map import LaneMap
from persistence.queue_recovery import found_in
from persistence.replicas.log import ReplicaLog
from persistence.replicas.messages import Damage
from persistence.replicas.taking import take
from tests.persistence.replicas.test_log import new_log
from tests.persistence.replicas.test_taking import put
from tests.support.fault_fs import FaultFS

ERROR = DamagedError("octets of a test")


def test_at_first_nobody_knows_of_another_replica() -> None:
    damage = Damage()
    damage.refuse(ERROR)
    assert not damage.keeps(ERROR)


def test_what_is_kept_is_refused() -> None:
    damage, noted = Damage(), list[DamagedError]()
    damage.keeps = lambda error: not noted.append(error)  # type: ignore[func-returns-value]
    with pytest.raises(OSError, match="octets of a test"):
        damage.refuse(ERROR)
    assert noted == [ERROR]


def stored() -> tuple[FaultFS, ReplicaLog]:
    """Return a replica with messages in two chunks, the first of which is damaged."""
    disk = FaultFS()
    disk.make_directory("queues")
    log = new_log(disk)
    for _ in range(2):
        put(log, 20)
        for lane, slices in log.state.unstored().items():
            log.state.store(lane, slices)
    row = next(iter(log.state.stored.table))
    path = log.state.stored.segments.path(row.segment_number)
    disk.damage(path, row.file_position + 100, b"rot")
    return disk, log


def test_a_read_of_messages_that_are_kept_is_refused_and_gives_nothing_up() -> None:
    _, log = stored()
    log.damage.keeps = lambda _: True
    with pytest.raises(OSError, match="crc32c"):
        log.messages.read_back(0, 0)
    assert log.state.settled.count_missing(0, 40) == 40
    assert log.messages.read_back(0, 20).messages is not None, "all others can be read"
    log.damage.keeps = lambda _: False
    back = log.messages.read_back(0, 0)
    assert back.messages is not None
    assert (back.lost_count, back.messages.positions[0]) == (20, 20)


def test_a_take_over_gives_nothing_up_that_is_kept() -> None:
    _, log = stored()
    log.state.settled.add(range(5, 6))  # So that it has to look into the chunk.
    log.state.lanes = LaneMap()
    log.state.lanes.note(0, bytes(40))
    with pytest.raises(DamagedError, match="crc32c"):
        found_in(log.messages, was_clean=False, lost_count=0, keeps_damaged=True)
    assert log.state.settled.count_missing(0, 40) == 39
    assert found_in(log.messages, was_clean=False, lost_count=0).lost_count == 19


def test_what_was_taken_for_a_mirror_is_refused_too() -> None:
    _, log = stored()
    with pytest.raises(DamagedError):
        take(log.state, 0)
    assert take(log.state, 20).slices()
