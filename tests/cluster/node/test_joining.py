"""A start with a store in memory and a disk that remembers, cut off at every point."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import cast

import pytest

from cluster.liveness.live_key import (
    LiveRecord,
    NameTakenError,
    OtherSecretError,
    encode_live,
    register,
)
from cluster.metadata.keys import FEATURE_LEVEL, SECRET_CHECK
from cluster.metadata.memory import Fate, MemoryStore
from cluster.metadata.paging import read_key
from cluster.metadata.port import Put, Transaction, Value
from cluster.metadata.records import StoredMember, decode_member, encode_level, encode_member
from cluster.node.fitting import NodeFrozenError
from cluster.node.joining import Joined, Joining
from cluster.node.pauses import Pauses
from cluster.node.ports import KeptIdentity
from cluster.replication.identity import DiskIdentity
from persistence.replicas.log import ReplicaLog
from tests.support.cluster_views import KEYS

MEMBER_KEY = KEYS.key("member", "a")


class CutOffError(Exception):
    """The power went."""


class Disk:
    """A ``NodeDisk`` in memory, whose power goes after so many writes."""

    def __init__(self, *replicas: str) -> None:
        self.kept: KeptIdentity | None = None
        self.queue_ids = list(replicas)
        self.lost: list[str] = []
        self.writes_left = 1_000

    def _write(self) -> None:
        if not self.writes_left:
            raise CutOffError
        self.writes_left -= 1

    def identity(self) -> KeptIdentity | None:
        return self.kept

    def keep_identity(self, kept: KeptIdentity) -> None:
        self._write()
        self.kept = kept

    def replicas(self) -> Mapping[str, ReplicaLog]:
        return {each: cast("ReplicaLog", None) for each in self.queue_ids if each not in self.lost}

    def lost_replicas(self) -> tuple[str, ...]:
        return tuple(self.lost)

    def make_replica(self, queue_id: str, max_priority: int | None) -> ReplicaLog:
        raise NotImplementedError

    def was_dropped(self, queue_id: str) -> bool:
        return False

    def drop_replica(self, queue_id: str, *, is_gone: bool) -> int:
        assert not is_gone, "a queue of an earlier disk is not gone"
        self._write()
        self.queue_ids.remove(queue_id)
        self.lost = [each for each in self.lost if each != queue_id]
        return 1

    def last_lsn(self) -> int:
        return 1


class Starting:
    def __init__(self, disk: Disk, node: str = "a") -> None:
        self.node = node
        self.store = MemoryStore(lambda: 0)
        self.disk = disk
        self.drawn = 0
        self.now_ms = 0
        self.secret_check = b""

    async def join(self) -> Joined:
        joining = Joining(
            self.store,
            KEYS,
            node=self.node,
            zone="rack",
            patience_ms=100,
            now_ms=self.tell_ms,
            disk=self.disk,
            committed=self.committed,
            new_disk=self.draw,
            pauses=Pauses(1, 1, lambda: 0.0),
            secret_check=self.secret_check,
        )
        async with asyncio.timeout(20):
            return await joining.join()

    def tell_ms(self) -> int:
        self.now_ms += 30
        return self.now_ms

    async def committed(self) -> None:
        await asyncio.sleep(0)

    def draw(self) -> str:
        self.drawn += 1
        return f"disk {self.drawn}"

    async def member(self) -> StoredMember:
        found = (await read_key(self.store, MEMBER_KEY)).item
        assert found is not None
        return decode_member(found.value)

    async def put(self, key: bytes, value: bytes) -> None:
        await self.store.transact(Transaction(then=(Put(key, value),)))


def test_a_level_that_this_release_does_not_know_keeps_a_node_out_and_changes_nothing() -> None:
    async def scenario() -> None:
        level_key = KEYS.key("meta", FEATURE_LEVEL)
        for value in (encode_level(2), encode_level(0), b"{}"):
            starting = Starting(Disk())
            await starting.put(level_key, value)
            with pytest.raises(NodeFrozenError, match="knows the feature levels 1 to 1"):
                await starting.join()
            assert starting.disk.kept is None
            assert (await read_key(starting.store, MEMBER_KEY)).item is None
            await starting.put(level_key, encode_level(1))
            await starting.join()

    asyncio.run(scenario())


def test_a_node_with_another_secret_is_kept_out_while_others_run_and_changes_nothing() -> None:
    async def scenario() -> None:
        check_key = KEYS.key("meta", SECRET_CHECK)
        starting = Starting(Disk())
        starting.secret_check = b"of the first"
        await starting.join()
        found = (await read_key(starting.store, check_key)).item
        assert found is not None
        assert found.value == b"of the first"
        starting.disk.kept, starting.secret_check = None, b"of another"
        other = LiveRecord("disk 7", "boot", "1", (1, 1), ())
        await starting.put(KEYS.key("live", "b"), encode_live(other))
        with pytest.raises(NodeFrozenError, match="its secret is not that of the nodes that run"):
            await starting.join()
        assert starting.disk.kept is None
        assert (await read_key(starting.store, check_key)).item == found

    asyncio.run(scenario())


def test_a_secret_may_change_while_no_other_node_runs() -> None:
    async def scenario() -> None:
        starting = Starting(Disk())
        for value in (b"of the first", b"", b"a new one"):
            starting.secret_check = value
            await starting.join()
        found = (await read_key(starting.store, KEYS.key("meta", SECRET_CHECK))).item
        assert found is not None
        assert found.value == b"a new one"

    asyncio.run(scenario())


def test_of_two_that_start_at_once_with_other_secrets_one_is_refused() -> None:
    async def scenario() -> None:
        first, second = Starting(Disk()), Starting(Disk(), node="b")
        second.store = first.store
        first.secret_check, second.secret_check = b"of the first", b"of the second"

        async def overtaken() -> None:
            second.committed = Starting.committed.__get__(second)  # type: ignore[method-assign]
            await first.join()

        second.committed = overtaken  # type: ignore[method-assign]
        with pytest.raises(NodeFrozenError, match="another secret started at the same time"):
            await second.join()
        found = (await read_key(first.store, KEYS.key("meta", SECRET_CHECK))).item
        assert found is not None
        assert found.value == b"of the first"

    asyncio.run(scenario())


@pytest.mark.parametrize("is_registered", [True, False])
def test_who_joins_over_another_secret_or_who_has_joined_before_is_refused(
    is_registered: bool,
) -> None:
    """The first has joined and does not run yet: it has no key, and the second sees nobody."""

    async def scenario() -> None:
        first, second = Starting(Disk()), Starting(Disk(), node="b")
        second.store = first.store
        first.secret_check, second.secret_check = b"of the first", b"of the second"
        joined = await first.join()
        check_key = KEYS.key("meta", SECRET_CHECK)
        secret = Value(check_key, joined.secret_check)
        record = LiveRecord(joined.identity.disk, "boot", "1", (1, 1), ())

        async def registered() -> None:
            await register(first.store, KEYS.key("live", "a"), record, 1_000, secret=secret)

        if is_registered:
            second.committed = registered  # type: ignore[method-assign]
            with pytest.raises(NodeFrozenError, match="not that of the nodes that run"):
                await second.join()
        else:
            await second.join()
            with pytest.raises(OtherSecretError):
                await registered()

    asyncio.run(scenario())


def test_a_level_that_is_raised_during_a_start_is_seen() -> None:
    async def scenario() -> None:
        starting = Starting(Disk())

        async def raised() -> None:
            await starting.put(KEYS.key("meta", FEATURE_LEVEL), encode_level(2))

        starting.committed = raised  # type: ignore[method-assign]
        with pytest.raises(NodeFrozenError, match="the cluster has 2"):
            await starting.join()
        assert (await read_key(starting.store, MEMBER_KEY)).item is None

    asyncio.run(scenario())


def test_a_new_node_and_its_next_start() -> None:
    async def scenario() -> None:
        starting = Starting(Disk())
        first = await starting.join()
        assert first.member == encode_member(StoredMember("disk 1", 1, "rack"))
        starting.disk.queue_ids = ["q1"]
        again = await starting.join()
        assert (again.identity.disk, again.identity.stamp) == ("disk 1", 2)
        assert await starting.member() == StoredMember("disk 1", 2, "rack")
        assert starting.disk.queue_ids == ["q1"]

    asyncio.run(scenario())


def test_a_start_waits_for_the_store_and_settles_what_is_unknown() -> None:
    async def scenario() -> None:
        starting = Starting(Disk())
        # The read is a transaction too.
        starting.store.fates += [Fate.LOST, Fate.LOST]
        assert (await starting.join()).identity.stamp == 1
        starting.store.away = True
        waiting = asyncio.create_task(starting.join())
        await asyncio.sleep(0)
        starting.store.away = False
        assert (await waiting).identity.stamp == 2

    asyncio.run(scenario())


@pytest.mark.parametrize("writes", range(6))
def test_power_that_goes_while_an_old_disk_begins_anew_leaves_no_member_without_its_records(
    writes: int,
) -> None:
    async def scenario() -> None:
        disk = Disk("q1", "q2")
        disk.kept = KeptIdentity(DiskIdentity("old", 3, 1), is_begun=True)
        starting = Starting(disk)
        await starting.put(MEMBER_KEY, encode_member(StoredMember("old", 5)))
        disk.writes_left = writes
        try:
            await starting.join()
        except CutOffError:
            whole = ["q1", "q2"]
            assert disk.kept is not None
            assert disk.queue_ids == whole or not disk.kept.is_begun
        disk.writes_left = 1_000
        joined = await starting.join()
        assert joined.identity.disk not in {"", "old"}
        assert disk.queue_ids == []
        assert (await starting.member()).disk == joined.identity.disk

    asyncio.run(scenario())


@pytest.mark.parametrize("writes", range(3))
def test_power_that_goes_in_an_ordinary_start_costs_nothing(writes: int) -> None:
    async def scenario() -> None:
        disk = Disk("q1")
        disk.kept = KeptIdentity(DiskIdentity("d", 5, 1), is_begun=True)
        starting = Starting(disk)
        await starting.put(MEMBER_KEY, encode_member(StoredMember("d", 5)))
        disk.writes_left = writes
        with suppress(CutOffError):
            await starting.join()
        disk.writes_left = 1_000
        assert (await starting.join()).identity.disk == "d"
        assert disk.queue_ids == ["q1"]

    asyncio.run(scenario())


def test_a_lost_replica_makes_it_another_disk() -> None:
    async def scenario() -> None:
        starting = Starting(Disk())
        await starting.join()
        starting.disk.queue_ids = ["q1", "q2"]
        starting.disk.lost = ["q2"]
        assert (await starting.join()).identity.disk != "disk 1"
        assert starting.disk.queue_ids == []

    asyncio.run(scenario())


def test_a_node_of_the_name_on_another_disk_is_left_alone() -> None:
    async def scenario() -> None:
        starting = Starting(Disk())
        await starting.put(MEMBER_KEY, encode_member(StoredMember("other", 7)))
        await starting.put(KEYS.key("live", "a"), encode_live(LiveRecord("other", "boot")))
        with pytest.raises(NameTakenError, match="give this node another name"):
            await starting.join()
        assert await starting.member() == StoredMember("other", 7)
        assert starting.disk.kept is None

    asyncio.run(scenario())


def test_a_store_that_went_back_is_said_to_the_operator() -> None:
    async def scenario() -> None:
        starting = Starting(Disk())
        starting.store.keep_copy()
        await starting.join()
        starting.store.go_back()
        with pytest.raises(NodeFrozenError, match="does not know the node"):
            await starting.join()

    asyncio.run(scenario())
