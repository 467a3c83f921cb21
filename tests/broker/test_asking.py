"""An answer that comes for nobody is given back; none in time is an error."""

import pytest

from amqp_server.broker.errors import NotFoundError
from amqp_server.protocol.methods.asking import getting, purging_elsewhere
from queues.asked_port import CountsAnswer, GetAnswer
from queues.batch import Batch
from tests.support.records import run_of
from tests.support.vhosts import VhostUnderTest

BATCH = Batch(range(1), run_of(b"a"))


class Asked:
    """An ``AskedQueue`` whose answers the test says."""

    answers_at_once = False

    def __init__(self) -> None:
        self.gets: list = []  # type: ignore[type-arg]
        self.purges: list = []  # type: ignore[type-arg]
        self.returned: list[Batch] = []

    def ask_get(self, then: object, now_ms: int) -> None:
        assert now_ms
        self.gets.append(then)

    def ask_purge(self, then: object, now_ms: int) -> None:
        assert now_ms
        self.purges.append(then)

    def ask_counts(self, then: object, now_ms: int) -> None:
        raise AssertionError(f"{then} at {now_ms}: not asked for {CountsAnswer}")

    def give_back_unseen(self, batch: Batch) -> None:
        self.returned.append(batch)


def test_steps_wait_for_the_answer() -> None:
    asked = Asked()
    steps = getting(VhostUnderTest().queue(), asked, 1)
    assert next(steps) is not None
    asked.gets[0](GetAnswer(BATCH, 3))
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value == GetAnswer(BATCH, 3)
    assert asked.returned == []


@pytest.mark.parametrize("comes_before", [False, True])
def test_a_message_for_a_client_that_left_goes_back(comes_before: bool) -> None:
    asked = Asked()
    steps = getting(VhostUnderTest().queue(), asked, 1)
    next(steps)
    if comes_before:
        asked.gets[0](GetAnswer(BATCH, 0))
    steps.close()
    if not comes_before:
        asked.gets[0](GetAnswer(BATCH, 0))
    assert asked.returned == [BATCH]


def test_no_answer_is_an_error() -> None:
    asked, queue = Asked(), VhostUnderTest().queue()
    for steps, line in (
        (getting(queue, asked, 1), asked.gets),
        (purging_elsewhere(queue, asked, 1), asked.purges),
    ):
        next(steps)
        line[0](None)
        with pytest.raises(NotFoundError, match="due to timeout"):
            next(steps)


def test_a_purge_says_how_many_went() -> None:
    asked = Asked()
    steps = purging_elsewhere(VhostUnderTest().queue(), asked, 1)
    next(steps)
    asked.purges[0](7)
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value == 7
