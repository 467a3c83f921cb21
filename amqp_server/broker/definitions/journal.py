"""Where changes of definitions go before they hold: the port, and the journal behind it.

    table ── save, forget ──▶ StoredJournal ── key and octets ──▶ persistence.group_commit

A table calls the journal during each change. It does not call it for things that existed already,
or that are never stored (transient, exclusive, predeclared). A method's answer waits until
``safe_at`` is reached.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from amqp_server.broker.definitions.definition import Definition
from amqp_server.broker.definitions.records import QUEUE_IDS_KEY, queue_ids_value
from amqp_server.broker.definitions.table import TABLE, DefinitionTable
from amqp_server.broker.errors import PreconditionFailedError
from persistence.definitions_format import encode_change
from persistence.errors import StorageError
from queues.commits import SAFE_NOW, CommitGroup, CommitPoint

QUEUE_IDS_PER_CHANGE: Final = 1024
"""Ids that are reserved at a time; a restart skips the rest of them."""


class Journal(Protocol):
    """Gets every change of a definition that must survive."""

    @property
    def safe_at(self) -> CommitPoint:
        """When all changes up to now are safe."""

    def save(self, definition: Definition) -> int:
        """Take down that this exists from now on, or has changed; return the LSN.

        Raises:
            PreconditionFailedError: it is too large to be stored (406).
        """

    def forget(self, definition: Definition) -> int:
        """Take down that this does not exist any more; return the LSN."""

    def new_queue_id(self) -> int:
        """Return an id that no stored queue had before; 0 where queues are not stored."""


class NoJournal:
    """A ``Journal`` of a broker that keeps nothing: queues have no ids, LSNs are 0."""

    safe_at: Final = SAFE_NOW

    def save(self, definition: Definition) -> int:  # noqa: ARG002 - the port's name
        """Keep nothing."""
        return 0

    def forget(self, definition: Definition) -> int:  # noqa: ARG002 - the port's name
        """Keep nothing."""
        return 0

    def new_queue_id(self) -> int:
        """Return that the queue is not stored."""
        return 0


NO_JOURNAL: Final = NoJournal()


class ChangeLog(CommitGroup, Protocol):
    """Takes encoded changes; ``persistence.group_commit.GroupCommit`` implements it."""

    def append_definition(self, change: bytes) -> int:
        """Append a change, which is always synced; return its LSN."""


class StoredJournal:
    """A ``Journal`` that makes definitions survive.

    Invariant: ids below ``_next_queue_id`` are never given again, here or after a restart.

    Args:
        changes: where they go.
        table: the kinds that there are.
    """

    def __init__(self, changes: ChangeLog, table: DefinitionTable = TABLE) -> None:
        self._changes = changes
        self._table = table
        self._last_lsn = 0
        self._is_muted = False
        self._next_queue_id = 1
        self._queue_ids_end = 1

    @property
    def safe_at(self) -> CommitPoint:
        """When the last change is safe; ``SAFE_NOW`` once it is, or if there was none."""
        # Each declare and each bind asks. Most change nothing that is stored.
        lsn = self._last_lsn
        return CommitPoint(self._changes, lsn) if lsn > self._changes.committed_lsn else SAFE_NOW

    def save(self, definition: Definition) -> int:
        """Take down that this exists, as it is now; return the LSN.

        Raises:
            PreconditionFailedError: it is too large to be stored (406).
        """
        if not self._is_muted:
            self._append(self._table.key_of(definition), self._table.value_of(definition))
        return self._last_lsn

    def forget(self, definition: Definition) -> int:
        """Take down that this does not exist any more; return the LSN."""
        if not self._is_muted:
            self._append(self._table.key_of(definition), None)
        return self._last_lsn

    def new_queue_id(self) -> int:
        """Return the id of a queue that is being declared."""
        if self._next_queue_id == self._queue_ids_end:
            self._queue_ids_end += QUEUE_IDS_PER_CHANGE
            self._append(QUEUE_IDS_KEY, queue_ids_value(self._queue_ids_end))
        queue_id = self._next_queue_id
        self._next_queue_id += 1
        return queue_id

    def skip_queue_ids(self, end: int) -> None:
        """Give only ids from this one on, because lower ones may have been given before."""
        if end > self._next_queue_id:
            self._next_queue_id = self._queue_ids_end = end

    @contextmanager
    def muted(self) -> Iterator[None]:
        """Record nothing meanwhile, because the changes are stored already."""
        self._is_muted = True
        try:
            yield
        finally:
            self._is_muted = False

    def _append(self, key: tuple[str, ...], value: bytes | None) -> None:
        try:
            change = encode_change(key, value)
        except StorageError as error:
            raise PreconditionFailedError(str(error)) from error
        self._last_lsn = self._changes.append_definition(change)
