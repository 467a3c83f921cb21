"""A publishing worker goes through its lanes until all is published, or it is told to stop."""

from collections.abc import Callable

import pytest

from load_generator import publisher, wire
from load_generator.board import Board, Tally
from load_generator.load import Load
from load_generator.publisher import publish
from tests.support.scripted_broker import ScriptedBroker

SELECTED = wire.method(1, wire.CONFIRM_SELECT_OK)


class UntilDone(Tally):
    """Stops the publishers when one of them has done all; or when so many are published."""

    def __init__(self, published_count_max: int = 1 << 60) -> None:
        board = Board(1, lifetime_s=60)
        own = board.tally(0)
        super().__init__(board, own._row, own.latencies)
        self._max = published_count_max
        self.answers: dict[int, list[Callable[[], None]]] = {}

    def set_done(self) -> None:
        super().set_done()
        self.board.stop_publishers()

    def set_published(self, count: int) -> None:
        super().set_published(count)
        for answer in self.answers.pop(count, ()):
            answer()
        if count >= self._max:
            self.board.stop_publishers()


def load_of(publisher_count: int, **changes: object) -> Load:
    keys = [["q"]] * publisher_count
    return Load(publisher_keys=keys, properties=wire.properties(), body=bytes(12), **changes)  # type: ignore[arg-type]


def publish_with(
    load: Load, broker: ScriptedBroker, tally: Tally, indexes: Callable[[int], range] = range
) -> None:
    publish(load, broker.endpoint, indexes(len(load.publisher_keys)), tally, tally.board.go)


def published_by(broker: ScriptedBroker, connection_index: int) -> int:
    return broker.methods_heard(connection_index).count(wire.BASIC_PUBLISH)


def test_publishers_share_the_messages_that_were_asked_for(broker: ScriptedBroker) -> None:
    for _ in range(3):
        broker.log_in()
    tally = UntilDone()
    publish_with(load_of(3, message_count_max=7), broker, tally)
    assert [published_by(broker, index) for index in range(3)] == [3, 2, 2]
    assert tally.board.totals().published_count == 7
    assert tally.board.done_count() == 1


def test_a_publisher_without_a_share_publishes_nothing(broker: ScriptedBroker) -> None:
    for _ in range(2):
        broker.log_in()
    publish_with(load_of(2, message_count_max=1), broker, UntilDone())
    assert [published_by(broker, index) for index in range(2)] == [1, 0]


def test_the_end_waits_for_the_confirms_and_counts_them(broker: ScriptedBroker) -> None:
    broker.log_in(SELECTED)
    tally = UntilDone()
    tally.answers[3] = [lambda: broker.tell(wire.ack(3, multiple=True))]
    publish_with(load_of(1, message_count_max=3, confirm_window=10), broker, tally)
    assert tally.board.totals()[:2] == (3, 3)


def test_confirms_that_never_come_are_not_waited_for_for_ever(
    broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "ANSWERS_TIMEOUT_S", 0.001)
    broker.log_in(SELECTED)
    tally = UntilDone()
    tally.answers[3] = [lambda: broker.tell(wire.ack(1, multiple=False))]
    publish_with(load_of(1, message_count_max=3, confirm_window=10), broker, tally)
    assert tally.board.totals()[:2] == (3, 1)


def test_publishing_ends_when_the_board_says_so(broker: ScriptedBroker) -> None:
    broker.log_in()
    tally = UntilDone(published_count_max=10)
    publish_with(load_of(1, publishes_per_write=5), broker, tally)
    assert published_by(broker, 0) == 10
