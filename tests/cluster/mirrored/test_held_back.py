"""Who was held back is told once it may go on; the others wait for their turn."""

from types import SimpleNamespace
from typing import Any, cast

from cluster.mirrored.held_back import LOOKED_AT_MAX, HeldBack


class FakeLog:
    def __init__(self, queue: str, told: list[tuple[str, str]]) -> None:
        self.lag = SimpleNamespace(index=7)
        self.on_committed = lambda: told.append((queue, "deliver"))
        self.on_admitted = lambda: told.append((queue, "admit"))


class FakeCore:
    """A core in which nothing may be done that is not in ``may``."""

    def __init__(self) -> None:
        self.may: set[str] = set()
        self.asked: list[str] = []

    def may_deliver(self, queue: str) -> bool:
        self.asked.append(queue)
        return queue in self.may

    def may_append(self, queue: str) -> bool:
        return queue in self.may

    def may_confirm(self, queue: str, index: int) -> bool:
        return queue in self.may and index == 0

    def is_elsewhere(self, queue: str, index: int) -> bool:
        return queue in self.may and index == 7


def held_back(count: int) -> tuple[HeldBack, FakeCore, dict[str, FakeLog], list[tuple[str, str]]]:
    told: list[tuple[str, str]] = []
    names = [f"q{number}" for number in range(count)]
    core, logs = FakeCore(), {name: FakeLog(name, told) for name in names}
    return HeldBack(cast("Any", core), cast("Any", logs)), core, logs, told


def test_each_kind_is_told_what_it_waits_for_and_once() -> None:
    waiting, core, _, told = held_back(3)
    waiting.held["q0"] = waiting.shut["q1"] = waiting.unanswered["q2"] = None
    waiting.tell()
    assert told == []
    core.may = {"q0", "q1", "q2"}
    waiting.tell()
    waiting.tell()
    assert told == [("q0", "deliver"), ("q1", "admit"), ("q2", "deliver")]


def test_so_many_are_looked_at_and_the_next_time_others() -> None:
    waiting, core, logs, _ = held_back(3 * LOOKED_AT_MAX)
    waiting.held.update(dict.fromkeys(logs))
    for count in range(1, 4):
        waiting.tell()
        assert len(core.asked) == count * LOOKED_AT_MAX
    assert set(core.asked) == set(logs)


def test_a_queue_that_is_led_here_no_more_is_forgotten() -> None:
    waiting, core, logs, told = held_back(1)
    waiting.held["q0"] = None
    logs.clear()
    core.may = {"q0"}
    waiting.tell()
    assert not waiting.held
    assert told == []
