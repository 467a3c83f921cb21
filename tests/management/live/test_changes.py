"""What has changed between two pictures."""

from management.live.changes import changes


def test_only_leaves_that_changed_are_told() -> None:
    before = {"a": {"b": 1, "c": 2}, "d": [1], "e": "x"}
    now = {"a": {"b": 1, "c": 3}, "d": [1, 2], "e": "x", "f": None}
    assert changes(before, now) == [(["a", "c"], 3), (["d"], [1, 2])]
    assert changes(now, now) == []
