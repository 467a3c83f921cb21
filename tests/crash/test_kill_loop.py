"""A node that is killed again and again loses nothing; one that does is convicted."""

import asyncio
import random
import shutil
from pathlib import Path

import pytest

from tests.crash.confirm_checker import Frame
from tests.crash.kill_loop import (
    ACK_GRACE_KILL_MS,
    FaultFoundError,
    KillLoop,
    kill_again_and_again,
    node_of,
    power_under,
)
from tests.crash.node import Node
from tests.crash.session import Judgement, Run, declare_all
from tests.support.ports import free_port

CYCLES = 20
CUT_CYCLES = 6
SEED = 20_260_807


@pytest.mark.timeout(300)
@pytest.mark.parametrize("durability", ["fsync", "os"])
def test_a_node_that_is_killed_again_and_again_loses_nothing(
    tmp_path: Path, durability: str
) -> None:
    node = node_of(tmp_path, free_port(), durability)
    totals = kill_again_and_again(node, SEED, CYCLES // 2)
    assert totals["confirmed"] > 1_000
    assert totals["delivered"] + totals["dropped"] >= totals["confirmed"]


@pytest.mark.timeout(300)
def test_power_cuts_take_nothing_that_was_confirmed(tmp_path: Path) -> None:
    power = power_under(tmp_path)
    node = node_of(tmp_path, free_port(), "fsync", power.environment)
    totals = kill_again_and_again(node, SEED, CUT_CYCLES, power)
    assert totals["confirmed"] > 500


@pytest.mark.timeout(300)
def test_a_disk_that_lies_about_its_syncs_is_found_out(tmp_path: Path) -> None:
    power = power_under(tmp_path)
    lying = {**power.environment, "DISK_SHIM_LIES": "1"}
    node = node_of(tmp_path, free_port(), "fsync", lying)
    with pytest.raises(FaultFoundError):
        kill_again_and_again(node, SEED, CUT_CYCLES, power)


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
