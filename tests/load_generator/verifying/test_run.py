"""A run deals its faults from a seed, keeps outcomes, and tells what was wrong."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from load_generator.session import Endpoint
from load_generator.verifying.client import Pace
from load_generator.verifying.cluster import Ability
from load_generator.verifying.faults import COMBINED, KINDS, FaultKind, Plan, Step, Verb
from load_generator.verifying.history import read_history
from load_generator.verifying.run import Run, deal, kinds_for, now_ms
from load_generator.verifying.workload import Shape
from tests.support.fault_cluster import NotedCluster

NOWHERE = Endpoint("127.0.0.1", 1, "guest", "guest", "/")
SHAPE = Shape(("run-1",), pace=Pace(rate_per_s=200))


def test_the_clock_goes_on() -> None:
    before_ms = now_ms()
    assert now_ms() >= before_ms > 0


def test_a_cluster_is_dealt_what_it_can_have() -> None:
    kinds = kinds_for(NotedCluster(NOWHERE))
    assert "random-halves" in kinds
    assert "store-away-60" in kinds
    assert kinds.count(COMBINED) == 2
    assert not any(Ability.WIPE in KINDS[kind].needs for kind in kinds if kind != COMBINED)


def test_a_short_run_leaves_out_what_takes_long() -> None:
    kinds = kinds_for(NotedCluster(NOWHERE), is_short=True)
    assert "kill-leader" in kinds
    assert not any(kind.endswith(("-15", "-60")) for kind in kinds)


def test_chosen_kinds_are_taken_as_they_are() -> None:
    assert kinds_for(NotedCluster(NOWHERE), ["bridge", COMBINED]) == ["bridge", COMBINED]


@pytest.mark.parametrize(
    ("kind", "text"), [("earthquake", "no fault is called"), ("wipe-mirror", "cannot have")]
)
def test_what_cannot_be_dealt_is_refused(kind: str, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        kinds_for(NotedCluster(NOWHERE), [kind])


def test_every_kind_comes_once_before_any_comes_again() -> None:
    kinds = ["a", "b", "c"]
    for turn in range(5):
        dealt = [deal(kinds, 7, number) for number in range(turn * 3, turn * 3 + 3)]
        assert Counter(dealt) == Counter(kinds)
    assert [deal(kinds, 7, number) for number in range(30)] == [
        deal(kinds, 7, number) for number in range(30)
    ]
    assert [deal(kinds, 7, number) for number in range(30)] != [
        deal(kinds, 8, number) for number in range(30)
    ]


@pytest.fixture
def _quick_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan("kill-all", (Step(Verb.KILL, ("n1",)),), 10, (Step(Verb.START, ("n1",)),))
    monkeypatch.setitem(KINDS, "kill-all", FaultKind(lambda _: plan))


@pytest.mark.usefixtures("_quick_fault")
def test_a_run_keeps_its_outcomes_without_their_rows(noted: NotedCluster, tmp_path: Path) -> None:
    said: list[str] = []
    run = Run(noted, SHAPE, 5, said.append, tmp_path)
    run.declare()
    for number in range(2):
        assert run.episode(number, "kill-all").is_good
    assert [outcome.number for outcome in run.outcomes] == [0, 1]
    assert not any(outcome.history for outcome in run.outcomes)
    first, second = ({one.publisher for one in each.verdict.attempts} for each in run.outcomes)
    assert first
    assert not first & second
    assert len(said) == 2
    assert "lost 0" in said[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("_quick_fault")
def test_what_was_wrong_is_told_and_kept(
    noted: NotedCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    kept = tmp_path / "build" / "kept"
    run = Run(noted, SHAPE, 5, said.append, kept)
    run.declare()
    original = noted.kill

    def kill(name: str) -> None:
        original(name)
        run._notebook.odd("it turned blue")

    monkeypatch.setattr(noted, "kill", kill)
    outcome = run.episode(0, "kill-all")
    assert not outcome.is_good
    assert "WRONG" in said[0]
    assert any("it turned blue" in text for text in said)
    assert tuple(read_history(kept / "history-5-0.jsonl")) == outcome.history


def test_a_cluster_that_is_not_whole_gets_no_episode() -> None:
    cluster = NotedCluster(NOWHERE)
    cluster.broken = "n3"
    with pytest.raises(TimeoutError):
        Run(cluster, SHAPE, 5, print).episode(0, "kill-all")


@pytest.mark.usefixtures("_quick_fault")
def test_a_stream_is_kept_over_episodes(noted: NotedCluster) -> None:
    said: list[str] = []
    run = Run(noted, replace(SHAPE, queues=(), streams=("run-stream",)), 5, said.append)
    run.declare()
    for number in range(2):
        outcome = run.episode(number, "kill-all")
        assert outcome.is_good, (outcome.failures, outcome.streams.text())
    first, second = (set(outcome.streams.read) for outcome in run.outcomes)
    assert first
    assert second
    assert not first & second
    assert set(run._book.past.places.values()) == first | second
    assert "offsets changed 0" in said[1]
