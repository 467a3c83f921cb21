import random

from queues.delayed.due_times import LOOKED_AT_MAX, OTHERS_MAX, STRETCH, DueTimes


def test_what_is_due_is_taken_and_nothing_else() -> None:
    times = DueTimes()
    times.add(STRETCH - 2, [50, 20, 30, 70])
    assert times.first_ms() == 20
    assert sorted(times.take(50, 10)) == [(20, STRETCH - 1), (30, STRETCH), (50, STRETCH - 2)]
    assert times.first_ms() == 70
    assert times.take(69, 10) == []
    assert times.take(70, 10) == [(70, STRETCH + 1)]
    assert times.first_ms() is None
    assert list(times.stretches()) == []


def test_no_further_stretch_is_looked_at_than_is_needed() -> None:
    times = DueTimes()
    times.add(0, [5] * (3 * STRETCH))
    assert len(times.take(5, 1)) == STRETCH
    assert len(times.take(5, STRETCH + 1)) == 2 * STRETCH


def test_a_message_may_be_forgotten_and_noted_again() -> None:
    times = DueTimes()
    times.add(7, [100, 200])
    assert times.forget(7)
    assert not times.forget(7)
    assert not times.forget(5 * STRETCH)
    assert times.of_stretch(0) == [(8, 200)]
    times.note(7, 150)
    times.note(7, 150)
    assert times.take(150, 9) == [(150, 7)]
    assert times.forget(8)
    assert times.first_ms() is None


def test_all_are_taken_in_the_end_whatever_their_order() -> None:
    draw = random.Random(3)
    times, expected = DueTimes(), dict[int, int]()
    position = 0
    for now_ms in range(1, 3_000, 7):
        due_ms = [now_ms + draw.randint(1, 2_000) for _ in range(draw.randint(1, 40))]
        times.add(position, due_ms)
        expected |= dict(enumerate(due_ms, position))
        position += len(due_ms)
        while found := times.take(now_ms, 100_000):
            for due, at in found:
                assert expected.pop(at) == due <= now_ms
        assert all(due > now_ms for due in expected.values())
    while found := times.take(9_000, 1 << 30):
        assert all(expected.pop(at) == due for due, at in found)
    assert not expected


def test_a_look_at_many_stretches_is_parted() -> None:
    times = DueTimes()
    for number in range(2 * LOOKED_AT_MAX):
        times.note(number * STRETCH, 5)
    assert len(times.take(5, 1_000)) == LOOKED_AT_MAX
    assert len(times.take(5, 1_000)) == LOOKED_AT_MAX
    assert times.first_ms() is None


def test_clearing_forgets_all() -> None:
    times = DueTimes()
    times.add(0, [1, 2])
    times.clear()
    assert times.first_ms() is None
    assert times.of_stretch(0) == []


class Counted(DueTimes):
    """Notes the stretches that are shown."""

    def __init__(self) -> None:
        super().__init__()
        self.looked: list[int] = []

    def of_stretch(self, number: int) -> list[tuple[int, int]]:
        self.looked.append(number)
        return super().of_stretch(number)


def test_about_the_first_are_shown_without_a_look_at_all() -> None:
    times = Counted()
    count = 3 * LOOKED_AT_MAX
    for number in reversed(range(count)):
        times.add(number * STRETCH, [100 + number] * STRETCH)
    assert times.first(3) == [(100, 0), (100, 1), (100, 2)]
    assert len(times.first(2 * STRETCH)) == 2 * STRETCH
    assert len(times.looked) == 3 + LOOKED_AT_MAX
    few = DueTimes()
    for number in range(count):
        few.note(number * STRETCH, 500 - number)
    assert len(few.first(count)) == count, "where each stretch has one, all are looked at"
    assert few.first(1) == [(500 - count + 1, (count - 1) * STRETCH)]


def test_what_comes_and_goes_leaves_nothing_before_a_time_that_is_far_away() -> None:
    times = DueTimes()
    times.add(0, [1 << 40, 7])
    for _ in range(1_000):
        assert times.take(7, 1) == [(7, 1)]
        times.note(1, 7)
    assert len(times._heap) <= 2 + OTHERS_MAX
    assert times.first_ms() == 7
