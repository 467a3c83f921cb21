"""A pace holds pieces back, and makes up for nothing."""

import pytest

from amqp_server.broker.jobs.move import JobState
from amqp_server.broker.jobs.pace import Pace
from amqp_server.broker.turn import Turn
from tests.broker.jobs.test_move import Desk


@pytest.mark.parametrize(
    ("rate", "piece"), [(None, 256), (1, 1), (19, 1), (500, 50), (1_000_000, 256)]
)
def test_a_piece_is_a_tenth_of_a_second(rate: int | None, piece: int) -> None:
    assert Pace(rate, Turn(1), lambda: None).piece_max(256) == piece


def test_the_next_piece_waits_and_time_that_went_by_is_not_made_up_for() -> None:
    rung: list[None] = []
    pace = Pace(10, Turn(1), lambda: rung.append(None))
    assert not pace.is_early(1_000)
    pace.moved(5, 1_000)
    assert pace.is_early(1_499)
    assert pace.next_deadline_ms() == 1_501
    pace.expire(1_400)
    assert rung == []
    pace.expire(1_501)
    pace.expire(1_501)
    assert (rung, pace.next_deadline_ms(), pace.is_early(1_501)) == ([None], None, False)
    pace.moved(1, 9_000)
    assert (pace.is_early(9_099), pace.is_early(9_100)) == (True, False)


def test_a_job_moves_at_its_rate_and_ends_while_it_waits() -> None:
    desk = Desk()
    desk.client.declare()
    desk.client.declare("other")
    desk.client.publish(*[b"m"] * 9)
    move = desk.move(rate=2)
    moved = [move.moved]
    for _ in range(3):
        desk.node.advance(1_000)
        moved.append(move.moved)
    assert moved == [1, 2, 4, 6]
    move.state = JobState.CANCELLED
    desk.node.advance(1_000)
    assert (move.moved, len(desk.bodies("jobs")), len(desk.bodies("other"))) == (6, 3, 6)
    waiting = desk.node.broker.turn
    assert (waiting.waiting_count, waiting.next_deadline_ms()) == (0, None)
