"""The ``live`` key of a node: put once, under one lease, whatever the store leaves unsaid."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.liveness.live_key import (
    LiveRecord,
    NameTakenError,
    decode_live,
    encode_live,
    register,
)
from cluster.metadata.errors import RecordFormatError
from cluster.metadata.memory import Fate, MemoryStore
from cluster.metadata.port import Item, end_of_key
from tests.support.etcd_stores import Clock

KEY = b"/mq/c/live/a"
TTL_MS = 10_000
MINE = LiveRecord("disk-1", "boot-2", "1.0", (1, 2), (("amqp", "a:5672"), ("links", "a:25672")))


def play(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


async def item_in(store: MemoryStore) -> Item | None:
    page = await store.read_range(KEY, end_of_key(KEY))
    return page.items[0] if page.items else None


@given(
    st.builds(
        LiveRecord,
        st.text(),
        st.text(),
        st.text(),
        st.tuples(st.integers(0, 99), st.integers(0, 99)),
    )
)
def test_a_record_comes_back(record: LiveRecord) -> None:
    assert decode_live(encode_live(record)) == record


@pytest.mark.parametrize(
    "fields",
    [
        [],
        {},
        {"v": 2},
        {"v": 1, "disk": 1, "boot": "", "release": "", "wire_versions": [1, 1], "addresses": {}},
        {"v": 1, "disk": "", "boot": "", "release": "", "wire_versions": [1], "addresses": {}},
        {"v": 1, "disk": "", "boot": "", "release": "", "wire_versions": [1, 1], "addresses": [1]},
        {
            "v": 1,
            "disk": "",
            "boot": "",
            "release": "",
            "wire_versions": [1, 1],
            "addresses": {"a": 1},
        },
    ],
)
def test_what_is_no_record_is_refused(fields: object) -> None:
    with pytest.raises(RecordFormatError):
        decode_live(orjson.dumps(fields))


def test_a_node_is_registered_with_the_revision_of_its_key() -> None:
    async def work() -> None:
        store = MemoryStore(Clock())
        registered = await register(store, KEY, MINE, TTL_MS)
        item = await item_in(store)
        assert item is not None
        assert (item.create_revision, item.lease) == (registered.incarnation, registered.lease.id)
        assert decode_live(item.value) == MINE

    play(work())


def test_the_key_of_an_earlier_run_on_the_disk_gives_way() -> None:
    async def work() -> None:
        store = MemoryStore(Clock())
        before = await register(store, KEY, LiveRecord("disk-1", "boot-1"), TTL_MS)
        after = await register(store, KEY, MINE, TTL_MS)
        assert after.incarnation > before.incarnation
        item = await item_in(store)
        assert item is not None
        assert decode_live(item.value).boot == "boot-2"
        assert await store.revoke(before.lease.id)
        assert await item_in(store) is not None, "the lease of before has nothing any more"

    play(work())


def test_a_name_that_another_disk_has_is_refused_until_its_lease_ends() -> None:
    async def work() -> None:
        clock = Clock()
        store = MemoryStore(clock)
        other = await register(store, KEY, LiveRecord("disk-9", "boot-1"), TTL_MS)
        with pytest.raises(NameTakenError, match="disk-9"):
            await register(store, KEY, MINE, TTL_MS)
        item = await item_in(store)
        assert item is not None
        assert item.lease == other.lease.id
        clock.now_ms += TTL_MS + 1
        await register(store, KEY, MINE, TTL_MS)

    play(work())


@pytest.mark.parametrize("fates", [[Fate.APPLIED], [Fate.LOST], [Fate.LOST, Fate.APPLIED]])
def test_an_unknown_outcome_is_settled_by_asking_again(fates: list[Fate]) -> None:
    async def work() -> None:
        store = MemoryStore(Clock())
        store.fates.extend(fates)
        registered = await register(store, KEY, MINE, TTL_MS)
        item = await item_in(store)
        assert item is not None
        assert (item.create_revision, item.lease) == (registered.incarnation, registered.lease.id)

    play(work())


def test_one_that_is_applied_late_changes_nothing_then() -> None:
    async def work() -> None:
        store = MemoryStore(Clock())
        store.fates.append(Fate.LATE)
        registered = await register(store, KEY, MINE, TTL_MS)
        await store.transact(store.late.popleft())
        item = await item_in(store)
        assert item is not None
        assert (item.create_revision, item.mod_revision) == (registered.incarnation,) * 2

    play(work())
