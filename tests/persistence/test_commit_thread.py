"""Groups on their threads: each is finished on the loop, in order, whatever the disk says."""

import asyncio
import errno
import threading
from collections.abc import Callable
from pathlib import Path

from persistence.commit_thread import Worker
from persistence.files import Files, OsFiles
from tests.support.commit_node import Node
from tests.support.fault_fs import FaultFS, Kind


def test_what_is_appended_meanwhile_is_the_next_group(files: Files) -> None:
    async def run() -> None:
        node = Node(files)
        for number in range(1, 200):
            node.append(number, fsync=number % 3 != 0, units_count=number % 90)
            if number % 7 == 0:
                node.thread.pump()
            if number % 50 == 0:
                await asyncio.sleep(0)
        node.thread.pump()
        await node.wait_for(199)
        node.thread.stop()
        assert [event for event in node.events if event != "committed"] == list(range(1, 200))
        assert node.numbers() == list(range(1, 200))
        assert node.commit.committed_lsn == node.commit.last_lsn

    asyncio.run(run())


def test_nothing_pending_is_nothing_done(files: Files) -> None:
    async def run() -> None:
        node = Node(files)
        node.thread.pump()
        node.thread.retry()
        node.thread.stop()
        node.thread.stop()
        assert node.events == []

    asyncio.run(run())


def test_those_who_waited_are_called_before_committed_is(files: Files) -> None:
    async def run() -> None:
        node = Node(files)
        node.append(1)
        node.thread.pump()
        await node.wait_for("committed")
        assert node.events == [1, "committed"]
        node.thread.stop()

    asyncio.run(run())


def test_stopping_commits_all_that_is_pending(files: Files) -> None:
    async def run() -> None:
        node = Node(files)
        node.append(1)
        node.thread.pump()
        node.append(2)
        node.commit.append_definition(b"a queue")
        node.append(3)
        node.thread.stop()
        assert [event for event in node.events if event != "committed"] == [1, 2, 3]
        assert ("changes", (3, b"a queue")) in node.disk.calls
        node.thread.pump()
        await asyncio.sleep(0)
        assert node.numbers() == [1, 2, 3]

    asyncio.run(run())


def test_definitions_are_carried_out_too(files: Files) -> None:
    async def run() -> None:
        node = Node(files)
        node.append(1)
        node.thread.pump()
        await node.wait_for(1)
        node.commit.append_definition(b"a queue")
        node.append(2)
        node.thread.pump()
        await node.wait_for(2)
        node.thread.stop()
        assert node.disk.calls == [("changes", (2, b"a queue")), "journal synced"]

    asyncio.run(run())


def test_something_else_is_done_on_a_thread_and_ends_on_the_loop(files: Files) -> None:
    async def run() -> None:
        node = Node(files)
        threads: list[int] = []
        node.thread.call(lambda: threads.append(threading.get_ident()), node.hear)
        await node.wait_for(None)
        assert threads != [node.loop_thread]

        def refuse() -> None:
            raise KeyError("what")

        node.thread.call(refuse, lambda error: node.hear(repr(error)))
        await node.wait_for("KeyError('what')")
        node.thread.stop()

    asyncio.run(run())


def test_groups_overtake_a_checkpoint(tmp_path: Path) -> None:
    async def run() -> None:
        node = Node(OsFiles(tmp_path))
        node.append(1)
        node.thread.pump()
        await node.wait_for(1)
        release = threading.Event()
        node.thread.call(lambda: assert_true(release.wait(20)), lambda _: node.hear("checkpoint"))
        node.append(2)
        node.thread.pump()
        await node.wait_for(2)
        release.set()
        await node.wait_for("checkpoint")
        node.thread.stop()

    asyncio.run(run())


def assert_true(happened: object) -> None:
    assert happened


def test_a_full_disk_is_told_and_tried_again() -> None:
    async def run() -> None:
        disk = FaultFS()
        node = Node(disk)
        disk.fail_at(lambda operation: operation.kind is Kind.WRITE, errno.ENOSPC, times=2)
        node.append(1)
        node.thread.pump()
        await node.wait_for("full")
        node.append(2)
        node.thread.pump()
        node.thread.retry()
        node.events.clear()
        await node.wait_for("full")
        node.thread.retry()
        await node.wait_for(2)
        node.thread.stop()
        assert node.numbers() == [1, 2]

    asyncio.run(run())


def test_stopping_on_a_full_disk_leaves_what_has_no_room() -> None:
    async def run() -> None:
        disk = FaultFS()
        node = Node(disk)
        disk.fail_at(lambda operation: operation.kind is Kind.WRITE, errno.ENOSPC, times=None)
        node.append(1)
        node.append(2)
        node.thread.stop()
        assert node.events == ["full"]

    asyncio.run(run())


def test_a_failed_sync_is_told_once_and_nothing_is_committed_after_it() -> None:
    async def run() -> None:
        disk = FaultFS()
        node = Node(disk)
        disk.fail_at(lambda operation: operation.kind is Kind.SYNC, errno.EIO, times=None)
        node.append(1)
        node.thread.pump()
        await asyncio.wait_for(node.heard.wait(), 20)
        node.append(2)
        node.thread.pump()
        node.thread.retry()
        node.thread.stop()
        (event,) = node.events
        assert str(event).startswith("('failed', ")
        assert "must stop" in str(event)

    asyncio.run(run())


def test_a_worker_keeps_the_order_and_reports_on_the_loop() -> None:
    async def run() -> list[int]:
        done: list[int] = []
        last = asyncio.Event()
        worker = Worker(asyncio.get_running_loop(), "test")

        def ended(number: int) -> Callable[[Exception | None], None]:
            def note(_: Exception | None) -> None:
                done.append(number)
                if number == 9:
                    last.set()

            return note

        for number in range(10):
            worker.submit(lambda: None, ended(number))
        await asyncio.wait_for(last.wait(), 20)
        for number in range(10, 20):
            worker.submit(lambda: None, ended(number))
        worker.stop()
        await asyncio.sleep(0)
        return done

    assert asyncio.run(run()) == list(range(20))
