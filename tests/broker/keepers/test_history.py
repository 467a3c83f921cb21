from collections.abc import Sequence

import pytest

from amqp_server.broker.keepers import history
from amqp_server.broker.keepers.history import History
from exchanges.counters import ExchangeCounters
from persistence.record import Record, memory_bytes
from queues.memory import MemoryRules
from queues.tail import NodeMemory
from tests.support.vhosts import message

NODE_BYTES = 1 << 30
NEVER = "x-recent-history-no-store"


class Rig:
    """A history, and what it counts."""

    def __init__(
        self, length: int, *, limit_bytes: int = NODE_BYTES, is_bound: bool = True
    ) -> None:
        self.node = NodeMemory(limit_bytes)
        self.counters = ExchangeCounters()
        rules = MemoryRules(self.node, NODE_BYTES)
        self.history = History(length, rules, lambda _: self.counters, lambda: is_bound)

    def publish(self, *records: Record) -> None:
        self.history.publish(records, 1)

    def bodies(self) -> list[bytes]:
        return [record.body for run in self.history.remembered() for record in run]


def letters(names: str) -> list[Record]:
    return [message(name.encode(), "x") for name in names]


@pytest.mark.parametrize("runs", [["abcde"], ["a", "bc", "de"], [*"abcde"], ["ab", "cde"]])
def test_the_last_messages_stay_oldest_first(runs: Sequence[str]) -> None:
    rig = Rig(3)
    for run in runs:
        rig.publish(*letters(run))
    assert rig.bodies() == [b"c", b"d", b"e"]
    assert rig.history.count == 3


def test_a_message_that_says_so_is_not_remembered() -> None:
    rig = Rig(9)
    said: list[object] = [True, False, "true", 1, True]
    for number, value in enumerate(said):
        rig.publish(message(str(number).encode(), "x", headers={NEVER: value}))
    rig.publish(message(b"plain", "x"), message(b"no", "x", headers={NEVER: True}))
    assert rig.bodies() == [b"1", b"2", b"3", b"plain"]


def test_a_message_whose_header_only_looks_like_it_is_remembered() -> None:
    rig = Rig(9)
    rig.publish(message(b"m", "x", headers={"note": NEVER}))
    assert rig.bodies() == [b"m"]


def test_the_memory_is_counted_and_comes_back() -> None:
    rig = Rig(3)
    for run in ("ab", "cde", "f"):
        rig.publish(*letters(run))
        held = [record for each in rig.history.remembered() for record in each]
        assert rig.node.used_bytes == memory_bytes(held)
    rig.history.forget()
    assert (rig.node.used_bytes, rig.history.count, rig.bodies()) == (0, 0, [])


def test_a_flood_of_any_length_takes_a_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "BYTES_MAX", 10_000)
    rig = Rig(1 << 60)
    for _ in range(50):
        rig.publish(*[message(b"x" * 100, "x")] * 20)
        assert rig.node.used_bytes <= 10_000
    assert rig.history.count > 30
    rig.publish(message(b"y" * 20_000, "x"))
    assert rig.bodies() == [b"y" * 20_000]


def test_no_more_messages_than_a_bind_can_take_are_remembered() -> None:
    rig = Rig(1 << 60)
    for _ in range(12):
        rig.publish(*letters("a") * 1_000)
    assert rig.history.count == history.MESSAGES_MAX


def test_a_node_short_of_memory_remembers_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "SHORT_BYTES_MAX", 500)
    rig = Rig(100, limit_bytes=400)
    for _ in range(100):
        rig.publish(*letters("a"))
    assert rig.node.used_bytes <= 500


def test_it_is_no_queue_and_counts_as_none() -> None:
    alone, beside = Rig(3, is_bound=False), Rig(3)
    for rig in (alone, beside):
        outcome = rig.history.publish(letters("abc"), 1)
        assert [*outcome.unroutable] == [0, 1, 2]
        assert not rig.history.only_appends(letters("a"), 1)
    assert (alone.counters.more_copies_count, alone.counters.unroutable_count) == (0, 3)
    assert (beside.counters.more_copies_count, beside.counters.unroutable_count) == (-3, 0)
