"""Groups that the loop carries out itself, in one call or in two."""

import asyncio
import errno
from collections.abc import Callable

from persistence.commit_thread import CommitThread
from persistence.files import Files
from tests.support.commit_node import Node
from tests.support.fault_fs import FaultFS, Kind


def test_a_group_is_carried_out_here_in_the_call(files: Files) -> None:
    async def run() -> None:
        node = Node(files)
        node.append(1)
        node.thread.pump()
        await node.wait_for("committed")
        node.events.clear()
        node.append(2)
        node.commit_here()
        assert node.events == [2, "committed"]
        node.commit_here()
        assert node.events == [2, "committed"], "nothing was pending"
        node.thread.stop()
        assert node.numbers() == [1, 2]

    asyncio.run(run())


def test_what_is_more_than_one_write_is_not_carried_out_here(files: Files) -> None:
    async def run() -> None:
        node = Node(files)
        node.append(1)  # The first file has to be made for it.
        node.commit_here()
        assert node.events == []
        await node.wait_for(1)
        node.commit.append_definition(b"a queue")
        node.append(3)
        node.commit_here()
        node.append(4)
        node.commit_here()
        assert 4 not in node.events, "a group is under way"
        await node.wait_for(4)
        node.thread.stop()
        assert node.numbers() == [1, 3, 4]

    asyncio.run(run())


def test_a_disk_that_refuses_here_is_told_as_it_is_from_a_thread() -> None:
    async def run() -> None:
        disk = FaultFS()
        node = Node(disk)
        node.append(1)
        node.thread.pump()
        await node.wait_for("committed")
        node.events.clear()
        disk.fail_at(lambda operation: operation.kind is Kind.WRITE, errno.ENOSPC, times=1)
        node.append(2)
        node.commit_here()
        assert node.events == ["full"]
        node.thread.retry()
        await node.wait_for(2)
        node.events.clear()
        disk.fail_at(lambda operation: operation.kind is Kind.SYNC, errno.EIO, times=1)
        node.append(3)
        node.commit_here()
        (event,) = node.events
        assert "a sync failed, so the node must stop" in str(event)
        node.append(4)
        node.commit_here()
        node.thread.stop()
        assert len(node.events) == 1
        assert node.commit.committed_lsn == 2

    asyncio.run(run())


async def begun_here(node: Node) -> None:
    """Bring the log to a file that is there, and write a group 2 without its sync."""
    node.append(1)
    node.thread.pump()
    await node.wait_for("committed")
    node.events.clear()
    node.append(2)
    assert node.thread.begin_here()


def test_what_is_begun_here_is_committed_by_its_sync_and_not_before(files: Files) -> None:
    async def run() -> None:
        node = Node(files)
        await begun_here(node)
        node.append(3)
        node.thread.pump()
        assert not node.thread.begin_here(), "a group is under way"
        assert node.events == []
        assert node.commit.committed_lsn == 1
        node.thread.end_here()
        assert node.events == [2, "committed"], "what came later is still pending"
        node.thread.pump()
        await node.wait_for(3)
        node.thread.stop()
        assert node.numbers() == [1, 2, 3]

    asyncio.run(run())


def test_what_is_begun_here_may_be_synced_on_the_thread(files: Files) -> None:
    async def run() -> None:
        node = Node(files)
        await begun_here(node)
        node.append(3)
        node.thread.end_on_thread()
        await node.wait_for(3)
        node.thread.stop()
        assert [event for event in node.events if event != "committed"] == [2, 3]
        assert node.numbers() == [1, 2, 3]

    asyncio.run(run())


def test_stopping_syncs_what_was_begun_here(files: Files) -> None:
    async def run() -> None:
        node = Node(files)
        await begun_here(node)
        node.append(3)
        node.thread.stop()
        assert node.events == [2, "committed", 3, "committed"]
        assert node.numbers() == [1, 2, 3]

    asyncio.run(run())


def test_what_needs_no_sync_is_done_when_it_is_begun(files: Files) -> None:
    async def run() -> None:
        node = Node(files)
        node.append(1)
        node.thread.pump()
        await node.wait_for("committed")
        node.append(2, fsync=False)
        assert not node.thread.begin_here()
        assert node.events[-2:] == [2, "committed"]
        node.thread.stop()

    asyncio.run(run())


def test_many_parts_are_written_here_in_order(files: Files) -> None:
    async def run() -> None:
        node = Node(files)
        node.append(1)
        node.thread.pump()
        await node.wait_for("committed")
        for number in range(2, 200):
            node.append(number, units_count=number % 90)
        node.commit_here()
        node.thread.stop()
        assert node.numbers() == list(range(1, 200))

    asyncio.run(run())


def test_a_sync_that_fails_ends_all_wherever_it_is_done() -> None:
    async def run(end: Callable[[CommitThread], None]) -> None:
        disk = FaultFS()
        node = Node(disk)
        await begun_here(node)
        disk.fail_at(lambda operation: operation.kind is Kind.SYNC, errno.EIO, times=1)
        end(node.thread)
        while not node.events:  # noqa: ASYNC110 - the thread's report
            await asyncio.sleep(0)
        (event,) = node.events
        assert "a sync failed, so the node must stop" in str(event)
        node.thread.stop()
        assert node.commit.committed_lsn == 1

    for end in (CommitThread.end_here, CommitThread.end_on_thread, CommitThread.stop):
        asyncio.run(run(end))
