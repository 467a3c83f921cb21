"""Who reads at a mirror has the leader that is obeyed tell of the stream."""

import pytest

from cluster.mirrored.followed_streams import CUT_MS, LOOK_MS
from cluster.mirrored.sparing import TURN_MS, KnownState
from cluster.replication import inputs
from cluster.replication.frames import Follow
from persistence.errors import DamagedError
from tests.support.mirrored_machine import QUEUE, TICK_MS, Link
from tests.support.quiet_streams import QuietStreams


def follows(quiet: QuietStreams) -> list[bool]:
    return [each.is_on for each in quiet.up if isinstance(each, Follow)]


def test_the_leader_is_asked_once_and_told_when_nobody_reads_any_more() -> None:
    quiet = QuietStreams()
    assert quiet.read() is quiet.read()
    quiet.append(b"a")
    quiet.go_on()
    assert follows(quiet) == [True]
    quiet.mirror.unread(QUEUE)
    quiet.mirror.up.carry_out()
    quiet.go_on()
    assert follows(quiet) == [True, False]
    quiet.mirror.up.followed.leave(QUEUE)
    quiet.go_on()
    assert follows(quiet) == [True, False], "it is over"


def test_it_is_asked_again_on_the_next_connection() -> None:
    quiet = QuietStreams()
    log = quiet.read()
    quiet.go_on()
    pair = quiet.leader.name, quiet.mirror.name
    quiet.cluster.disconnect(*pair)
    quiet.cluster.links[pair] = Link()
    quiet.leader.up.step(inputs.MirrorConnected(quiet.mirror.name))
    quiet.mirror.up.step(inputs.LeaderConnected(quiet.leader.name))
    quiet.go_on(30)
    assert follows(quiet) == [True, True]
    quiet.append(b"a")
    quiet.go_on()
    assert log.readable_offset == 1


def test_a_replica_that_goes_takes_its_reader_along() -> None:
    quiet = QuietStreams()
    log = quiet.read()
    quiet.mirror.up.followed.forget(QUEUE)
    assert log.is_lost
    quiet.mirror.up.followed.forget(QUEUE)


def test_a_damaged_replica_is_read_no_more() -> None:
    quiet = QuietStreams()
    log = quiet.read()
    replica = quiet.mirror.up.replicas()[QUEUE]
    assert replica.damage.keeps(DamagedError("some octets are others")), "another replica has them"
    assert not log.is_lost, "not within a read"
    quiet.mirror.up.carry_out()
    assert log.is_lost


def test_readers_do_not_wait_at_a_mirror_that_takes_no_more() -> None:
    quiet = QuietStreams()
    log = quiet.read()
    quiet.go_on()
    sparing, states = quiet.mirror.up.sparing, quiet.cluster.states
    sparing.known = lambda queue: KnownState(states[queue][0], 2, states[queue][0].in_sync_set)
    sparing.set_short(is_short=True)
    mirrors = sorted(quiet.cluster.machines.keys() - {quiet.leader.name})
    quiet.go_on(TURN_MS * mirrors.index(quiet.mirror.name) // TICK_MS + 2)
    assert log.is_lost
    again = quiet.mirror.up.followed.follow(QUEUE)
    quiet.go_on(20)
    assert again.is_lost, "the leader goes on trying"


def test_readers_leave_a_mirror_that_no_leader_reaches_and_may_come_back_once_one_does() -> None:
    quiet = QuietStreams()
    log, followed, cluster = quiet.read(), quiet.mirror.up.followed, quiet.cluster
    followed.is_led = lambda _: True
    quiet.go_on()
    pair = quiet.leader.name, quiet.mirror.name
    cluster.disconnect(*pair)
    others = [each for each in cluster.running() if each.name not in pair]
    began_ms = quiet.mirror.up.core.node.now_ms
    rounds = 0
    while not log.is_lost:
        assert not followed.is_cut(QUEUE)
        cluster.now_ms += TICK_MS
        for machine in (quiet.leader, quiet.mirror, *others):
            machine.up.tick(cluster.now_ms)
        rounds += 1
        assert rounds < 1_000, "they are told"
    took_ms = cluster.now_ms - began_ms
    assert CUT_MS <= took_ms <= CUT_MS + 2 * LOOK_MS + TICK_MS
    assert followed.is_cut(QUEUE)
    cluster.links[pair] = Link()
    quiet.leader.up.step(inputs.MirrorConnected(quiet.mirror.name))
    quiet.mirror.up.step(inputs.LeaderConnected(quiet.leader.name))
    quiet.go_on(30)
    assert not followed.is_cut(QUEUE)
    quiet.mirror.read.clear()
    again = quiet.read()
    quiet.append(b"a")
    quiet.go_on()
    assert again.readable_offset == 1


@pytest.mark.parametrize("what", ["nobody leads", "the store is away"])
def test_where_no_leader_is_known_to_live_the_mirror_is_read_on(what: str) -> None:
    quiet = QuietStreams()
    log, followed, cluster = quiet.read(), quiet.mirror.up.followed, quiet.cluster
    followed.is_led = lambda _: what != "nobody leads"
    cluster.disconnect(quiet.leader.name, quiet.mirror.name)
    if what == "the store is away":
        quiet.mirror.up.step(inputs.LeaseRenewed(cluster.now_ms, 0))
    for _ in range(3 * CUT_MS // TICK_MS):
        cluster.now_ms += TICK_MS
        quiet.mirror.up.tick(cluster.now_ms)
    assert not log.is_lost
    assert not followed.is_cut(QUEUE)


def test_a_link_that_breaks_and_comes_back_moves_nobody() -> None:
    quiet = QuietStreams()
    log = quiet.read()
    quiet.mirror.up.followed.is_led = lambda _: True
    pair = quiet.leader.name, quiet.mirror.name
    for _ in range(3):
        quiet.go_on()
        quiet.cluster.disconnect(*pair)
        quiet.cluster.now_ms += CUT_MS - 2 * LOOK_MS
        quiet.mirror.up.tick(quiet.cluster.now_ms)
        quiet.cluster.links[pair] = Link()
        quiet.leader.up.step(inputs.MirrorConnected(quiet.mirror.name))
        quiet.mirror.up.step(inputs.LeaderConnected(quiet.leader.name))
        quiet.go_on(30)
    assert not log.is_lost
