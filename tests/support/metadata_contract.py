"""What every engine of ``cluster.metadata.port`` must do; each case runs on each engine.

Cases share a store, so that each has keys of its own, and revisions are compared and never named.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from cluster.metadata.errors import CompactedError, LeaseGoneError, RequestRefusedError
from cluster.metadata.paging import read_key, read_whole
from cluster.metadata.port import (
    OPERATIONS_MAX,
    Absent,
    Changes,
    CreateRevision,
    Delete,
    Done,
    Empty,
    Item,
    Lease,
    MetadataStore,
    ModRevision,
    Progress,
    Put,
    Read,
    Refused,
    Transaction,
    Value,
    end_of_key,
    end_of_prefix,
)

WAIT_S = 20
"""Nothing here takes so long; a watch that is silent fails the test instead of holding it."""


@dataclass
class Rig:
    """A store under test.

    ``end_of`` lets the time of a lease pass, ``compact`` makes the store forget all before a
    revision.
    """

    store: MetadataStore
    prefix: bytes
    end_of: Callable[[Lease], Awaitable[None]]
    compact: Callable[[int], Awaitable[None]]

    def key(self, name: bytes) -> bytes:
        return self.prefix + name

    @property
    def span(self) -> tuple[bytes, bytes]:
        return self.prefix, end_of_prefix(self.prefix)

    async def put(self, name: bytes, value: bytes = b"", lease: int = 0) -> int:
        outcome = await self.store.transact(Transaction(then=(Put(self.key(name), value, lease),)))
        assert isinstance(outcome, Done)
        return outcome.revision

    async def delete(self, name: bytes) -> int:
        outcome = await self.store.transact(Transaction(then=(Delete(self.key(name)),)))
        assert isinstance(outcome, Done)
        return outcome.revision

    async def item(self, name: bytes) -> Item | None:
        return (await read_key(self.store, self.key(name))).item

    async def names(self) -> list[bytes]:
        _, items = await read_whole(self.store, *self.span)
        return [item.key.removeprefix(self.prefix) for item in items]


async def changes_from(told: AsyncIterator[Any], count: int) -> list[Changes]:
    """Return the next revisions that a watch tells."""
    found: list[Changes] = []

    async def read() -> None:
        async for each in told:
            if isinstance(each, Changes):
                found.append(each)
            if len(found) == count:
                return

    await asyncio.wait_for(asyncio.create_task(read()), WAIT_S)
    return found


async def a_put_is_read_with_its_revisions(rig: Rig) -> None:
    first = await rig.put(b"a", b"one")
    assert await rig.item(b"a") == Item(rig.key(b"a"), b"one", first, first)
    second = await rig.put(b"a", b"two")
    assert second == first + 1
    assert await rig.item(b"a") == Item(rig.key(b"a"), b"two", first, second)


async def any_octets_are_keys_and_values(rig: Rig) -> None:
    octets = bytes(range(256))
    await rig.put(octets, octets)
    await rig.put(b"\0", b"")
    item = await rig.item(octets)
    assert item is not None
    assert item.value == octets
    assert await rig.names() == [b"\0", octets]


async def a_deleted_key_is_absent_and_begins_anew(rig: Rig) -> None:
    created = await rig.put(b"a")
    deleted = await rig.delete(b"a")
    assert await rig.item(b"a") is None
    assert await rig.put(b"a") == deleted + 1
    item = await rig.item(b"a")
    assert item is not None
    assert item.create_revision > created


async def what_changes_nothing_takes_no_revision(rig: Rig) -> None:
    before = await rig.put(b"a")
    assert await rig.delete(b"b") == before
    outcome = await rig.store.transact(Transaction(then=(Read(rig.key(b"a")),)))
    assert outcome == Done(before, (await rig.item(b"a"),))
    assert await rig.store.transact(Transaction()) == Done(before)


async def a_transaction_compares_each_target(rig: Rig) -> None:
    await rig.put(b"a", b"old")
    changed = await rig.put(b"a", b"value")
    item = await rig.item(b"a")
    assert item is not None
    key, none = rig.key(b"a"), rig.key(b"none")
    true = (
        ModRevision(key, changed),
        CreateRevision(key, item.create_revision),
        Value(key, b"value"),
        Absent(none),
        Empty(none, end_of_key(none)),
        Empty(rig.key(b"b"), rig.key(b"z")),
        ModRevision(none, 0),
        CreateRevision(none, 0),
    )
    false = (
        ModRevision(key, item.create_revision),
        CreateRevision(key, changed),
        Value(key, b"old"),
        Absent(key),
        Empty(key, end_of_key(key)),
        Empty(rig.key(b"Z"), rig.key(b"z")),
        Value(none, b""),
        ModRevision(none, 1),
    )
    outcome = await rig.store.transact(Transaction(compare=true))
    assert isinstance(outcome, Done)
    for each in false:
        outcome = await rig.store.transact(
            Transaction(compare=(*true, each), then=(Put(key, b"wrong"),))
        )
        assert outcome == Refused(changed)
    assert (await rig.item(b"a")) == item


async def the_other_branch_is_carried_out_on_refusal(rig: Rig) -> None:
    key, other = rig.key(b"a"), rig.key(b"b")
    declare = Transaction((Absent(key),), (Put(key, b"def"),), (Read(key), Put(other, b"seen")))
    assert isinstance(await rig.store.transact(declare), Done)
    outcome = await rig.store.transact(declare)
    assert isinstance(outcome, Refused)
    assert outcome.reads == (await rig.item(b"a"),)
    assert await rig.names() == [b"a", b"b"]


async def as_many_keys_as_may_be_are_changed_together_or_read_together(rig: Rig) -> None:
    """What a node changes of its queues goes in groups: one request says of each what it is now."""
    keys = [rig.key(b"k%03d" % number) for number in range(OPERATIONS_MAX)]
    puts = tuple(Put(key, b"new") for key in keys)
    reads = tuple(map(Read, keys))
    moved = await rig.put(b"k007", b"old")
    outcome = await rig.store.transact(Transaction(tuple(map(Absent, keys)), puts, reads))
    found = tuple(
        Item(key, b"old", moved, moved) if number == 7 else None for number, key in enumerate(keys)
    )
    assert outcome == Refused(moved, found)
    compare = tuple(ModRevision(key, moved * (key == keys[7])) for key in keys)
    assert await rig.store.transact(Transaction(compare, puts, reads)) == Done(moved + 1)
    outcome = await rig.store.transact(Transaction(then=reads))
    assert isinstance(outcome, Done)
    revisions = [each and (each.create_revision, each.mod_revision) for each in outcome.reads]
    others = [(moved + 1, moved + 1)] * (OPERATIONS_MAX - 1)
    assert revisions == [*others[:7], (moved, moved + 1), *others[7:]]


async def operations_are_at_one_revision_and_see_those_before(rig: Rig) -> None:
    old = await rig.put(b"a", b"old")
    one, two = rig.key(b"a"), rig.key(b"b")
    outcome = await rig.store.transact(
        Transaction(
            then=(Read(one), Put(one, b"new"), Read(one), Put(two, b"x"), Delete(rig.key(b"c")))
        )
    )
    now = old + 1
    assert outcome == Done(now, (Item(one, b"old", old, old), Item(one, b"new", old, now)))
    assert await rig.item(b"b") == Item(two, b"x", now, now)


async def of_two_that_compare_the_same_one_wins(rig: Rig) -> None:
    revision = await rig.put(b"a", b"0")
    key = rig.key(b"a")
    attempts = [
        rig.store.transact(Transaction((ModRevision(key, revision),), (Put(key, b"%d" % each),)))
        for each in range(8)
    ]
    outcomes = await asyncio.gather(*attempts)
    assert sum(isinstance(each, Done) for each in outcomes) == 1
    assert sum(isinstance(each, Refused) for each in outcomes) == 7


async def a_range_is_read_in_pages_of_one_revision(rig: Rig) -> None:
    names = [b"%02d" % each for each in range(10)]
    for name in names:
        await rig.put(name, name)
    start, end = rig.span
    page = await rig.store.read_range(start, end, limit=4)
    assert [item.value for item in page.items] == names[:4]
    assert page.has_more
    await rig.put(b"05", b"changed")
    await rig.delete(b"06")
    later = await rig.store.read_range(rig.key(b"04"), end, revision=page.revision)
    assert [item.value for item in later.items] == names[4:]
    assert not later.has_more
    revision, items = await read_whole(rig.store, start, end, limit=3)
    assert revision == page.revision + 2
    assert [item.value for item in items] == [*names[:5], b"changed", *names[7:]]


async def an_old_revision_is_gone_after_compaction(rig: Rig) -> None:
    old = await rig.put(b"a", b"1")
    await rig.put(b"a", b"2")
    now = await rig.put(b"a", b"3")
    await rig.compact(now)
    with pytest.raises(CompactedError):
        await rig.store.read_range(*rig.span, revision=old)
    with pytest.raises(RequestRefusedError):
        await rig.store.read_range(*rig.span, revision=now + 1000)
    assert (await rig.store.read_range(*rig.span, revision=now)).items[0].value == b"3"


async def a_revoked_lease_takes_its_keys(rig: Rig) -> None:
    lease = await rig.store.grant(60_000)
    assert lease.ttl_ms >= 60_000
    before = await rig.put(b"kept")
    await rig.put(b"a", b"1", lease.id)
    await rig.put(b"b", b"2", lease.id)
    item = await rig.item(b"a")
    assert item is not None
    assert item.lease == lease.id
    await rig.put(b"b", b"3")  # off the lease
    assert await rig.store.revoke(lease.id)
    assert await rig.names() == [b"b", b"kept"]
    assert not await rig.store.revoke(lease.id)
    assert await rig.store.keep_alive(lease.id) is None
    assert await rig.store.time_to_live_ms(lease.id) is None
    assert before < (await rig.store.read_range(*rig.span)).revision


async def a_put_under_no_such_lease_puts_nothing(rig: Rig) -> None:
    before = await rig.put(b"kept")
    with pytest.raises(LeaseGoneError):
        await rig.store.transact(
            Transaction(then=(Put(rig.key(b"a"), b""), Put(rig.key(b"b"), b"", 123456)))
        )
    assert await rig.names() == [b"kept"]
    assert (await rig.store.read_range(*rig.span)).revision == before


async def a_renewed_lease_goes_on(rig: Rig) -> None:
    lease = await rig.store.grant(60_000)
    renewed = await rig.store.keep_alive(lease.id)
    assert renewed is not None
    assert (renewed.id, renewed.ttl_ms) == (lease.id, lease.ttl_ms)
    assert renewed.asked_at_ms >= lease.asked_at_ms
    rest_ms = await rig.store.time_to_live_ms(lease.id)
    assert rest_ms is not None
    assert 0 < rest_ms <= lease.ttl_ms


async def a_lease_that_is_not_renewed_ends_and_a_watch_tells_it(rig: Rig) -> None:
    lease = await rig.store.grant(1_000)
    await rig.put(b"a", b"", lease.id)
    put = await rig.put(b"b", b"", lease.id)
    told = rig.store.watch(*rig.span, put + 1)
    read = asyncio.create_task(changes_from(told, 1))
    await rig.end_of(lease)
    (changes,) = await read
    assert changes.revision == put + 1
    assert [(each.key, each.item) for each in changes.changes] == [
        (rig.key(b"a"), None),
        (rig.key(b"b"), None),
    ]
    assert await rig.store.keep_alive(lease.id) is None
    assert await rig.names() == []


async def a_watch_tells_what_was_and_what_comes_in_order(rig: Rig) -> None:
    first = await rig.put(b"a", b"1")
    await rig.put(b"a", b"2")
    await rig.delete(b"a")
    told = rig.store.watch(*rig.span, first)
    past = await changes_from(told, 3)
    assert [each.revision for each in past] == [first, first + 1, first + 2]
    items = [each.changes[0].item for each in past]
    assert [item and item.value for item in items] == [b"1", b"2", None]
    waiting = asyncio.create_task(changes_from(told, 2))
    await rig.put(b"b", b"3")
    one, two = rig.key(b"c"), rig.key(b"d")
    await rig.store.transact(Transaction(then=(Put(one, b""), Put(two, b""))))
    [_, both] = await waiting
    assert [each.key for each in both.changes] == [one, two]


async def a_watch_looks_at_its_range_only(rig: Rig) -> None:
    first = await rig.put(b"m", b"")
    await rig.put(b"z", b"outside")
    await rig.put(b"n", b"inside")
    told = rig.store.watch(rig.key(b"m"), rig.key(b"o"), first)
    found = await changes_from(told, 2)
    assert [each.changes[0].key for each in found] == [rig.key(b"m"), rig.key(b"n")]


async def a_watch_begins_with_its_progress(rig: Rig) -> None:
    revision = await rig.put(b"a")
    told = rig.store.watch(*rig.span, revision + 1)
    first = await asyncio.wait_for(anext(told), WAIT_S)
    assert isinstance(first, Progress)
    assert first.revision >= revision


async def a_watch_of_what_is_compacted_says_so(rig: Rig) -> None:
    old = await rig.put(b"a", b"1")
    await rig.put(b"a", b"2")
    await rig.compact(await rig.put(b"a", b"3"))
    with pytest.raises(CompactedError) as raised:
        await changes_from(rig.store.watch(*rig.span, old), 1)
    assert raised.value.compacted_revision > old


async def ten_watches_are_told_the_same(rig: Rig) -> None:
    first = await rig.put(b"a")
    watches = [rig.store.watch(*rig.span, first) for _ in range(10)]
    reading = [asyncio.create_task(changes_from(each, 50)) for each in watches]
    for each in range(49):
        await rig.put(b"%d" % each)
    told = await asyncio.gather(*reading)
    assert [each.revision for each in told[0]] == list(range(first, first + 50))
    assert all(each == told[0] for each in told)


CONTRACT = (
    a_put_is_read_with_its_revisions,
    any_octets_are_keys_and_values,
    a_deleted_key_is_absent_and_begins_anew,
    what_changes_nothing_takes_no_revision,
    a_transaction_compares_each_target,
    the_other_branch_is_carried_out_on_refusal,
    as_many_keys_as_may_be_are_changed_together_or_read_together,
    operations_are_at_one_revision_and_see_those_before,
    of_two_that_compare_the_same_one_wins,
    a_range_is_read_in_pages_of_one_revision,
    an_old_revision_is_gone_after_compaction,
    a_revoked_lease_takes_its_keys,
    a_put_under_no_such_lease_puts_nothing,
    a_renewed_lease_goes_on,
    a_lease_that_is_not_renewed_ends_and_a_watch_tells_it,
    a_watch_tells_what_was_and_what_comes_in_order,
    a_watch_looks_at_its_range_only,
    a_watch_begins_with_its_progress,
    a_watch_of_what_is_compacted_says_so,
    ten_watches_are_told_the_same,
)

each_case = pytest.mark.parametrize("case", CONTRACT, ids=lambda case: case.__name__)
