"""A node's write-ahead log as a program that can be cut off anywhere, and what it promised.

Entries hold their number, counted from 1 without a gap, and which life of the node wrote them.
"""

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from persistence.errors import FatalStorageError
from persistence.files import Files
from persistence.group_commit import GroupCommit
from persistence.wal import Wal
from persistence.wal_replay import Damage, Replay, next_lsn_after
from tests.support.commit import FakeDisk, FakeJournal

FILE_SIZE_BYTES: Final = 2048
_ENTRY: Final = struct.Struct("<QII")


def entry(number: int, life: int, units_count: int = 0) -> bytes:
    """Return an entry of 16 octets and 8 for each unit, that nothing else is equal to."""
    return _ENTRY.pack(number, life, units_count) + bytes([number % 251 + 1]) * 8 * units_count


def entries_in(octets: memoryview) -> Iterator[bytes]:
    """Yield the entries of a batch; what is none fails the test."""
    position = 0
    while position < len(octets):
        number, life, units_count = _ENTRY.unpack_from(octets, position)
        end = position + _ENTRY.size + 8 * units_count
        assert bytes(octets[position:end]) == entry(number, life, units_count)
        yield bytes(octets[position:end])
        position = end


@dataclass
class Found:
    """What a restart finds."""

    replay: Replay
    entries: list[bytes]
    end_count: int = 0
    """How many entries there are, with those that the checkpoint covers."""

    @property
    def damages(self) -> list[Damage]:
        return self.replay.damages


def replayed(files: Files, first_number: int = 0, checkpoint_lsn: int = 0) -> Found:
    """Read a log to its end."""
    replay = Replay(files, first_number, checkpoint_lsn)
    found = [each for batch in replay.batches() for each in entries_in(batch.operations)]
    return Found(replay, found)


def new_wal(files: Files, replay: Replay, seed: int = 1) -> Wal:
    """Return the log behind a replay."""
    draw = random.Random(seed)
    next_lsn = next_lsn_after(replay.highest_lsn)
    return Wal(files, FILE_SIZE_BYTES, lambda: draw.getrandbits(64), replay, next_lsn)


@dataclass
class Promises:
    """What the outside was told, and so must hold after a crash.

    Attributes:
        entries: all that were appended and not lost in an earlier crash, in order.
        written_count: of those, how many a killed process must keep.
        synced_count: how many a power cut must keep.
        checkpoint: number of the file to begin with, LSN, and how many entries it covers.
    """

    entries: list[bytes] = field(default_factory=list)
    written_count: int = 0
    synced_count: int = 0
    checkpoint: tuple[int, int, int] = (0, 0, 0)
    life: int = 0

    def lose_power(self) -> None:
        """From now on only what was synced is promised."""
        self.written_count = self.synced_count

    def check(self, files: Files, *, was_killed: bool) -> Found:
        """Fail unless a restart on this disk finds all that was promised, and nothing else."""
        first_number, checkpoint_lsn, covered_count = self.checkpoint
        found = replayed(files, first_number, checkpoint_lsn)
        numbers = [_ENTRY.unpack_from(each)[0] for each in found.entries]
        assert found.entries == [self.entries[number - 1] for number in numbers], "byte by byte"
        # What was appended and not yet written when the checkpoint was made is only in there.
        behind = [number for number in numbers if number > covered_count]
        assert numbers == sorted(set(numbers)), "in order, and each once"
        assert behind == list(range(covered_count + 1, covered_count + 1 + len(behind))), "no gap"
        found.end_count = covered_count + len(behind)
        assert found.end_count >= (self.written_count if was_killed else self.synced_count)
        assert found.damages == [], "a crash is no damage"
        return found


class Program:
    """One life of a node.

    Args:
        files: the disk that the last life left.
        promises: what the lives before promised; what is not found is taken out of it.
        seed: of the chance in salts.
    """

    def __init__(self, files: Files, promises: Promises, seed: int = 1) -> None:
        self.files = files
        self.promises = promises
        found = promises.check(files, was_killed=False)
        self.wal = new_wal(files, found.replay, seed)
        # All that was replayed is on disk from here on.
        del promises.entries[found.end_count :]
        promises.written_count = promises.synced_count = len(promises.entries)
        promises.life += 1
        journal = FakeJournal(FakeDisk())
        self.commit = GroupCommit(self.wal, journal, next_lsn_after(found.replay.highest_lsn))

    def append(self, units_count: int, *, fsync: bool) -> int:
        promises = self.promises
        octets = entry(len(promises.entries) + 1, promises.life, units_count)
        promises.entries.append(octets)
        return self.commit.append_operation([octets], fsync=fsync)

    def define(self) -> None:
        self.commit.append_definition(b"a definition")

    def commit_group(self) -> None:
        """Carry out one group; a full disk keeps it."""
        if (group := self.commit.retry() or self.commit.seal()) is None:
            return
        sealed_count = self._count_up_to(group.parts)
        full: OSError | None = None
        try:
            self.commit.writer.write(group)
        except OSError as error:
            full = error
        self.commit.finish(group, full)
        if full is not None:
            return
        self.promises.written_count = max(self.promises.written_count, sealed_count)
        if group.fsync:
            self.promises.synced_count = self.promises.written_count

    def _count_up_to(self, parts: list[bytes | bytearray | memoryview]) -> int:
        found = list(entries_in(memoryview(b"".join(parts))))
        return int(_ENTRY.unpack_from(found[-1])[0]) if found else 0

    def checkpoint(self) -> None:
        """Take all that was appended for safe elsewhere, and let old files go."""
        self.promises.checkpoint = (
            self.wal.number,
            self.commit.last_lsn,
            len(self.promises.entries),
        )
        self.wal.release(self.wal.number)


def run(program: Program, steps: list[tuple[str, int]]) -> None:
    """Take steps by name until the end, or a fatal error."""
    try:
        for name, amount in steps:
            match name:
                case "append":
                    program.append(amount, fsync=False)
                case "append for the disk":
                    program.append(amount, fsync=True)
                case "define":
                    program.define()
                case "ask for a sync":
                    program.commit.request_fsync()
                case "checkpoint":
                    program.checkpoint()
                case _:
                    program.commit_group()
    except FatalStorageError:
        return
