"""What a reader wants by filter value."""

from queues.stream.filter import Filter


def test_an_empty_value_stands_for_messages_without_one() -> None:
    assert Filter(frozenset((b"eu",))).wanted_values == {b"eu"}
    assert Filter(frozenset((b"eu",)), match_unfiltered=True).wanted_values == {b"eu", b""}
