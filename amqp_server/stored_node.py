"""The open data directory of a node: its definitions and its queues.

Order of a start:

    lock the folder ─ read the definitions ─ recover the queues that they name ─ make the group
    commit ─ the broker restores the definitions ─ its queues take over their messages

Order of a stop: the queues say up to where they have delivered, then ``net.storage`` stops the
rest.

Source: ADR 12.
"""

import logging
import secrets
from pathlib import Path
from typing import Final

from amqp_server.broker.broker import Broker
from amqp_server.broker.definitions.journal import StoredJournal
from amqp_server.broker.definitions.restore import Restored, read_stored, restore
from amqp_server.broker.queue import Queue, QueueIdentity
from amqp_server.net.timers import now_ms, wall_offset_ms
from cluster.node.stored_replicas import (
    StoredReplicas,
    is_of_cluster,
    stored_numbers,
    stored_options,
)
from persistence.data_directory import open_data_directory
from persistence.definitions_store import DefinitionsStore, open_definitions
from persistence.group_commit import GroupCommit
from persistence.log_form import LogForm
from persistence.log_making import StoreLimits
from persistence.log_state import LogOptions
from persistence.opening import OpenedStore, open_store
from persistence.replicas.tombstones import Tombstones, stored_tombstones
from persistence.settings import PersistenceSettings
from persistence.wal import Wal
from persistence.wal_file import SALT_BITS
from persistence.wal_replay import next_lsn_after
from persistence.witness import Seen, StoredWitness
from queues.kinds import AnyLog, QueueKind
from queues.options import QueueOptions

log = logging.getLogger(__name__)

# Made once: a member of an enum costs a search, and a tuple with names a call, at each declare.
_QUEUE: Final = LogForm.QUEUE
_STREAM: Final = LogForm.STREAM
_OF_DURABLE: Final = LogOptions(durable=True)
_OF_TRANSIENT: Final = LogOptions(durable=False)


class StoredNode:
    """The disk of one node.

    Attributes:
        commit: says when written data is safe.
        wal, store, witness: the parts that ``net.storage`` uses.
        journal: the tables tell it their changes.
        replicas: of the mirrored queues of a cluster.
        is_new: whether nothing was ever stored here.
        has_definitions: whether any is left; if not, default vhost and user are made.
    """

    def __init__(
        self, path: Path, settings: PersistenceSettings, open_segments_max: int | None = None
    ) -> None:
        """Lock a data directory, make it if there is none, and read it.

        Args:
            path: of the data directory.
            settings: of the disk.
            open_segments_max: descriptors that long queues may have; None means the setting.

        Raises:
            StorageError: the directory cannot be used; the text says what to do.
            OSError: the disk refuses.
        """
        self._settings = settings
        self._open_segments_max = open_segments_max
        self._directory = open_data_directory(path, secrets.token_bytes)
        try:
            self._open()
        except BaseException:
            self._directory.close()
            raise

    def _open(self) -> None:
        started_ms = now_ms()
        files = self._directory.files
        self.witness = witness = StoredWitness(files, self._directory.node_id)
        if witness.damage is not None:
            log.error("stored data is damaged: %s: less is noticed of what else is", witness.damage)
        replay = open_definitions(files, witness)
        items = replay.items()
        numbers = stored_numbers(items.items())
        definitions = [each for each in items.items() if not is_of_cluster(each[0])]
        self.has_definitions = bool(definitions)
        self.is_new = self._directory.is_new or not (items or replay.damaged_paths)
        self._stored = read_stored(definitions)
        for damage in replay.damages:
            log.error("definitions are damaged: %s", damage)
        limits = StoreLimits(
            self._settings.segment_size_bytes,
            self._settings.unneeded_bytes_max,
            self._open_segments_max or self._settings.open_segments_max,
            compaction_keys_max=self._settings.compaction_keys_max,
        )
        self._opened: OpenedStore = open_store(
            files,
            {
                queue_id: _log_options(queue_id, kind, options)
                for queue_id, (kind, options) in self._stored.queue_kinds.items()
            }
            | stored_options(items.items()),
            limits,
            wall_offset_ms,
            keeps_unknown=not self._stored.knows_every_queue or bool(replay.damaged_paths),
            witness=witness,
        )
        last_lsn = max(self._opened.replay.highest_lsn, replay.last_lsn, *(witness.seen or Seen()))
        self._definitions = DefinitionsStore(files, replay, _new_salt, witness=witness)
        next_lsn = next_lsn_after(last_lsn)
        self.wal = Wal(
            files,
            self._settings.wal_file_size_bytes,
            _new_salt,
            self._opened.replay,
            next_lsn,
            witness,
        )
        self.commit = GroupCommit(self.wal, self._definitions, next_lsn)
        self.store = self._opened.store
        self.store.start(self.wal, self.commit)
        self.journal = StoredJournal(self.commit)
        self.journal.skip_queue_ids(self._stored.queue_ids_end)
        self.replicas = StoredReplicas(
            files,
            self.store,
            self.commit,
            numbers=numbers,
            found=self._opened.replicas,
            new_number=self.journal.new_queue_id,
            tombstones=Tombstones(stored_tombstones(items.items())),
            wall_ms=lambda: now_ms() + wall_offset_ms(),
        )
        self._log_report(now_ms() - started_ms)

    @property
    def is_of_single_node(self) -> bool:
        """Whether it has definitions of a node by itself, which a cluster has elsewhere."""
        return bool(self._stored.definitions or self._stored.unreadable)

    def free_bytes(self) -> int:
        """Return the free bytes of the file system."""
        return self._directory.files.free_bytes()

    def restore(self, broker: Broker, at_ms: int) -> Restored:
        """Restore the stored definitions into a broker that was made with this journal."""
        started_ms = now_ms()
        restored = restore(broker, self.journal, self._stored, at_ms)
        for skipped in restored.skipped:
            log.error("a stored definition was left out: %s", skipped)
        log.info(
            "restored definitions=%d left_out=%d took_ms=%d",
            restored.applied_count,
            len(restored.skipped),
            now_ms() - started_ms,
        )
        return restored

    def recover_queues(self, broker: Broker, at_ms: int) -> None:
        """Give the restored queues their messages; expired messages are dead-lettered."""
        started_ms = now_ms()
        queue_count = 0
        for queue in _stored_queues(broker):
            found = self._opened.queues.get(queue.queue_id)
            if found is not None:
                queue.engine.recover(found, at_ms)
                queue_count += 1
        for keeper in [each for vhost in broker.vhosts() for each in vhost.keepers.stored()]:
            found = self._opened.queues.get(keeper.queue_id)
            if found is not None:
                keeper.recover(found, at_ms)
                queue_count += 1
        log.info("taken over queues=%d took_ms=%d", queue_count, now_ms() - started_ms)
        self._opened = self._opened._replace(queues={}, streams={})

    def make_log(self, queue: QueueIdentity) -> AnyLog:
        """Return the log of a queue: the recovered log, or a new one."""
        found = self._opened.queues.get(queue.queue_id)
        if found is not None:
            return found.log
        stream = self._opened.streams.get(queue.queue_id)
        if stream is not None:
            return stream.log
        if queue.kind.log_form is _STREAM:
            return self.store.new_stream_log(queue.queue_id)
        options = _log_options(queue.queue_id, queue.kind, queue.options)
        return self.store.new_log(options, queue.queue_id or None)

    def note_deliveries(self, broker: Broker) -> None:
        """Note up to where each queue has delivered, before a clean stop."""
        for queue in _stored_queues(broker):
            self.store.note_delivered(queue.queue_id, queue.engine.delivered_below)

    def close(self) -> None:
        """Unlock the folder; nothing may be written to it any more."""
        self._definitions.close()
        self.witness.close()
        self._directory.close()

    def _log_report(self, took_ms: int) -> None:
        report = self._opened.report
        for damage in report.damages:
            log.error("stored data is damaged: %s", damage)
        for queue_id, lost_count in self._opened.lost_counts().items():
            if lost_count:
                queue = self._stored.queues[queue_id]
                log.error(
                    "messages lost at start vhost=%r queue=%r queue_id=%d count=%d",
                    queue.vhost,
                    queue.name,
                    queue_id,
                    lost_count,
                )
        path = self._directory.path.absolute()
        if self._directory.is_new:
            log.info("new data directory path=%s durability=%s", path, self._settings.durability)
            return
        log.info(
            "recovered path=%s clean=%s queues=%d messages=%d replayed=%d lost=%d torn_bytes=%d"
            " took_ms=%d durability=%s",
            path,
            report.was_clean,
            report.queue_count,
            report.message_count,
            report.operation_count,
            report.lost_count,
            report.torn_bytes,
            took_ms,
            self._settings.durability,
        )


def _log_options(queue_id: int, kind: QueueKind, options: QueueOptions) -> LogOptions:
    if options.max_priority is None and kind.log_form is _QUEUE:
        return _OF_DURABLE if queue_id else _OF_TRANSIENT
    return LogOptions(queue_id != 0, options.max_priority, kind.log_form)


def _stored_queues(broker: Broker) -> list[Queue]:
    return [queue for vhost in broker.vhosts() for queue in vhost.queues if queue.queue_id]


def _new_salt() -> int:
    return secrets.randbits(SALT_BITS)
