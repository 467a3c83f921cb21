"""A replica that is no member of the in-sync set leads, by command only."""

import asyncio
from pathlib import Path

import pytest

from amqp_server.broker.errors import PreconditionFailedError
from amqp_server.clustering.promoting import _ahead_of
from amqp_server.clustering.replica_questions import Holding
from tests.clustering.test_cluster_commands import commanded, done
from tests.support.running_cluster import Publisher

pytestmark = pytest.mark.timeout(180)


def test_who_has_more_comes_first() -> None:
    others = {"a": Holding((7, 3)), "b": Holding((2, 4)), "c": Holding((9, 2)), "d": Holding(None)}
    assert _ahead_of(Holding((6, 3)), others) == ("b", "a")
    assert _ahead_of(Holding((0, 0)), others) == ("b", "a", "c")
    assert _ahead_of(Holding((2, 4)), others) == ()


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
