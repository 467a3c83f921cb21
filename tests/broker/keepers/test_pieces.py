"""Messages that became due together, and what each queue gets of them."""

from typing import cast

from amqp_server.broker.keepers.pieces import Part, Piece
from persistence.record import Record
from queues.delayed.waiting import Due
from queues.delayed.waiting_engine import WaitingEngine


def test_the_rest_of_a_part_keeps_where_its_messages_wait() -> None:
    records = [Record(b"\x01x\x01k", b"", body) for body in (b"a", b"bb", b"ccc")]
    piece = Piece(cast("WaitingEngine", None), Due([4, 6, 9], records))
    assert piece.size_bytes == 6
    rest = Part(piece, "q", records, [4, 6, 9]).rest([0, 2])
    assert ([each.body for each in rest.run], rest.positions) == ([b"a", b"ccc"], [4, 9])
    assert rest.size_bytes == 4
