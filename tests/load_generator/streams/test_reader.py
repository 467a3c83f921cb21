"""A reading worker subscribes, counts, and gives credit for what it has read."""

from load_generator.board import Board, Tally
from load_generator.load import Load, Streaming
from load_generator.streams import commands
from load_generator.streams.reader import buffer_bytes, read
from tests.support.scripted_broker import ScriptedBroker
from tests.support.scripted_stream_broker import answer, chunk, log_in

LOAD = Load(consumer_queues=["s"] * 2, offset="first", streaming=Streaming(credit=3))


class Until(Tally):
    """Ends the readers once so many messages are counted."""

    def __init__(self, count: int) -> None:
        board = Board(1, lifetime_s=60)
        own = board.tally(0)
        super().__init__(board, own._row, own.latencies)
        self._count = count
        board.go()

    def set_consumed(self, count: int) -> None:
        super().set_consumed(count)
        if count >= self._count:
            self.board.stop_consumers()


def test_one_reader_gives_a_credit_for_each_chunk(broker: ScriptedBroker) -> None:
    broker.say(log_in(), answer(commands.SUBSCRIBE), chunk(0, 2), chunk(2, 2))
    tally = Until(4)
    read(LOAD, broker.endpoint, [0], tally, lambda: None)
    assert tally.board.totals().consumed_count == 4
    heard = broker.read()
    assert commands.subscribe("s", "first", 3, ()) in heard
    assert commands.credit(2) in heard


def test_readers_share_a_worker(broker: ScriptedBroker) -> None:
    for _ in range(2):
        broker.say(log_in(), answer(commands.SUBSCRIBE), chunk(0, 5))
    tally = Until(10)
    read(LOAD, broker.endpoint, [0, 1], tally, lambda: None)
    assert tally.board.totals().consumed_count == 10


def test_buffers_of_many_readers_stay_small() -> None:
    assert buffer_bytes(1) == 1 << 19
    assert buffer_bytes(1_000) == 1 << 16
