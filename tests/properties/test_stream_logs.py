"""The log of a stream on disk does what the log in memory does, whatever comes in which order."""

from collections.abc import Callable
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from persistence.streams.log import StreamLimits
from persistence.streams.retention import Retention
from queues.stream_log import StreamLog
from tests.support.stream_logs import (
    NEVER_DIRECT,
    TINY,
    WALL_OFFSET_MS,
    DiskPlace,
    MemoryPlace,
    all_messages,
    appended,
    messages_of,
)

REFERENCES = (b"", b"p", b"q")
RETENTIONS = (
    Retention(),
    Retention(max_bytes=500),
    Retention(max_bytes=0),
    Retention(max_age_ms=50),
    Retention(max_age_ms=50, segment_age_ms=20),
)
SEGMENT_BYTES = (1, 200, 400, 1 << 20)
"""A stream has it from its declare to its end."""

LIMITS = (
    TINY,
    NEVER_DIRECT,
    StreamLimits(direct_bytes_min=1),
    StreamLimits(direct_bytes_min=1, past_cache_bytes_min=1),
    StreamLimits(tail_bytes_max=1),
)

Step: TypeAlias = Callable[[StreamLog, int, int], None]
"""Done to a log, now, with segments of this size."""


def appending(sizes: list[int], reference: bytes, publishing_id: int) -> Step:
    messages = [bytes([index % 256]) * size for index, size in enumerate(sizes)]
    what = appended(*messages, publisher=reference, publishing_id=publishing_id if reference else 0)

    def step(log: StreamLog, now_ms: int, _: int) -> None:
        log.append(what, now_ms)

    return step


def storing(reference: bytes, offset: int) -> Step:
    def step(log: StreamLog, _now_ms: int, _: int) -> None:
        if offset < log.next_offset:  # A restart lowers what is behind the end.
            log.store_offset(reference, offset)

    return step


def retaining(retention: Retention) -> Step:
    def step(log: StreamLog, now_ms: int, segment_bytes_max: int) -> None:
        log.set_retention(retention._replace(segment_bytes_max=segment_bytes_max))
        log.retain(now_ms)

    return step


def looking(log: StreamLog, now_ms: int, _: int) -> None:
    log.retain(now_ms)


APPENDS = st.builds(
    appending,
    st.lists(st.sampled_from((0, 1, 30, 200)), min_size=1, max_size=4),
    st.sampled_from(REFERENCES),
    st.integers(0, 20),
)
STEPS = st.lists(
    st.one_of(
        APPENDS,
        APPENDS,
        APPENDS,
        st.builds(storing, st.sampled_from(REFERENCES), st.integers(0, 30)),
        st.builds(retaining, st.sampled_from(RETENTIONS)),
        st.just(looking),
        st.just("restart"),
        st.just("checkpoint"),
    ),
    max_size=30,
)


def seen(log: StreamLog, now_ms: int) -> dict[str, object]:
    """Return everything that a log says; extents may end where a segment does."""
    times = [WALL_OFFSET_MS + now_ms - age_ms for age_ms in (0, 5, 20, 100)]
    extents = [log.read(offset, 400) for offset in range(log.next_offset + 2)]
    return {
        "offsets": (log.first_offset, log.next_offset, log.readable_offset),
        "sizes": (log.message_count, log.size_bytes, log.segment_count),
        "messages": all_messages(log),
        "begins": [extent and messages_of(extent)[0] for extent in extents],
        "times": [log.offset_at(at) for at in times],
        "last": log.last_chunk_offset(),
        "ids": [log.publishing_id(reference) for reference in REFERENCES],
        "stored": [log.stored_offset(reference) for reference in REFERENCES],
    }


@settings(deadline=None, max_examples=150)
@given(
    STEPS,
    st.sampled_from(LIMITS),
    st.sampled_from(SEGMENT_BYTES),
    st.lists(st.integers(0, 15), min_size=30, max_size=30),
)
def test_both_logs_say_the_same(
    steps: list[Step | str], limits: StreamLimits, segment_bytes_max: int, pauses_ms: list[int]
) -> None:
    memory, disk = MemoryPlace(), DiskPlace(limits)
    for log in (memory.log, disk.log):
        log.set_retention(Retention(segment_bytes_max=segment_bytes_max))
    now_ms = 1_000
    for step, pause_ms in zip(steps, pauses_ms, strict=False):
        now_ms += pause_ms
        # A segment begins with its first chunk, which a disk writes later.
        for place in (memory, disk):
            place.log.retain(now_ms)
        if isinstance(step, str):
            disk.checkpoint()
            if step == "restart":
                disk = disk.restarted()
                assert disk.damages == []
                # As the options of the queue say it again.
                disk.log.set_retention(memory.memory._retention)
                disk.log.retain(now_ms)
        else:
            for place in (memory, disk):
                step(place.log, now_ms, segment_bytes_max)
                place.commit()
                place.log.retain(now_ms)
        assert seen(disk.log, now_ms) == seen(memory.log, now_ms)
