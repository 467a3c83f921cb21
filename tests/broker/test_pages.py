"""Pages: bounded, in order, each thing once, whatever comes and goes between two of them."""

from hypothesis import given
from hypothesis import strategies as st
from sortedcontainers import SortedList

from amqp_server.broker.pages import PAGE_MAX, page_of

NAMES = st.integers(0, 30)
CHANGES = st.lists(st.tuples(st.booleans(), NAMES), max_size=4)


@given(st.sets(NAMES), st.integers(1, 7), st.lists(CHANGES, max_size=12))
def test_what_stays_is_shown_once(
    names: set[int], max_count: int, changes: list[list[tuple[bool, int]]]
) -> None:
    there: SortedList[int] = SortedList(names)
    staying, shown = set(names), list[int]()
    after: int | None = None
    pending = iter(changes)
    while True:
        page = page_of(there, lambda key: key, after, max_count)
        assert len(page.items) <= max_count
        shown += page.items
        if page.cursor is None:
            break
        after = page.cursor
        for comes, name in next(pending, []):
            if comes and name not in there:
                there.add(name)
            elif not comes and name in there:
                there.remove(name)
                staying.discard(name)
    assert shown == sorted(set(shown)), "in order, none twice"
    assert staying <= set(shown)


def test_what_is_not_to_be_shown_is_left_out_and_the_cursor_passes_it() -> None:
    keys = SortedList(range(4))
    page = page_of(keys, lambda key: None if key == 1 else str(key), None, 2)
    assert (page.items, page.cursor) == (("0",), 1)
    assert page_of(keys, str, page.cursor, 9) == (("2", "3"), None)


def test_a_page_looks_at_no_more_than_it_shows() -> None:
    looked: list[int] = []

    def look(key: int) -> int:
        looked.append(key)
        return key

    keys = SortedList(range(10_000))
    page = page_of(keys, look, 5_000, 10)
    assert looked == list(page.items) == list(range(5_001, 5_011))
    assert len(page_of(keys, look, None, 10_000).items) == PAGE_MAX
    assert len(page_of(keys, look, None, 0).items) == 1
