"""Which queues can be mirrored."""

import pytest

from queues.classic.mirrored_queue import MirroredQueue
from queues.kinds import KINDS
from queues.log_port import CommittedLog
from queues.mirroring import mirroring_refusal
from queues.options import QueueOptions
from queues.ports import EngineParts
from tests.support.classic_queue import NOW_MS
from tests.support.committed_log import FakeCommittedLog


@pytest.mark.parametrize("name", ["classic", "quorum"])
def test_queues_that_messages_leave_are_mirrored(name: str) -> None:
    kind = KINDS[name]
    assert mirroring_refusal(QueueOptions()) is None
    parts = EngineParts[CommittedLog](
        "q", QueueOptions(), FakeCommittedLog(), lambda _: None, lambda: None, NOW_MS
    )
    assert isinstance(kind.make_mirrored(parts), MirroredQueue)


def test_queues_that_tell_duplicates_are_not() -> None:
    refusal = mirroring_refusal(QueueOptions(deduplication_header="key"))
    assert refusal == "a queue with 'x-message-deduplication' cannot be mirrored"
