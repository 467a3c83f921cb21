"""What the store, a checkpoint and a restart need of a log, whatever is kept in it.

The log of a queue is ``persistence.log``. A form of log has a form of row in the checkpoint.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from persistence.group_commit import GroupCommit
from persistence.log_form import LogForm


class UnneededFile(NamedTuple):
    """A file that nobody needs once a checkpoint says so."""

    path: str
    size_bytes: int


class Row(Protocol):
    """What a checkpoint says of one log."""

    @property
    def form(self) -> LogForm:
        """Of the log."""

    @property
    def queue_id(self) -> int:
        """Whose log it is."""

    @property
    def holds_messages(self) -> bool:
        """Whether there would be messages to lose if nobody knew the queue."""

    def encode(self) -> bytes:
        """Return what the row says, as octets: a multiple of 8."""


class Noted(NamedTuple):
    """What a checkpoint takes down of a log at one moment.

    Attributes:
        row: how the log is.
        dirty: paths of files that must be synced before the row is on disk.
        directories: folders that must be.
        unneeded: files that may be removed once it is.
    """

    row: Row
    dirty: Iterable[str]
    directories: Iterable[str]
    unneeded: Sequence[UnneededFile]


class StoredLog(Protocol):
    """The log of a durable queue, of whatever kind."""

    @property
    def form(self) -> LogForm:
        """Its form, and that of its rows."""

    @property
    def queue_id(self) -> int:
        """Never given to another queue."""

    @property
    def directory(self) -> str:
        """The folder of its files."""

    @property
    def is_dropped(self) -> bool:
        """Whether the queue is gone."""

    @property
    def due_bytes(self) -> int:
        """How much a checkpoint would free of the disk, or spare a restart."""

    def start(self, commit: GroupCommit) -> None:
        """Append to this from now on."""

    def note_delivered(self, delivered_below: int) -> None:
        """Note, before a clean stop, that no message from this position on was delivered."""

    def store_some(self, max_bytes: int) -> bool:
        """Store some of what only the write-ahead log has; return whether the rest may stay there.

        Raises:
            OSError: the disk refuses; some of it may be stored now, and all is in memory.
        """

    def note(self) -> Noted:
        """Drop everything that is not needed, and return the state at this moment."""
