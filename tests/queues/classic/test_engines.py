"""Which engine runs a queue, on one node and on the leader of a mirrored one."""

import pytest

from queues.classic.deduplicating_mirrored_queue import DeduplicatingMirroredQueue
from queues.classic.deduplicating_queue import DeduplicatingQueue
from queues.classic.engines import make_engine, make_mirrored
from queues.classic.mirrored_queue import MirroredQueue
from queues.classic.queue import ClassicQueue
from queues.classic.rules import CLASSIC_RULES
from queues.kinds import KINDS
from queues.log_port import CommittedLog
from queues.options import QueueOptions
from queues.ports import EngineParts
from tests.support.classic_queue import NOW_MS
from tests.support.committed_log import FakeCommittedLog

KEYED = QueueOptions(deduplication_header="key")


def parts_of(options: QueueOptions) -> EngineParts[CommittedLog]:
    return EngineParts[CommittedLog](
        "q", options, FakeCommittedLog(), lambda _: None, lambda: None, NOW_MS
    )


@pytest.mark.parametrize("name", ["classic", "quorum"])
@pytest.mark.parametrize(
    ("options", "engine", "mirrored"),
    [
        (QueueOptions(), ClassicQueue, MirroredQueue),
        (KEYED, DeduplicatingQueue, DeduplicatingMirroredQueue),
    ],
)
def test_the_options_say_which(
    name: str, options: QueueOptions, engine: type, mirrored: type
) -> None:
    kind = KINDS[name]
    assert type(kind.make_engine(parts_of(options))) is engine
    assert type(kind.make_mirrored(parts_of(options))) is mirrored


def test_consumers_share_it_by_the_rules() -> None:
    for make in (make_engine, make_mirrored):
        for options in (QueueOptions(), KEYED):
            made = make(CLASSIC_RULES, parts_of(options))
            assert isinstance(made, ClassicQueue)
            assert made._rules is CLASSIC_RULES
