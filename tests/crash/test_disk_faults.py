"""A node whose disk fills up, or whose syncs fail: its reaction, and its data afterwards."""

import asyncio
import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crash.confirm_checker import Frame
from tests.crash.kill_loop import ACK_GRACE_CUT_MS, LONG_QUEUES, node_of, power_under
from tests.crash.node import Node
from tests.crash.session import Judgement, Run, declare_all
from tests.support.ports import free_port

DISK_BYTES = 64 << 20
BALLAST_BYTES = 32 << 20
EXIT_FATAL_STORAGE = 2
STALL_S = 1.5
PATIENCE_S = 60.0
POLL_S = 0.05


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if mounted.returncode:
        pytest.skip(f"this user may not mount: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def acked_count(run: Run) -> int:
    """Return how many confirms have arrived."""
    return sum(event.frame is Frame.ACK for event in run.notes.confirms)


def log_of(node: Node) -> str:
    """Return all that the node has logged."""
    return node.log_path.read_text(encoding="utf-8")


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise AssertionError(f"waited in vain for {what}") from None


async def until_confirms_stop(run: Run) -> None:
    """Wait until no confirm has come for a while, after some had."""
    await until(lambda: acked_count(run) > 0, "confirms")
    async with asyncio.timeout(PATIENCE_S):
        before = -1
        while (now := acked_count(run)) != before:
            before = now
            await asyncio.sleep(STALL_S)


async def started_again_and_drained(node: Node, run: Run) -> Judgement:
    """Start the node, look at its definitions, empty its queues, stop it."""
    node.start()
    try:
        node.wait_until_ready()
        assert run.definer.check(node.port) == []
        return await run.drain()
    finally:
        assert node.stop() == 0, node.log_tail()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("more", ["", LONG_QUEUES])
def test_a_full_disk_stops_confirms_until_there_is_room_and_loses_nothing(
    small_disk: Path, more: str
) -> None:
    asyncio.run(_fill(small_disk, more))


async def _fill(disk: Path, more: str) -> None:
    # What the disk refuses is to be met, and not what the node watches for.
    node = node_of(disk, free_port(), "fsync", more="broker: {disk_free_limit_bytes: 0}\n" + more)
    run = Run(node.port, random.Random(7), ACK_GRACE_CUT_MS)
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(BALLAST_BYTES))
    node.start()
    node.wait_until_ready()
    declare_all(node.port)

    async def end() -> None:
        await until_confirms_stop(run)
        stalled_at = acked_count(run)
        ballast.unlink()
        await until(lambda: acked_count(run) > stalled_at, "confirms after there was room again")
        await until(lambda: "disk alarm off" in log_of(node), "the end of the alarm")
        node.kill()

    await run.session(end, takers_max=0)
    assert "disk alarm on" in log_of(node)
    judgement = await started_again_and_drained(node, run)
    assert judgement.wrong == []
    assert judgement.counts["confirmed"] > 100


@pytest.mark.timeout(120)
def test_a_failed_sync_stops_the_node_and_nothing_is_confirmed_after_it(tmp_path: Path) -> None:
    asyncio.run(_fail_syncs(tmp_path))


async def _fail_syncs(folder: Path) -> None:
    power = power_under(folder)
    node = node_of(folder, free_port(), "fsync", power.environment)
    run = Run(node.port, random.Random(8), ACK_GRACE_CUT_MS)
    node.start()
    node.wait_until_ready()
    declare_all(node.port)
    codes: list[int] = []

    async def end() -> None:
        await until(lambda: acked_count(run) > 50, "confirms")
        power.trigger.touch()
        codes.append(await asyncio.to_thread(node.wait))

    await run.session(end, takers_max=0)
    assert codes == [EXIT_FATAL_STORAGE], node.log_tail()
    # What a failed sync did not cover may be gone: no confirm may have been sent for it.
    power.trigger.unlink()
    power.cut(random.Random(9))
    judgement = await started_again_and_drained(node, run)
    assert judgement.wrong == []
    assert judgement.counts["confirmed"] > 50
