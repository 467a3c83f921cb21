"""Congestion: who waits is called once, when it is over."""

from collections.abc import Callable

from amqp_server.broker.congestion import BROUGHT_ABOUT_MAX, Congestion


def test_who_waits_goes_on_once_and_in_order_when_it_is_over() -> None:
    congestion = Congestion()
    gone_on: list[str] = []
    congestion.set(is_on=True)
    congestion.wait(lambda: gone_on.append("a"))
    congestion.wait(lambda: gone_on.append("b"))
    assert (congestion.is_on, gone_on) == (True, [])
    congestion.set(is_on=False)
    assert (congestion.is_on, gone_on) == (False, ["a", "b"])
    congestion.set(is_on=False)
    assert gone_on == ["a", "b"]


def test_who_is_held_up_again_at_once_waits_again() -> None:
    congestion = Congestion()
    calls: list[int] = []

    def go_on() -> None:
        calls.append(len(calls))
        congestion.wait(go_on)

    congestion.set(is_on=True)
    congestion.wait(go_on)
    for _ in range(3):
        congestion.set(is_on=False)
    assert calls == [0, 1, 2]


def test_who_brings_about_too_much_waits_until_enough_is_worked_off() -> None:
    congestion = Congestion()
    gone_on: list[str] = []
    congestion.bring_about(BROUGHT_ABOUT_MAX, by_event=True)
    assert not congestion.is_on, "it may be so much"
    congestion.bring_about(5, by_event=True)
    seen = [congestion.is_on]
    congestion.wait(lambda: gone_on.append("a"))
    seen.append(congestion.is_on)
    assert seen == [True, False], "nobody else waits"
    congestion.bring_about(2, by_event=True)
    congestion.wait(lambda: gone_on.append("b"))
    congestion.work_off(4)
    assert gone_on == []
    congestion.work_off(1)
    assert gone_on == ["a"]
    congestion.work_off(2)
    assert gone_on == ["a", "b"]


def test_what_is_worked_off_within_the_event_keeps_nobody_waiting() -> None:
    congestion = Congestion()
    congestion.bring_about(BROUGHT_ABOUT_MAX + 5, by_event=True)
    congestion.work_off(5)
    assert not congestion.is_on


def test_nobody_waits_for_what_no_event_brought_about() -> None:
    congestion = Congestion()
    congestion.bring_about(2 * BROUGHT_ABOUT_MAX, by_event=False)
    assert not congestion.is_on


def test_the_node_stays_behind_whoever_is_excused() -> None:
    congestion = Congestion()
    congestion.bring_about(2 * BROUGHT_ABOUT_MAX, by_event=True)
    congestion.set(is_on=True)
    congestion.excuse()
    assert (congestion.is_on, congestion.is_brought_about) == (True, False)
    congestion.bring_about(1, by_event=True)
    congestion.set(is_on=False)
    assert congestion.is_on


def test_who_fills_a_queue_waits_for_it_and_nobody_else_does() -> None:
    congestion = Congestion()
    of_queue: list[Callable[[], None]] = []
    gone_on: list[str] = []
    congestion.fill(of_queue.append)
    assert (congestion.is_on, congestion.is_caused) == (True, True)
    congestion.wait(lambda: gone_on.append("a"))
    assert (congestion.is_on, congestion.is_caused) == (False, False)
    congestion.set(is_on=True)
    congestion.set(is_on=False)
    assert gone_on == [], "the node is not what it waits for"
    of_queue.pop()()
    assert gone_on == ["a"]


def test_who_did_not_fill_a_queue_is_excused() -> None:
    congestion = Congestion()
    for ends in (congestion.excuse, lambda: congestion.blame_only(None)):
        congestion.fill(lambda _go_on: None)
        congestion.set(is_on=False)
        assert congestion.is_on
        ends()
        assert (congestion.is_on, congestion.is_caused) == (False, False)
    first: list[Callable[[], None]] = []
    congestion.fill(first.append)
    blamed = congestion.full
    congestion.fill(lambda _go_on: None)
    congestion.blame_only(blamed)
    congestion.wait(lambda: None)
    assert len(first) == 1
