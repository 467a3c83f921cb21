"""The turn: when it runs, what it drains, and who is flushed."""

import logging

import pytest

from amqp_server.net.gathering import GATHERED_BYTES_MAX
from amqp_server.net.reactor import Reactor
from tests.support.fake_connection import FakeBroker
from tests.support.fake_loop import FakeLoop


class Output:
    def __init__(self, name: str, flushed: list[str]) -> None:
        self._name = name
        self._flushed = flushed

    def flush(self, now_ms: int) -> None:
        self._flushed.append(self._name)


@pytest.fixture
def loop() -> FakeLoop:
    return FakeLoop()


@pytest.fixture
def broker() -> FakeBroker:
    return FakeBroker()


@pytest.fixture
def reactor(loop: FakeLoop, broker: FakeBroker) -> Reactor:
    return Reactor(loop.as_loop, broker, read_buffer_bytes=64, clock=loop.now_ms)


def test_a_turn_drains_the_queues_once_and_then_flushes_whoever_has_output(
    loop: FakeLoop, broker: FakeBroker, reactor: Reactor
) -> None:
    flushed: list[str] = []
    broker.on_turn = lambda: reactor.mark(Output("consumer", flushed))
    now_ms = reactor.begin_turn()
    reactor.mark(Output("publisher", flushed))
    assert flushed == []
    reactor.finish_turn(now_ms)
    assert (broker.turns_count, flushed) == (1, ["publisher", "consumer"])
    assert loop.ready == [], "nothing is left over, so no other turn is due"


def test_output_outside_of_a_turn_asks_for_one(
    loop: FakeLoop, broker: FakeBroker, reactor: Reactor
) -> None:
    flushed: list[str] = []
    reactor.mark(Output("a", flushed))
    reactor.mark(Output("b", flushed))
    assert flushed == []
    assert loop.run_ready() == 1
    assert (broker.turns_count, flushed) == (1, ["a", "b"])


def test_any_number_of_requests_is_one_turn(
    loop: FakeLoop, broker: FakeBroker, reactor: Reactor
) -> None:
    for _ in range(10):
        reactor.request_turn()
    loop.run_until(loop.time_ms)
    assert broker.turns_count == 1


def test_a_requested_turn_is_run_at_once_after_a_wait_and_not_again(
    loop: FakeLoop, broker: FakeBroker, reactor: Reactor
) -> None:
    flushed: list[str] = []
    reactor.mark(Output("publisher", flushed))
    reactor.resume()
    assert (broker.turns_count, flushed) == (1, ["publisher"])
    loop.run_until(loop.time_ms)
    assert broker.turns_count == 1
    reactor.resume()
    assert broker.turns_count == 1, "none was requested"
    reactor.request_turn()
    loop.run_until(loop.time_ms)
    assert broker.turns_count == 2


def test_more_than_a_turn_may_deliver_goes_on_after_what_the_loop_has_ready(
    loop: FakeLoop, broker: FakeBroker, reactor: Reactor
) -> None:
    broker.more_turns_count = 2
    reactor.request_turn()
    turns_by_round = []
    while loop.ready:
        loop.run_ready()
        turns_by_round.append(broker.turns_count)
    assert turns_by_round == [1, 2, 3]


def test_output_that_arises_while_flushing_is_not_forgotten(
    loop: FakeLoop, reactor: Reactor
) -> None:
    flushed: list[str] = []

    class Waking(Output):
        def flush(self, now_ms: int) -> None:
            super().flush(now_ms)
            reactor.mark(Output("woken", flushed))

    reactor.mark(Waking("waking", flushed))
    loop.run_ready()
    assert flushed == ["waking"]
    loop.run_ready()
    assert flushed == ["waking", "woken"]


def test_a_broker_that_fails_is_logged_and_output_is_flushed_all_the_same(
    loop: FakeLoop, broker: FakeBroker, reactor: Reactor, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise AssertionError("a bug")

    flushed: list[str] = []
    broker.on_turn = fail
    with caplog.at_level(logging.ERROR):
        reactor.mark(Output("a", flushed))
        loop.run_until(loop.time_ms)
    assert flushed == ["a"]
    assert [record.exc_info is not None for record in caplog.records] == [True]
    broker.on_turn = lambda: None
    reactor.request_turn()
    loop.run_until(loop.time_ms)
    assert broker.turns_count == 2


def test_the_brokers_deadline_sets_off_a_turn(
    loop: FakeLoop, broker: FakeBroker, reactor: Reactor
) -> None:
    broker.deadline_ms = loop.time_ms + 300
    reactor.request_turn()
    loop.run_until(loop.time_ms + 299)
    assert (broker.ticks_count, broker.turns_count) == (0, 1)
    loop.run_until(loop.time_ms + 1)
    assert (broker.ticks_count, broker.turns_count) == (1, 2)


def test_no_turn_begins_inside_another(reactor: Reactor) -> None:
    reactor.begin_turn()
    with pytest.raises(AssertionError, match="while a turn runs"):
        reactor.begin_turn()


def test_after_close_no_deadline_is_met(
    loop: FakeLoop, broker: FakeBroker, reactor: Reactor
) -> None:
    broker.deadline_ms = loop.time_ms + 300
    reactor.request_turn()
    loop.run_until(loop.time_ms)
    reactor.close()
    loop.run_until(loop.time_ms + 1000)
    assert broker.ticks_count == 0


def test_small_reads_of_many_connections_are_drained_in_one_turn(
    loop: FakeLoop, broker: FakeBroker, reactor: Reactor
) -> None:
    flushed: list[str] = []
    reads_count = 0
    while not loop.ready:  # until it tries whether others are ready as well
        reactor.finish_input(1, reactor.begin_turn())
        reads_count += 1
    assert broker.turns_count == reads_count - 1, "one alone is not made to wait"
    for name in ("b", "c"):
        now_ms = reactor.begin_turn()
        reactor.mark(Output(name, flushed))
        reactor.finish_input(1, now_ms)
    assert (broker.turns_count, flushed) == (reads_count - 1, [])
    assert loop.run_ready() == 1
    assert (broker.turns_count, flushed) == (reads_count, ["b", "c"])


def test_much_input_is_drained_at_once_though_others_wait(
    loop: FakeLoop, broker: FakeBroker, reactor: Reactor
) -> None:
    while not loop.ready:
        reactor.finish_input(1, reactor.begin_turn())
    turns_count = broker.turns_count
    reactor.finish_input(GATHERED_BYTES_MAX, reactor.begin_turn())
    assert broker.turns_count == turns_count + 1


def test_from_a_request_on_all_reads_share_one_budget(
    loop: FakeLoop, broker: FakeBroker, reactor: Reactor
) -> None:
    reactor.finish_turn(reactor.begin_turn())
    reactor.finish_turn(reactor.begin_turn())
    assert broker.begun_count == 2, "nothing is left over: each turn has its own"
    reactor.request_turn()
    for _ in range(5):
        reactor.finish_turn(reactor.begin_turn())
    assert broker.begun_count == 3
    loop.run_ready()
    assert broker.begun_count == 4, "the requested turn has its own"


def test_jobs_are_carried_on_where_nobodys_answer_waits_for_them(
    loop: FakeLoop, broker: FakeBroker, reactor: Reactor
) -> None:
    reactor.finish_turn(reactor.begin_turn())
    assert (broker.turns_count, broker.carried_on_count) == (1, 0)
    reactor.request_turn()
    loop.run_ready()
    assert (broker.turns_count, broker.carried_on_count) == (2, 1)


def test_work_for_other_nodes_makes_the_round_one_that_may_be_longer(reactor: Reactor) -> None:
    assert not reactor.rounds.is_far
    reactor.note_far_work()
    assert reactor.rounds.is_far
