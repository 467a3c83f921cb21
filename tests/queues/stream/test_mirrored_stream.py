"""The engine of a mirrored stream appends a run as one record, or nothing of it."""

from collections.abc import Sequence

from persistence.streams.gathering import Appended
from queues.commits import SAFE_NOW, CommitPoint
from queues.options import QueueOptions
from queues.ports import EngineParts
from queues.stream.memory_log import MemoryStreamLog
from queues.stream.mirrored_stream import MirroredStream, MirroredStreamLog
from tests.support.commits import FakeCommits
from tests.support.frames import property_list
from tests.support.records import run_of
from tests.support.stream_messages import record_of

NOW_MS = 1_000


class Log(MemoryStreamLog):
    """A log that notes runs."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[tuple[int, int]] = []
        self.safe_at: CommitPoint = SAFE_NOW

    def append_run(self, appends: Sequence[Appended], message_count: int, now_ms: int) -> int:
        self.runs.append((len(appends), message_count))
        for each in appends:
            self.append(each, now_ms)
        self.safe_at = CommitPoint(FakeCommits(), len(self.runs))
        return len(self.runs)


def engine_on(log: Log) -> MirroredStream:
    parts: EngineParts[MirroredStreamLog] = EngineParts(
        "q", QueueOptions(), log, lambda _: None, lambda: None, NOW_MS
    )
    return MirroredStream(parts)


def numbered(publisher: str, number: int) -> list[object]:
    headers = {"x-stream-publisher": publisher, "x-stream-publishing-id": number}
    return [record_of(property_list(headers=headers), b"%d" % number)]


def test_a_run_is_one_record_and_waits_for_it() -> None:
    log = Log()
    engine = engine_on(log)
    run = [*numbered("a", 1), *numbered("b", 1), *numbered("a", 2)]
    outcome = engine.publish(run, NOW_MS)  # type: ignore[arg-type]
    assert log.runs == [(3, 3)]
    assert (list(outcome.rejected), outcome.safe_at) == ([], log.safe_at)
    assert engine.counts().published == 3
    assert engine.only_appends(run_of(b"m"), NOW_MS)
    assert not engine.refuses(run_of(b"m"))


def test_what_was_published_before_waits_for_the_last_append() -> None:
    log = Log()
    engine = engine_on(log)
    engine.publish(numbered("a", 1), NOW_MS)  # type: ignore[arg-type]
    outcome = engine.publish(numbered("a", 1), NOW_MS)  # type: ignore[arg-type]
    assert log.runs == [(1, 1)]
    assert outcome.safe_at is log.safe_at


def test_no_offset_from_the_end_on_was_delivered() -> None:
    engine = engine_on(Log())
    engine.publish(run_of(b"a", b"b"), NOW_MS)
    assert engine.delivered_below == 2
