import pytest

from cluster.metadata.contents import Contents
from cluster.metadata.errors import CompactedError
from cluster.metadata.port import Change, Delete, Item, Put, Transaction


def put(contents: Contents, key: bytes, value: bytes = b"") -> int:
    return contents.apply(contents.evaluate(Transaction(then=(Put(key, value),))).changes)


def test_evaluating_changes_nothing() -> None:
    contents = Contents()
    evaluation = contents.evaluate(Transaction(then=(Put(b"a", b"1"),)))
    assert evaluation.changes == (Change(b"a", Item(b"a", b"1", 2, 2)),)
    assert contents.revision == 1
    assert contents.now(b"a") is None
    assert contents.apply(evaluation.changes) == 2
    assert list(contents.items()) == [Item(b"a", b"1", 2, 2)]


def test_of_too_many_revisions_the_older_half_is_forgotten() -> None:
    contents = Contents(kept_revisions_max=10)
    for number in range(11):
        put(contents, b"a", b"%d" % number)
    assert contents.compacted_revision == 8
    with pytest.raises(CompactedError):
        contents.changes_since(b"a", b"b", 7, 100)
    told, behind = contents.changes_since(b"a", b"b", 8, 100)
    assert [each.revision for each in told] == [8, 9, 10, 11, 12]
    assert behind == 13
    assert contents.read_range(b"a", b"b", 9, 8).items == (Item(b"a", b"6", 2, 8),)


def test_large_values_are_not_kept_for_long() -> None:
    contents = Contents(kept_bytes_max=1_000)
    for number in range(50):
        put(contents, b"a", b"v" * 400)
        told, _ = contents.changes_since(b"a", b"b", contents.compacted_revision or 1, 100)
        assert len(told) <= 3, number
    put(contents, b"a", b"v" * 5_000)
    assert contents.now(b"a") is not None


def test_a_deleted_key_leaves_nothing_behind() -> None:
    contents = Contents()
    for number in range(5):
        put(contents, b"%d" % number)
        contents.apply(contents.evaluate(Transaction(then=(Delete(b"%d" % number),))).changes)
    last = put(contents, b"z")
    contents.compact(last)
    assert contents.read_range(b"0", b"9", 100).items == ()
    assert list(contents.items()) == [Item(b"z", b"", last, last)]
    assert len(contents._versions) == 1


def test_a_watch_looks_at_so_many_revisions_at_a_time() -> None:
    contents = Contents()
    for number in range(6):
        put(contents, b"ab"[number % 2 : number % 2 + 1])
    told, behind = contents.changes_since(b"a", b"b", 2, 4)
    assert [each.revision for each in told] == [2, 4]
    assert behind == 6
    told, behind = contents.changes_since(b"a", b"b", behind, 4)
    assert [each.revision for each in told] == [6]
    assert contents.changes_since(b"a", b"b", behind, 4) == ([], behind)


def test_a_watch_of_the_future_waits_for_it() -> None:
    contents = Contents()
    put(contents, b"a")
    assert contents.changes_since(b"a", b"b", 9, 4) == ([], 9)


def test_after_a_restart_only_what_comes_is_told() -> None:
    contents = Contents()
    contents.restore(Item(b"a", b"1", 3, 7))
    contents.begin(9)
    assert contents.revision == 10
    assert contents.now(b"a") == Item(b"a", b"1", 3, 7)
    with pytest.raises(CompactedError):
        contents.changes_since(b"a", b"b", 9, 4)
    assert put(contents, b"a") == 11
    assert [each.revision for each in contents.changes_since(b"a", b"b", 10, 4)[0]] == [11]
