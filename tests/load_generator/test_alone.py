"""A lane that has its worker to itself publishes one by one, or when each message is due."""

import struct
from collections.abc import Callable

import pytest

from load_generator import alone, lane, publisher, wire
from load_generator.board import Board, Tally
from load_generator.load import Load
from load_generator.publisher import publish
from load_generator.wire import BrokerRefusalError
from tests.support.scripted_broker import ScriptedBroker

SELECTED = wire.method(1, wire.CONFIRM_SELECT_OK)
Answer = Callable[[int], None]


class AskedBoard(Board):
    """Tells that it is asked whether to stop, which happens between any two messages."""

    def __init__(self) -> None:
        super().__init__(1, lifetime_s=60)
        self.when_asked: Callable[[], bool] = lambda: False

    @property
    def is_stopping(self) -> bool:
        return self.when_asked() or super().is_stopping


class Answered(Tally):
    """Lets a broker answer each time that something was published; stops when all is done."""

    def __init__(self, answer: Answer = lambda _count: None, board: Board | None = None) -> None:
        board = board or AskedBoard()
        own = board.tally(0)
        super().__init__(board, own._row, own.latencies)
        self._answer = answer

    def set_published(self, count: int) -> None:
        if count > self.board.totals().published_count:
            super().set_published(count)
            self._answer(count)

    def set_done(self) -> None:
        super().set_done()
        self.board.stop_publishers()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alone, "ALONE_WAIT_S", 0.001)
    monkeypatch.setattr(lane, "ALONE_WAIT_S", 0.001)
    monkeypatch.setattr(lane, "GOODBYE_TIMEOUT_S", 0.001)
    monkeypatch.setattr(publisher, "ANSWERS_TIMEOUT_S", 0.001)
    monkeypatch.setattr(publisher, "_ANSWERS_POLL_S", 0.001)


def load_of(**changes: object) -> Load:
    return Load(publisher_keys=[["q"]], properties=wire.properties(), **changes)  # type: ignore[arg-type]


def publish_with(load: Load, broker: ScriptedBroker, tally: Tally) -> None:
    publish(load, broker.endpoint, [0], tally, tally.board.go)


def published_by(broker: ScriptedBroker) -> int:
    return broker.methods_heard().count(wire.BASIC_PUBLISH)


@pytest.mark.parametrize(
    ("changes", "lane_count", "expected"),
    [
        ({"confirm_window": 1}, 1, True),
        ({"rate_per_s": 10.0}, 1, True),
        ({}, 1, False),
        ({"confirm_window": 2}, 1, False),
        ({"confirm_window": 1, "rate_per_s": 10.0}, 1, False),
        ({"confirm_window": 1}, 2, False),
        ({"rate_per_s": 10.0}, 2, False),
    ],
)
def test_only_a_single_lane_that_waits_for_one_thing_suits(
    changes: dict[str, float], lane_count: int, expected: bool
) -> None:
    assert alone.suits(load_of(**changes), lane_count) is expected


class TestInLockstep:
    def test_nothing_is_published_before_the_last_is_answered(self, broker: ScriptedBroker) -> None:
        broker.log_in(SELECTED)
        heard: list[int] = []

        def confirm(count: int) -> None:
            heard.append(published_by(broker))
            broker.tell(wire.ack(count, multiple=bool(count % 2)))

        tally = Answered(confirm)
        publish_with(load_of(confirm_window=1, message_count_max=40), broker, tally)
        assert heard == [1] * 40
        assert tally.board.totals()[:2] == (40, 40)

    def test_a_nack_is_counted_as_one(self, broker: ScriptedBroker) -> None:
        broker.log_in(SELECTED)
        nack = struct.Struct(">QB")

        def refuse(count: int) -> None:
            broker.tell(wire.method(1, wire.BASIC_NACK, nack.pack(count, 0)))

        tally = Answered(refuse)
        publish_with(load_of(confirm_window=1, message_count_max=3), broker, tally)
        assert tally.board.totals()[:3] == (3, 0, 3)

    def test_an_answer_cut_in_two_is_waited_for(self, broker: ScriptedBroker) -> None:
        broker.log_in(SELECTED)
        board = AskedBoard()

        def say_the_rest() -> bool:
            if published := board.totals().published_count:
                broker.tell(wire.ack(published, multiple=False)[20:])
                board.when_asked = lambda: False
            return False

        def say_some(count: int) -> None:
            broker.tell(wire.ack(count, multiple=False)[:20])
            board.when_asked = say_the_rest

        tally = Answered(say_some, board)
        publish_with(load_of(confirm_window=1, message_count_max=2), broker, tally)
        assert board.totals()[:2] == (2, 1), "the second answer is never whole"

    def test_an_answer_to_what_was_not_published_is_told(self, broker: ScriptedBroker) -> None:
        broker.log_in(SELECTED)
        tally = Answered(lambda count: broker.tell(wire.ack(count + 1, multiple=False)))
        with pytest.raises(BrokerRefusalError, match="an answer to publish 2 after 1"):
            publish_with(load_of(confirm_window=1), broker, tally)

    def test_a_close_is_told_in_the_brokers_words(self, broker: ScriptedBroker) -> None:
        broker.log_in(SELECTED)
        reason = struct.pack(">H", 404) + wire.shortstr("NOT_FOUND - no exchange") + bytes(4)
        tally = Answered(lambda _count: broker.tell(wire.method(1, wire.CHANNEL_CLOSE, reason)))
        with pytest.raises(BrokerRefusalError, match="404 NOT_FOUND"):
            publish_with(load_of(confirm_window=1), broker, tally)

    def test_a_broker_that_does_not_answer_does_not_keep_us(self, broker: ScriptedBroker) -> None:
        broker.log_in(SELECTED)
        board = AskedBoard()
        publish_with(
            load_of(confirm_window=1),
            broker,
            Answered(lambda _count: board.stop_publishers(), board),
        )
        assert board.totals()[:2] == (1, 0)

    def test_a_message_larger_than_the_socket_takes_goes_in_pieces(
        self, broker: ScriptedBroker
    ) -> None:
        broker.log_in(SELECTED)
        board = AskedBoard()

        def read_meanwhile() -> bool:
            broker.read()
            return False

        board.when_asked = read_meanwhile
        tally = Answered(lambda count: broker.tell(wire.ack(count, multiple=False)), board)
        load = load_of(confirm_window=1, message_count_max=1, body=bytes(2_000_000))
        publish_with(load, broker, tally)
        assert board.totals()[:2] == (1, 1)

    def test_no_more_is_published_than_the_backlog_has_room_for(
        self, broker: ScriptedBroker
    ) -> None:
        broker.log_in(SELECTED)
        tally = Answered(lambda count: broker.tell(wire.ack(count, multiple=False)))
        board = tally.board
        assert isinstance(board, AskedBoard)
        asked = iter([False] * 10 + [True] * 100)
        board.when_asked = lambda: next(asked)
        publish_with(load_of(confirm_window=1, backlog_max=5), broker, tally)
        assert board.totals()[:2] == (5, 5)


class TestAtARate:
    def test_all_that_is_asked_for_is_published(self, broker: ScriptedBroker) -> None:
        broker.log_in()
        tally = Answered()
        publish_with(load_of(rate_per_s=5_000.0, message_count_max=100), broker, tally)
        assert published_by(broker) == tally.board.totals().published_count == 100

    def test_nothing_is_published_before_it_is_due(self, broker: ScriptedBroker) -> None:
        broker.log_in()
        tally = Answered(lambda count: tally.board.stop_publishers() if count else None)
        publish_with(load_of(rate_per_s=0.001), broker, tally)
        assert published_by(broker) == 1

    def test_a_broker_that_hangs_up_is_noticed_while_nothing_is_due(
        self, broker: ScriptedBroker
    ) -> None:
        broker.log_in()
        with pytest.raises(BrokerRefusalError, match="ended the connection"):
            publish_with(
                load_of(rate_per_s=0.001), broker, Answered(lambda _count: broker.hang_up())
            )

    def test_a_broker_that_reads_no_more_does_not_keep_us(self, broker: ScriptedBroker) -> None:
        broker.log_in()
        board = AskedBoard()
        asked = iter([False] * 20 + [True] * 1_000)
        board.when_asked = lambda: next(asked)
        load = load_of(rate_per_s=1_000_000.0, body=bytes(400_000))
        publish_with(load, broker, Answered(board=board))
        assert board.totals().published_count < 20
