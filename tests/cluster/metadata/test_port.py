import pytest

from cluster.metadata.port import (
    KEY_BYTES_MAX,
    OPERATIONS_MAX,
    VALUE_BYTES_MAX,
    Absent,
    CreateRevision,
    Delete,
    Item,
    ModRevision,
    Operation,
    Put,
    Read,
    Transaction,
    Value,
    end_of_key,
    end_of_prefix,
    holds,
    require_range,
)


@pytest.mark.parametrize(
    ("prefix", "end"), [(b"a", b"b"), (b"a/", b"a0"), (b"a\xff\xff", b"b"), (b"\0", b"\1")]
)
def test_the_end_of_a_prefix(prefix: bytes, end: bytes) -> None:
    assert end_of_prefix(prefix) == end


@pytest.mark.parametrize("prefix", [b"", b"\xff"])
def test_a_prefix_with_nothing_behind_it(prefix: bytes) -> None:
    with pytest.raises(ValueError, match="prefix"):
        end_of_prefix(prefix)


def test_what_a_comparison_says_of_a_key() -> None:
    item = Item(b"k", b"v", 3, 5)
    true = (ModRevision(b"k", 5), CreateRevision(b"k", 3), Value(b"k", b"v"))
    false = (ModRevision(b"k", 4), CreateRevision(b"k", 5), Value(b"k", b""), Absent(b"k"))
    assert [holds(each, item) for each in (*true, *false)] == [True] * 3 + [False] * 4
    absent = (ModRevision(b"k", 0), CreateRevision(b"k", 0), Absent(b"k"))
    assert [holds(each, None) for each in (*absent, *true)] == [True] * 3 + [False] * 3


def test_the_end_of_a_key_leaves_room_for_no_other() -> None:
    assert end_of_key(b"a") == b"a\0"


@pytest.mark.parametrize(
    "operations",
    [
        (Put(b"a", b""), Delete(b"a")),
        (Put(b"a", b""), Put(b"a", b"")),
        (Put(b"", b""),),
        (Delete(b"k" * (KEY_BYTES_MAX + 1)),),
        (Put(b"a", b"v" * (VALUE_BYTES_MAX + 1)),),
        tuple(Put(b"%d" % number, b"v" * VALUE_BYTES_MAX) for number in range(2)),
        tuple(Put(b"%d" % number, b"") for number in range(OPERATIONS_MAX + 1)),
    ],
)
def test_what_no_store_would_take(operations: tuple[Operation, ...]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Transaction(then=operations)
    with pytest.raises(ValueError, match="expected"):
        Transaction(otherwise=operations)


def test_what_is_at_the_bounds_is_taken() -> None:
    Transaction(
        tuple(Absent(b"%d" % number) for number in range(OPERATIONS_MAX)),
        (Read(b"a"), Put(b"a", b"v" * VALUE_BYTES_MAX), Read(b"a")),
        tuple(Read(b"k" * KEY_BYTES_MAX) for _ in range(100)),
    )


@pytest.mark.parametrize(
    "span", [(b"", b"a"), (b"a", b""), (b"b", b"a"), (b"a", b"a"), (b"a", b"k" * 5000)]
)
def test_no_ranges(span: tuple[bytes, bytes]) -> None:
    with pytest.raises(ValueError, match="expected"):
        require_range(*span)
