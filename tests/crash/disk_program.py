"""A node's disk without the node, for as long as it is let live: appends, settles, spills.

``python -m tests.crash.disk_program FOLDER SEED`` says on standard output, a line each, what it
found (``found QUEUE POSITION ...``, then ``ready``) and what it does:

    append QUEUE FIRST STOP   before
    safe QUEUE FIRST STOP     the commit of the append has been reported
    settle QUEUE FIRST STOP   before

A body says queue and position and how long it is, so that what is found can be checked here.
"""

import asyncio
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from amqp_server.net.disk_monitor import DiskMonitor
from amqp_server.net.storage import Storage
from amqp_server.net.timers import now_ms
from persistence.definitions_format import DIRECTORY
from persistence.definitions_replay import DefinitionsReplay
from persistence.definitions_store import DefinitionsStore
from persistence.files import OsFiles
from persistence.group_commit import GroupCommit
from persistence.log_making import StoreLimits
from persistence.log_state import LogOptions
from persistence.opening import open_store
from persistence.queue_recovery import RecoveredQueue
from persistence.slices import Slice
from persistence.wal import Wal
from persistence.wal_replay import next_lsn_after
from tests.support.records import record

QUEUES: Final = (1, 2, 3)
FILE_BYTES: Final = 1 << 20
BODY_BYTES_MAX: Final = 1 << 13
RUN_MAX: Final = 20
HELD_MAX: Final = 400
"""Messages of a queue that are neither settled nor spilled."""


def say(*words: object) -> None:
    """Print a line that outlives the process."""
    print(*words, flush=True)


def body_of(queue_id: int, position: int, size_bytes: int) -> bytes:
    """Return the one body that a message of this size may have here."""
    text = f"{queue_id}/{position}/{size_bytes};".encode()
    return text + text * (size_bytes // len(text))


class Queue:
    """One queue's log, and its content."""

    def __init__(self, found: RecoveredQueue, commit: GroupCommit, chance: random.Random) -> None:
        self._log = found.log
        self._commit = commit
        self._chance = chance
        self._held: list[Slice] = []
        self._oldest = found.next_position
        self._told: set[int] = set()
        for lane in found.lanes:
            self._look_at(lane.unstored)
            at = 0
            while lane.stored_count and (back := self._log.read_back(lane.lane, at)).messages:
                self._look_at([back.messages])
                at = back.messages.positions[-1] + 1
        say("found", self._log.queue_id, *sorted(self._told))
        self._ready = sorted(self._told)

    def _look_at(self, slices: Sequence[Slice]) -> None:
        for each in slices:
            for position, one in zip(each.positions, each.records, strict=True):
                body = bytes(one.body)
                size_bytes = int(body.split(b";")[0].split(b"/")[2])
                assert body == body_of(self._log.queue_id, position, size_bytes), position
                assert position not in self._told, f"{position} is there twice"
                self._told.add(position)

    def append(self) -> None:
        """Append a run, and say so when it is safe."""
        queue_id, first = self._log.queue_id, self._log.state.next_position
        positions = range(first, first + self._chance.randint(1, RUN_MAX))
        sizes = [self._chance.randrange(BODY_BYTES_MAX) for _ in positions]
        records = [
            record(body_of(queue_id, position, size), persistent=True)
            for position, size in zip(positions, sizes, strict=True)
        ]
        say("append", queue_id, positions.start, positions.stop)
        lsn = self._log.append(first, records)
        self._held.append(Slice(records, positions))
        self._ready += positions
        self._commit.wait(lsn, lambda: say("safe", queue_id, positions.start, positions.stop))

    def settle(self) -> None:
        """Settle some of the oldest."""
        count = self._chance.randint(1, 2 * RUN_MAX)
        taken, self._ready = self._ready[:count], self._ready[count:]
        for position in taken:
            say("settle", self._log.queue_id, position, position + 1)
            self._log.settle(range(position, position + 1))
        while self._held and (not self._ready or self._held[0].positions[-1] < self._ready[0]):
            self._held.pop(0)

    def spill(self) -> None:
        """Give up the memory of the oldest that are whole."""
        whole = [each for each in self._held if self._ready and each.positions[0] >= self._ready[0]]
        if len(self._held) * RUN_MAX > HELD_MAX and len(whole) > 1:
            given = whole[: len(whole) // 2]
            assert self._log.spill(0, given)
            self._held = [each for each in self._held if each not in given]


async def live(folder: Path, chance: random.Random) -> None:
    """Open the present data, and work on it for ever."""
    files = OsFiles(folder)
    files.make_directory(DIRECTORY)
    definitions = DefinitionsReplay(files)
    known = {queue_id: LogOptions() for queue_id in QUEUES}
    limits = StoreLimits(FILE_BYTES, FILE_BYTES)
    store_of_definitions = DefinitionsStore(files, definitions, lambda: chance.randrange(1 << 31))
    opened = open_store(files, known, limits, lambda: 0)
    next_lsn = next_lsn_after(max(opened.replay.highest_lsn, definitions.last_lsn))
    wal = Wal(files, FILE_BYTES, lambda: chance.randrange(1 << 31), opened.replay, next_lsn)
    commit = GroupCommit(wal, store_of_definitions, next_lsn)
    opened.store.start(wal, commit)
    assert not opened.report.damages, opened.report.damages
    monitor = DiskMonitor(0, lambda _low, _at: None, now_ms(), lambda: 1 << 40)
    storage = Storage(
        asyncio.get_running_loop(), commit, wal, opened.store, monitor, on_failure=lambda: None
    )
    queues = [Queue(opened.queues[queue_id], commit, chance) for queue_id in QUEUES]
    say("ready")
    while True:
        queue = chance.choice(queues)
        chance.choice((queue.append, queue.append, queue.settle, queue.spill))()
        storage.input_ended()
        storage.turn_ended()
        due_ms = storage.next_deadline_ms()
        if due_ms is not None and due_ms <= now_ms():
            storage.on_deadline(now_ms())
        await asyncio.sleep(0)


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), random.Random(int(sys.argv[2]))))
