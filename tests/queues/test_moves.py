"""What died waits in order, is taken in parts, and counts until it is settled."""

from queues.effects import DeathReason
from queues.moves import MOVES_WAITING_MAX, Dying, Moves
from tests.support.records import run_of

REASON = DeathReason.REJECTED


def dying(first: int, *bodies: bytes) -> Dying:
    return Dying(range(first, first + len(bodies)), run_of(*bodies), REASON, "dlx", None)


def test_the_oldest_are_taken_first_and_in_parts() -> None:
    moves = Moves()
    moves.add(dying(3, b"a", b"b", b"c"))
    moves.add(dying(9, b"d"))
    assert moves.take(2) == dying(3, b"a", b"b")
    assert moves.take(2) == dying(5, b"c")
    assert moves.take(2) == dying(9, b"d")
    assert moves.take(2) is None


def test_what_was_never_in_the_queue_has_no_positions() -> None:
    moves = Moves()
    moves.add(Dying((), run_of(b"a", b"b"), REASON, "dlx", None))
    assert moves.take(1) == Dying((), run_of(b"a"), REASON, "dlx", None)
    assert moves.take(1) == Dying((), run_of(b"b"), REASON, "dlx", None)


def test_all_count_until_they_are_done() -> None:
    moves = Moves()
    moves.add(dying(0, b"a", b"bb"))
    taken = moves.take(1)
    assert taken is not None
    assert (moves.count, moves.body_bytes, moves.room) == (2, 3, MOVES_WAITING_MAX - 2)
    moves.done(taken)
    assert (moves.count, moves.body_bytes) == (1, 2)


def test_there_is_never_less_room_than_none() -> None:
    moves = Moves()
    moves.add(dying(0, *[b"x"] * (MOVES_WAITING_MAX + 1)))
    assert moves.room == 0


def test_what_is_held_is_not_taken_and_what_is_given_back_comes_last() -> None:
    moves = Moves()
    moves.add(dying(0, b"a"))
    moves.add(dying(1, b"b"))
    moves.are_held = True
    assert moves.take(1) is None
    moves.are_held = False
    first = moves.take(1)
    assert first is not None
    moves.give_back(first)
    assert (moves.count, moves.take(1), moves.take(1)) == (2, dying(1, b"b"), first)
