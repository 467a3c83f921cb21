"""A log on a disk with the threads that write it: what the tests of group commit stand on."""

import asyncio
import threading

from persistence.commit_thread import CommitThread
from persistence.files import Files
from persistence.group_commit import GroupCommit
from tests.support.commit import FakeDisk, FakeJournal
from tests.support.wal_program import entry, new_wal, replayed


class Node:
    """A log on a disk, its threads, and what they reported."""

    def __init__(self, files: Files, threads: type[CommitThread] = CommitThread) -> None:
        self.files = files
        self.events: list[object] = []
        self.heard = asyncio.Event()
        self.loop_thread = threading.get_ident()
        self.wal = new_wal(files, replayed(files).replay)
        self.disk = FakeDisk()
        self.commit = GroupCommit(self.wal, FakeJournal(self.disk), 1)
        self.thread = threads(
            self.commit,
            asyncio.get_running_loop(),
            lambda: self.hear("committed"),
            lambda: self.hear("full"),
            lambda error: self.hear(("failed", str(error))),
        )

    def hear(self, event: object) -> None:
        assert threading.get_ident() == self.loop_thread
        self.events.append(event)
        self.heard.set()

    def append(self, number: int, *, fsync: bool = True, units_count: int = 0) -> None:
        lsn = self.commit.append_operation([entry(number, 1, units_count)], fsync=fsync)
        self.commit.wait(lsn, lambda: self.hear(number))

    def commit_here(self) -> None:
        if self.thread.begin_here():
            self.thread.end_here()

    async def wait_for(self, event: object) -> None:
        while event not in self.events:
            self.heard.clear()
            await asyncio.wait_for(self.heard.wait(), 20)

    def numbers(self) -> list[int]:
        return [int.from_bytes(octets[:8], "little") for octets in replayed(self.files).entries]
