"""A whole cluster from one seed keeps its promises, and the same seed does the same.

``make simulate SEEDS=100000`` runs more. A seed that breaks a promise is printed as the few events
that it needs.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.replication.core import ReplicationCore
from cluster.replication.errors import BrokenInvariantError
from tests.simulation import choices
from tests.simulation.choices import Event
from tests.simulation.explore import (
    SHAPES,
    TIMERS,
    WITH_FRONTS,
    cluster_of,
    is_whole,
    replay,
    run,
    shrink,
)
from tests.simulation.mistakes import MISTAKES
from tests.simulation.weights import FAULTS, RARE

ROOT = Path(__file__).resolve().parents[2]
SEEDS = 2_000
SEEDS_WITH_TIMERS = 200
SEEDS_WITH_FRONTS = 200
BATCH = 100


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_no_seed_breaks_a_promise(first: int) -> None:
    broken = [
        (made.seed, made.broken) for made in map(run, range(first, first + BATCH)) if made.broken
    ]
    assert broken == [], "play one again: python -m tests.simulation --seeds 1 --first SEED"


@pytest.mark.parametrize("first", range(0, SEEDS_WITH_FRONTS, BATCH))
def test_no_seed_breaks_a_promise_to_front_ends(first: int) -> None:
    seeds = range(first, first + BATCH)
    broken = [(seed, made.broken) for seed in seeds if (made := run(seed, WITH_FRONTS)).broken]
    assert broken == [], (
        "play one again: python -m tests.simulation --fronts --seeds 1 --first SEED"
    )


def test_front_ends_publish_and_are_answered() -> None:
    clusters = [cluster_of(seed, WITH_FRONTS)[0] for seed in range(20)]
    assert all(cluster.fronts for cluster in clusters)
    kinds = {str(event[0]) for seed in range(40) for event in run(seed, WITH_FRONTS).events}
    assert {"offer", "submit", "again", "refuse", "answer", "unanswered"} <= kinds


@pytest.mark.parametrize("first", range(0, SEEDS_WITH_TIMERS, BATCH))
def test_no_seed_breaks_a_promise_while_timers_decide(first: int) -> None:
    seeds = range(first, first + BATCH)
    broken = [(seed, made.broken) for seed in seeds if (made := run(seed, timers=TIMERS)).broken]
    assert broken == [], (
        "play one again: python -m tests.simulation --timers --seeds 1 --first SEED"
    )


def test_the_same_seed_does_the_same() -> None:
    digests = [run(seed).digest() for seed in (3, 5, 3)]
    assert digests[0] == digests[2]
    assert digests[0] != digests[1]


DIGESTS = (
    "from tests.simulation.explore import TIMERS, run;"
    "print([run(seed).digest() for seed in range(10)], run(7, timers=TIMERS).digest())"
)


def test_another_process_does_the_same() -> None:
    """Nothing hangs on the order in which a process iterates over its sets."""
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGESTS],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(digests) == 1


def test_runs_have_every_fault_and_every_shape() -> None:
    kinds: set[object] = set()
    shapes = set()
    for seed in range(400):
        cluster, _ = cluster_of(seed)
        shapes.add(tuple(cluster.queues.items()))
        kinds |= {kind for kind in (*FAULTS, *RARE) if cluster.left.get(kind, 1) > 0}
    assert kinds == {*FAULTS, *RARE}
    assert len(shapes) == len({tuple(queues.items()) for _, queues in SHAPES})
    assert set(FAULTS) <= set(choices.HANDLERS)


def test_a_healthy_cluster_becomes_whole_and_confirms() -> None:
    cluster, chance = cluster_of(0)
    assert not is_whole(cluster)
    made = run(0)
    assert made.broken is None
    assert made.confirmed > 0
    assert chance.random() >= 0


def test_a_failing_run_is_shrunk_to_what_it_needs() -> None:
    planted = MISTAKES["resume_epoch"]
    made = next(made for seed in range(50) if (made := run(seed, planted)).broken)
    assert made.broken is not None
    short = shrink(made, planted)
    assert len(short) < len(made.events)
    _, broken = replay(made.seed, short, planted)
    assert broken is not None
    assert broken.split()[0] == made.broken.split()[0]


def test_a_core_that_breaks_an_invariant_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: ReplicationCore, *_: object) -> bool:
        raise BrokenInvariantError("I1", "q", "planted")

    monkeypatch.setattr(ReplicationCore, "may_append", broken)
    assert run(0).broken == "I1 q: planted"


def test_a_raised_min_isr_promises_nothing_before_the_set_has_reached_it() -> None:
    events: list[Event] = [
        ("image", "a"),
        ("get", "a", "q"),
        ("syncpart", "a", 1),
        ("syncpart", "a", 1),
        ("shrink", "a", "q", "c0"),
        ("apply", ("a", "q", "shrink", "c0", 5)),
        ("reply", ("a", "q", "shrink", "c0", 5)),
        ("change", "a", "q", "abc", 1),
        ("apply", ("a", "q", "change", "abc", 1, 6)),
        ("reply", ("a", "q", "change", "abc", 1, 6)),
        ("shrink", "a", "q", "b0"),
        ("stamp", "a"),
        ("apply", ("a", "q", "shrink", "b0", 7)),
        ("reply", ("a", "q", "shrink", "b0", 7)),
        ("change", "a", "q", "abc", 2),
        ("apply", ("a", "q", "change", "abc", 2, 8)),
        ("crash", "a", 0),
        ("restore", "a"),
    ]
    assert replay(7253, events) == (events, None)
