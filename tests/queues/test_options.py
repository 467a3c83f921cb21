"""What the effective options of a queue say together."""

import pytest

from queues.options import Overflow, QueueOptions


@pytest.mark.parametrize(
    ("options", "keeps_all"),
    [
        (QueueOptions(), True),
        (QueueOptions(overflow=Overflow.REJECT_PUBLISH, expires_ms=5, max_priority=3), True),
        (QueueOptions(message_ttl_ms=0), False),
        (QueueOptions(max_length=0), False),
        (QueueOptions(max_length_bytes=0), False),
    ],
)
def test_a_queue_without_ttl_and_limits_keeps_all(options: QueueOptions, keeps_all: bool) -> None:
    assert options.keeps_all is keeps_all
