"""When a stream has its log compacted, and in which pieces."""

from persistence.streams.compaction import TOMBSTONE_AGE_DEFAULT_MS, Compaction
from queues.options import QueueOptions
from queues.ports import Job
from queues.stream.compacting import CompactingStream
from queues.stream.memory_log import MemoryStreamLog

NOW_MS = 1_000
BY_KEY = QueueOptions(compact_key="device")


class Log(MemoryStreamLog):
    """Has as much to do as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Compaction | None] = []
        self.pieces_left = 0
        self.due_ms: int | None = None

    def set_compaction(self, compaction: Compaction | None) -> None:
        self.told.append(compaction)

    def compaction_due_ms(self, now_ms: int) -> int | None:
        return self.due_ms

    def compact(self, now_ms: int) -> bool:
        self.pieces_left -= 1
        self.due_ms = self.due_ms if self.pieces_left > 0 else None
        return self.pieces_left <= 0


class Place:
    def __init__(self, options: QueueOptions = BY_KEY) -> None:
        self.log = Log()
        self.jobs: list[Job] = []
        self.looks: list[int] = []
        self.stream = CompactingStream(self.log, self.jobs.append, self.looks.append)
        self.stream.configure(options)


def test_options_say_how_it_is_compacted() -> None:
    place = Place()
    [compaction] = place.log.told
    assert compaction is not None
    assert compaction.key_name == b"device"
    assert compaction.tombstone_age_ms == TOMBSTONE_AGE_DEFAULT_MS
    place.stream.configure(QueueOptions(compact_key="device", max_age_ms=7))
    assert len(place.log.told) == 1, "what is under way goes on"
    place.stream.configure(QueueOptions(compact_key="device", tombstone_age_ms=7))
    other = place.log.told[1]
    assert other is not None
    assert (other.key_name, other.tombstone_age_ms) == (b"device", 7)
    place.stream.configure(QueueOptions())
    assert place.log.told[2] is None


def test_a_job_does_one_piece_in_a_turn() -> None:
    place = Place()
    place.stream.look(NOW_MS)
    assert not place.jobs
    place.log.due_ms, place.log.pieces_left = NOW_MS, 3
    place.stream.look(NOW_MS)
    place.stream.look(NOW_MS)
    assert place.jobs == [place.stream]
    assert [place.stream.step(NOW_MS) for _ in range(3)] == [False, False, True]
    place.log.due_ms, place.log.pieces_left = NOW_MS, 1
    place.stream.look(NOW_MS)
    assert len(place.jobs) == 2


def test_what_cannot_be_done_yet_is_looked_at_again() -> None:
    place = Place()
    place.log.due_ms = NOW_MS + 500
    place.stream.look(NOW_MS)
    assert (place.jobs, place.looks) == ([], [NOW_MS + 500])


def test_a_stream_without_a_key_is_not_compacted() -> None:
    place = Place(QueueOptions())
    place.log.due_ms, place.log.pieces_left = NOW_MS, 3
    place.stream.look(NOW_MS)
    assert not place.jobs
