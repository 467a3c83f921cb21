"""How long a loop stays awake after a turn, and when it leaves that off."""

import pytest

from amqp_server.net.busy_poll import BusyPoll
from tests.support.fake_loop import FakeLoop

BUDGET_US = 50
US = 1_000


class Awake:
    """A busy poll over a loop and a clock that the test moves."""

    def __init__(self, budget_us: int = BUDGET_US) -> None:
        self.loop = FakeLoop()
        self.time_ns = 7
        self.gave_way_count = 0
        self.busy_poll = BusyPoll(
            self.loop.as_loop,
            budget_us,
            clock_ns=lambda: self.time_ns,
            give_way=self._on_give_way,
        )

    def _on_give_way(self) -> None:
        self.gave_way_count += 1

    def turn(self) -> None:
        """What the reactor does at the end of a turn."""
        self.busy_poll.turns_count += 1
        if self.busy_poll.is_over:
            self.busy_poll.begin()

    @property
    def is_awake(self) -> bool:
        return bool(self.loop.ready)

    def poll_after(self, us: int) -> None:
        self.time_ns += us * US
        self.loop.run_ready()

    def fall_asleep(self) -> None:
        while self.is_awake:
            self.poll_after(BUDGET_US)

    def turns_until_awake(self) -> int:
        for count in range(1, 1_000):
            self.turn()
            if self.is_awake:
                return count
        pytest.fail("it never polls again")


def test_the_loop_is_kept_awake_for_the_budget_and_no_longer() -> None:
    awake = Awake()
    awake.turn()
    awake.poll_after(BUDGET_US - 1)
    assert awake.is_awake
    awake.poll_after(1)
    assert not awake.is_awake


def test_a_turn_on_the_way_begins_the_budget_anew() -> None:
    awake = Awake()
    awake.turn()
    for _ in range(10):
        awake.poll_after(BUDGET_US - 1)
        awake.turn()
    awake.poll_after(0)
    awake.poll_after(BUDGET_US - 1)
    assert awake.is_awake
    awake.poll_after(1)
    assert not awake.is_awake


def test_polls_without_input_let_others_run_and_busy_ones_do_not() -> None:
    awake = Awake()
    awake.turn()
    for _ in range(5):
        awake.poll_after(1)
        awake.turn()
    assert awake.gave_way_count == 1, "only before the first of these turns"
    awake.poll_after(1)
    awake.poll_after(1)
    assert awake.gave_way_count == 2


def test_one_poll_is_under_way_at_a_time() -> None:
    awake = Awake()
    for _ in range(10):
        awake.turn()
    assert len(awake.loop.ready) == 1


def test_what_does_not_pay_is_tried_after_twice_as_many_turns_each_time() -> None:
    awake = Awake()
    waits = []
    for _ in range(9):
        waits.append(awake.turns_until_awake())
        awake.fall_asleep()
    assert waits == [1, 1, 3, 7, 15, 31, 63, 127, 127]


def test_one_turn_in_time_and_polling_pays_again() -> None:
    awake = Awake()
    for _ in range(6):
        awake.turns_until_awake()
        awake.fall_asleep()
    awake.turns_until_awake()
    awake.turn()
    awake.fall_asleep()
    assert awake.turns_until_awake() == 1


def test_a_message_of_two_turns_is_tried_behind_each_of_them() -> None:
    awake = Awake()
    tried = set()
    for number in range(400):
        was_asleep = not awake.is_awake
        awake.turn()
        if was_asleep and awake.is_awake:
            tried.add(number % 2)
        awake.fall_asleep()
    assert tried == {0, 1}


def test_a_wait_of_the_loop_itself_does_not_count() -> None:
    awake = Awake()
    awake.turn()
    awake.time_ns += 10 * BUDGET_US * US
    awake.turn()
    awake.busy_poll.resume()
    awake.poll_after(BUDGET_US - 1)
    assert awake.is_awake
    awake.poll_after(1)
    assert not awake.is_awake


def test_the_turn_after_such_a_wait_is_no_input() -> None:
    awake = Awake()
    waits = []
    for _ in range(9):
        waits.append(awake.turns_until_awake())
        awake.turn()
        awake.busy_poll.resume()
        awake.fall_asleep()
    assert waits[-1] > 100


def test_no_wait_wakes_a_loop_that_does_not_poll() -> None:
    awake = Awake(budget_us=0)
    awake.turn()
    awake.busy_poll.resume()
    assert not awake.is_awake


def test_a_budget_of_0_never_polls() -> None:
    awake = Awake(budget_us=0)
    awake.turn()
    assert not awake.is_awake
