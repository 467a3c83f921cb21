"""What the virtual disks hold: the records that the core never sees.

A record is (epoch, kind, argument). Kind E is a message with its name, S settles the index that it
names, B begins an epoch. A message of a front end has (front end, number) for a name.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import NamedTuple

from cluster.replication.epoch_table import EpochTable, cut_to, epoch_at, with_epochs
from cluster.replication.publishers import Front, Published, Publishers
from cluster.replication.ready import (
    AppendWrite,
    CompactWrite,
    EpochStart,
    InstallWrite,
    PromiseWrite,
    WalWrite,
)
from cluster.replication.state import StoredReplica


class Record(NamedTuple):
    epoch: int
    kind: str
    argument: object


Message = tuple[int, object]
"""Index and name of a message."""


@dataclass(frozen=True, slots=True)
class SnapshotContent:
    live: tuple[Message, ...]
    published: tuple[Published, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredLog:
    """One replica's log: ``live`` are the unsettled messages of what is compacted away.

    ``fronts`` is the table of front ends there.
    """

    promised: int = 0
    base: int = 0
    live: tuple[Message, ...] = ()
    table: EpochTable = ()
    records: tuple[Record, ...] = ()
    fronts: tuple[Published, ...] = ()

    @property
    def end(self) -> int:
        return self.base + len(self.records)

    def last_epoch(self) -> int:
        return epoch_at(self.table, self.end)

    def at(self, index: int) -> Record:
        return self.records[index - self.base - 1]

    def between(self, after: int, last: int) -> tuple[Record, ...]:
        return self.records[after - self.base : last - self.base]

    def unsettled(self, up_to: int, *, all_but_last_settled: bool = False) -> tuple[Message, ...]:
        settled = [record.argument for record in self.records if record.kind == "S"]
        settled = settled[:-1] if all_but_last_settled else settled
        own = tuple(
            (index, record.argument)
            for index, record in enumerate(self.records, self.base + 1)
            if record.kind == "E" and index <= up_to
        )
        return tuple(message for message in self.live + own if message[0] not in settled)

    def live_at(self, position: int, *, mixed: bool = False) -> tuple[Message, ...]:
        """The live set at a position, of that very moment unless ``mixed`` (R14)."""
        part = replace(self, records=self.between(self.base, position))
        return part.unsettled(position, all_but_last_settled=mixed)

    def published(self, position: int | None = None) -> tuple[Published, ...]:
        """The table of front ends at a position; None is the end (R23)."""
        last = self.end if position is None else position
        table = Publishers(self.fronts)
        for index, record in enumerate(self.between(self.base, last), self.base + 1):
            if isinstance(record.argument, tuple):
                front, number = record.argument
                table.note(Front(front, 1), number, index)
        return table.rows()

    def holds(self, index: int, record: Record, settled: Collection[int]) -> bool:
        """Whether the record is here; a compacted message is when it is live or was settled."""
        if index > self.base:
            return index <= self.end and self.at(index) == record
        is_message = record.kind == "E"
        return not is_message or (index, record.argument) in self.live or index in settled

    def written(self, write: WalWrite) -> "StoredLog":
        """The log after a write of the core."""
        if isinstance(write, PromiseWrite):
            return replace(self, promised=write.epoch)
        if isinstance(write, CompactWrite):
            live, kept = self.live_at(write.position), self.between(write.position, self.end)
            fronts = self.published(write.position)
            return replace(self, base=write.position, live=live, records=kept, fronts=fronts)
        if isinstance(write, InstallWrite):
            assert isinstance(write.payload, SnapshotContent)
            live, fronts = write.payload.live, write.payload.published
            return StoredLog(self.promised, write.position, live, write.table, fronts=fronts)
        return self._appended(write)

    def _appended(self, write: AppendWrite) -> "StoredLog":
        payload = write.payload
        if payload is EpochStart.RECORD:
            payload = (Record(write.spans[0][0], "B", 0),)
        assert isinstance(payload, tuple)
        assert len(payload) == write.count
        kept = self.between(self.base, write.after)
        table = with_epochs(cut_to(self.table, write.after), write.spans)
        return replace(self, table=table, records=(*kept, *payload))

    def stored(self) -> StoredReplica:
        return StoredReplica(self.promised, self.base, self.end, self.table)
