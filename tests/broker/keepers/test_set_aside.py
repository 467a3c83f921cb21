"""What one queue does not take is set aside, so that there is room for the others."""

import tracemalloc
from unittest.mock import patch

from amqp_server.broker.keepers import set_aside
from amqp_server.broker.keepers.set_aside import APART_MS, BACK_MAX, KEPT_MAX, SetAside


def back(mine: SetAside, now_ms: int, open_count: int = 0) -> list[int]:
    return [position for found in mine.back(open_count, now_ms) for position in found]


def test_a_queue_has_no_more_on_its_way_than_the_room_that_is_left() -> None:
    mine = SetAside(100, 1_000)
    assert mine.has_room("q", 100, 5_000, is_back=False), "one piece goes, however large"
    mine.note("q", 40, 400)
    assert mine.has_room("q", 60, 600, is_back=False)
    assert not mine.has_room("q", 61, 600, is_back=False)
    assert not mine.has_room("q", 60, 601, is_back=False)
    assert mine.has_room("other", 99, 999, is_back=False)
    mine.note("q", -40, -400)
    assert mine.has_room("q", 99, 999, is_back=False)


def test_what_comes_later_is_behind_what_was_set_aside() -> None:
    mine = SetAside(100, 1_000)
    mine.put("q", [7])
    assert not mine.has_room("q", 0, 0, is_back=False)
    assert mine.has_room("q", 0, 0, is_back=True)


def test_it_is_brought_back_in_order_some_at_a_time_once_the_queue_takes_some() -> None:
    mine = SetAside(100_000, 1 << 30)
    assert mine.next_deadline_ms() is None
    mine.put("q", range(BACK_MAX + 2))
    assert mine.keeps("q", 1)
    assert back(mine, 1_000) == [], "the ones before are tried again"
    mine.tries("q", 1)
    assert back(mine, 1_000 + APART_MS - 1) == []
    assert mine.next_deadline_ms() == 1_000 + APART_MS
    mine.note("q", 25_000, 1)
    assert back(mine, 1_000 + APART_MS) == [], "many are on their way"
    mine.note("q", -25_000, -1)
    assert back(mine, 2_000) == list(range(BACK_MAX))
    assert back(mine, 3_000) == [BACK_MAX, BACK_MAX + 1]
    assert mine.next_deadline_ms() is None
    assert mine.has_room("q", 0, 0, is_back=False)


def test_it_goes_to_the_queues_alone_that_lack_it() -> None:
    mine = SetAside(100, 1_000)
    names = ("a", "b", "c")
    assert mine.names_left(7, names) == names
    assert not mine.was_aside(7)
    mine.put("a", [7])
    mine.put("c", [7])
    assert mine.was_aside(7)
    assert list(mine.names_left(7, names)) == ["a", "c"]
    assert list(mine.names_left(7, ("c", "d"))) == ["c"], "as its exchange has it routed now"
    mine.came("a", [7, 8])
    assert list(mine.names_left(7, names)) == ["c"]
    mine.came("c", [7])
    assert list(mine.names_left(7, names)) == []
    mine.forget([7, 8])
    assert not mine.was_aside(7)


def test_so_many_are_kept_to_be_tried_again_and_one_piece_in_any_case() -> None:
    mine = SetAside(100, 1_000)
    assert mine.keeps("q", KEPT_MAX + 1)
    assert not mine.keeps("q", 1)
    assert mine.keeps("other", 1)
    mine.tries("q", KEPT_MAX + 1)
    assert mine.keeps("q", 1)


@patch.object(set_aside, "ASIDE_MAX", 4)
def test_so_many_are_set_aside_and_then_a_queue_holds_up_the_others_again() -> None:
    mine = SetAside(100, 1_000)
    mine.put("q", [1, 2, 3])
    mine.put("other", [3])
    assert not mine.has_room("q", 100, 1_000, is_back=False)
    mine.put("q", [4])
    mine.note("q", 100, 1_000)
    assert mine.has_room("q", 100, 1_000, is_back=False), "it is tried, and kept"
    assert mine.keeps("q", KEPT_MAX)
    assert mine.keeps("q", 1)
    mine.forget([4])
    assert not mine.keeps("q", 1)
    assert not mine.has_room("q", 100, 1_000, is_back=False)


def test_what_is_set_aside_takes_little_memory() -> None:
    count = 20_000
    positions = list(range(1_000, 1_000 + count))
    tracemalloc.start()
    try:
        mine = SetAside(100, 1_000)
        mine.put("q", positions)
        mine.put("other", positions)
        assert tracemalloc.get_traced_memory()[0] < 150 * count
    finally:
        tracemalloc.stop()


def test_another_leadership_knows_of_nothing() -> None:
    mine = SetAside(100, 1_000)
    mine.note("q", 90, 900)
    mine.put("q", [7])
    mine.keeps("q", 3)
    mine.clear()
    assert mine.next_deadline_ms() is None
    assert not mine.was_aside(7)
    assert mine.has_room("q", 60, 600, is_back=False)
