"""Last words: at once where nothing is to be given back any more, else after it, or never."""

import gc

from amqp_server.broker.steps import Steps
from amqp_server.broker.turn import Turn
from amqp_server.connections.outbox import Outbox
from amqp_server.protocol.farewell import Farewell
from tests.support.counted_clock import budget_of


class Place:
    """A connection that has three pieces to give back, and a turn that allows one."""

    def __init__(self, pieces_per_turn: int = 1) -> None:
        self.turn = Turn(10, budget_of(pieces_per_turn))
        self.outbox = Outbox(1_000, lambda: None)
        self.farewell = Farewell(self.outbox)
        self.pieces_left = 3
        self.said_count = 0

    def begin(self) -> bool:
        self.turn.budget.begin()
        return self.farewell.begin(self._ending(), self.turn, self._said)

    def end_turn(self) -> bool:
        self.turn.budget.begin()
        return self.turn.end(1)

    def _ending(self) -> Steps[None]:
        while self.pieces_left:
            self.pieces_left -= 1
            yield

    def _said(self) -> None:
        self.said_count += 1


def test_what_is_quickly_given_back_holds_nothing() -> None:
    place = Place(pieces_per_turn=100)
    assert place.begin()
    place.farewell.say(b"close-ok")
    assert not place.farewell.is_held
    assert place.outbox.take() == [b"close-ok"]
    assert place.said_count == 0


def test_words_wait_for_all_that_is_to_be_given_back() -> None:
    place = Place()
    assert not place.begin()
    place.farewell.say(b"close")
    place.farewell.say(b"close-ok")
    while place.end_turn():
        assert place.farewell.is_held
        assert place.outbox.take() == []
    assert place.pieces_left == 0
    assert not place.farewell.is_held
    assert place.outbox.take() == [b"close", b"close-ok"]
    assert place.said_count == 1


def test_who_is_gone_is_told_nothing_and_all_is_given_back() -> None:
    place = Place()
    place.begin()
    place.farewell.say(b"close-ok")
    place.farewell.drop()
    while place.end_turn():
        pass
    assert place.pieces_left == 0
    assert place.outbox.take() == []
    assert place.said_count == 0


def test_nothing_of_it_waits_for_the_cyclic_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        place = Place()
        place.begin()
        while place.end_turn():
            pass
        del place
        assert gc.collect() == 0
    finally:
        gc.enable()
