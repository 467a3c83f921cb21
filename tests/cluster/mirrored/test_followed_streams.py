"""Who reads at a mirror has the leader that is obeyed tell of the stream."""

from dataclasses import replace
from unittest.mock import patch

import pytest

from cluster.mirrored import followed_streams
from cluster.mirrored.followed_streams import BUSY_MS, CUT_MS, LOOK_MS, LivingLeader
from cluster.mirrored.mirror_stream_log import MirrorStreamLog
from cluster.mirrored.sparing import TURN_MS, KnownState
from cluster.replication import inputs
from cluster.replication.frames import Follow
from persistence.errors import DamagedError
from persistence.replicas import stream_content
from tests.support.mirrored_machine import QUEUE, TICK_MS, TIMERS, Link
from tests.support.mirrored_streams import StreamCluster
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
    followed.leader_of = quiet.leader_of
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
    if what != "nobody leads":
        followed.leader_of = quiet.leader_of
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
    quiet.mirror.up.followed.leader_of = quiet.leader_of
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


def only_the_mirror_goes_on(quiet: QuietStreams, ms: int) -> None:
    """Let time pass in which the leader is there, and does nothing for this stream."""
    for _ in range(ms // TICK_MS):
        quiet.cluster.now_ms += TICK_MS
        quiet.mirror.up.tick(quiet.cluster.now_ms)


def connect_anew(quiet: QuietStreams) -> None:
    """Have the link break and be made again; the leader has not attached the stream yet."""
    pair = quiet.leader.name, quiet.mirror.name
    quiet.cluster.disconnect(*pair)
    quiet.cluster.links[pair] = Link()
    quiet.leader.up.step(inputs.MirrorConnected(quiet.mirror.name))
    quiet.mirror.up.step(inputs.LeaderConnected(quiet.leader.name))


def read_and_connected_anew() -> tuple[QuietStreams, MirrorStreamLog]:
    """Return a mirror that is read, and that its leader has not attached on a new link."""
    quiet = QuietStreams()
    log = quiet.read()
    quiet.mirror.up.followed.leader_of = quiet.leader_of
    quiet.go_on()
    connect_anew(quiet)
    return quiet, log


def test_readers_stay_while_a_leader_that_is_there_attaches_others() -> None:
    quiet = QuietStreams()
    log = quiet.read()
    quiet.mirror.up.followed.leader_of = quiet.leader_of
    quiet.append(b"a")
    quiet.go_on()
    # The mirror gets one more, and does not hear that it is committed.
    quiet.append(b"b")
    quiet.mirror.up.step(inputs.FrameFromLeader(quiet.leader.name, quiet.link.down.popleft()))
    connect_anew(quiet)
    only_the_mirror_goes_on(quiet, 3 * CUT_MS)
    assert not log.is_lost
    assert log.readable_offset == 1, "and what is not known to be committed is not shown"
    quiet.go_on(30)
    assert log.readable_offset == 2


def test_a_leader_that_is_there_and_never_attaches_is_not_waited_for_without_end() -> None:
    quiet, log = read_and_connected_anew()
    only_the_mirror_goes_on(quiet, BUSY_MS - LOOK_MS)
    assert not log.is_lost
    only_the_mirror_goes_on(quiet, 3 * LOOK_MS)
    assert log.is_lost


def test_a_leader_that_is_refused_here_is_not_taken_for_a_busy_one() -> None:
    quiet, log = read_and_connected_anew()
    quiet.mirror.up.followed.came(quiet.leader.name, QUEUE)
    only_the_mirror_goes_on(quiet, CUT_MS - LOOK_MS)
    assert not log.is_lost
    only_the_mirror_goes_on(quiet, 3 * LOOK_MS)
    assert log.is_lost


def test_what_was_refused_on_a_link_before_says_nothing_of_this_one() -> None:
    quiet, log = read_and_connected_anew()
    quiet.mirror.up.followed.came(quiet.leader.name, QUEUE)
    connect_anew(quiet)
    only_the_mirror_goes_on(quiet, 2 * CUT_MS)
    assert not log.is_lost


def test_a_mirror_that_only_an_earlier_leader_reaches_is_cut() -> None:
    quiet = QuietStreams()
    log, followed = quiet.read(), quiet.mirror.up.followed
    quiet.go_on()
    others = sorted(quiet.cluster.machines.keys() - {quiet.leader.name, quiet.mirror.name})
    quiet.cluster.disconnect(others[0], quiet.mirror.name)
    epoch = quiet.leader_of(QUEUE).epoch + 1
    followed.leader_of = lambda _: LivingLeader(others[0], epoch)
    only_the_mirror_goes_on(quiet, CUT_MS - LOOK_MS)
    assert not log.is_lost
    only_the_mirror_goes_on(quiet, 3 * LOOK_MS)
    assert log.is_lost


class BusyLeaders(StreamCluster):
    """Leaders that attach nobody for a while, and mirrors whose readers leave as they do.

    Attributes:
        stayed_count: how often a mirror was read that its leader had not attached.
        left_count: how often its readers had to leave one.
    """

    def __init__(self, seed: int) -> None:
        self.stayed_count = self.left_count = 0
        super().__init__(seed)
        self.kinds += [(2, self.be_busy), (3, self.be_ready)]

    def be_busy(self) -> None:
        self.draw.choice(list(self.running())).up.core._timers = replace(TIMERS, looks_max=0)

    def be_ready(self) -> None:
        for machine in self.running():
            machine.up.core._timers = TIMERS

    def heal(self, steps_max: int = 10_000) -> None:
        self.kinds = [each for each in self.kinds if each[1] != self.be_busy]
        self.be_ready()
        super().heal(steps_max)

    def look_at_mirror(self) -> None:
        for machine in self.running():
            machine.up.followed.leader_of = self.leader_that_lives
        super().look_at_mirror()
        for machine in self.running():
            followed = machine.up.followed
            is_apart = QUEUE not in machine.served and followed._is_apart(QUEUE)
            self.stayed_count += is_apart and QUEUE in followed._logs
            self.left_count += followed.is_cut(QUEUE)

    def leader_that_lives(self, queue: str) -> LivingLeader | None:
        state = self.states[queue][0]
        lives = state.leader in {each.name for each in self.running()}
        return LivingLeader(state.leader, state.epoch) if lives else None


def test_who_stays_at_a_mirror_of_a_busy_leader_reads_only_what_is_committed() -> None:
    """No offset ever has another message, whoever shows it; see ``StreamLedger``."""
    with (
        patch.object(stream_content, "PIECE_BYTES", 1_000),
        patch.multiple(followed_streams, CUT_MS=400, BUSY_MS=2_000, LOOK_MS=50),
    ):
        clusters = [BusyLeaders(seed) for seed in range(6)]
        for cluster in clusters:
            for _ in range(3_000):
                cluster.step()
            cluster.heal()
    assert sum(each.stayed_count for each in clusters) > 50
    assert sum(each.left_count for each in clusters) > 5
