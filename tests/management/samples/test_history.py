"""Numbers over time: the same as a naive list of all looks, as far back as they are kept."""

from hypothesis import given
from hypothesis import strategies as st

from management.samples.history import POINTS_MAX, History

LOOKS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), max_size=300)


@given(LOOKS)
def test_a_history_is_what_was_seen(looks: list[tuple[int, int]]) -> None:
    history = History(2)
    seen: list[tuple[int, tuple[int, int]]] = [(-1, (0, 0))]
    for number, numbers in enumerate(looks):
        changed = history.note(number * 5, numbers)
        assert changed == (numbers != seen[-1][1])
        if changed:
            seen.append((number * 5, numbers))
    assert tuple(history.last) == seen[-1][1]
    for at_ms, numbers in seen[-POINTS_MAX:]:
        assert (history.at(0, at_ms), history.at(1, at_ms)) == numbers
    assert history.points_count <= POINTS_MAX


@given(LOOKS, st.integers(-1, 320), st.integers(0, 60), st.none() | st.integers(0, 300))
def test_growth_is_the_difference_of_two_times(
    looks: list[tuple[int, int]], begin: int, span: int, idle: int | None
) -> None:
    history = History(2)
    for number, numbers in enumerate(looks):
        history.note(number * 5, numbers)
    if idle is not None:
        history.forget_before(idle * 5)
    from_ms, to_ms = begin * 5, (begin + span) * 5
    grown = history.growth(from_ms, to_ms)
    expected = [history.at(index, to_ms) - history.at(index, from_ms) for index in range(2)]
    assert list(grown or (0, 0)) == expected
    assert grown is None or span


def test_a_new_thing_began_with_nothing_and_an_old_one_as_it_was_found() -> None:
    fresh, found = History(1), History(1, (70,))
    fresh.note(10, (7,))
    found.note(10, (77,))
    assert (fresh.at(0, 5), fresh.at(0, 10)) == (0, 7)
    assert (found.at(0, 5), found.at(0, 10)) == (70, 77)


def test_an_idle_thing_keeps_its_last_numbers_alone() -> None:
    history = History(1)
    history.note(10, (7,))
    history.forget_before(10)
    assert history.points_count == 1
    history.forget_before(11)
    assert (history.points_count, history.at(0, 0), history.at(0, 99)) == (0, 7, 7)
    history.note(20, (8,))
    assert (history.at(0, 15), history.at(0, 20)) == (7, 8)


def test_a_number_that_never_changes_has_no_column() -> None:
    history = History(10)
    for number in range(1, 500):
        history.note(number, (number, *(0,) * 9))
    columns = history._columns
    assert columns is not None
    assert [column is not None for column in columns] == [True] + [False] * 9
    assert history.at(0, 450) == 450
