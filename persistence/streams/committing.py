"""The port of a stream's log to the node's group commit."""

from collections.abc import Callable
from typing import Protocol

from persistence.gathering import Source


class Committing(Protocol):
    """What a stream's log needs of ``persistence.group_commit.GroupCommit``."""

    @property
    def is_one_log(self) -> bool:
        """Whether a crash leaves a prefix of it."""

    @property
    def committed_lsn(self) -> int:
        """Everything up to it is as safe as was asked for."""

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        """Call once everything up to this LSN is committed."""

    def append_operation(self, parts: list[bytes], *, fsync: bool) -> int:
        """Append an operation of the write-ahead log; return its LSN."""

    def gather(self, source: Source, size_bytes: int, *, fsync: bool) -> int:
        """Note that a source has gathered more; return the LSN of all that it has."""
