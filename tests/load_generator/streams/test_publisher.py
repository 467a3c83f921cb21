"""A publishing worker publishes its share, and waits for the confirms of it."""

from load_generator.board import Board
from load_generator.load import Load, Streaming
from load_generator.streams import commands
from load_generator.streams.publisher import publish
from tests.support.scripted_broker import ScriptedBroker
from tests.support.scripted_stream_broker import answer, confirm, log_in


def test_a_bounded_load_is_published_and_confirmed(broker: ScriptedBroker) -> None:
    how = Streaming(batch_count=10)
    load = Load(publisher_keys=[["s"]], body=b"x", message_count_max=15, streaming=how)
    board = Board(1, lifetime_s=60)
    board.go()
    tally = board.tally(0)
    broker.say(log_in(), answer(commands.DECLARE_PUBLISHER))

    def done() -> None:
        board.stop_publishers()

    tally.set_done = done  # type: ignore[method-assign]
    publish(load, broker.endpoint, [0], tally, lambda: broker.tell(confirm(15)))
    totals = board.totals()
    assert (totals.published_count, totals.confirmed_count) == (15, 15)
    heard = broker.read()
    whole, rest = (commands.publish(0, b"x", count, how, 0) for count in (10, 5))
    assert heard.count(whole) == 1
    assert heard.count(rest) == 1
