"""Dangers of mirrored queues, the worst first, and how many there are."""

import pytest

from amqp_server.broker.views import MirroredView, ReplicaView
from management.dangers import SHOWN_MAX, Census, danger_of, state_of

A, B, C = "rabbit@a", "rabbit@b", "rabbit@c"
WELL, GONE, BEHIND = (True, True), (True, False), (False, True)


def view(*states: tuple[bool, bool], kind: str = "quorum", name: str = "q") -> MirroredView:
    replicas = [
        ReplicaView(node, *state, lag=0) for node, state in zip((A, B, C), states, strict=True)
    ]
    return MirroredView("/", name, kind, A, 7, 2, tuple(replicas))


@pytest.mark.parametrize(
    ("states", "danger", "state"),
    [
        ((WELL, WELL, WELL), "well", "running"),
        ((WELL, WELL, BEHIND), "at_min_isr", "running"),
        ((WELL, BEHIND, GONE), "held", "minority"),
        ((GONE, WELL, WELL), "offline", "down"),
        ((GONE, GONE, WELL), "offline", "down"),
    ],
)
def test_the_worst_that_a_queue_is_in(
    states: tuple[tuple[bool, bool], ...], danger: str, state: str
) -> None:
    found = view(*states)
    assert (danger_of(found), state_of(found)) == (danger, state)


def test_a_census_counts_dangers_and_keeps_the_worst_first() -> None:
    census = Census()
    for name, states in (
        ("a", (WELL, WELL, WELL)),
        ("b", (WELL, WELL, BEHIND)),
        ("c", (GONE, WELL, WELL)),
    ):
        census.add(view(*states, name=name))
    assert census.body() == {
        "mirrored": 3,
        "offline": 1,
        "held": 0,
        "at_min_isr": 2,
        "under_replicated": 2,
    }
    assert census.leaders == {A: 2}
    assert [each.name for each in census.worst()] == ["c", "b"]


def test_a_census_keeps_no_more_than_is_shown() -> None:
    census = Census()
    for number in range(2 * SHOWN_MAX):
        census.add(view(WELL, WELL, BEHIND, name=f"q{number}"))
    assert len(census.worst()) == SHOWN_MAX
    assert census.counts["under_replicated"] == 2 * SHOWN_MAX
