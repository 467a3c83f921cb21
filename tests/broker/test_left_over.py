"""Queues that are left over: each line has its turn, each queue is wanted once."""

from hypothesis import given
from hypothesis import strategies as st

from amqp_server.broker.left_over import LeftOver


def all_of(left_over: LeftOver[str]) -> str:
    taken = ""
    while (queue := left_over.take()) is not None:
        taken += queue
    return taken


def test_lines_have_their_turns() -> None:
    left_over: LeftOver[str] = LeftOver()
    left_over.add("abcdef")
    left_over.add("x")
    left_over.add("123")
    assert all_of(left_over) == "ax1b2c3def"
    assert not left_over.wanted


def test_a_queue_is_drained_once_though_it_stands_in_two_lines() -> None:
    left_over: LeftOver[str] = LeftOver()
    left_over.add("abc")
    left_over.add("cb")
    assert all_of(left_over) == "acb"


def test_what_is_dropped_falls_out() -> None:
    left_over: LeftOver[str] = LeftOver()
    left_over.add("abc")
    assert left_over.drop("b")
    assert not left_over.drop("b")
    assert all_of(left_over) == "ac"


def test_nothing_that_was_dropped_is_kept() -> None:
    left_over: LeftOver[str] = LeftOver()
    left_over.add("ab")
    left_over.drop("a")
    left_over.drop("b")
    left_over.want("a")
    assert left_over.take() is None, "whoever wants it serves it himself"
    assert list(left_over.wanted) == ["a"]


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("add"), st.text("abcdefgh", max_size=5)),
            st.tuples(st.just("drop"), st.sampled_from("abcdefgh")),
            st.tuples(st.just("take"), st.just("")),
        )
    )
)
def test_what_is_wanted_is_taken_and_nothing_else(steps: list[tuple[str, str]]) -> None:
    left_over: LeftOver[str] = LeftOver()
    wanted: set[str] = set()
    for kind, names in steps:
        if kind == "add":
            left_over.add(names)
            wanted |= set(names)
        elif kind == "drop":
            assert left_over.drop(names) is (names in wanted)
            wanted.discard(names)
        else:
            taken = left_over.take()
            assert (taken in wanted) if wanted else (taken is None)
            wanted.discard(taken or "")
    assert set(all_of(left_over)) == wanted
