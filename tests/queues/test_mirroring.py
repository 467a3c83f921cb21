"""Which queues can be mirrored."""

import pytest

from queues.classic.mirrored_queue import MirroredQueue
from queues.kinds import CLASSIC, KINDS, STREAM
from queues.log_port import CommittedLog
from queues.mirroring import mirroring_refusal
from queues.options import QueueOptions
from queues.ports import EngineParts
from tests.support.classic_queue import NOW_MS
from tests.support.committed_log import FakeCommittedLog


@pytest.mark.parametrize("name", ["classic", "quorum"])
def test_queues_that_messages_leave_are_mirrored(name: str) -> None:
    kind = KINDS[name]
    assert mirroring_refusal(kind, QueueOptions()) is None
    assert kind.make_mirrored is not None
    parts = EngineParts[CommittedLog](
        "q", QueueOptions(), FakeCommittedLog(), lambda _: None, lambda: None, NOW_MS
    )
    assert isinstance(kind.make_mirrored(parts), MirroredQueue)


def test_streams_are_not() -> None:
    refusal = mirroring_refusal(STREAM, QueueOptions())
    assert refusal == "queues of type 'stream' cannot be mirrored"


def test_queues_that_tell_duplicates_are_not() -> None:
    refusal = mirroring_refusal(CLASSIC, QueueOptions(deduplication_header="key"))
    assert refusal == "a queue with 'x-message-deduplication' cannot be mirrored"
