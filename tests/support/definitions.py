"""The definitions of a node, kept by a program that can be cut off anywhere."""

from collections.abc import Iterable
from itertools import count
from typing import TypeAlias

from persistence.definitions_format import Key, encode_change
from persistence.definitions_replay import DefinitionsReplay
from persistence.definitions_store import DefinitionsStore, open_definitions
from persistence.files import Files
from persistence.group_commit import GroupCommit
from persistence.wal_replay import next_lsn_after
from tests.support.commit import FakeBatchLog, FakeDisk

JOURNAL_BYTES_MIN = 2_500
Change: TypeAlias = tuple[Key, bytes | None]
Values: TypeAlias = dict[Key, bytes]


class Node:
    """One life of a node: its definitions, and the commits that carry them out."""

    def __init__(self, files: Files, journal_bytes_min: int = JOURNAL_BYTES_MIN) -> None:
        self.replay = open_definitions(files)
        self.found = self.replay.items()
        salts = count(self.replay.last_lsn + 1)
        self.store = DefinitionsStore(
            files, self.replay, lambda: next(salts) * 0x9E3779B97F4A7C15 % 2**64, journal_bytes_min
        )
        next_lsn = next_lsn_after(self.replay.last_lsn)
        self.commit = GroupCommit(FakeBatchLog(FakeDisk()), self.store, next_lsn)

    def change(self, key: Key, value: bytes | None) -> int:
        """Put or delete; nothing is written before ``save``."""
        return self.commit.append_definition(encode_change(key, value))

    def save(self) -> None:
        """Carry out what is pending; where there is no space it stays pending."""
        group = self.commit.retry() or self.commit.seal()
        if group is None:
            return
        try:
            self.commit.writer.write(group)
        except OSError as error:
            self.commit.finish(group, error)
        else:
            self.commit.finish(group, None)


def reopened(files: Files) -> DefinitionsReplay:
    """Return what a start would find."""
    return open_definitions(files)


def after(values: Values, changes: Iterable[Change]) -> Values:
    """Return the values that the changes lead to."""
    changed = dict(values)
    for key, value in changes:
        if value is None:
            changed.pop(key, None)
        else:
            changed[key] = value
    return changed
