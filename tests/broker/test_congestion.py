"""Congestion: who waits is called once, when it is over."""

from amqp_server.broker.congestion import Congestion


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
