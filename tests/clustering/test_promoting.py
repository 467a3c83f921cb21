"""A replica that is no member of the in-sync set leads, by command only."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from amqp_server.broker.errors import PreconditionFailedError
from amqp_server.clustering.promoting import Promoting, _ahead_of
from amqp_server.clustering.replica_questions import Holding, ReplicaQuestions
from cluster.metadata.memory import MemoryStore
from cluster.metadata.port import Done, Put, Read, Transaction
from cluster.metadata.records import StoredQueueState, decode_queue_state, encode_queue_state
from cluster.node.node import ClusterNode
from tests.clustering.test_cluster_commands import commanded, done
from tests.support.cluster_views import KEYS, Told, members, stored
from tests.support.joined_peers import JoinedPeers
from tests.support.running_cluster import Publisher

pytestmark = pytest.mark.timeout(180)


def test_who_has_more_comes_first() -> None:
    others = {"a": Holding((7, 3)), "b": Holding((2, 4)), "c": Holding((9, 2)), "d": Holding(None)}
    assert _ahead_of(Holding((6, 3)), others) == ("b", "a")
    assert _ahead_of(Holding((0, 0)), others) == ("b", "a", "c")
    assert _ahead_of(Holding((2, 4)), others) == ()


LIVE = {"a": "disk a", "b": "another disk"}
"""Of the members a and b one runs with its disk; c is away."""


class Held:
    """A queue that a leads, in a store; what a says of its replica is what the test says."""

    def __init__(self) -> None:
        self.told, self.store = Told(), MemoryStore(lambda: 0)
        self.peers: dict[str, JoinedPeers] = {}
        self.is_damaged = True

    async def begin(self, live: dict[str, str]) -> Promoting:
        """Return what asks, on node b."""
        created: dict[str, int] = {}
        for name, disk in live.items():
            put = Put(KEYS.key("live", name), b"%d" % len(disk))
            done = await self.store.transact(Transaction(then=(put,)))
            assert isinstance(done, Done)
            created[name] = done.revision
            self.told.live(name, done.revision, disk)
        state = stored("q1", "a", created["a"], 3, isr="ab")
        put = Put(KEYS.queue_state("v", "jobs"), encode_queue_state(state))
        await self.store.transact(Transaction(then=(put,)))
        self.told.queue(state)
        ReplicaQuestions(self.node("a"), JoinedPeers("a", self.peers))
        return Promoting(self.node("b"), JoinedPeers("b", self.peers))

    def node(self, name: str) -> ClusterNode:
        async def wait_for(_revision: int) -> None: ...

        node = SimpleNamespace(
            options=SimpleNamespace(node=name),
            keys=KEYS,
            view=self.told.view,
            store=self.store,
            follower=SimpleNamespace(wait_for=wait_for),
            shell=SimpleNamespace(emptying=SimpleNamespace(emptied={})),
            end_of=lambda _queue: (90, 3) if name == "a" else (0, 0),
            is_damaged=lambda _queue: self.is_damaged and name == "a",
        )
        return cast("ClusterNode", node)

    async def state(self) -> StoredQueueState:
        read = Read(KEYS.queue_state("v", "jobs"))
        done = await self.store.transact(Transaction(then=(read,)))
        assert isinstance(done, Done)
        assert done.reads[0] is not None
        return decode_queue_state(done.reads[0].value)


def test_a_damaged_leader_that_nobody_relieves_goes_on_alone_and_keeps_the_rest() -> None:
    async def work() -> None:
        held = Held()
        promoting = await held.begin(LIVE)
        other = await promoting.ask("v", "jobs", "b")
        assert "promote a itself, which keeps the rest" in other.refusal
        asked = await promoting.ask("v", "jobs", "a")
        assert (asked.refusal, asked.leads, asked.end, asked.silent) == ("", True, (90, 3), ("c",))
        assert await promoting.promote("v", "jobs", "a") == 4
        after = await held.state()
        assert (after.state.leader, after.clean, after.options.min_isr) == ("a", False, 1)
        assert after.state.in_sync_set == members("a")

    asyncio.run(work())


def test_a_leader_that_is_whole_or_relieved_is_not_promoted() -> None:
    async def refusal(live: dict[str, str], *, is_damaged: bool) -> str:
        held = Held()
        held.is_damaged = is_damaged
        promoting = await held.begin(live)
        before = await held.state()
        asked = await promoting.ask("v", "jobs", "a")
        with pytest.raises(PreconditionFailedError, match=asked.refusal):
            await promoting.promote("v", "jobs", "a")
        assert await held.state() == before
        return asked.refusal

    assert asyncio.run(refusal(LIVE, is_damaged=False)) == "a leads"
    relieved = asyncio.run(refusal({**LIVE, "b": "disk b"}, is_damaged=True))
    assert relieved == "b has all messages and is about to lead"


def test_a_member_that_comes_back_meanwhile_is_not_promoted_over() -> None:
    async def work() -> None:
        held = Held()
        promoting = await held.begin({"a": "disk a"})
        await held.store.transact(Transaction(then=(Put(KEYS.key("live", "b"), b"1"),)))
        with pytest.raises(PreconditionFailedError, match="changed meanwhile"):
            await promoting.promote("v", "jobs", "a")

    asyncio.run(work())


def test_it_is_refused_while_a_member_lives_and_leads_once_none_does(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with commanded(tmp_path, "a", "b", "c") as nodes:
            leader = await nodes.served("a", "b", "c")
            first, last = sorted({"a", "b", "c"} - {leader})
            asked = await done(nodes.on[first].promotion("v", "jobs", last))
            assert asked.refusal == f"{leader} leads"
            assert asked.end is not None, "another node says what it has"
            assert (asked.is_damaged, asked.is_emptied, asked.ahead, asked.silent) == (
                False, False, (), (),
            )  # fmt: skip
            nodes.cluster.nodes[last].node.shell.core.set_damaged("q1", is_damaged=True)
            assert (await done(nodes.on[first].promotion("v", "jobs", last))).is_damaged
            nodes.cluster.nodes[last].node.shell.core.set_damaged("q1", is_damaged=False)
            with pytest.raises(PreconditionFailedError, match="leads"):
                await done(nodes.on[first].promote("v", "jobs", last))
            await Publisher(nodes.cluster, "q1").publish(3)
            # The one that stays is out of the in-sync set before the two others go.
            await nodes.kill(last)
            await nodes.cluster.until(lambda: last not in nodes.jobs(first).members)
            epoch, members = nodes.jobs(first).epoch, nodes.jobs(first).members
            await nodes.kill(first)
            await nodes.kill(leader)
            await nodes.cluster.start(last)
            nodes.begin(last)
            await nodes.cluster.until(lambda: nodes.jobs(last).is_offline)
            await nodes.cluster.until(
                lambda: set(nodes.cluster.nodes[last].node.view.live) == {last}
            )
            asked = await done(nodes.on[last].promotion("v", "jobs", last))
            assert (asked.refusal, asked.members) == ("", tuple(sorted(members)))
            assert asked.end is not None
            assert asked.end[0] >= 3
            promoted = await done(nodes.on[last].promote("v", "jobs", last))
            assert promoted > epoch
            await nodes.cluster.until_served("q1", by=last)
            await Publisher(nodes.cluster, "q1", "p2").publish(2)
            view = nodes.jobs(last)
            assert (view.is_clean, view.min_isr, view.members) == (False, 1, (last,))
            assert nodes.on[last].view().promotions_count == 1

    asyncio.run(scenario())
