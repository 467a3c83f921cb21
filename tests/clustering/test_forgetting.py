"""A node is taken out of the cluster: what is refused, when it is gone, and that it stays out."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from amqp_server.broker.cluster import LEAVING, StoreAwayError
from amqp_server.broker.errors import NotFoundError, PreconditionFailedError
from amqp_server.clustering.forgetting import NAMES_MAX, Forgetting
from cluster.liveness.live_key import LiveRecord, encode_live
from cluster.metadata.errors import MetadataError
from cluster.metadata.following.cache import Difference
from cluster.metadata.memory import MemoryStore
from cluster.metadata.port import Delete, Outcome, Put, Transaction, Unknown
from cluster.metadata.records import StoredMember, encode_member, encode_queue_state
from cluster.node.fitting import NodeFrozenError
from cluster.node.view import ClusterView
from tests.support.cluster_views import KEYS, stored


class Failing(MemoryStore):
    """A store whose next answers are lost, or that is away."""

    lost = 0
    away = False
    before_write: Callable[[], Awaitable[None]] | None = None

    async def transact(self, transaction: Transaction) -> Outcome:
        if self.away:
            return Unknown("away")
        if transaction.compare and (first := self.before_write):
            self.before_write = None
            await first()
        outcome = await super().transact(transaction)
        if self.lost and transaction.compare:
            self.lost -= 1
            return Unknown("lost")
        return outcome


class _Follower:
    """Has what the store has, at once."""

    async def wait_for(self, revision: int) -> None:
        del revision


class _Part:
    failed: BaseException | None = None

    def fail(self, error: BaseException) -> None:
        self.failed = error


class _Options:
    node = "a"
    levels = (1, 1)


class Rig:
    """Node a, over a store that its view follows."""

    def __init__(self) -> None:
        self.store = Failing(lambda: 0)
        self.keys = KEYS
        self.view = ClusterView(KEYS)
        self.follower = _Follower()
        self.part = _Part()
        self.options = _Options()
        self.is_controller = True
        node: Any = self
        self.forgetting = Forgetting(node)

    async def put(self, key: bytes, value: bytes | None) -> None:
        change = Delete(key) if value is None else Put(key, value)
        await self.store.transact(Transaction(then=(change,)))
        await self.follow()

    async def follow(self) -> None:
        page = await self.store.read_range(KEYS.prefix, KEYS.prefix + b"\xff")
        held = {each.key for each in page.items}
        gone = [KEYS.key("member", each) for each in self.view.members]
        gone += [KEYS.key("live", each) for each in self.view.live]
        self.view.take([Difference(key, None, None) for key in gone if key not in held])
        self.view.take([Difference(each.key, None, each) for each in page.items])

    async def member(self, name: str, *, lives: bool = True, state: str = "active") -> None:
        await self.put(
            KEYS.key("member", name), encode_member(StoredMember(f"disk {name}", 1, "", state))
        )
        live = encode_live(LiveRecord(f"disk {name}", "boot")) if lives else None
        await self.put(KEYS.key("live", name), live)

    async def queue(self, number: int, isr: str, leader: str = "a") -> None:
        value = encode_queue_state(stored(f"q{number}", leader, 1, 1, isr))
        await self.put(KEYS.queue_state("v", f"jobs{number}"), value)

    async def begin(self) -> None:
        for name in "ab":
            await self.member(name)
        await self.member("c", lives=False)


def test_a_node_leaves_and_is_gone_once_no_queue_names_it() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.begin()
        await rig.queue(1, "abc")
        await rig.forgetting.look()
        await rig.forgetting.forget("c")
        await rig.follow()
        assert rig.view.members["c"].state == LEAVING
        # Asked twice it is the same.
        await rig.forgetting.forget("c")
        await rig.forgetting.look()
        await rig.follow()
        assert "c" in rig.view.members
        await rig.put(KEYS.queue_state("v", "jobs1"), None)
        rig.view.take([Difference(KEYS.queue_state("v", "jobs1"), None, None)])
        rig.is_controller = False
        await rig.forgetting.look()
        await rig.follow()
        assert "c" in rig.view.members
        rig.is_controller = True
        await rig.forgetting.look()
        await rig.follow()
        assert sorted(rig.view.members) == ["a", "b"]

    asyncio.run(scenario())


def test_one_that_runs_is_not_taken_out_whenever_it_came_back() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.begin()
        with pytest.raises(PreconditionFailedError, match="b runs: drain it and stop it first"):
            await rig.forgetting.forget("b")
        with pytest.raises(NotFoundError):
            await rig.forgetting.forget("x")
        await rig.forgetting.forget("c")
        await rig.follow()
        # It runs again, and the copy of this node does not know it yet.
        live = Put(KEYS.key("live", "c"), encode_live(LiveRecord("disk c", "boot")))
        await rig.store.transact(Transaction(then=(live,)))
        await rig.forgetting.look()
        await rig.follow()
        assert rig.view.members["c"].state == LEAVING

    asyncio.run(scenario())


def test_queues_that_only_it_has_are_named_and_nothing_is_done() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.begin()
        await rig.queue(1, "c")
        await rig.queue(2, "ac")
        with pytest.raises(PreconditionFailedError, match=r"only c has .* 'jobs1' in vhost 'v':"):
            await rig.forgetting.forget("c")
        for number in range(3, NAMES_MAX + 5):
            await rig.queue(number, "c")
        with pytest.raises(PreconditionFailedError, match=r"and 3 more: .*nothing was done"):
            await rig.forgetting.forget("c")
        await rig.follow()
        assert rig.view.members["c"].state == "active"

    asyncio.run(scenario())


def test_the_last_of_those_that_have_a_queue_does_not_leave_behind_the_others() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.begin()
        await rig.member("d", lives=False)
        await rig.queue(1, "cd")
        await rig.forgetting.forget("c")
        await rig.follow()
        with pytest.raises(PreconditionFailedError, match=r"only c and d have all .* 'jobs1'"):
            await rig.forgetting.forget("d")
        # It runs again, and leads what it has until that is elsewhere.
        await rig.member("c", state=LEAVING)
        await rig.forgetting.forget("d")
        await rig.follow()
        assert rig.view.members["d"].state == LEAVING

    asyncio.run(scenario())


@pytest.mark.parametrize("starts_between", [False, True])
def test_two_that_have_a_queue_together_are_not_forgotten_at_once(*, starts_between: bool) -> None:
    """Each of two commands sees that the other node stays; one of them is told that it does not."""

    async def scenario() -> None:
        rig = Rig()
        await rig.begin()
        await rig.member("d", lives=starts_between)
        await rig.queue(1, "cd")

        async def other_command() -> None:
            if starts_between:
                await rig.put(KEYS.key("live", "d"), None)
            await rig.forgetting.forget("d")
            await rig.follow()

        rig.store.before_write = other_command
        with pytest.raises(PreconditionFailedError, match=r"only c and d have all .* 'jobs1'"):
            await rig.forgetting.forget("c")
        await rig.follow()
        assert (rig.view.members["c"].state, rig.view.members["d"].state) == ("active", LEAVING)

    asyncio.run(scenario())


def test_two_commands_for_the_same_node_do_it_once() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.begin()
        await rig.queue(1, "abc")

        async def other_command() -> None:
            await rig.forgetting.forget("c")
            await rig.follow()

        rig.store.before_write = other_command
        await rig.forgetting.forget("c")
        await rig.follow()
        assert rig.view.members["c"].state == LEAVING

    asyncio.run(scenario())


def test_lost_answers_and_a_store_that_is_away() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.begin()
        rig.store.lost = 1
        await rig.forgetting.forget("c")
        await rig.follow()
        assert rig.view.members["c"].state == LEAVING
        rig.store.away = True
        with pytest.raises((StoreAwayError, MetadataError)):
            await rig.forgetting.forget("c")
        await rig.forgetting.look()
        rig.store.away = False
        rig.store.lost = 1
        await rig.forgetting.look()
        await rig.forgetting.look()
        await rig.follow()
        assert "c" not in rig.view.members

    asyncio.run(scenario())


def test_a_node_that_was_taken_out_ends() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.begin()
        rig.forgetting.nodes_changed(("a", "b"))
        assert rig.part.failed is None
        await rig.put(KEYS.key("member", "a"), b"{}")
        rig.forgetting.nodes_changed(("a",))
        assert rig.part.failed is None, "a record that cannot be read says nothing"
        rig.view.take([Difference(KEYS.key("member", "a"), None, None)])
        rig.forgetting.leaders_changed(("q1",))
        rig.forgetting.nodes_changed(("b",))
        assert rig.part.failed is None
        rig.forgetting.nodes_changed(("a",))
        assert isinstance(rig.part.failed, NodeFrozenError)

    asyncio.run(scenario())


def test_it_looks_by_itself_also_after_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        monkeypatch.setattr("amqp_server.clustering.forgetting.LOOK_S", 0.0)
        rig = Rig()
        await rig.begin()
        await rig.forgetting.forget("c")
        await rig.follow()
        rig.store.away = True
        rig.forgetting.begin()
        for _ in range(20):
            await asyncio.sleep(0)
        rig.store.away = False
        async with asyncio.timeout(20):
            while "c" in rig.view.members:
                await asyncio.sleep(0)
                await rig.follow()
        await rig.forgetting.stop()
        await rig.forgetting.stop()

    asyncio.run(scenario())
