"""Logs of octets in memory, for nodes whose links are real."""

from dataclasses import dataclass, field
from struct import Struct

from cluster.replication.epoch_table import EpochTable, cut_to, with_epochs
from cluster.replication.ready import (
    AppendWrite,
    CompactWrite,
    EpochStart,
    InstallWrite,
    PromiseWrite,
    WalWrite,
)

LENGTH = Struct("<I")
START = b"begins"


def packed(records: list[bytes]) -> bytes:
    """Records as one block of octets."""
    return b"".join([LENGTH.pack(len(record)) + record for record in records])


def unpacked(octets: object) -> list[bytes]:
    """The records of a block."""
    assert isinstance(octets, bytes | memoryview)
    view, at, records = memoryview(octets), 0, []
    while at < len(view):
        (size,) = LENGTH.unpack_from(view, at)
        at += LENGTH.size
        records.append(bytes(view[at : at + size]))
        at += size
    return records


@dataclass
class MemoryLog:
    """All records of a queue; those up to ``base`` are the snapshot's."""

    promised: int = 0
    base: int = 0
    table: EpochTable = ()
    records: list[bytes] = field(default_factory=list)
    installs_count: int = 0

    @property
    def end(self) -> int:
        return len(self.records)

    def write(self, write: WalWrite) -> None:
        match write:
            case PromiseWrite():
                self.promised = write.epoch
            case CompactWrite():
                self.base = write.position
            case InstallWrite():
                self.records = unpacked(write.payload)
                self.base = write.position
                self.table = write.table
                self.installs_count += 1
                assert self.end == write.position
            case AppendWrite():
                is_start = write.payload is EpochStart.RECORD
                new = [START] if is_start else unpacked(write.payload) if write.count else []
                assert len(new) == write.count
                self.table = with_epochs(cut_to(self.table, write.after), write.spans)
                self.records[write.after :] = new

    def block(self, after: int, count: int) -> bytes:
        """Records after an index; those that were compacted away cannot be had one by one."""
        assert after >= self.base
        return packed(self.records[after : after + count])

    def snapshot(self, position: int) -> bytes:
        """All that is live at a position: here everything."""
        return packed(self.records[:position])
