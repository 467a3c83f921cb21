"""Where the memory is: in the queues of each kind, and elsewhere."""

from amqp_server.broker.views import QueueCounts
from management.metrics.family import RABBITMQ
from management.metrics.memory import memory_groups
from management.metrics.text import written
from tests.support.scrapes import parsed


def shares(queues: dict[str, QueueCounts], resident_bytes: int) -> list[int]:
    groups = memory_groups(queues, resident_bytes)
    text = "".join([line for group in groups for line in written(group, RABBITMQ)])
    return [int(value) for value in parsed(text).samples.values()]


def test_what_is_not_in_queues_is_elsewhere() -> None:
    queues = {"classic": QueueCounts(memory_bytes=30), "stream": QueueCounts(memory_bytes=5)}
    assert shares(queues, 100) == [30, 0, 5, 65]


def test_no_part_is_more_than_is_left() -> None:
    assert shares({"classic": QueueCounts(memory_bytes=30)}, 20) == [20, 0, 0, 0]
    assert shares({}, 0) == [0, 0, 0, 0]
