"""What a period lets through of each kind, and what it says of the rest."""

from amqp_server.net.log_flood import KINDS_MAX, PERIOD_S, FloodGuard, Kind, Suppressed

NOW_S = 1_000_000.0
LOGIN = "login refused peer=%s"


def test_a_kind_has_its_number_of_lines_and_the_rest_is_counted() -> None:
    guard = FloodGuard()
    guard.begin_period(NOW_S)
    admitted = [guard.admits("protocol", LOGIN, 3) for _ in range(5)]
    assert admitted == [True, True, True, False, False]
    assert guard.has_suppressed
    assert guard.begin_period(NOW_S + PERIOD_S) == [Suppressed(Kind("protocol", LOGIN), 2)]


def test_another_kind_does_not_suffer() -> None:
    guard = FloodGuard()
    guard.begin_period(NOW_S)
    assert guard.admits("protocol", LOGIN, 1)
    assert not guard.admits("protocol", LOGIN, 1)
    assert guard.admits("protocol", "connection opened", 1)
    assert guard.admits("net", LOGIN, 1), "the logger is part of the kind"


def test_a_new_period_begins_at_nothing() -> None:
    guard = FloodGuard()
    guard.begin_period(NOW_S)
    assert [guard.admits("protocol", LOGIN, 1) for _ in range(2)] == [True, False]
    guard.begin_period(NOW_S + PERIOD_S)
    assert guard.admits("protocol", LOGIN, 1)
    assert not guard.has_suppressed
    assert guard.begin_period(NOW_S + 2 * PERIOD_S) == [], "nothing to tell"


def test_a_period_lasts_its_time_also_when_the_clock_is_put_back() -> None:
    guard = FloodGuard()
    assert guard.is_period_over(0.0), "there is none at first"
    guard.begin_period(NOW_S)
    assert not guard.is_period_over(NOW_S)
    assert not guard.is_period_over(NOW_S + PERIOD_S - 0.001)
    assert guard.is_period_over(NOW_S + PERIOD_S)
    assert guard.is_period_over(NOW_S - 1)


def test_formats_made_up_by_a_flood_are_one_kind_beyond_a_number() -> None:
    guard = FloodGuard()
    guard.begin_period(NOW_S)
    assert all(guard.admits("asyncio", f"made up {number}", 1) for number in range(KINDS_MAX))
    assert [guard.admits("asyncio", f"more {number}", 1) for number in range(3)] == [
        True,
        False,
        False,
    ]
    (left_out,) = guard.begin_period(NOW_S + PERIOD_S)
    assert left_out.lines_count == 2
