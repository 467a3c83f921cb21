"""Where a reader begins."""

import pytest

from queues.offset_spec import FIRST, LAST, NEXT, OffsetKind, OffsetSpec
from queues.stream.memory_log import MemoryStreamLog
from queues.stream_beginning import first_offset_of
from tests.support.stream_logs import appended

NOW_MS = 1_000


@pytest.fixture
def log() -> MemoryStreamLog:
    """Two chunks: offsets 0 and 1, and 10 ms later 2 and 3."""
    log = MemoryStreamLog()
    log.append(appended(b"0", b"1"), NOW_MS)
    log.append(appended(b"2", b"3"), NOW_MS + 10)
    return log


@pytest.mark.parametrize(
    ("spec", "offset"),
    [
        (FIRST, 0),
        (LAST, 2),
        (NEXT, 4),
        (OffsetSpec(OffsetKind.OFFSET, 3), 3),
        (OffsetSpec(OffsetKind.OFFSET, 4), 4),
        (OffsetSpec(OffsetKind.OFFSET, 9), 4),
        (OffsetSpec(OffsetKind.OFFSET, -1), 3),
        (OffsetSpec(OffsetKind.OFFSET, -9), 0),
        (OffsetSpec(OffsetKind.TIMESTAMP, 0), 0),
        (OffsetSpec(OffsetKind.TIMESTAMP, NOW_MS + 5), 2),
        (OffsetSpec(OffsetKind.TIMESTAMP, NOW_MS + 11), 4),
        (OffsetSpec(OffsetKind.AGE, 4), 2),
        (OffsetSpec(OffsetKind.AGE, 1 << 60), 0),
    ],
)
def test_a_specification_leads_to_an_offset(
    log: MemoryStreamLog, spec: OffsetSpec, offset: int
) -> None:
    assert first_offset_of(spec, log, NOW_MS + 10) == offset


@pytest.mark.parametrize("spec", [FIRST, LAST, NEXT, OffsetSpec(OffsetKind.OFFSET, -5)])
def test_in_an_empty_stream_all_lead_to_what_comes_next(spec: OffsetSpec) -> None:
    assert first_offset_of(spec, MemoryStreamLog(), NOW_MS) == 0
