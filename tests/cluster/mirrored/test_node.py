"""The shell of a core: disk, links, groups and roles."""

from dataclasses import replace
from functools import partial

import pytest

from cluster.fronts.limits import FrontNode
from cluster.fronts.submissions import Submissions
from cluster.fronts.taking import Taking
from cluster.mirrored.lag import LAG_MAX_MS
from cluster.mirrored.log import MirroredLog
from cluster.mirrored.node import MirroredNode
from cluster.mirrored.submitting import submit
from cluster.replication import inputs
from cluster.replication.core import NotServingError
from cluster.replication.publishers import Front, Submission
from queues.commits import SAFE_NOW, is_safe
from tests.support.mirrored_cluster import Cluster
from tests.support.mirrored_machine import DEAD, NAMES, NOW_MS, QUEUE, REPLICATED
from tests.support.records import run_of


def whole() -> Cluster:
    cluster = Cluster(3)
    cluster.heal()
    return cluster


def leader(cluster: Cluster, queue: str = QUEUE) -> MirroredNode:
    return cluster.machines[cluster.states[queue][0].leader].up


def test_a_queue_is_served_once_its_epoch_is_committed() -> None:
    cluster = whole()
    node = leader(cluster)
    log = node.log_of(QUEUE)
    assert log is not None
    assert log.takes_publishes
    others = [machine.up for machine in cluster.machines.values() if machine.up is not node]
    assert [other.log_of(QUEUE) for other in others] == [None, None]


def test_queues_with_the_same_mirrors_wait_in_one_line() -> None:
    cluster = whole()
    logs = [leader(cluster).log_of(queue) for queue in (QUEUE, DEAD)]
    groups = []
    for log in logs:
        assert log is not None
        log.settle(range(1))
        groups.append(log.commit_group)
    assert groups[0] is groups[1]


def test_who_has_it_carry_out_hears_whether_there_was_anything() -> None:
    cluster = whole()
    node = leader(cluster)
    log = node.log_of(QUEUE)
    assert log is not None
    assert not node.carry_out()
    log.settle(range(1))
    assert node.carry_out()
    assert not node.carry_out()


def test_what_a_mirror_has_is_what_the_leader_wrote() -> None:
    cluster = whole()
    for _ in range(5):
        cluster.publish()
    for _ in range(400):
        cluster.sync()
        cluster.carry()
    replicas = [machine.up.replicas()[QUEUE] for machine in cluster.machines.values()]
    assert len({replica.end for replica in replicas}) == 1
    low = max(replica.base for replica in replicas)
    assert len({replica.read(low, 1_000) for replica in replicas}) == 1


def test_a_long_log_is_compacted() -> None:
    cluster = whole()
    for _ in range(60):
        cluster.publish()
        for _ in range(20):
            cluster.sync()
            cluster.carry()
    replica = leader(cluster).replicas()[QUEUE]
    assert replica.base > 1
    assert replica.records_bytes < 10_000


def test_a_leader_that_has_lost_its_queue_tells_who_waits() -> None:
    cluster = whole()
    cluster.publish()
    node = leader(cluster)
    log = node.log_of(QUEUE)
    assert log is not None
    state, revision = cluster.states[QUEUE]
    decided: list[bool] = []
    log.commit_group.wait(node.core.node.last_lsn, lambda: decided.append(True))
    newer = type(state)("b", 1, state.epoch + 1, state.in_sync_set)
    node.step(inputs.StateRead(QUEUE, newer, revision + 1))
    assert decided == [True]
    assert log.has_ended
    assert node.log_of(QUEUE) is None


def test_credit_is_given_when_what_was_written_is_on_the_disk() -> None:
    cluster = whole()
    cluster.publish()
    machine = cluster.machines[cluster.states[QUEUE][0].leader]
    called: list[bool] = []
    machine.up.after_writing(lambda: called.append(True))
    assert called == []
    while machine.node.commit_group():
        pass
    assert called == [True]


def test_a_replica_goes_on_with_what_its_disk_has() -> None:
    cluster = whole()
    machine = cluster.machines["b"]
    before = {queue: replica.end for queue, replica in machine.up.replicas().items()}
    while machine.node.commit_group():
        pass
    machine.stop_now()
    machine.start()
    assert {queue: replica.end for queue, replica in machine.up.replicas().items()} == before
    assert machine.up.core.node.options[QUEUE] == REPLICATED


def moving(cluster: Cluster) -> tuple[MirroredNode, MirroredLog, list[str]]:
    """Return a leader that hands its queue over, its log, and whether that was told to go on."""
    node = leader(cluster)
    log = node.log_of(QUEUE)
    assert log is not None
    told: list[str] = []
    log.on_admitted = lambda: told.append("go on")
    target = next(name for name in cluster.live if node.core.may_move(QUEUE, name))
    node.step(inputs.Move(QUEUE, target, cluster.live[target].incarnation))
    return node, log, told


def test_who_published_during_a_move_is_told_when_the_store_has_refused_it() -> None:
    cluster = whole()
    node, log, told = moving(cluster)
    with pytest.raises(NotServingError):
        log.judge(Submission(Front("a", 1), 1, 1, 0))
    node.tick(cluster.now_ms)
    assert told == []
    # Nothing of the queue has changed: its target's lease was over.
    node.step(inputs.TransactionRefused(max(node.core.node.transactions)))
    assert told == ["go on"]
    node.tick(cluster.now_ms)
    assert told == ["go on"]


def test_who_may_not_be_confirmed_without_a_lease_is_told_when_there_is_one() -> None:
    cluster = whole()
    node, log, told = moving(cluster)
    node.step(inputs.TransactionRefused(max(node.core.node.transactions)))
    lead = node.core.lead_of(QUEUE)
    assert lead is not None
    lead.replica.options = replace(lead.replica.options, lease_guard=True)
    lease = node.core.node.lease
    node.core.node.lease = replace(lease, incarnation=0)
    with pytest.raises(NotServingError):
        log.confirmed_at(0)
    node.tick(cluster.now_ms)
    assert told == []
    node.core.node.lease = lease
    node.tick(cluster.now_ms)
    assert told == ["go on"]


def test_without_the_lease_a_duplicate_is_safe_when_it_is_proved_that_this_node_led() -> None:
    """The store is away: no node leads, and none may."""
    cluster = whole()
    node = leader(cluster)
    log = node.log_of(QUEUE)
    assert log is not None
    assert not node.core.node.options[QUEUE].lease_guard
    assert log.prove(Front("a", 1), 1) is SAFE_NOW
    node.step(inputs.LeaseRenewed(cluster.now_ms, 0))
    point = log.prove(Front("a", 1), 1)
    node.carry_out()
    assert not is_safe(point)
    for _ in range(400):
        cluster.sync()
        cluster.carry()
    assert is_safe(point)


def test_a_duplicate_that_came_during_a_freeze_is_not_told_by_the_clock_before_it() -> None:
    """What a client has published is read before the core's clock is set."""
    node = leader(whole())
    log = node.log_of(QUEUE)
    assert log is not None
    node._now_ms = lambda: node.core.node.lease.deadline_ms
    assert not is_safe(log.prove(Front("a", 1), 1))


def test_publishers_of_other_queues_are_confirmed_when_a_queue_is_gone() -> None:
    """They wait in one group, which fails with what was on its way in the queue that is gone."""
    cluster = whole()
    node, front = leader(cluster), Submissions(QUEUE, FrontNode(Front("z", 9)))
    served, gone = (
        next(each.served[queue] for each in cluster.running() if each.up is node)
        for queue in (QUEUE, DEAD)
    )
    wakes: list[bool] = []
    take = partial(submit, served.log, served.engine)
    taking = Taking(Front("z", 9), take, front, lambda: wakes.append(True))
    gone.engine.publish(run_of(b"9998"), NOW_MS)
    front.add(run_of(b"9999"), NOW_MS)

    def submit_all() -> None:
        while (run := front.next()) is not None:
            taking.submit(run.first, run.below, run.attempt, run.run, NOW_MS)
        node.carry_out()

    submit_all()
    assert served.log.commit_group is gone.log.commit_group
    node.drop_replica(DEAD)
    assert wakes == [True]
    submit_all()
    end = served.log.led.last_index
    assert (len(front), wakes) == (1, [True]), "it waits, and asks for nothing"
    for _ in range(300):
        cluster.sync()
        cluster.carry()
    assert len(front) == 0, "it is confirmed"
    assert served.log.led.last_index == end, "and was appended once"


def test_consumers_go_on_with_the_first_mirror_that_answers_again() -> None:
    """The other one is silent, so nothing is committed meanwhile."""
    cluster = whole()
    for _ in range(300):
        cluster.sync()
        cluster.carry()
    node = leader(cluster)
    log, name = node.log_of(QUEUE), node.core.node.name
    assert log is not None
    told: list[str] = []
    log.on_committed = lambda: told.append("drain")
    log.settle(range(1))
    node.carry_out()
    assert not log.lags(0)
    assert log.lags(LAG_MAX_MS + 1)
    node.tick(cluster.now_ms)
    assert told == []
    mirror = cluster.machines[next(each for each in NAMES if each != name)]
    link = cluster.links[name, mirror.name]
    while link.down:
        mirror.up.step(inputs.FrameFromLeader(name, link.down.popleft()))
    while mirror.node.commit_group():
        pass
    while link.up:
        node.step(inputs.FrameFromMirror(mirror.name, link.up.popleft()))
    assert told == ["drain"]
    assert not log.lags(LAG_MAX_MS + 1)
    node.tick(cluster.now_ms)
    assert told == ["drain"]
