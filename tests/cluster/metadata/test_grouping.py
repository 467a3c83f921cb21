"""Groups of transactions: what fits into one, and what a refusal says of each part."""

import asyncio

from cluster.metadata.grouping import GROUP_BYTES_MAX, group_of
from cluster.metadata.memory import MemoryStore
from cluster.metadata.port import (
    OPERATIONS_MAX,
    VALUE_BYTES_MAX,
    CreateRevision,
    ModRevision,
    Put,
    Read,
    Refused,
    Transaction,
    Value,
)

MEMBER = Value(b"member", b"a")


def part(name: str, revision: int = 0, value: bytes = b"new", live: int = 7) -> Transaction:
    key = name.encode()
    compare = (ModRevision(key, revision), MEMBER, CreateRevision(b"live", live))
    return Transaction(compare, (Put(key, value), Read(b"member")))


def test_what_several_parts_ask_for_is_asked_once() -> None:
    group = group_of([part("x"), part("y")])
    assert group.transaction.compare == (
        ModRevision(b"x", 0),
        MEMBER,
        CreateRevision(b"live", 7),
        ModRevision(b"y", 0),
    )
    assert group.transaction.then == (Put(b"x", b"new"), Read(b"member"), Put(b"y", b"new"))
    assert group.transaction.otherwise == tuple(map(Read, (b"x", b"member", b"live", b"y")))


def test_a_group_is_as_long_as_a_transaction_may_be() -> None:
    group = group_of(part(f"q{number}") for number in range(1_000))
    assert len(group.transaction.compare) == OPERATIONS_MAX
    assert len(group.parts) == OPERATIONS_MAX - 2
    lives = group_of(part(f"q{number}", live=number) for number in range(1_000))
    assert len(lives.transaction.compare) in {OPERATIONS_MAX - 1, OPERATIONS_MAX}


def test_large_values_make_a_group_shorter_and_one_always_fits() -> None:
    half = b"x" * (GROUP_BYTES_MAX // 2 - 100)
    assert len(group_of(part(f"q{number}", value=half) for number in range(9)).parts) == 2
    most = b"x" * VALUE_BYTES_MAX
    assert len(group_of([part("x", value=most), part("y")]).parts) == 1


def test_a_refusal_says_who_is_to_blame() -> None:
    async def scenario() -> None:
        store = MemoryStore(lambda: 0)
        items = [Put(b"member", b"a"), Put(b"live", b""), Put(b"x", b""), Put(b"y", b"")]
        put = await store.transact(Transaction((), tuple(items)))
        there = put.revision  # type: ignore[union-attr]
        parts = [
            part("x", there, live=there),
            part("y", there - 1, live=there),
            part("z", 0, live=there),
            part("w", 0, live=there - 1),
        ]
        group = group_of(parts)
        refused = await store.transact(group.transaction)
        assert isinstance(refused, Refused)
        assert group.holding(refused) == [True, False, True, False]
        found = group.seen(refused)[b"y"]
        assert found is not None
        assert found.mod_revision == there
        assert group.seen(refused)[b"z"] is None

    asyncio.run(scenario())
