"""Replicas that begin anew, and nodes whose disk is nearly full: what the simulation found."""

from collections.abc import Callable

import pytest

from cluster.replication import catch_up
from cluster.replication.frames import Got, LetGo
from cluster.replication.leadership import Leadership, MirrorProgress
from cluster.replication.links import LinkFromLeader
from cluster.replication.node_state import NodeState
from cluster.replication.rules import Rules
from tests.simulation.choices import Event, do, enabled
from tests.simulation.cluster import Cluster, Mistakes
from tests.simulation.explore import cluster_of, run
from tests.simulation.test_mistakes import led_by_a
from tests.simulation.violation import ViolationError

SHRUNK = ("a", "q", "shrink", "c0", 4)

BEHIND_AND_SHORT: tuple[Event, ...] = (
    ("publish", "a", "q"),
    ("crash", "c", 0),
    ("shrink", "a", "q", "c0"),
    ("apply", SHRUNK),
    ("reply", SHRUNK),
    ("sync", "a"),
    ("down", "a", "b"),
    ("sync", "b"),
    ("up", "a", "b"),
    ("start", "c"),
    ("connect", "a", "c"),
    ("attach", "a", "c", "q"),
    ("down", "a", "c"),
    ("sync", "c"),
    ("up", "a", "c"),
    ("down", "a", "c"),
    ("short", "c"),
    ("later", "c", 1_000),
    ("later", "c", 1_000),
    ("up", "a", "c"),
    ("attach", "a", "c", "q"),
    ("sync", "c"),
    ("down", "a", "c"),
    ("later", "c", 30_000),
)
"""c was behind, got what it lacked, and its disk is nearly full before that is synced. It refuses,
is let go, and empties its replica. The next fence is on its way."""

GROWN = ("a", "q", "grow", "c0", 5)

TAKEN_IN_AND_SHORT: tuple[Event, ...] = (
    *BEHIND_AND_SHORT[:16],
    ("sync", "c"),
    ("up", "a", "c"),
    ("grow", "a", "q", "c"),
    *BEHIND_AND_SHORT[16:20],
)
"""c has all and is about to be taken in; before the store has the write it refuses, being short."""

COMES_BACK: tuple[Event, ...] = (
    ("roomy", "c"),
    ("down", "a", "c"),
    ("sync", "c"),
    ("up", "a", "c"),
)


def played(events: tuple[Event, ...], cluster: Cluster) -> Cluster:
    for event in events:
        assert event in enabled(cluster), event
        do(cluster, event)
    return cluster


def test_a_mirror_that_was_emptied_is_no_member_before_it_has_all() -> None:
    cluster = played(BEHIND_AND_SHORT, led_by_a(Rules()))
    machine = cluster.machines["c"]
    assert machine.written["q"].records == ()
    assert not cluster.conns["a", "c"].up, "no answer left behind the refusal"
    played(COMES_BACK, cluster)
    assert ("grow", "a", "q", "c") not in enabled(cluster)
    order = ("up", "down", "sync", "read", "grow", "apply", "reply")
    while cluster.store.now.states["q"][0].in_sync_set != {
        each.replica for each in cluster.machines.values()
    }:
        events = enabled(cluster)
        do(cluster, next(event for kind in order for event in events if event[0] == kind))


def held_back(link: LinkFromLeader, queue: str) -> None:
    """Refuse, and answer later what was asked before."""
    link.attached.pop(queue, None)


def counted(
    _node: NodeState, _mirror: str, _lead: Leadership, progress: MirrorProgress, got: Got
) -> None:
    """Count an answer though the mirror has not told its log since it refused."""
    progress.got = max(progress.got, got.end)


@pytest.mark.planted
def test_an_answer_behind_a_refusal_that_counts_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LinkFromLeader, "detach", held_back)
    right: Callable[..., None] = catch_up._hear_got
    cluster = played(BEHIND_AND_SHORT, led_by_a(Rules()))
    monkeypatch.setattr(catch_up, "_hear_got", counted)
    played((("up", "a", "c"),), cluster)
    monkeypatch.setattr(catch_up, "_hear_got", right)
    played((*COMES_BACK, ("grow", "a", "q", "c")), cluster)
    [write] = cluster.store.requests
    with pytest.raises(ViolationError, match="I1 q"):
        do(cluster, ("apply", write.id))


@pytest.mark.planted
def test_who_is_let_go_while_a_write_takes_it_in_is_seen() -> None:
    for mistakes in (Mistakes(), Mistakes(lets_go_while_open=True)):
        cluster = played(TAKEN_IN_AND_SHORT, led_by_a(Rules(), mistakes))
        frames = cluster.conns["a", "c"].down
        assert [type(each) for each in frames] == [LetGo] * mistakes.lets_go_while_open
        if not mistakes.lets_go_while_open:
            played((("later", "c", 30_000), ("apply", GROWN)), cluster)
            continue
        played((("down", "a", "c"), ("later", "c", 30_000), ("apply", GROWN)), cluster)
        with pytest.raises(ViolationError, match="I1 q"):
            do(cluster, ("sync", "c"))


def test_a_damaged_replica_may_begin_anew_before_its_leader_hears_that_it_is_out() -> None:
    """Seed 1462 ended the leader's node: it knew a member that needs a snapshot."""
    assert run(1_462).broken is None


def test_some_seeds_have_what_is_damaged_and_what_is_short() -> None:
    kinds: dict[str, set[object]] = {"damage": set(), "short": set()}
    for kind, seeds in (("damage", range(6, 120, 7)), ("short", range(4, 120, 11))):
        assert cluster_of(seeds[0])[0].left[kind]
        kinds[kind] = {event[0] for seed in seeds for event in run(seed).events}
    assert {"damage", "anew", "resign"} <= kinds["damage"]
    assert {"short", "roomy", "later"} <= kinds["short"]
    assert not cluster_of(0)[0].left["damage"]
