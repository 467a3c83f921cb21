"""Queues that were moved from a node's disk to etcd take messages on a node of the cluster."""

import asyncio
from pathlib import Path

import aio_pika
import pytest
from aio_pika.exceptions import ProbableAuthenticationError
from click.testing import CliRunner

from amqp_server.broker.access.rights import VhostPermissions, new_user
from amqp_server.broker.definitions.definition import (
    BindingDefinition,
    Definition,
    ExchangeDefinition,
    QueueDefinition,
    VhostDefinition,
)
from amqp_server.broker.definitions.table import TABLE
from amqp_server.cli import haremq
from persistence.data_directory import open_data_directory
from tests.support.clustered_processes import ClusteredProcesses
from tests.support.definitions import Node
from tests.support.etcd_server import EtcdServer, require_etcd, running_etcd
from tests.support.frames import table

PATIENCE_S = 30
QUORUM = table({"x-queue-type": "quorum"})
PRIORITY = table({"x-max-priority": 5})
DELAYED = table({"x-delayed-type": "direct"})

pytestmark = pytest.mark.timeout(120)


def fill(path: Path) -> None:
    """Leave the data of a node that stopped."""
    exchange = ExchangeDefinition("later", "/", "x-delayed-message", True, False, False, DELAYED, 9)
    definitions: list[Definition] = [
        VhostDefinition("/"),
        new_user("ops", "secret", bytes, ("administrator",)),
        VhostPermissions("ops", "/", ".*", ".*", ".*"),
        QueueDefinition("classic", "/", True, False, {}, 1),
        QueueDefinition("quorum", "/", True, False, QUORUM, 2),
        QueueDefinition("priority", "/", True, False, PRIORITY, 3),
        exchange,
        BindingDefinition("later", "/", "classic", "queue", "k", {}),
    ]
    with open_data_directory(path, bytes) as directory:
        node = Node(directory.files)
        for each in definitions:
            node.change(TABLE.key_of(each), TABLE.value_of(each))
        node.save()


async def use(nodes: ClusteredProcesses) -> None:
    await nodes.start_all()
    place = f"127.0.0.1:{nodes.ports['n1']}/"
    with pytest.raises(ProbableAuthenticationError):
        await aio_pika.connect(f"amqp://guest:guest@{place}")
    connection = await aio_pika.connect(f"amqp://ops:secret@{place}")
    async with connection, asyncio.timeout(PATIENCE_S):
        channel = await connection.channel(publisher_confirms=True)
        for name in ("classic", "quorum", "priority"):
            queue = await channel.declare_queue(name, passive=True)
            for priority in (0, 5):
                message = aio_pika.Message(b"%d" % priority, priority=priority, delivery_mode=2)
                await channel.default_exchange.publish(message, name)
            bodies = [(await queue.get(no_ack=True)).body for _ in range(2)]
            assert bodies == ([b"5", b"0"] if name == "priority" else [b"0", b"5"])
        exchange = await channel.get_exchange("later")
        message = aio_pika.Message(b"waited", headers={"x-delay": 100}, delivery_mode=2)
        await exchange.publish(message, "k")
        queue = await channel.get_queue("classic")
        while (came := await queue.get(no_ack=True, fail=False)) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        assert came.body == b"waited"


async def check(folder: Path, etcd: EtcdServer) -> None:
    nodes = ClusteredProcesses(folder, etcd, 1)
    try:
        await use(nodes)
    finally:
        nodes.stop()


def test_queues_that_were_moved_take_messages(tmp_path: Path) -> None:
    require_etcd()
    fill(tmp_path / "old")
    (folder := tmp_path / "moved").mkdir()
    (tmp_path / "etcd").mkdir()
    with running_etcd(tmp_path / "etcd") as etcd:
        named = ["--data-dir", str(tmp_path / "old"), "--etcd", etcd.url, "--cluster", folder.name]
        result = CliRunner().invoke(haremq, ["move-to-etcd", *named])
        assert result.exit_code == 0, result.output
        asyncio.run(check(folder, etcd))
