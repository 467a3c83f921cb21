"""What a mirror gets for a snapshot, before and after it counts."""

import errno
import itertools

import pytest

from persistence.errors import DamagedError
from persistence.queue_recovery import found_in
from persistence.replica_operations import ReplicaInstall
from persistence.replicas.building import Building
from persistence.replicas.content import Content
from persistence.replicas.log import ReplicaLog
from persistence.replicas.recovery import ReplicaRecovery
from persistence.replicas.row import ReplicaSnapshot
from persistence.replicas.taking import take
from persistence.slices import Slice
from tests.persistence.replicas.test_log import new_log
from tests.persistence.replicas.test_taking import everything, lane_at, message, put, settle
from tests.support.fault_fs import FaultFS


def live(log: ReplicaLog) -> list[int]:
    return everything(log)


def get(building: Building, leader: ReplicaLog, bytes_max: int = 100) -> Content:
    """Get all but the rest; return that."""
    while not (taken := take(leader.state, building.next_position, bytes_max)).is_rest:
        building.add(taken.chunks(), taken.stop, leader.base, 1)
    return leader.content(building.next_position, taken)


def filled(count: int = 50, max_priority: int | None = None) -> ReplicaLog:
    log = new_log(max_priority=max_priority)
    for _ in range(count // 5):
        put(log, 5)
    return log


def test_all_messages_take_the_place_of_those_before() -> None:
    leader, mirror = filled(), new_log()
    settle(leader, range(3, 20))
    put(mirror, 4)
    building = mirror.build(0, 0, 0)
    rest = get(building, leader)
    mirror.install(leader.base, leader.table, building.content(rest), building)
    assert live(mirror) == live(leader)
    assert (mirror.base, mirror.end, mirror.table) == (leader.base, leader.base, leader.table)
    assert mirror.state.next_position == leader.state.next_position


def spilled_in_lanes() -> ReplicaLog:
    """Return a priority queue's log with some messages in chunks of their lanes."""
    log = filled(60, max_priority=3)
    for lane in (3, 1):
        chosen = [each for each in range(10, 50) if lane_at(log, each) == lane]
        assert log.messages.spill(lane, [Slice([message(log, at) for at in chosen], chosen)])
    return log


def by_lane(log: ReplicaLog) -> dict[int, int]:
    found = found_in(log.messages, was_clean=False, lost_count=0, keeps_transient=True)
    return {
        each.lane: each.stored_count + sum([len(one.positions) for one in each.unstored])
        for each in found.lanes
    }


def test_messages_of_a_priority_queue_are_in_their_lanes_at_a_mirror() -> None:
    leader, mirror = spilled_in_lanes(), new_log(max_priority=3)
    settle(leader, range(20, 30))
    building = mirror.build(0, 0, 0)
    rest = get(building, leader)
    content = building.content(rest)
    assert {each.lane for each in content.messages.chunks} == {0, 1, 2, 3}
    mirror.install(leader.base, leader.table, content, building)
    assert live(mirror) == live(leader) == [*range(20), *range(30, 60)]
    assert by_lane(mirror) == by_lane(leader)
    assert sum(by_lane(mirror).values()) == 50
    for log in (leader, mirror):
        settle(log, range(30))
        put(log, 7)
    assert by_lane(mirror) == by_lane(leader)


def test_what_a_full_disk_has_cut_off_of_a_priority_queue_comes_again() -> None:
    leader, mirror = spilled_in_lanes(), new_log(max_priority=3)
    building = mirror.build(0, 0, 0)
    taken = take(leader.state, 0, 2_000)
    disk = mirror.state.stored.segments._files
    writes = itertools.count()
    disk.fail_at(lambda operation: next(writes) > 5, errno.ENOSPC)  # type: ignore[attr-defined]
    with pytest.raises(OSError, match="No space"):
        building.add(taken.chunks(), taken.stop, leader.base, 1)
    assert building.next_position == 0
    rest = get(building, leader)
    mirror.install(leader.base, leader.table, building.content(rest), building)
    assert live(mirror) == live(leader)
    assert by_lane(mirror) == by_lane(leader)


def test_a_chunk_that_is_not_of_its_lane_is_damage() -> None:
    leader = spilled_in_lanes()
    taken = take(leader.state, 0, 2_000)
    for top in (None, 2):
        with pytest.raises(DamagedError, match="of other messages"):
            new_log(max_priority=top).build(0, 0, 0).add(taken.chunks(), taken.stop, 1, 1)


def test_only_what_lies_behind_its_own_messages_is_brought_to_a_mirror() -> None:
    leader, mirror = filled(), new_log()
    begun = list[int]()
    for _ in range(2):
        building = mirror.build(mirror.state.next_position, mirror.base, 1)
        begun.append(building.since)
        rest = get(building, leader)
        mirror.install(leader.base, leader.table, building.content(rest), building)
        assert live(mirror) == live(leader)
        settle(leader, range(10, 30))
        for _ in range(5):
            put(leader, 7)
    assert begun == [0, 50]


def test_what_is_not_installed_is_cut_off_and_not_in_a_checkpoint() -> None:
    leader, mirror = filled(), new_log()
    put(mirror, 4)
    get(mirror.build(0, 0, 0), leader)
    noted = mirror.note()
    assert not noted.row.messages.chunks  # type: ignore[attr-defined]
    assert live(mirror) == [0, 1, 2, 3]


def test_what_is_given_up_leaves_files_to_remove() -> None:
    leader, mirror = filled(), new_log()
    building = mirror.build(0, 0, 0)
    get(building, leader)
    mirror.give_up(building)
    assert [each.path for each in mirror.note().unneeded]


def test_it_goes_on_behind_what_found_room() -> None:
    leader, mirror = filled(), new_log()
    building = mirror.build(0, 0, 0)
    taken = take(leader.state, 0, 100)
    disk = mirror.state.stored.segments._files
    disk.fail_at(lambda operation: True, errno.ENOSPC)  # type: ignore[attr-defined]
    with pytest.raises(OSError, match="No space"):
        building.add(taken.chunks(), taken.stop, leader.base, 1)
    assert (building.index, building.next_position) == (leader.base, 0)
    rest = get(building, leader)
    mirror.install(leader.base, leader.table, building.content(rest), building)
    assert live(mirror) == live(leader)


def test_it_fits_as_long_as_the_messages_before_it_are_the_same() -> None:
    leader, mirror = filled(), new_log()
    put(mirror, 4)
    behind, anew = mirror.build(4, mirror.base, 1), mirror.build(0, 0, 0)
    assert behind.fits(mirror.state)
    put(mirror, 1)
    assert not behind.fits(mirror.state)
    assert anew.fits(mirror.state)
    rest = get(anew, leader)
    mirror.install(leader.base, leader.table, anew.content(rest), anew)
    assert not behind.fits(mirror.state)


def test_a_restart_keeps_a_file_that_the_messages_before_it_have_begun() -> None:
    disk = FaultFS()
    disk.make_directory("queues")
    leader, mirror = filled(), new_log(disk)
    put(mirror, 4)
    for piece in take(mirror.state, 0).slices():
        assert mirror.messages.spill(0, [piece])
    row = mirror.note().row
    assert isinstance(row, ReplicaSnapshot)
    building = mirror.build(0, 0, 0)
    rest = get(building, leader)
    content = building.content(rest)
    mirror.install(leader.base, leader.table, content, building)
    shared = {each.segment_number for each in row.messages.chunks}
    assert shared & {each.segment_number for each in content.messages.chunks}
    assert not mirror.note().unneeded
    # The node was killed before that checkpoint: the row of the one before, and the operation.
    again, octets = new_log(disk), content.encode()
    recovery = ReplicaRecovery(again, [])
    recovery.restore(row)
    recovery.replay(ReplicaInstall(7, row.change + 1, leader.base, leader.table, octets))
    assert recovery.finish(was_clean=False).is_whole
    assert not again.note().unneeded, "a checkpoint would remove what was installed"
    assert live(again) == live(leader)
    # Once they are settled it goes.
    again.state.settle(range(leader.state.next_position))
    removed = {each.path for each in again.note().unneeded}
    assert again.state.stored.segments.path(min(shared)) in removed


def test_what_does_not_come_next_is_damage() -> None:
    leader, mirror = filled(), new_log()
    building = mirror.build(0, 0, 0)
    taken = take(leader.state, 0, 100)
    octets, stop = taken.chunks(), taken.stop
    with pytest.raises(DamagedError, match="expected a chunk of"):
        building.add(octets[:-1], stop, 1, 1)
    building = mirror.build(0, 0, 0)
    with pytest.raises(DamagedError, match="of other messages"):
        building.add(octets, stop - 1, 1, 1)
    building = mirror.build(0, 0, 0)
    building.add(octets, stop, 1, 1)
    with pytest.raises(DamagedError, match="of other messages"):
        building.add(octets, stop, 1, 1)
    rest = leader.content(6, take(leader.state, 6, 1 << 30))
    with pytest.raises(DamagedError, match="the rest from 6"):
        building.content(rest)
