"""Publishers stop when they are too far ahead, and forget what never arrives."""

import pytest

from load_generator import backlog
from load_generator.backlog import Backlog
from load_generator.board import Board, Tally
from load_generator.load import Load


def counted(
    published_count: int, consumed_count: int = 0, returned_count: int = 0
) -> tuple[Board, Tally]:
    board = Board(1, lifetime_s=60)
    tally = board.tally(0)
    tally.set_published(published_count)
    tally.set_consumed(consumed_count)
    tally.set_answered(0, 0, returned_count)
    return board, tally


def test_no_limit_leaves_room_for_all() -> None:
    board, _ = counted(1 << 40)
    assert Backlog(Load(), board).room() > 1 << 60


@pytest.mark.parametrize(
    ("counts", "copies", "room"),
    [((60, 0), 1, 40), ((200, 60), 1, -40), ((200, 450), 3, 50), ((150, 20, 40), 1, 10)],
)
def test_what_has_not_arrived_takes_room(counts: tuple[int, ...], copies: int, room: int) -> None:
    board, _ = counted(*counts)
    assert Backlog(Load(backlog_max=100, copies=copies), board).room() == room


def test_what_never_arrives_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "BACKLOG_PATIENCE_S", -1.0)
    board, tally = counted(100)
    limited = Backlog(Load(backlog_max=100), board)
    assert [limited.room(), limited.room(), limited.room()] == [0, 0, 100]
    tally.set_published(150)
    assert limited.room() == 50
