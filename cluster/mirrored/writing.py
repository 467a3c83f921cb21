"""What a core asks to be written of a replica, as changes of the replica's log."""

from typing import assert_never

from cluster.mirrored.buildings import install
from cluster.replication.frames import Payload
from cluster.replication.ready import (
    AppendWrite,
    CompactWrite,
    EpochStart,
    InstallWrite,
    PromiseWrite,
    WalWrite,
)
from persistence.files import Octets
from persistence.replica_operations import encode_epoch
from persistence.replicas.log import ReplicaLog


def written(replica: ReplicaLog, write: WalWrite) -> int:
    """Write to a replica; return the LSN."""
    match write:
        case AppendWrite():
            octets = _octets_of(write.payload, write.spans)
            return replica.append(write.after, write.spans, write.count, octets)
        case PromiseWrite():
            return replica.promise(write.epoch)
        case InstallWrite():
            return install(replica, write)
        case CompactWrite():
            return replica.compact(write.position)
        case _:
            assert_never(write)


def _octets_of(payload: Payload, spans: tuple[tuple[int, int], ...]) -> Octets:
    """Return the records of a write as octets."""
    if payload is EpochStart.RECORD:
        return encode_epoch(spans[0][0])
    assert isinstance(payload, bytes | bytearray | memoryview), "records are octets here"
    return payload
