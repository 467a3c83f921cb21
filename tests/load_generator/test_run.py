"""A run is watched until its time, its messages or its user ends it."""

import signal
from collections.abc import Callable
from dataclasses import replace

import pytest

from load_generator import run as run_module
from load_generator.board import Board
from load_generator.load import Load, Topology
from load_generator.readings import Reading, take
from load_generator.run import Interrupts, Plan, Sample, Watcher
from load_generator.session import Endpoint

PLAN = Plan(
    endpoint=Endpoint("127.0.0.1", 5672, "guest", "guest", "/"),
    topology=Topology(["q"]),
    load=Load(publisher_keys=[["q"]], consumer_queues=["q"]),
    seconds=60.0,
)


class Workers:
    """Stands in for a crew: each look at it lets it do a step."""

    def __init__(self, *steps: Callable[[Board], None]) -> None:
        self.board = Board(2, lifetime_s=60)
        self.publishers = ["publisher"]
        self._steps = list(steps)

    def check(self) -> None:
        if self._steps:
            self._steps.pop(0)(self.board)

    def reading(self) -> Reading:
        return take(self.board, [], None)


def published(count: int) -> Callable[[Board], None]:
    return lambda board: board.tally(0).set_published(count)


def consumed(count: int) -> Callable[[Board], None]:
    return lambda board: board.tally(1).set_consumed(count)


def done(board: Board) -> None:
    board.tally(0).set_done()


def watch(
    plan: Plan, workers: Workers, interrupts: Interrupts | None = None
) -> tuple[Reading, Reading, list[Sample]]:
    samples: list[Sample] = []
    watcher = Watcher(plan, workers, samples.append, interrupts or Interrupts())
    first, last = watcher.watch()
    return first, last, samples


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "QUIET_S", 0.0)
    monkeypatch.setattr(run_module, "_CHECK_S", 0.0001)
    monkeypatch.setattr(run_module, "_CHECK_BOUNDED_S", 0.0001)


def test_a_run_ends_with_its_time() -> None:
    first, last, _ = watch(replace(PLAN, seconds=0.003), Workers(published(5)))
    assert last.at_s - first.at_s >= 0.003
    assert (first.totals.published_count, last.totals.published_count) == (0, 5)


def test_the_warm_up_is_not_part_of_the_figures() -> None:
    plan = replace(PLAN, seconds=0.002, warm_up_s=0.002)
    first, _, _ = watch(plan, Workers(published(5)))
    assert first.totals.published_count == 5


def test_workers_begin_when_the_clock_has_been_read() -> None:
    workers = Workers()
    watch(replace(PLAN, seconds=0.001), workers)
    workers.board.await_go()


def test_a_run_of_messages_ends_with_the_last_delivery() -> None:
    workers = Workers(published(3), consumed(1), done, consumed(3))
    _, last, _ = watch(replace(PLAN, message_count=3), workers)
    assert last.totals.published_count == 3
    assert workers.board.done_count() == 1


def test_a_run_of_messages_does_not_end_before_its_publishers() -> None:
    steps = [published(3), *[consumed(3)] * 20]
    workers = Workers(*steps, done)
    watch(replace(PLAN, message_count=3), workers)
    assert workers.board.done_count() == 1


def test_a_run_without_consumers_ends_with_the_publishers() -> None:
    plan = replace(PLAN, message_count=3, load=replace(PLAN.load, consumer_queues=[]))
    _, last, _ = watch(plan, Workers(published(3), done))
    assert last.totals.published_count == 3


def test_a_run_without_publishers_ends_when_enough_was_consumed() -> None:
    plan = replace(PLAN, message_count=4, load=replace(PLAN.load, publisher_keys=[]))
    _, last, _ = watch(plan, Workers(consumed(2), consumed(4)))
    assert last.totals.consumed_count == 4


def test_a_run_whose_messages_do_not_come_ends_with_its_time() -> None:
    plan = replace(PLAN, message_count=4, seconds=0.003)
    first, last, _ = watch(plan, Workers(published(2)))
    assert last.at_s - first.at_s >= 0.003


def test_the_user_ends_a_run() -> None:
    interrupts = Interrupts()

    def ask(_board: Board) -> None:
        interrupts.is_asked = True

    _, last, _ = watch(replace(PLAN, warm_up_s=60.0), Workers(published(1), ask), interrupts)
    assert last.totals.published_count == 1


def test_each_second_is_told_with_what_happened_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "TELL_EVERY_S", 0.0)
    plan = replace(PLAN, message_count=5, load=replace(PLAN.load, has_instants=True))

    def late(board: Board) -> None:
        board.tally(1).latencies.record(1_000, [500])

    _, _, samples = watch(plan, Workers(published(2), late, published(5), done))
    assert [sample.counts.published_count for sample in samples[:3]] == [2, 0, 3]
    assert samples[0].latencies is None
    assert samples[1].latencies is not None
    assert samples[2].latencies is None


def test_asking_once_is_noticed_and_asking_twice_ends_at_once() -> None:
    interrupts = Interrupts()
    before = signal.getsignal(signal.SIGINT)
    with interrupts.listening():
        signal.raise_signal(signal.SIGTERM)
        assert interrupts.is_asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
