"""A channel that waits for something outside keeps its own events waiting, and no others."""

from collections.abc import Iterator

import pytest
from pamqp import commands

from amqp_server.broker.awaited import Awaited
from amqp_server.broker.errors import PreconditionFailedError
from amqp_server.broker.steps import WaitingSteps
from amqp_server.protocol.channel import Channel
from amqp_server.protocol.methods import dispatch
from amqp_server.protocol.overlapping import ASKING_MAX
from amqp_server.wire.methods import Method
from tests.support.frames import method_frame
from tests.support.peer import Client, Node, Received


class Outside:
    """Stands behind exchange.delete, which waits for it."""

    def __init__(self) -> None:
        self.asked: dict[str, Awaited[None]] = {}
        self.ended: list[str] = []

    def delete(
        self, channel: Channel, method: commands.Exchange.Delete, _now_ms: int
    ) -> WaitingSteps[Method]:
        name = f"{channel.number} {method.exchange}"
        self.asked[name] = awaited = Awaited[None]()
        try:
            yield from awaited.value()
        finally:
            self.ended.append(name)
        return commands.Exchange.DeleteOk()


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
    """Let exchange.delete of all connections wait for this."""
    made = Outside()
    handlers = {**dispatch.HANDLERS, commands.Exchange.Delete: made.delete}
    monkeypatch.setattr(dispatch, "HANDLERS", handlers)
    yield made
    assert set(made.ended) == set(made.asked), "no steps are left behind"


def opened(channels_count: int = 3) -> Client:
    client = Node().open()
    for number in range(2, channels_count + 1):
        client.open_channel(number)
    client.declare("jobs")
    return client


def deleting(channel: int, name: str = "x") -> bytes:
    return method_frame(channel, commands.Exchange.Delete, exchange=name)


def shown(received: list[Received]) -> list[tuple[int, str]]:
    return [(each.channel, each.method.name) for each in received if each.method is not None]


def test_other_channels_go_on_and_answers_come_as_they_are_ready(outside: Outside) -> None:
    client = opened()
    client.send_bytes(deleting(1) + deleting(2))
    client.publish(b"m", routing_key="jobs", channel=3)
    client.send_bytes(method_frame(3, commands.Basic.Get, queue="jobs", no_ack=True))
    assert list(outside.asked) == ["1 x", "2 x"]
    assert shown(client.receive()) == [(3, "Basic.GetOk")]
    assert client.is_read(), "its socket is read"
    outside.asked["2 x"].set(None)
    client.node.end_turns()
    outside.asked["1 x"].set(None)
    client.node.end_turns()
    assert shown(client.receive()) == [(2, "Exchange.DeleteOk"), (1, "Exchange.DeleteOk")]


def test_what_follows_on_a_channel_that_waits_comes_in_its_order(outside: Outside) -> None:
    client = opened()
    client.send_bytes(deleting(1) + deleting(1, "y") + deleting(2) + deleting(1, "z"))
    assert list(outside.asked) == ["1 x", "2 x"]
    assert client.is_read(), "other channels go on"
    for name, asked in (("1 x", ["1 y"]), ("2 x", []), ("1 y", ["1 z"]), ("1 z", [])):
        before = list(outside.asked)
        outside.asked[name].set(None)
        client.node.end_turns()
        assert list(outside.asked) == before + asked, name
    assert [channel for channel, _ in shown(client.receive())] == [1, 2, 1, 1]
    assert client.is_read()


def test_so_many_channels_wait_at_a_time(outside: Outside) -> None:
    count = ASKING_MAX + 5
    client = opened(count)
    client.send_bytes(b"".join(map(deleting, range(1, count + 1))))
    assert len(outside.asked) == ASKING_MAX
    outside.asked["7 x"].set(None)
    client.node.end_turns()
    assert len(outside.asked) == ASKING_MAX + 1
    while waiting := [each for each in outside.asked.values() if not each.is_over]:
        waiting[0].set(None)
        client.node.end_turns()
    assert len(client.methods()) == count


def test_an_error_closes_its_channel_and_what_follows_there_is_not_done(outside: Outside) -> None:
    client = opened()
    client.send_bytes(deleting(1) + deleting(2) + deleting(1, "y") + deleting(3))
    outside.asked["1 x"].fail(PreconditionFailedError("no"))
    client.node.end_turns()
    assert list(outside.asked) == ["1 x", "2 x", "3 x"]
    assert shown(client.receive()) == [(1, "Channel.Close")]
    for name in ("2 x", "3 x"):
        outside.asked[name].set(None)
    client.node.end_turns()
    assert shown(client.receive()) == [(2, "Exchange.DeleteOk"), (3, "Exchange.DeleteOk")]


@pytest.mark.parametrize("last", ["close", "eof"])
def test_the_connection_ends_once_all_before_it_is_done(outside: Outside, last: str) -> None:
    client = opened()
    client.send_bytes(deleting(1) + deleting(2))
    if last == "close":
        client.send(
            commands.Connection.Close, 0, reply_code=200, reply_text="", class_id=0, method_id=0
        )
    else:
        client.connection.receive_eof(client.node.now_ms)
    for name in ("1 x", "2 x"):
        assert not client.connection.life.is_over
        outside.asked[name].set(None)
        client.node.end_turns()
    assert shown(client.receive())[:2] == [(1, "Exchange.DeleteOk"), (2, "Exchange.DeleteOk")]
    assert client.connection.life.is_over


def test_a_client_that_is_gone_is_not_kept(outside: Outside) -> None:
    client = opened()
    client.send_bytes(deleting(1) + deleting(2) + deleting(1, "y"))
    client.connection.lose(client.node.now_ms)
    client.node.end_turns()
    assert sorted(outside.ended) == ["1 x", "2 x"]
    for each in outside.asked.values():
        each.set(None)
    client.node.end_turns()
    assert list(outside.asked) == ["1 x", "2 x"]


def test_an_error_of_one_ends_the_connection_with_all_that_wait(outside: Outside) -> None:
    client = opened()
    client.send_bytes(deleting(1) + deleting(2) + deleting(1, "y"))
    outside.asked["2 x"].fail(RuntimeError("a bug"))
    client.node.end_turns()
    assert client.closed().code == 541
    outside.asked["1 x"].set(None)
    client.node.end_turns()
    assert list(outside.asked) == ["1 x", "2 x"]
