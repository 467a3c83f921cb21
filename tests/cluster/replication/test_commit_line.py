"""Runs that wait for the same disks."""

from cluster.replication.commit_line import CommitLine, LineKey


def test_what_is_safe_leaves_in_order() -> None:
    line: CommitLine[str] = CommitLine(LineKey(frozenset("b"), None))
    line.append(5, "q", 2, 0)
    line.append(9, "r", 1, 0)
    line.append(12, "q", 3, 0)
    assert line.take_safe(4) == []
    assert line.take_safe(9) == [(5, "q", 2, 0), (9, "r", 1, 0)]
    assert line.take_safe(99) == [(12, "q", 3, 0)]
