import pytest

from queues.delayed import few as module
from queues.delayed.few import Few, Waiting
from tests.support.records import record


def filled(*due_ms: int) -> Few:
    few = Few()
    for position, due in enumerate(due_ms):
        few.add(Waiting(due, position, record(b"body")))
    return few


def test_they_come_in_the_order_in_which_they_are_due() -> None:
    few = filled(30, 10, 20, 10)
    assert [(each.due_ms, each.position) for each in few] == [(10, 1), (10, 3), (20, 2), (30, 0)]
    assert few.due_ms == 10
    assert [each.position for each in few.take(20, 9)] == [1, 3]
    assert [each.position for each in few.take(31, 1)] == [2]
    assert few.due_ms == 30
    assert [each.position for each in few.take(31, 9)] == [0]
    assert few.due_ms is None


def test_one_of_them_may_be_dropped() -> None:
    few = filled(30, 10, 20)
    assert few.drop(1)
    assert not few.drop(1)
    assert [each.position for each in few] == [2, 0]


def test_there_is_room_for_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW_COUNT_MAX", 3)
    monkeypatch.setattr(module, "FEW_BYTES_MAX", 10)
    few = filled(1)
    assert few.has_room(2, 6)
    assert not few.has_room(3, 0)
    assert not few.has_room(1, 7)
    few.clear()
    assert few.has_room(3, 10)
    assert len(few) == 0
