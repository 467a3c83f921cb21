"""A node that loses something when it is killed is convicted."""

import asyncio
import random
import shutil
from pathlib import Path

import pytest

from tests.clients.support.server import free_port
from tests.crash.confirm_checker import Frame
from tests.crash.kill_loop import ACK_GRACE_KILL_MS, FaultFoundError, KillLoop
from tests.crash.node import Node
from tests.crash.session import Judgement, Run, declare_all

SEED = 20_260_807


def test_a_node_that_forgets_its_definitions_is_convicted(tmp_path: Path) -> None:
    node = Node(tmp_path, free_port(), settings="")
    loop = KillLoop(node, SEED, ACK_GRACE_KILL_MS)
    loop.when_down(lambda _: shutil.rmtree(node.data, ignore_errors=True))
    with pytest.raises(FaultFoundError, match=r"definitions: .* is gone|NOT_FOUND"):
        asyncio.run(loop.run(1))


def test_a_node_that_forgets_its_messages_is_convicted(tmp_path: Path) -> None:
    judgement = asyncio.run(_after_losing_all(tmp_path))
    assert judgement.counts["confirmed"] > 0
    assert any(" lost, as " in line for line in judgement.wrong), judgement.wrong


async def _after_losing_all(folder: Path) -> Judgement:
    node = Node(folder, free_port(), settings="")
    run = Run(node.port, random.Random(SEED), ACK_GRACE_KILL_MS)

    async def end() -> None:
        while not any(event.frame is Frame.ACK for event in run.notes.confirms):
            await asyncio.sleep(0.01)
        node.kill()

    try:
        node.start()
        node.wait_until_ready()
        declare_all(node.port)
        await run.session(end, takers_max=0)
        shutil.rmtree(node.data, ignore_errors=True)
        node.start()
        node.wait_until_ready()
        declare_all(node.port)
        return await run.drain()
    finally:
        node.stop()
