"""Delivery counts: sparse, and gone with the messages."""

from hypothesis import given, settings
from hypothesis import strategies as st

from persistence.delivery_counts import BUCKET_POSITIONS, COUNT_MAX, DeliveryCounts
from persistence.settled import PositionSet

notes = st.lists(
    st.tuples(
        st.builds(
            lambda first, count, step: range(first, first + count * step, step),
            st.integers(0, 3 * BUCKET_POSITIONS),
            st.integers(1, 1_500),
            st.integers(1, 3),
        ),
        st.integers(1, COUNT_MAX + 1),
    ),
    max_size=5,
)


@settings(deadline=None, max_examples=60)
@given(notes, st.integers(0, 4 * BUCKET_POSITIONS))
def test_the_last_count_of_each_unsettled_position_is_kept(
    noted: list[tuple[range, int]], floor: int
) -> None:
    counts, naive = DeliveryCounts(), dict[int, int]()
    for positions, count in noted:
        counts.note(positions, count)
        naive.update(dict.fromkeys(positions, min(count, COUNT_MAX)))
    settled = PositionSet(floor)
    counts.forget_settled(settled)
    assert dict(counts.unsettled(settled)) == {
        at: count for at, count in naive.items() if at >= floor
    }
