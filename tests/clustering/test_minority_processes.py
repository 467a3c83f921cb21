"""A client of a real node that hears nobody is told to go, and let in again."""

import asyncio
from pathlib import Path

import aio_pika
import pytest
import yaml

from tests.support.clustered_processes import ClusteredProcesses, running_nodes

PATIENCE_S = 60

pytestmark = pytest.mark.timeout(240)


def pausing(folder: Path, name: str) -> None:
    path = folder / f"{name}.yaml"
    settings = yaml.safe_load(path.read_text("utf-8"))
    settings["cluster"]["pause_minority"] = True
    path.write_text(yaml.safe_dump(settings), "utf-8")


async def scenario(nodes: ClusteredProcesses) -> None:
    await nodes.start_all()
    connection = await aio_pika.connect(f"amqp://guest:guest@127.0.0.1:{nodes.ports['n1']}/")
    ended: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    connection.close_callbacks.add(lambda _, error: ended.set_result(error))
    for name in ("n2", "n3"):
        nodes.freeze(name)
    async with asyncio.timeout(PATIENCE_S):
        error = await ended
    assert "CONNECTION_FORCED - the node hears fewer than half of the cluster" in str(error)
    with pytest.raises(ConnectionError):
        await asyncio.open_connection("127.0.0.1", nodes.ports["n1"])
    assert nodes.get("n1", "api/whoami")[0] == 200
    nodes.thaw("n2")
    await nodes.until_ready("n1")


def test_a_client_is_told_to_go(tmp_path: Path) -> None:
    with running_nodes(tmp_path, 3) as nodes:
        pausing(tmp_path, "n1")
        asyncio.run(scenario(nodes))
