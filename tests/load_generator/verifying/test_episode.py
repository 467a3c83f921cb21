"""An episode carries its plan out, makes the cluster whole again, and judges what clients saw."""

import random

import pytest

from load_generator import wire
from load_generator.session import Endpoint, Session
from load_generator.verifying import episode as episode_module
from load_generator.verifying.client import Pace
from load_generator.verifying.episode import Episode, carry_out, restore
from load_generator.verifying.faults import KINDS, FaultKind, Plan, Step, Verb
from load_generator.verifying.history import Notebook
from load_generator.verifying.run import now_ms
from load_generator.verifying.stream_workload import StreamBook
from load_generator.verifying.workload import Shape
from tests.support.fault_cluster import NotedCluster

NOWHERE = Endpoint("127.0.0.1", 1, "guest", "guest", "/")
PURGE = wire.MethodId(50, 30)
PURGE_OK = wire.MethodId(50, 31)


@pytest.mark.parametrize(
    ("step", "calls"),
    [
        (Step(Verb.KILL, ("n1", "n2")), [("kill", "n1"), ("kill", "n2")]),
        (Step(Verb.STOP, ("n1",)), [("stop", "n1")]),
        (Step(Verb.START, ("n1",)), [("start", "n1")]),
        (Step(Verb.AWAIT, ("n1",)), [("wait", "n1")]),
        (Step(Verb.FREEZE, ("e1",)), [("freeze", "e1")]),
        (Step(Verb.FREEZE_LEASE, ("n1",)), [("freeze lease", "n1")]),
        (Step(Verb.THAW, ("n1",)), [("thaw", "n1")]),
        (Step(Verb.CUT, pairs=(("n1", "n2"),)), [("cut", ("n1", "n2"))]),
        (Step(Verb.LOSE, ("n1",), amount=10), [("lose", "n1", 10)]),
        (Step(Verb.LIMIT, ("n1",), amount=100), [("limit", "n1", 100)]),
        (Step(Verb.HEAL), [("heal",)]),
        (Step(Verb.WIPE, ("n1",)), [("wipe", "n1")]),
        (Step(Verb.SLOW_DISK, ("n1",), amount=20), [("slow disk", "n1", 20)]),
        (Step(Verb.SHIFT_CLOCK, ("n1",), amount=-5), [("clock", "n1", -5)]),
    ],
)
def test_each_step_does_what_it_says(step: Step, calls: list[tuple[object, ...]]) -> None:
    cluster = NotedCluster(NOWHERE)
    carry_out(cluster, step)
    assert cluster.calls == calls


def test_a_wait_is_in_seconds() -> None:
    slept: list[float] = []
    carry_out(NotedCluster(NOWHERE), Step(Verb.WAIT, amount=1_500), slept.append)
    assert slept == [1.5]


def test_to_restore_is_to_undo_everything() -> None:
    cluster = NotedCluster(NOWHERE)
    restore(cluster)
    assert cluster.calls[0] == ("heal",)
    for name in ("n1", "n2", "n3", "e1"):
        thawed, started, waited = (cluster.calls.index((verb, name)) for verb in _RESTORED)
        assert thawed < started < waited
    assert cluster.calls.index(("start", "e1")) < cluster.calls.index(("start", "n1"))


_RESTORED = ("thaw", "start", "wait")


class PurgedCluster(NotedCluster):
    """Loses the messages of its queues with every kill, as a bad cluster does."""

    def kill(self, name: str) -> None:
        super().kill(name)
        arguments = b"\x00\x00" + wire.shortstr("episode-2") + b"\x00"
        with Session(self._endpoint) as session:
            session.call(wire.method(1, PURGE, arguments), PURGE_OK)


def planned(monkeypatch: pytest.MonkeyPatch, *begin: Step) -> None:
    plan = Plan("kill-all", begin, 10, (Step(Verb.START, ("n1",)),))
    monkeypatch.setitem(KINDS, "kill-all", FaultKind(lambda _: plan))


def episode_on(cluster: NotedCluster, shape: Shape) -> Episode:
    for queue in shape.queues:
        cluster.declare(queue)
    return Episode(cluster, shape, Notebook(now_ms), 3, random.Random(1).randrange)


def test_a_good_episode(noted: NotedCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    planned(monkeypatch, Step(Verb.KILL, ("n1",)))
    shape = Shape(("episode-1",), pace=Pace(rate_per_s=200))
    outcome = episode_on(noted, shape).run("kill-all")
    assert outcome.is_good, outcome.failures
    assert (outcome.number, outcome.kind) == (3, "kill-all")
    assert outcome.verdict.confirmed
    assert outcome.waits.confirm_ms is not None
    assert noted.calls[0] == ("kill", "n1")
    assert ("start", "n3") in noted.calls


@pytest.mark.planted
def test_a_cluster_that_drops_messages_is_convicted(
    noted: NotedCluster, node: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(monkeypatch, *[Step(Verb.KILL, ("n1",))] * 30)
    # Consumers hold little, so that something is there to be dropped.
    shape = Shape(("episode-2",), consumers=1, pace=Pace(rate_per_s=0, prefetch_count=1))
    monkeypatch.setattr(episode_module, "SETTLE_S", 2.0)
    outcome = episode_on(PurgedCluster(node), shape).run("kill-all")
    assert outcome.verdict.lost
    assert not outcome.is_good


class ForgetfulCluster(NotedCluster):
    """Begins its stream anew when it is killed."""

    def kill(self, name: str) -> None:
        super().kill(name)
        with Session(self._endpoint) as session:
            session.call(wire.queue_delete(1, "episode-stream.1"), wire.QUEUE_DELETE_OK)
        self.declare("episode-stream.1", is_stream=True)


@pytest.mark.planted
def test_a_stream_that_begins_anew_is_convicted(
    noted: NotedCluster, node: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(monkeypatch, Step(Verb.KILL, ("n1",)))
    monkeypatch.setattr(episode_module, "SETTLE_S", 2.0)
    # Its readers wait for what the new stream has not: no delivery comes.
    monkeypatch.setattr(episode_module, "SERVE_S", 2.0)
    cluster, shape = ForgetfulCluster(node), Shape((), pace=Pace(rate_per_s=200))
    book = StreamBook(("episode-stream",), Notebook(now_ms))
    book.declare(cluster)
    notebook, draws = Notebook(now_ms), random.Random(1).randrange
    outcome = Episode(cluster, shape, notebook, 3, draws, book).run("kill-all")
    assert outcome.streams.lost
    assert outcome.streams.changed
    assert not outcome.is_good
    assert {row.offset for row in outcome.history} > {None, 0}


def test_a_node_that_does_not_come_back_is_a_failure(
    noted: NotedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(monkeypatch, Step(Verb.AWAIT, ("n2",)))
    noted.broken = "n2"
    outcome = episode_on(noted, Shape(("episode-3",))).run("kill-all")
    assert outcome.failures == (
        "during the fault: n2 does not serve",
        "after the fault: n2 does not serve",
    )


def test_a_queue_that_is_not_served_is_a_failure(
    noted: NotedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(monkeypatch, Step(Verb.HEAL))
    monkeypatch.setattr(episode_module, "SERVE_S", 0.1)
    outcome = episode_on(noted, Shape(("episode-4",), publishers=0)).run("kill-all")
    assert len(outcome.failures) == 2
    assert "no confirm or no delivery" in outcome.failures[0]
    assert outcome.waits == (None, None)
