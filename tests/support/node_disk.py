"""The disk of a cluster's node in a folder: data directory, write-ahead log, its threads."""

import asyncio
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from cluster.node.stored_replicas import StoredReplicas, stored_numbers, stored_options
from persistence.commit_thread import CommitThread
from persistence.data_directory import open_data_directory
from persistence.definitions_store import DefinitionsStore, open_definitions
from persistence.errors import FatalStorageError
from persistence.group_commit import GroupCommit
from persistence.log_making import StoreLimits
from persistence.opening import open_store
from persistence.replicas.tombstones import Tombstones, stored_tombstones
from persistence.wal import Wal
from persistence.wal_file import SALT_BITS
from persistence.wal_replay import next_lsn_after

WAL_FILE_BYTES = 4 << 20


def _salt() -> int:
    return secrets.randbits(SALT_BITS)


class DiskInFolder:
    """From an open to ``close``. It is the ``NodeCommit`` of its node, too: who waits pumps."""

    def __init__(self, path: Path) -> None:
        self._loop = asyncio.get_running_loop()
        self._directory = open_data_directory(path, secrets.token_bytes)
        files = self._directory.files
        replay = open_definitions(files)
        numbers = stored_numbers(replay.items().items())
        known = stored_options(replay.items().items())
        wall_offset_ms = time.time_ns() // 1_000_000 - time.monotonic_ns() // 1_000_000
        opened = open_store(files, known, StoreLimits(), lambda: wall_offset_ms)
        self.damages = opened.report.damages
        next_lsn = next_lsn_after(max(opened.replay.highest_lsn, replay.last_lsn))
        definitions = DefinitionsStore(files, replay, _salt)
        wal = Wal(files, WAL_FILE_BYTES, _salt, opened.replay, next_lsn)
        self.commit = GroupCommit(wal, definitions, next_lsn)
        self.store = opened.store
        self.store.start(wal, self.commit)
        self.failures: list[FatalStorageError] = []
        self._thread = CommitThread(
            self.commit, self._loop, _nothing, _nothing, self.failures.append
        )
        self.replicas = StoredReplicas(
            files,
            self.store,
            self.commit,
            numbers=numbers,
            found=opened.replicas,
            new_number=lambda: self.store._next_queue_id,
            tombstones=Tombstones(stored_tombstones(replay.items().items())),
            wall_ms=lambda: time.time_ns() // 1_000_000,
        )

    @property
    def committed_lsn(self) -> int:
        return self.commit.committed_lsn

    @property
    def writing_bytes(self) -> int:
        """How much is being written."""
        return self.commit.writing_bytes

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        self.commit.wait(lsn, call)
        self._loop.call_soon(self._thread.pump)

    def close(self) -> None:
        self._thread.stop()
        self._directory.close()


def _nothing() -> None:
    pass
