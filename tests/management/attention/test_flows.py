"""Messages that reach no queue, and connections that are blocked."""

from amqp_server.broker.views import ConnectionView, ExchangeView
from management.attention.flows import ConnectionWatch, ExchangeWatch


def exchange(lost: int) -> ExchangeView:
    return ExchangeView("x", "/", "direct", True, False, False, {}, None, 9, 0, lost, 0)


def looked(watch: ExchangeWatch, now_ms: int, lost: int) -> list[str]:
    watch.begin(now_ms)
    watch.note(now_ms, exchange(lost))
    return [found.amount for found in watch.concerns()]


def test_messages_that_reach_no_queue_are_told_while_it_goes_on() -> None:
    watch = ExchangeWatch()
    assert looked(watch, 100_000, 0) == []
    assert looked(watch, 105_000, 5) == []
    assert looked(watch, 110_000, 15) == ["2.0/s"]
    assert looked(watch, 300_000, 15) != []
    assert looked(watch, 400_000, 15) == []


def connection(name: str, state: str, username: str = "eve") -> ConnectionView:
    ends = ("h", 1, "p", 2)
    nothing = (None,) * 5
    return ConnectionView(
        name, "/", username, "AMQP", *ends, *nothing, 0, 1, 0, 0, 0, 0, state=state
    )


def test_blocked_connections_of_a_user_are_told_together() -> None:
    watch = ConnectionWatch()
    watch.begin()
    for name, state in (("a", "blocked"), ("b", "running"), ("c", "blocking")):
        watch.note(connection(name, state))
    watch.note(connection("d", "blocked", "bob"))
    told = [(found.name, found.username, found.amount) for found in watch.concerns(5)]
    assert told == [("a", "eve", "2 blocked"), ("d", "bob", "1 blocked")]
    watch.begin()
    assert list(watch.concerns(6)) == []
