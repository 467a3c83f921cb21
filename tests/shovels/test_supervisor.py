"""The shovels of a node follow its parameters."""

import pytest

from amqp_server.shovels import supervisor
from tests.support.live_node import LiveNode, until
from tests.support.loops import Run


def test_what_is_there_at_the_start_runs(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode(has_shovels=False) as node:
            node.put_shovel(src_uri="amqp://", src_queue="a", dest_uri="amqp://", dest_queue="b")
            node.shovels.begin()
            await until(lambda: node.state() == "running")

    run(scene())


def test_a_shovel_can_be_restarted(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode() as node:
            node.put_shovel(src_uri="amqp://", src_queue="a", dest_uri="amqp://", dest_queue="b")
            await until(lambda: node.state() == "running")
            assert node.broker.shovels.restart("/", "s")
            assert node.state() == "starting"
            await until(lambda: node.state() == "running")
            assert not node.broker.shovels.restart("/", "nope")

    run(scene())


def test_a_shovel_of_a_deleted_vhost_ends(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode() as node:
            node.broker.add_vhost("v")
            node.put_shovel(
                "s", "v", src_uri="amqp:///v", src_queue="a", dest_uri="amqp:///v", dest_queue="b"
            )
            await until(lambda: node.broker.shovels.get("v", "s") is not None)
            for _ in node.broker.deleting_vhost("v", 0):
                pass
            await until(lambda: node.broker.shovels.get("v", "s") is None)

    run(scene())


def test_there_is_a_limit(
    run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(supervisor, "WORKERS_MAX", 1)

    async def scene() -> None:
        async with LiveNode() as node:
            ends = {"src_uri": "amqp://", "dest_uri": "amqp://", "dest_queue": "b"}
            node.put_shovel("s", src_queue="a", **ends)
            node.put_shovel("t", src_queue="a", **ends)
            await until(lambda: node.state("s") == "running")
            assert node.state("t") == ""
            assert "shovel 't' in vhost '/': 1 run already" in caplog.messages

    run(scene())
