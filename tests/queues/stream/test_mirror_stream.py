"""The engine of a mirror serves readers, and says when the last one has gone."""

from queues.offset_spec import FIRST
from queues.options import QueueOptions
from queues.ports import EngineParts
from queues.stream.memory_log import MemoryStreamLog
from queues.stream.mirror_stream import MirrorStream
from queues.stream_log import StreamLog
from queues.stream_port import Served, Then
from tests.support.consumer import FakeConsumer
from tests.support.stream_logs import appended

NOW_MS = 1_000


class Reader:
    def serve(self, max_count: int, now_ms: int) -> Served:
        assert max_count
        assert now_ms
        return Served(1, Then.HELD)


def test_it_serves_and_says_when_nobody_reads() -> None:
    log = MemoryStreamLog()
    log.append(appended(b"a", b"b"), NOW_MS)
    parts: EngineParts[StreamLog] = EngineParts(
        "s", QueueOptions(), log, lambda _: None, lambda: None, NOW_MS
    )
    engine = MirrorStream(parts)
    unread: list[int] = []
    engine.cancel(FakeConsumer(), NOW_MS)
    assert not unread
    engine.on_unread = lambda: unread.append(1)
    consumer, reader = FakeConsumer(prefetch=10), Reader()
    consumer.arguments = {"x-stream-offset": FIRST}
    engine.consume(consumer, NOW_MS)
    engine.subscription_count += 1
    engine.attach(reader)
    engine.drain(NOW_MS, 100)
    assert len(consumer.bodies) == 2
    engine.cancel(consumer, NOW_MS)
    assert not unread
    engine.subscription_count -= 1
    engine.detach(reader)
    assert unread == [1]
