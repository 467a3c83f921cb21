"""A node dials while something is used, tries each way, and hangs up when nothing is."""

import asyncio
from dataclasses import replace
from pathlib import Path

from cluster.links.sockets.dialer import TcpAddress, UnixAddress
from tests.cluster.fronts.links.test_table import BRISK, run, stop
from tests.support.front_nodes import FrontNode, link_of, until


def test_a_link_without_use_ends_and_one_that_is_used_again_stays() -> None:
    async def work() -> None:
        nodes: dict[str, FrontNode] = {}
        for name in "ab":
            await FrontNode(name, nodes, BRISK, idle_ms=30).listen()
        link = await link_of(nodes, "a", "b")
        nodes["a"].dialing.leave("b")
        nodes["a"].dialing.reach("b")
        nodes["a"].dialing.leave("b")
        nodes["a"].dialing.leave("b")
        await until(nodes, lambda: link.reason is not None)
        assert link.reason == "it is not used"
        await until(nodes, lambda: ("front ended", "a") in nodes["b"].heard)
        dialled_count = len(nodes["a"].dialled)
        again = await link_of(nodes, "a", "b")
        assert again is not link
        assert len(nodes["a"].dialled) == dialled_count + 1
        await stop(nodes)
        nodes["a"].dialing.reach("b")
        nodes["a"].dialing.leave("b")
        assert not nodes["a"].dialing._dialers

    run(work())


def test_a_use_in_time_keeps_the_link() -> None:
    async def work() -> None:
        nodes: dict[str, FrontNode] = {}
        for name in "ab":
            await FrontNode(name, nodes, BRISK, idle_ms=30).listen()
        link = await link_of(nodes, "a", "b")
        nodes["a"].dialing.leave("b")
        nodes["a"].dialing.reach("b")
        assert not nodes["a"].dialing._idle
        timer = asyncio.Event()
        nodes["a"].loop.call_later(0.06, timer.set)
        await timer.wait()
        assert link.reason is None
        await stop(nodes)

    run(work())


def test_the_next_way_is_tried_where_the_best_one_leads_nowhere(tmp_path: Path) -> None:
    async def work() -> None:
        nodes: dict[str, FrontNode] = {}
        for name in "ab":
            await FrontNode(name, nodes, BRISK).listen()
        tcp = nodes["b"].addresses[0]
        assert isinstance(tcp, TcpAddress)
        nodes["b"].addresses = (UnixAddress(str(tmp_path / "nobody")), tcp)
        link = await link_of(nodes, "a", "b")
        assert nodes["a"].dialled == ["b", "b"]
        # After its end the best way is tried first again.
        at_b = nodes["b"].table.from_front("a")
        assert at_b is not None
        at_b.close("again")
        await until(nodes, lambda: link.reason is not None)
        await until(nodes, lambda: nodes["a"].table.to_leader("b") is not None)
        assert nodes["a"].dialled == ["b"] * 4
        await stop(nodes)

    run(work())


def test_a_node_that_nobody_knows_is_asked_for_until_it_is_known() -> None:
    async def work() -> None:
        nodes: dict[str, FrontNode] = {}
        a = await FrontNode("a", nodes, BRISK).listen()
        a.dialing.reach("b")
        await until(nodes, lambda: len(a.dialled) >= 3)
        await FrontNode("b", nodes, BRISK).listen()
        await until(nodes, lambda: a.table.to_leader("b") is not None)
        await stop(nodes)

    run(work())


def test_links_that_are_being_ended_are_waited_for_at_a_stop() -> None:
    async def work() -> None:
        nodes: dict[str, FrontNode] = {}
        for name in "ab":
            await FrontNode(name, nodes, replace(BRISK), idle_ms=0).listen()
        link = await link_of(nodes, "a", "b")
        nodes["a"].dialing.leave("b")
        await until(nodes, lambda: link.reason is not None)
        await stop(nodes)
        assert not nodes["a"].dialing._stopping

    run(work())
