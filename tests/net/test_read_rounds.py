"""Rounds of reading: nobody is read twice in one, and pieces are as large as others can bear."""

import pytest

from amqp_server.net.read_rounds import (
    FAR_ROUND_US_MAX,
    LONELY_ROUNDS_MIN,
    PIECE_BYTES_MIN,
    ROUND_US_MAX,
    ReadRounds,
)
from tests.support.fake_loop import FakeLoop

WHOLE_BYTES = 4 * PIECE_BYTES_MIN
LONG_NS = ROUND_US_MAX * 1_000 + 1
SHORT_NS = 1


class FakeReader:
    def __init__(self) -> None:
        self.rounds_count = 0

    def read_on(self) -> None:
        self.rounds_count += 1


class Rig:
    """Rounds on a loop turned by hand, with a clock of the work done."""

    def __init__(self, whole_bytes: int = WHOLE_BYTES) -> None:
        self.loop = FakeLoop()
        self.work_ns = 0
        self.rounds = ReadRounds(self.loop.as_loop, whole_bytes, lambda: self.work_ns)

    def go_round(self, *readers: FakeReader, round_ns: int) -> None:
        """Have each of them fill its piece, and let the next round begin."""
        for reader in readers:
            if self.rounds.last_reader is not reader:
                self.rounds.last_reader = reader
                self.rounds.changes_count += 1
            self.rounds.filled(reader)
        self.work_ns += round_ns
        self.loop.run_ready()


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_who_filled_a_piece_waits_until_the_loop_looks_again(rig: Rig) -> None:
    first, second = FakeReader(), FakeReader()
    rig.rounds.filled(first)
    rig.rounds.filled(second)
    assert (first.rounds_count, second.rounds_count) == (0, 0)
    assert rig.loop.run_ready() == 1, "one round for all"
    assert (first.rounds_count, second.rounds_count) == (1, 1)
    assert rig.loop.ready == [], "without a piece that is filled there are no rounds"


def test_one_alone_keeps_the_whole_buffer_however_long_it_takes(rig: Rig) -> None:
    reader = FakeReader()
    rig.go_round(reader, round_ns=LONG_NS)  # the first read of all is another than the last
    rig.go_round(reader, round_ns=LONG_NS)
    before = rig.rounds.piece_bytes
    for _ in range(LONELY_ROUNDS_MIN):
        rig.go_round(reader, round_ns=LONG_NS)
    assert before <= rig.rounds.piece_bytes == WHOLE_BYTES == len(rig.rounds.buffer.lent)


def test_pieces_shrink_while_rounds_of_several_are_long_and_no_further_than_pays(rig: Rig) -> None:
    readers = FakeReader(), FakeReader()
    sizes = []
    for _ in range(4):
        rig.go_round(*readers, round_ns=LONG_NS)
        sizes.append(rig.rounds.piece_bytes)
    assert sizes == [WHOLE_BYTES // 2, PIECE_BYTES_MIN, PIECE_BYTES_MIN, PIECE_BYTES_MIN]
    assert len(rig.rounds.buffer.lent) == PIECE_BYTES_MIN


def test_pieces_grow_again_where_rounds_are_short(rig: Rig) -> None:
    readers = FakeReader(), FakeReader()
    for _ in range(2):
        rig.go_round(*readers, round_ns=LONG_NS)
    sizes = []
    for _ in range(3):
        rig.go_round(*readers, round_ns=SHORT_NS)
        sizes.append(rig.rounds.piece_bytes)
    assert sizes == [WHOLE_BYTES // 2, WHOLE_BYTES, WHOLE_BYTES]


def test_a_consumer_that_acks_keeps_the_publishers_pieces_small(rig: Rig) -> None:
    publisher, consumer = FakeReader(), FakeReader()
    for _ in range(2 * LONELY_ROUNDS_MIN):
        rig.rounds.last_reader = consumer  # its reads are small: they fill nothing
        rig.rounds.changes_count += 1
        rig.go_round(publisher, round_ns=LONG_NS)
    assert rig.rounds.piece_bytes == PIECE_BYTES_MIN
    for _ in range(LONELY_ROUNDS_MIN + 1):
        rig.go_round(publisher, round_ns=LONG_NS)
    assert rig.rounds.piece_bytes == WHOLE_BYTES, "the consumer has said nothing for a while"


def test_a_small_buffer_is_never_lent_beyond_its_end() -> None:
    rig = Rig(whole_bytes=1_000)
    readers = FakeReader(), FakeReader()
    for _ in range(3):
        rig.go_round(*readers, round_ns=LONG_NS)
    assert rig.rounds.piece_bytes == len(rig.rounds.buffer.lent) == 1_000


def test_nothing_is_held_of_a_reader_that_is_gone(rig: Rig) -> None:
    reader = FakeReader()
    rig.rounds.last_reader = reader
    rig.rounds.forget(FakeReader())
    assert rig.rounds.last_reader is reader
    rig.rounds.forget(reader)
    assert rig.rounds.last_reader is None


def test_rounds_that_go_on_to_other_nodes_may_be_longer(rig: Rig) -> None:
    readers = FakeReader(), FakeReader()
    rig.rounds.is_far = True
    rig.go_round(*readers, round_ns=LONG_NS)
    assert rig.rounds.piece_bytes == WHOLE_BYTES
    rig.rounds.is_far = True
    rig.go_round(*readers, round_ns=FAR_ROUND_US_MAX * 1_000 + 1)
    assert rig.rounds.piece_bytes == WHOLE_BYTES // 2, "but not as long as they like"
    rig.rounds.is_far = True
    rig.go_round(*readers, round_ns=LONG_NS)
    assert rig.rounds.piece_bytes == WHOLE_BYTES, "they may be twice as long as that"


def test_only_the_round_that_went_on_is_longer(rig: Rig) -> None:
    readers = FakeReader(), FakeReader()
    rig.rounds.is_far = True
    for expected_bytes in (WHOLE_BYTES, WHOLE_BYTES // 2):
        rig.go_round(*readers, round_ns=LONG_NS)
        assert rig.rounds.piece_bytes == expected_bytes
