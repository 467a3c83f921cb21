"""How far a reader has acked, beside a naive model: the set of what is not acked."""

from hypothesis import given
from hypothesis import strategies as st

from queues.stream.progress import Progress


def test_in_order_it_is_behind_the_last_ack() -> None:
    progress = Progress(10)
    progress.delivered(range(10, 15))
    assert progress.offset == 10
    assert progress.settled(range(10, 12))
    assert progress.offset == 12
    assert progress.settled(range(12, 15))
    assert progress.offset == 15


def test_out_of_order_it_waits_for_the_first() -> None:
    progress = Progress(0)
    progress.delivered(range(5))
    assert not progress.settled(range(1, 5))
    assert progress.offset == 0
    assert progress.settled(range(1))
    assert progress.offset == 5


def test_a_gap_that_nobody_wants_is_passed() -> None:
    progress = Progress(0)
    progress.delivered(range(3, 5))
    assert progress.settled(range(3, 5))
    assert progress.offset == 5
    progress.passed(9)
    assert progress.offset == 9
    progress.delivered(range(9, 10))
    progress.passed(20)
    assert progress.offset == 9


@given(st.data())
def test_it_is_never_above_what_is_not_acked(data: st.DataObject) -> None:
    progress = Progress(0)
    left: set[int] = set()
    next_offset = before = 0
    step_count: int = data.draw(st.integers(1, 30))
    for _ in range(step_count):
        is_ack = data.draw(st.booleans())
        if left and is_ack:
            first = data.draw(st.sampled_from(sorted(left)))
            step = data.draw(st.integers(1, 3))
            offsets = range(first, first + step * data.draw(st.integers(1, 4)), step)
            left -= set(offsets)
            progress.settled(offsets)
        else:
            start = next_offset + data.draw(st.integers(0, 2))
            stop = start + data.draw(st.integers(1, 5))
            progress.delivered(range(start, stop))
            left |= set(range(start, stop))
            next_offset = stop
        expected = min(left, default=next_offset)
        assert before <= progress.offset <= expected
        assert progress.offset == expected or not left & set(range(progress.offset))
        before = progress.offset
