"""A stream on disk that is compacted by ``tests.support.keyed_messages``, in tiny segments."""

from persistence.streams.retention import Retention
from tests.support.fault_fs import FaultFS
from tests.support.keyed_messages import COMPACTION
from tests.support.stream_logs import STREAM_ID, TINY, USUAL_STORE, DiskPlace, appended

NOW_MS = 1_000
SEGMENT_BYTES = 400


def place_of(keys_max: int = 1_000, segment_bytes_max: int = SEGMENT_BYTES) -> DiskPlace:
    place = DiskPlace(TINY, store_limits=USUAL_STORE._replace(compaction_keys_max=keys_max))
    configure(place, segment_bytes_max)
    return place


def configure(place: DiskPlace, segment_bytes_max: int = SEGMENT_BYTES) -> DiskPlace:
    place.log.set_retention(Retention(segment_bytes_max=segment_bytes_max))
    place.log.set_compaction(COMPACTION)
    return place


def write(place: DiskPlace, *messages: bytes, now_ms: int = NOW_MS) -> None:
    for message in messages:
        place.log.append(appended(message), now_ms)
        place.commit()


def fill(place: DiskPlace, count: int = 20) -> None:
    """Have the segments end that there are, so that they may be compacted."""
    write(place, *[b"." * 20] * count)
    place.stream.kept.spill()


def names_of(disk: FaultFS) -> list[str]:
    return disk.names(f"queues/{STREAM_ID:016x}")
