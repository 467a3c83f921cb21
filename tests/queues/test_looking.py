"""Messages one by one, from slices that say things of many."""

from queues.looking import LookedSlice
from tests.support.records import run_of


def test_what_is_said_once_holds_for_all() -> None:
    found = list(LookedSlice(run_of(b"a", b"b"), range(4, 6), 900, 5, 0).messages())
    assert [(one.position, one.record.body, one.expires_at_ms) for one in found] == [
        (4, b"a", 900),
        (5, b"b", 900),
    ]
    assert [(one.redelivered, one.delivery_count) for one in found] == [(True, 0), (False, 0)]


def test_what_differs_is_said_of_each() -> None:
    some = LookedSlice(run_of(b"a", b"b"), (4, 9), (0, 7), delivery_counts={9: 3}, timestamp_ms=1)
    assert [
        (one.position, one.expires_at_ms, one.redelivered, one.delivery_count, one.timestamp_ms)
        for one in some.messages()
    ] == [(4, 0, False, 0, 1), (9, 7, True, 3, 1)]
