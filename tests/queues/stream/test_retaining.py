"""When a stream looks at its oldest segments."""

from persistence.streams.retention import SEGMENT_BYTES_DEFAULT, Retention
from queues.options import QueueOptions
from queues.stream.memory_log import MemoryStreamLog
from queues.stream.retaining import AT_ONCE_MS, Retaining
from tests.support.stream_logs import appended

NOW_MS = 1_000


class Log(MemoryStreamLog):
    """Remembers what it was told to keep."""

    retention: Retention | None = None
    filter_bytes = 0

    def set_retention(self, retention: Retention) -> None:
        self.retention = retention
        super().set_retention(retention)

    def set_filter_bytes(self, filter_bytes: int) -> None:
        self.filter_bytes = filter_bytes
        super().set_filter_bytes(filter_bytes)


def test_options_become_retention_and_a_look_is_due() -> None:
    log = Log()
    retaining = Retaining(log)
    retaining.configure(
        QueueOptions(max_length_bytes=5, max_age_ms=6, segment_bytes_max=7, segment_age_ms=8)
    )
    assert log.retention == Retention(5, 6, 7, 8)
    assert retaining.due_ms == AT_ONCE_MS
    retaining.configure(QueueOptions(filter_bytes=32))
    assert log.retention == Retention(segment_bytes_max=SEGMENT_BYTES_DEFAULT)
    assert log.filter_bytes == 32


def test_a_look_is_due_when_a_segment_has_ended() -> None:
    log = Log()
    retaining = Retaining(log)
    retaining.configure(QueueOptions(segment_bytes_max=1, max_age_ms=10_000))
    retaining.look(NOW_MS)
    log.append(appended(b"0"), NOW_MS)
    assert retaining.has_appended()
    retaining.look(NOW_MS)
    log.append(appended(b"1"), NOW_MS)
    assert retaining.has_appended(), "the second begins another segment"
    retaining.look(NOW_MS)
    assert retaining.due_ms is not None
    assert retaining.due_ms > NOW_MS
    assert not retaining.has_appended()


def test_an_earlier_look_wins() -> None:
    retaining = Retaining(Log())
    retaining.look_by(50)
    retaining.look_by(70)
    assert retaining.due_ms == 50
