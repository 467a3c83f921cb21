"""What a leader reads for a mirror that is far behind."""

import errno
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from cluster.mirrored import catch_ups
from cluster.mirrored.catch_ups import PARTS_MAX, CatchUps
from cluster.replication.frames import Part, Snapshot, Tail, Want
from persistence.replicas import stream_content, taking
from tests.support.mirror_behind import Behind
from tests.support.mirrored_machine import QUEUE, TAKEN_BYTES_MAX
from tests.support.mirrored_streams import StreamCluster


def parts(frames: Sequence[object]) -> list[Part]:
    return [each for each in frames if isinstance(each, Part) and each.queue == QUEUE]


def snapshots(frames: Sequence[object]) -> list[Snapshot]:
    return [each for each in frames if isinstance(each, Snapshot) and each.queue == QUEUE]


def under_way(behind: Behind) -> list[Part]:
    link = behind.cluster.links[behind.leader.name, behind.mirror.name]
    return [each for each in parts(link.down) if each.payload]


def test_only_who_is_asked_is_asked_again() -> None:
    behind = Behind()
    catch_ups = behind.leader.up.catch_ups
    behind.go_on()
    assert not catch_ups.is_asked, "the mirror is away"
    behind.come_back()
    asked_count = 0
    for _ in range(3_000):
        behind.carry()
        asked_count += catch_ups.is_asked
        if behind.is_live():
            break
    assert asked_count
    behind.go_on()
    assert not catch_ups.is_asked
    behind.assert_same()


def failing(draw: Random, call: Callable[..., Any]) -> Callable[..., Any]:
    """Have some calls find no descriptor."""

    def called(*given: object) -> object:
        if draw.random() < 0.3:
            raise OSError(errno.EMFILE, "of a test")
        return call(*given)

    return called


@pytest.mark.parametrize("seed", range(3, 6))
def test_who_lacks_something_is_asked_again(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw, behind = Random(seed), Behind(seed, messages=60)
    asked = behind.leader.up.catch_ups
    monkeypatch.setattr(catch_ups, "AGAIN_MS", 20)
    monkeypatch.setattr(catch_ups, "take", failing(draw, taking.take))
    monkeypatch.setattr(CatchUps, "_read", failing(draw, CatchUps._read))
    asked.has_room = lambda _: draw.random() < 0.3
    behind.come_back()
    for _ in range(3_000):
        behind.carry()
        if draw.random() < 0.05:
            behind.cluster.publish()
        lacks = [each for each in asked._mirrors.values() if each.reads or each.due]
        assert asked.is_asked or not lacks
        if behind.is_live():
            break
    behind.until_live()
    behind.assert_same()


def test_messages_come_in_parts_and_the_snapshot_has_the_rest() -> None:
    behind = Behind()
    behind.come_back()
    most = 0
    for _ in range(3_000):
        behind.carry()
        most = max(most, len(under_way(behind)))
        if behind.is_live():
            break
    came = parts(behind.down)
    assert len(came) > 5
    assert not came[0].payload, "the first asks what the mirror has"
    assert all(len(each.payload) < 8 * TAKEN_BYTES_MAX for each in came)  # type: ignore[arg-type]
    assert 1 < most <= PARTS_MAX
    assert len(snapshots(behind.down)) == 1
    assert len(snapshots(behind.down)[0].payload) < 8 * TAKEN_BYTES_MAX  # type: ignore[arg-type]
    behind.assert_same()


def test_the_leader_goes_on_meanwhile_and_the_mirror_catches_up() -> None:
    behind = Behind()
    behind.come_back()
    for step in range(400):
        behind.carry()
        if step % 4 == 0:
            behind.cluster.publish()
    behind.until_live()
    behind.assert_same()


def test_a_mirror_that_has_a_part_of_it_gets_what_lies_behind() -> None:
    behind = Behind(messages=100)
    behind.come_back()
    behind.until_live()
    behind.stop(behind.mirror)
    behind.down.clear()
    while behind.cluster.published_count < 200:
        behind.publish()
    behind.come_back()
    behind.until_live()
    first = parts(behind.down)[1]
    assert first.start > 50
    behind.assert_same()


def test_after_a_broken_link_it_goes_on_where_it_was() -> None:
    behind = Behind()
    behind.come_back()
    while len(parts(behind.down)) < 6:
        behind.carry()
    behind.cluster.disconnect(behind.leader.name, behind.mirror.name)
    before = parts(behind.down)[-1]
    behind.down.clear()
    behind.connect()
    behind.until_live()
    assert parts(behind.down)[1].start >= before.start, "what came before is not given again"
    behind.assert_same()


def test_a_link_that_is_full_is_not_read_for() -> None:
    behind = Behind()
    is_full = True
    behind.leader.up.catch_ups.has_room = lambda _: not is_full
    behind.come_back()
    for _ in range(200):
        behind.carry()
    assert not [each for each in behind.down if isinstance(each, Part | Tail | Snapshot)]
    is_full = False
    behind.until_live()
    behind.assert_same()


def test_while_clients_publish_only_so_much_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catch_ups, "BUSY_BYTES_PER_MS", 1)
    monkeypatch.setattr(catch_ups, "BURST_BYTES_MAX", 300)
    behind = Behind()
    behind.come_back()
    ms = -behind.cluster.now_ms
    for _ in range(60):
        behind.carry()
        behind.cluster.publish()
    ms += behind.cluster.now_ms
    sizes = [len(each.payload) for each in parts(behind.down)]  # type: ignore[arg-type]
    assert 0 < sum(sizes) < ms + 300 + 2 * max(sizes)
    count = len(sizes)
    for _ in range(30):
        behind.carry()
    assert len(parts(behind.down)) > count + 10, "nobody publishes"
    behind.until_live()
    behind.assert_same()


def test_of_a_stream_only_so_much_is_read_then_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catch_ups, "BUSY_BYTES_PER_MS", 1)
    monkeypatch.setattr(catch_ups, "BURST_BYTES_MAX", 300)
    monkeypatch.setattr(stream_content, "PIECE_BYTES", 300)
    behind = Behind(kind=StreamCluster)
    behind.come_back()
    ms = -behind.cluster.now_ms
    for _ in range(20):
        behind.carry()
        behind.cluster.publish()
    ms += behind.cluster.now_ms
    sizes = [len(each.payload) for each in snapshots(behind.down)]  # type: ignore[arg-type]
    assert 0 < sum(sizes) < ms + 300 + 2 * max(sizes)
    behind.until_live()
    assert len(snapshots(behind.down)) > len(sizes), "nobody publishes"


def test_long_messages_do_not_make_more_octets_pass_at_a_time() -> None:
    behind = Behind()
    behind.leader.up.catch_ups.taken_bytes_max = 10
    behind.come_back()
    most = 0
    for _ in range(3_000):
        behind.carry()
        most = max(most, len(under_way(behind)))
        if behind.is_live():
            break
    assert most == 1, "each of them is longer than all that may be under way"
    behind.assert_same()


def test_a_want_of_another_read_or_of_nobody_is_of_no_use() -> None:
    behind = Behind()
    given = behind.leader.up.catch_ups
    given.hear("nobody", Want(QUEUE, 1, 1, 0, 0, 0, anew=True))
    behind.come_back()
    while len(parts(behind.down)) < 3:
        behind.carry()
    given.hear(behind.mirror.name, Want(QUEUE, 1, 99_999, 0, 0, 0, anew=True))
    behind.until_live()
    assert len([each for each in parts(behind.down) if not each.start and each.payload]) == 1


def test_a_mirror_of_another_past_gets_all() -> None:
    """As after an unclean promotion: what it has is of records that the leader does not know."""
    behind = Behind()
    behind.come_back()
    while len(parts(behind.down)) < 5:
        behind.carry()
    place = next(each for each in reversed(behind.up) if isinstance(each, Want))
    other = Want(QUEUE, place.epoch, place.number, place.position, place.index, 7_777, anew=True)
    behind.leader.up.catch_ups.hear(behind.mirror.name, other)
    behind.leader.up.carry_out()
    count = len(behind.down)
    behind.until_live()
    again = [each for each in parts(behind.down[count:]) if not each.start and each.payload]
    assert len(again) == 1
    behind.assert_same()


def test_records_behind_a_snapshot_are_kept_until_the_mirror_has_them() -> None:
    behind = Behind()
    behind.come_back()
    given = behind.leader.up.catch_ups
    link = behind.cluster.links[behind.leader.name, behind.mirror.name]
    assert not given.holds_records(QUEUE)
    while not snapshots([*behind.down, *link.down]):
        behind.carry()
    assert given.holds_records(QUEUE)
    behind.until_live()
    assert not given.holds_records(QUEUE)


def test_how_far_mirrors_have_come_grows_while_they_get_on() -> None:
    behind = Behind()
    come_to = behind.leader.up.catch_ups.come_to
    assert come_to(QUEUE) == 0
    assert come_to("unknown") == 0
    behind.come_back()
    seen = {0}
    for _ in range(3_000):
        behind.carry()
        state, revision = behind.cluster.states[QUEUE]
        others = frozenset(each for each in state.in_sync_set if each.node != behind.mirror.name)
        behind.cluster.states[QUEUE] = (replace(state, in_sync_set=others), revision)
        lead = behind.leader.up.core.lead_of(QUEUE)
        assert lead is not None
        lead.state = behind.cluster.states[QUEUE][0]
        seen.add(come_to(QUEUE))
        if behind.is_live():
            break
    assert len(seen) > 5
    assert max(seen) > 0
