"""Inquiries beside the turns: what is awaited comes, fails in time, or is nobody's."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from amqp_server.broker.access.rights import User
from amqp_server.broker.awaited import Awaited
from cluster.definitions.inquiry import Inquiry, reading
from cluster.metadata.errors import StoreAwayError
from cluster.metadata.port import Page
from tests.support.clustered_nodes import (
    IMPATIENT_MS,
    KEYS,
    PATIENCE_MS,
    Cluster,
    ClusteredNode,
    cluster_of,
    until,
)


def play(
    case: Callable[[Cluster, ClusteredNode], Coroutine[Any, Any, None]],
    patience_ms: int = PATIENCE_MS,
) -> None:
    async def run() -> None:
        async with cluster_of(1, patience_ms=patience_ms) as cluster:
            await case(cluster, cluster.nodes[0])

    asyncio.run(run())


async def value_of(awaited: Awaited[Any]) -> Any:  # noqa: ANN401 - of each its own
    await until(lambda: awaited.is_over)
    steps = awaited.value()
    try:
        next(steps)
    except StopIteration as end:
        return end.value
    raise AssertionError("it is over")


def of_vhosts() -> Inquiry[Page]:
    return reading(KEYS.prefix_of("vhost"), KEYS.prefix_of("vhost") + b"\xff")


def test_what_comes_of_an_inquiry_is_awaited() -> None:
    async def case(_cluster: Cluster, node: ClusteredNode) -> None:
        page = await value_of(node.desk.ask(of_vhosts()))
        assert [each.key for each in page.items] == [KEYS.key("vhost", "/")]

    play(case)


def test_patience_ends_after_a_while() -> None:
    async def long(_cluster: Cluster, node: ClusteredNode) -> None:
        assert not node.desk.patience()()

    async def short(_cluster: Cluster, node: ClusteredNode) -> None:
        await until(node.desk.patience())

    play(long)
    play(short, IMPATIENT_MS)


def test_a_store_that_comes_back_in_time_answers() -> None:
    async def case(cluster: Cluster, node: ClusteredNode) -> None:
        cluster.store.go_away()
        asked: list[Awaited[Any]] = [
            node.desk.ask(of_vhosts()),
            node.desk.read_through(KEYS.key("vhost", "/")),
        ]
        for _ in range(20):
            await asyncio.sleep(0)
        assert not any(each.is_over for each in asked)
        cluster.store.come_back()
        for each in asked:
            await value_of(each)

    play(case)


def test_a_store_that_does_not_come_back_is_no_answer() -> None:
    async def case(cluster: Cluster, node: ClusteredNode) -> None:
        revision = node.follower.cache.revision
        cluster.store.go_away()
        asked: list[Awaited[Any]] = [node.desk.ask(of_vhosts()) for _ in range(20)]
        asked += [node.desk.read_through(KEYS.key("vhost", "/")), node.desk.told(revision + 1)]
        for each in asked:
            with pytest.raises(StoreAwayError):
                await value_of(each)

    play(case, IMPATIENT_MS)


def test_a_miss_is_over_when_the_tables_have_it() -> None:
    async def case(_cluster: Cluster, node: ClusteredNode) -> None:
        user = User("late", "")
        asked = node.desk.ask(node.declaring.changing(user, lambda _before: user))
        _, revision = await value_of(asked)
        await value_of(node.desk.read_through(KEYS.key("user", "late")))
        assert node.applier.revision >= revision
        assert node.broker.users.get("late") is not None
        await value_of(node.desk.told(revision))
        await value_of(node.desk.read_through(KEYS.key("user", "nobody")))

    play(case)


def test_a_bug_in_an_inquiry_is_raised_where_it_is_waited_for() -> None:
    def broken() -> Inquiry[None]:
        yield from of_vhosts()
        raise KeyError("a bug")

    async def case(_cluster: Cluster, node: ClusteredNode) -> None:
        with pytest.raises(KeyError):
            await value_of(node.desk.ask(broken()))

    play(case)


def test_what_is_under_way_ends_with_the_node() -> None:
    async def case(cluster: Cluster, node: ClusteredNode) -> None:
        cluster.store.go_away()
        asked = node.desk.ask(of_vhosts())
        pause = node.desk.pause()
        await node.desk.stop()
        assert not (asked.is_over)
        assert not (pause.is_over)

    play(case)
