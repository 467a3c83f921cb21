"""Clients are sent away while too few nodes are heard, and only then."""

from typing import Any

import pytest

from amqp_server.clustering.minority import AWAY_MS, REASON, STAYS_MS, Hearing, MinorityWatch
from amqp_server.net.listener import ListenError
from cluster.metadata.records import StoredMember
from cluster.placement.nodes import LEAVING
from tests.support.looked_cluster import LookedNode

HEARD_MS = 3_000


@pytest.mark.parametrize(
    ("others", "are_few"),
    [
        ({}, False),
        ({"b": 0, "c": 0}, True),
        ({"b": None, "c": None}, True),
        ({"b": None, "c": 8_000}, False),
        ({"b": None}, True),
        ({"b": 8_000}, False),
        ({"b": None, "c": None, "d": 8_000}, True),
        ({"b": None, "c": None, "d": 8_000, "e": 9_000}, False),
    ],
)
def test_most_have_to_be_heard(others: dict[str, int | None], *, are_few: bool) -> None:
    hearing = Hearing(HEARD_MS)
    found = [hearing.are_few(others, at_ms) for at_ms in range(9_000, 10_251, 250)]
    assert found == [False] * (STAYS_MS // 250) + [are_few] * 2


def test_a_moment_is_not_enough() -> None:
    hearing = Hearing(HEARD_MS)
    nobody: dict[str, int | None] = {"b": None, "c": None}
    for at_ms in range(10_000, 10_000 + STAYS_MS, 250):
        assert not hearing.are_few(nobody, at_ms)
    assert not hearing.are_few({"b": 10_900, "c": None}, 10_900)
    assert not hearing.are_few(nobody, 11_000)


def test_who_was_frozen_listens_first() -> None:
    hearing = Hearing(HEARD_MS)
    nobody: dict[str, int | None] = {"b": 0, "c": 0}
    assert not hearing.are_few(nobody, 5_000)
    assert not hearing.are_few(nobody, 5_000 + AWAY_MS + 1)
    assert not hearing.are_few({"b": 7_100, "c": None}, 7_250)


class Entrance:
    """What a server was told; its address may be taken."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.is_taken = False

    def turn_away(self, reason: str) -> None:
        self.told.append(reason)

    def let_in(self) -> None:
        if self.is_taken:
            raise ListenError("taken")
        self.told.append("open")


def test_a_node_closes_once_and_opens_again() -> None:
    node, entrance = LookedNode("a"), Entrance()
    made: Any = MinorityWatch
    node.options.lease_ttl_ms = HEARD_MS  # type: ignore[attr-defined]
    watch = made(node, entrance)
    for name in "abcd":
        state = LEAVING if name == "d" else "active"
        node.told.member(name, StoredMember(f"disk {name}", 1, state=state))

    def look(count: int) -> None:
        for _ in range(count):
            node.time_ms += 250
            watch.look()

    node.time_ms = 100_000
    node.heard = {"b": 99_000}
    look(8)
    assert entrance.told == []
    look(20)
    assert entrance.told == [REASON]
    entrance.is_taken = True
    node.heard = {"c": node.time_ms}
    look(2)
    assert watch.is_closed
    entrance.is_taken = False
    look(2)
    assert entrance.told == [REASON, "open"]
