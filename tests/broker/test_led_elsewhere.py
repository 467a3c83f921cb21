"""Who watches a queue hears that this node leads it no more, in slices."""

from amqp_server.broker.led_elsewhere import tell_led_elsewhere, tell_led_here
from amqp_server.broker.queue import Queue
from tests.support.peer import Node

MANY = 2_000


class Hearer:
    """A ``broker.queue.Watcher``."""

    def __init__(self) -> None:
        self.heard: list[Queue] = []
        self.moved: list[Queue] = []

    def queue_deleted(self, queue: Queue) -> None:
        raise AssertionError(f"{queue.name} is there")

    def queue_led_elsewhere(self, queue: Queue) -> None:
        self.heard.append(queue)

    def queue_led_here(self, queue: Queue) -> None:
        self.moved.append(queue)


def test_each_is_told_once_but_who_has_gone_meanwhile() -> None:
    node = Node()
    node.open().declare("jobs")
    queue = node.vhost.queues.find("jobs")
    assert queue is not None
    hearers = [Hearer() for _ in range(MANY)]
    queue.watchers.update(dict.fromkeys(hearers))
    tell_led_elsewhere(node.broker, "/", "jobs")
    assert not hearers[0].heard, "in a turn to come"
    del queue.watchers[hearers[-1]]
    node.end_turns()
    assert [each.heard for each in hearers] == [[queue]] * (MANY - 1) + [[]]


def test_who_has_read_a_mirror_is_told_that_the_leader_is_here() -> None:
    node = Node()
    node.open().declare("jobs")
    queue = node.vhost.queues.find("jobs")
    assert queue is not None
    hearer = Hearer()
    queue.watchers[hearer] = None
    tell_led_here(node.broker, "/", "jobs")
    node.end_turns()
    assert (hearer.moved, hearer.heard) == ([queue], [])


def test_a_queue_that_is_not_there_has_nobody() -> None:
    node = Node()
    for vhost in ("/", "none"):
        tell_led_elsewhere(node.broker, vhost, "jobs")
    node.end_turns()
