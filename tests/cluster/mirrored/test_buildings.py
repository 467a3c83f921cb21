"""What a mirror does with the parts of a snapshot."""

import errno
from dataclasses import replace

import pytest

from cluster.mirrored import buildings
from cluster.replication import inputs
from cluster.replication.frames import Fence, Part, Refused, Want
from persistence.replicas.content import decode_content
from tests.cluster.mirrored.test_catch_ups import parts, snapshots
from tests.support.mirror_behind import Behind
from tests.support.mirrored_machine import DEAD, QUEUE


def in_the_middle(count: int = 5) -> Behind:
    behind = Behind()
    behind.come_back()
    while len(parts(behind.down)) < count:
        behind.carry()
    return behind


def test_a_shortage_of_the_disk_is_waited_for_and_other_queues_go_on() -> None:
    behind = in_the_middle()
    is_full = [True]

    def is_of_queue(operation: object) -> bool:
        return is_full[0] and "queues/" in str(operation)

    behind.mirror.disk.fail_at(is_of_queue, errno.ENOSPC, times=None)
    for _ in range(100):
        behind.carry()
    asked = [each for each in behind.up if isinstance(each, Want) and each.queue == QUEUE]
    assert 1 < len([each for each in asked if each.anew]) < 10, "from time to time"
    lead = behind.leader.up.core.lead_of(DEAD)
    assert lead is None or lead.mirrors[behind.mirror.name].is_settled()
    assert not [each for each in behind.up if isinstance(each, Refused)]
    is_full[0] = False
    behind.until_live()
    behind.assert_same()


def test_a_few_queues_get_parts_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buildings, "ACTIVE_MAX", 0)
    behind = Behind()
    behind.come_back()
    for _ in range(100):
        behind.carry()
    assert len(parts(behind.down)) == 1, "the mirror has not asked for more"
    monkeypatch.setattr(buildings, "ACTIVE_MAX", 1)
    behind.until_live()
    behind.assert_same()


def test_a_mirror_that_is_killed_in_the_middle_has_what_it_had_before() -> None:
    behind = in_the_middle()
    before = behind.mirror.up.replicas()[QUEUE].base
    behind.stop(behind.mirror)
    behind.down.clear()
    replica = behind.come_back().replicas()[QUEUE]
    assert replica.base == before
    behind.until_live()
    behind.assert_same()


def test_what_is_no_part_is_refused_and_the_leader_attaches_again() -> None:
    behind = in_the_middle()
    given = next(each for each in reversed(behind.up) if isinstance(each, Want))
    place = given.position, given.position + 9, given.index, given.index_epoch
    broken = Part(QUEUE, given.epoch, given.number, *place, b"no chunk, whatever it is")
    behind.mirror.up.step(inputs.FrameFromLeader(behind.leader.name, broken))
    behind.until_live()
    assert [each for each in behind.up if isinstance(each, Refused)]
    behind.assert_same()


def test_a_snapshot_of_which_a_part_is_missing_is_refused() -> None:
    behind = in_the_middle()
    link = behind.cluster.links[behind.leader.name, behind.mirror.name]
    while not snapshots(link.down):
        behind.carry()
    snapshot = snapshots(link.down)[0]
    assert isinstance(snapshot.payload, bytes)
    rest = decode_content(0, snapshot.payload)
    lying = replace(snapshot, payload=rest._replace(since=rest.since - 1).encode())
    behind.mirror.up.step(inputs.FrameFromLeader(behind.leader.name, lying))
    behind.until_live()
    assert [each for each in behind.up if isinstance(each, Refused)]
    behind.assert_same()


def test_a_part_of_a_leader_that_is_not_obeyed_changes_nothing() -> None:
    behind = in_the_middle()
    part = parts(behind.down)[-1]
    mirror = behind.mirror.up
    mirror.step(inputs.FrameFromLeader("nobody", part))
    mirror.step(inputs.FrameFromLeader(behind.leader.name, Part("?", 1, 1, 0, 0, 0, 0, b"")))
    behind.until_live()
    behind.assert_same()


def test_what_came_goes_after_a_while_in_which_no_leader_goes_on() -> None:
    behind = in_the_middle()
    replica = behind.mirror.up.replicas()[QUEUE]
    behind.mirror.up.step(inputs.LeaderDisconnected(behind.leader.name))
    now_ms = behind.mirror.up.core.node.now_ms
    for passed_ms in (30, buildings.KEPT_MS):
        behind.mirror.up.tick(now_ms + passed_ms)
        assert not replica.note().unneeded
    behind.mirror.up.tick(now_ms + buildings.KEPT_MS + 30)
    assert replica.note().unneeded, "a checkpoint removes it"
    behind.connect()
    behind.until_live()
    behind.assert_same()


def test_a_leader_that_was_started_again_is_asked_though_its_reads_have_the_same_numbers() -> None:
    behind = in_the_middle()
    given = next(each for each in reversed(behind.up) if isinstance(each, Want))
    link = behind.cluster.links[behind.leader.name, behind.mirror.name]
    link.up.clear()
    epoch = given.epoch + 1
    for frame in (Fence(QUEUE, epoch), Part(QUEUE, epoch, given.number, 0, 0, 0, 0, b"")):
        behind.mirror.up.step(inputs.FrameFromLeader(behind.leader.name, frame))
    (asked,) = [each for each in link.up if isinstance(each, Want) and each.queue == QUEUE]
    assert (asked.epoch, asked.number, asked.anew) == (epoch, given.number, True)
    assert asked.position >= given.position > 0, "and what came before is kept"


def test_a_new_leader_goes_on_where_the_old_one_was() -> None:
    """The queue is led by the third node in the middle of it."""
    behind = in_the_middle()
    got = parts(behind.down)[-1].start
    cluster = behind.cluster
    old = behind.leader
    third = next(
        each for each in cluster.running() if each is not old and each is not behind.mirror
    )
    behind.stop(old)
    for _ in range(2_000):
        cluster.elect()
        behind.go_on(1)
        if QUEUE in third.served:
            break
    behind.leader = third
    cluster.links.pop((third.name, behind.mirror.name), None)
    behind.down.clear()
    behind.connect()
    behind.until_live()
    assert parts(behind.down)[1].start >= got > 0
    behind.assert_same()
