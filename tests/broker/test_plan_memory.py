"""What channels remember of publishes is bounded over the node."""

from amqp_server.broker.plan_memory import PlanMemory


class Remembers:
    """A channel's plans, as a number."""

    def __init__(self, memory: PlanMemory) -> None:
        self.count = 0
        self._memory = memory

    def learn(self) -> None:
        self.count += 1
        self._memory.note(self, self.count)

    def forget_plans(self) -> None:
        self.count = 0


def test_the_node_never_remembers_more_than_it_may() -> None:
    memory = PlanMemory(100)
    channels = [Remembers(memory) for _ in range(70)]
    for step in range(5_000):
        channels[step * 7 % 70 if step % 3 else step % 5].learn()
        assert memory.count == sum(channel.count for channel in channels) <= 100


def test_who_has_remembered_for_longest_forgets() -> None:
    memory = PlanMemory(4)
    one, two, three = (Remembers(memory) for _ in range(3))
    for channel in (one, two, one, two, three):
        channel.learn()
    assert (one.count, two.count, three.count) == (0, 2, 1)


def test_one_alone_forgets_itself_at_the_limit() -> None:
    memory = PlanMemory(3)
    one = Remembers(memory)
    for _ in range(4):
        one.learn()
    assert (one.count, memory.count) == (0, 0)


def test_who_is_gone_counts_no_more() -> None:
    memory = PlanMemory(3)
    one = Remembers(memory)
    one.learn()
    memory.forget(one)
    memory.forget(one)
    assert memory.count == 0
