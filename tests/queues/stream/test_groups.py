"""Groups of readers of which one reads."""

from queues.counters import QueueCounters
from queues.stream.groups import Groups
from queues.stream.reader import Reader, ReadOptions
from tests.support.consumer import FakeConsumer
from tests.support.streaming import NoStream


def reader() -> Reader:
    return Reader(FakeConsumer(), ReadOptions(), NoStream(), QueueCounters())


def test_the_first_is_active_and_the_next_follows_when_it_leaves() -> None:
    groups = Groups()
    one, two, three = reader(), reader(), reader()
    assert [groups.join(b"app", each) for each in (one, two, three)] == [True, False, False]
    assert groups.leave(b"app", two) is None
    assert groups.leave(b"app", one) is three
    assert groups.leave(b"app", three) is None
    assert groups.join(b"app", two)


def test_groups_know_nothing_of_each_other() -> None:
    groups = Groups()
    assert groups.join(b"a", reader())
    assert groups.join(b"b", reader())
