"""Things come in pieces, and leave in order."""

from collections import deque

from amqp_server.broker.sorting import add_sorted, merged


def number(text: str) -> int:
    return int(text)


def test_what_comes_in_order_is_one_run() -> None:
    runs: list[deque[str]] = []
    add_sorted(["2", "1"], number, runs)
    add_sorted(["4", "3"], number, runs)
    assert runs == [deque("1234")]


def test_what_comes_across_is_merged_and_leaves() -> None:
    runs: list[deque[str]] = []
    for some in (["9", "3"], ["5", "10"], ["4"]):
        add_sorted(some, number, runs)
    in_order = merged(runs, number)
    assert next(in_order) == "3"
    assert list(in_order) == ["4", "5", "9", "10"]
    assert not any(runs)
