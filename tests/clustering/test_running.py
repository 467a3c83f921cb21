"""What the composition root asks of a clustered node: order, refusals, and a stop at any time."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from amqp_server.app import build_broker
from amqp_server.broker.settings import BrokerSettings
from amqp_server.clustering.node import ClusteredNode
from amqp_server.clustering.running import begun, behind, disk_of_cluster, watched_minority
from amqp_server.net.reactor import Reactor
from amqp_server.settings.schema import Settings
from amqp_server.stored_node import StoredNode
from persistence.errors import DataDirectoryError


class Clustered:
    """Starts when the test lets it, and fails when the test says so."""

    def __init__(self) -> None:
        self.may_start, self.fails = asyncio.Event(), asyncio.Event()
        self.has_failed = self.was_cancelled = False

    async def start(self, _broker: object, _reactor: object) -> None:
        try:
            await self.may_start.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise

    async def failed(self) -> None:
        await self.fails.wait()
        raise RuntimeError("its key is another's")


def disk(*, is_of_single_node: bool = False) -> StoredNode:
    return cast("StoredNode", SimpleNamespace(is_of_single_node=is_of_single_node))


async def started(clustered: Clustered, stop: asyncio.Event) -> bool:
    node = cast("ClusteredNode", clustered)
    return await begun(node, build_broker(Settings()), cast("Reactor", None), stop)


def test_the_core_comes_before_the_disk() -> None:
    order: list[str] = []
    node = SimpleNamespace(carry_out=lambda: order.append("core"))
    behind(cast("ClusteredNode", node), lambda: order.append("disk"))()
    behind(None, lambda: order.append("alone"))()
    assert order == ["core", "disk", "alone"]


@pytest.mark.parametrize("is_idle", [True, False])
def test_the_reactor_hears_of_a_turn_that_has_something_for_other_nodes(*, is_idle: bool) -> None:
    heard: list[str] = []
    shell = SimpleNamespace(carry_out=lambda: not is_idle)
    part = SimpleNamespace(shell=shell, waking=SimpleNamespace(wake=lambda: None))
    node = SimpleNamespace(
        _is_begun=True,
        node=SimpleNamespace(part=part),
        _note_far_work=lambda: heard.append("far"),
    )
    ClusteredNode.carry_out(cast("ClusteredNode", node))
    assert heard == ([] if is_idle else ["far"])


def test_a_node_of_a_cluster_has_a_disk_of_a_cluster() -> None:
    fine = disk()
    assert disk_of_cluster(Settings(), fine) is fine
    with pytest.raises(DataDirectoryError, match="data_dir"):
        disk_of_cluster(Settings(), None)
    with pytest.raises(DataDirectoryError, match="a node by itself"):
        disk_of_cluster(Settings(), disk(is_of_single_node=True))
    loading = Settings(broker=BrokerSettings(load_definitions=Path("some.json")))
    with pytest.raises(DataDirectoryError, match="load_definitions"):
        disk_of_cluster(loading, disk())


def test_a_stop_ends_a_start_that_waits() -> None:
    async def scenario() -> None:
        clustered, stop = Clustered(), asyncio.Event()
        stop.set()
        assert await started(clustered, stop) is False
        assert clustered.was_cancelled

    asyncio.run(scenario())


def test_a_node_that_takes_part_stops_when_it_cannot_go_on() -> None:
    async def scenario() -> None:
        clustered, stop = Clustered(), asyncio.Event()
        clustered.may_start.set()
        assert await started(clustered, stop) is True
        assert not stop.is_set()
        clustered.fails.set()
        await stop.wait()
        assert clustered.has_failed

    asyncio.run(scenario())


def test_clients_are_watched_only_where_the_settings_say_so() -> None:
    async def scenario() -> None:
        clustered = cast("ClusteredNode", SimpleNamespace(node=SimpleNamespace()))
        nobody = cast("Any", None)
        assert not isinstance(watched_minority(None, Settings(), nobody), asyncio.Task)
        watching = watched_minority(clustered, Settings(), nobody)
        assert not isinstance(watching, asyncio.Task)
        watching.cancel()

    asyncio.run(scenario())
